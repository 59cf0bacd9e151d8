//! `rewind record`: what the agent sees, what the provider sees, what is kept.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::mpsc;

use camino::{Utf8Path, Utf8PathBuf};
use flate2::Compression;
use flate2::write::GzEncoder;
use rewind_gate::model::{Body, Call, Session};
use rewind_gate::store::Store;
use serde_json::{Value, json};

use crate::support::upstream::{
    Piece, Received, Upstream, chunk, json, last_chunk, stream_head, whole,
};

/// What every agent of these tests begins with: one POST to the chat endpoint, and how to read it.
const PRELUDE: &str = r#"
import http.client, json, os, sys, time
from urllib.parse import urlsplit

BASE = urlsplit(os.environ["OPENAI_BASE_URL"])
KEY = os.environ["OPENAI_API_KEY"]

def connect():
    return http.client.HTTPConnection(BASE.hostname, BASE.port, timeout=30)

def send(connection, text, stream=False, headers=None, method="POST", path="/chat/completions", **more):
    body = {"model": "gpt-test", "messages": [{"role": "user", "content": text}], **more}
    if stream:
        body["stream"] = True
    data = json.dumps(body) if method == "POST" else None
    head = {"Authorization": "Bearer " + KEY, "Content-Type": "application/json", **(headers or {})}
    connection.request(method, BASE.path + path, data, head)
    return connection.getresponse()

def ask(text, **more):
    return send(connect(), text, **more)
"#;

/// The key that Rewind holds.
const REAL_KEY: &str = "sk-proj-REAL0123456789abcdefREAL0123456789";

/// A directory with an agent and a store, and the command that records it.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new(agent: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("agent.py"), format!("{PRELUDE}\n{agent}")).unwrap();
        Self { dir }
    }

    fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.dir.path()).unwrap()
    }

    fn store(&self) -> Utf8PathBuf {
        self.path().join(".rewind")
    }

    fn rewind(&self, upstream: &Upstream, options: &[&str], command: &[&str]) -> Command {
        let mut rewind = Command::new(env!("CARGO_BIN_EXE_rewind"));
        rewind
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("OPENAI_API_KEY", REAL_KEY)
            .args([
                "record",
                "--upstream",
                &format!("openai={}", upstream.url()),
            ])
            .args(options)
            .arg("--")
            .args(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        rewind
    }

    fn record(&self, upstream: &Upstream) -> Output {
        let command = ["python3", "agent.py"];
        let output = self.rewind(upstream, &[], &command).output();
        output.unwrap()
    }

    fn session(&self) -> Session {
        let store = Store::open(&self.store()).unwrap();
        let id = store.resolve("latest").unwrap();
        store.load(id).unwrap()
    }

    fn calls(&self) -> Vec<Call> {
        let session = self.session();
        let main = session.timeline("main").unwrap();
        main.model_steps()
            .map(|(_step, call)| Call::clone(call))
            .collect()
    }
}

fn answer(text: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-test-1",
        "choices": [{"index": 0, "finish_reason": "stop",
                     "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    })
}

fn delta(text: &str) -> Piece {
    let event = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-test-1",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": null}]
    });
    chunk(&format!("data: {event}\n\n"))
}

