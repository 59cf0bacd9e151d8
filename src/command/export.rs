//! `rewind export otel`: sends a session to a tracing backend.

use std::io::Write;

use camino::Utf8PathBuf;

use super::output::{json, written};
use super::stored::{session, timeline};
use super::{CommandError, Context};
use crate::exit::Exit;
use crate::interop::export::{Sent, Span, Target, send, spans, target, to_json};
use crate::model::{Session, Timeline};

/// What was typed.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command are independent of each other"
)]
pub struct ExportOptions {
    /// The directory of the store; the nearest one where it is not given.
    pub store: Option<Utf8PathBuf>,
    /// The session.
    pub session: String,
    /// The label of the timeline; the newest where it is not given.
    pub timeline: Option<String>,
    /// Whether all timelines are sent.
    pub all: bool,
    /// Where to send; as the environment says where it is not given.
    pub endpoint: Option<String>,
    /// `http/protobuf` or `http/json`; as the environment says where it is not given.
    pub protocol: Option<String>,
    /// Headers as `NAME=VALUE`.
    pub headers: Vec<String>,
    /// Whether prompts, answers and tool content go along.
    pub include_content: bool,
    /// Whether the spans are printed and nothing is sent.
    pub dry_run: bool,
}

/// Sends the session, or prints what would be sent to `out`.
///
/// # Errors
/// Usage: no such session or timeline, no endpoint, a backend that does not take it.
pub async fn run(
    options: &ExportOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let session = session(options.store.as_deref(), &options.session, context)?;
    let timelines = chosen(&session, options)?;
    let traces: Vec<Vec<Span>> = timelines
        .iter()
        .map(|timeline| spans(&session, timeline, options.include_content))
        .collect();
    let all = traces.concat();
    if options.dry_run {
        return written(json(&to_json(&all), out));
    }
    let target = target(
        options.endpoint.as_deref(),
        options.protocol.as_deref(),
        &options.headers,
        |name| context.var(name),
    )
    .map_err(CommandError::usage)?;
    let sent = send(&all, &target).await.map_err(|error| {
        CommandError::usage(error).help("what arrived before stays; sending again changes nothing")
    })?;
    written(tell(&sent, &timelines, &target, options, out))
}

fn chosen<'a>(
    session: &'a Session,
    options: &ExportOptions,
) -> Result<Vec<&'a Timeline>, CommandError> {
    if options.all {
        return Ok(session.timelines.iter().collect());
    }
    if let Some(label) = &options.timeline {
        return Ok(vec![timeline(session, label)?]);
    }
    let newest = session.timelines.last();
    let newest = newest.ok_or_else(|| CommandError::usage("this session has no timeline"))?;
    Ok(vec![newest])
}

fn tell(
    sent: &Sent,
    timelines: &[&Timeline],
    target: &Target,
    options: &ExportOptions,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let labels: Vec<&str> = timelines.iter().map(|one| one.label.as_str()).collect();
    let content = if options.include_content {
        "with prompts, answers and tool content"
    } else {
        "without prompts, answers and tool content; --include-content adds them"
    };
    let (spans, labels, url) = (sent.spans, labels.join(", "), &target.url);
    writeln!(out, "sent {spans} spans of {labels} to {url} ({content})")?;
    if sent.rejected > 0 {
        let (rejected, message) = (sent.rejected, super::output::printable(&sent.message));
        writeln!(
            out,
            "the backend did not take {rejected} of them: {message}"
        )?;
    }
    Ok(())
}
