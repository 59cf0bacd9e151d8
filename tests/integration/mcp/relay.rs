//! `rewind mcp` between a client and a server that misbehaves.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::run::FakeRun;
use crate::support::App;

/// A running `rewind mcp` and its client's ends of the pipes.
struct Relay {
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Relay {
    fn start(app: &App, run: Option<&FakeRun>, command: &[&str]) -> Self {
        let mut rewind = app.rewind();
        if let Some(run) = run {
            rewind.env("REWIND_TOOLS", run.url());
        }
        let mut process = rewind
            .args(["mcp", "--name", "shop", "--"])
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            stdin: process.stdin.take(),
            stdout: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }

    fn on_server(app: &App, run: &FakeRun) -> Self {
        Self::start(app, Some(run), &["python3", server()])
    }

    fn write(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    fn message(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Sends a request and returns the next message.
    fn ask(&mut self, id: u32, method: &str, params: &Value) -> Value {
        self.send(id, method, params);
        self.message()
    }

    fn send(&mut self, id: u32, method: &str, params: &Value) {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.write(&format!("{request}\n"));
    }

    fn hello(&mut self) -> Value {
        let params = json!({"protocolVersion": "2025-06-18", "clientInfo": {"name": "test"}});
        let hello = self.ask(0, "initialize", &params);
        self.write("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
        hello
    }

    /// Closes the client's side and returns what else came, and the exit status.
    fn end(&mut self) -> (String, Option<i32>) {
        drop(self.stdin.take());
        let mut rest = String::new();
        while self.stdout.read_line(&mut rest).unwrap() > 0 {}
        (rest, self.process.wait().unwrap().code())
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Has the same talk again with what was recorded alone: there is no server, and nothing runs.
fn served(app: &App, recorded: &FakeRun, talk: impl FnOnce(&mut Relay)) {
    let again = FakeRun::start(recorded.recorded());
    talk(&mut Relay::start(
        app,
        Some(&again),
        &["no-such-server-anywhere"],
    ));
    assert_eq!(again.ran(), [""; 0]);
}

#[test]
fn bytes_pass_unchanged_where_nothing_is_served() {
    let app = App::new();
    let run = FakeRun::start(Vec::new());
    let mut relay = Relay::on_server(&app, &run);
    relay.hello();
    let request = "{\"id\": 7 ,\"method\":\"tools/call\",  \"jsonrpc\":\"2.0\",\"params\":{\"name\":\"echo\",\"x\":1e2}}\n";
    relay.write(request);
    let answer = "{ \"jsonrpc\":\"2.0\",  \"id\":7, \"result\":{\"content\":[ ]}  }\n";
    assert_eq!(relay.line(), answer);
    assert_eq!(relay.end(), (String::new(), Some(0)));
    let heard = heard(&app);
    assert_eq!(heard.lines().count(), 3, "{heard}");
    assert!(heard.ends_with(request), "{heard}");
    assert_eq!(run.ran(), ["shop#initialize", "echo"]);
    let [(hello, _), (call, outcome)] = &run.recorded()[..] else {
        panic!("{:?}", run.recorded());
    };
    assert_eq!(hello["ancillary"], true);
    assert_eq!(
        (&call["server"], &call["boundary"]),
        (&json!("shop"), &json!("mcp"))
    );
    assert_eq!(
        *outcome,
        json!({"result": {"content": []}, "is_error": false})
    );
}

#[test]
fn what_was_recorded_is_served_without_the_server() {
    let app = App::new();
    let run = FakeRun::start(Vec::new());
    let talk = |relay: &mut Relay| {
        let mut answers = vec![relay.hello()];
        answers.push(relay.ask(1, "tools/list", &json!({})));
        let token = json!({"name": "echo", "_meta": {"progressToken": 1}});
        answers.push(relay.ask(2, "tools/call", &token));
        answers.push(relay.ask(
            3,
            "tools/call",
            &json!({"name": "error", "arguments": {"a": 1}}),
        ));
        answers.push(relay.ask(4, "ping", &json!({})));
        assert_eq!(relay.end(), (String::new(), Some(0)));
        answers
    };
    let recorded = talk(&mut Relay::on_server(&app, &run));
    assert_eq!(recorded[3]["error"]["data"], json!([1]));
    // The effect is known from the list.
    assert_eq!(run.recorded()[2].0["effect"], "read");
    served(&app, &run, |relay| assert_eq!(talk(relay), recorded));
}

#[test]
fn a_server_that_starts_late_hears_what_it_missed() {
    let app = App::new();
    let run = FakeRun::start(Vec::new());
    let begin = |relay: &mut Relay| {
        relay.hello();
        relay.ask(1, "logging/setLevel", &json!({"level": "error"}));
    };
    let mut relay = Relay::on_server(&app, &run);
    begin(&mut relay);
    relay.end();
    fs::remove_file(app.folder().join("heard.log")).unwrap();
    let again = FakeRun::start(run.recorded());
    let mut relay = Relay::on_server(&app, &again);
    begin(&mut relay);
    assert!(
        !app.folder().join("heard.log").exists(),
        "it started too early"
    );
    let answer = relay.ask(2, "tools/call", &json!({"name": "echo"}));
    assert_eq!(
        answer,
        json!({"jsonrpc": "2.0", "id": 2, "result": {"content": []}})
    );
    assert_eq!(relay.end(), (String::new(), Some(0)));
    let heard = heard(&app);
    let methods: Vec<Value> = heard
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["method"].clone())
        .collect();
    let expected = [
        "initialize",
        "notifications/initialized",
        "logging/setLevel",
        "tools/call",
    ];
    assert_eq!(methods, expected);
    assert!(
        heard.contains("\"clientInfo\":{\"name\":\"test\"}"),
        "{heard}"
    );
}

#[test]
fn the_end_of_a_server_is_passed_on_and_served_again() {
    let app = App::new();
    let run = FakeRun::start(Vec::new());
    let mut relay = Relay::on_server(&app, &run);
    relay.hello();
    relay.send(1, "tools/call", &json!({"name": "crash"}));
    assert!(relay.line().contains("last words"));
    // The client's side is still open.
    assert_eq!(relay.line(), "");
    assert_eq!(relay.process.wait().unwrap().code(), Some(3));
    let ended = json!({"result": {"$mcp": {"no_answer": "server_ended"}}, "is_error": true});
    assert_eq!(run.outcome("crash"), ended);

    let again = FakeRun::start(run.recorded());
    let mut relay = Relay::start(&app, Some(&again), &["no-such-server-anywhere"]);
    relay.hello();
    relay.send(1, "tools/call", &json!({"name": "crash"}));
    assert_eq!(relay.line(), "");
    assert_eq!(relay.process.wait().unwrap().code(), Some(1));
}

#[test]
fn garbage_of_a_server_reaches_the_client_and_does_no_harm() {
    let app = App::new();
    let run = FakeRun::start(Vec::new());
    let mut relay = Relay::on_server(&app, &run);
    relay.send(1, "tools/call", &json!({"name": "garbage"}));
    assert_eq!(relay.line(), "not json at all\n");
    assert_eq!(relay.line(), "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":\n");
    assert_eq!(relay.message()["id"], 1);
    assert_eq!(relay.end().1, Some(0));
    assert_eq!(run.outcome("garbage")["result"], json!({"content": []}));
}

#[test]
fn a_line_of_a_hundred_megabytes_passes() {
    let app = App::new();
    let run = FakeRun::start(Vec::new());
    let mut relay = Relay::on_server(&app, &run);
    let length = 100_000_000;
    let long = json!({"name": "long", "arguments": {"length": length}});
    relay.send(1, "tools/call", &long);
    assert!(relay.line().len() > length);
    let answer = relay.ask(2, "tools/call", &json!({"name": "echo"}));
    assert_eq!(answer["id"], 2);
    assert_eq!(relay.end().1, Some(0));
    let said = run.outcome("long")["result"]["$mcp"]["error"]["message"].clone();
    assert!(said.as_str().unwrap().contains("too large"), "{said}");
}

#[test]
fn what_is_no_message_is_refused_and_the_talk_goes_on() {
    let app = App::new();
    let run = FakeRun::start(Vec::new());
    let mut relay = Relay::on_server(&app, &run);
    let cases = [
        ("hello", -32700),
        ("{\"jsonrpc\":\"2.0\",", -32700),
        ("[]", -32600),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"ping\"}",
            -32600,
        ),
        ("{\"id\":1,\"method\":\"ping\"}", -32600),
    ];
    for (text, code) in cases {
        relay.write(&format!("{text}\n"));
        assert_eq!(relay.message()["error"]["code"], code, "{text}");
    }
    relay.write("\n \n");
    // A batch is answered one by one.
    relay.write(
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\"}},\
         {\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\"}]\n",
    );
    assert_eq!(relay.message()["id"], 1);
    assert_eq!(relay.message()["id"], 2);
    assert_eq!(relay.end(), (String::new(), Some(0)));
    assert_eq!(heard(&app).lines().count(), 2);
}

#[test]
fn a_cancelled_call_has_no_answer_and_is_cancelled_again() {
    let app = App::new();
    let run = FakeRun::start(Vec::new());
    let talk = |relay: &mut Relay| {
        relay.hello();
        relay.send(1, "tools/call", &json!({"name": "never"}));
        relay.write(
            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}\n",
        );
        assert_eq!(relay.ask(2, "tools/list", &json!({}))["id"], 2);
        assert_eq!(relay.end(), (String::new(), Some(0)));
    };
    talk(&mut Relay::on_server(&app, &run));
    assert!(heard(&app).contains("notifications/cancelled"));
    let cancelled = json!({"result": {"$mcp": {"no_answer": "cancelled"}}, "is_error": true});
    assert_eq!(run.outcome("never"), cancelled);
    served(&app, &run, talk);
}

#[test]
fn a_call_that_nobody_waited_for_has_no_answer_in_a_replay_and_harms_no_other() {
    let app = App::new();
    let run = FakeRun::start(Vec::new());
    let talk = |relay: &mut Relay| {
        relay.hello();
        relay.send(1, "tools/call", &json!({"name": "never"}));
        assert_eq!(relay.ask(2, "tools/list", &json!({}))["id"], 2);
        assert_eq!(relay.end(), (String::new(), Some(0)));
    };
    talk(&mut Relay::on_server(&app, &run));
    served(&app, &run, talk);
}

#[test]
fn what_a_server_asks_its_client_is_asked_again_by_the_recording() {
    let app = App::new();
    let run = FakeRun::start(Vec::new());
    let talk = |relay: &mut Relay| {
        relay.hello();
        let asked = relay.ask(1, "tools/call", &json!({"name": "ask"}));
        assert_eq!(asked["method"], "sampling/createMessage");
        assert_eq!(asked["params"]["maxTokens"], 5);
        let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": ["sampled"]});
        relay.write(&format!("{answer}\n"));
        let answer = relay.message();
        assert_eq!(answer["id"], 1);
        assert_eq!(answer["result"]["content"], json!(["sampled"]));
        assert_eq!(relay.end(), (String::new(), Some(0)));
    };
    talk(&mut Relay::on_server(&app, &run));
    served(&app, &run, talk);
}

#[test]
fn a_call_that_may_not_run_is_refused_before_the_server_hears_of_it() {
    let app = App::new();
    let run = FakeRun::start(Vec::new()).refuse("book");
    let mut relay = Relay::on_server(&app, &run);
    let refused = relay.ask(1, "tools/call", &json!({"name": "book"}));
    assert_eq!(refused["error"]["message"], "book may not run");
    assert_eq!(relay.end(), (String::new(), Some(0)));
    assert!(!app.folder().join("heard.log").exists());
}

#[test]
fn a_server_that_is_not_there_is_named_and_the_status_is_that_of_a_shell() {
    let app = App::new();
    let run = FakeRun::start(Vec::new());
    let mut relay = Relay::start(&app, Some(&run), &["no-such-server-anywhere"]);
    let answer = relay.ask(1, "initialize", &json!({"protocolVersion": "2025-06-18"}));
    let said = answer["error"]["message"].as_str().unwrap();
    assert!(said.contains("no-such-server-anywhere"), "{said}");
    assert_eq!(relay.end(), (String::new(), Some(127)));
}

#[test]
fn a_signal_ends_even_a_server_that_does_not_listen() {
    let app = App::new();
    let run = FakeRun::start(Vec::new());
    let mut relay = Relay::on_server(&app, &run);
    relay.ask(1, "tools/call", &json!({"name": "stubborn"}));
    let server = children(relay.process.id());
    assert_eq!(server.len(), 1);
    relay.signal(Signal::TERM);
    assert_eq!(relay.line(), "");
    assert_eq!(relay.process.wait().unwrap().code(), Some(143));
    assert!(!Path::new(&format!("/proc/{}", server[0])).exists());
}

#[test]
fn without_a_run_the_server_takes_the_place_of_rewind() {
    let app = App::new();
    let mut relay = Relay::start(
        &app,
        None,
        &["sh", "-c", "read line; echo $$ \"$line\"; exit 7"],
    );
    let pid = relay.process.id();
    relay.write("anything\n");
    assert_eq!(relay.end(), (format!("{pid} anything\n"), Some(7)));
    let mut relay = Relay::start(&app, None, &["no-such-server-anywhere"]);
    assert_eq!(relay.end().1, Some(127));
}

#[test]
fn a_run_that_has_ended_lets_nothing_run() {
    let app = App::new();
    let mut relay = app.rewind();
    let output = relay
        .env("REWIND_TOOLS", "http://127.0.0.1:9/r/token/rewind/v1")
        .args(["mcp", "--", "python3", server()])
        .stdin(
            fs::File::open(app.write(
                "in",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}",
            ))
            .unwrap(),
        )
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("can't be reached"), "{said}");
    assert!(!app.folder().join("heard.log").exists());
}

/// Returns what the server has read.
fn heard(app: &App) -> String {
    fs::read_to_string(app.folder().join("heard.log")).unwrap()
}

fn server() -> &'static str {
    concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/integration/mcp/server.py"
    )
}

/// Returns the processes that this one has started.
fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let found = fs::read_to_string(path).unwrap_or_default();
    let mut all: Vec<u32> = found
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect();
    // The thread that started it may be another one.
    for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
        let found = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        all.extend(
            found
                .split_whitespace()
                .map(|pid| pid.parse::<u32>().unwrap()),
        );
    }
    all.sort_unstable();
    all.dedup();
    all
}
