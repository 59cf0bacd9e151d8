//! A stand-in for Langfuse with a state: which APIs it has, how fast it may be asked, how late traces come.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::trace;
use crate::support::upstream::{Piece, Received, Upstream};

/// Which Langfuse it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
    /// Self-hosted, version 3: the older API alone.
    V3,
    /// Self-hosted, version 4 as it comes: the newer API alone.
    V4,
    /// The cloud while it had both.
    Cloud,
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trouble {
    /// How many requests are refused for coming too fast.
    pub(super) limited: usize,
    /// How many times the trace is not there, and then not whole.
    pub(super) late: usize,
    /// The most rows that an answer may have.
    pub(super) rows: Option<usize>,
}

/// What was sent to it.
#[derive(Default)]
pub(super) struct Posted {
    /// Spans by trace and id, as OTLP in JSON.
    pub(super) spans: BTreeMap<String, Value>,
    /// Scores by id.
    pub(super) scores: BTreeMap<String, Value>,
}

/// A running stand-in.
pub(super) struct FakeLangfuse {
    upstream: Upstream,
    posted: Arc<Mutex<Posted>>,
}

struct State {
    /// The scores that were posted, by their ids, and how many times spans came.
    posted: Arc<Mutex<Posted>>,
    mode: Mode,
    trouble: Trouble,
    trace: Value,
    rows: Vec<Value>,
    limited: AtomicUsize,
    asked: AtomicUsize,
}

/// Status, content type, body, further headers.
type Answer = (u16, &'static str, String, String);

impl FakeLangfuse {
    pub(super) fn start(mode: Mode, trouble: Trouble) -> Self {
        let read = |name: &str| serde_json::from_str(&fs::read_to_string(trace(name)).unwrap());
        let rows: Value = read("langfuse.v2.json").unwrap();
        let posted = Arc::new(Mutex::new(Posted::default()));
        let state = Arc::new(State {
            posted: Arc::clone(&posted),
            mode,
            trouble,
            trace: read("langfuse.v1.json").unwrap(),
            rows: rows.as_array().unwrap().clone(),
            limited: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
        });
        let upstream = Upstream::start(move |request| {
            let (status, kind, body, headers) = state.answer(request);
            let head = format!(
                "HTTP/1.1 {status} OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n{headers}\r\n",
                body.len()
            );
            vec![Piece::Send([head.into_bytes(), body.into_bytes()].concat())]
        });
        Self { upstream, posted }
    }

    pub(super) fn url(&self) -> String {
        // The upstream speaks of the API of a model, which stands one level lower.
        self.upstream.url().trim_end_matches("/v1").to_owned()
    }

    /// Returns what was sent to it.
    pub(super) fn posted(&self) -> MutexGuard<'_, Posted> {
        self.posted.lock().unwrap()
    }

    /// Returns the paths that were asked for, without their queries.
    pub(super) fn paths(&self) -> Vec<String> {
        let received = self.upstream.received();
        let path = |request: &Received| request.path.split('?').next().unwrap().to_owned();
        received.iter().map(path).collect()
    }
}

fn said(status: u16, body: &Value) -> Answer {
    (status, "application/json", body.to_string(), String::new())
}

/// What Next.js answers where there is no such path.
fn page(status: u16) -> Answer {
    let body = "<!DOCTYPE html><html><title>404</title></html>".to_owned();
    (status, "text/html; charset=utf-8", body, String::new())
}

impl State {
    fn answer(&self, request: &Received) -> Answer {
        let url = url::Url::parse(&format!("http://fake{}", request.path)).unwrap();
        let path = url.path().to_owned();
        let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let field = |name: &str| {
            let found = query.iter().find(|(own, _value)| own == name);
            found.map(|(_name, value)| value.clone())
        };
        let is_older = path.starts_with("/api/public/traces");
        if is_older && self.mode == Mode::V4 {
            // Before anyone is asked for keys.
            return said(
                404,
                &json!({"message": "This endpoint is not available on deployments running in \
                Langfuse v4 events_only mode. Use GET /api/public/v2/observations instead."}),
            );
        }
        let expected = format!("Basic {}", STANDARD.encode("pk-lf-test:sk-lf-test"));
        if request.header("authorization") != Some(&expected) {
            return said(
                401,
                &json!({"message": "Invalid credentials. Confirm that you've configured the correct host."}),
            );
        }
        if self.limited.fetch_add(1, Ordering::SeqCst) < self.trouble.limited {
            let body = json!({"message": "Rate limit exceeded", "code": "rate_limited",
                "details": {"retryAfterSeconds": 0, "limit": 15, "remaining": 0}});
            let headers =
                "Retry-After: 0\r\nX-RateLimit-Reset: Mon Nov 30 2026 12:00:00 GMT+0000\r\n";
            return (
                429,
                "application/json",
                body.to_string(),
                headers.to_owned(),
            );
        }
        match path.as_str() {
            "/api/public/v2/observations" if self.mode == Mode::V3 => page(404),
            "/api/public/v2/observations" => self.observations(&field),
            "/api/public/otel/v1/traces" => self.take_spans(request),
            "/api/public/scores" => {
                self.take_score(&serde_json::from_slice(&request.body).unwrap())
            }
            "/api/public/v3/scores" => {
                said(200, &json!({"data": self.trace["scores"], "meta": {}}))
            }
            "/api/public/dataset-items" => said(
                200,
                &json!({"data": [
                {"id": "item-1", "status": "ACTIVE", "sourceTraceId": self.trace["id"],
                 "expectedOutput": "Sales fell from 2.6M to 2.0M units."},
                {"id": "item-2", "status": "ACTIVE", "sourceTraceId": null, "expectedOutput": "x"},
                {"id": "item-3", "status": "ARCHIVED", "sourceTraceId": "gone", "expectedOutput": null},
            ], "meta": {"page": 1, "limit": 50, "totalItems": 3, "totalPages": 1}}),
            ),
            "/api/public/traces" => said(
                200,
                &json!({"data": [{"id": self.trace["id"],
                "tags": self.trace["tags"], "scores": ["s1"]}], "meta": {"page": 1, "totalPages": 1}}),
            ),
            _ if is_older => self.one(path.rsplit('/').next().unwrap()),
            _ => page(404),
        }
    }

