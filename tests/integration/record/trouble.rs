//! Providers that fail and agents that leave.

use std::sync::{Mutex, mpsc};

use serde_json::json;

use super::{Bench, answer, delta, output_text, text};
use crate::support::upstream::{Piece, Upstream, json, stream_head};

#[test]
fn a_retry_is_an_attempt_of_the_same_step() {
    let upstream = Upstream::start(|request| match request.nth {
        0 => json(
            429,
            &json!({"error": {"message": "slow down", "type": "rate_limit"}}),
        ),
        1 => json(
            503,
            &json!({"error": {"message": "busy", "type": "server_error"}}),
        ),
        _ => json(200, &answer("at last")),
    });
    let bench = Bench::new(
        r#"
for attempt in range(3):
    reply = ask("q", headers={"x-stainless-retry-count": str(attempt)})
    body = reply.read()
    if reply.status == 200:
        break
print(reply.status)
"#,
    );
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "200\n", "{output:?}");
    let calls = bench.calls();
    assert_eq!(calls.len(), 1);
    let statuses: Vec<_> = calls[0].attempts.iter().map(|a| a.status).collect();
    assert_eq!(statuses, [Some(429), Some(503)]);
    assert_eq!(output_text(&calls[0]), "at last");
}

#[test]
fn a_stream_that_the_provider_breaks_off_breaks_off_for_the_agent_too() {
    let upstream =
        Upstream::start(|_request| vec![stream_head(), delta("half an ans"), Piece::Break]);
    let bench = Bench::new(
        r#"
try:
    ask("q", stream=True).read()
    print("whole")
except (http.client.IncompleteRead, ConnectionError):
    print("broken")
"#,
    );
    let output = bench.record(&upstream);
    assert_eq!(text(&output.stdout), "broken\n", "{output:?}");
    let calls = bench.calls();
    assert!(calls[0].exchange.truncated);
    assert_eq!(output_text(&calls[0]), "half an ans");
}

#[test]
fn a_provider_that_is_not_there_is_an_error_that_names_it() {
    let upstream = Upstream::start(|_request| vec![Piece::Break]);
    let bench = Bench::new(
        r#"
reply = ask("q")
print(reply.status, reply.read().decode())
"#,
    );
    let output = bench.record(&upstream);
    let said = text(&output.stdout);
    assert!(said.starts_with("502 "), "{output:?}");
    assert!(said.contains("127.0.0.1"), "{said}");
    assert_eq!(bench.calls()[0].exchange.status, 502);
}

#[test]
fn an_agent_that_stops_reading_leaves_a_partial_step() {
    let (_go, gate) = mpsc::channel();
    let gate = Mutex::new(Some(gate));
    let upstream = Upstream::start(move |_request| {
        let gate = gate.lock().unwrap().take().unwrap();
        vec![stream_head(), delta("first"), Piece::Await(gate)]
    });
    let bench = Bench::new(
        r#"
print(ask("q", stream=True).readline().decode())
"#,
    );
    let output = bench.record(&upstream);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let calls = bench.calls();
    assert!(calls[0].exchange.truncated);
}
