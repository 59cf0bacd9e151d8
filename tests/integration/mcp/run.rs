//! The other end of the protocol for tools: a run that records what it is asked, or serves it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// A run; it lets everything run but what it was given to serve or to refuse.
pub(super) struct FakeRun {
    url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Questions and outcomes, by ticket.
    asked: Vec<(Value, Option<Value>)>,
    served: Vec<(Value, Value)>,
    refused: Vec<String>,
}

impl FakeRun {
    /// Starts a run that serves these questions with these outcomes.
    pub(super) fn start(served: Vec<(Value, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!(
            "http://{}/r/token/rewind/v1",
            listener.local_addr().unwrap()
        );
        let state = Arc::new(Mutex::new(State {
            served,
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let state = Arc::clone(&shared);
                thread::spawn(move || answer_all(&stream.unwrap(), &state));
            }
        });
        Self { url, state }
    }

    /// Refuses calls of this name.
    pub(super) fn refuse(self, name: &str) -> Self {
        self.state.lock().unwrap().refused.push(name.to_owned());
        self
    }

    /// Returns the value of `REWIND_TOOLS`.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Returns what ran: questions with their outcomes.
    pub(super) fn recorded(&self) -> Vec<(Value, Value)> {
        let state = self.state.lock().unwrap();
        let ended = state.asked.iter();
        ended
            .filter_map(|(question, outcome)| Some((question.clone(), outcome.clone()?)))
            .collect()
    }

    /// Returns the names of what ran, whether it has ended or not.
    pub(super) fn ran(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let names = state
            .asked
            .iter()
            .map(|(question, _outcome)| &question["name"]);
        names
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    }

    /// Returns the outcome of the last call of this name that ran.
    pub(super) fn outcome(&self, name: &str) -> Value {
        let recorded = self.recorded();
        let found = recorded
            .iter()
            .rev()
            .find(|(asked, _)| asked["name"] == name);
        found
            .unwrap_or_else(|| panic!("no {name} in {recorded:?}"))
            .1
            .clone()
    }
}

fn answer_all(stream: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    while let Some((path, body)) = read(&mut reader) {
        let (status, answer) = state.lock().unwrap().answer(&path, &body);
        let text = answer.map(|answer| answer.to_string()).unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        let mut stream = stream;
        if stream.write_all((head + &text).as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<(String, Value)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, serde_json::from_slice(&body).unwrap()))
}

impl State {
    fn answer(&mut self, path: &str, body: &Value) -> (u16, Option<Value>) {
        match path {
            "/r/token/rewind/v1/tools/call" => (200, Some(self.ask(body))),
            "/r/token/rewind/v1/tools/result" => {
                let ticket: usize = body["ticket"].as_str().unwrap().parse().unwrap();
                let slot = &mut self.asked[ticket].1;
                assert!(slot.is_none(), "told twice: {body}");
                *slot = Some(json!({"result": body["result"], "is_error": body["is_error"]}));
                (204, None)
            }
            _ => (404, None),
        }
    }

    fn ask(&mut self, question: &Value) -> Value {
        let name = question["name"].as_str().unwrap();
        if self.refused.iter().any(|refused| refused == name) {
            return json!({"action": "refuse", "message": format!("{name} may not run")});
        }
        if let Some(at) = self.served.iter().position(|(known, _)| known == question) {
            let (_question, outcome) = self.served.remove(at);
            let (result, is_error) = (&outcome["result"], &outcome["is_error"]);
            return json!({"action": "serve", "result": result, "is_error": is_error});
        }
        self.asked.push((question.clone(), None));
        json!({"action": "run", "ticket": (self.asked.len() - 1).to_string()})
    }
}
