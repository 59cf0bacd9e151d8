//! Requests: what counts, what does not, what is remembered.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::model::{Dialect, Part, Role};
use crate::wire::{NoScrub, ParsedRequest, Parser, Scrub, StreamForm, link};

fn parse(dialect: Dialect, body: &Value) -> Arc<ParsedRequest> {
    Parser::new(Arc::new(NoScrub))
        .parse_request(dialect, "POST", "/v1/x", body.to_string().as_bytes())
        .unwrap()
}

#[test]
fn a_chat_request_splits_into_treatment_and_history() {
    let request = parse(
        Dialect::OpenaiChat,
        &json!({
            "model": "gpt-4o", "temperature": 0.0, "stream": true, "seed": null,
            "stream_options": {"include_usage": true}, "user": "u-1", "store": false,
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": "hi"},
                {"role": "developer", "content": "and polite"},
            ],
        }),
    );
    assert_eq!(request.model.as_deref(), Some("gpt-4o"));
    assert!(request.stream && request.form == StreamForm::EventsWithUsage);
    let system: Vec<_> = request
        .system
        .iter()
        .map(|m| m.message.plain_text())
        .collect();
    assert_eq!(system, ["be brief", "and polite"]);
    assert_eq!(request.messages.len(), 1);
    assert_eq!(request.tools[0].name, "f");
    let settings = Value::Object(request.settings.value().clone());
    assert_eq!(settings, json!({"temperature": 0.0}));
    let no_ops = Value::Object(request.no_ops.clone());
    assert_eq!(no_ops, json!({"user": "u-1", "store": false}));
}

#[test]
fn the_fingerprint_ignores_transport_and_no_ops_alone() {
    let base = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let with = |name: &str, value: Value| {
        let mut body = base.clone();
        body[name] = value;
        parse(Dialect::OpenaiChat, &body).fingerprint
    };
    let plain = parse(Dialect::OpenaiChat, &base).fingerprint;
    for (name, value) in [
        ("stream", json!(true)),
        ("user", json!("u")),
        ("metadata", json!({"run": 1})),
        ("prompt_cache_key", json!("k")),
        ("temperature", Value::Null),
    ] {
        assert_eq!(with(name, value), plain, "{name}");
    }
    for (name, value) in [
        ("temperature", json!(0)),
        ("model", json!("n")),
        ("unheard_of", json!(1)),
        ("messages", json!([{"role": "user", "content": "ho"}])),
        (
            "tools",
            json!([{"type": "function", "function": {"name": "f"}}]),
        ),
    ] {
        assert_ne!(with(name, value), plain, "{name}");
    }
    assert_ne!(
        with("temperature", json!(0)),
        with("temperature", json!(0.0))
    );
}

#[test]
fn ids_are_in_the_fingerprint_but_not_in_the_message() {
    let body = |id: &str| {
        json!({"messages": [
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": id, "content": "1"},
        ]})
    };
    let (a, b) = (
        parse(Dialect::OpenaiChat, &body("call_a")),
        parse(Dialect::OpenaiChat, &body("call_b")),
    );
    assert_ne!(a.fingerprint, b.fingerprint);
    for (left, right) in a.messages.messages().iter().zip(&b.messages.messages()) {
        assert_eq!(left.message.id(), right.message.id());
    }
    assert!(link(&a.messages.messages()).iter().all(Vec::is_empty));
}

