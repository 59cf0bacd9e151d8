//! `rewind record`: what the agent sees, what the provider sees, what is kept.

mod agent;
mod memory;
mod people;
mod secrets;
mod traffic;
mod trouble;

use std::process::{Child, Command, Output, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use rewind_gate::model::{Call, Session};
use rewind_gate::store::Store;
use serde_json::{Value, json};

use crate::support::upstream::{Piece, Upstream, chunk};

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

fn spawn(command: &mut Command) -> Child {
    command.spawn().unwrap()
}
