//! `rewind gate`: replays all committed baselines against the current agent code and judges the
//! result.

mod base;
mod cache;
mod case;
mod changed;
mod conditions;
mod pending;
pub(super) mod policy;
mod progress;
pub(super) mod reports;
mod samples;
mod select;
pub(super) mod traces;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use camino::Utf8PathBuf;

use self::base::Base;
use self::cache::{answers, kept, rejudged_note, remembered_note};
pub(super) use self::case::{bare_case, case};
use self::changed::Changed;
use self::conditions::{conditions, models, place};
use self::policy::counted;
pub(super) use self::progress::Teller;
use self::samples::samples;
use self::select::{baselines, part};
use super::baseline::directory;
use super::history;
use super::output::say;
use super::rules::{prices, real_tools, replay_rules, timing};
use super::{
    BackendOptions, CaptureOptions, CommandError, Context, WayOut, listener, load_config, redactor,
    set_up, way_out,
};
use crate::agent::{Routing, explain_wanted_keys, harden};
use crate::baseline::Baselines;
use crate::command::judging::RunJudge;
use crate::command::rules::recorded_clock;
use crate::config::{self, Config};
use crate::exit::Exit;
use crate::gate::{
    Budget, Caps, Case, Comparison, ForkRun, Judges, Mode, Policy, Ran, Runner, Shard, Shown, Stop,
    USUAL_AA, USUAL_ALPHA, USUAL_MARGIN, estimate, paid_from,
};
use crate::model::{MicroUsd, SampleRange, Timeline};
use crate::proxy::Options;
use crate::replay::{Keys, savings};
use crate::report::{Content, ForkReport, RunReport};

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// What a pull request needs.
    #[default]
    Pr,
    /// Everything, and anew: nightly forks too, whatever files changed and whatever was heard before.
    Nightly,
}

/// What was typed.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command are independent of each other"
)]
pub struct GateOptions {
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// Globs of baseline names, or `tag:` and a tag; all where there is none.
    pub filter: Vec<String>,
    /// Only those that did not pass in the last report.
    pub only_failed: bool,
    /// Only this part of them.
    pub shard: Option<Shard>,
    /// Whether the first failure ends the run.
    pub fail_fast: bool,
    /// A checkout of the base, on which reds are tried again.
    pub base: Option<Utf8PathBuf>,
    /// The folder that keeps live answers; as configured where it is not given.
    pub cache_dir: Option<Utf8PathBuf>,
    /// Whether verdicts of judges that are known count for nothing.
    pub fresh: bool,
    /// How many samples of each fork run live; as configured where it is not given.
    pub samples: Option<SampleRange>,
    /// The most dollars for live calls; as configured where it is not given.
    pub max_usd: Option<f64>,
    /// The most tokens for live calls; as configured where it is not given.
    pub max_tokens: Option<u64>,
    /// How much of what agents and models wrote stands in the reports.
    pub content: Option<Content>,
    /// How much is run.
    pub profile: Profile,
    /// Only baselines whose agent is made of files that changed since this commit.
    pub changed_since: Option<String>,
    /// The commit that says what counts: the base of the change.
    pub policy_from: Option<String>,
    /// The file that says which altered baselines were accepted.
    pub trusted: Option<Utf8PathBuf>,
    /// The directory of the baselines; as configured where it is not given.
    pub baselines: Option<Utf8PathBuf>,
    /// The directory for the reports.
    pub out: Utf8PathBuf,
    /// The history of runs that the report looks back on; as configured where it is not given.
    pub history: Option<Utf8PathBuf>,
    /// Whether nothing may go live.
    pub offline: bool,
    /// Whether tails run live.
    pub live: bool,
    /// Whether forks that need a live run are left out of the coverage.
    pub allow_needs_live: bool,
    /// How many agents run at once.
    pub jobs: Option<usize>,
    /// What is captured beside what the configuration says.
    pub capture: CaptureOptions,
    /// Where live calls go.
    pub upstream: BackendOptions,
    /// Whether to print the report as JSON.
    pub json: bool,
}

