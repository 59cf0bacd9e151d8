//! `rewind share`: a session as one self-contained HTML file.

use std::fs;
use std::io::Write;

use camino::Utf8PathBuf;

use super::rules::prices;
use super::show::written;
use super::stored::session;
use super::{CommandError, Context, load_config};
use crate::exit::Exit;
use crate::report::html::{self, Content};

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct ShareOptions {
    /// The directory of the store; the nearest one where it is not given.
    pub store: Option<Utf8PathBuf>,
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The session.
    pub session: String,
    /// Whether prompts, answers and tool content stand in the file.
    pub include_content: bool,
    /// The file that is written.
    pub output: Utf8PathBuf,
}

/// Writes the file, and says so to `out`.
///
/// # Errors
/// Usage: no such session; a file that can't be written.
pub fn run(
    options: &ShareOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let prices = prices(&load_config(options.config.as_deref(), context)?);
    let session = session(options.store.as_deref(), &options.session, context)?;
    let content = if options.include_content {
        Content::Full
    } else {
        Content::Metadata
    };
    let page = html::render(&session, content, &prices).map_err(CommandError::usage)?;
    let path = context.cwd.join(&options.output);
    fs::write(&path, page).map_err(|error| {
        CommandError::usage(format!("cannot write {path}: {error}"))
            .help("name another file with `-o FILE`")
    })?;
    let left_out = if options.include_content {
        ""
    } else {
        " (prompts, answers and tool content are left out; --include-content puts them in)"
    };
    written(writeln!(out, "wrote {}{left_out}", options.output))
}
