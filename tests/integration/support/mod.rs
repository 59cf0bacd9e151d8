//! Shared by the integration tests.

mod app;
mod scripted;
pub(crate) mod upstream;

pub(crate) use app::{App, Run};
pub(crate) use scripted::ScriptedModel;
