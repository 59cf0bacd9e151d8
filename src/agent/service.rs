//! Agents that are HTTP services: started for one run, asked once a turn, stopped.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::model::canonical_json;
use crate::proxy::{LocalClient, LocalReply, LocalRequest};

/// How a service is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// The path that answers with 2xx once the service is ready; without one an open port will do.
    pub ready: Option<String>,
    /// How long it may take to become ready.
    pub ready_timeout: Duration,
    /// The request of a turn.
    pub request: TurnRequest,
}

/// The request of a turn; `{input}` and `{turn}` in it are filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnRequest {
    /// The method.
    pub method: String,
    /// The path, with a query where it needs one.
    pub path: String,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON, or text where it is a string; `None` sends none.
    pub body: Option<Value>,
    /// The JSON pointer of the answer in the service's reply; without one it is the whole body.
    pub answer: Option<String>,
}

/// What became of the conversation with a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Talk {
    /// The answer of the last turn.
    pub(super) answer: Option<String>,
    /// What went wrong; nothing where every turn was answered.
    pub(super) fault: Option<String>,
}

/// Returns a port of this machine that nobody listens on.
pub(super) fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// Returns the turns of an input: the items of a JSON array of strings, else the input itself.
pub fn turns(input: &str) -> Vec<String> {
    match serde_json::from_str::<Vec<String>>(input) {
        Ok(turns) if !turns.is_empty() => turns,
        Ok(_) | Err(_) => vec![input.to_owned()],
    }
}

impl Service {
    /// Waits until the service is ready, then asks it turn by turn.
    pub(super) async fn talk(&self, port: u16, input: Option<&str>) -> Talk {
        match self.try_talk(port, input).await {
            Ok(answer) => Talk {
                answer,
                fault: None,
            },
            Err(fault) => Talk {
                answer: None,
                fault: Some(fault),
            },
        }
    }

    async fn try_talk(&self, port: u16, input: Option<&str>) -> Result<Option<String>, String> {
        let client = LocalClient::new().map_err(|error| error.to_string())?;
        self.wait_until_ready(&client, port).await?;
        let mut answer = None;
        for (turn, input) in (1_u32..).zip(turns(input.unwrap_or_default())) {
            let request = self.request.filled(port, &input, turn);
            let reply = client.send(&request).await;
            let reply = reply.map_err(|error| format!("turn {turn}: {error}"))?;
            answer = Some(self.request.answer_of(&reply, turn)?);
        }
        Ok(answer)
    }

    async fn wait_until_ready(&self, client: &LocalClient, port: u16) -> Result<(), String> {
        let Some(path) = &self.ready else {
            return self.wait_for_port(port).await;
        };
        let request = LocalRequest {
            method: "GET".to_owned(),
            url: url(port, path),
            timeout: Some(PROBE),
            ..LocalRequest::default()
        };
        let until = Instant::now() + self.ready_timeout;
        loop {
            let last = match client.send(&request).await {
                Ok(reply) if (200..300).contains(&reply.status) => return Ok(()),
                Ok(reply) => format!("GET {path} answers with status {}", reply.status),
                Err(error) => error.to_string(),
            };
            if Instant::now() >= until {
                return Err(self.not_ready(&last));
            }
            sleep(POLL).await;
        }
    }

    async fn wait_for_port(&self, port: u16) -> Result<(), String> {
        let until = Instant::now() + self.ready_timeout;
        while let Err(error) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            if Instant::now() >= until {
                return Err(self.not_ready(&error.to_string()));
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    fn not_ready(&self, last: &str) -> String {
        format!(
            "the service was not ready after {} s ({last}); does it listen on the port in {{port}} or \
             REWIND_AGENT_PORT? `ready` and `ready_timeout` in rewind.toml say what is waited for",
            self.ready_timeout.as_secs_f64()
        )
    }
}

impl TurnRequest {
    fn filled(&self, port: u16, input: &str, turn: u32) -> LocalRequest {
        let encoded: String = url::form_urlencoded::byte_serialize(input.as_bytes())
            .collect::<String>()
            .replace('+', "%20");
        let mut headers: BTreeMap<String, String> = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), fill(value, input, turn)))
            .collect();
        let body = self.body.as_ref().map(|body| match body {
            Value::String(text) => ("text/plain; charset=utf-8", fill(text, input, turn)),
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_)) => (
                "application/json",
                filled_value(other, input, turn).to_string(),
            ),
        });
        if let Some((kind, _text)) = &body {
            headers
                .entry("content-type".to_owned())
                .or_insert_with(|| (*kind).to_owned());
        }
        LocalRequest {
            method: self.method.clone(),
            url: url(port, &fill(&self.path, &encoded, turn)),
            headers,
            body: body.map(|(_kind, text)| text),
            timeout: None,
        }
    }

    /// Returns the answer in a reply, or what is wrong with the reply.
    fn answer_of(&self, reply: &LocalReply, turn: u32) -> Result<String, String> {
        let text = String::from_utf8_lossy(&reply.body);
        let shown: String = text.chars().take(SHOWN).collect();
        if !(200..300).contains(&reply.status) {
            return Err(format!(
                "the service answered turn {turn} with status {}: {shown}",
                reply.status
            ));
        }
        let Some(pointer) = &self.answer else {
            return Ok(text.trim().to_owned());
        };
        let value: Value = serde_json::from_slice(&reply.body).map_err(|error| {
            format!(
                "the answer of turn {turn} is no JSON ({error}), so it has no {pointer}: {shown}"
            )
        })?;
        match value.pointer(pointer) {
            Some(Value::String(text)) => Ok(text.trim().to_owned()),
            Some(other) => Ok(canonical_json(other)),
            None => Err(format!(
                "the answer of turn {turn} has nothing at {pointer}: {shown}"
            )),
        }
    }
}

