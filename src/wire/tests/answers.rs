//! Random answers of each dialect, as its provider could give them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::model::{Dialect, FinishReason, Message, Part, Pooled, Response, Role, Usage};

/// Returns any answer of the dialect.
pub(super) fn any_answer(dialect: Dialect) -> BoxedStrategy<Response> {
    match dialect {
        Dialect::OpenaiChat => answer(chat_parts().boxed(), any_finish().boxed(), dialect),
        Dialect::OpenaiResponses => answer(
            vec(responses_part(), 0..6).boxed(),
            Just(None).boxed(),
            dialect,
        ),
        Dialect::AnthropicMessages => answer(
            vec(anthropic_part(), 0..6).boxed(),
            any_finish().boxed(),
            dialect,
        ),
        Dialect::Gemini => answer(gemini_parts().boxed(), any_finish().boxed(), dialect),
        Dialect::OpenaiEmbeddings => (1usize..5, 1usize..9)
            .prop_map(|(embeddings, dimensions)| {
                let value = json!({"embeddings": embeddings, "dimensions": dimensions});
                of_value(value)
            })
            .boxed(),
        Dialect::Opaque => json_value()
            .prop_filter("nothing at all reads as null", |value| {
                !value.is_string() && value.get("base64").is_none()
            })
            .prop_map(of_value)
            .boxed(),
    }
}

fn of_value(value: Value) -> Response {
    let message = Message::new(Role::Assistant, vec![Part::Other { value }]);
    Response {
        output: Some(Pooled::new(message)),
        ..Response::default()
    }
}

fn answer(
    parts: BoxedStrategy<Vec<Part>>,
    finish: BoxedStrategy<Option<FinishReason>>,
    dialect: Dialect,
) -> BoxedStrategy<Response> {
    (parts, finish, usage(), "[a-z0-9-]{1,12}", any::<bool>())
        .prop_map(move |(parts, finish, usage, model, is_cut)| {
            let message = Message::new(Role::Assistant, parts);
            let calls = message.tool_calls().count();
            let (mut usage, mut finish) = (usage, finish);
            if dialect == Dialect::Gemini {
                // It tells neither what was written to a cache, nor that it stops to call functions.
                usage.cache_write = 0;
                finish = match finish {
                    Some(FinishReason::Stop | FinishReason::ToolCalls) if calls > 0 => {
                        Some(FinishReason::ToolCalls)
                    }
                    Some(FinishReason::ToolCalls) => Some(FinishReason::Stop),
                    other => other,
                };
            }
            let finish = if dialect == Dialect::OpenaiResponses {
                Some(match (is_cut, calls) {
                    (true, _) => FinishReason::Length,
                    (false, 0) => FinishReason::Stop,
                    (false, _) => FinishReason::ToolCalls,
                })
            } else {
                finish
            };
            Response {
                output: Some(Pooled::new(message)),
                finish,
                model: Some(model),
                usage: Some(usage),
                id: Some("id_1".to_owned()),
                call_ids: (0..calls).map(|number| format!("call_{number}")).collect(),
                ..Response::default()
            }
        })
        .boxed()
}

fn usage() -> impl Strategy<Value = Usage> {
    (0u64..9999, 0u64..999, 0u64..99, 0u64..9999, 0u64..999).prop_map(
        |(fresh, cached_input, cache_write, spoken, reasoning)| Usage {
            input: fresh + cached_input + cache_write,
            cached_input,
            cache_write,
            output: spoken + reasoning,
            reasoning,
        },
    )
}

fn any_finish() -> impl Strategy<Value = Option<FinishReason>> {
    option::of(prop_oneof![
        Just(FinishReason::Stop),
        Just(FinishReason::Length),
        Just(FinishReason::ToolCalls),
        Just(FinishReason::ContentFilter),
        Just(FinishReason::Other("pause_turn".to_owned())),
    ])
}

