//! What a newcomer gets wrong, and the words that put it right.

use super::{baseline, gate, repository};
use crate::support::App;

const PLAIN: &str = "import sys\nfrom ask import *\nprint(ask(sys.argv[1]))\n";
const CONFIG: &str = "[agent]\ncommand = [\"python3\", \"agent.py\"]\n";

#[test]
fn without_a_configuration_the_next_command_is_named() {
    let app = App::new();
    for arguments in [&["gate"][..], &["record"]] {
        let run = app.run(arguments);
        assert!(run.stderr.contains("rewind init"), "{}", run.stderr);
    }
    // One that names no agent is to be completed, not made once more.
    app.run(["init", "--yes"]).exits(0);
    let run = app.run(["record", "--input", "q"]).exits(2);
    assert!(run.stderr.contains("command = ["), "{}", run.stderr);
    assert!(!run.stderr.contains("rewind init"), "{}", run.stderr);
}

#[test]
fn what_is_wrong_in_the_configuration_is_shown_as_it_should_be_written() {
    let app = repository(PLAIN, CONFIG);
    app.run(["record", "--input", "q"]).exits(0);
    baseline(&app, "a", "");
    for (line, exit, meant) in [
        (
            "command = \"python3 agent.py\"",
            2,
            "write [\"python3\", \"agent.py\"]",
        ),
        ("entry = \"agent.py:run\"", 2, "`agent:run`"),
        (
            "command = [\"python3\", \"agent.py\"]\ncwd = \"src\"",
            3,
            "/src does not exist; make it, or write another `cwd`",
        ),
        (
            "command = [\"python3\", \"agent.py\"]\nbefore = [\"no-such-thing\"]",
            3,
            "`before` of the agent could not be run",
        ),
        (
            "command = [\"python3\", \"agent.py\"]\nsetup = [\"no-such-thing\"]",
            3,
            "`setup` of the agent could not be run",
        ),
        (
            "command = [\"python3\", \"agent.py\"]\ntimeout = \"0s\"",
            2,
            "longer one",
        ),
    ] {
        app.write(
            "rewind.toml",
            &format!("[agent]\n{line}\n[upstream]\nscripted = \"model.toml\"\n"),
        );
        let run = app.run(["gate"]).exits(exit);
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains(meant), "{line}: {said}");
    }
}

#[test]
fn an_agent_that_got_no_input_is_told_how_it_gets_one() {
    let app = repository(PLAIN, CONFIG);
    let run = app.run(["record"]).exits(1);
    assert!(
        run.stderr.contains("--input \"a question\""),
        "{}",
        run.stderr
    );
    // It would not have been the input.
    app.write("agent.py", "raise SystemExit(1)\n");
    let run = app.run(["record", "--input", "q"]).exits(1);
    assert!(!run.stderr.contains("got no input"), "{}", run.stderr);
}

#[test]
fn a_provider_that_takes_no_key_is_quoted_and_the_keys_variable_named() {
    let app = repository(PLAIN, CONFIG);
    app.write(
        "model.toml",
        "[[rule]]\nreply = { status = 401, error = \"You didn't provide an API key.\" }\n",
    );
    let run = app.run(["record", "--input", "q"]).exits(1);
    for word in ["You didn't provide an API key.", "set OPENAI_API_KEY"] {
        assert!(run.stderr.contains(word), "{}", run.stderr);
    }
}

#[test]
fn a_failed_recording_becomes_no_baseline_unnoticed() {
    let app = repository(PLAIN, CONFIG);
    app.write(
        "model.toml",
        "[[rule]]\nreply = { status = 500, error = \"overloaded\" }\n",
    );
    app.run(["record", "--input", "q"]).exits(1);
    let run = app.run(["baseline", "create", "latest", "--name", "a"]);
    let warning = "the agent ended with status 1 in this recording";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    app.write("model.toml", "[[rule]]\nreply = { text = \"yes\" }\n");
    app.run(["record", "--input", "q"]).exits(0);
    let run = app
        .run(["baseline", "create", "latest", "--name", "b"])
        .exits(0);
    assert!(!run.stderr.contains("in this recording"), "{}", run.stderr);
}

