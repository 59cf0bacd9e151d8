//! Input that no provider sends: an error or an odd answer, never a panic.

use std::sync::Arc;

use proptest::prelude::*;

use crate::model::{Body, Dialect};
use crate::wire::{NoScrub, Parser, StreamForm, link, parse_response, render};

const DIALECTS: [Dialect; 6] = [
    Dialect::OpenaiChat,
    Dialect::OpenaiResponses,
    Dialect::AnthropicMessages,
    Dialect::Gemini,
    Dialect::OpenaiEmbeddings,
    Dialect::Opaque,
];

fn survives(body: &[u8]) {
    let parser = Parser::new(Arc::new(NoScrub));
    for dialect in DIALECTS {
        if let Ok(request) = parser.parse_request(dialect, "POST", "/v1/x", body) {
            assert_eq!(
                link(&request.messages.messages()).len(),
                request.messages.len()
            );
        }
        let body = Body::Whole(body.to_vec().into());
        for status in [200, 500] {
            if let Ok(answer) = parse_response(dialect, status, &body) {
                for stream in [true, false] {
                    render(dialect, &answer, stream, StreamForm::Events);
                    render(dialect, &answer, stream, StreamForm::Array);
                }
            }
        }
    }
}

#[test]
fn odd_bodies_are_errors_with_a_reason() {
    let parser = Parser::new(Arc::new(NoScrub));
    let deep = format!(
        r#"{{"messages":[{}1{}]}}"#,
        "[".repeat(9999),
        "]".repeat(9999)
    );
    for (body, reason) in [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[]", "expected a JSON object"),
        ("{}", "no `messages`"),
        (r#"{"messages": {}}"#, "expected an array in `messages`"),
        (
            r#"{"messages": [7]}"#,
            "messages[0]: a message is a number, not an object",
        ),
        (r#"{"messages": [{"role": "x"}]}"#, "unknown role `x`"),
        (r#"{"messages": [], "model": 3}"#, "`model` is a number"),
        (r#"{"messages": [], "tools": 3}"#, "`tools` is not an array"),
        (deep.as_str(), "not valid JSON"),
    ] {
        let error = parser
            .parse_request(Dialect::OpenaiChat, "POST", "/", body.as_bytes())
            .unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    let invalid_text = parser.parse_request(Dialect::OpenaiChat, "POST", "/", b"{\"a\": \"\xff\"}");
    assert!(invalid_text.is_err());
}

#[test]
fn odd_answers_are_errors_with_a_reason() {
    for (dialect, reason) in [
        (Dialect::OpenaiChat, "no `choices`"),
        (Dialect::OpenaiResponses, "no `output`"),
        (Dialect::AnthropicMessages, "no `content`"),
        (Dialect::Gemini, "no `candidates`"),
        (Dialect::OpenaiEmbeddings, "no `data`"),
    ] {
        let parse = |body: &'static str| {
            parse_response(dialect, 200, &Body::Whole(body.into())).unwrap_err()
        };
        let error = parse(r#"{"id": "x"}"#).to_string();
        assert!(error.contains(reason), "{error}");
        assert!(parse("<html>").to_string().contains("not valid JSON"));
        assert!(
            parse("data: {broken\n\ndata: {}\n\n")
                .to_string()
                .contains("not valid JSON")
        );
    }
}

#[test]
fn very_deep_bodies_do_not_exhaust_the_stack() {
    for (open, close) in [
        ("[", "]"),
        (r#"{"content":"#, "}"),
        (r#"{"messages":["#, "]}"),
        (r#"{"contents":["#, "]}"),
    ] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        survives(deep.as_bytes());
        survives(format!("data: {deep}\n\n").as_bytes());
    }
}

/// Pieces of all dialects, to be put together in ways that make little sense.
fn soup() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1".to_owned()),
        Just("\"text\"".to_owned()),
        Just("\"assistant\"".to_owned()),
        Just("\"function_call\"".to_owned()),
        Just("\"model\"".to_owned()),
        Just("\"tool_use\"".to_owned()),
        Just("\"reasoning\"".to_owned()),
        Just("\"content_block_delta\"".to_owned()),
        Just("\"response.output_text.delta\"".to_owned()),
    ];
    let name = prop_oneof![
        Just("messages"),
        Just("contents"),
        Just("parts"),
        Just("candidates"),
        Just("functionResponse"),
        Just("functionDeclarations"),
        Just("input"),
        Just("output"),
        Just("choices"),
        Just("content"),
        Just("type"),
        Just("role"),
        Just("delta"),
        Just("message"),
        Just("tool_calls"),
        Just("function"),
        Just("arguments"),
        Just("usage"),
        Just("index"),
        Just("item"),
        Just("summary"),
        Just("system"),
        Just("tools"),
        Just("error"),
        Just("call_id"),
        Just("content_block"),
        Just("data"),
        Just("response"),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|values| format!("[{}]", values.join(","))),
            proptest::collection::vec((name.clone(), inner), 0..6).prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(n, v)| format!("\"{n}\":{v}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_json_survives(bodies in proptest::collection::vec(soup(), 1..4), cut in 0usize..200) {
        survives(bodies[0].as_bytes());
        let events: Vec<_> = bodies.iter().map(|body| format!("data: {body}\n\n")).collect();
        let events = events.concat();
        survives(events.as_bytes());
        survives(events.as_bytes().get(..cut).unwrap_or_default());
    }

    #[test]
    fn any_bytes_survive(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        survives(&bytes);
    }
}
