//! `rewind import otel`.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use camino::Utf8PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::keep::Keeper;
use super::{ImportOptions, print};
use crate::command::output::say;
use crate::command::{CommandError, Context};
use crate::exit::Exit;
use crate::interop::otlp::{MAX_BYTES, OtlpReceiver, read_otlp, traces};
use crate::interop::{Span, Trace};
use crate::proxy::{Options, Proxy};
use crate::text::with_causes;

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct OtelOptions {
    /// What every import is told.
    pub import: ImportOptions,
    /// Files that hold spans.
    pub files: Vec<Utf8PathBuf>,
    /// The address to receive spans at.
    pub listen: Option<String>,
    /// How many traces to receive before it ends; until it is stopped where it is not given.
    pub count: Option<usize>,
    /// The ids of the traces that are wanted; all where there are none.
    pub traces: Vec<String>,
}

/// Imports the traces in files, or those that are sent.
///
/// # Errors
/// Files that can't be read; an address that can't be listened at; no trace that can be used.
pub async fn from_otel(
    options: &OtelOptions,
    context: &Context,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let mut keeper = Keeper::open(&options.import, context)?;
    let mut spans = Vec::new();
    for file in &options.files {
        read(file, context, &mut spans)?;
    }
    if let Some(addr) = &options.listen {
        spans.extend(listen(addr, options.count, err).await?);
        if spans.is_empty() {
            return Err(CommandError::usage("no span was sent"));
        }
    } else if options.files.is_empty() {
        return Err(CommandError::usage("there is nothing to import").help(
            "name files (--file spans.json) or an address to receive at (--listen 127.0.0.1:4318)",
        ));
    }
    let all = traces(spans);
    let is_wanted = |trace: &Trace| options.traces.is_empty() || options.traces.contains(&trace.id);
    let wanted: Vec<Trace> = all.into_iter().filter(is_wanted).collect();
    if wanted.is_empty() {
        return Err(
            CommandError::usage("the files hold none of these traces").exit(Exit::NothingSelected)
        );
    }
    for trace in wanted {
        keeper.take(trace)?;
    }
    print::ended(&keeper.kept, &options.import, out)
}

fn read(file: &Utf8PathBuf, context: &Context, spans: &mut Vec<Span>) -> Result<(), CommandError> {
    let path = context.cwd.join(file);
    let opened = File::open(&path)
        .map_err(|error| CommandError::usage(format!("{file} can't be read: {error}")))?;
    let read = read_otlp(opened, MAX_BYTES, &mut |span| spans.push(span));
    read.map_err(|error| CommandError::usage(format!("{file}: {}", with_causes(&error))))?;
    Ok(())
}

/// Receives spans until it is stopped, or so many traces have ended.
async fn listen(
    addr: &str,
    count: Option<usize>,
    err: &mut dyn Write,
) -> Result<Vec<Span>, CommandError> {
    let bind: SocketAddr = addr.parse().map_err(|_error| {
        CommandError::usage(format!("--listen {addr} is no address"))
            .help("write an IP address and a port, such as 127.0.0.1:4318")
    })?;
    let (heard, mut arrivals) = mpsc::channel(64);
    let receiver = OtlpReceiver::new(move |count| {
        // Whoever listens looks at all that is there; a full channel says as much.
        let _full = heard.try_send(count);
    });
    // No token: an exporter has no place for one.
    let options = Options {
        bind,
        ..Options::new("")
    };
    let proxy = Proxy::start(options, Arc::clone(&receiver) as _)
        .await
        .map_err(CommandError::usage)?;
    let base = proxy.base().trim_end_matches('/');
    say(
        err,
        &format!(
            "rewind: listening; OTEL_EXPORTER_OTLP_ENDPOINT={base}; Ctrl-C ends it and imports what came\n"
        ),
    );
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CommandError::usage)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CommandError::usage)?;
    let mut spans: Vec<Span> = Vec::new();
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = arrivals.recv() => {
                spans.extend(receiver.take());
                if count.is_some_and(|count| ended(&spans) >= count) {
                    break;
                }
            }
        }
    }
    proxy.shutdown().await;
    spans.extend(receiver.take());
    Ok(spans)
}

/// Returns how many traces have their outermost span, which exporters send last.
fn ended(spans: &[Span]) -> usize {
    let roots = spans.iter().filter(|span| span.parent.is_none());
    let ids: std::collections::BTreeSet<&str> = roots.map(|span| span.trace.as_str()).collect();
    ids.len()
}
