//! How fast recorded steps are served, against a bare hyper server that hashes the body and answers from a map.
//!
//! Both run in this process, round by round in turn, so that whatever else the machine does hits both. A round of the
//! replay is a whole replay: every recorded step is asked for once. An argument selects cells: `"2 KB request, 50"`.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench fails loudly and prints its table"
)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "what the benches share is not used by all of them"
)]

mod support;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use rewind_gate::lineage;
use rewind_gate::model::{Body, ForkPoint, Outcome, StreamEvent, Timeline};
use rewind_gate::proxy::{Captured, Credential, Incoming, Options, random_token};
use rewind_gate::record::{Asked, NoSink, Recorder};
use rewind_gate::redact::{RedactRules, Redactor};
use rewind_gate::replay::{AnswerFrom, Fork, Keys, Left, Plan, Recording, Replay, Rules, Timing};
use rewind_gate::wire::Parser;
use support::client::{self, Taken};
use support::traffic::{self, Exchange, SHAPES};
use support::{floor, micros, quantile};
use tokio::runtime::Runtime;

/// About how many requests each cell of the table measures.
const REQUESTS: usize = 4_000;

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let wanted = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    println!(
        "| traffic | steps | clients | floor p50 (us) | replay p50 (us) | ratio | floor p99 | replay p99 | floor req/s | replay req/s | ratio |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for shape in SHAPES {
        for steps in [50, 500] {
            let exchanges = traffic::exchanges(shape, steps);
            let recording = record(&exchanges);
            for clients in [1, 16] {
                let cell = format!("{}, {steps} steps, {clients} clients", shape.name);
                if wanted.as_ref().is_some_and(|wanted| !cell.contains(wanted)) {
                    continue;
                }
                let [bare, replay] = measure(&runtime, &exchanges, &recording, clients);
                println!(
                    "| {} | {steps} | {clients} | {} |",
                    shape.name,
                    row(bare, replay)
                );
            }
        }
    }
}

/// Returns what the floor and the replay took.
fn measure(
    runtime: &Runtime,
    exchanges: &[Exchange],
    recording: &Arc<Recording>,
    clients: usize,
) -> [Taken; 2] {
    let answers = exchanges.iter().map(|exchange| {
        let answer = (exchange.content_type, exchange.answer.clone());
        (blake3::hash(exchange.request.as_bytes()), answer)
    });
    let bare = runtime.block_on(floor::start(answers.collect::<HashMap<_, _>>()));
    let mut taken = [Taken::default(), Taken::default()];
    for round in 0..=REQUESTS / exchanges.len() {
        if round == 1 {
            // The first round only warms up.
            taken = [Taken::default(), Taken::default()];
        }
        let requests = requests(exchanges, "/v1/chat/completions");
        client::run(bare, &requests, clients, &mut taken[0]);
        let replay = runtime.block_on(replay(recording));
        let (addr, prefix) = address(&replay.routing().base);
        let asked = self::requests(exchanges, &format!("{prefix}/v1/chat/completions"));
        client::run(addr, &asked, clients, &mut taken[1]);
        let timeline = runtime.block_on(replay.finish(Left::default()));
        let report = timeline.timeline.replay.expect("a report");
        assert_eq!(report.refused, 0, "every request is served");
        assert_eq!(
            report.served as usize,
            exchanges.len(),
            "every step is served"
        );
    }
    taken
}

fn requests(exchanges: &[Exchange], path: &str) -> Vec<Vec<u8>> {
    exchanges
        .iter()
        .map(|exchange| traffic::request_bytes(path, &exchange.request))
        .collect()
}

