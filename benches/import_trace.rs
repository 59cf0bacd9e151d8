//! How long the import of a large trace takes and how much memory, by the form and the size of its file.
//!
//! Each span is a model call with some 8 KB of text of its own. `cargo bench --bench import_trace -- 5 10` imports files of
//! 5 and 10 MB in place of 5, 25 and 50.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench fails loudly and prints its table"
)]
#![allow(
    dead_code,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "what the benches share is not used by all of them"
)]

mod support;

use std::fs;
use std::io::Write as _;
use std::time::Instant;

use serde_json::{Value, json};
use support::process;
use tempfile::TempDir;

const SIZES: [usize; 3] = [5, 25, 50];

/// The bytes of the text of each call.
const TEXT: usize = 8 << 10;

const FORMS: [(&str, &str); 4] = [
    ("OTLP, a document a line", "otel"),
    ("OTLP, one document", "otel"),
    ("OTLP, a length before each request", "otel"),
    ("Langfuse, one document", "from-langfuse"),
];

fn main() {
    let typed: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let sizes = if typed.is_empty() {
        SIZES.to_vec()
    } else {
        typed
    };
    println!("| file | size | spans | time | most memory | time a MB | memory a MB |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (form, command) in FORMS {
        for megabytes in &sizes {
            let spans = megabytes * 1_000_000 / (TEXT + 700);
            let folder = TempDir::new().expect("a folder");
            let bytes = file(form, spans);
            let size = bytes.len() as f64 / 1e6;
            fs::write(folder.path().join("trace"), bytes).expect("a file");
            let began = Instant::now();
            let peak = process::peak(&folder, &["import", command, "--file", "trace"]);
            let (took, peak) = (began.elapsed().as_secs_f64(), peak as f64 / 1e3);
            println!(
                "| {form} | {size:.0} MB | {spans} | {took:.2} s | {peak:.0} MB | {:.0} ms | {:.1} MB |",
                took * 1e3 / size,
                peak / size
            );
        }
    }
}

/// Returns a file with so many calls of models.
fn file(form: &str, spans: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let around = |spans: Vec<Value>| json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]});
    match form {
        "OTLP, a document a line" => {
            for number in 0..spans {
                writeln!(file, "{}", around(vec![span(number)])).expect("memory");
            }
        }
        "OTLP, one document" => {
            let all = around((0..spans).map(span).collect());
            write!(file, "{all}").expect("memory");
        }
        "OTLP, a length before each request" => {
            for number in 0..spans {
                let request = around(vec![span(number)]).to_string();
                let length = u32::try_from(request.len()).expect("a short request");
                file.extend_from_slice(&length.to_be_bytes());
                file.extend_from_slice(request.as_bytes());
            }
        }
        _ => {
            let rows: Vec<Value> = (0..spans).map(row).collect();
            let trace = json!({"id": "t", "name": "large", "observations": rows});
            write!(file, "{trace}").expect("memory");
        }
    }
    file
}

fn text(number: usize) -> String {
    let mut text = Vec::new();
    while text.len() < TEXT {
        let end = text.len();
        write!(text, "call {number} says {end} of many words. ").expect("memory");
    }
    String::from_utf8(text).expect("plain words")
}

fn span(number: usize) -> Value {
    let attribute = |key: &str, value: &Value| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        json!({"key": key, "value": {"stringValue": text}})
    };
    let began = 1_700_000_000_000_000_000 + number * 1_000_000;
    json!({
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": format!("{:016x}", number + 1), "name": "chat",
        "startTimeUnixNano": began.to_string(), "endTimeUnixNano": (began + 900_000).to_string(),
        "attributes": [
            attribute("gen_ai.operation.name", &json!("chat")),
            attribute("gen_ai.request.model", &json!("gpt-4o")),
            attribute("gen_ai.input.messages", &json!([{"role": "user", "content": text(number)}])),
            attribute("gen_ai.output.messages", &json!([{"role": "assistant", "content": format!("answer {number}")}])),
        ],
    })
}

fn row(number: usize) -> Value {
    let at = |millis: usize| {
        format!(
            "2026-11-30T12:{:02}:{:02}.{:03}Z",
            millis / 60_000,
            millis / 1000 % 60,
            millis % 1000
        )
    };
    json!({
        "id": format!("o{number}"), "traceId": "t", "type": "GENERATION", "name": "chat", "model": "gpt-4o",
        "startTime": at(number * 5), "endTime": at(number * 5 + 4),
        "input": [{"role": "user", "content": text(number)}],
        "output": {"role": "assistant", "content": format!("answer {number}")},
    })
}
