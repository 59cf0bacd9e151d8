//! One file per command: plain options in, text out, an [`Exit`] back.

mod context;
mod failure;

pub use context::Context;
pub use failure::CommandError;
