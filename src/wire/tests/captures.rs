//! Answers as providers really give them, with what is odd about each.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::model::{Body, Dialect, FinishReason, Part, Response, StreamEvent};
use crate::wire::{NoScrub, Parser, StreamForm, parse_response, render, split_events};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../tests/fixtures/wire/", $name))
    };
}

fn read(dialect: Dialect, text: &'static str) -> Response {
    let whole = parse_response(dialect, 200, &Body::Whole(text.into())).unwrap();
    if !text.starts_with(['{', '[']) {
        let events = split_events(text.as_bytes())
            .into_iter()
            .map(|bytes| StreamEvent { delay_us: 0, bytes });
        let events = parse_response(dialect, 200, &Body::Events(events.collect())).unwrap();
        assert_eq!(events, whole);
    }
    whole
}

fn parts(answer: &Response) -> &[Part] {
    &answer.output.as_ref().expect("an output").parts
}

#[test]
fn parallel_tool_calls_come_in_interleaved_pieces() {
    let answer = read(Dialect::OpenaiChat, fixture!("chat_parallel_tools.sse"));
    assert_eq!(
        parts(&answer),
        [
            Part::tool_call("get_weather", json!({"city": "Paris"})),
            Part::tool_call("get_time", json!({"zone": "CET"})),
        ]
    );
    assert_eq!(answer.call_ids, ["call_Zq1", "call_Zq2"]);
    assert_eq!(answer.finish, Some(FinishReason::ToolCalls));
    let usage = answer.usage.unwrap();
    assert_eq!((usage.input, usage.cached_input), (82, 64));
    assert_eq!((usage.output, usage.reasoning), (47, 5));
    assert_eq!(answer.id.as_deref(), Some("chatcmpl-C1vQ8"));
    assert_eq!(
        Value::Object(answer.volatile),
        json!({"created": 1_760_000_000, "service_tier": "default", "system_fingerprint": "fp_cbf1785567"})
    );
}

#[test]
fn readable_reasoning_is_kept_apart_from_the_text() {
    let answer = read(Dialect::OpenaiChat, fixture!("chat_reasoning.sse"));
    assert!(
        matches!(&parts(&answer)[0], Part::Reasoning { text, .. } if text == "The user greets.")
    );
    assert_eq!(parts(&answer)[1], Part::text("Hello there"));
    let usage = answer.usage.unwrap();
    assert_eq!((usage.cached_input, usage.reasoning), (8, 6));
}

#[test]
fn calls_that_share_an_index_are_told_apart_by_id() {
    let answer = read(
        Dialect::OpenaiChat,
        fixture!("chat_calls_share_an_index.sse"),
    );
    let output = answer.output.as_ref().unwrap();
    let asked: Vec<_> = output
        .tool_calls()
        .map(|(_name, arguments)| arguments["q"].as_str().unwrap())
        .collect();
    assert_eq!(asked, ["a", "b", "c"]);
    assert_eq!(answer.call_ids.len(), 3);
}

#[test]
fn an_error_in_a_stream_is_the_answer() {
    for (dialect, text, kind) in [
        (
            Dialect::OpenaiChat,
            fixture!("chat_error_in_stream.sse"),
            "server_error",
        ),
        (
            Dialect::AnthropicMessages,
            fixture!("anthropic_overloaded.sse"),
            "overloaded_error",
        ),
        (
            Dialect::OpenaiResponses,
            fixture!("responses_failed.sse"),
            "rate_limit_exceeded",
        ),
        (
            Dialect::OpenaiResponses,
            fixture!("responses_error.sse"),
            "server_error",
        ),
        (
            Dialect::Gemini,
            fixture!("gemini_error_in_stream.sse"),
            "UNAVAILABLE",
        ),
    ] {
        let answer = read(dialect, text);
        let error = answer.error.expect(kind);
        assert_eq!(error.kind, kind);
        assert!(!error.message.is_empty() && !error.message.contains('{'));
        assert_eq!(answer.output, None);
    }
}

#[test]
fn an_azure_stream_begins_without_a_choice() {
    let answer = read(Dialect::OpenaiChat, fixture!("chat_azure.sse"));
    assert_eq!(parts(&answer), [Part::text("Hi")]);
    assert_eq!(answer.model.as_deref(), Some("gpt-4o-2024-11-20"));
    assert_eq!(answer.id.as_deref(), Some("chatcmpl-A"));
}

#[test]
fn a_refusal_is_no_text() {
    let answer = read(Dialect::OpenaiChat, fixture!("chat_refusal.json"));
    let text = "I can't help with that.".to_owned();
    assert_eq!(parts(&answer), [Part::Refusal { text }]);
    assert_eq!(answer.output.unwrap().plain_text(), "");
}

