//! `rewind eval score`: the table of timelines and evaluators, with its deltas.

use std::io::Write;

use camino::Utf8PathBuf;

use super::super::output::{json, written};
use super::super::stored::{style, timeline};
use super::super::{CommandError, Context, load_config, store_dir};
use super::criteria::criterion;
use super::judge::{Chosen, choose};
use super::kept::Kept;
use super::subject::subject;
use crate::exit::Exit;
use crate::judge::{NoCache, Plan, VerdictCache, evaluate};
use crate::model::{Session, Timeline};
use crate::report::{EvalReport, terminal};
use crate::store::Store;

/// What was typed.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command are independent of each other"
)]
pub struct ScoreOptions {
    /// The directory of the store; the nearest one where it is not given.
    pub store: Option<Utf8PathBuf>,
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The session.
    pub session: String,
    /// The names of the evaluators.
    pub evaluators: Vec<String>,
    /// The right answer.
    pub expected: Option<String>,
    /// The label of the timeline; the newest where it is not given.
    pub timeline: Option<String>,
    /// Whether all timelines are scored and compared with the first.
    pub compare_timelines: bool,
    /// How often each answer is judged; as configured where it is not given.
    pub votes: Option<u32>,
    /// Whether verdicts of earlier runs count for nothing.
    pub fresh: bool,
    /// Whether the judge may be asked although `CI` is set.
    pub live: bool,
    /// Rules that judge in place of a model.
    pub scripted: Option<Utf8PathBuf>,
    /// Whether to print JSON.
    pub json: bool,
}

/// Scores the session and writes the table to `out`.
///
/// Exit code 3 where anything was not measured.
///
/// # Errors
/// Usage: no such session, timeline or evaluator; a judge that can't be asked.
pub async fn score(
    options: &ScoreOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let config = load_config(options.config.as_deref(), context)?;
    let mut criteria = Vec::new();
    for name in &options.evaluators {
        let criterion = criterion(name, &config)?;
        if !criteria.contains(&criterion) {
            criteria.push(criterion);
        }
    }
    let dir = store_dir(options.store.as_deref(), context);
    let store = Store::open(&dir).map_err(CommandError::usage)?;
    let id = store
        .resolve(&options.session)
        .map_err(CommandError::usage)?;
    let session = store.load(id).map_err(CommandError::usage)?;
    let timelines: Vec<&Timeline> = match &options.timeline {
        _ if options.compare_timelines => session.timelines.iter().collect(),
        Some(label) => vec![timeline(&session, label)?],
        None => vec![newest(&session)?],
    };
    let expected = options.expected.as_deref();
    let Chosen { judge, is_scripted } =
        choose(options.scripted.as_ref(), options.live, &config, context)?;
    let plan = Plan {
        criteria,
        subjects: timelines
            .iter()
            .map(|timeline| {
                let subject = subject(session.input.as_deref(), timeline, expected);
                (timeline.label.clone(), subject)
            })
            .collect(),
        votes: options.votes.or(config.judge.votes).unwrap_or(1),
        first_vote: 0,
    };
    let kept = Kept {
        store: &store,
        is_fresh: options.fresh,
    };
    // Rules may change without a new name, and they cost nothing.
    let known: &dyn VerdictCache = if is_scripted { &NoCache } else { &kept };
    let evaluation = evaluate(&judge, known, &plan).await;
    let report = EvalReport::new(&session, &judge, &plan, &evaluation, is_scripted);
    let exit = if report.is_measured() {
        Exit::Pass
    } else {
        Exit::NotMeasured
    };
    let result = if options.json {
        json(&report, out)
    } else {
        terminal::scores(&report, style(context), out)
    };
    written(result)?;
    Ok(exit)
}

/// Returns the newest timeline.
///
/// # Errors
/// Usage: there is none.
pub(super) fn newest(session: &Session) -> Result<&Timeline, CommandError> {
    let newest = session.timelines.last();
    newest.ok_or_else(|| CommandError::usage("this session has no timeline"))
}
