//! An agent with tools of every kind: replayed where none of them can be reached, and forked behind what it did.

use std::fs;

use serde_json::{Value, json};

use super::root;
use super::server::Weather;
use crate::support::{App, Run};

/// The agent with its model and two tools over HTTPS, one on an MCP server and one in its own process.
struct Trip {
    app: App,
    weather: Weather,
}

const ANSWER: &str = "You fly to Oslo, it is grey there.\n";

impl Trip {
    fn recorded() -> Self {
        let trip = Self {
            app: App::new(),
            weather: Weather::start(),
        };
        let (app, addr) = (&trip.app, trip.weather.addr);
        app.write("weather.pem", &trip.weather.certificate);
        let desk = fs::read_to_string(root("tests/fixtures/agents/desk.py")).unwrap();
        app.write("desk.py", &desk);
        let config = format!(
            "[agent]\ncommand = [\"python3\", \"{}\"]\nenv = [\"PYTHONPATH={}\", \"REWIND={}\", \"DESK=desk.py\", \
             \"BOOKINGS=bookings\", \"SEATS=seats\", \"PROMPT\"]\n[upstream]\nscripted = \"{}\"\n[capture]\nproxy = true\n\
             upstream_ca = \"weather.pem\"\nresolve = {{ \"weather.test\" = \"{addr}\", \"hotels.test\" = \"{addr}\" }}\n\
             [tools.\"POST hotels.test/*\"]\neffect = \"read\"\n",
            root("tests/fixtures/agents/trip.py"),
            root("python"),
            env!("CARGO_BIN_EXE_rewind"),
            root("tests/fixtures/agents/trip.toml"),
        );
        app.write("rewind.toml", &config);
        let run = app.run(["record", "--name", "trip"]).exits(0);
        assert!(run.stdout.contains(ANSWER), "{}{}", run.stdout, run.stderr);
        assert_eq!(trip.weather.asked().len(), 2);
        assert_eq!(trip.did(), ["booked Oslo", "seat"]);
        trip
    }

    /// Returns what was booked and which seats were given so far, and forgets it.
    fn did(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for name in ["bookings", "seats"] {
            let path = self.app.folder().join(name);
            let text = fs::read_to_string(&path).unwrap_or_default();
            lines.extend(text.lines().map(str::to_owned));
            drop(fs::remove_file(path));
        }
        lines
    }

    /// Runs `rewind` where there is no network but the loopback device, if this machine allows that.
    fn without_network(&self, arguments: &[&str]) -> Run {
        let isolated = |script: &str| {
            let mut command = self.app.program("unshare");
            let shell = ["--map-root-user", "--net", "sh", "-c", script];
            command.args(shell).arg(env!("CARGO_BIN_EXE_rewind"));
            command
        };
        let up = "ip link set lo up";
        if !isolated(up)
            .output()
            .is_ok_and(|output| output.status.success())
        {
            // No namespace can be made here: the network is left on.
            return self.app.run(arguments);
        }
        let mut command = isolated(&format!("{up} && exec \"$0\" \"$@\""));
        let output = command.args(arguments).output().unwrap();
        Run::new(&command, output)
    }
}

#[test]
fn everything_is_served_on_a_machine_without_network_servers_or_tools() {
    let trip = Trip::recorded();
    fs::remove_file(trip.app.folder().join("desk.py")).unwrap();
    let replay = trip
        .without_network(&["replay", "trip", "--offline", "--json"])
        .exits(0)
        .json();
    assert_eq!(replay["unaffected"], true, "{replay}");
    assert_eq!(replay["answer"], ANSWER.trim_end());
    let counts = ["served", "live", "tools_served"].map(|name| &replay[name]);
    assert_eq!(counts, [&json!(4), &json!(0), &json!(4)], "{replay}");
    assert_eq!(replay["tools_ran"], json!([]));
    assert_eq!(trip.did(), [""; 0]);
    assert_eq!(trip.weather.asked(), [""; 0]);

    let shown = trip.app.run(["show", "trip", "--json"]).exits(0).json();
    let steps = shown["timelines"][0]["steps"].as_array().unwrap().iter();
    let captured: Vec<[&Value; 2]> = steps
        .filter(|step| !step["captured"].is_null())
        .map(|step| ["captured", "effect"].map(|name| &step[name]))
        .collect();
    let expected = [
        ("http", "read"),
        ("http", "read"),
        ("mcp", "mutating"),
        ("shim", "mutating"),
    ];
    let expected = expected.map(|(boundary, effect)| [json!(boundary), json!(effect)]);
    assert_eq!(
        captured,
        expected.each_ref().map(|pair| [&pair[0], &pair[1]]),
        "{shown}"
    );
}

#[test]
fn a_fork_behind_the_booking_books_nothing_again() {
    let trip = Trip::recorded();
    let fork = ["--from", "last", "--json"];
    let brief = ["--", "env", "PROMPT=Be brief."];
    let agent = ["python3".to_owned(), root("tests/fixtures/agents/trip.py")];
    let mut words = vec!["replay", "trip"];
    words.extend(fork);
    words.extend(brief);
    words.extend(agent.iter().map(String::as_str));
    let replay = trip.app.run(words).exits(0).json();
    assert_eq!(replay["answer"], "Booked.", "{replay}");
    let counts = ["served", "live", "tools_served"].map(|name| &replay[name]);
    assert_eq!(counts, [&json!(3), &json!(1), &json!(4)], "{replay}");
    assert_eq!(trip.did(), [""; 0]);
    assert_eq!(trip.weather.asked(), [""; 0]);
}

#[test]
fn the_gate_says_which_tools_ran_for_real() {
    let trip = Trip::recorded();
    let create = [
        "baseline", "create", "trip", "--name", "trip", "--from", "3",
    ];
    trip.app.run(create).exits(0);
    trip.did();
    trip.weather.asked();
    let mut gate = trip.app.rewind();
    gate.arg("gate").env("PROMPT", "Be a careful travel agent.");
    let output = gate.output().unwrap();
    let gate = Run::new(&gate, output);
    let said = "tools that ran for real: ";
    assert!(gate.stdout.contains(said), "{}{}", gate.stdout, gate.stderr);
    let report = fs::read_to_string(trip.app.folder().join("rewind-report/report.md")).unwrap();
    assert!(report.contains("Tools that ran for real: "), "{report}");
    // What changes something was served from the recording.
    assert_eq!(trip.did(), [""; 0]);
}
