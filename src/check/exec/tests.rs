//! Programs that are played by the tests.

use std::sync::Mutex;

use camino::Utf8Path;
use serde_json::json;

use super::super::registry::tests::{check, try_check};
use super::*;
use crate::check::{FileError, Judging, Outside};
use crate::lineage::testing::{research, timeline};

/// A program that ends as it is told, and notes what it reads.
#[derive(Debug)]
struct Played {
    end: Result<ProgramEnd, String>,
    read: Mutex<String>,
}

impl Outside for Played {
    fn file(&self, _path: &Utf8Path) -> Result<Vec<u8>, FileError> {
        Err(FileError::Missing)
    }

    fn run(&self, program: &Program<'_>) -> Result<ProgramEnd, String> {
        program.stdin.clone_into(&mut self.read.lock().unwrap());
        self.end.clone()
    }

    fn judge(&self, _judging: &Judging<'_>) -> Result<Option<crate::check::Judged>, String> {
        Err("no judge can be asked here".to_owned())
    }
}

fn played(status: i32, stdout: &str, stderr: &str) -> Played {
    Played {
        end: Ok(ProgramEnd {
            status,
            stdout: stdout.into(),
            stderr: stderr.into(),
        }),
        read: Mutex::new(String::new()),
    }
}

fn outcome(outside: &Played) -> Outcome {
    let run = timeline("main", vec![research()]);
    let context = CheckContext {
        outside,
        ..CheckContext::new(&run, &run)
    };
    check("kind = 'exec'\ncommand = ['judge']\nwith = { tone = 'kind' }").run(&context)
}

#[test]
fn a_verdict_with_its_findings_is_taken_over() {
    assert_eq!(
        outcome(&played(
            0,
            "{\"pass\": true, \"why\": \"the tone is kind\"}\n",
            ""
        )),
        Outcome::passed("the tone is kind")
    );
    assert_eq!(
        outcome(&played(0, "{\"pass\": true}", "")),
        Outcome::passed("program `judge` says so")
    );
    let verdict = json!({"pass": false, "findings": [
        {"message": "too harsh", "expected": "kind words", "found": 3, "step": 5},
    ]});
    let Outcome::Failed {
        findings,
        is_violation: false,
    } = outcome(&played(0, &verdict.to_string(), ""))
    else {
        panic!("it passed")
    };
    assert_eq!(
        serde_json::to_value(&findings).unwrap(),
        json!([{"message": "too harsh", "expected": "kind words", "found": "3", "step": 5}])
    );
    let bare = outcome(&played(0, "{\"pass\": false}", ""));
    assert_eq!(bare.why(), "program `judge` says no");
    assert!(bare.is_failed());
}

#[test]
fn whatever_is_no_verdict_is_never_a_pass() {
    for (end, why) in [
        (
            played(1, "{\"pass\": true}", "Traceback\nKeyError: 'x'\n"),
            "program `judge`: it exited with status 1: KeyError: 'x'",
        ),
        (
            played(0, "", ""),
            "program `judge`: it printed no verdict, such as {\"pass\": true}",
        ),
        (
            played(0, "{\"pass\": true} {}", ""),
            "program `judge`: what it printed is no verdict: trailing characters at line 1 column 16",
        ),
        (
            played(0, "ok\n", ""),
            "program `judge`: what it printed is no verdict: expected value at line 1 column 1",
        ),
        (
            played(0, "{\"pass\": \"yes\"}", ""),
            "program `judge`: what it printed is no verdict: invalid type: string \"yes\", expected a boolean at line 1 column 14",
        ),
        (
            played(0, "{\"passed\": true}", ""),
            "program `judge`: what it printed is no verdict: unknown field `passed`, expected one of `pass`, `why`, `findings` at line 1 column 9",
        ),
        (
            played(
                0,
                "{\"pass\": true, \"findings\": [{\"message\": \"x\"}]}",
                "",
            ),
            "program `judge`: it says `pass` and lists findings, which can't both be",
        ),
        (
            Played {
                end: Err("it ran longer than 60 s".into()),
                read: Mutex::default(),
            },
            "program `judge`: it ran longer than 60 s",
        ),
    ] {
        assert_eq!(outcome(&end), Outcome::not_run(why));
    }
}

#[test]
fn the_program_is_told_of_both_runs() {
    let program = played(0, "{\"pass\": true}", "");
    outcome(&program);
    let read: Value = serde_json::from_str(&program.read.lock().unwrap()).unwrap();
    insta::assert_snapshot!(
        serde_json::to_string_pretty(&json!({
            "version": read["version"],
            "with": read["with"],
            "answer": read["candidate"]["answer"],
            "exit": read["reference"]["exit"],
            "first steps": read["candidate"]["steps"].as_array().unwrap()[..2],
        }))
        .unwrap()
    );
    assert_eq!(read["candidate"], read["reference"]);
}

#[test]
fn without_a_way_to_run_programs_nothing_passes() {
    let run = timeline("main", vec![research()]);
    let outcome = check("kind = 'exec'\ncommand = ['true']").run(&CheckContext::new(&run, &run));
    assert!(matches!(outcome, Outcome::NotRun { .. }));
}

#[test]
fn a_definition_needs_a_program_and_a_time_that_is_one() {
    for toml in [
        "command = []",
        "command = ['']",
        "command = 'judge'",
        "command = ['judge']\ntimeout = '0s'",
        "command = ['judge']\ntimeout = '99999999999999999999m'",
        "command = ['judge']\ntimeout = 'soon'",
    ] {
        assert!(
            try_check(&format!("kind = 'exec'\n{toml}")).is_err(),
            "{toml}"
        );
    }
}
