//! What the gate adds to its agents: a suite of unchanged agents gated offline, and the same processes run bare, as
//! many at once, against a server that answers from a map.
//!
//! `cargo bench --bench gate_suite -- 20` takes 20 baselines in place of 200.

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
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::process::{self, PROGRAM};
use support::traffic::{self, SHAPES};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const BASELINES: usize = 200;
const STEPS: usize = 30;
/// How many times each side runs; the shortest counts, since others may use the machine.
const ROUNDS: usize = 3;

/// Sends the requests of a file one after the other, and prints what the last answer says.
const AGENT: &str = r#"
import http.client, json, os, sys
from urllib.parse import urlsplit
base = urlsplit(os.environ["OPENAI_BASE_URL"])
connection = http.client.HTTPConnection(base.hostname, base.port)
folder = os.path.dirname(os.path.abspath(__file__))
for line in open(os.path.join(folder, "requests")):
    connection.request("POST", base.path + "/chat/completions", line.rstrip("\n").encode(),
                       {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"]})
    reply = connection.getresponse()
    answer = json.load(reply)
    assert reply.status == 200, answer
print(answer["choices"][0]["message"]["content"])
"#;

const CHECKS: &str = "[[check]]\nkind = \"trajectory\"\n\n[[check]]\nkind = \"no_error\"\n\n\
                      [[check]]\nkind = \"budget\"\nsteps = \"1.5x\"\ntokens = \"1.5x\"\n\n\
                      [[check]]\nkind = \"answer\"\nregex = \".\"\n";

fn main() {
    let baselines = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(BASELINES);
    let jobs = thread::available_parallelism().map_or(2, usize::from);
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = Runtime::new().expect("a runtime");
    let server = suite(&folder, baselines, &runtime);

    let mut bare = Duration::MAX;
    let mut gated = Duration::MAX;
    let mut peak = 0;
    for _round in 0..ROUNDS {
        bare = bare.min(agents(&folder, server, baselines, jobs));
        let began = Instant::now();
        peak = peak.max(gate(&folder, jobs));
        gated = gated.min(began.elapsed());
    }
    let ratio = gated.as_secs_f64() / bare.as_secs_f64();
    println!("| what | value |");
    println!("| --- | ---: |");
    println!(
        "| agents run bare: {baselines} of {STEPS} calls, {jobs} at once | {:.2} s |",
        bare.as_secs_f64()
    );
    println!(
        "| the same agents gated offline | {:.2} s |",
        gated.as_secs_f64()
    );
    println!("| ratio | {ratio:.2} |");
    println!("| most memory of the gate | {} MB |", peak / 1024);
}

/// Makes a repository with so many baselines of one agent, and starts the server that it was recorded from.
fn suite(folder: &TempDir, baselines: usize, runtime: &Runtime) -> SocketAddr {
    let exchanges = traffic::exchanges(SHAPES[0], STEPS);
    fs::write(folder.path().join("agent.py"), AGENT).expect("a file");
    let server = process::upstream(folder, exchanges, runtime);
    let config = format!(
        "[agent]\ncommand = [\"python3\", \"agent.py\"]\n\n[upstream.openai]\nurl = \"http://{server}/v1\"\n"
    );
    fs::write(folder.path().join("rewind.toml"), config).expect("a file");
    done(process::bare(PROGRAM, folder).args([
        "record", "--live", "--name", "one", "--", "python3", "agent.py",
    ]));
    let session = folder.path().join("session");
    done(process::bare(PROGRAM, folder).args(["session", "export", "one", "-o", "session"]));
    for number in 0..baselines {
        let baseline = folder.path().join(format!("baselines/case-{number:03}"));
        fs::create_dir_all(baseline.join("session")).expect("a folder");
        for entry in fs::read_dir(&session).expect("a session") {
            let entry = entry.expect("an entry");
            let copy = baseline.join("session").join(entry.file_name());
            fs::copy(entry.path(), copy).expect("a copy");
        }
        fs::write(baseline.join("baseline.toml"), CHECKS).expect("a file");
    }
    server
}

/// Runs the agents with nothing between them and the server; returns how long all of them took.
fn agents(folder: &TempDir, server: SocketAddr, runs: usize, jobs: usize) -> Duration {
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    thread::scope(|scope| {
        for _job in 0..jobs {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < runs {
                    let mut agent = process::bare("python3", folder);
                    agent.arg("agent.py");
                    agent.env("OPENAI_BASE_URL", format!("http://{server}/v1"));
                    done(&mut agent);
                }
            });
        }
    });
    began.elapsed()
}

/// Runs the gate; returns the most memory, in KB, that it or an agent had.
fn gate(folder: &TempDir, jobs: usize) -> usize {
    process::peak(folder, &["gate", "--offline", "--jobs", &jobs.to_string()])
}

fn done(command: &mut Command) {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.expect("it starts");
    assert!(status.success(), "{command:?}: {status}");
}
