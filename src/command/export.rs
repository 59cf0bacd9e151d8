//! `rewind export otel`: sends a session to a tracing backend.

use std::io::Write;

use camino::Utf8PathBuf;

use super::output::{json, written};
use super::stored::timeline;
use super::{CommandError, Context, store_dir};
use crate::exit::Exit;
use crate::interop::export::{
    Score, ScoreApi, Sent, Span, Target, scores, scores_to_json, send, send_scores, spans, target,
    to_json,
};
use crate::model::{Session, Timeline};
use crate::store::Store;

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
    /// Whether and how scores go along.
    pub scores: Scores,
    /// Whether the spans are printed and nothing is sent.
    pub dry_run: bool,
}

/// Whether and how scores go along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scores {
    /// Where the backend is known to have a place for them.
    #[default]
    Automatic,
    /// In this way.
    To(ScoreApi),
    /// Not at all.
    Stay,
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
    let dir = store_dir(options.store.as_deref(), context);
    let store = Store::open(&dir).map_err(CommandError::usage)?;
    let id = store
        .resolve(&options.session)
        .map_err(CommandError::usage)?;
    let session = store.load(id).map_err(CommandError::usage)?;
    let timelines = chosen(&session, options)?;
    let traces: Vec<Vec<Span>> = timelines
        .iter()
        .map(|timeline| spans(&session, timeline, options.include_content))
        .collect();
    let scored = scored(&store, &session, &timelines, &traces, options)?;
    let all = traces.concat();
    if options.dry_run {
        let mut shown = to_json(&all);
        if let (Some(fields), false) = (shown.as_object_mut(), scored.is_empty()) {
            fields.insert("scores".to_owned(), scores_to_json(&scored));
        }
        return written(json(&shown, out));
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
    let told = tell(&sent, &timelines, &target, options, out);
    let also = send_along(&scored, &target, options).await?;
    written(told.and_then(|()| write!(out, "{also}")))
}

/// Returns the scores of these timelines, whose traces these are.
fn scored(
    store: &Store,
    session: &Session,
    timelines: &[&Timeline],
    traces: &[Vec<Span>],
    options: &ExportOptions,
) -> Result<Vec<Score>, CommandError> {
    if options.scores == Scores::Stay {
        return Ok(Vec::new());
    }
    let stored = store.scores(session.id).map_err(CommandError::usage)?;
    let of = |(timeline, trace): (&&Timeline, &Vec<Span>)| {
        let own = stored.iter().filter(|one| one.timeline == timeline.label);
        let own: Vec<_> = own.cloned().collect();
        scores(trace, &own, options.include_content)
    };
    Ok(timelines.iter().zip(traces).flat_map(of).collect())
}

/// Sends the scores, where there are any and the backend has a place for them; returns a line on it.
async fn send_along(
    scored: &[Score],
    target: &Target,
    options: &ExportOptions,
) -> Result<String, CommandError> {
    if scored.is_empty() {
        return Ok(String::new());
    }
    let api = match options.scores {
        Scores::To(api) => Some(api),
        Scores::Automatic | Scores::Stay => None,
    };
    let count = scored.len();
    let Some(place) = target.scores(api) else {
        return Ok(format!(
            "{count} score(s) stay here: it is not known how {} takes them; --scores langfuse or phoenix says so\n",
            target.url
        ));
    };
    let url = place.1.clone();
    let sent = send_scores(scored, (place.0, &place.1), target).await;
    sent.map_err(|error| {
        CommandError::usage(error).help(
            "the spans arrived; sending again changes nothing, --scores none leaves scores out",
        )
    })?;
    Ok(format!("sent {count} score(s) to {url}\n"))
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
