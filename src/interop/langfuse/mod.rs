//! Traces from Langfuse: its newer API first, its older one where there is no other, or files.
//!
//! `GET /api/public/v2/observations` is what version 4 and the cloud have; it gives text for JSON, rows in
//! descending order and by pages, and nothing of the trace itself. `GET /api/public/traces/{id}` is what
//! version 3 has. Which one is there shows by how it refuses. Source: Langfuse's API reference.

mod api;
mod file;
mod list;
mod place;
mod rows;
mod trace;

pub use api::{Langfuse, LangfuseApi, LangfuseError};
pub use file::read_langfuse_file;
pub use list::{DatasetItem, Wanted};
pub use place::LangfusePlace;
