//! What is encoded comes back, and is small.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::{Part, Role, StreamEvent};

fn events(texts: &[String]) -> Body {
    Body::Events(
        texts
            .iter()
            .enumerate()
            .map(|(index, text)| StreamEvent {
                delay_us: 12_000 + index as u64 * 7,
                bytes: Bytes::from(text.clone()),
            })
            .collect(),
    )
}

fn assert_round_trip(body: &Body, output: Option<&Message>) -> String {
    let known = Known {
        output,
        ..Known::default()
    };
    let value = encode(body, known);
    // Through text, as in a file.
    let text = value.to_string();
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(&decode(&read, known).unwrap(), body);
    let shapes = shapes(body);
    let known = Known {
        shapes: &shapes,
        ids: &["chatcmpl-Abc123", "call_1"],
        ..known
    };
    let apart = encode(body, known);
    assert_eq!(&decode(&apart, known).unwrap(), body);
    text
}

fn words(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("word{} ", n * n % 97)).collect()
}

fn chat_stream(pieces: &[String]) -> Vec<String> {
    let event = |delta: Value, finish: Value| {
        format!(
            "data: {{\"id\":\"chatcmpl-Abc123\",\"object\":\"chat.completion.chunk\",\"created\":1730000000,\
             \"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_1\",\
             \"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let mut stream = vec![event(
        json!({"role": "assistant", "content": ""}),
        Value::Null,
    )];
    stream.extend(
        pieces
            .iter()
            .map(|piece| event(json!({ "content": piece }), Value::Null)),
    );
    stream.push(event(json!({}), json!("stop")));
    stream.push("data: [DONE]\n\n".to_owned());
    stream
}

fn anthropic_stream(pieces: &[String]) -> Vec<String> {
    let event = |name: &str, data: Value| format!("event: {name}\ndata: {data}\n\n");
    let delta = |piece: &String| {
        event(
            "content_block_delta",
            json!({"type": "content_block_delta", "index": 0,
                   "delta": {"type": "text_delta", "text": piece}}),
        )
    };
    let mut stream = vec![
        event(
            "message_start",
            json!({"type": "message_start", "message": {"id": "msg_1",
            "usage": {"input_tokens": 25, "output_tokens": 1}}}),
        ),
        event("ping", json!({"type": "ping"})),
    ];
    stream.extend(pieces.iter().map(delta));
    stream.push(event("message_stop", json!({"type": "message_stop"})));
    stream
}

fn responses_stream(pieces: &[String]) -> Vec<String> {
    let full = pieces.concat();
    let event = |name: &str, data: Value| format!("event: {name}\ndata: {data}\n\n");
    let mut stream: Vec<String> = pieces
        .iter()
        .enumerate()
        .map(|(number, piece)| {
            event(
                "response.output_text.delta",
                json!({"type": "response.output_text.delta", "item_id": "msg_0123456789abcdef",
                       "output_index": 0, "content_index": 0, "delta": piece, "logprobs": [],
                       "sequence_number": number + 4, "obfuscation": format!("x{number:06}Zq")}),
            )
        })
        .collect();
    stream.push(event(
        "response.output_text.done",
        json!({"text": full, "item_id": "msg_01"}),
    ));
    stream.push(event(
        "response.completed",
        json!({"response": {"output": [{"content":
        [{"type": "output_text", "text": full}]}]}}),
    ));
    stream
}

#[test]
fn a_hundred_events_of_each_dialect_take_little_room() {
    let pieces = words(100);
    let answer = Message::text(Role::Assistant, pieces.concat());
    for stream in [
        chat_stream(&pieces),
        anthropic_stream(&pieces),
        responses_stream(&pieces),
    ] {
        let with_answer = assert_round_trip(&events(&stream), Some(&answer));
        assert!(with_answer.len() <= 6 * 1024, "{} bytes", with_answer.len());
        assert!(!with_answer.contains(pieces.concat().as_str()));
        let alone = assert_round_trip(&events(&stream), None);
        assert!(alone.len() <= 9 * 1024, "{} bytes", alone.len());
    }
}