    /// Takes spans in JSON: the same id is the same span.
    fn take_spans(&self, request: &Received) -> Answer {
        if request.header("content-type") != Some("application/json") {
            return said(400, &json!({"message": "invalid content-type"}));
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array();
        let mut posted = self.posted.lock().unwrap();
        for span in spans.unwrap() {
            let id = format!("{} {}", span["traceId"], span["spanId"]);
            posted.spans.insert(id, span.clone());
        }
        said(200, &json!({}))
    }

    /// Takes a score as the API reference has it: the same id is the same score.
    fn take_score(&self, score: &Value) -> Answer {
        let known = [
            "id",
            "traceId",
            "sessionId",
            "observationId",
            "name",
            "value",
            "comment",
            "metadata",
            "environment",
            "dataType",
            "configId",
        ];
        let fields = score.as_object().unwrap();
        let is_known = fields.keys().all(|name| known.contains(&name.as_str()));
        let is_whole = score["name"].is_string() && score["traceId"].is_string();
        if !is_known || !is_whole || score["dataType"] != "NUMERIC" || !score["value"].is_number() {
            return said(
                400,
                &json!({"message": "Invalid request data", "error": []}),
            );
        }
        let id = score["id"].as_str().unwrap().to_owned();
        self.posted
            .lock()
            .unwrap()
            .scores
            .insert(id.clone(), score.clone());
        said(200, &json!({"id": id}))
    }

    /// Returns how much of the trace is there by now: nothing, half of it, all.
    fn share(&self, of: usize) -> usize {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        if asked < self.trouble.late {
            0
        } else if asked < self.trouble.late * 2 {
            of / 2
        } else {
            of
        }
    }

    fn one(&self, id: &str) -> Answer {
        let all = self.trace["observations"].as_array().unwrap();
        let share = self.share(all.len());
        if self.trace["id"] != *id || share == 0 {
            return said(
                404,
                &json!({"message": format!("Trace {id} not found within authorized project"),
                "error": "LangfuseNotFoundError"}),
            );
        }
        let mut found = self.trace.clone();
        // Unordered, and those that ended first are there first.
        found["observations"] = all.iter().rev().take(share).cloned().collect();
        if self.mode == Mode::Cloud {
            found["_deprecation"] = json!({"message": "going away", "sunsetAt": "2026-11-16"});
        }
        said(200, &found)
    }

    fn observations(&self, field: &dyn Fn(&str) -> Option<String>) -> Answer {
        let limit: usize = field("limit").map_or(50, |limit| limit.parse().unwrap());
        if limit > 1000 {
            return said(
                400,
                &json!({"message": "Invalid request data", "error": []}),
            );
        }
        if self.trouble.rows.is_some_and(|most| limit > most) {
            return said(
                422,
                &json!({"message": "too much", "error": "Request timed out"}),
            );
        }
        let wanted = field("traceId");
        let is_wanted = |row: &&Value| wanted.as_deref().is_none_or(|id| row["traceId"] == *id);
        let all: Vec<&Value> = self.rows.iter().filter(is_wanted).collect();
        let begin = field("cursor").map_or(0, |cursor| {
            let text = STANDARD.decode(cursor).unwrap();
            String::from_utf8(text).unwrap().parse().unwrap()
        });
        // A listing is one look at the state, however many pages it has.
        let share = if begin == 0 && wanted.is_some() {
            self.share(all.len())
        } else {
            all.len()
        };
        let fields = field("fields").unwrap_or_default();
        let expanded = field("expandMetadata").unwrap_or_default();
        let rows = all.iter().take(share).skip(begin).take(limit);
        let rows: Vec<Value> = rows.map(|row| shown(row, &fields, &expanded)).collect();
        let end = begin + rows.len();
        let meta = if end < share {
            json!({"cursor": STANDARD.encode(end.to_string())})
        } else {
            json!({})
        };
        said(200, &json!({"data": rows, "meta": meta}))
    }
}

/// Returns a row with the groups of fields that were asked for.
fn shown(row: &Value, fields: &str, expanded: &str) -> Value {
    let mut row = row.clone();
    let own = row.as_object_mut().unwrap();
    let has = |group: &str| fields.split(',').any(|one| one == group);
    if !has("io") {
        own.remove("input");
        own.remove("output");
    }
    if !has("model") {
        own.remove("model");
    }
    if !has("metadata") {
        own.remove("metadata");
    }
    if let Some(metadata) = own.get_mut("metadata").and_then(Value::as_object_mut) {
        for (name, value) in metadata {
            if let Some(text) = value.as_str()
                && !expanded.split(',').any(|one| one == name)
            {
                *value = Value::from(text.chars().take(200).collect::<String>());
            }
        }
    }
    row
}
