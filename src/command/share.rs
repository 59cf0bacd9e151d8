//! `rewind share`: writes a session as one self-contained HTML file.

use std::fs;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};

use super::rules::prices;
use super::stored::session;
use super::{CommandError, Context, load_config};
use crate::exit::Exit;
use crate::report::{Texts, html};

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct ShareOptions {
    /// The directory of the store; the nearest one where it is not given.
    pub store: Option<Utf8PathBuf>,
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The session.
    pub session: String,
    /// Whether prompts, answers and tool content go into the file.
    pub include_content: bool,
    /// The file to write.
    pub output: Utf8PathBuf,
}

/// A file that can't be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write {path}; name a place that is writable with `-o`")]
struct WriteError {
    path: Utf8PathBuf,
    #[source]
    source: io::Error,
}

/// Writes the page, and to `out` where it is and what is inside.
///
/// # Errors
/// The session or the file can't be used.
pub fn run(
    options: &ShareOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let prices = prices(&load_config(options.config.as_deref(), context)?);
    let session = session(options.store.as_deref(), &options.session, context)?;
    let inner = if options.include_content {
        Texts::Whole
    } else {
        Texts::None
    };
    let page = html::session_page(&session, inner, &prices).map_err(CommandError::usage)?;
    let path = context.cwd.join(&options.output);
    write_aside(&path, &page).map_err(|source| {
        CommandError::usage(WriteError {
            path: path.clone(),
            source,
        })
    })?;
    let inside = if options.include_content {
        "with prompts, answers and tool content; secrets were redacted when it was recorded"
    } else {
        "without prompts, answers and tool content; --include-content adds them"
    };
    if let Err(error) = writeln!(out, "wrote {} ({inside})", options.output) {
        tracing::debug!(%error, "standard output is closed");
    }
    Ok(Exit::Pass)
}

/// Writes beside the file first, so that a full disk never leaves half a page.
fn write_aside(path: &Utf8Path, page: &str) -> io::Result<()> {
    let aside = path.with_extension("html.new");
    fs::write(&aside, page)?;
    fs::rename(&aside, path)
}
