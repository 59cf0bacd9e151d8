//! Pieces of what SDKs write that are easy to get wrong.

use serde_json::{Value, json};

use super::*;

fn span(attributes: &Value) -> Span {
    Span {
        attributes: attributes.as_object().unwrap().clone(),
        ..Span::default()
    }
}

#[test]
fn parts_that_were_taken_out_of_the_tokens_are_put_back() {
    let found = found(&span(&json!({"langfuse.observation.type": "generation",
        "langfuse.observation.usage_details": {"input": 20, "input_cached_tokens": 100, "output": 15,
            "output_reasoning_tokens": 5, "total": 140}})));
    let usage = found.usage.unwrap();
    assert_eq!((usage.input, usage.cached_input), (120, 100));
    assert_eq!((usage.output, usage.reasoning), (20, 5));
    assert_eq!(usage.total(), 140);
}

#[test]
fn settings_that_a_wrapper_makes_up_are_left_out() {
    let found = found(&span(&json!({"langfuse.observation.type": "generation",
        "langfuse.observation.model.parameters": {"temperature": 0.1, "max_tokens": "Infinity", "top_p": 1,
            "frequency_penalty": 0, "presence_penalty": 0, "seed": "7"}})));
    assert_eq!(
        Value::Object(found.settings),
        json!({"temperature": 0.1, "seed": 7})
    );
    assert_eq!(found.notes.len(), 1);
}

#[test]
fn every_convention_says_what_a_span_is() {
    for (attributes, kind) in [
        (
            json!({"langfuse.observation.type": "generation"}),
            Kind::Model,
        ),
        (
            json!({"openinference.span.kind": "EMBEDDING"}),
            Kind::Embedding,
        ),
        (json!({"mlflow.spanType": "\"CHAT_MODEL\""}), Kind::Model),
        (json!({"gen_ai.operation.name": "execute_tool"}), Kind::Tool),
        (
            json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m"}),
            Kind::Agent,
        ),
        (
            json!({"ai.operationId": "ai.generateText.doGenerate"}),
            Kind::Model,
        ),
        (
            json!({"ai.operationId": "ai.generateText", "gen_ai.request.model": "m"}),
            Kind::Context,
        ),
        (json!({"ai.operationId": "ai.toolCall"}), Kind::Tool),
        (json!({"langsmith.span.kind": "llm"}), Kind::Model),
        (json!({"traceloop.span.kind": "tool"}), Kind::Tool),
        (json!({"gen_ai.tool.name": "look"}), Kind::Tool),
        (json!({"gen_ai.request.model": "m"}), Kind::Model),
        (json!({"http.method": "GET"}), Kind::Context),
    ] {
        assert_eq!(Kind::of(&span(&attributes)), kind, "{attributes}");
    }
}