fn row(mut bare: Taken, mut replay: Taken) -> String {
    let middle = |taken: &mut Taken| {
        taken.each.sort_unstable();
        taken.rates.sort_unstable_by(f64::total_cmp);
        let p50 = quantile(&taken.each, 0.5);
        (
            p50,
            quantile(&taken.each, 0.99),
            taken.rates[taken.rates.len() / 2],
        )
    };
    let (bare_p50, bare_p99, bare_rate) = middle(&mut bare);
    let (p50, p99, rate) = middle(&mut replay);
    format!(
        "{} | {} | {:.2} | {} | {} | {bare_rate:.0} | {rate:.0} | {:.2}",
        micros(bare_p50),
        micros(p50),
        p50.as_secs_f64() / bare_p50.as_secs_f64(),
        micros(bare_p99),
        micros(p99),
        rate / bare_rate,
    )
}

/// Starts a replay that lets nothing go live.
async fn replay(recording: &Arc<Recording>) -> Replay {
    let plan = Plan {
        recording: Arc::clone(recording),
        rules: Arc::new(Rules::default()),
        fork: Fork::Never,
        address: ForkPoint::Auto,
        label: "bench".to_owned(),
        backend: None,
        timing: Timing::Instant,
        output: AnswerFrom::LastMessage { agent: None },
        strict_keys: false,
        clock: false,
    };
    Replay::start(plan, recorder(), Options::new(random_token()))
        .await
        .expect("a free port")
}

fn recorder() -> Arc<Recorder> {
    let redactor = Arc::new(Redactor::new(&RedactRules::default()).expect("the built-in rules"));
    let parser = Arc::new(Parser::new(Arc::clone(&redactor) as _));
    Arc::new(Recorder::new(parser, redactor, Arc::new(NoSink)))
}

/// Returns the socket and the path of a base URL.
fn address(base: &str) -> (SocketAddr, String) {
    let url: url::Url = base.parse().expect("a URL");
    let addr = url.socket_addrs(|| None).expect("a loopback address")[0];
    (addr, url.path().trim_end_matches('/').to_owned())
}

/// Returns a recording of these exchanges.
fn record(exchanges: &[Exchange]) -> Arc<Recording> {
    let recorder = recorder();
    for exchange in exchanges {
        let body = Bytes::from(exchange.request.clone());
        let incoming = Incoming {
            method: Method::POST,
            path: "/v1/chat/completions".to_owned(),
            provider: "openai".to_owned(),
            origin: None,
            is_socket: false,
            headers: HeaderMap::new(),
            raw_body: body.clone(),
            body,
            credential: Credential::Placeholder,
            arrived: Instant::now(),
        };
        let Asked::Model(asked) = recorder.ask(&incoming) else {
            unreachable!("a model call")
        };
        recorder.answered(*asked, captured(exchange));
    }
    let timeline = Timeline {
        label: "main".to_owned(),
        forked_from: None,
        started_at: jiff::Timestamp::now(),
        is_complete: true,
        steps: lineage::assemble(&recorder.finish().calls, &[]),
        ancillary: Vec::new(),
        outcome: Outcome {
            exit: Some(0),
            answer: None,
            faults: Vec::new(),
        },
        replay: None,
    };
    let keys = Arc::new(Keys::new(&Rules::default()).expect("the built-in rules"));
    Arc::new(Recording::new(
        &Arc::new(timeline),
        keys,
        jiff::Timestamp::now(),
    ))
}

fn captured(exchange: &Exchange) -> Captured {
    let body = match exchange.content_type {
        "text/event-stream" => Body::Events(events(&exchange.answer).into()),
        _ => Body::Whole(exchange.answer.clone()),
    };
    Captured {
        status: StatusCode::OK,
        headers: vec![("content-type".to_owned(), exchange.content_type.to_owned())],
        body,
        truncated: false,
        client_gone: false,
        error: None,
        first_byte: Instant::now(),
        ended: Instant::now(),
    }
}

fn events(body: &Bytes) -> Vec<StreamEvent> {
    let text = std::str::from_utf8(body).expect("the traffic is text");
    text.split_inclusive("\n\n")
        .map(|event| StreamEvent {
            delay_us: 0,
            bytes: Bytes::copy_from_slice(event.as_bytes()),
        })
        .collect()
}
