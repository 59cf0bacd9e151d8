//! The size of the program, how long it takes to start, and how much memory it records in.

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
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::traffic::{self, Exchange, SHAPES, Shape};
use support::{floor, micros, quantile};
use tokio::runtime::Runtime;

const PROGRAM: &str = env!("CARGO_BIN_EXE_rewind");
const STARTS: usize = 200;

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
        println!(
            "| most memory while recording {name} | {} MB |",
            recorded(exchanges)
        );
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

/// Runs a command and prints the most memory, in KB, that it or a process below it ever had.
const MEASURE: &str = r"
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
";

/// Records these exchanges with the program and returns the most memory, in MB, that it had.
fn recorded(exchanges: Vec<Exchange>) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let requests: Vec<&str> = exchanges.iter().map(|e| e.request.as_str()).collect();
    fs::write(folder.path().join("requests"), requests.join("\n")).expect("a file");
    let answers = exchanges.into_iter().map(|exchange| {
        let key = blake3::hash(exchange.request.as_bytes());
        (key, (exchange.content_type, exchange.answer))
    });
    let runtime = Runtime::new().expect("a runtime");
    let server = runtime.block_on(floor::start(answers.collect()));
    let upstream = format!("openai=http://{server}/v1");
    let output = Command::new("python3")
        .args(["-c", MEASURE, PROGRAM, "record", "--upstream", &upstream])
        .args(["--", "python3", "-c", AGENT])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("OPENAI_API_KEY", "sk-none")
        .stdin(Stdio::null())
        .output()
        .expect("python3 starts");
    let peak = String::from_utf8_lossy(&output.stdout);
    let peak: usize = peak.trim().parse().expect("a peak");
    peak / 1024
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
