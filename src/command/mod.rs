//! One file per command: plain options in, text out, an [`Exit`](crate::exit::Exit) back.

mod asked;
pub mod assert;
mod backend;
pub mod baseline;
mod context;
pub mod demo;
pub mod diff;
pub mod eval;
pub mod export;
mod failure;
pub mod gate;
pub mod github;
pub mod history;
pub mod import;
pub mod init;
mod judging;
mod keys;
pub mod mcp;
pub mod merge;
mod output;
pub mod record;
pub mod replay;
pub mod report;
pub mod rules;
pub mod scripted;
pub mod selftest;
pub mod session;
mod setup;
pub mod share;
pub mod show;
mod stored;
pub mod verify;

pub use backend::{BackendOptions, WayOut, check_live, way_out};
pub use context::Context;
pub use failure::CommandError;
pub use keys::{KeyFileError, Keys, read_keys};
pub use setup::{
    CaptureOptions, agent_config, agent_spec, env_rule, listener, load_config, redactor, set_up,
    store_dir,
};