fn stop() -> Piece {
    let event = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-test-1",
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    });
    chunk(&format!("data: {event}\n\ndata: [DONE]\n\n"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn output_text(call: &Call) -> String {
    let output = call.response.output.as_ref();
    output.map_or_else(String::new, |message| message.plain_text())
}

#[test]
fn an_answer_is_passed_on_and_kept() {
    let upstream = Upstream::start(|_request| json(200, &answer("14 million")));
    let bench = Bench::new(
        r#"
reply = json.loads(ask("How many live in Tokyo?").read())
print(reply["choices"][0]["message"]["content"], KEY.startswith("rewind-"))
"#,
    );
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "14 million True\n", "{output:?}");
    assert_eq!(output.status.code(), Some(0));
    let request = &upstream.received()[0];
    assert_eq!(request.path, "/v1/chat/completions");
    // The key in the environment was given for the provider's own host, not for this one.
    assert_eq!(request.header("authorization"), None);
    let calls = bench.calls();
    assert_eq!(output_text(&calls[0]), "14 million");
    assert_eq!(calls[0].response.usage.map(|usage| usage.input), Some(10));
    let outcome = bench.session().timelines[0].outcome.clone();
    assert_eq!((outcome.exit, outcome.faults), (Some(0), Vec::new()));
    assert_eq!(outcome.answer.as_deref(), Some("14 million"));
    let said = text(&output.stderr);
    assert!(said.contains("rewind show latest"), "{said}");
    assert!(said.contains("1 model call"), "{said}");
}

#[test]
fn the_provider_gets_the_real_key_and_the_agent_never_sees_it() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new(
        r#"
ask("q").read()
print(any("REAL" in value for value in os.environ.values()))
print(ask("q", path="/files").status)
"#,
    );
    let keys = bench.path().join("keys");
    std::fs::write(&keys, format!("openai={REAL_KEY}\n")).unwrap();
    let command = ["python3", "agent.py"];
    let output = bench
        .rewind(&upstream, &["--key-file", "keys"], &command)
        .output();
    let output = output.unwrap();
    assert_eq!(text(&output.stdout), "False\n403\n", "{output:?}");
    let received = upstream.received();
    let key = format!("Bearer {REAL_KEY}");
    assert_eq!(received[0].header("authorization"), Some(key.as_str()));
    assert_eq!(received.len(), 1, "only model endpoints get the key");
}

#[test]
fn a_key_of_the_agents_own_passes_with_a_note_unless_keys_are_strict() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new(
        r#"
own = {"Authorization": "Bearer sk-proj-OWN0123456789abcdefghij"}
print(ask("q", headers=own).status)
"#,
    );
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "200\n", "{output:?}");
    assert!(
        text(&output.stderr).contains("a key of its own"),
        "{output:?}"
    );
    let key = upstream.received()[0]
        .header("authorization")
        .map(str::to_owned);
    assert_eq!(
        key.as_deref(),
        Some("Bearer sk-proj-OWN0123456789abcdefghij")
    );
    std::fs::write(
        bench.path().join("rewind.toml"),
        "[capture]\nstrict_keys = true\n",
    )
    .unwrap();
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "403\n", "{output:?}");
    assert_eq!(upstream.received().len(), 1);
}

#[test]
fn the_scripted_model_needs_neither_key_nor_permission() {
    let bench = Bench::new(
        r#"
print(json.loads(ask("How many live in Tokyo?").read())["choices"][0]["message"]["content"])
"#,
    );
    let rules = "[[rule]]\nwhen = { last_user = \"Tokyo\" }\nreply = { text = \"14 million\" }\n";
    std::fs::write(bench.path().join("model.toml"), rules).unwrap();
    let mut rewind = Command::new(env!("CARGO_BIN_EXE_rewind"));
    let output = rewind
        .current_dir(bench.path())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("CI", "true")
        .args([
            "record",
            "--scripted",
            "model.toml",
            "--",
            "python3",
            "agent.py",
        ])
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "14 million\n", "{output:?}");
    assert_eq!(output_text(&bench.calls()[0]), "14 million");
}

#[test]
fn standard_output_can_be_the_answer() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new("ask('q').read(); print('the answer')");
    let config = "[agent]\noutput = \"stdout\"\n";
    std::fs::write(bench.path().join("rewind.toml"), config).unwrap();
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "the answer\n", "{output:?}");
    let found = bench.session().timelines[0].outcome.answer.clone();
    assert_eq!(found.as_deref(), Some("the answer"));
}

