//! GitHub: where a job runs, and what it tells there.
//!
//! A [`Job`] is read from the variables and the event that the runner gives; an [`Api`] speaks for it. What is
//! told is a [`comment`], a [`check_run`] or an [`issue`], each found again by its [`Marker`] and its author, so that
//! there is one, edited in place, and never by an older run over a newer one.
//!
//! Nothing here decides a verdict or prints. `octocrab` carries the requests; its types and its retries are
//! not used, see [`Api`].

mod api;
pub mod check_run;
pub mod comment;
pub mod commit;
mod error;
pub mod issue;
mod job;
pub mod label;
mod marker;
mod pulls;
mod text;
pub mod trust;

pub use api::Api;
pub use error::{ApiError, Needs};
pub use job::{Job, JobError, Repository, Run, forbids_agents};
pub use marker::{InvalidKey, Key, Marker};
pub use pulls::pull_of;
pub use text::{Broken, Conclusion, Links, Subject, address};
