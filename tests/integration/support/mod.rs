//! Shared by the integration tests.

mod app;
mod ask;
mod blocks;
mod checkout;
mod scripted;
pub(crate) mod upstream;

pub(crate) use app::{App, Run, stable};
pub(crate) use ask::ASK;
pub(crate) use blocks::run_blocks;
pub(crate) use checkout::checkout;
pub(crate) use scripted::ScriptedModel;
