//! What is released: packed from the built program, installed from the files alone, and one version everywhere.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::github::FakeGithub;
use crate::support::{App, Run, repository_path};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs a command to its end.
fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run::new(command, output)
}

/// Returns what this machine is called where programs are released.
fn target() -> String {
    let system = match std::env::consts::OS {
        "macos" => "apple-darwin",
        _ => "unknown-linux-musl",
    };
    format!("{}-{system}", std::env::consts::ARCH)
}

/// Packs the built program, without what debuggers read, into `out`.
fn packed() -> App {
    let app = App::new();
    fs::copy(env!("CARGO_BIN_EXE_rewind"), app.folder().join("rewind")).unwrap();
    finish(app.program("strip").arg("rewind")).exits(0);
    package(&app, &["archive", "rewind", &target(), "out"]).exits(0);
    package(&app, &["all", "out"]).exits(0);
    app
}

fn package(app: &App, arguments: &[&str]) -> Run {
    let python = repository_path("target/test-env/py/bin/python");
    let mut command = app.program(repository_path("scripts/package"));
    command.env("PYTHON", python).env("PACK_LEVEL", "1");
    finish(command.args(arguments))
}

#[test]
fn what_is_packed_installs_with_pip_and_npm_and_runs() {
    let app = packed();
    let run = package(&app, &["check", "out"]).exits(0);
    assert_eq!(run.stdout, "the wheel runs\nthe npm packages run\n");
    let out = app.folder().join("out");
    let names: Vec<String> = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 5, "{names:?}");

    // The action takes the archive by these checksums, see `action::install`.
    let sums = fs::read_to_string(out.join("checksums.txt")).unwrap();
    let (_sum, name) = sums.trim_end().split_once("  ").unwrap();
    assert_eq!(name, format!("rewind-{VERSION}-{}.tar.gz", target()));
    let mut check = app.program("sha256sum");
    check
        .current_dir(&out)
        .args(["--check", "--strict", "checksums.txt"]);
    finish(&mut check).exits(0);
}

#[test]
fn the_same_program_is_packed_to_the_same_bytes() {
    let app = App::new();
    app.write("rewind", "a program");
    let sums = ["one", "two"].map(|out| {
        package(&app, &["archive", "rewind", &target(), out]).exits(0);
        package(&app, &["all", out]).exits(0);
        let mut sums = app.program("sh");
        sums.current_dir(app.folder().join(out));
        let run = finish(sums.args(["-c", "sha256sum *"])).exits(0);
        run.stdout
    });
    assert_eq!(sums[0].lines().count(), 5, "{}", sums[0]);
    assert_eq!(sums[0], sums[1]);
}

#[test]
fn an_npm_package_without_the_program_of_this_machine_says_so() {
    let app = App::new();
    app.write(
        "bin/rewind.mjs",
        &fs::read_to_string(repository_path("packaging/npm/rewind.js")).unwrap(),
    );
    let mut node = app.program("node");
    let run = finish(node.arg("bin/rewind.mjs")).exits(2);
    assert!(
        run.stderr.contains("the package @rewind-gate/"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains(" is missing."), "{}", run.stderr);
}

#[test]
fn the_version_is_the_same_wherever_it_stands() {
    let read = |path: &str| fs::read_to_string(repository_path(path)).unwrap();
    assert_eq!(read("action/VERSION"), format!("{VERSION}\n"));
    let project: toml::Table = read("python/pyproject.toml").parse().unwrap();
    assert_eq!(project["project"]["version"].as_str(), Some(VERSION));
    let package: Value = serde_json::from_str(&read("js/package.json")).unwrap();
    assert_eq!(package["version"], VERSION);
    // This one takes it from Cargo.toml, and scripts/package does.
    let project: toml::Table = read("pyproject.toml").parse().unwrap();
    assert!(project["project"].get("version").is_none());
    let dynamic = project["project"]["dynamic"].as_array().unwrap();
    assert!(dynamic.iter().any(|key| key.as_str() == Some("version")));
}

#[test]
fn what_the_program_is_built_from_is_in_the_crate() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(repository_path(".")).args([
        "package",
        "--list",
        "--allow-dirty",
        "--offline",
    ]);
    let listed = finish(&mut cargo).exits(0).stdout;
    let listed: Vec<&str> = listed.lines().collect();
    let include = regex::Regex::new(r#"include_(?:str|bytes)!\("([^"]+)"\)"#).unwrap();
    let mut seen = 0;
    for source in listed.iter().filter(|path| is_built(path)) {
        let text = fs::read_to_string(repository_path(source)).unwrap();
        // What tests include is not needed to build.
        let text = text.split("#[cfg(test)]").next().unwrap();
        for found in include.captures_iter(text) {
            let path = Path::new(source).parent().unwrap().join(&found[1]);
            let path = plain(&path);
            assert!(listed.contains(&path.as_str()), "{source}: {path}");
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
    for path in listed {
        let kept_out = ["tests/", "benches/", "baselines/", ".github/"];
        assert!(
            !kept_out.iter().any(|start| path.starts_with(start)),
            "{path}"
        );
    }
}

/// Says whether a file is a source of more than tests.
fn is_built(path: &str) -> bool {
    let is_rust = Path::new(path)
        .extension()
        .is_some_and(|ending| ending == "rs");
    is_rust && !path.ends_with("/tests.rs") && !path.contains("/tests/")
}

/// Returns a path without `..`.
fn plain(path: &Path) -> String {
    let mut parts = Vec::new();
    for part in path.to_str().unwrap().split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn the_checksums_are_committed_on_top_of_what_was_built_signed_and_tagged() {
    let app = App::new();
    let git = |arguments: &[&str]| {
        let mut git = app.program("git");
        git.args(["-c", "user.name=x", "-c", "user.email=x@example.com"]);
        let run = finish(git.args(arguments)).exits(0);
        run.stdout.trim().to_owned()
    };
    app.write("action/checksums.txt", "");
    git(&["init", "--quiet", "--initial-branch", "main"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "x"]);
    let built = git(&["rev-parse", "HEAD"]);
    let github = FakeGithub::start();
    github.state().repository = Some(app.folder().to_owned());
    let (addresses, token) = github.addresses();
    let sums = app.write("sums", "00  rewind-x.tar.gz\n");
    let commit = || {
        let mut commit = app.program("python3");
        commit
            .arg(repository_path("packaging/commit.py"))
            .arg(&sums)
            .env("GITHUB_TOKEN", token)
            .env("GITHUB_REPOSITORY", "acme/agent")
            .env("GITHUB_SHA", &built)
            .envs(addresses.clone());
        finish(&mut commit)
    };
    let made = commit().exits(0).stdout.trim().to_owned();
    let tag = format!("refs/tags/v{VERSION}");
    assert_eq!(git(&["rev-parse", &tag]), made);
    assert_eq!(git(&["rev-parse", &format!("{made}^")]), built);
    assert_eq!(
        git(&["show", &format!("{made}:action/checksums.txt")]),
        "00  rewind-x.tar.gz"
    );
    assert_eq!(
        git(&["diff", "--name-only", &built, &made]),
        "action/checksums.txt"
    );
    assert!(github.state().signed.contains(&made));
    // A second time nothing is moved.
    let run = commit().exits(1);
    assert!(
        run.stderr.contains("Reference already exists"),
        "{}",
        run.stderr
    );
    assert_eq!(git(&["rev-parse", &tag]), made);
    github.assert_valid();
}
