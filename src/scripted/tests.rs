//! Rules chosen, filled in and used up, through the model's own wire.

use std::sync::{Arc, Mutex};

use camino::Utf8Path;
use futures_util::StreamExt as _;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::*;
use crate::proxy::{Backend as _, Credential, Incoming};

const RULES: &str = r#"
[[rule]]
when = { last_user = "flaky" }
reply = { status = 429, retry_after = 1, times = 2 }

[[rule]]
name = "search"
when = { system = "researcher", last_role = "user", last_user_regex = "population of (\\w+)", turn = 0 }
reply = { text = "Let me look.", tool_calls = [{ name = "web_search", arguments = { query = "{{1}} population" } }] }

[[rule]]
when = { tool_result = { name = "web_search", contains = "million" }, calls_made = { web_search = 1 } }
reply = { text = "It is {{tool_result}} ({{model}})." }

[[rule]]
when = { last_user = "flaky" }
reply = { text = "at last" }
"#;

fn model(log: Option<Log>) -> ScriptedModel {
    ScriptedModel::new(
        Script::parse(Utf8Path::new("model.toml"), RULES).unwrap(),
        log,
    )
}

async fn ask(model: &ScriptedModel, path: &str, body: &Value) -> (u16, String) {
    let bytes = bytes::Bytes::from(body.to_string());
    let incoming = Incoming {
        method: Method::POST,
        path: path.to_owned(),
        provider: "openai".to_owned(),
        origin: None,
        is_socket: false,
        headers: HeaderMap::new(),
        raw_body: bytes.clone(),
        body: bytes,
        credential: Credential::Placeholder,
        arrived: std::time::Instant::now(),
    };
    let mut reply = model.send(&incoming).await.unwrap();
    let mut text = Vec::new();
    while let Some(piece) = reply.body.next().await {
        text.extend_from_slice(&piece.unwrap());
    }
    (reply.status.as_u16(), String::from_utf8(text).unwrap())
}

fn chat(messages: &Value) -> Value {
    json!({ "model": "gpt-4o", "messages": messages })
}

#[tokio::test]
async fn a_conversation_is_answered_rule_by_rule() {
    let model = model(None);
    let mut messages = vec![
        json!({"role": "system", "content": "You are a researcher."}),
        json!({"role": "user", "content": "population of Tokyo?"}),
    ];
    let (status, text) = ask(&model, "/v1/chat/completions", &chat(&json!(messages))).await;
    assert_eq!(status, 200);
    let answer: Value = serde_json::from_str(&text).unwrap();
    let message = &answer["choices"][0]["message"];
    let call = &message["tool_calls"][0];
    assert_eq!(
        call["function"]["arguments"],
        r#"{"query":"Tokyo population"}"#
    );
    messages.push(message.clone());
    messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "14 million"}));
    let (_status, text) = ask(&model, "/v1/chat/completions", &chat(&json!(messages))).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        answer["choices"][0]["message"]["content"],
        "It is 14 million (gpt-4o)."
    );
}

#[tokio::test]
async fn a_failure_is_used_up_and_every_call_is_logged() {
    let entries = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&entries);
    let log: Log = Box::new(move |entry| seen.lock().unwrap().push((entry.rule, entry.status)));
    let model = model(Some(log));
    let body = chat(&json!([{"role": "user", "content": "flaky"}]));
    for expected in [429, 429, 200] {
        assert_eq!(ask(&model, "/v1/chat/completions", &body).await.0, expected);
    }
    assert_eq!(
        *entries.lock().unwrap(),
        [(Some(1), 429), (Some(1), 429), (Some(4), 200)]
    );
}

#[tokio::test]
async fn a_conversation_without_a_rule_is_told_why() {
    let body = json!({"model": "claude", "max_tokens": 9,
        "messages": [{"role": "user", "content": "what?"}]});
    let (status, text) = ask(&model(None), "/v1/messages", &body).await;
    assert_eq!(status, 400);
    assert!(
        text.contains("search: `system`, `last_user_regex` do not hold"),
        "{text}"
    );
}

#[tokio::test]
async fn of_many_rules_the_nearest_are_named_first() {
    let rule = |name: &str, text: &str| {
        format!(
            "[[rule]]\nname = \"{name}\"\nwhen = {{ last_user = \"{text}\", turn = 7 }}\nreply = {{}}\n"
        )
    };
    let mut rules: Vec<String> = (0..9).map(|n| rule(&format!("far {n}"), "x")).collect();
    rules.push(rule("near", "hello"));
    let rules = rules.concat();
    let script = Script::parse(Utf8Path::new("model.toml"), &rules).unwrap();
    let body = chat(&json!([{"role": "user", "content": "hello"}]));
    let (_status, text) = ask(
        &ScriptedModel::new(script, None),
        "/v1/chat/completions",
        &body,
    )
    .await;
    assert!(
        text.contains("nearest: near: `turn` does not hold; far 0"),
        "{text}"
    );
    assert!(text.contains("5 more rules are further off"), "{text}");
    assert!(!text.contains("far 4"), "{text}");
}

#[tokio::test]
async fn tokens_are_counted_as_they_are_charged() {
    let model = ScriptedModel::new(
        Script::parse(
            Utf8Path::new("model.toml"),
            "[[rule]]\nreply = { text = \"yes\" }\n",
        )
        .unwrap(),
        None,
    );
    let body = json!({"model": "claude", "max_tokens": 9, "system": "You are terse.",
        "messages": [{"role": "user", "content": "Is this a question of forty characters?"}]});
    let (_status, counted) = ask(&model, "/v1/messages/count_tokens", &body).await;
    let (_status, answer) = ask(&model, "/v1/messages", &body).await;
    let counted: Value = serde_json::from_str(&counted).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(counted["input_tokens"], 14);
    assert_eq!(counted["input_tokens"], answer["usage"]["input_tokens"]);
}

#[tokio::test]
async fn a_stored_response_can_be_continued_by_its_id() {
    let model = model(None);
    let body = json!({"model": "m", "instructions": "a researcher", "input": "population of Oslo"});
    let (_status, text) = ask(&model, "/v1/responses", &body).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    let call = answer["output"]
        .as_array()
        .unwrap()
        .iter()
        .find(|i| i["type"] == "function_call");
    let body = json!({"model": "m", "previous_response_id": answer["id"], "input": [{
        "type": "function_call_output", "call_id": call.unwrap()["call_id"], "output": "1 million"
    }]});
    let (status, text) = ask(&model, "/v1/responses", &body).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("It is 1 million (m)."), "{text}");
}

#[test]
fn a_typo_in_the_rules_is_an_error_with_its_line() {
    let text = "[[rule]]\nwhen = { sytem = \"x\" }\nreply = { text = \"y\" }\n";
    let error = Script::parse(Utf8Path::new("model.toml"), text).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        cause.contains("line 2") && cause.contains("unknown field `sytem`"),
        "{cause}"
    );
}

#[test]
fn a_reply_that_no_provider_gives_is_an_error_with_its_line() {
    for (reply, cause) in [
        ("finish = \"lenght\"", "unknown variant `lenght`"),
        ("status = 200", "status 200 is no failure"),
        ("status = 99", "status 99 is no failure"),
    ] {
        let text = format!("[[rule]]\nreply = {{ {reply} }}\n");
        let error = Script::parse(Utf8Path::new("model.toml"), &text).unwrap_err();
        let found = std::error::Error::source(&error).unwrap().to_string();
        assert!(
            found.contains("line 2") && found.contains(cause),
            "{reply}: {found}"
        );
    }
}