#[test]
fn a_scripted_answer_that_is_a_text_is_shown_as_the_table_that_it_should_be() {
    let app = repository(PLAIN, CONFIG);
    app.write("model.toml", "[[rule]]\nreply = \"hello\"\n");
    let run = app.run(["record", "--input", "q"]).exits(2);
    assert!(
        run.stderr.contains("{ text = \"hello\" }"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_wrong_command_is_answered_with_the_one_that_is_there() {
    let app = repository(PLAIN, CONFIG);
    for (command, exit, meant) in [
        (
            &["python3", "agnet.py"][..],
            127,
            "did you mean `agent.py`?",
        ),
        (&["agent.py"], 127, "write `python3 agent.py`"),
        (&["./other.py"], 127, "working directory"),
    ] {
        let run = app
            .run([&["record", "--"][..], command].concat())
            .exits(exit);
        assert!(run.stderr.contains(meant), "{command:?}: {}", run.stderr);
    }
    app.run(["record", "--input", "q"]).exits(0);
    baseline(&app, "a", "");
    app.write(
        "rewind.toml",
        "[agent]\ncommand = [\"python3\", \"agnet.py\"]\n[upstream]\nscripted = \"model.toml\"\n",
    );
    let run = app.run(["gate"]).exits(3);
    assert!(run.stdout.contains("agent.py"), "{}", run.stdout);
}

#[test]
fn a_missing_interpreter_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let app = repository("#!/opt/none/python\n", CONFIG);
    let script = app.folder().join("agent.py");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = app.run(["record", "--", "./agent.py"]).exits(127);
    assert!(run.stderr.contains("/opt/none/python"), "{}", run.stderr);
}

#[test]
fn an_agent_that_ignores_the_base_url_is_told_which_variables_to_read() {
    let app = repository(PLAIN, CONFIG);
    app.run(["record", "--input", "q"]).exits(0);
    baseline(&app, "a", "");
    app.write("agent.py", "print('I heard: q')\n");
    let recorded = app.run(["record", "--input", "q"]).exits(0);
    let gated = gate(&app);
    for said in [&recorded.stderr, &gated.stdout] {
        assert!(
            said.contains("made no model calls through Rewind"),
            "{said}"
        );
        assert!(said.contains("OPENAI_BASE_URL"), "{said}");
    }
}

#[test]
fn an_agent_that_needs_a_key_to_start_is_told_how_to_give_it_a_placeholder() {
    let app = repository(PLAIN, CONFIG);
    app.run(["record", "--input", "q"]).exits(0);
    baseline(&app, "a", "");
    app.write(
        "agent.py",
        &format!("import os\nos.environ['SEARCH_API_KEY']\n{PLAIN}"),
    );
    let advice = "SEARCH_API_KEY=placeholder";
    let gated = gate(&app);
    assert!(gated.stdout.contains(advice), "{}", gated.stdout);
    // Also where the agent's own words may not be shown.
    let gated = app.run(["gate", "--content", "none"]);
    assert!(gated.stdout.contains(advice), "{}", gated.stdout);
    assert!(!gated.stdout.contains("Traceback"), "{}", gated.stdout);
    let replayed = app.run(["replay", "latest", "--offline", "--json"]);
    assert!(replayed.stderr.contains(advice), "{}", replayed.stderr);
    let fixed = "[agent]\ncommand = [\"python3\", \"agent.py\"]\nenv = [\"SEARCH_API_KEY=placeholder\"]\n\
                 [upstream]\nscripted = \"model.toml\"\n";
    app.write("rewind.toml", fixed);
    gate(&app).exits(0);
}
