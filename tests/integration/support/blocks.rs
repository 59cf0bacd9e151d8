//! The marked blocks of a document: commands that are run, and what they print.
//!
//! `<!-- run -->` before a block of commands has them run, `<!-- fails -->` as well, but they must end with status 1;
//! `<!-- prints -->` before a block of text compares it with what the commands before it printed, but for times and ids.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::{App, Run, stable};

/// Runs the marked blocks of a document in a folder and compares what they print; returns how many ran.
#[track_caller]
pub(crate) fn run_blocks(app: &App, document: &Path, folder: &Path) -> usize {
    let path = tools(app);
    let text = fs::read_to_string(document).unwrap();
    let mut printed = None;
    let mut ran = 0;
    for (mark, block) in marked_blocks(&text) {
        if mark == "prints" {
            let printed: String = printed.take().unwrap_or_default();
            let shown = stable(&block, app.folder());
            let real = stable(&printed, app.folder());
            assert_eq!(
                real.trim_end(),
                shown.trim_end(),
                "{} is out of date",
                document.display()
            );
            continue;
        }
        let mut shell = app.program("sh");
        shell.current_dir(folder).env("PATH", &path);
        shell.args(["-eu", "-c", &block]);
        let output = shell.output().unwrap();
        let status = i32::from(mark == "fails");
        printed = Some(Run::new(&shell, output).exits(status).stdout);
        ran += 1;
    }
    ran
}

/// Makes a folder with `rewind`, and a `cargo` that runs it where a document builds it; returns the `PATH`.
fn tools(app: &App) -> String {
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
        let Some(mark) = mark.filter(|mark| ["run", "fails", "prints"].contains(mark)) else {
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
