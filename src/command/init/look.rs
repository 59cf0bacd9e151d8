//! Reads what a guess is made from: the repository's own files, few and small ones.

use camino::{Utf8Path, Utf8PathBuf};

/// What was found.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// The files by path below the folder, sorted, with their text where that is worth a look.
    pub(super) files: Vec<(Utf8PathBuf, String)>,
}

impl Found {
    /// Returns the text of a file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files
            .iter()
            .find(|(found, _text)| found == path)
            .map(|(_path, text)| text.as_str())
    }

    /// Returns whether there is such a file.
    pub(super) fn has(&self, path: &str) -> bool {
        self.text(path).is_some()
    }
}

/// Looks at a folder and what is below it.
pub(super) fn look(root: &Utf8Path) -> Found {
    let mut found = Found::default();
    let mut folders = vec![(Utf8PathBuf::new(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in root
            .join(&folder)
            .read_dir_utf8()
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name().to_owned();
            let path = folder.join(&name);
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() {
                let is_own = !name.starts_with('.') && !SKIPPED.contains(&name.as_str());
                if is_own && depth < DEPTH {
                    folders.push((path, depth + 1));
                }
            } else if kind.is_file() && found.files.len() < MOST {
                let text = if is_read(&path, entry.path()) {
                    std::fs::read_to_string(entry.path()).unwrap_or_default()
                } else {
                    String::new()
                };
                found.files.push((path, text));
            }
        }
    }
    found.files.sort();
    found
}

fn is_read(path: &Utf8Path, full: &Utf8Path) -> bool {
    let is_named = path.file_name().is_some_and(|name| NAMES.contains(&name));
    let is_source = path
        .extension()
        .is_some_and(|ending| SOURCES.contains(&ending));
    let is_small = full.metadata().is_ok_and(|data| data.len() <= LARGEST);
    (is_named || is_source) && is_small
}

/// Folders that hold nothing of the project's own.
const SKIPPED: [&str; 10] = [
    "node_modules",
    "venv",
    "target",
    "dist",
    "build",
    "__pycache__",
    "baselines",
    "rewind-report",
    "vendor",
    "site-packages",
];

/// Files that say how a project is run.
const NAMES: [&str; 7] = [
    "package.json",
    "pyproject.toml",
    "requirements.txt",
    "Dockerfile",
    ".env.example",
    ".env.sample",
    ".env.template",
];

/// Endings of source files.
const SOURCES: [&str; 7] = ["py", "js", "mjs", "cjs", "ts", "mts", "tsx"];

/// How deep, how many and how large.
const DEPTH: u32 = 4;
const MOST: usize = 2_000;
const LARGEST: u64 = 256 * 1024;
