//! The queries and mutations that Rewind uses.

use serde_json::{Value, json};

use super::{Answer, BOT, State};

impl State {
    pub(super) fn answer_graphql(body: &Value) -> Answer {
        let query = body["query"].as_str().unwrap_or_default();
        if query.contains("viewer") {
            return Answer::new(200, json!({ "data": { "viewer": { "login": BOT } } }));
        }
        error("UNKNOWN", "no such query here")
    }
}

fn error(kind: &str, message: &str) -> Answer {
    Answer::new(
        200,
        json!({ "data": null, "errors": [{ "type": kind, "message": message }] }),
    )
}
