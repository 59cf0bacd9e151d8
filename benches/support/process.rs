//! The program and its agents as processes: with nothing of this environment, and with their memory measured.

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::floor;
use super::traffic::Exchange;

/// The program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_rewind");

/// Runs a command and prints the most memory, in KB, that it or a process below it ever had.
const MEASURE: &str = r"
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
";

/// Writes the requests of these exchanges into the file `requests`, a line each, and starts a server that has
/// their answers.
pub fn upstream(folder: &TempDir, exchanges: Vec<Exchange>, runtime: &Runtime) -> SocketAddr {
    let requests: Vec<&str> = exchanges.iter().map(|e| e.request.as_str()).collect();
    fs::write(folder.path().join("requests"), requests.join("\n")).expect("a file");
    let answers = exchanges.into_iter().map(|exchange| {
        let key = blake3::hash(exchange.request.as_bytes());
        (key, (exchange.content_type, exchange.answer))
    });
    runtime.block_on(floor::start(answers.collect()))
}

/// Runs the program with these words and returns the most memory, in KB, that it or a process below it had.
pub fn peak(folder: &TempDir, words: &[&str]) -> usize {
    let output = bare("python3", folder)
        .args(["-c", MEASURE, PROGRAM])
        .args(words)
        .output()
        .expect("python3 starts");
    let peak = String::from_utf8_lossy(&output.stdout);
    peak.trim().parse().expect("a peak")
}

/// Returns a command in a folder, with the variables that everything needs and no others.
pub fn bare(program: &str, folder: &TempDir) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("OPENAI_API_KEY", "sk-none")
        .stdin(Stdio::null());
    command
}
