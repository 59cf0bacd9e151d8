//! The size of the program, how long it takes to start, and how much memory it records and replays in.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench fails loudly and prints its table"
)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "what the benches share is not used by all of them"
)]

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::process::{self, PROGRAM};
use support::traffic::{self, Exchange, SHAPES, Shape};
use support::{micros, quantile};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const STARTS: usize = 200;
const FIRSTS: usize = 20;

fn main() {
    let mut starts: Vec<Duration> = (0..STARTS).map(|_| start()).collect();
    starts.sort_unstable();
    let bytes = fs::metadata(PROGRAM).expect("the program was built").len();
    println!("| what | value |");
    println!("| --- | ---: |");
    println!(
        "| size of the program | {}.{} MB |",
        bytes / 1_000_000,
        bytes / 100_000 % 10
    );
    println!(
        "| `rewind --version`, p50 of {STARTS} | {} us |",
        micros(quantile(&starts, 0.5))
    );
    println!(
        "| `rewind --version`, p99 of {STARTS} | {} us |",
        micros(quantile(&starts, 0.99))
    );
    let nothing = Shape {
        name: "one small call",
        bytes: 0,
        events: 0,
    };
    let stream = Shape {
        name: "one stream of {} MB",
        bytes: 0,
        events: 500_000,
    };
    let session = Shape {
        name: "300 steps, requests of {} MB in all",
        ..SHAPES[1]
    };
    for (shape, steps) in [(nothing, 1), (stream, 1), (session, 300)] {
        let exchanges = traffic::exchanges(shape, steps);
        let sizes = exchanges.iter().map(|e| e.request.len() + e.answer.len());
        let megabytes = sizes.sum::<usize>() / 1_000_000;
        let name = shape.name.replace("{}", &megabytes.to_string());
        let peak = record(exchanges).peak;
        println!("| most memory while recording {name} | {peak} MB |");
    }
    let short = record(traffic::exchanges(SHAPES[0], 30));
    let long = record(traffic::exchanges(SHAPES[1], 100));
    for (name, recording) in [("30 steps of 2 KB", &short), ("100 steps of 100 KB", &long)] {
        let peak = replay(recording);
        println!("| most memory while replaying {name} | {peak} MB |");
        let mut firsts: Vec<Duration> = (0..FIRSTS).map(|_| first_answer(recording)).collect();
        firsts.sort_unstable();
        let first = micros(quantile(&firsts, 0.5));
        println!("| first served answer of {name} after the start, p50 of {FIRSTS} | {first} us |");
    }
}

/// Sends the requests of a file one after the other, and reads the answers without keeping them.
const AGENT: &str = r#"
import http.client, os
from urllib.parse import urlsplit
base = urlsplit(os.environ["OPENAI_BASE_URL"])
connection = http.client.HTTPConnection(base.hostname, base.port)
for line in open("requests"):
    connection.request("POST", base.path + "/chat/completions", line.rstrip("\n").encode(),
                       {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]})
    reply = connection.getresponse()
    assert reply.status == 200, reply.status
    while reply.read(1 << 16):
        pass
"#;

/// A recorded session in a folder of its own.
struct Recording {
    folder: TempDir,
    /// The body of its first request.
    first: String,
    /// The most memory, in MB, that the program had.
    peak: usize,
}

/// Records these exchanges with the program.
fn record(exchanges: Vec<Exchange>) -> Recording {
    let folder = tempfile::tempdir().expect("a folder");
    let first = exchanges[0].request.clone();
    let runtime = Runtime::new().expect("a runtime");
    let server = process::upstream(&folder, exchanges, &runtime);
    let upstream = format!("openai=http://{server}/v1");
    let peak = measured(&folder, &["record", "--upstream", &upstream]);
    Recording {
        folder,
        first,
        peak,
    }
}

/// Replays a session from its beginning to its end and returns the most memory, in MB.
fn replay(recording: &Recording) -> usize {
    measured(&recording.folder, &["replay", "latest", "--offline"])
}

/// Runs the program on the agent and returns the most memory, in MB.
fn measured(folder: &TempDir, words: &[&str]) -> usize {
    process::peak(folder, &[words, &["--", "python3", "-c", AGENT]].concat()) / 1024
}

/// Starts a replay that serves, and returns how long it took until the first answer was there.
fn first_answer(recording: &Recording) -> Duration {
    let began = Instant::now();
    let mut server = process::bare(PROGRAM, &recording.folder)
        .args(["replay", "latest", "--offline", "--serve"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let lines = BufReader::new(server.stderr.take().expect("its standard error")).lines();
    let address = lines
        .map_while(Result::ok)
        .find_map(|line| {
            let value = line.strip_prefix("export OPENAI_BASE_URL='http://")?;
            Some(value.trim_end_matches('\'').to_owned())
        })
        .expect("an address");
    let (host, path) = address.split_once('/').expect("a path");
    let mut connection = TcpStream::connect(host).expect("a connection");
    let Recording { first, .. } = recording;
    let length = first.len();
    write!(
        connection,
        "POST /{path}/chat/completions HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{first}"
    )
    .expect("a request");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    let took = began.elapsed();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    server.kill().expect("the end");
    server.wait().expect("an end");
    took
}

fn start() -> Duration {
    let began = Instant::now();
    let status = Command::new(PROGRAM)
        .arg("--version")
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .expect("the program starts");
    assert!(status.success(), "--version: {status}");
    began.elapsed()
}
