//! Sessions of small traces, convention by convention.

use serde_json::{Value, json};

use super::*;
use crate::interop::SpanEvent;

/// Returns a span that takes a second from `at` seconds on.
fn span(id: &str, parent: Option<&str>, at: i64, attributes: &Value) -> Span {
    Span {
        trace: "t".to_owned(),
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        name: id.to_owned(),
        began_us: at * 1_000_000,
        ended_us: Some((at + 1) * 1_000_000),
        attributes: attributes.as_object().unwrap().clone(),
        ..Span::default()
    }
}

fn made(spans: Vec<Span>) -> (Session, ImportReport) {
    let made = session(Trace {
        source: "otel".to_owned(),
        id: "t".to_owned(),
        spans,
        ..Trace::default()
    });
    let (session, report) = made.unwrap();
    assert!(report.spans.is_complete(), "{:?}", report.spans);
    (session, report)
}

fn call(session: &Session, step: usize) -> &Call {
    session.timelines[0].steps[step].call().unwrap()
}

#[test]
fn the_older_conventions_are_read_from_names_and_events() {
    let flat = span(
        "flat",
        None,
        0,
        &json!({
            "gen_ai.system": "OpenAI", "llm.request.type": "chat", "gen_ai.request.model": "gpt-4o",
            "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi",
            "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.finish_reason": "tool_calls",
            "gen_ai.completion.0.tool_calls.0.id": "c1", "gen_ai.completion.0.tool_calls.0.name": "look",
            "gen_ai.completion.0.tool_calls.0.arguments": "{\"a\": 1}",
            "llm.request.functions.0.name": "look", "llm.request.functions.0.parameters": "{\"type\":\"object\"}",
            "gen_ai.usage.prompt_tokens": 7, "gen_ai.usage.completion_tokens": "3",
        }),
    );
    let mut events = span(
        "events",
        None,
        2,
        &json!({
            "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o",
        }),
    );
    let event = |name: &str, attributes: Value| SpanEvent {
        name: name.to_owned(),
        at_us: 0,
        attributes: attributes.as_object().unwrap().clone(),
    };
    events.events = vec![
        event("gen_ai.system.message", json!({"content": "Be brief."})),
        event("gen_ai.user.message", json!({"content": "hi"})),
        event(
            "gen_ai.choice",
            json!({"finish_reason": "stop", "message": "{\"content\": \"hello\"}"}),
        ),
    ];
    let (session, report) = made(vec![flat, events]);
    let first = call(&session, 0);
    assert_eq!(
        first.response.finish,
        Some(crate::model::FinishReason::ToolCalls)
    );
    assert_eq!(first.response.call_ids, ["c1"]);
    assert_eq!(
        first.request.treatment.tools[0].parameters,
        json!({"type": "object"})
    );
    let usage = first.response.usage.unwrap();
    assert_eq!((usage.input, usage.output), (7, 3));
    let second = call(&session, 2);
    assert_eq!(second.request.treatment.system_text(), "Be brief.");
    assert_eq!(
        second.response.output.as_ref().unwrap().plain_text(),
        "hello"
    );
    assert_eq!(report.count(Fidelity::History), 2);
}

