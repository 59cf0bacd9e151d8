//! `rewind demo`: puts a recorded session into the store and its agent beside it, without a key or a
//! network.
//!
//! The session is a real recording of `examples/research-agent`, made by `scripts/make-demo`.

use std::fs;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};

use super::{CommandError, Context, store_dir};
use crate::baseline::read_session;
use crate::exit::Exit;
use crate::model::{Session, SessionId, Source};
use crate::store::Store;

/// What was typed.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// The directory of the store; the nearest one where it is not given.
    pub store: Option<Utf8PathBuf>,
    /// The directory for the agent's files.
    pub dir: Utf8PathBuf,
}

/// A file of the demo that can't be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write {path}; name another directory with `--dir`")]
struct WriteError {
    path: Utf8PathBuf,
    #[source]
    source: io::Error,
}

/// The recording, by file name.
const SESSION: [(&str, &str); 4] = [
    ("session.toml", include_str!("session/session.toml")),
    ("messages.jsonl", include_str!("session/messages.jsonl")),
    ("steps.jsonl", include_str!("session/steps.jsonl")),
    ("wire.jsonl", include_str!("session/wire.jsonl")),
];

macro_rules! agent_file {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../examples/research-agent/", $name)),
        )
    };
}

/// The agent that was recorded, by path.
const AGENT: [(&str, &str); 10] = [
    agent_file!("agent.py"),
    agent_file!("corpus.json"),
    agent_file!("model.toml"),
    agent_file!("prompts/supervisor.txt"),
    agent_file!("prompts/researcher.txt"),
    agent_file!("prompts/fact_checker.txt"),
    agent_file!("prompts/writer.txt"),
    agent_file!("prompts-buggy/researcher.txt"),
    ("rewind.toml", include_str!("rewind.toml")),
    ("judge.toml", include_str!("judge.toml")),
];

/// The input that was recorded.
const INPUT: &str = "Tokyo population";

/// Makes the session and the agent's files, and writes to `out` what to try next. Files that were
/// edited since an earlier demo stay as they are.
///
/// # Errors
/// The store or the directory can't be written.
pub fn run(
    options: &DemoOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let dir = context.cwd.join(&options.dir);
    let mut kept = Vec::new();
    for (name, text) in AGENT {
        let path = dir.join(name);
        if fs::read_to_string(&path).is_ok_and(|found| found != text) {
            let path = options.dir.join(name);
            kept.push(format!(
                "kept {path} as it is; remove it to get the original\n"
            ));
        } else {
            write(&path, text).map_err(CommandError::usage)?;
        }
    }
    let session = session(&options.dir)?;
    let store =
        Store::open(&store_dir(options.store.as_deref(), context)).map_err(CommandError::usage)?;
    store.insert(&session).map_err(CommandError::usage)?;
    let text = format!(
        "made session `{}` ({} timelines of a research agent) and its agent in {}\n\
         In timeline `main` the researcher hallucinates at step 5; in `fixed` it does not.\n\
         {}\n\
         next:\n  \
         rewind show latest\n  \
         rewind diff latest main fixed\n  \
         rewind eval score latest -e correctness --compare-timelines\n  \
         rewind replay latest --from 5 --label mine    # after editing {}/prompts/researcher.txt\n  \
         rewind share latest -o demo.html\n",
        session.name,
        session.timelines.len(),
        options.dir,
        kept.concat(),
        options.dir
    );
    if let Err(error) = out.write_all(text.as_bytes()) {
        tracing::debug!(%error, "standard output is closed");
    }
    Ok(Exit::Pass)
}

/// Returns the configuration file of the agent that a demo session was recorded from, where it
/// still stands below this directory or one above it.
pub fn config_of(session: &Session, context: &Context) -> Option<Utf8PathBuf> {
    if session.source != Source::Demo {
        return None;
    }
    let agent = Utf8Path::new(session.command.get(1)?).parent()?;
    context
        .cwd
        .ancestors()
        .map(|directory| directory.join(agent).join(crate::config::FILE_NAME))
        .find(|path| path.is_file())
}

/// Returns the recorded session as a new one of this moment, run from `dir`.
fn session(dir: &Utf8Path) -> Result<Session, CommandError> {
    let temporary = tempfile::tempdir().map_err(CommandError::usage)?;
    let folder = Utf8Path::from_path(temporary.path())
        .ok_or_else(|| CommandError::usage("the directory for temporary files is not UTF-8"))?;
    for (name, text) in SESSION {
        write(&folder.join(name), text).map_err(CommandError::usage)?;
    }
    let mut session = read_session(folder).map_err(CommandError::usage)?;
    let now = jiff::Timestamp::now();
    session.id = SessionId::generate();
    session.recorded_at = now;
    session.source = Source::Demo;
    session.command = vec![
        "python3".into(),
        dir.join("agent.py").to_string(),
        INPUT.into(),
    ];
    session.input = Some(INPUT.to_owned());
    for timeline in &mut session.timelines {
        timeline.started_at = now;
    }
    Ok(session)
}

fn write(path: &Utf8Path, text: &str) -> Result<(), WriteError> {
    let failed = |source| WriteError {
        path: path.to_owned(),
        source,
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}