#[test]
fn an_azure_deployment_stands_for_the_model() {
    let parser = Parser::new(Arc::new(NoScrub));
    let path = "/openai/deployments/D/chat/completions?api-version=1";
    let request = parser
        .parse_request(Dialect::OpenaiChat, "POST", path, br#"{"messages":[]}"#)
        .unwrap();
    assert_eq!(request.model.as_deref(), Some("D"));
}

/// As google-genai 3.6 sends it, with the names in snake case that it has in places.
#[test]
fn a_gemini_request_splits_into_treatment_and_history() {
    let body = json!({
        "contents": [
            {"role": "user", "parts": [{"text": "hi"}]},
            {"role": "model", "parts": [{"text": "Let me"}]},
            {"role": "model", "parts": [{"text": " see."}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "f", "response": {"result": "x"}}}]},
        ],
        "systemInstruction": {"role": "user", "parts": [{"text": "be brief"}]},
        "tools": [{"functionDeclarations": [{"name": "f", "parameters_json_schema": {}}]}],
        "generationConfig": {"temperature": 0.2, "thinkingConfig": {"thinking_budget": 5}},
        "safetySettings": [], "labels": {"team": "a"},
    });
    let parse = |path: &str, body: &Value| {
        Parser::new(Arc::new(NoScrub))
            .parse_request(Dialect::Gemini, "POST", path, body.to_string().as_bytes())
            .unwrap()
    };
    let path = "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse";
    let request = parse(path, &body);
    assert_eq!(request.model.as_deref(), Some("gemini-3-pro"));
    assert!(request.stream && request.form == StreamForm::Events);
    assert_eq!(request.system[0].message.plain_text(), "be brief");
    assert_eq!(request.tools[0].name, "f");
    let settings = Value::Object(request.settings.value().clone());
    assert_eq!(
        settings,
        json!({"temperature": 0.2, "thinkingConfig": {"thinking_budget": 5}, "safetySettings": []})
    );
    assert!(request.no_ops.contains_key("labels"));
    let messages = request.messages.messages();
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[1].message.plain_text(), "Let me see.");
    assert_eq!(messages[1].call_ids, [""]);
    assert!(link(&messages).iter().all(Vec::is_empty));

    // How the answer travels, and which of both spellings is used, is no difference.
    let mut other = body.clone();
    other["system_instruction"] = other["systemInstruction"].take();
    other["generation_config"] = other["generationConfig"].take();
    other["labels"] = json!({"team": "b"});
    let path = "/v1beta/models/gemini-3-pro:generateContent";
    let again = parse(path, &other);
    assert!(!again.stream);
    assert_eq!(again.fingerprint, request.fingerprint);
    let path = "/v1beta/models/gemini-3-flash:generateContent";
    assert_ne!(parse(path, &other).fingerprint, request.fingerprint);
}

#[test]
fn what_anthropic_clients_mark_and_count_has_no_effect() {
    let plain = json!({"model": "m", "max_tokens": 9, "system": "be brief",
        "messages": [{"role": "user", "content": "hi"}]});
    let marked = json!({"model": "m", "max_tokens": 9,
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2; cch=1a2b3;"},
            {"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
        "metadata": {"user_id": "u"},
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]}]});
    let plain = parse(Dialect::AnthropicMessages, &plain);
    let marked = parse(Dialect::AnthropicMessages, &marked);
    assert_eq!(plain.system[0].message, marked.system[0].message);
    assert_eq!(
        plain.messages.messages()[0].message,
        marked.messages.messages()[0].message
    );
    assert_eq!(plain.settings, marked.settings);
    assert!(marked.no_ops.contains_key("x-anthropic-billing-header"));
}

#[test]
fn responses_items_of_a_turn_are_one_message() {
    let request = parse(
        Dialect::OpenaiResponses,
        &json!({"model": "m", "instructions": "be brief", "previous_response_id": "resp_1",
        "input": [
            {"role": "developer", "content": "and polite"},
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "id": "fc_2", "call_id": "c2", "name": "g", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c2", "output": "2"},
            {"type": "function_call_output", "call_id": "c1", "output": "1"},
            {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
             "content": [{"type": "output_text", "text": "done", "annotations": []}]},
        ]}),
    );
    assert_eq!(request.previous_response.as_deref(), Some("resp_1"));
    assert_eq!(request.system.len(), 2);
    let roles: Vec<Role> = request
        .messages
        .messages()
        .iter()
        .map(|m| m.message.role)
        .collect();
    let (user, model, tool) = (Role::User, Role::Assistant, Role::Tool);
    assert_eq!(roles, [user, model, tool, tool, model]);
    assert_eq!(request.messages.messages()[1].call_ids, ["c1", "c2"]);
    assert_eq!(request.messages.messages()[1].message.parts.len(), 3);
    let links = link(&request.messages.messages());
    assert_eq!(links[2][0].unwrap().index, 1);
    assert_eq!(links[3][0].unwrap().index, 0);
    let text = parse(
        Dialect::OpenaiResponses,
        &json!({"model": "m", "input": "hi"}),
    );
    assert_eq!(
        text.messages.messages()[0].message,
        request.messages.messages()[0].message
    );
}

