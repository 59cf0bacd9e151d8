//! `rewind scripted`: serves the scripted model as a stand-alone endpoint.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::signal::unix::{SignalKind, signal};

use super::CommandError;
use crate::exit::Exit;
use crate::proxy::{Backend, Options, Proxy, Relay};
use crate::scripted::{Log, LogEntry, Script, ScriptedModel};

/// What was typed.
#[derive(Debug, Clone)]
pub struct ScriptedOptions {
    /// The rules file.
    pub file: Utf8PathBuf,
    /// The address to listen on.
    pub addr: String,
    /// The file that gets one JSON line for each model call.
    pub log: Option<Utf8PathBuf>,
}

/// A log that can't be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to open the log {path}")]
struct LogError {
    path: Utf8PathBuf,
    #[source]
    source: std::io::Error,
}

/// Serves until Ctrl-C; the first line of `out` is the base URL.
///
/// # Errors
/// The rules, the address or the log can't be used.
pub async fn run(options: &ScriptedOptions, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let script = Script::load(&options.file).map_err(CommandError::usage)?;
    let log = options
        .log
        .as_deref()
        .map(log)
        .transpose()
        .map_err(CommandError::usage)?;
    let addr: SocketAddr = options.addr.parse().map_err(|_error| {
        CommandError::usage(format!("--addr {} is no address", options.addr))
            .help("write an IP address and a port, such as 127.0.0.1:8080")
    })?;
    let model: Arc<dyn Backend> = Arc::new(ScriptedModel::new(script, log));
    // No token: this endpoint stands for a provider, and it costs nothing.
    let options = Options {
        bind: addr,
        ..Options::new("")
    };
    let proxy = Proxy::start(options, Arc::new(Relay(model)))
        .await
        .map_err(CommandError::usage)?;
    if let Err(error) = writeln!(out, "{}", proxy.base()).and_then(|()| out.flush()) {
        tracing::debug!(%error, "standard output is closed");
    }
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CommandError::usage)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CommandError::usage)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    proxy.shutdown().await;
    Ok(Exit::Pass)
}

fn log(path: &Utf8Path) -> Result<Log, LogError> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|source| LogError {
            path: path.to_owned(),
            source,
        })?;
    let file = Mutex::new(file);
    Ok(Box::new(move |entry: &LogEntry| {
        let line = serde_json::to_string(entry).unwrap_or_default();
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writeln!(file, "{line}") {
            tracing::warn!(%error, "the log can't be written");
        }
    }))
}