/// Runs the gate, writes the reports, and prints the table to `out`.
///
/// # Errors
/// Usage and configuration (exit 2), no baselines (5), a filter that matches none (4).
pub async fn run(
    options: &GateOptions,
    context: &Context,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let head = load_config(options.config.as_deref(), context)?;
    let (mut config, base, mut notes) = counted(options, head, context)?;
    options.capture.apply(&mut config);
    let way_out = way_out(&options.upstream, &config, context)?;
    if !way_out.secrets.is_empty() {
        harden();
    }
    let (baselines, new) = baselines(options, &config, base.as_ref(), &mut notes, context)?;
    let since = options.changed_since.as_deref();
    let since = since.filter(|_since| options.profile == Profile::Pr);
    let dir = directory(options.baselines.as_deref(), &config, context);
    let changed = Changed::since(since, &config, &dir, context)?;
    if baselines.is_empty() {
        say(err, "rewind: nothing failed in the last report\n");
        return Ok(Exit::Pass);
    }
    let mut cases = cases(options, &baselines, &config, changed.as_ref(), context, err).await?;
    let skipped = baselines.len() - cases.len();
    let (caps, whole) = part(options, &mut cases, &new, &mut config, &way_out)?;
    let references: Vec<&Timeline> = cases.iter().map(|case| case.reference.as_ref()).collect();
    if let Some(warning) = real_tools(&references, &config, context)? {
        say(err, &format!("rewind: {warning}\n"));
    }
    let kept = kept(options, &cases, &config, context, &way_out)?;
    let judge = RunJudge::of_run(&config, options.live, options.offline, context, kept);
    let mut runner = runner(options, caps, &config, context, &way_out, &judge)?;
    runner.whole = whole;
    let teller = Teller::new(
        &mut *err,
        caps,
        context.stderr_is_terminal && !context.is_ci(),
        way_out.is_scripted,
    );
    let started_at = jiff::Timestamp::now();
    let begun = Instant::now();
    let Ran { forks: runs, noise } =
        until_interrupted(&runner, runner.run(&mut cases, &teller)).await;
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let pending = pending::Pending::of(&cases, &runs, &prices(&config), judge.as_ref());
    let remembered = remembered_note(&runs);
    let shown = traces::content(options, &config, context);
    let traces = traces::traces(&cases, &runs, shown, &prices(&config));
    let mut report = report(options, &config, shown, &cases, runs);
    report.control(noise);
    report.mark_new(|name| new.contains(name));
    notes.extend(remembered);
    notes.extend(rejudged_note(&cases));
    notes.extend(quarantine_notes(&cases));
    notes.extend(judge.took().into_iter().chain(judge.saved()));
    report.notes.append(&mut notes);
    report.timing.started_at = started_at;
    report.timing.duration_ms = duration_ms;
    let is_live = runner.backend.is_some();
    report.conditions = conditions(&baselines, &config, (options.profile, is_live), context);
    report.shard = options.shard;
    if way_out.is_scripted && report.savings.paid.calls > 0 {
        report
            .notes
            .push("live calls were answered by a scripted model, at $0".to_owned());
    }
    if skipped > 0 {
        let since = since.unwrap_or_default();
        report.notes.push(format!(
            "{skipped} baselines did not run: no file of their agents changed since {since}"
        ));
    }
    let history = history::file(options.history.as_deref(), &config, context);
    history::look_back(&mut report, history.as_deref());
    explain(&mut report);
    reports::hand_over(&report, &traces, &pending, options, context, out)?;
    Ok(exit(&report))
}

/// Runs to the end; after Ctrl-C, with what is there.
pub(super) async fn until_interrupted<T>(runner: &Runner, run: impl Future<Output = T>) -> T {
    let mut run = std::pin::pin!(run);
    tokio::select! {
        ended = &mut run => return ended,
        pressed = tokio::signal::ctrl_c() => match pressed {
            Ok(()) => {
                // Also where nobody listens yet, or no longer.
                runner.stop.send_replace(Some(Stop::Interrupted));
                runner.judges.stop();
            }
            Err(error) => tracing::debug!(%error, "Ctrl-C can't be heard"),
        },
    }
    run.await
}

/// Returns what live calls may cost: as typed, else as configured, else [`DEFAULT_MAX_USD`] where they cost
/// anything.
pub(super) fn caps(options: &GateOptions, config: &Config, is_scripted: bool) -> Caps {
    let by_default = (!is_scripted).then_some(DEFAULT_MAX_USD);
    let usd = options.max_usd.or(config.gate.max_usd).or(by_default);
    Caps {
        usd: usd.map(MicroUsd::from_dollars),
        tokens: options.max_tokens.or(config.gate.max_tokens),
    }
}

