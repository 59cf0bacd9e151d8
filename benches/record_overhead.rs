//! What recording adds to a call: a client asks a server directly, and the same server through the recording proxy.
//!
//! The server answers from memory, so the difference is the proxy's work and the second hop.

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
use std::sync::Arc;

use rewind_gate::proxy::{HttpBackend, Options, Proxy, Upstream, Upstreams, random_token};
use rewind_gate::record::{NoSink, RecordResponder, Recorder};
use rewind_gate::redact::{RedactRules, Redactor};
use rewind_gate::wire::Parser;
use support::client::{self, Taken};
use support::traffic::{self, SHAPES};
use support::{floor, micros, quantile};
use tokio::runtime::Runtime;

/// How many rounds of [`STEPS`] calls are measured.
const ROUNDS: usize = 10;
/// How many calls a recorded run has.
const STEPS: usize = 200;

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let wanted = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    println!("| traffic | direct p50 (us) | recorded p50 (us) | added p50 (ms) |");
    println!("| --- | ---: | ---: | ---: |");
    for shape in SHAPES {
        if wanted
            .as_ref()
            .is_some_and(|wanted| !shape.name.contains(wanted))
        {
            continue;
        }
        let exchanges = traffic::exchanges(shape, STEPS);
        let answers = exchanges.iter().map(|exchange| {
            let answer = (exchange.content_type, exchange.answer.clone());
            (blake3::hash(exchange.request.as_bytes()), answer)
        });
        let server = runtime.block_on(floor::start(answers.collect::<HashMap<_, _>>()));
        let requests = |path: &str| -> Vec<Vec<u8>> {
            let bytes =
                |exchange: &traffic::Exchange| traffic::request_bytes(path, &exchange.request);
            exchanges.iter().map(bytes).collect()
        };
        let mut taken = [Taken::default(), Taken::default()];
        for round in 0..=ROUNDS {
            if round == 1 {
                taken = [Taken::default(), Taken::default()];
            }
            client::run(server, &requests("/v1/chat/completions"), 1, &mut taken[0]);
            let run = random_token();
            let path = format!("/r/{run}/v1/chat/completions");
            let proxy = runtime.block_on(recorder(run, server));
            client::run(proxy.addr(), &requests(&path), 1, &mut taken[1]);
            runtime.block_on(proxy.shutdown());
        }
        let [direct, recorded] = taken.map(|mut taken| {
            taken.each.sort_unstable();
            quantile(&taken.each, 0.5)
        });
        let added = recorded.saturating_sub(direct).as_secs_f64() * 1e3;
        println!(
            "| {} | {} | {} | {added:.3} |",
            shape.name,
            micros(direct),
            micros(recorded)
        );
    }
}

async fn recorder(token: String, server: std::net::SocketAddr) -> Proxy {
    let redactor = Arc::new(Redactor::new(&RedactRules::default()).expect("the built-in rules"));
    let parser = Arc::new(Parser::new(Arc::clone(&redactor) as _));
    let recorder = Arc::new(Recorder::new(parser, redactor, Arc::new(NoSink)));
    let url = format!("http://{server}/v1").parse().expect("a URL");
    let mut upstreams = Upstreams::default();
    upstreams.insert(Upstream::new("openai", url));
    let responder = RecordResponder::new(recorder, Arc::new(HttpBackend::new(upstreams)));
    Proxy::start(Options::new(token), Arc::new(responder))
        .await
        .expect("a free port")
}
