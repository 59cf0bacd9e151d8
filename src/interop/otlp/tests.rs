//! Every form of the same spans reads the same.

use std::io::Write as _;

use serde_json::{Value, json};

use super::*;

/// Returns a span of each wire form: nested values, an event, an error.
fn document() -> Value {
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "agent"}}]},
        "scopeSpans": [{
            "scope": {"name": "probe"},
            "spans": [{
                "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174",
                "parentSpanId": "eee19b7ec3c1b173", "name": "chat", "kind": 3,
                "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": "1544712661000000000",
                "attributes": [
                    {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}},
                    {"key": "n", "value": {"intValue": "42"}},
                    {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": true}, {"doubleValue": 0.5}]}}},
                    {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}}},
                    {"key": "none", "value": {"arrayValue": {}}},
                ],
                "events": [{"name": "exception", "timeUnixNano": "1544712660500000000",
                    "attributes": [{"key": "exception.message", "value": {"stringValue": "boom"}}]}],
                "status": {"code": 2, "message": "boom"},
            }],
        }],
    }]})
}

fn read(bytes: &[u8]) -> Result<Vec<Span>, OtlpError> {
    let mut spans = Vec::new();
    read_otlp(bytes, 1 << 20, &mut |span| spans.push(span))?;
    Ok(spans)
}

/// Encodes a length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length > 0x7f {
        bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap());
    bytes.extend_from_slice(content);
    bytes
}

fn pair(key: &str, value: &[u8]) -> Vec<u8> {
    [field(1, key.as_bytes()), field(2, value)].concat()
}

fn fixed64(number: u8, value: u64) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 1];
    bytes.extend_from_slice(&value.to_le_bytes());
    bytes
}

