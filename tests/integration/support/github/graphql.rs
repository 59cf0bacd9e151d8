//! The queries and mutations that Rewind uses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Answer, BOT, State};

impl State {
    pub(super) fn answer_graphql(&mut self, body: &Value) -> Answer {
        let query = body["query"].as_str().unwrap_or_default();
        if query.contains("viewer") {
            return Answer::new(200, json!({ "data": { "viewer": { "login": BOT } } }));
        }
        if query.contains("createCommitOnBranch") {
            return self.commit(&body["variables"]["input"]);
        }
        error("UNKNOWN", "no such query here")
    }

    fn commit(&mut self, input: &Value) -> Answer {
        if self.denied.contains(&"contents") {
            return error("FORBIDDEN", "Resource not accessible by integration");
        }
        let branch = input["branch"]["branchName"].as_str().unwrap().to_owned();
        let expected = input["expectedHeadOid"].as_str().unwrap().to_owned();
        if self.tip(&branch).as_deref() != Some(&expected) {
            let said = format!(
                "Expected branch to point to \"{expected}\" but it did not. Pull and try again."
            );
            return error("STALE_DATA", &said);
        }
        let additions = input["fileChanges"]["additions"].as_array().unwrap();
        let files: Vec<(String, Vec<u8>)> = additions
            .iter()
            .map(|one| {
                let bytes = STANDARD.decode(one["contents"].as_str().unwrap()).unwrap();
                (one["path"].as_str().unwrap().to_owned(), bytes)
            })
            .collect();
        let message = &input["message"];
        let text = format!(
            "{}\n\n{}",
            message["headline"].as_str().unwrap(),
            message["body"].as_str().unwrap_or_default()
        );
        let oid = self.make(&branch, &expected, &text, &files);
        self.signed.push(oid.clone());
        let commit = json!({ "oid": oid, "signature": { "isValid": true } });
        Answer::new(
            200,
            json!({ "data": { "createCommitOnBranch": { "commit": commit } } }),
        )
    }
}

fn error(kind: &str, message: &str) -> Answer {
    Answer::new(
        200,
        json!({ "data": null, "errors": [{ "type": kind, "message": message }] }),
    )
}