/// Returns the cases; does what has to be done once before their agents run.
async fn cases(
    options: &GateOptions,
    baselines: &Baselines,
    config: &Config,
    changed: Option<&Changed>,
    context: &Context,
    err: &mut dyn Write,
) -> Result<Vec<Case>, CommandError> {
    // Agents that write the same file run one at a time.
    let alone = Arc::default();
    let mut base = Base::of(options, config, context)?;
    let mut known: Vec<(config::Agent, Option<String>)> = Vec::new();
    let mut cases = Vec::new();
    for baseline in baselines {
        let (mut case, config) = case(baseline, config, context)?;
        case.samples = options.samples.or(case.samples);
        if options.profile == Profile::Nightly {
            case.baseline.definition.add_nightly_forks();
        }
        if changed.is_some_and(|changed| !changed.concerns(&baseline.name, &config.agent)) {
            continue;
        }
        if case.agent.alone.is_some() {
            case.agent.alone = Some(Arc::clone(&alone));
        }
        if let Some(base) = &mut base {
            case.base = Some(base.agent(&case, &config, context)?);
        }
        let before = known.iter().find(|(agent, _why)| *agent == config.agent);
        case.unready = if let Some((_agent, why)) = before {
            why.clone()
        } else {
            let done = set_up(&config, &case.agent, err).await;
            let why = done.err().map(|error| error.to_string());
            known.push((config.agent, why.clone()));
            why
        };
        cases.push(case);
    }
    Ok(cases)
}

/// Returns what runs the cases.
///
/// # Errors
/// Usage: rules or addresses that can't be used.
pub(super) fn runner(
    options: &GateOptions,
    caps: Caps,
    config: &Config,
    context: &Context,
    way_out: &WayOut,
    judge: &Arc<RunJudge>,
) -> Result<Runner, CommandError> {
    let rules = replay_rules(config);
    let keys = Keys::new(&rules).map_err(CommandError::usage)?;
    let listen = listener(config)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Runner {
        rules: Arc::new(rules),
        keys: Arc::new(keys),
        redactor: redactor(config, way_out)?,
        backend: is_live(options, config, context, way_out).then(|| Arc::clone(&way_out.backend)),
        listen: Box::new(move || Options {
            token: crate::proxy::random_token(),
            ..listen.clone()
        }),
        timing: timing(config.replay.timing),
        strict_keys: config.capture.strict_keys,
        clock: recorded_clock(config),
        judges: Arc::clone(judge) as Arc<dyn Judges>,
        prices: Arc::new(prices(config)),
        samples: samples(options, config, way_out.is_scripted),
        alpha: config.gate.alpha.unwrap_or(USUAL_ALPHA),
        margin: config.gate.margin.unwrap_or(USUAL_MARGIN),
        whole: None,
        aa: config.gate.aa.unwrap_or(USUAL_AA),
        jobs: options.jobs.or(config.gate.jobs).unwrap_or(cores),
        budget: Arc::new(Budget::new(caps, Arc::new(prices(config)))),
        answers: answers(options, config, context, way_out)?,
        fail_fast: options.fail_fast,
        stop: tokio::sync::watch::Sender::new(None),
    })
}

/// Returns whether tails run live: as typed, else as configured, else on a terminal with a key. The
/// scripted model costs nothing and always may; nothing else may with CI set unless it is said.
fn is_live(options: &GateOptions, config: &Config, context: &Context, way_out: &WayOut) -> bool {
    if options.offline || options.live {
        return options.live;
    }
    match config.gate.mode {
        Some(config::Mode::Offline) => false,
        Some(config::Mode::Live) => true,
        None if way_out.is_scripted => true,
        None => {
            let has_key = Routing::key_variables()
                .into_iter()
                .any(|name| context.var(name).is_some());
            has_key && context.stdout_is_terminal && !context.is_ci()
        }
    }
}