#[test]
fn events_are_passed_on_as_they_arrive() {
    let (go, gate) = mpsc::channel();
    let gate = Mutex::new(Some(gate));
    let upstream = Upstream::start(move |_request| {
        let gate = gate.lock().unwrap().take().unwrap();
        vec![
            stream_head(),
            delta("14 "),
            Piece::Await(gate),
            delta("million"),
            stop(),
            last_chunk(),
        ]
    });
    let bench = Bench::new(
        r#"
for line in ask("q", stream=True):
    if line.startswith(b"data: "):
        print(line.decode().strip(), flush=True)
"#,
    );
    let mut child = spawn(&mut bench.rewind(&upstream, &[], &["python3", "agent.py"]));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The second event is not sent before the first one was read.
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("14 "), "{first}");
    go.send(()).unwrap();
    let rest: Vec<String> = lines.map(|line| line.unwrap()).collect();
    assert_eq!(rest.last().map(String::as_str), Some("data: [DONE]"));
    assert!(child.wait().unwrap().success());
    let calls = bench.calls();
    assert_eq!(output_text(&calls[0]), "14 million");
    let Some(Body::Events(events)) = &calls[0].exchange.body else {
        panic!("not kept as events: {:?}", calls[0].exchange.body);
    };
    assert_eq!(events.len(), 4);
    assert!(!calls[0].exchange.truncated);
}

#[test]
fn a_compressed_answer_reaches_the_agent_as_it_was_sent() {
    let upstream = Upstream::start(|_request| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(answer("packed").to_string().as_bytes())
            .unwrap();
        let body = encoder.finish().unwrap();
        let headers = [
            ("content-type", "application/json"),
            ("content-encoding", "gzip"),
        ];
        whole(200, &headers, &body)
    });
    let bench = Bench::new(
        r#"
import gzip
reply = ask("q", headers={"Accept-Encoding": "gzip"})
body = reply.read()
print(reply.headers["content-encoding"], json.loads(gzip.decompress(body))["id"])
"#,
    );
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "gzip chatcmpl-1\n", "{output:?}");
    assert_eq!(
        upstream.received()[0].header("accept-encoding"),
        Some("gzip")
    );
    assert_eq!(output_text(&bench.calls()[0]), "packed");
}

#[test]
fn a_retry_is_an_attempt_of_the_same_step() {
    let upstream = Upstream::start(|request| match request.nth {
        0 => json(
            429,
            &json!({"error": {"message": "slow down", "type": "rate_limit"}}),
        ),
        1 => json(
            503,
            &json!({"error": {"message": "busy", "type": "server_error"}}),
        ),
        _ => json(200, &answer("at last")),
    });
    let bench = Bench::new(
        r#"
for attempt in range(3):
    reply = ask("q", headers={"x-stainless-retry-count": str(attempt)})
    body = reply.read()
    if reply.status == 200:
        break
print(reply.status)
"#,
    );
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "200\n", "{output:?}");
    let calls = bench.calls();
    assert_eq!(calls.len(), 1);
    let statuses: Vec<_> = calls[0].attempts.iter().map(|a| a.status).collect();
    assert_eq!(statuses, [Some(429), Some(503)]);
    assert_eq!(output_text(&calls[0]), "at last");
}

#[test]
fn big_bodies_pass_in_both_directions() {
    const SIZE: usize = 10 << 20;
    let upstream =
        Upstream::start(|request: &Received| json(200, &answer(&"y".repeat(request.body.len()))));
    let bench = Bench::new(
        r#"
reply = json.loads(ask("x" * (10 << 20)).read())
print(len(reply["choices"][0]["message"]["content"]))
"#,
    );
    let output = bench.record(&upstream);
    let length: usize = text(&output.stdout).trim().parse().unwrap();
    assert!(length > SIZE, "{output:?}");
    assert_eq!(output_text(&bench.calls()[0]).len(), length);
}

#[test]
fn a_stream_that_the_provider_breaks_off_breaks_off_for_the_agent_too() {
    let upstream =
        Upstream::start(|_request| vec![stream_head(), delta("half an ans"), Piece::Break]);
    let bench = Bench::new(
        r#"
try:
    ask("q", stream=True).read()
    print("whole")
except (http.client.IncompleteRead, ConnectionError):
    print("broken")
"#,
    );
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "broken\n", "{output:?}");
    let calls = bench.calls();
    assert!(calls[0].exchange.truncated);
    assert_eq!(output_text(&calls[0]), "half an ans");
}

