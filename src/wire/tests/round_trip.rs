//! What is rendered reads back, and an answer echoed in the next request reads as the answer.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::answers::any_answer;
use crate::model::{Body, Dialect, Message, Part, Pooled, Response, Role, StreamEvent};
use crate::wire::{NoScrub, Parser, StreamForm, parse_response, render, split_events};

fn reads_back(dialect: Dialect, answer: &Response, stream: bool) -> Result<(), TestCaseError> {
    for form in [StreamForm::EventsWithUsage, StreamForm::Array] {
        reads_back_from(dialect, answer, stream, form)?;
        if dialect != Dialect::Gemini {
            break;
        }
    }
    Ok(())
}

fn reads_back_from(
    dialect: Dialect,
    answer: &Response,
    stream: bool,
    form: StreamForm,
) -> Result<(), TestCaseError> {
    let rendered = render(dialect, answer, stream, form);
    let mut read = parse_response(dialect, 200, &rendered.body).unwrap();
    prop_assert_eq!(&read.output, &answer.output);
    read.volatile.clear();
    if matches!(dialect, Dialect::OpenaiEmbeddings | Dialect::Opaque) {
        return Ok(());
    }
    prop_assert_eq!(&read, answer);
    // The same bytes in one piece, as an import or a buffering proxy has them.
    let whole = Body::Whole(rendered.body.to_bytes());
    let mut read = parse_response(dialect, 200, &whole).unwrap();
    read.volatile.clear();
    prop_assert_eq!(&read, answer);
    if let Body::Events(events) = &rendered.body {
        let bytes: Vec<_> = events.iter().map(|event| event.bytes.clone()).collect();
        prop_assert_eq!(bytes, split_events(&rendered.body.to_bytes()));
    }
    Ok(())
}

/// Returns the request that an agent sends after the answer, echoing it as its SDK gave it.
fn echo(dialect: Dialect, answer: &Response) -> Value {
    let rendered = render(dialect, answer, false, StreamForm::Events);
    let body: Value = serde_json::from_slice(&rendered.body.to_bytes()).unwrap();
    match dialect {
        Dialect::OpenaiChat => json!({"model": "m", "messages": [
            {"role": "user", "content": "hi"}, body["choices"][0]["message"],
            {"role": "user", "content": "go on"},
        ]}),
        Dialect::AnthropicMessages => json!({"model": "m", "max_tokens": 1, "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": body["content"]},
            {"role": "user", "content": "go on"},
        ]}),
        Dialect::OpenaiResponses => {
            let mut input = vec![json!({"role": "user", "content": "hi"})];
            input.extend(body["output"].as_array().unwrap().iter().cloned());
            input.push(json!({"role": "user", "content": "go on"}));
            json!({"model": "m", "input": input})
        }
        Dialect::Gemini => json!({"contents": [
            {"role": "user", "parts": [{"text": "hi"}]}, body["candidates"][0]["content"],
            {"role": "user", "parts": [{"text": "go on"}]},
        ]}),
        Dialect::OpenaiEmbeddings | Dialect::Opaque => unreachable!("no conversation"),
    }
}