#[test]
fn a_call_of_the_older_api_is_a_tool_call() {
    let answer = read(Dialect::OpenaiChat, fixture!("chat_legacy_function.json"));
    assert_eq!(answer.finish, Some(FinishReason::ToolCalls));
    assert_eq!(answer.call_ids, [""]);
    let output = answer.output.as_ref().unwrap();
    assert_eq!(
        output.tool_calls().next(),
        Some(("get_weather", &json!({"city": "Paris"})))
    );
    for stream in [true, false] {
        let rendered = render(
            Dialect::OpenaiChat,
            &answer,
            stream,
            StreamForm::EventsWithUsage,
        );
        let again = parse_response(Dialect::OpenaiChat, 200, &rendered.body).unwrap();
        assert_eq!(again, answer);
    }
}

#[test]
fn an_anthropic_stream_is_put_together() {
    let answer = read(
        Dialect::AnthropicMessages,
        fixture!("anthropic_thinking_tools.sse"),
    );
    let [thinking, text, weather, now] = parts(&answer) else {
        panic!("{:?}", parts(&answer));
    };
    assert!(matches!(thinking, Part::Reasoning { text, extra }
        if text == "I need both." && extra["signature"] == "EqQBCgIYAhIM"));
    assert_eq!(text, &Part::text("Let me look."));
    assert_eq!(
        weather,
        &Part::tool_call("get_weather", json!({"city": "Paris"}))
    );
    assert_eq!(now, &Part::tool_call("now", json!({})));
    assert_eq!(answer.call_ids, ["toolu_01A", "toolu_01B"]);
    let usage = answer.usage.unwrap();
    assert_eq!((usage.input, usage.output), (2112, 131));
    assert_eq!((usage.cached_input, usage.cache_write), (1800, 300));
}

#[test]
fn a_gemini_stream_is_put_together() {
    let answer = read(Dialect::Gemini, fixture!("gemini_thoughts_calls.sse"));
    let [thought, text, weather, now] = parts(&answer) else {
        panic!("{:?}", parts(&answer));
    };
    assert!(matches!(thought, Part::Reasoning { text, .. }
        if text == "**Two cities**\n\nI need both."));
    assert_eq!(text, &Part::text("Let me look."));
    assert!(matches!(weather, Part::ToolCall { name, extra, .. }
        if name == "get_weather" && extra["thoughtSignature"] == "EvkBCvYB"));
    assert_eq!(now, &Part::tool_call("now", json!({})));
    assert_eq!(answer.call_ids, ["fc_1", ""]);
    assert_eq!(answer.finish, Some(FinishReason::ToolCalls));
    let usage = answer.usage.unwrap();
    assert_eq!((usage.input, usage.cached_input), (91, 64));
    assert_eq!((usage.output, usage.reasoning), (80, 49));
    assert_eq!(answer.model.as_deref(), Some("gemini-3-pro"));
    let rating = &answer.volatile["candidate"]["safetyRatings"][0];
    assert_eq!(rating["probability"], "NEGLIGIBLE");
    for (stream, form) in [
        (false, StreamForm::Events),
        (true, StreamForm::Events),
        (true, StreamForm::Array),
    ] {
        let rendered = render(Dialect::Gemini, &answer, stream, form);
        let again = parse_response(Dialect::Gemini, 200, &rendered.body).unwrap();
        assert_eq!(again, answer);
    }
}

#[test]
fn the_array_of_a_gemini_stream_is_one_answer() {
    let answer = read(Dialect::Gemini, fixture!("gemini_array.json"));
    assert_eq!(parts(&answer), [Part::text("Once upon")]);
    assert_eq!(answer.finish, Some(FinishReason::Length));
    assert_eq!(answer.usage.unwrap().output, 2);
}

#[test]
fn a_blocked_prompt_is_an_answer_of_the_filter() {
    let answer = read(Dialect::Gemini, fixture!("gemini_blocked.json"));
    assert_eq!(parts(&answer), []);
    assert_eq!(answer.finish, Some(FinishReason::ContentFilter));
    for stream in [true, false] {
        let rendered = render(Dialect::Gemini, &answer, stream, StreamForm::Events);
        let text = String::from_utf8(rendered.body.to_bytes().to_vec()).unwrap();
        assert!(!text.contains("candidates\":"), "{text}");
        let again = parse_response(Dialect::Gemini, 200, &rendered.body).unwrap();
        assert_eq!(again, answer);
    }
}

