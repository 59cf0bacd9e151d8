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