fn report(
    options: &GateOptions,
    config: &Config,
    content: Content,
    cases: &[Case],
    runs: Vec<Vec<ForkRun>>,
) -> RunReport {
    let prices = prices(config);
    let mut forks_ms = BTreeMap::new();
    let mut forks = Vec::new();
    for (case, runs) in cases.iter().zip(runs) {
        for (nth, run) in runs.into_iter().enumerate() {
            // Forks decided by the same dry run share its savings.
            let is_live = run.evidence.is_live();
            let paid = run.timelines.iter().flatten();
            let paid = paid.filter(|_timeline| nth == 0 || is_live);
            let paid = paid.chain(&run.confirming);
            let savings = paid
                .map(|timeline| savings(timeline, Some(&case.reference), &prices))
                .sum();
            let from = paid_from(&run.evidence.fork, &case.reference);
            let comparison = Comparison::of(case, &run, &prices);
            let mut fork = ForkReport::new(run.evidence, savings);
            fork.comparison = Some(comparison);
            let needs_run = fork.decision.verdict.row().shown == Shown::NotMeasured;
            if needs_run && fork.evidence.unheard.is_empty() {
                fork.live_estimate = Some(estimate(&case.reference, from, &prices));
            }
            fork.agent_log = run.log;
            fork.tags.clone_from(&case.baseline.definition.tags);
            fork.place = place(&case.baseline, &fork, config);
            fork.models = models(&run.timelines);
            forks_ms.insert(fork.name(), run.took_ms);
            forks.push(fork);
        }
    }
    let policy = Policy {
        min_coverage: config
            .gate
            .min_coverage
            .unwrap_or(Policy::default().min_coverage),
        allow_needs_live: options.allow_needs_live,
        is_enforced: config.gate.enforce.unwrap_or(true),
    };
    let wanted = explain_wanted(&forks, cases);
    let mut report = RunReport::new(forks, policy, content);
    report.notes.extend(wanted);
    report.timing.forks_ms = forks_ms;
    report
}

/// Returns a note for each baseline in quarantine, and for each whose quarantine has expired.
fn quarantine_notes(cases: &[Case]) -> Vec<String> {
    let notes = cases.iter().filter_map(|case| {
        let quarantine = case.baseline.definition.quarantine.as_ref()?;
        let (name, until) = (&case.baseline.name, quarantine.until);
        Some(if case.is_gating {
            format!("the quarantine of {name} expired on {until}: it gates again")
        } else {
            format!(
                "{name} is in quarantine until {until} and does not gate ({}: {})",
                quarantine.owner, quarantine.reason
            )
        })
    });
    notes.collect()
}

/// Adds notes on what people should know, and sorts all.
fn explain(report: &mut RunReport) {
    explain_no_calls(report);
    explain_prefix_drift(report);
    report.notes.sort();
}

/// Adds a note where an agent never reached the listener, with the likely causes.
fn explain_no_calls(report: &mut RunReport) {
    let silent: Vec<String> = report
        .forks
        .iter()
        .filter(|fork| {
            fork.evidence.samples.iter().any(|sample| {
                let replay = &sample.replay;
                sample.fault.is_none() && replay.served + replay.live + replay.refused == 0
            })
        })
        .map(ForkReport::name)
        .collect();
    if !silent.is_empty() {
        report.notes.push(format!(
            "the agent made no model calls through Rewind ({}): it may have failed before its first \
             call, use a base URL that is written in its code instead of OPENAI_BASE_URL or \
             ANTHROPIC_BASE_URL, or need a variable that `[agent] env` does not list",
            silent.join(", ")
        ));
    }
}

/// Returns a note where an agent failed and its last words, which may not be shown, ask for a key that
/// it does not get.
fn explain_wanted(forks: &[ForkReport], cases: &[Case]) -> BTreeSet<String> {
    let keys = Routing::key_variables();
    let is_set = |name: &str| {
        let mut agents = cases.iter().map(|case| &case.agent.environment.variables);
        keys.contains(&name) || agents.any(|variables| variables.contains_key(name))
    };
    forks
        .iter()
        .filter_map(|fork| explain_wanted_keys(&fork.agent_log, &is_set))
        .collect()
}

/// Adds a note where a change was forced onto the recording before a fork: its effect there is not
/// measured by that fork.
fn explain_prefix_drift(report: &mut RunReport) {
    let forced: Vec<String> = report
        .forks
        .iter()
        .filter(|fork| {
            fork.evidence.samples.iter().any(|sample| {
                sample.mode == Mode::Live
                    && sample.replay.served > 0
                    && !sample.replay.drift.is_empty()
            })
        })
        .map(ForkReport::name)
        .collect();
    if !forced.is_empty() {
        report.notes.push(format!(
            "what the change does before the fork is not measured, since recorded answers were served \
             there ({}); an earlier fork measures it",
            forced.join(", ")
        ));
    }
}

/// The most dollars that live calls may cost where nothing is said.
const DEFAULT_MAX_USD: f64 = 2.0;

/// Returns how a run ends.
pub(super) fn exit(report: &RunReport) -> Exit {
    match report.exit {
        0 => Exit::Pass,
        1 => Exit::Fail,
        _ => Exit::NotMeasured,
    }
}
