//! How much memory a recording takes.

use std::process::Output;

use rewind_gate::model::Body;
use serde_json::json;

use super::{Bench, output_text, stop, text};
use crate::support::upstream::{Upstream, chunk, last_chunk, stream_head};

/// Runs a command and prints the most memory, in KB, that it or a process below it ever had.
const MEASURE: &str = r"
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(status)
";

/// Records, and returns also the most memory in MB that recording took.
fn measured(bench: &Bench, upstream: &Upstream) -> (Output, usize) {
    let rewind = bench.rewind(upstream, &[], &["python3", "agent.py"]);
    let environment = rewind
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    let environment: Vec<_> = environment.collect();
    let output = std::process::Command::new("python3")
        .args(["-c", MEASURE])
        .arg(rewind.get_program())
        .args(rewind.get_args())
        .current_dir(bench.path())
        .env_clear()
        .envs(environment)
        .output()
        .unwrap();
    let said = text(&output.stderr);
    let peak: usize = said.trim().lines().last().unwrap().parse().unwrap();
    (output, peak / 1024)
}

/// Reads a stream to its end without keeping it.
const READER: &str = r#"
connection = http.client.HTTPConnection(BASE.hostname, BASE.port, timeout=300)
reply = send(connection, "q", stream=True)
size = 0
while piece := reply.read(1 << 16):
    size += len(piece)
print(size)
"#;

/// An event as long ones are in practice: little text in a large envelope.
fn bulky(number: usize) -> String {
    let event = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-test-1",
        "service_tier": "default", "system_fingerprint": "fp_0123456789",
        "choices": [{"index": 0, "delta": {"content": format!("w{number} ")},
                     "logprobs": null, "finish_reason": null}],
        "obfuscation": format!("{number:0>120}"),
    });
    format!("data: {event}\n\n")
}

#[test]
fn a_stream_of_30_mb_is_kept_whole_in_little_memory() {
    const EVENTS: usize = 90_000;
    let upstream = Upstream::start(|_request| {
        let events = (0..EVENTS).collect::<Vec<_>>();
        let chunks = events.chunks(100).map(|numbers| {
            let text: String = numbers.iter().map(|number| bulky(*number)).collect();
            chunk(&text)
        });
        let head = [stream_head()].into_iter();
        head.chain(chunks).chain([stop(), last_chunk()]).collect()
    });
    let bench = Bench::new(READER);
    let (output, peak) = measured(&bench, &upstream);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let size: usize = text(&output.stdout).trim().parse().unwrap();
    assert!(size > 30_000_000, "{size}");
    let calls = bench.calls();
    assert!(!calls[0].exchange.truncated);
    let body: &Body = calls[0].exchange.body.as_ref().unwrap();
    assert_eq!(body.len(), size);
    assert!(output_text(&calls[0]).ends_with(&format!("w{} ", EVENTS - 1)));
    assert!(peak < 110, "{peak} MB for {size} bytes");
}

#[test]
fn a_long_run_of_streams_is_not_kept_in_memory() {
    const STEPS: usize = 300;
    const EVENTS: usize = 300;
    let upstream = Upstream::start(|request| {
        let first = request.nth * EVENTS;
        let events: String = (first..first + EVENTS).map(bulky).collect();
        let events = chunk(&events);
        vec![stream_head(), events, stop(), last_chunk()]
    });
    let bench = Bench::new(
        r#"
connection = connect()
for number in range(300):
    send(connection, "q%d" % number, stream=True).read()
"#,
    );
    let (output, peak) = measured(&bench, &upstream);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let calls = bench.calls();
    assert_eq!(calls.len(), STEPS);
    let sizes = calls.iter().map(|call| {
        let body: &Body = call.exchange.body.as_ref().unwrap();
        body.len()
    });
    let size: usize = sizes.sum();
    assert!(size > 30_000_000, "all bodies are in the store: {size}");
    assert!(peak < 65, "{peak} MB for {size} bytes");
}
