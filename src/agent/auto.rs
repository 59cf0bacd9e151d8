//! Hooks that wrap the tools of known frameworks, so that no line of the agent changes.
//!
//! Python runs a module `sitecustomize` before the agent, Node what `NODE_OPTIONS` imports. Both are written into
//! the directory of the run with the packages that they need; `docs/tools.md` says what they wrap.

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::Environment;

/// The hooks of one agent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hooks {
    /// This program, which stands before the commands of MCP servers; `None` leaves them alone.
    pub program: Option<Utf8PathBuf>,
    /// Whether the tools of known frameworks are wrapped; else only the clock is set, where there is one.
    pub wraps_tools: bool,
}

impl Hooks {
    /// Puts the hooks into an environment, with their files in `folder`.
    pub(super) fn apply(&self, folder: &Utf8Path, environment: &mut Environment) -> io::Result<()> {
        write(folder)?;
        let python = folder.join("auto/python");
        let path = joined(
            python.as_str(),
            ":",
            environment.variables.get("PYTHONPATH"),
        );
        let import = format!("--import={}", file_url(&folder.join("auto/node/auto.mjs")));
        let options = joined(&import, " ", environment.variables.get("NODE_OPTIONS"));
        environment.set([
            ("PYTHONPATH".to_owned(), path),
            ("NODE_OPTIONS".to_owned(), options),
        ]);
        if self.wraps_tools {
            environment.set([("REWIND_AUTO_TOOLS".to_owned(), "1".to_owned())]);
        }
        let program = self.program.iter();
        environment.set(program.map(|program| ("REWIND_PROGRAM".to_owned(), program.to_string())));
        Ok(())
    }
}

fn write(folder: &Utf8Path) -> io::Result<()> {
    let python = folder.join("auto/python");
    fs::create_dir_all(python.join("rewind"))?;
    for (name, text) in PYTHON {
        fs::write(python.join(name), text)?;
    }
    let node = folder.join("auto/node");
    fs::create_dir_all(&node)?;
    for (name, text) in NODE {
        fs::write(node.join(name), text)?;
    }
    Ok(())
}

/// Returns ours before what was there.
fn joined(own: &str, between: &str, outer: Option<&String>) -> String {
    match outer.map(String::as_str) {
        Some(outer) if !outer.is_empty() => format!("{own}{between}{outer}"),
        Some(_) | None => own.to_owned(),
    }
}

/// Returns the URL of a file; a space would end the option that it stands in.
fn file_url(file: &Utf8Path) -> String {
    url::Url::from_file_path(file.as_std_path()).map_or_else(|()| file.to_string(), String::from)
}

/// The files for Python, by their places.
const PYTHON: [(&str, &str); 9] = [
    ("sitecustomize.py", include_str!("auto/sitecustomize.py")),
    (
        "rewind/__init__.py",
        include_str!("../../python/rewind/__init__.py"),
    ),
    (
        "rewind/_auto.py",
        include_str!("../../python/rewind/_auto.py"),
    ),
    (
        "rewind/_clock.py",
        include_str!("../../python/rewind/_clock.py"),
    ),
    (
        "rewind/_errors.py",
        include_str!("../../python/rewind/_errors.py"),
    ),
    (
        "rewind/_frameworks.py",
        include_str!("../../python/rewind/_frameworks.py"),
    ),
    (
        "rewind/_tools.py",
        include_str!("../../python/rewind/_tools.py"),
    ),
    (
        "rewind/_values.py",
        include_str!("../../python/rewind/_values.py"),
    ),
    (
        "rewind/_wire.py",
        include_str!("../../python/rewind/_wire.py"),
    ),
];

/// The files for Node, by their places.
const NODE: [(&str, &str); 4] = [
    ("auto.mjs", include_str!("auto/auto.mjs")),
    ("loader.mjs", include_str!("auto/loader.mjs")),
    ("patches.mjs", include_str!("auto/patches.mjs")),
    ("index.mjs", include_str!("../../js/index.js")),
];
