//! Tools that the agent runs in its own process, wrapped by the packages for Python and JavaScript.

use std::fs;

use serde_json::{Value, json};

use crate::support::{App, Run, repository_path};

/// The language of the travel agent.
#[derive(Clone, Copy)]
enum Language {
    Python,
    Node,
}

const BOTH: [Language; 2] = [Language::Python, Language::Node];

/// The travel agent of `tests/fixtures/agents` in a folder of its own.
struct Travel {
    app: App,
    language: Language,
}

impl Travel {
    /// Returns the agent, recorded once: a search, two looks at flights, a booking.
    fn recorded(language: Language) -> Self {
        let travel = Self {
            app: App::new(),
            language,
        };
        let recorded = travel.run(&["record", "--name", "travel"], &[]).exits(0);
        assert!(
            recorded.stdout.contains("You fly with RW2."),
            "{}",
            recorded.stdout
        );
        let seen = [
            "booked RW2 for 1",
            "looked at RW1",
            "looked at RW2",
            "searched Oslo",
        ];
        assert_eq!(travel.notes(), seen);
        travel
    }

    fn run(&self, options: &[&str], variables: &[&str]) -> Run {
        let bookings = format!("BOOKINGS={}", self.app.folder().join("bookings").display());
        let rules = repository_path("tests/fixtures/agents/travel.toml");
        let python = format!("PYTHONPATH={}", repository_path("python"));
        let js = format!("REWIND_JS={}", repository_path("js/index.js"));
        let mut words = options.to_vec();
        words.extend(["--scripted", &rules, "--", "env", &bookings, &python, &js]);
        words.extend(variables);
        let script = match self.language {
            Language::Python => [
                "python3",
                &repository_path("tests/fixtures/agents/travel.py"),
            ]
            .map(str::to_owned),
            Language::Node => {
                ["node", &repository_path("tests/fixtures/agents/travel.mjs")].map(str::to_owned)
            }
        };
        words.extend(script.iter().map(String::as_str));
        self.app.run(words)
    }

    fn replay(&self, options: &[&str], variables: &[&str]) -> Run {
        self.run(
            &[&["replay", "travel", "--json"], options].concat(),
            variables,
        )
    }

