//! `rewind import from-langfuse|otel|from-langsmith|from-helicone`: sessions from the traces of other tools.

mod keep;
mod langfuse;
mod otel;
mod others;
mod print;

use camino::Utf8PathBuf;

pub use langfuse::{LangfuseOptions, from_langfuse};
pub use otel::{OtelOptions, from_otel};
pub use others::{OtherOptions, from_helicone, from_langsmith};

/// What every import is told.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The directory of the store; the nearest one where it is not given.
    pub store: Option<Utf8PathBuf>,
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The session's name; that of the trace where it is not given.
    pub name: Option<String>,
    /// Whether a trace that lost something is refused.
    pub strict: bool,
    /// Whether the report is JSON.
    pub json: bool,
}