fn url(port: u16, path: &str) -> String {
    let slash = if path.starts_with('/') { "" } else { "/" };
    format!("http://127.0.0.1:{port}{slash}{path}")
}

/// Puts the input and the number of the turn in place; what stands in the input stays as it is.
fn fill(text: &str, input: &str, turn: u32) -> String {
    let parts: Vec<String> = text
        .split("{input}")
        .map(|part| part.replace("{turn}", &turn.to_string()))
        .collect();
    parts.join(input)
}

/// Fills every string; one that is `{input}` alone becomes the input's own JSON where that is an object
/// or array.
fn filled_value(value: &Value, input: &str, turn: u32) -> Value {
    match value {
        Value::String(text) if text == "{input}" => match serde_json::from_str(input) {
            Ok(own @ (Value::Object(_) | Value::Array(_))) => own,
            Ok(_) | Err(_) => Value::String(input.to_owned()),
        },
        Value::String(text) => Value::String(fill(text, input, turn)),
        Value::Array(items) => items
            .iter()
            .map(|item| filled_value(item, input, turn))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, item)| (name.clone(), filled_value(item, input, turn)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// How often it is looked whether a service is ready.
const POLL: Duration = Duration::from_millis(20);

/// How long one look may take.
const PROBE: Duration = Duration::from_secs(5);

/// The most characters of a wrong answer that are shown.
const SHOWN: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn request(body: Value, answer: Option<&str>) -> TurnRequest {
        TurnRequest {
            method: "POST".into(),
            path: "/ask?q={input}&n={turn}".into(),
            headers: BTreeMap::from([("X-Turn".to_owned(), "{turn}".to_owned())]),
            body: Some(body),
            answer: answer.map(str::to_owned),
        }
    }

    #[test]
    fn a_turn_is_filled_in_wherever_it_stands() {
        let body = serde_json::json!({"q": "{input}", "all": ["n{turn}: {input}"], "n": 1});
        let filled = request(body, None).filled(80, "a b&{turn}", 2);
        assert_eq!(
            filled.url,
            "http://127.0.0.1:80/ask?q=a%20b%26%7Bturn%7D&n=2"
        );
        assert_eq!(filled.headers["x-turn"], "2");
        assert_eq!(filled.headers["content-type"], "application/json");
        let body = r#"{"all":["n2: a b&{turn}"],"n":1,"q":"a b&{turn}"}"#;
        assert_eq!(filled.body.as_deref(), Some(body));
        let whole = request(Value::String("{input}".into()), None).filled(80, "{\"a\": 1}", 1);
        assert_eq!(whole.body.as_deref(), Some("{\"a\": 1}"));
        let own = request(serde_json::json!(["{input}"]), None).filled(80, "{\"a\": 1}", 1);
        assert_eq!(own.body.as_deref(), Some("[{\"a\":1}]"));
    }

    #[test]
    fn the_answer_is_what_the_pointer_names_and_all_else_is_a_fault() {
        let reply = |status, body: &str| LocalReply {
            status,
            body: body.as_bytes().to_vec(),
        };
        let named = request(Value::Null, Some("/data/answer"));
        let good = reply(200, r#"{"data": {"answer": "yes"}}"#);
        assert_eq!(named.answer_of(&good, 1).unwrap(), "yes");
        let other = reply(200, r#"{"data": {"answer": [1]}}"#);
        assert_eq!(named.answer_of(&other, 1).unwrap(), "[1]");
        let whole = request(Value::Null, None);
        assert_eq!(whole.answer_of(&reply(200, " text\n"), 1).unwrap(), "text");
        for (wrong, word) in [
            (reply(200, "{}"), "/data/answer"),
            (reply(200, "<html>"), "no JSON"),
            (reply(500, "boom"), "status 500: boom"),
        ] {
            let fault = named.answer_of(&wrong, 3).unwrap_err();
            assert!(fault.contains(word) && fault.contains("turn 3"), "{fault}");
        }
    }

    #[test]
    fn an_array_of_strings_is_a_conversation() {
        assert_eq!(turns(r#"["a","b"]"#), ["a", "b"]);
        assert_eq!(turns("[1]"), ["[1]"]);
        assert_eq!(turns("[]"), ["[]"]);
        assert_eq!(turns("why"), ["why"]);
    }
}