fn echo_is_the_answer(dialect: Dialect, answer: &Response) -> Result<(), TestCaseError> {
    let body = echo(dialect, answer).to_string();
    let parser = Parser::new(Arc::new(NoScrub));
    let request = parser
        .parse_request(dialect, "POST", "/", body.as_bytes())
        .unwrap();
    let output = answer.output.as_ref().unwrap();
    if output.parts.is_empty() && dialect == Dialect::OpenaiResponses {
        return Ok(()); // No items, no turn.
    }
    prop_assert_eq!(request.messages.len(), 3);
    prop_assert_eq!(&request.messages.messages()[1].message, output);
    prop_assert_eq!(&request.messages.messages()[1].call_ids, &answer.call_ids);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn chat_answers_read_back(answer in any_answer(Dialect::OpenaiChat), stream: bool) {
        reads_back(Dialect::OpenaiChat, &answer, stream)?;
        echo_is_the_answer(Dialect::OpenaiChat, &answer)?;
    }

    #[test]
    fn responses_answers_read_back(answer in any_answer(Dialect::OpenaiResponses), stream: bool) {
        reads_back(Dialect::OpenaiResponses, &answer, stream)?;
        echo_is_the_answer(Dialect::OpenaiResponses, &answer)?;
    }

    #[test]
    fn anthropic_answers_read_back(answer in any_answer(Dialect::AnthropicMessages), stream: bool) {
        reads_back(Dialect::AnthropicMessages, &answer, stream)?;
        echo_is_the_answer(Dialect::AnthropicMessages, &answer)?;
    }

    #[test]
    fn gemini_answers_read_back(answer in any_answer(Dialect::Gemini), stream: bool) {
        reads_back(Dialect::Gemini, &answer, stream)?;
        echo_is_the_answer(Dialect::Gemini, &answer)?;
    }

    #[test]
    fn the_pieces_of_a_gemini_stream_in_the_next_request_are_the_answer(
        answer in any_answer(Dialect::Gemini),
    ) {
        let rendered = render(Dialect::Gemini, &answer, true, StreamForm::Array);
        let chunks: Vec<Value> = serde_json::from_slice(&rendered.body.to_bytes()).unwrap();
        let pieces = chunks.iter().map(|chunk| chunk["candidates"][0]["content"].clone());
        let user = json!({"role": "user", "parts": [{"text": "hi"}]});
        let contents: Vec<Value> = [user.clone()].into_iter().chain(pieces).chain([user]).collect();
        let body = json!({"contents": contents}).to_string();
        let parser = Parser::new(Arc::new(NoScrub));
        let path = "/v1beta/models/m:generateContent";
        let request = parser
            .parse_request(Dialect::Gemini, "POST", path, body.as_bytes())
            .unwrap();
        prop_assert_eq!(request.messages.len(), 3);
        let read = &request.messages.messages()[1];
        prop_assert_eq!(&read.message, answer.output.as_ref().unwrap());
        prop_assert_eq!(&read.call_ids, &answer.call_ids);
    }

    #[test]
    fn embeddings_read_back(answer in any_answer(Dialect::OpenaiEmbeddings)) {
        reads_back(Dialect::OpenaiEmbeddings, &answer, false)?;
    }

    #[test]
    fn opaque_answers_read_back(answer in any_answer(Dialect::Opaque)) {
        reads_back(Dialect::Opaque, &answer, false)?;
    }

    #[test]
    fn a_responses_stream_without_its_end_reads_the_same(
        answer in any_answer(Dialect::OpenaiResponses),
    ) {
        let rendered = render(Dialect::OpenaiResponses, &answer, true, StreamForm::Events);
        let Body::Events(events) = rendered.body else { panic!("no stream") };
        let mut events: Vec<StreamEvent> = events.iter().collect();
        events.pop();
        let all = Body::Events(events.clone().into());
        let read = parse_response(Dialect::OpenaiResponses, 200, &all);
        prop_assert_eq!(&read.unwrap().output, &answer.output);
        // Also from the deltas alone, as far as they tell all.
        let is_item_end = |event: &StreamEvent| {
            event.bytes.starts_with(b"event: response.output_item.done")
        };
        events.retain(|event| !is_item_end(event));
        let read = parse_response(Dialect::OpenaiResponses, 200, &Body::Events(events.into()));
        prop_assert_eq!(&read.unwrap().output, &answer.output);
    }
}

#[test]
fn further_choices_read_back() {
    let body = json!({"id": "chatcmpl-1", "model": "m", "created": 7, "choices": [
        {"index": 1, "message": {"role": "assistant", "content": "b"}, "finish_reason": "stop"},
        {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"},
    ]});
    let body = Body::Whole(body.to_string().into());
    let answer = parse_response(Dialect::OpenaiChat, 200, &body).unwrap();
    assert_eq!(answer.output.as_ref().unwrap().plain_text(), "a");
    assert_eq!(answer.alternatives[0].plain_text(), "b");
    for stream in [true, false] {
        let rendered = render(Dialect::OpenaiChat, &answer, stream, StreamForm::Events);
        let read = parse_response(Dialect::OpenaiChat, 200, &rendered.body).unwrap();
        assert_eq!(read, answer);
    }
}

#[test]
fn ids_that_are_missing_are_the_same_each_time() {
    let answer = Response {
        output: Some(Pooled::new(Message::new(
            Role::Assistant,
            vec![
                Part::tool_call("f", json!({})),
                Part::tool_call("f", json!({})),
            ],
        ))),
        ..Response::default()
    };
    for (dialect, prefix) in [
        (Dialect::OpenaiChat, "call_"),
        (Dialect::OpenaiResponses, "call_"),
        (Dialect::AnthropicMessages, "toolu_"),
    ] {
        let json = render(dialect, &answer, false, StreamForm::Events);
        let ids = parse_response(dialect, 200, &json.body).unwrap().call_ids;
        assert!(ids.iter().all(|id| id.starts_with(prefix)), "{ids:?}");
        assert_ne!(ids[0], ids[1]);
        let streamed = render(dialect, &answer, true, StreamForm::Events);
        let again = parse_response(dialect, 200, &streamed.body)
            .unwrap()
            .call_ids;
        assert_eq!(ids, again);
    }
}