#[test]
fn a_provider_that_is_not_there_is_an_error_that_names_it() {
    let upstream = Upstream::start(|_request| vec![Piece::Break]);
    let bench = Bench::new(
        r#"
reply = ask("q")
print(reply.status, reply.read().decode())
"#,
    );
    let output = bench.record(&upstream);
    let said = text(&output.stdout);
    assert!(said.starts_with("502 "), "{output:?}");
    assert!(said.contains("127.0.0.1"), "{said}");
    assert_eq!(bench.calls()[0].exchange.status, 502);
}

#[test]
fn an_agent_that_stops_reading_leaves_a_partial_step() {
    let (_go, gate) = mpsc::channel();
    let gate = Mutex::new(Some(gate));
    let upstream = Upstream::start(move |_request| {
        let gate = gate.lock().unwrap().take().unwrap();
        vec![stream_head(), delta("first"), Piece::Await(gate)]
    });
    let bench = Bench::new(
        r#"
print(ask("q", stream=True).readline().decode())
"#,
    );
    let output = bench.record(&upstream);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let calls = bench.calls();
    assert!(calls[0].exchange.truncated);
}

#[test]
fn traffic_that_is_no_model_call_is_no_step() {
    let upstream = Upstream::start(|request| match request.method.as_str() {
        "GET" => json(200, &json!({"object": "list", "data": []})),
        _ => json(200, &answer("hi")),
    });
    let bench = Bench::new(
        r#"
print(ask("", method="GET", path="/models?limit=2").status)
ask("q").read()
"#,
    );
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "200\n", "{output:?}");
    assert_eq!(upstream.received()[0].path, "/v1/models?limit=2");
    assert_eq!(bench.calls().len(), 1);
    let ancillary = bench.session().timelines[0].ancillary.clone();
    assert_eq!(ancillary.len(), 1);
    assert_eq!(ancillary[0].exchange.path, "/v1/models?limit=2");
}

/// Secrets in every place where one can stand, each under a name.
fn secrets() -> BTreeMap<&'static str, String> {
    let tail = "Zx9Qw8Er7Ty6Ui5Op4As3Df2Gh1Jk0Lz";
    BTreeMap::from([
        ("header", format!("sk-proj-HEAD{tail}")),
        ("query", format!("sk-proj-QUERY{tail}")),
        ("system", format!("sk-ant-api03-SYST{tail}{tail}")),
        ("user", format!("ghp_USER{tail}")),
        ("tool", format!("sk-proj-TOOL{tail}")),
        ("answer", format!("sk-proj-ANSW{tail}")),
        ("pieces", format!("sk-proj-PIECES{tail}")),
        ("escaped", format!("sk-proj-ESCA{tail}")),
        ("cookie", format!("sk-proj-COOK{tail}")),
    ])
}

