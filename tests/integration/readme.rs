//! The README does what it says: its marked commands run in a fresh copy of the repository and print what it shows.
//!
//! `<!-- run -->` before a block of commands has them run; `<!-- prints -->` before a block of text compares it with what
//! the commands before it printed, but for times and ids.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{App, Run, checkout, stable};

#[test]
fn the_commands_of_the_readme_run_and_print_what_it_shows() {
    let app = App::new();
    checkout(&app, "clone");
    let path = tools(&app);
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let mut printed = None;
    let mut ran = 0;
    for (mark, block) in marked_blocks(&readme) {
        match mark {
            "run" => {
                let mut shell = app.program("sh");
                shell
                    .current_dir(app.folder().join("clone"))
                    .env("PATH", &path);
                shell.args(["-eu", "-c", &block]);
                let output = shell.output().unwrap();
                printed = Some(Run::new(&shell, output).exits(0).stdout);
                ran += 1;
            }
            "prints" => {
                let printed = printed.take().expect("commands before what they print");
                let shown = stable(&block, app.folder());
                let real = stable(&printed, app.folder());
                assert_eq!(
                    real.trim_end(),
                    shown.trim_end(),
                    "the README is out of date"
                );
            }
            _ => unreachable!("an unknown mark"),
        }
    }
    assert!(ran >= 2, "the README runs {ran} blocks");
}

#[test]
fn the_links_of_the_documents_lead_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = vec![
        root.join("README.md"),
        root.join("CONTRIBUTING.md"),
        root.join("CHANGELOG.md"),
    ];
    documents.extend(
        fs::read_dir(root.join("docs"))
            .unwrap()
            .map(|entry| entry.unwrap().path()),
    );
    let link = regex::Regex::new(r"\]\(([^)#]+)(#[^)]*)?\)").unwrap();
    let mut dead = Vec::new();
    for document in documents
        .iter()
        .filter(|path| path.extension().is_some_and(|ext| ext == "md"))
    {
        let text = fs::read_to_string(document).unwrap();
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if !target.contains("://") && !document.parent().unwrap().join(target).exists() {
                dead.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

/// Makes a folder with `rewind`, and a `cargo` that runs it where the README builds it; returns the `PATH`.
fn tools(app: &App) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let program = env!("CARGO_BIN_EXE_rewind");
    let cargo = app.write(
        "bin/cargo",
        &format!("#!/bin/sh\ntest \"$1 $2 $3\" = 'run --release --' && shift 3 && exec '{program}' \"$@\"\n"),
    );
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let folder = cargo.parent().unwrap();
    symlink(program, folder.join("rewind")).unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

/// Returns the fenced blocks that have a mark on the line before, with their mark.
fn marked_blocks(text: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mark = line
            .strip_prefix("<!-- ")
            .and_then(|rest| rest.strip_suffix(" -->"));
        let Some(mark) = mark.filter(|mark| ["run", "prints"].contains(mark)) else {
            continue;
        };
        let fence = lines.next().unwrap_or_default();
        assert!(
            fence.starts_with("```"),
            "no block after the mark `{mark}`: {fence}"
        );
        let block: Vec<&str> = lines
            .by_ref()
            .take_while(|line| !line.starts_with("```"))
            .collect();
        blocks.push((mark, block.join("\n")));
    }
    blocks
}