#[test]
fn embedding_inputs_are_one_message_each() {
    for (input, count) in [
        (json!("a"), 1),
        (json!(["a", "b"]), 2),
        (json!([1, 2, 3]), 1),
        (json!([[1, 2], [3]]), 2),
    ] {
        let request = parse(
            Dialect::OpenaiEmbeddings,
            &json!({"model": "m", "input": input, "dimensions": 8}),
        );
        assert_eq!(request.messages.len(), count, "{input}");
        assert!(request.settings.contains_key("dimensions"));
    }
}

#[test]
fn an_opaque_request_is_all_history() {
    let parser = Parser::new(Arc::new(NoScrub));
    let opaque = |method: &str, path: &str, body: &[u8]| {
        let request = parser.parse_request(Dialect::Opaque, method, path, body);
        let request = request.unwrap();
        assert!(request.settings.is_empty() && request.tools.is_empty());
        let Part::Other { value } = &request.messages.messages()[0].message.parts[0] else {
            panic!("not opaque");
        };
        value.clone()
    };
    assert_eq!(
        opaque("POST", "/a?b=c", br#"{"x": 1}"#),
        json!({"method": "POST", "path": "/a?b=c", "body": {"x": 1}})
    );
    assert_eq!(opaque("PUT", "/a", b"text")["body"], json!("text"));
    assert_eq!(
        opaque("POST", "/a", b"\xff")["body"],
        json!({"base64": "/w=="})
    );
}

struct HideSecrets;

impl Scrub for HideSecrets {
    fn scrub(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = text.replace("line1\nline2", "<secret>"),
            Value::Array(values) => values.iter_mut().for_each(|value| self.scrub(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.scrub(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

#[test]
fn secrets_are_gone_before_anything_is_hashed() {
    let body = |secret: &str| {
        let arguments = json!({"key": secret}).to_string();
        json!({"model": "m", "instructions": secret, "user": secret, "custom": [secret],
        "tools": [{"type": "function", "name": "f", "description": secret}],
        "input": [
            {"role": "user", "content": secret},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments},
        ]})
        .to_string()
    };
    let parser = Parser::new(Arc::new(HideSecrets));
    let parse = |body: &str| {
        let request = parser.parse_request(Dialect::OpenaiResponses, "POST", "/", body.as_bytes());
        request.unwrap()
    };
    let hidden = parse(&body("line1\nline2"));
    assert!(!format!("{hidden:?}").contains("line1"), "{hidden:?}");
    let clean = parse(&body("<secret>"));
    assert_eq!(
        clean.messages.messages()[1].message,
        hidden.messages.messages()[1].message
    );
    assert_eq!(clean.settings, hidden.settings);
}

#[test]
fn what_was_read_before_is_shared() {
    let parser = Parser::new(Arc::new(NoScrub));
    let parse = |messages: Value| {
        let body = json!({"model": "m", "messages": messages}).to_string();
        let request = parser.parse_request(Dialect::OpenaiChat, "POST", "/", body.as_bytes());
        request.unwrap()
    };
    let (a, b) = (
        json!({"role": "user", "content": "a"}),
        json!({"role": "assistant", "content": "b"}),
    );
    let short = parse(json!([a]));
    let long = parse(json!([a, b]));
    assert!(Arc::ptr_eq(
        &short.messages.messages()[0],
        &long.messages.messages()[0]
    ));
    assert_eq!(long, parse(json!([a, b])));
}
