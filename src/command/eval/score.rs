//! `rewind eval score`: the table of timelines and evaluators, with its deltas.

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};

use super::super::output::{json, written};
use super::super::stored::{style, timeline};
use super::super::{CommandError, Context, demo, load_config, store_dir};
use super::criteria::criterion;
use super::judge::choose;
use super::kept::Kept;
use super::pairs::pairs;
use super::subject::subject;
use crate::config::Config;
use crate::exit::Exit;
use crate::judge::{Criterion, NoCache, Panel, Plan, VerdictCache, Votes, evaluate_panel};
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
    /// The right answer; that of the imported trace where it is not given.
    pub expected: Option<String>,
    /// The label of the timeline; the newest where it is not given.
    pub timeline: Option<String>,
    /// Whether all timelines are scored and compared with the first.
    pub compare_timelines: bool,
    /// How often each answer is judged; as configured where it is not given.
    pub votes: Option<Votes>,
    /// Whether all timelines are compared with the first in pairs, in both orders.
    pub pairwise: bool,
    /// Whether the judge sees the steps, whatever the evaluator.
    pub steps: bool,
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
    let dir = store_dir(options.store.as_deref(), context);
    let store = Store::open(&dir).map_err(CommandError::usage)?;
    let id = store
        .resolve(&options.session)
        .map_err(CommandError::usage)?;
    let session = store.load(id).map_err(CommandError::usage)?;
    let config = own_config(options.config.as_deref(), &session, context)?;
    let mut criteria: Vec<Criterion> = Vec::new();
    for name in &options.evaluators {
        let criterion = criterion(name, &config, context)?;
        let criterion = if options.steps {
            criterion.with_steps()
        } else {
            criterion
        };
        if criteria.iter().all(|known| known.name != criterion.name) {
            criteria.push(criterion);
        }
    }
    let timelines: Vec<&Timeline> = match &options.timeline {
        _ if options.compare_timelines || options.pairwise => session.timelines.iter().collect(),
        Some(label) => vec![timeline(&session, label)?],
        None => vec![newest(&session)?],
    };
    let expected = options.expected.as_deref().or(session.expected.as_deref());
    let panel = if criteria.iter().all(|one| one.program.is_some()) {
        Panel::nobody()
    } else {
        choose(options.scripted.as_ref(), options.live, &config, context)?
    };
    let plan = Plan {
        criteria,
        subjects: timelines
            .iter()
            .map(|timeline| {
                let subject = subject(session.input.as_deref(), timeline, expected);
                (timeline.label.clone(), subject)
            })
            .collect(),
        votes: options.votes.or(config.judge.votes).unwrap_or_default(),
        first_vote: 0,
    };
    let kept = Kept {
        store: &store,
        is_fresh: options.fresh,
    };
    if options.pairwise {
        let asked: (&Panel, &dyn VerdictCache, &Plan) = (&panel, &kept, &plan);
        return pairs(&session, asked, options.json, context, out).await;
    }
    let evaluation = evaluate_panel(&panel, &kept, &NoCache, &plan).await;
    let report = EvalReport::new(&session, &panel, &plan, &evaluation);
    if let Err(error) = store.keep_scores(session.id, &report.stored()) {
        tracing::warn!(%error, "the scores can't be kept; an export has none of them");
    }
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

/// Returns the configuration; a demo session brings its judge along, where no other one is configured.
fn own_config(
    typed: Option<&Utf8Path>,
    session: &Session,
    context: &Context,
) -> Result<Config, CommandError> {
    let mut config = load_config(typed, context)?;
    if typed.is_none()
        && !config.judge.is_named()
        && let Some(own) = demo::config_of(session, context)
    {
        let own = load_config(Some(&own), context)?;
        config.judge.scripted = own.judge.scripted.as_ref().map(|path| own.resolve(path));
    }
    Ok(config)
}

/// Returns the newest timeline.
///
/// # Errors
/// Usage: there is none.
pub(super) fn newest(session: &Session) -> Result<&Timeline, CommandError> {
    let newest = session.timelines.last();
    newest.ok_or_else(|| CommandError::usage("this session has no timeline"))
}