#[test]
fn an_answer_is_not_written_twice() {
    let text = "The harbour of Yokohama was opened in 1859. \"Ünïcode\" and\nlines. ".repeat(20);
    let arguments = json!({"body": "a long letter, line by line\nwith \"quotes\" ".repeat(9)});
    let answer = Message::new(
        Role::Assistant,
        vec![
            Part::text(text.clone()),
            Part::tool_call("write", arguments.clone()),
        ],
    );
    let body = json!({"id": "chatcmpl-1", "choices": [{"message": {"content": text,
        "tool_calls": [{"function": {"name": "write", "arguments": arguments.to_string()}}]}}]});
    let ascii = escape::Style::Ascii.quote(&text);
    for raw in [
        body.to_string(),
        serde_json::to_string_pretty(&body).unwrap(),
        body.to_string().replace(&json!(text).to_string(), &ascii),
    ] {
        let encoded = assert_round_trip(&Body::Whole(Bytes::from(raw)), Some(&answer));
        assert!(encoded.len() < 400, "{encoded}");
    }
}

#[test]
fn escaped_pieces_of_a_stream_are_found_in_the_answer() {
    let pieces: Vec<String> = ["Zürich ", "liegt ", "am ", "Zürichsee ", "🏔 "]
        .iter()
        .cycle()
        .take(50)
        .map(|piece| (*piece).to_owned())
        .collect();
    let answer = Message::text(Role::Assistant, pieces.concat());
    let stream: Vec<String> = chat_stream(&pieces)
        .iter()
        .map(|event| {
            escape::Style::Ascii
                .escape(event)
                .replace("\\\"", "\"")
                .replace("\\n", "\n")
                .replace("\\\\", "\\")
        })
        .collect();
    assert!(stream[1].contains("\\u00fc"), "{}", stream[1]);
    let encoded = assert_round_trip(&events(&stream), Some(&answer));
    assert!(encoded.len() < 3 * 1024, "{} bytes", encoded.len());
}

#[test]
fn what_is_no_json_comes_back_too() {
    let odd = [
        ": keep-alive 12\r\n\r\n",
        "data: {\"a\": 1.0e+5, \"b\":-0, \"c\" : \"\\u00e9\\/\", \"d\": \"\\ud83d\"}\r\n\r\n",
        "data: {\"a\": 1.50, \"b\":-01, \"c\" : \"é\", \"d\": \"x\"}\r\n\r\n",
        "data: \"unfinished\n\n",
        "data: 5\n\n",
        "data: 6\n\n",
        "data: --\n\n",
        "",
    ];
    let mut body = events(&odd.map(str::to_owned));
    if let Body::Events(events) = &mut body {
        events.push(StreamEvent {
            delay_us: u64::MAX,
            bytes: Bytes::from_static(b"data: \xff\xfe\n\n"),
        });
    }
    assert_round_trip(&body, None);
    assert_round_trip(&Body::Whole(Bytes::from_static(b"\x00\xff")), None);
    assert_round_trip(&Body::Whole(Bytes::new()), None);
    assert_round_trip(&Body::Events(Events::default()), None);
}

