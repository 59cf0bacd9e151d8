//! The shapes that released SDKs write, and what they become.

use serde_json::{Value, json};

use super::*;

fn messages(value: Value) -> Vec<Value> {
    conversation(value, "user").messages
}

/// Returns a turn as Chat Completions has it.
fn turn(name: &str, arguments: &str, id: &str) -> Value {
    json!({"role": "assistant", "content": "", "tool_calls": [
        {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]})
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one table of all shapes reads better than parts of it"
)]
fn messages_of_every_shape_are_the_same_conversation() {
    let expected = vec![
        json!({"role": "system", "content": "Be brief."}),
        json!({"role": "user", "content": "How warm?"}),
        turn("look", "{\"city\":\"Rome\"}", "c1"),
        json!({"role": "tool", "tool_call_id": "c1", "content": "31"}),
    ];
    let shapes = [
        ("OpenAI", json!(expected)),
        ("one list for each prompt", json!([expected])),
        (
            "LangChain's dictionaries",
            json!([
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "How warm?"},
                {"role": "assistant", "content": "", "tool_calls": [
                    {"name": "look", "args": {"city": "Rome"}, "id": "c1", "type": "tool_call"}],
                    "additional_kwargs": {"refusal": null}},
                {"role": "tool", "content": "31", "tool_call_id": "c1", "additional_kwargs": {}},
            ]),
        ),
        (
            "LangChain's constructors",
            json!([[
                {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "SystemMessage"],
                    "kwargs": {"content": "Be brief.", "type": "system"}},
                {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "HumanMessage"],
                    "kwargs": {"content": "How warm?"}},
                {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "AIMessage"],
                    "kwargs": {"content": "", "tool_calls": [{"name": "look", "args": {"city": "Rome"}, "id": "c1"}]}},
                {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "ToolMessage"],
                    "kwargs": {"content": "31", "tool_call_id": "c1"}},
            ]]),
        ),
        (
            "parts of the GenAI conventions",
            json!([
                {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
                {"role": "user", "parts": [{"type": "text", "content": "How warm?"}]},
                {"role": "assistant", "parts": [
                    {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"city": "Rome"}}]},
                {"role": "user", "parts": [{"type": "tool_call_response", "id": "c1", "result": 31}]},
            ]),
        ),
        (
            "the Vercel AI SDK",
            json!([
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "How warm?"}]},
                {"role": "assistant", "content": [
                    {"type": "tool-call", "toolCallId": "c1", "toolName": "look", "input": {"city": "Rome"}}]},
                {"role": "tool", "content": [{"type": "tool-result", "toolCallId": "c1", "toolName": "look",
                    "output": {"type": "json", "value": 31}}]},
            ]),
        ),
        (
            "Anthropic",
            json!([
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "How warm?"},
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "c1", "name": "look", "input": {"city": "Rome"}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "31"}]},
            ]),
        ),
        (
            "flattened names of OpenInference",
            json!([
                {"message": {"role": "system", "content": "Be brief."}},
                {"message": {"role": "user", "contents": [], "content": "How warm?"}},
                {"message": {"role": "assistant", "tool_calls": [{"tool_call": {"id": "c1",
                    "function": {"name": "look", "arguments": "{\"city\":\"Rome\"}"}}}]}},
                {"message": {"role": "tool", "content": "31", "tool_call_id": "c1"}},
            ]),
        ),
    ];
    for (shape, value) in shapes {
        let mut found = messages(value);
        for message in &mut found {
            message.as_object_mut().unwrap().remove("contents");
        }
        assert_eq!(found, expected, "{shape}");
    }
}

#[test]
fn a_tool_definition_among_the_messages_is_no_message() {
    let definition = json!({"type": "function", "function": {"name": "look", "parameters": {}}});
    let found = conversation(
        json!([
            {"role": "user", "content": "How warm?"},
            {"role": "tool", "content": definition},
            {"role": "tool", "content": "{\"type\": \"function\"}", "tool_call_id": "c1"},
        ]),
        "user",
    );
    assert_eq!(found.messages.len(), 2);
    assert_eq!(found.tools, [definition]);
}

#[test]
fn tools_of_every_shape_are_the_same_definition() {
    let schema = json!({"type": "object"});
    let expected = json!({"type": "function",
        "function": {"name": "look", "description": "d", "parameters": schema}});
    for value in [
        json!([expected]),
        json!([{"type": "function", "name": "look", "description": "d", "parameters": schema}]),
        json!([{"name": "look", "description": "d", "input_schema": schema}]),
        json!([
            "{\"type\":\"function\",\"name\":\"look\",\"description\":\"d\",\"inputSchema\":{\"type\":\"object\"}}"
        ]),
        json!([{"functionDeclarations": [{"name": "look", "description": "d", "parameters": schema}]}]),
        json!([{"tool": {"json_schema": expected.to_string()}}]),
    ] {
        assert_eq!(
            tools(value.clone()),
            std::slice::from_ref(&expected),
            "{value}"
        );
    }
}

#[test]
fn pictures_that_are_only_named_are_told() {
    let found = conversation(
        json!([{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "@@@langfuseMedia:type=image/png|id=x@@@"}}]}]),
        "user",
    );
    assert!(found.has_references);
    let kept = conversation(
        json!([{"role": "user", "parts": [{"type": "blob", "mime_type": "image/png", "content": "AAAA"}]}]),
        "user",
    );
    assert!(!kept.has_references);
    assert_eq!(
        kept.messages[0]["content"][0]["image_url"]["url"],
        "data:image/png;base64,AAAA"
    );
}
