//! The house plan, held by reading the source: which module may import which, and which module owns a crate.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The floors of the house: a module imports from its own floor or a lower one.
const FLOORS: &[&[&str]] = &[
    &["model", "text", "exit"],
    &["redact", "wire", "wirecodec", "diff", "price", "stats"],
    &[
        "check", "store", "baseline", "proxy", "lineage", "tools", "judge",
    ],
    &[
        "agent",
        "scripted",
        "record",
        "replay",
        "gate",
        "mcp",
        "selftest",
        "calibration",
        "history",
    ],
    &["report", "github", "interop"],
    &["config"],
    &["command"],
    &["cli"],
];

/// Crates with one owner, and the path that owns them.
const FENCES: &[(&str, &str)] = &[
    ("rusqlite", "store"),
    ("hyper", "proxy"),
    ("hyper_util", "proxy"),
    ("reqwest", "proxy"),
    ("clap", "cli"),
    ("clap_complete", "cli"),
    ("minijinja", "report"),
    ("octocrab", "github"),
    ("junit_report", "report/junit"),
    ("std::env", "cli/context"),
];

/// A source file: its path below `src` without the suffix, and its code without comments and tests.
struct Source {
    path: String,
    code: String,
}

impl Source {
    /// Returns the top-level module; empty for `lib` and `main`.
    fn module(&self) -> &str {
        match self.path.split('/').next() {
            Some("lib" | "main") | None => "",
            Some(module) => module,
        }
    }

    /// Returns the modules of this crate that the code names.
    fn imports(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (at, _) in self.code.match_indices("crate::") {
            let before = self.code.get(..at).and_then(|text| text.chars().last());
            if before.is_some_and(is_word) {
                continue;
            }
            let rest = self.code.get(at + "crate::".len()..).unwrap_or_default();
            if let Some(group) = rest.strip_prefix('{') {
                let group = group.split('}').next().unwrap_or_default();
                found.extend(group.split(',').map(|item| first_word(item.trim())));
            } else {
                found.insert(first_word(rest));
            }
        }
        found.retain(|name| {
            FLOORS
                .iter()
                .flat_map(|floor| floor.iter())
                .any(|module| name == module)
        });
        found
    }

    /// Returns whether the code names the crate or path.
    fn names(&self, path: &str) -> bool {
        self.code.match_indices(path).any(|(at, _)| {
            let before = self.code.get(..at).unwrap_or_default();
            let after = self.code.get(at + path.len()..).unwrap_or_default();
            !before.ends_with("::")
                && !before.chars().last().is_some_and(is_word)
                && (after.starts_with("::") || (before.ends_with("use ") && after.starts_with(';')))
        })
    }
}

#[test]
fn modules_import_only_from_their_own_floor_or_below() {
    let sources = sources();
    assert!(
        sources.len() > 20,
        "the source was not found: {} files",
        sources.len()
    );
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| !source.module().is_empty()) {
        let Some(own) = floor(source.module()) else {
            wrong.push(format!(
                "{}: module `{}` has no floor",
                source.path,
                source.module()
            ));
            continue;
        };
        for import in source.imports() {
            if floor(&import).is_some_and(|other| other > own) {
                wrong.push(format!(
                    "{} imports `{import}`, which is above it",
                    source.path
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn modules_of_one_floor_do_not_import_each_other_in_a_circle() {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let imports = source.imports();
        let known = graph.entry(source.module().to_owned()).or_default();
        known.extend(imports.into_iter().filter(|name| name != source.module()));
    }
    for start in graph.keys() {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&String> = graph.get(start).into_iter().flatten().collect();
        while let Some(module) = next.pop() {
            assert!(
                module != start,
                "`{start}` imports itself by way of {seen:?}"
            );
            if seen.insert(module) {
                next.extend(graph.get(module).into_iter().flatten());
            }
        }
    }
}

#[test]
fn fenced_crates_are_named_only_by_their_owner() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (name, owner) in FENCES {
            let inside = source.path == *owner || source.path.starts_with(&format!("{owner}/"));
            if !inside && source.names(name) {
                wrong.push(format!(
                    "{} names `{name}`, which belongs to `{owner}`",
                    source.path
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let long: Vec<String> = files(&root())
        .into_iter()
        .filter(|file| !file.ends_with("tests.rs"))
        .filter_map(|file| {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            (lines > 500).then(|| format!("{} has {lines} lines", file.display()))
        })
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn no_file_holds_a_merge_that_was_left_open() {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    let files: Vec<&str> = names.split('\0').filter(|name| !name.is_empty()).collect();
    assert!(files.len() > 100, "{} files", files.len());
    let open: Vec<&str> = files
        .into_iter()
        .filter(|name| {
            let bytes = fs::read(root().join(name)).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            text.lines().any(|line| {
                line.starts_with(&"<".repeat(7)) || line.starts_with(&format!("{} ", ">".repeat(7)))
            })
        })
        .collect();
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_reader_of_imports_sees_what_it_must() {
    let source = |code: &str| Source {
        path: "check/x".into(),
        code: code_of(code),
    };
    let code = "use crate::gate::{self, decide};\nuse crate::{model, wire::Parser};\n// crate::cli\n\
                fn f() -> crate::report::X {}\n#[cfg(test)]\nmod tests {\n use crate::command::Y;\n}\n";
    let found: Vec<String> = source(code).imports().into_iter().collect();
    assert_eq!(found, ["gate", "model", "report", "wire"]);
    assert!(source("use rusqlite::Connection;").names("rusqlite"));
    assert!(source("let x = std::env::var(\"A\");").names("std::env"));
    assert!(source("use std::env;").names("std::env"));
    assert!(!source("use my_hyper::X; use hyper_util::Y;").names("hyper"));
    assert!(!source("/// `clap::Parser`").names("clap"));
}

/// Returns the floor of a module.
fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// Returns the source of the library without its tests.
fn sources() -> Vec<Source> {
    let root = root();
    files(&root)
        .into_iter()
        .filter_map(|file| {
            let path = file.strip_prefix(&root).ok()?.with_extension("");
            let path = path.to_str()?.replace('\\', "/");
            let is_test = path
                .split('/')
                .any(|part| part == "tests" || part == "testing");
            (!is_test).then(|| Source {
                path: path.trim_end_matches("/mod").to_owned(),
                code: code_of(&fs::read_to_string(&file).unwrap()),
            })
        })
        .collect()
}

/// Returns the code without line comments and without the test module at its end.
fn code_of(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines: Vec<&str> = text
        .get(..end)
        .unwrap_or_default()
        .lines()
        .map(|line| {
            if line.trim_start().starts_with("//") {
                ""
            } else {
                line
            }
        })
        .collect();
    lines.join("\n")
}

/// Returns the Rust files below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|suffix| suffix == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| is_word(*c)).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
