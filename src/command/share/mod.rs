//! `rewind share`: writes a session as one self-contained HTML file.

mod scan;

use std::fs;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};

use super::output::say;
use super::rules::prices;
use super::setup::redact_rules;
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
    /// Whether it is written although secrets were found in it.
    pub allow_secrets: bool,
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
    let config = load_config(options.config.as_deref(), context)?;
    let prices = prices(&config);
    let session = session(options.store.as_deref(), &options.session, context)?;
    let inner = if options.include_content {
        Texts::Whole
    } else {
        Texts::None
    };
    let traces = html::session_traces(&session, inner, &prices);
    let mut personal = String::new();
    if options.include_content {
        let shown = serde_json::json!([&traces, &session.command, &session.input]);
        let secrets = scan::secrets(&shown, redact_rules(&config))?;
        if !secrets.is_empty() && !options.allow_secrets {
            let what = scan::words(&secrets);
            return Err(CommandError::usage(format!(
                "the file would hold what looks like secrets: {what}; nothing was written"
            ))
            .help(format!(
                "take them out with `rewind session scrub {} --replace OLD=NEW`, leave `--include-content` away, \
                 or write them all the same with `--allow-secrets`",
                options.session
            )));
        }
        personal = scan::words(&scan::personal(&shown));
    }
    let page = html::session_page(&session, inner, &prices).map_err(CommandError::usage)?;
    let path = context.cwd.join(&options.output);
    write_aside(&path, &page).map_err(|source| {
        CommandError::usage(WriteError {
            path: path.clone(),
            source,
        })
    })?;
    let size = traces.size();
    let inside = match (options.include_content, options.allow_secrets) {
        (true, false) => "with prompts, answers and tool content; no secret was found in it",
        (true, true) => "with prompts, answers and tool content; not held back for secrets",
        (false, _) => "without prompts, answers and tool content; --include-content adds them",
    };
    let people = match personal.as_str() {
        "" => String::new(),
        found => format!("it holds what looks like personal data: {found}\n"),
    };
    let text = format!("wrote {}: {size}, {inside}\n{people}", options.output);
    say(out, &text);
    Ok(Exit::Pass)
}

/// Writes beside the file first, so that a full disk never leaves half a page.
fn write_aside(path: &Utf8Path, page: &str) -> io::Result<()> {
    let aside = path.with_extension("html.new");
    fs::write(&aside, page)?;
    fs::rename(&aside, path)
}