#[test]
fn whole_bodies_lose_nothing_whichever_api_they_are_of() {
    let openinference = |id: &str, at: i64, input: Value, output: Value| {
        span(
            id,
            None,
            at,
            &json!({
                "openinference.span.kind": "LLM", "llm.system": "x",
                "input.value": input.to_string(), "output.value": output.to_string(),
            }),
        )
    };
    let spans = vec![
        openinference(
            "chat",
            0,
            json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "seed": 7}),
            json!({"id": "r1", "choices": [{"message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1}}),
        ),
        openinference(
            "responses",
            2,
            json!({"model": "gpt-4o", "input": "hi", "instructions": "Be brief.", "stream": true}),
            json!({"object": "response", "id": "r2", "status": "completed", "output": [{"type": "message",
                "role": "assistant", "content": [{"type": "output_text", "text": "yes"}]}],
                "usage": {"input_tokens": 1, "output_tokens": 1}}),
        ),
        openinference(
            "anthropic",
            4,
            json!({"model": "claude", "max_tokens": 9, "system": "Be brief.", "messages": [{"role": "user", "content": "hi"}]}),
            json!({"type": "message", "id": "r3", "role": "assistant", "content": [{"type": "text", "text": "yes"}],
                "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}}),
        ),
    ];
    let (session, report) = made(spans);
    assert_eq!(report.count(Fidelity::Exact), 3);
    assert!(!report.has_loss(), "{report:?}");
    let dialects = [
        Dialect::OpenaiChat,
        Dialect::OpenaiResponses,
        Dialect::AnthropicMessages,
    ];
    for (step, dialect) in dialects.into_iter().enumerate() {
        let call = call(&session, step);
        assert_eq!(call.request.dialect, dialect);
        assert_eq!(call.response.output.as_ref().unwrap().plain_text(), "yes");
    }
    assert!(call(&session, 1).request.stream);
}

#[test]
fn a_call_that_is_told_twice_is_one_step() {
    let chat = |model: &str| {
        json!({
            "gen_ai.operation.name": "chat", "gen_ai.response.id": "r1", "gen_ai.request.model": model,
            "gen_ai.input.messages": "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"hi\"}]}]",
            "gen_ai.output.messages": "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"yes\"}]}]",
        })
    };
    let poor = json!({"gen_ai.operation.name": "chat", "gen_ai.response.id": "r1", "gen_ai.request.model": "gpt-4o"});
    // One in the other, either of which may say more; or beside it.
    for (outer, inner) in [(&chat("gpt-4o"), &poor), (&poor, &chat("gpt-4o"))] {
        let (session, report) = made(vec![
            span("a", None, 0, outer),
            span("b", Some("a"), 0, inner),
        ]);
        assert_eq!(session.timelines[0].steps.len(), 1);
        assert_eq!(report.spans.folded, 1);
        assert_eq!(report.count(Fidelity::History), 1);
        let (session, report) = made(vec![span("a", None, 0, outer), span("b", None, 0, inner)]);
        assert_eq!(
            (session.timelines[0].steps.len(), report.spans.folded),
            (1, 1)
        );
    }
}

#[test]
fn errors_are_read_from_what_sdks_say() {
    let mut spans = Vec::new();
    let said = [
        (
            "Error code: 429 - {'error': {'message': 'slow down', 'type': 'rate_limit'}}",
            429,
            "slow down",
        ),
        (
            "status_code: 400, model_name: gpt-4o, body: {\"message\": \"too long\"}",
            400,
            "too long",
        ),
        ("APIConnectionError", 500, "APIConnectionError"),
    ];
    for (at, (message, _status, _text)) in (0..).zip(said) {
        let mut failed = span(
            &at.to_string(),
            None,
            at,
            &json!({
                "langfuse.observation.type": "generation",
                "langfuse.observation.input": [{"role": "user", "content": "hi"}],
            }),
        );
        failed.error = Some(message.to_owned());
        spans.push(failed);
    }
    let (session, report) = made(spans);
    for (step, (_message, status, text)) in said.into_iter().enumerate() {
        let call = call(&session, step);
        assert_eq!(call.exchange.status, status);
        assert_eq!(call.response.error.as_ref().unwrap().message, text);
        assert!(call.lost.contains(&Lost::Error));
    }
    assert_eq!(report.count(Fidelity::Shown), 0);
}

#[test]
fn an_answer_that_was_lost_is_taken_from_the_next_turn() {
    let chat = |messages: Value, output: Value| {
        json!({
            "langfuse.observation.type": "generation", "langfuse.observation.input": messages,
            "langfuse.observation.output": output,
        })
    };
    let user = json!({"role": "user", "content": "hi"});
    let turn = json!({"role": "assistant", "content": "which one?"});
    let again = json!({"role": "user", "content": "the first"});
    let (session, report) = made(vec![
        span("a", None, 0, &chat(json!([user]), Value::Null)),
        span(
            "b",
            None,
            2,
            &chat(json!([user, turn, again]), json!("fine")),
        ),
    ]);
    assert_eq!(
        call(&session, 0)
            .response
            .output
            .as_ref()
            .unwrap()
            .plain_text(),
        "which one?"
    );
    assert_eq!(report.count(Fidelity::Shown), 0);
}

#[test]
fn tools_are_matched_by_name_and_order_where_no_id_says_which() {
    let asks = json!([
        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"city\":\"Rome\"}"}},
        {"id": "c2", "type": "function", "function": {"name": "look", "arguments": "{\"city\":\"Oslo\"}"}},
    ]);
    let model = json!({"langfuse.observation.type": "generation",
        "langfuse.observation.input": [{"role": "user", "content": "hi"}],
        "langfuse.observation.output": {"role": "assistant", "content": null, "tool_calls": asks}});
    let tool = |arguments: Value, output: &str| {
        json!({"langfuse.observation.type": "tool",
        "langfuse.observation.input": arguments, "langfuse.observation.output": output})
    };
    let named = |id: &str, at: i64, attributes: &Value| Span {
        name: "look".to_owned(),
        ..span(id, None, at, attributes)
    };
    let mut failed = named("t2", 3, &tool(json!({"args": ["Oslo"], "kwargs": {}}), ""));
    failed.error = Some("no such city".to_owned());
    let (session, report) = made(vec![
        span("m", None, 0, &model),
        named("t1", 2, &tool(json!("{'city': 'Rome'}"), "31")),
        failed,
        Span {
            name: "other".to_owned(),
            ..span(
                "t3",
                None,
                5,
                &tool(json!({"kwargs": {"x": 1}, "args": []}), "9"),
            )
        },
    ]);
    let steps = &session.timelines[0].steps;
    assert_eq!(steps.len(), 4);
    assert_eq!(report.spans.tool, 3);
    let spans: Vec<_> = report
        .steps
        .iter()
        .map(|step| step.span.as_deref().unwrap())
        .collect();
    assert_eq!(spans, ["m", "t1", "t2", "t3"]);
    assert_eq!(steps[2].status, crate::model::Status::Error);
    assert_eq!(steps[2].tool().unwrap().arguments, json!({"city": "Oslo"}));
    assert_eq!(steps[2].duration_us(), Some(1_000_000));
    assert_eq!(steps[3].tool().unwrap().arguments, json!({"x": 1}));
    assert!(
        steps
            .iter()
            .all(|step| step.tool().is_none_or(|tool| tool.captures.is_empty()))
    );
}

#[test]
fn a_trace_of_a_backends_own_judge_is_no_step_of_the_agent() {
    let judge = json!({"langfuse.observation.type": "generation", "langfuse.environment": "langfuse-evaluation",
        "langfuse.observation.input": [{"role": "user", "content": "score"}], "langfuse.observation.output": "1"});
    let error = session(Trace {
        spans: vec![span("judge", None, 0, &judge)],
        ..Trace::default()
    });
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("no span of a model or a tool") && error.contains("`judge`"),
        "{error}"
    );
}
