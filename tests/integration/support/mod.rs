//! Shared by the integration tests.

mod app;
mod ask;
mod blocks;
mod checkout;
pub(crate) mod github;
mod scripted;
pub(crate) mod upstream;

pub(crate) use app::{App, Run, stable};
pub(crate) use ask::ASK;
pub(crate) use blocks::run_blocks;
pub(crate) use checkout::checkout;
pub(crate) use scripted::ScriptedModel;

/// Returns the path of a file of this repository.
pub(crate) fn repository_path(path: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(path).to_str().unwrap().to_owned()
}
