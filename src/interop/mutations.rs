//! The committed captures, damaged in thousands of ways: every reader takes them or refuses them, and no span that
//! was read goes missing.

use std::fs;
use std::io::Read as _;

use serde_json::{Map, Value, json};

use super::helicone::read_helicone;
use super::langfuse::read_langfuse_file;
use super::langsmith::read_langsmith;
use super::otlp::{read_otlp, traces};
use super::{ImportError, Trace, session};
use crate::stats::Random;

/// How often each capture is damaged.
const CASES: u64 = 250;

type Reader = fn(&[u8]) -> Option<Vec<Trace>>;

fn otlp(bytes: &[u8]) -> Option<Vec<Trace>> {
    let mut spans = Vec::new();
    read_otlp(bytes, 1 << 24, &mut |span| spans.push(span)).ok()?;
    Some(traces(spans))
}

fn langfuse(bytes: &[u8]) -> Option<Vec<Trace>> {
    read_langfuse_file(bytes).ok()
}

fn documents(bytes: &[u8]) -> Option<Vec<Value>> {
    let documents = serde_json::Deserializer::from_slice(bytes).into_iter();
    documents.collect::<Result<_, _>>().ok()
}

fn langsmith(bytes: &[u8]) -> Option<Vec<Trace>> {
    read_langsmith(&documents(bytes)?).ok()
}

fn helicone(bytes: &[u8]) -> Option<Vec<Trace>> {
    read_helicone(documents(bytes)?).ok()
}

fn capture(name: &str) -> Vec<u8> {
    let bytes = fs::read(format!("tests/traces/{name}")).unwrap();
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes;
    }
    let mut unpacked = Vec::new();
    let mut packed = flate2::read::MultiGzDecoder::new(bytes.as_slice());
    packed.read_to_end(&mut unpacked).unwrap();
    unpacked
}

/// Returns the first parts of a message, so that a case takes no time.
fn beginning(bytes: &[u8]) -> Vec<u8> {
    let mut end = 0;
    while end < 12_000 && end < bytes.len() {
        let (mut length, mut shift) = (0_usize, 0);
        end += 1;
        loop {
            let byte = usize::from(bytes[end]);
            end += 1;
            length |= (byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        end += length;
    }
    bytes[..end].to_vec()
}

/// Returns some of the rows.
fn some(value: Value, count: usize) -> Value {
    if let Value::Array(items) = value {
        return items.into_iter().take(count).collect();
    }
    let mut value = value;
    let rows = value["observations"].take();
    value["observations"] = some(rows, count);
    value
}

/// Damages bytes: some are others, missing, there twice, from elsewhere; or the rest is gone.
fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _change in 0..=random.below(3) {
        let at = random.below(bytes.len());
        let end = (at + 1 + random.below(40)).min(bytes.len());
        let piece = bytes.get(at..end).unwrap_or_default().to_vec();
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..at, piece)),
            3 => {
                let to = random.below(bytes.len());
                drop(bytes.splice(to..to, piece));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = u8::try_from(random.bits() & 0xff).unwrap();
                }
            }
        }
    }
    bytes
}

/// Puts something else in the place of one value of JSON.
fn replaced(value: &mut Value, random: &mut Random, other: &Value) {
    let items = value.as_array().map(Vec::len);
    let count = items
        .or_else(|| value.as_object().map(Map::len))
        .unwrap_or(0);
    if count == 0 || random.below(8) == 0 {
        let odd = [
            Value::Null,
            json!(-1),
            json!(1e308),
            json!(""),
            json!("assistant"),
            json!("[{\"role\": 3}]"),
            json!([[], [null]]),
            json!({"type": "tool_use", "id": 7}),
            json!(true),
            json!("2026-13-77T99:00:00Z"),
            other.clone(),
        ];
        *value = odd[random.below(odd.len())].clone();
        return;
    }
    let at = random.below(count);
    if let Some(items) = value.as_array_mut() {
        replaced(&mut items[at], random, other);
    } else if let Some(fields) = value.as_object_mut() {
        let name = fields.keys().nth(at).unwrap().clone();
        if random.below(10) == 0 {
            fields.remove(&name);
        } else {
            replaced(&mut fields[&name], random, other);
        }
    }
}

/// Makes sessions of whatever was read.
fn hold(traces: Option<Vec<Trace>>, what: &str) -> bool {
    let Some(traces) = traces else { return false };
    for trace in traces {
        let total = trace.spans.len();
        match session(trace) {
            Ok((_session, report)) => {
                assert!(report.spans.is_complete(), "{what}: {:?}", report.spans);
                assert_eq!(report.spans.total, total, "{what}");
            }
            Err(error) => {
                let is_told = !matches!(error, ImportError::TooMany(_));
                assert!(is_told, "{what}: {error}");
            }
        }
    }
    true
}

#[test]
fn a_damaged_capture_is_read_or_refused_and_nothing_goes_missing() {
    let text = |name: &str, count| {
        let value: Value = serde_json::from_slice(&capture(name)).unwrap();
        some(value, count)
    };
    let runs = capture("langsmith.jsonl.gz");
    let runs = documents(&runs).unwrap().into_iter().take(4).collect();
    let request = json!({"request_id": "a", "request_created_at": "2026-11-30T12:00:01Z", "delay_ms": 500,
        "response_status": 200, "provider": "OPENAI", "request_path": "/v1/chat/completions",
        "request_properties": {"Helicone-Session-Id": "s-1", "Helicone-Session-Path": "/team/writer"},
        "request_body": {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]},
        "response_body": {"id": "x", "choices": [{"message": {"role": "assistant", "content": "yes"},
            "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}});
    let json: [(&str, Reader, Value); 4] = [
        ("langfuse.v1.json", langfuse, text("langfuse.v1.json", 6)),
        ("langfuse.v2.json", langfuse, text("langfuse.v2.json", 6)),
        ("langsmith.jsonl.gz", langsmith, Value::Array(runs)),
        ("helicone", helicone, json!({"data": [request, request]})),
    ];
    let binary = [
        "langfuse.pb",
        "openinference.pb",
        "openllmetry.pb",
        "openai-v2.pb",
        "pydantic-ai.pb",
        "langgraph.pb.gz",
    ];
    let (mut cases, mut read) = (0, 0);
    for name in binary {
        let whole = beginning(&capture(name));
        assert!(hold(otlp(&whole), name));
        for seed in 0..CASES {
            let bytes = damaged(&whole, &mut Random::seeded(seed));
            read += usize::from(hold(otlp(&bytes), &format!("{name}, seed {seed}")));
            cases += 1;
        }
    }
    for (name, reader, whole) in json {
        let written = whole.to_string().into_bytes();
        assert!(hold(reader(&written), name));
        for seed in 0..CASES {
            let what = format!("{name}, seed {seed}");
            let mut random = Random::seeded(seed);
            let bytes = damaged(&written, &mut random);
            hold(reader(&bytes), &what);
            let mut value = whole.clone();
            for _change in 0..3 {
                replaced(&mut value, &mut random, &whole);
            }
            read += usize::from(hold(reader(value.to_string().as_bytes()), &what));
            cases += 2;
        }
    }
    // Much of what is damaged can still be read, so the cases reach what stands behind the readers.
    assert!(cases >= 3_000 && read * 6 > cases, "{read} of {cases}");
}