#[test]
fn no_secret_is_written_anywhere() {
    let upstream = Upstream::start(|request| {
        let secrets = secrets();
        if text(&request.body).contains("\"stream\"") {
            let (first, second) = secrets["pieces"].split_at(15);
            return vec![
                stream_head(),
                delta("the key is "),
                delta(first),
                delta(second),
                stop(),
                last_chunk(),
            ];
        }
        let inner = json!({ "token": secrets["escaped"] }).to_string();
        let body = answer(&format!("use {} and {inner}", secrets["answer"])).to_string();
        let cookie = format!("session={}", secrets["cookie"]);
        whole(
            200,
            &[
                ("content-type", "application/json"),
                ("set-cookie", &cookie),
            ],
            body.as_bytes(),
        )
    });
    let secrets = secrets();
    let agent = format!(
        r#"
S = json.loads('''{}''')
tool = {{"role": "tool", "tool_call_id": "c1", "content": json.dumps({{"env": S["tool"]}})}}
call = {{"role": "assistant", "content": None, "tool_calls": [{{"id": "c1", "type": "function",
        "function": {{"name": "env", "arguments": json.dumps({{"key": S["tool"]}})}}}}]}}
messages = [{{"role": "system", "content": "Key: " + S["system"]}},
            {{"role": "user", "content": S["user"]}}, call, tool]
reply = ask("", messages=messages, headers={{"x-custom-token": S["header"]}},
            path="/chat/completions?key=" + S["query"])
assert S["answer"] in reply.read().decode()
print("".join(json.loads(l[6:])["choices"][0]["delta"].get("content", "")
              for l in ask("q", stream=True).read().decode().splitlines()
              if l.startswith("data: {{")))
"#,
        json!(secrets)
    );
    let bench = Bench::new(&agent);
    let mut rewind = bench.rewind(&upstream, &[], &["python3", "agent.py"]);
    let output = rewind.env("RUST_LOG", "trace").output().unwrap();
    // The agent itself gets everything as it was sent.
    assert_eq!(
        text(&output.stdout),
        format!("the key is {}\n", secrets["pieces"]),
        "{output:?}"
    );
    std::fs::remove_file(bench.path().join("agent.py")).unwrap();
    let mut all = secrets.clone();
    all.insert("real key", REAL_KEY.to_owned());
    for (place, secret) in &all {
        assert!(
            !text(&output.stderr).contains(secret),
            "the {place} secret is in the log"
        );
        for (file, bytes) in files(bench.path().as_std_path()) {
            assert!(
                !contains(&bytes, secret.as_bytes()),
                "the {place} secret is in {file}"
            );
        }
    }
    let calls = bench.calls();
    assert!(
        output_text(&calls[1]).contains("[redacted"),
        "{}",
        output_text(&calls[1])
    );
    assert!(text(&calls[0].exchange.body.as_ref().unwrap().to_bytes()).contains("[redacted"));
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[test]
fn the_status_of_the_agent_is_the_status_of_the_recording() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new("ask('q').read(); sys.exit(7)");
    assert_eq!(bench.record(&upstream).status.code(), Some(7));
    assert_eq!(bench.session().timelines[0].outcome.exit, Some(7));
    let missing = bench.rewind(&upstream, &[], &["no-such-agent"]).output();
    let missing = missing.unwrap();
    assert_eq!(missing.status.code(), Some(127));
    assert!(
        text(&missing.stderr).contains("no-such-agent"),
        "{missing:?}"
    );
    let unfit = bench.rewind(&upstream, &[], &["./agent.py"]).output();
    assert_eq!(unfit.unwrap().status.code(), Some(126));
}

#[test]
fn ctrl_c_reaches_the_agent_and_the_session_is_kept() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new(
        r#"
ask("q").read()
print("ready", flush=True)
time.sleep(60)
"#,
    );
    let mut child = spawn(&mut bench.rewind(&upstream, &[], &["python3", "agent.py"]));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let session = bench.session();
    assert_eq!(session.timelines[0].outcome.exit, Some(130));
    assert_eq!(bench.calls().len(), 1);
    let faults = session.timelines[0].outcome.faults.join("\n");
    assert!(faults.contains("interrupted"), "{faults}");
}

#[test]
fn a_hanging_agent_is_ended_after_its_time() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new("ask('q').read(); time.sleep(600)");
    let command = ["python3", "agent.py"];
    let output = bench
        .rewind(&upstream, &["--timeout", "2s"], &command)
        .output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(143), "{output:?}");
    assert!(text(&output.stderr).contains("2 s"), "{output:?}");
    assert_eq!(bench.session().timelines[0].outcome.exit, Some(143));
}

#[test]
fn an_agent_without_model_calls_is_told_why_that_may_be() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new("");
    let output = bench.record(&upstream);
    let said = text(&output.stderr);
    assert!(said.contains("no model calls"), "{said}");
    assert!(said.contains("OPENAI_BASE_URL"), "{said}");
}

#[test]
fn under_ci_nothing_goes_to_a_provider_unasked() {
    let upstream = Upstream::start(|_request| json(200, &answer("hi")));
    let bench = Bench::new("ask('q').read()");
    let command = ["python3", "agent.py"];
    let mut rewind = bench.rewind(&upstream, &[], &command);
    let output = rewind.env("CI", "true").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("--live"), "{output:?}");
    assert!(upstream.received().is_empty());
    let mut rewind = bench.rewind(&upstream, &["--live"], &command);
    assert!(rewind.env("CI", "true").status().unwrap().success());
}

fn spawn(command: &mut Command) -> Child {
    command.spawn().unwrap()
}