fn chat_parts() -> impl Strategy<Value = Vec<Part>> {
    let reasoning = (some_text(), any::<bool>()).prop_map(|(text, is_renamed)| Part::Reasoning {
        text,
        extra: if is_renamed {
            fields(&json!({"field": "reasoning"}))
        } else {
            Map::new()
        },
    });
    (
        option::of(reasoning),
        option::of(text_part()),
        option::of(refusal()),
        vec(prop_oneof![call(json_value()), custom_call("custom")], 0..4),
    )
        .prop_map(|(reasoning, text, refusal, calls)| {
            let said = reasoning.into_iter().chain(text).chain(refusal);
            said.chain(calls).collect()
        })
}

fn anthropic_part() -> impl Strategy<Value = Part> {
    let signed = (some_text(), "[A-Za-z0-9+/]{0,40}").prop_map(|(text, signature)| {
        let extra = if signature.is_empty() {
            Map::new()
        } else {
            fields(&json!({"signature": signature}))
        };
        Part::Reasoning { text, extra }
    });
    let redacted = some_text().prop_map(|data| Part::Reasoning {
        text: String::new(),
        extra: fields(&json!({"type": "redacted_thinking", "data": data})),
    });
    let provider = some_text().prop_map(|query| Part::Other {
        value: json!({"type": "server_tool_use", "name": "web_search", "input": {"query": query}}),
    });
    let input = json_value().prop_filter("null is no input", |input| !input.is_null());
    prop_oneof![text_part(), call(input), signed, redacted, provider]
}

/// Texts that follow each other would be one text, so something else stands between them.
fn gemini_parts() -> impl Strategy<Value = Vec<Part>> {
    let signed = |text: String, is_signed: bool| {
        let extra = if is_signed {
            fields(&json!({"thoughtSignature": "EqQB"}))
        } else {
            Map::new()
        };
        (text, extra)
    };
    let said = (some_text(), any::<bool>(), any::<bool>()).prop_map(
        move |(text, is_signed, is_thought)| {
            let (text, extra) = signed(text, is_signed);
            if is_thought {
                Part::Reasoning { text, extra }
            } else {
                Part::Text { text, extra }
            }
        },
    );
    let arguments = proptest::collection::btree_map("[a-z]{1,6}", json_value(), 0..4);
    let arguments = arguments.prop_map(|map| Value::Object(map.into_iter().collect()));
    let code = some_text().prop_map(|code| Part::Other {
        value: json!({"executableCode": {"language": "PYTHON", "code": code}}),
    });
    let between = prop_oneof![call(arguments), code];
    vec((option::of(said), between), 0..4).prop_map(|parts| {
        parts
            .into_iter()
            .flat_map(|(a, b)| a.into_iter().chain([b]))
            .collect()
    })
}

fn responses_part() -> impl Strategy<Value = Part> {
    let commentary = some_text().prop_map(|text| Part::Text {
        text,
        extra: fields(&json!({"phase": "commentary"})),
    });
    let reasoning = (".{0,40}", any::<bool>()).prop_map(|(text, is_encrypted)| Part::Reasoning {
        text,
        extra: if is_encrypted {
            fields(&json!({"encrypted_content": "gAAA"}))
        } else {
            Map::new()
        },
    });
    let provider = some_text().prop_map(|query| Part::Other {
        value: json!({"type": "web_search_call", "action": {"type": "search", "query": query}}),
    });
    prop_oneof![
        text_part(),
        commentary,
        refusal(),
        reasoning,
        provider,
        call(json_value()),
        custom_call("custom_tool_call"),
    ]
}

fn text_part() -> impl Strategy<Value = Part> {
    some_text().prop_map(Part::text)
}

fn refusal() -> impl Strategy<Value = Part> {
    some_text().prop_map(|text| Part::Refusal { text })
}

fn call(arguments: impl Strategy<Value = Value>) -> impl Strategy<Value = Part> {
    ("[a-z_]{1,12}", arguments).prop_map(|(name, arguments)| Part::tool_call(name, arguments))
}

fn custom_call(kind: &'static str) -> impl Strategy<Value = Part> {
    ("[a-z_]{1,12}", some_text()).prop_map(move |(name, input)| Part::ToolCall {
        name,
        arguments: Value::String(input),
        extra: fields(&json!({"type": kind})),
    })
}

fn some_text() -> impl Strategy<Value = String> {
    prop_oneof!["(?s).{1,60}", "([a-z]{1,9} ){1,40}"]
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9f64).prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