#[test]
fn bodies_of_one_shape_need_little_more_than_what_differs() {
    let body = |id: &str, tokens: u32| {
        let value = json!({"id": id, "object": "chat.completion", "created": 1_730_000_000,
            "choices": [{"message": {"role": "assistant", "content": null}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": tokens, "completion_tokens": 20}});
        Body::Whole(Bytes::from(value.to_string()))
    };
    let shapes = shapes(&body("chatcmpl-0", 100));
    let known = Known {
        ids: &["chatcmpl-0123456789abcdef"],
        shapes: &shapes,
        ..Known::default()
    };
    let second = body("chatcmpl-0123456789abcdef", 250);
    let encoded = encode(&second, known);
    assert_eq!(encoded, json!({"like": [0, 3, [0], 6, 250], "from": [0]}));
    assert_eq!(decode(&encoded, known).unwrap(), second);
}

#[test]
fn broken_encodings_are_errors() {
    for text in [
        "null",
        "{}",
        r#"{"text": 5}"#,
        r#"{"base64": "%"}"#,
        r#"{"events": [[1]]}"#,
        r#"{"events": [[1, 0]]}"#,
        r#"{"events": [[1, "a 5"], [1, 0, 7, "x"]]}"#,
        r#"{"events": [[1, "a 5"], [1, 0, 0]]}"#,
        r#"{"events": [[1, "a 5"], [1, 0, 0, [3, 1]]]}"#,
        r#"{"events": [["x", "a"]]}"#,
        r#"{"text": [[0]], "from": ["/parts/0/text"]}"#,
        r#"{"text": [[0, "rot13"]]}"#,
        r#"{"text": "x", "from": [7]}"#,
        r#"{"like": []}"#,
        r#"{"like": [0]}"#,
    ] {
        let value: Value = serde_json::from_str(text).unwrap();
        assert!(decode(&value, Known::default()).is_err(), "{text}");
    }
    let value = json!({"text": [[0]], "from": ["/parts/0/text"]});
    let error = decode(&value, Known::default()).unwrap_err().to_string();
    assert!(error.contains("/parts/0/text"), "{error}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c\"]{1,2}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn any_event() -> impl Strategy<Value = String> {
    let line_end = prop_oneof![Just("\n\n"), Just("\r\n\r\n")];
    let json = (any_json(), any::<bool>(), line_end).prop_map(|(value, ascii, end)| {
        let text = if ascii {
            escape::spaced(&value)
        } else {
            value.to_string()
        };
        format!("data: {text}{end}")
    });
    let few = (0_u8..4, "[a-dé ]{0,5}").prop_map(|(number, text)| {
        format!(
            "event: x\ndata: {{\"n\":{number},\"delta\":{}}}\n\n",
            json!(text)
        )
    });
    prop_oneof![4 => few, 3 => json, 1 => ": [ -~é\\\\\"]{0,20}\n\n", 1 => "data: \"\\\\u00[0-9a-f]{2}\"\n\n"]
}

proptest! {
    #[test]
    fn every_stream_comes_back(
        stream in prop::collection::vec(any_event(), 0..24),
        answer in "[a-dé ]{0,40}",
    ) {
        let output = Message::new(
            Role::Assistant,
            vec![Part::text(answer.clone()), Part::tool_call("t", json!({"q": answer}))],
        );
        assert_round_trip(&events(&stream), Some(&output));
        assert_round_trip(&events(&stream), None);
    }

    #[test]
    fn every_body_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..80), value in any_json()) {
        let output = Message::new(Role::Assistant, vec![Part::Other { value: value.clone() }]);
        assert_round_trip(&Body::Whole(Bytes::from(bytes)), Some(&output));
        assert_round_trip(&Body::Whole(Bytes::from(value.to_string())), Some(&output));
    }
}

#[test]
fn a_long_stream_is_packed_and_comes_back() {
    let texts: Vec<String> = (0..40_000)
        .map(|n| {
            format!(
                "data: {{\"n\": {n}, \"same\": \"{}\"}}\n\n",
                "x".repeat(100)
            )
        })
        .collect();
    let text = assert_round_trip(&events(&texts), None);
    assert!(text.starts_with("{\"packed\""));
    assert!(text.len() * 8 < texts.concat().len(), "{}", text.len());
    assert!(shapes(&events(&texts)).is_empty());
    for damaged in [json!(["AAAA"]), json!("x"), json!([1]), json!(["?"])] {
        let read = decode(&json!({ "packed": damaged }), Known::default());
        assert!(read.is_err(), "{read:?}");
    }
}
