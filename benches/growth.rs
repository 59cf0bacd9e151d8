//! How much a repository grows when its baselines are recorded again and again and the agent has not changed.
//!
//! `cargo bench --bench growth -- 5 3` takes 5 baselines and 3 recordings in place of 50 and 20.

#![expect(
    clippy::expect_used,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a bench fails loudly and prints its table"
)]

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_rewind");
const AGENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/agents");

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok());
    let (baselines, times) = (numbers.next().unwrap_or(50), numbers.next().unwrap_or(20));
    let folder = tempfile::tempdir().expect("a folder");
    git(&folder, &["init", "--quiet"]);
    fs::write(folder.path().join(".gitignore"), ".rewind/\n").expect("a file");
    record(&folder, baselines);
    commit(&folder);
    let before = packed(&folder);
    let mut changed = 0;
    for _time in 0..times {
        record(&folder, baselines);
        changed += git(&folder, &["status", "--porcelain"]).lines().count();
        commit(&folder);
    }
    let after = packed(&folder);
    println!("| what | value |");
    println!("| --- | ---: |");
    println!(
        "| packed repository with {baselines} baselines | {} KB |",
        before / 1000
    );
    println!(
        "| the same after {times} recordings of each | {} KB |",
        after / 1000
    );
    println!("| ratio | {:.3} |", after as f64 / before as f64);
    println!("| files that a recording changed | {changed} |");
}

/// Records each baseline, over its old recording where there is one.
fn record(folder: &TempDir, baselines: u32) {
    for number in 0..baselines {
        let name = format!("case-{number:02}");
        let (agent, model) = (format!("{AGENTS}/loop.py"), format!("{AGENTS}/loop.toml"));
        let place = format!("baselines/{name}");
        fs::create_dir_all(folder.path().join(&place)).expect("a folder");
        let definition = folder.path().join(&place).join("baseline.toml");
        fs::write(definition, "[[check]]\nkind = \"no_error\"\n").expect("a file");
        let words = ["record", "--name", &name, "--scripted", &model];
        rewind(
            folder,
            &[&words[..], &["--", "python3", &agent, &name]].concat(),
        );
        let session = format!("{place}/session");
        rewind(folder, &["session", "export", &name, "-o", &session]);
        // The store is not what is measured.
        fs::remove_dir_all(folder.path().join(".rewind")).expect("a store");
    }
}

fn rewind(folder: &TempDir, words: &[&str]) {
    let status = Command::new(PROGRAM)
        .args(words)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("the program starts");
    assert!(status.success(), "{words:?}: {status}");
}

fn commit(folder: &TempDir) {
    git(folder, &["add", "-A"]);
    git(
        folder,
        &["commit", "--quiet", "--allow-empty", "-m", "again"],
    );
}

/// Returns how many bytes the packed repository has.
fn packed(folder: &TempDir) -> u64 {
    git(folder, &["gc", "--quiet", "--aggressive", "--prune=now"]);
    let packs = fs::read_dir(folder.path().join(".git/objects/pack")).expect("packs");
    let packs = packs.map(|entry| entry.expect("an entry"));
    packs
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "pack"))
        .map(|entry| entry.metadata().expect("its size").len())
        .sum()
}

fn git(folder: &TempDir, words: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "-c",
            "gc.auto=0",
        ])
        .args(words)
        .current_dir(folder.path())
        .output()
        .expect("git starts");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}