    /// Returns what the tools did, sorted, since some run at once; and forgets it.
    fn notes(&self) -> Vec<String> {
        let file = self.app.folder().join("bookings");
        let text = fs::read_to_string(&file).unwrap_or_default();
        fs::write(&file, "").unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// Returns the tool steps of the recording.
    fn tools(&self) -> Vec<Value> {
        let shown = self.app.run(["show", "travel", "--json"]).exits(0).json();
        let steps = shown["timelines"][0]["steps"].as_array().unwrap().clone();
        steps
            .into_iter()
            .filter(|step| step["kind"] == "tool")
            .collect()
    }
}

/// Switches the model to a booking for two.
const FOR_TWO: &str = "PROMPT=You want two seats.";

#[test]
fn a_wrapped_call_is_one_step_with_the_models_own() {
    for language in BOTH {
        let travel = Travel::recorded(language);
        let tools = travel.tools();
        let numbers: Vec<_> = tools
            .iter()
            .map(|step| (&step["number"], &step["called_by"]))
            .collect();
        let expected = [(2, 1), (4, 3), (5, 3), (7, 6)].map(|(own, by)| (json!(own), json!(by)));
        assert_eq!(
            numbers,
            expected
                .iter()
                .map(|(own, by)| (own, by))
                .collect::<Vec<_>>()
        );
        let status: Vec<_> = tools
            .iter()
            .map(|step| step["status"].as_str().unwrap())
            .collect();
        assert_eq!(status, ["ok", "error", "ok", "ok"]);
        let booking = tools.last().unwrap();
        let seen = (&booking["captured"], &booking["effect"]);
        assert_eq!(seen, (&json!("shim"), &json!("mutating")));
        let shown = travel.app.run(["show", "travel", "--step", "7"]).exits(0);
        assert!(
            shown.stdout.contains("mutating, captured (shim)"),
            "{}",
            shown.stdout
        );
    }
}

#[test]
fn a_replay_gives_back_what_the_tools_gave_and_runs_none() {
    for language in BOTH {
        let travel = Travel::recorded(language);
        let replay = travel.replay(&["--offline"], &[]).exits(0).json();
        assert_eq!(replay["unaffected"], true, "{replay}");
        assert_eq!(replay["answer"], "You fly with RW2.");
        assert_eq!(
            (&replay["tools_served"], &replay["tools_ran"]),
            (&json!(4), &json!([]))
        );
        assert_eq!(replay["saved_steps"], 8);
        assert_eq!(replay["savings"]["saved"]["tools"], 4);
        assert_eq!(replay["savings"]["paid"]["tools"], Value::Null);
        assert_eq!(travel.notes(), Vec::<String>::new());
    }
}

#[test]
fn a_fork_after_the_booking_does_not_book_again() {
    for language in BOTH {
        let travel = Travel::recorded(language);
        let replay = travel
            .replay(&["--from", "last"], &["PROMPT=Be brief."])
            .exits(0)
            .json();
        assert_eq!((&replay["served"], &replay["live"]), (&json!(3), &json!(1)));
        assert_eq!(replay["tools_served"], 4);
        let fork = ["show", "travel", "--timeline", "fork"];
        let shown = travel.app.run(fork).exits(0).stdout;
        assert_eq!(shown.matches("served (exact)").count(), 4, "{shown}");
        let diff = travel.app.run(["diff", "travel", "main", "fork", "--json"]);
        assert_eq!(diff.exits(0).json()["is_equal"], true);
        assert_eq!(travel.notes(), Vec::<String>::new());
    }
}

#[test]
fn a_fork_before_the_booking_makes_the_recorded_one_good_and_no_other() {
    for language in BOTH {
        let travel = Travel::recorded(language);
        let same = travel
            .replay(&["--from", "3"], &["PROMPT=Be brief."])
            .exits(0)
            .json();
        // What only reads is looked at anew; the booking is the recorded one.
        let ran = json!([{"name": "flight_details", "effect": "read", "times": 2}]);
        assert_eq!(
            (&same["tools_served"], &same["tools_ran"]),
            (&json!(2), &ran)
        );
        assert_eq!(travel.notes(), ["looked at RW1", "looked at RW2"]);
        let other = travel.replay(&["--from", "3"], &[FOR_TWO]).exits(3).json();
        let halted = &other["divergences"][0];
        assert_eq!(
            (&halted["kind"], &halted["step"]),
            (&json!("tool"), &json!(7))
        );
        let message = halted["message"].as_str().unwrap();
        assert!(
            message.contains("{\"flight\":\"RW2\",\"seats\":2}"),
            "{message}"
        );
        assert!(!travel.notes().iter().any(|note| note.starts_with("booked")));
        travel
            .app
            .write("rewind.toml", "[replay]\nallow_tools = [\"book_flight\"]\n");
        let allowed = travel.replay(&["--from", "3"], &[FOR_TWO]).exits(0).json();
        assert_eq!(allowed["tools_ran"][0]["name"], "book_flight", "{allowed}");
        assert!(travel.notes().contains(&"booked RW2 for 2".to_owned()));
    }
}

#[test]
fn a_booking_that_was_not_recorded_is_never_made_before_the_fork() {
    for language in BOTH {
        let travel = Travel::recorded(language);
        for options in [&["--offline"][..], &["--from", "last"], &["--from", "auto"]] {
            let replay = travel.replay(options, &["MODE=dearer"]).exits(1).json();
            let message = replay["divergences"][0]["message"].as_str().unwrap();
            assert!(
                message.contains("`/seats` of the arguments was nothing and not 9"),
                "{message}"
            );
            assert_eq!(travel.notes(), Vec::<String>::new());
        }
    }
}

#[test]
fn a_tool_that_lost_its_wrapper_or_runs_twice_is_noticed() {
    let travel = Travel::recorded(Language::Python);
    let replay = travel
        .replay(&["--offline"], &["MODE=unwrapped"])
        .exits(1)
        .json();
    let message = replay["divergences"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("step 7 (tool `book_flight`) was recorded, but its call never came"),
        "{message}"
    );
    travel.notes();
    let replay = travel
        .replay(&["--offline"], &["MODE=twice"])
        .exits(1)
        .json();
    let message = replay["divergences"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("it has been served already: step 7"),
        "{message}"
    );
    assert_eq!(travel.notes(), Vec::<String>::new());
}

#[test]
fn a_committed_recording_serves_its_tools_in_a_gate() {
    for language in BOTH {
        let travel = Travel::recorded(language);
        travel.gates();
    }
}

impl Travel {
    /// Makes a baseline of the recording and gates with it, then with an agent that books other seats.
    fn gates(&self) {
        let script = match self.language {
            Language::Python => format!(
                "\"python3\", \"{}\"",
                repository_path("tests/fixtures/agents/travel.py")
            ),
            Language::Node => format!(
                "\"node\", \"{}\"",
                repository_path("tests/fixtures/agents/travel.mjs")
            ),
        };
        let folder = self.app.folder().display();
        let config = |mode: &str| {
            format!(
                "[agent]\ncommand = [\"env\", \"MODE={mode}\", \"BOOKINGS={folder}/bookings\", \"PYTHONPATH={}\", \"REWIND_JS={}\", {script}]\n\
                 [upstream]\nscripted = \"{}\"\n",
                repository_path("python"),
                repository_path("js/index.js"),
                repository_path("tests/fixtures/agents/travel.toml"),
            )
        };
        self.app.write("rewind.toml", &config(""));
        self.app.run(["record", "--name", "gated"]).exits(0);
        self.notes();
        self.app
            .run(["baseline", "create", "--name", "travel", "gated"])
            .exits(0);
        self.notes();
        let manifest = self
            .app
            .folder()
            .join("baselines/travel/session/session.toml");
        assert!(
            fs::read_to_string(manifest)
                .unwrap()
                .contains("format = \"1.1\"")
        );
        let gate = self.app.run(["gate", "--offline"]).exits(0);
        assert!(gate.stdout.contains("unaffected"), "{}", gate.stdout);
        assert_eq!(self.notes(), Vec::<String>::new());
        self.app.write("rewind.toml", &config("dearer"));
        let gate = self.app.run(["gate", "--offline"]);
        assert_ne!(gate.code, Some(0), "{}", gate.stdout);
        assert_eq!(self.notes(), Vec::<String>::new());
    }
}