#[test]
fn tools_of_the_provider_are_kept_without_their_ids() {
    let answer = read(
        Dialect::AnthropicMessages,
        fixture!("anthropic_web_search.json"),
    );
    assert!(matches!(&parts(&answer)[0], Part::Other { value }
        if value["type"] == "server_tool_use" && value.get("id").is_none()));
    assert!(
        matches!(&parts(&answer)[2], Part::Text { extra, .. } if extra.contains_key("citations"))
    );
    assert_eq!(answer.finish, Some(FinishReason::Stop));
    assert_eq!(answer.volatile["stop_sequence"], json!("###"));
    for stream in [true, false] {
        let rendered = render(
            Dialect::AnthropicMessages,
            &answer,
            stream,
            StreamForm::Events,
        );
        let again = parse_response(Dialect::AnthropicMessages, 200, &rendered.body).unwrap();
        assert_eq!(again, answer);
    }
}

#[test]
fn a_responses_stream_is_read_also_where_it_breaks_off() {
    let text = fixture!("responses_reasoning_call.sse");
    let answer = read(Dialect::OpenaiResponses, text);
    assert_eq!(answer.call_ids, ["call_R1"]);
    assert_eq!(answer.finish, Some(FinishReason::ToolCalls));
    assert_eq!(answer.usage.unwrap().reasoning, 64);
    let mut volatile: Vec<&String> = answer.volatile.keys().collect();
    volatile.sort();
    assert_eq!(volatile, ["created_at", "service_tier"]);
    let cut = text.find("event: response.completed").unwrap() + 60;
    let cut = Body::Whole(text.get(..cut).unwrap().to_owned().into());
    let partial = parse_response(Dialect::OpenaiResponses, 200, &cut).unwrap();
    assert_eq!(partial.output, answer.output);
    assert_eq!(partial.finish, None);
}

#[test]
fn an_answer_cut_by_its_limit_says_so() {
    let answer = read(
        Dialect::OpenaiResponses,
        fixture!("responses_incomplete.json"),
    );
    assert_eq!(answer.finish, Some(FinishReason::Length));
    assert_eq!(parts(&answer), [Part::text("Once upon")]);
}

#[test]
fn every_cut_of_a_stream_is_survived() {
    for (dialect, text) in [
        (Dialect::OpenaiChat, fixture!("chat_parallel_tools.sse")),
        (
            Dialect::AnthropicMessages,
            fixture!("anthropic_thinking_tools.sse"),
        ),
        (
            Dialect::OpenaiResponses,
            fixture!("responses_reasoning_call.sse"),
        ),
        (Dialect::Gemini, fixture!("gemini_thoughts_calls.sse")),
    ] {
        let first = text.find("\n\n").unwrap() + 2;
        for cut in (first..text.len()).step_by(3) {
            let Some(text) = text.get(..cut) else {
                continue;
            };
            let body = Body::Whole(text.to_owned().into());
            assert!(parse_response(dialect, 200, &body).is_ok(), "cut at {cut}");
        }
    }
}

#[test]
fn embeddings_are_counted_in_either_encoding() {
    let answer = read(Dialect::OpenaiEmbeddings, fixture!("embeddings.json"));
    let value = json!({"embeddings": 2, "dimensions": 3});
    assert_eq!(parts(&answer), [Part::Other { value }]);
    assert_eq!(answer.usage.unwrap().input, 5);
}

/// The requests are those of openai-python 3.54 and anthropic-python 2.12 after a streamed answer.
#[test]
fn what_the_sdks_echo_is_the_answer() {
    for (dialect, answer, request) in [
        (
            Dialect::OpenaiChat,
            fixture!("sdk_echo_openai-chat.answer.json"),
            fixture!("sdk_echo_openai-chat.request.json"),
        ),
        (
            Dialect::OpenaiResponses,
            fixture!("sdk_echo_openai-responses.answer.json"),
            fixture!("sdk_echo_openai-responses.request.json"),
        ),
        (
            Dialect::AnthropicMessages,
            fixture!("sdk_echo_anthropic-messages.answer.json"),
            fixture!("sdk_echo_anthropic-messages.request.json"),
        ),
    ] {
        let answer = read(dialect, answer);
        let parser = Parser::new(Arc::new(NoScrub));
        let request = parser.parse_request(dialect, "POST", "/", request.as_bytes());
        let echoed = &request.unwrap().messages.messages()[1];
        assert_eq!(
            &echoed.message,
            answer.output.as_ref().unwrap(),
            "{dialect}"
        );
        assert_eq!(echoed.call_ids, answer.call_ids, "{dialect}");
    }
}
