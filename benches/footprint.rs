//! The size of the program and how long it takes to start.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench fails loudly and prints its table"
)]
#![allow(
    dead_code,
    unreachable_pub,
    clippy::indexing_slicing,
    reason = "what the benches share is not used by all of them"
)]

mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{micros, quantile};

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