/// Returns the same in protobuf.
fn message() -> Vec<u8> {
    let trace = [
        0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6,
        0x0c,
    ];
    let id = |last: u8| [0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, last];
    let text = |text: &str| field(1, text.as_bytes());
    let float = fixed64(4, 0.5_f64.to_bits());
    let list = field(5, &[field(1, &[2 << 3, 1]), field(1, &float)].concat());
    let map = field(6, &field(1, &pair("k", &text("v"))));
    let event = [
        fixed64(1, 1_544_712_660_500_000_000),
        field(2, b"exception"),
        field(3, &pair("exception.message", &text("boom"))),
    ];
    let status = [field(2, b"boom"), vec![3 << 3, 2]].concat();
    let span = [
        field(1, &trace),
        field(2, &id(0x74)),
        field(4, &id(0x73)),
        field(5, b"chat"),
        vec![6 << 3, 3],
        fixed64(7, 1_544_712_660_000_000_000),
        fixed64(8, 1_544_712_661_000_000_000),
        field(9, &pair("gen_ai.request.model", &text("gpt-4o"))),
        field(9, &pair("n", &[3 << 3, 42])),
        field(9, &pair("list", &list)),
        field(9, &pair("map", &map)),
        field(9, &pair("none", &field(5, b""))),
        field(11, &event.concat()),
        field(15, &status),
    ];
    let scope = [field(1, &field(1, b"probe")), field(2, &span.concat())];
    let resource = field(1, &pair("service.name", &text("agent")));
    field(
        1,
        &[field(2, &scope.concat()), field(1, &resource)].concat(),
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packing = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packing.write_all(bytes).unwrap();
    packing.finish().unwrap()
}

fn framed(part: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(part.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(part);
    bytes
}

#[test]
fn every_form_of_a_span_reads_the_same() {
    let expected = read(document().to_string().as_bytes()).unwrap();
    let span = &expected[0];
    assert_eq!(span.trace, "5b8efff798038103d269b633813fc60c");
    assert_eq!(span.error.as_deref(), Some("boom"));
    assert_eq!(span.ended_us, Some(1_544_712_661_000_000));
    assert_eq!(span.attributes["list"], json!([true, 0.5]));
    assert_eq!(span.attributes["map"], json!({"k": "v"}));
    assert_eq!(span.attributes["none"], json!([]));
    assert_eq!(span.resource["service.name"], "agent");
    let text = document().to_string();
    let snake = text
        .replace("resourceSpans", "resource_spans")
        .replace("scopeSpans", "scope_spans")
        .replace("traceId", "trace_id")
        .replace(
            "5B8EFFF798038103D269B633813FC60C",
            "W47/95gDgQPSabYzgT/GDA==",
        )
        .replace("parentSpanId", "parent_span_id")
        .replace("spanId", "span_id")
        .replace(
            "startTimeUnixNano\":\"1544712660000000000\"",
            "start_time_unix_nano\":1544712660000000000",
        )
        .replace("stringValue", "string_value")
        .replace("\"code\":2", "\"code\":\"STATUS_CODE_ERROR\"");
    let forms = [
        ("a list", format!("[{text}]").into_bytes()),
        ("snake case, base64, names of enums", snake.into_bytes()),
        (
            "batches",
            text.replace("resourceSpans", "batches").into_bytes(),
        ),
        (
            "each kind of value",
            text.replace(
                "{\"intValue\"",
                "{\"boolValue\":null,\"string_value\":null,\"intValue\"",
            )
            .into_bytes(),
        ),
        ("gzip", gzip(text.as_bytes())),
        ("zstd", zstd::encode_all(text.as_bytes(), 1).unwrap()),
        ("protobuf", message()),
        ("protobuf, gzip", gzip(&message())),
        ("a length before it", framed(&message())),
        ("a varint before it", field(0, &message())[1..].to_vec()),
        (
            "packed requests",
            framed(&zstd::encode_all(message().as_slice(), 1).unwrap()),
        ),
    ];
    for (form, bytes) in forms {
        assert_eq!(read(&bytes).unwrap(), expected, "{form}");
    }
    let lines = format!("{text}\n\n{text}\n");
    assert_eq!(read(lines.as_bytes()).unwrap().len(), 2);
}

#[test]
fn what_holds_no_spans_is_told_by_its_form() {
    for (text, said) in [
        ("{\"resourceLogs\": []}", "an object with `resourceLogs`"),
        (
            "[{\"a\": 1}]",
            "a list whose first entry is an object with `a`",
        ),
        ("", "nothing"),
    ] {
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    for bytes in [b"\xff\xff\xff".as_slice(), b"{\"a\": ", b"hello there"] {
        assert!(matches!(read(bytes), Err(OtlpError::Unknown(_))));
    }
}

#[test]
fn hostile_files_end_with_an_error() {
    let bomb = gzip(&vec![b' '; 8 << 20]);
    assert!(bomb.len() < 100_000);
    assert!(matches!(read(&bomb), Err(OtlpError::TooLarge { .. })));
    let bomb = zstd::encode_all(vec![b' '; 8 << 20].as_slice(), 1).unwrap();
    assert!(matches!(read(&bomb), Err(OtlpError::TooLarge { .. })));
    assert!(read(gzip(b"{}").split_at(9).0).is_err());
    assert!(read("[".repeat(500_000).as_bytes()).is_err());
    // A value in a value in a value.
    let mut value = field(1, b"deep");
    for _level in 0..2_000 {
        value = field(5, &field(1, &value));
    }
    let span = field(2, &field(9, &pair("deep", &value)));
    let request = field(1, &field(2, &span));
    assert!(read(&request).is_err());
    // Lengths that lead nowhere.
    let mut cut = message();
    cut.truncate(cut.len() - 3);
    assert!(read(&cut).is_err());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _either = read(&bytes);
    }

    #[test]
    fn any_damage_is_read_or_refused(at in 0_usize..2_000, byte: u8) {
        let mut bytes = message();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _either = read(&bytes);
    }
}
