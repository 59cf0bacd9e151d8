//! A change that no live run would put to the model never passes in silence.

use crate::support::{ASK, App, Run};

/// A planner says what to write, and a writer writes it; both prompts stand in files.
pub(super) const AGENT: &str = r#"
from ask import *

def told(prompt, text):
    return ask(text, open(prompt).read())

print(told("writer.txt", told("planner.txt", "A report on Oslo")))
"#;

/// A planner who is told to hurry plans nothing that is of use.
const MODEL: &str = r#"
[[rule]]
when = { system = "Hurry" }
reply = { text = "plan: nothing" }

[[rule]]
when = { system = "planner" }
reply = { text = "plan: Oslo, its people, its fjord" }

[[rule]]
when = { system = "writer" }
reply = { text = "Written as in {{last_user}}" }
"#;

pub(super) fn newsroom(forks: &[&str]) -> App {
    let app = App::new();
    app.write("ask.py", ASK);
    app.write("agent.py", AGENT);
    app.write("model.toml", MODEL);
    app.write("planner.txt", "You are the planner.");
    app.write("writer.txt", "You are the writer.");
    app.write(
        "rewind.toml",
        "[agent]\ncommand = [\"python3\", \"agent.py\"]\n\n[upstream]\nscripted = \"model.toml\"\n",
    );
    app.run(["record", "--name", "oslo", "--", "python3", "agent.py"])
        .exits(0);
    let mut words = vec!["baseline", "create", "oslo", "--name", "oslo"];
    words.extend(["--stability", "1"]);
    words.extend(forks.iter().flat_map(|fork| ["--from", fork]));
    app.run(words).exits(0);
    app
}

pub(super) fn live(app: &App) -> Run {
    app.run(["gate", "--live", "--samples", "1"])
}

#[test]
fn a_broken_prompt_of_an_early_agent_is_found_by_the_usual_forks() {
    let app = newsroom(&[]);
    app.write("planner.txt", "You are the planner. Hurry.");
    let gated = live(&app).exits(1);
    assert!(gated.stdout.contains("oslo@auto"), "{}", gated.stdout);
    assert!(gated.stdout.contains("FAIL"), "{}", gated.stdout);
}

#[test]
fn a_change_that_the_last_step_shows_is_not_run_twice() {
    let app = newsroom(&[]);
    app.write("writer.txt", "You are the writer. Write well.");
    let gated = live(&app).exits(0);
    assert!(gated.stderr.contains("; 1 live tails"), "{}", gated.stderr);
}

#[test]
fn without_a_fork_that_shows_the_change_it_needs_one() {
    let app = newsroom(&["last"]);
    app.write("planner.txt", "You are the planner. Hurry.");
    let gated = live(&app).exits(3);
    let why = "  no fork puts the changed system prompt of planner (step 1) to the model: \
               add \"agent:planner\" or \"auto\" to `forks` in baseline.toml\n";
    assert!(gated.stdout.contains(why), "{}", gated.stdout);
    for file in [
        "report.md",
        "report.html",
        "junit.xml",
        "rewind-report.json",
    ] {
        let path = app.folder().join("rewind-report").join(file);
        let text = std::fs::read_to_string(path).unwrap();
        assert!(
            text.contains("(step 1) to the model: add"),
            "{file}\n{text}"
        );
    }
    let path = app.folder().join("baselines/oslo/baseline.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let forks = text.replace(
        "forks = [\"last\"]",
        "forks = [\"last\", \"agent:planner\"]",
    );
    assert_ne!(forks, text);
    std::fs::write(&path, forks).unwrap();
    live(&app).exits(1);
    app.write("planner.txt", "You are the planner. Take your time.");
    live(&app).exits(0);
}
