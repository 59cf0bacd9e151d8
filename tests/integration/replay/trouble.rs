//! What is wrong is said with a remedy and the documented exit code.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::{fixture, run};
use crate::support::{App, Run};

/// Checks the exit code, and that each of these is said.
#[track_caller]
fn says(run: Run, code: i32, words: &[&str]) {
    let run = run.exits(code);
    for word in words {
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
    }
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
}

fn recorded() -> App {
    let app = App::new();
    run(&app, &["record", "--name", "loop"], "loop", &[]).exits(0);
    app
}

#[test]
fn names_that_are_not_there_are_answered_with_those_that_are() {
    let app = recorded();
    says(app.run(["show", "lop"]), 2, &["lop", "did you mean `loop`"]);
    let replay = |options: &[&str]| {
        let agent = ["--offline", "--", "true"];
        app.run([&["replay", "loop"], options, &agent].concat())
    };
    says(replay(&["--timeline", "fixd"]), 2, &["fixd", "main"]);
    says(replay(&["--from", "99"]), 2, &["99", "29"]);
    says(replay(&["--from", "tool:fly#1"]), 2, &["fly", "lookup"]);
    says(replay(&["--from", "agent:pilot"]), 2, &["pilot"]);
    says(replay(&["--from", "some day"]), 2, &["some day", "auto"]);
    let bare = app.run(["session", "rm", "--older-than", "30"]);
    says(bare, 2, &["such as 12h, 30d or 2w"]);
}

#[test]
fn agents_that_do_not_start_or_do_not_end_are_told_apart() {
    let app = recorded();
    let missing = app.run(["record", "--", "./no-such-agent"]);
    says(missing, 127, &["no-such-agent"]);
    app.write("notes.txt", "not a program");
    says(
        app.run(["record", "--", "./notes.txt"]),
        126,
        &["notes.txt"],
    );
    let replay = app.run(["replay", "loop", "--offline", "--", "./no-such-agent"]);
    says(replay, 2, &["no-such-agent"]);
    let hanging = ["--timeout", "1s", "--", "sleep", "600"];
    let hanging = app.run([&["replay", "loop", "--offline"][..], &hanging].concat());
    says(hanging, 1, &[]);
    let shown = app.run(["show", "loop", "--timeline", "fork-2"]).exits(0);
    assert!(
        shown.stdout.contains("ran longer than 1 s"),
        "{}",
        shown.stdout
    );
}

#[test]
fn a_port_that_is_taken_is_named() {
    let app = recorded();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let replay = [
        "replay",
        "loop",
        "--offline",
        "--bind",
        &address,
        "--",
        "true",
    ];
    says(app.run(replay), 2, &[&address, "another address"]);
}

#[test]
fn a_store_that_is_no_store_is_refused_and_left_as_it_is() {
    let app = recorded();
    let database = app.folder().join(".rewind/rewind.db");
    let whole = fs::read(&database).unwrap();
    for (bytes, word) in [
        (
            b"this is no database, but it is long enough to look like one".repeat(40),
            "database",
        ),
        (whole[..whole.len() / 2].to_vec(), "rewind.db"),
    ] {
        for name in ["rewind.db-wal", "rewind.db-shm"] {
            drop(fs::remove_file(app.folder().join(".rewind").join(name)));
        }
        fs::write(&database, &bytes).unwrap();
        says(app.run(["show", "loop"]), 2, &[word]);
        let kept = fs::read(&database).unwrap();
        assert_eq!(kept.len(), bytes.len(), "nothing was repaired in secret");
    }
    let app = App::new();
    app.write(".rewind", "a file in its place");
    let record = run(&app, &["record"], "loop", &[]);
    says(record, 125, &[".rewind"]);
}

#[test]
fn an_unknown_key_is_shown_where_it_stands() {
    let app = recorded();
    app.write("rewind.toml", "[agent]\ncomand = [\"python3\"]\n");
    let replay = app.run(["replay", "loop", "--offline", "--", "true"]);
    says(replay, 2, &["rewind.toml", "2", "comand", "command"]);
}

#[test]
fn a_demo_whose_folder_is_gone_says_how_to_get_it_back() {
    let app = App::new();
    app.run(["demo"]).exits(0);
    fs::remove_dir_all(app.folder().join("rewind-demo")).unwrap();
    let replay = app.run(["replay", "latest", "--offline"]);
    says(replay, 2, &["rewind demo"]);
}

#[test]
fn what_is_no_agent_at_all_serves_nothing() {
    let app = recorded();
    let script = fixture("loop.py");
    let replay = [
        "replay",
        "loop",
        "--offline",
        "--json",
        "--",
        "cat",
        &script,
    ];
    let replay = app.run(replay).exits(1).json();
    assert_eq!(
        (&replay["served"], &replay["unaffected"]),
        (&0.into(), &false.into())
    );
}

/// Runs `rewind` as somebody who owns nothing here.
fn as_stranger(app: &App, arguments: &[&str]) -> Run {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !is_root {
        return app.run(arguments);
    }
    let ids = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let mut command = app.program("setpriv");
    command.args(ids).arg("./rewind").args(arguments);
    let output = command.output().unwrap();
    Run::new(&command, output)
}

#[test]
fn a_directory_that_is_read_only_is_named_with_a_way_out() {
    let app = recorded();
    // Where the program was built may be closed to strangers.
    fs::copy(env!("CARGO_BIN_EXE_rewind"), app.folder().join("rewind")).unwrap();
    let mode = |path: &str, mode: u32| {
        let path = app.folder().join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(".", 0o555);
    mode(".rewind", 0o777);
    mode(".rewind/rewind.db", 0o666);
    for (arguments, remedy) in [
        (&["session", "export", "loop", "-o", "out"][..], "writable"),
        (&["share", "loop", "-o", "page.html"], "`-o`"),
        (&["baseline", "create", "loop", "--name", "one"], "writable"),
        (&["demo"], "--dir"),
    ] {
        says(as_stranger(&app, arguments), 2, &["denied", remedy]);
    }
    as_stranger(&app, &["show", "loop"]).exits(0);
    mode(".rewind", 0o555);
    mode(".rewind/rewind.db", 0o444);
    for (arguments, code) in [
        (&["show", "loop"][..], 2),
        (&["replay", "loop", "--offline", "--", "true"], 2),
        (&["record", "--", "true"], 125),
    ] {
        let words = ["read-only", "rewind.db", "--store"];
        says(as_stranger(&app, arguments), code, &words);
    }
    mode(".rewind", 0o755);
    mode(".rewind/rewind.db", 0o644);
    mode(".", 0o755);
    app.run(["show", "loop"]).exits(0);
}
