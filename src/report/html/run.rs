//! The page of a gate run.

use std::collections::BTreeMap;

use serde::Serialize;

use super::checks::{CheckView, beside, checks, locate};
use super::data::Data;
use super::intervals::{NumberView, TogetherView, numbers, of_run, worst_number};
use super::shared::{ChangeView, First, TraceView, address, change_view, first, trace_view};
use super::trend::{TrendView, trend};
use super::{HtmlError, RECEIPT, ROOM, TRACES, fill};
use crate::check::{Outcome, Severity};
use crate::gate::{Shown, SuiteTest};
use crate::history::Past;
use crate::report::comparison::{self, Compared};
use crate::report::markdown::{Detail, Page, page};
use crate::report::run_report::{ForkReport, RunReport};
use crate::report::trace::{Change, Trace, Traces, shown_sample};
use crate::report::units::count;

/// What the page shows.
#[derive(Serialize)]
struct RunView {
    #[serde(flatten)]
    page: Page,
    headline: String,
    subline: String,
    worst: Option<String>,
    tiles: Vec<Tile>,
    tests: Vec<TogetherView>,
    changes: Vec<ChangeView>,
    unmeasured: Vec<UnmeasuredView>,
    forks: Vec<ForkView>,
}

/// A number of forks.
#[derive(Serialize)]
struct Tile {
    shown: Shown,
    word: &'static str,
    count: usize,
}

/// A fork.
#[derive(Serialize)]
struct ForkView {
    id: String,
    baseline: String,
    fork: String,
    verdict: &'static str,
    shown: Shown,
    word: &'static str,
    meaning: &'static str,
    why: String,
    is_gating: bool,
    search: String,
    tags: Vec<String>,
    compared: Option<Compared>,
    past: Option<TrendView>,
    /// The number that dropped most; `None` where nothing was measured on both sides.
    worst: Option<NumberView>,
    differences: Vec<NumberView>,
    estimate: Option<String>,
    first: Option<First>,
    samples: Option<String>,
    checks: Vec<CheckView>,
    holding: Vec<CheckView>,
    held: usize,
    log: String,
    place: Option<String>,
    said: String,
    drift: Vec<String>,
    trace: Option<TraceView>,
    same_as: Option<String>,
    reproduce: Option<String>,
    accept: Option<String>,
    allow: Option<String>,
}

/// Returns the page of a run with what is known of its timelines.
///
/// # Errors
/// The template can't be filled, which would be a fault of this program.
pub fn run_page(report: &RunReport, traces: &Traces) -> Result<String, HtmlError> {
    let everything = Detail {
        rows: 0,
        findings: 0,
        all: false,
        values: 0,
    };
    let page = page(report, everything);
    let mut room = ROOM;
    let mut told: BTreeMap<&str, Vec<(&str, &Trace, String)>> = BTreeMap::new();
    let mut forks = Vec::new();
    let pasts = report.history.iter();
    let mut pasts: BTreeMap<&str, &Past> = pasts.map(|past| (&*past.baseline, past)).collect();
    // The worst first, so that the room in the page is theirs.
    for fork in report.worst_first() {
        let name = fork.name();
        let trace = traces.forks.get(&name);
        let known = told.entry(&fork.evidence.baseline).or_default();
        let same = trace.and_then(|trace| known.iter().find(|(_, other, _)| *other == trace));
        let same = same.map(|(_, _, id)| id.clone());
        let view = fork_view(
            report,
            fork,
            trace.filter(|_trace| same.is_none()),
            &mut room,
        );
        if let (Some(trace), None) = (trace, &same) {
            known.push((&fork.evidence.fork, trace, view.id.clone()));
        }
        // What is said of a baseline stands at its first fork.
        let past = pasts.remove(fork.evidence.baseline.as_str());
        forks.push(ForkView {
            same_as: same,
            past: past.and_then(trend),
            ..view
        });
    }
    let mut data = vec![Data::new(RECEIPT, report)];
    if !traces.forks.is_empty() {
        data.push(Data::new(TRACES, traces));
    }
    let view = RunView {
        headline: headline(report),
        subline: subline(report),
        worst: worst(report),
        tiles: [Shown::Fail, Shown::NotMeasured, Shown::Look, Shown::Pass]
            .into_iter()
            .map(|shown| Tile {
                shown,
                word: shown.as_str(),
                count: report.shown(shown).count(),
            })
            .collect(),
        tests: of_run(report),
        changes: changes(traces).into_iter().map(change_view).collect(),
        unmeasured: unmeasured(report),
        forks,
        page,
    };
    let title = format!("{} · {} · Rewind", report.verdict, report.summary());
    fill("run.html", title, report.generator.clone(), data, view)
}

/// Something that was not measured.
#[derive(Serialize)]
struct UnmeasuredView {
    name: String,
    href: String,
    /// The check; empty where it is the whole fork.
    check: String,
    why: String,
    estimate: Option<String>,
}

/// Returns what was not measured, and why: whole forks, and checks of those that were.
fn unmeasured(report: &RunReport) -> Vec<UnmeasuredView> {
    let mut found = Vec::new();
    for fork in report.worst_first() {
        let evidence = &fork.evidence;
        let view = |check: &str, why: &str, estimate| UnmeasuredView {
            name: fork.name(),
            href: id_of(fork),
            check: check.to_owned(),
            why: why.to_owned(),
            estimate,
        };
        if fork.decision.verdict.row().shown == Shown::NotMeasured {
            found.push(view("", &fork.decision.why, estimate(fork)));
            continue;
        }
        let sample = evidence.samples.get(shown_sample(&evidence.samples));
        let checks = sample.map_or(&[][..], |sample| sample.checks.as_slice());
        for check in checks {
            if let (Outcome::NotRun { why }, true) =
                (&check.outcome, check.severity != Severity::Off)
            {
                found.push(view(&check.id, why, None));
            }
        }
    }
    found
}

/// Returns what a live run of a fork would take.
fn estimate(fork: &ForkReport) -> Option<String> {
    let tally = fork.live_estimate?;
    Some(format!(
        "{} calls, {} tokens, {}",
        tally.calls,
        crate::report::tokens(tally.tokens()),
        crate::report::cost(&tally)
    ))
}

/// Returns a fork's address in the page.
fn id_of(fork: &ForkReport) -> String {
    let evidence = &fork.evidence;
    format!(
        "{}/{}",
        address(&evidence.baseline),
        address(&evidence.fork)
    )
}

/// Returns what the change alters, each thing once, as far as it may be shown how.
fn changes(traces: &Traces) -> Vec<&Change> {
    let mut found: Vec<&Change> = Vec::new();
    for change in traces.forks.values().flat_map(|trace| &trace.changes) {
        if change.diff.is_some() && !found.contains(&change) && found.len() < MAX_CHANGES {
            found.push(change);
        }
    }
    found
}

/// Returns what a reader must know first.
fn headline(report: &RunReport) -> String {
    let forks = report.forks.len();
    match (report.verdict, report.worst()) {
        (Shown::Pass, _) if forks == 0 => "Nothing had to be run".to_owned(),
        (Shown::Pass, _) if report.savings.paid.calls == 0 && all_unaffected(report) => {
            "Nothing changed: every run is proved equal to its recording".to_owned()
        }
        (Shown::Pass, _) => "Nothing got worse".to_owned(),
        (Shown::Fail | Shown::Look | Shown::NotMeasured, Some(fork)) => {
            let why = together(report).map_or(&fork.decision.why, |test| &test.why);
            let mut letters = why.chars();
            let first = letters
                .next()
                .map(|letter| letter.to_uppercase().to_string());
            format!("{}{}", first.unwrap_or_default(), letters.as_str())
        }
        (Shown::Fail | Shown::Look | Shown::NotMeasured, None) => "Nothing was measured".to_owned(),
    }
}

/// Returns the address of what a reader wants to see first.
fn worst(report: &RunReport) -> Option<String> {
    let is_one = report.verdict != Shown::Pass && together(report).is_none();
    let fork = report.worst().filter(|_fork| is_one)?;
    Some(id_of(fork))
}

/// Returns what all forks say together, where no single fork is as bad as the run.
fn together(report: &RunReport) -> Option<&SuiteTest> {
    let is_worst = |fork: &ForkReport| fork.decision.verdict.row().shown == report.verdict;
    if report.worst().is_some_and(is_worst) {
        return None;
    }
    report.worst_together()
}

fn all_unaffected(report: &RunReport) -> bool {
    let mut forks = report.forks.iter();
    forks.all(|fork| fork.decision.verdict == crate::gate::Verdict::Unaffected)
}

/// Returns where, and how much else.
fn subline(report: &RunReport) -> String {
    let forks = count(report.forks.len() as u64, "fork");
    let same = report.shown(report.verdict).count();
    match (report.verdict, report.worst()) {
        (Shown::Pass, _) => format!("{forks}, {}", report.summary()),
        _ if together(report).is_some() => format!("over all baselines together, {forks}"),
        (_, Some(fork)) if same <= 1 => format!("in {}, one of {forks}", fork.name()),
        (_, Some(fork)) => format!("in {} and {} more of {forks}", fork.name(), same - 1),
        (_, None) => forks,
    }
}

fn fork_view(
    report: &RunReport,
    fork: &ForkReport,
    trace: Option<&Trace>,
    room: &mut usize,
) -> ForkView {
    let row = fork.decision.verdict.row();
    let evidence = &fork.evidence;
    let id = id_of(fork);
    let samples = &evidence.samples;
    let at = shown_sample(samples);
    let sample = samples.get(at);
    let mut checks = sample.map(checks).unwrap_or_default();
    if let Some(trace) = trace {
        locate(&mut checks, trace, &id);
    }
    let is_bad = row.shown != Shown::Pass;
    let name = crate::report::escape::shell(&evidence.baseline);
    let passes = evidence.candidate();
    let drift: Vec<String> = fork.drift().iter().map(ToString::to_string).collect();
    ForkView {
        search: format!(
            "{} {} {} {} {}",
            fork.name(),
            fork.tags.join(" "),
            row.name,
            row.shown.as_str(),
            fork.decision.why
        )
        .to_lowercase(),
        first: trace.and_then(|trace| first(trace, &id)),
        samples: (samples.len() > 1).then(|| {
            format!(
                "{} of {} whole runs hold; shown is run {} of {}",
                passes.passed,
                passes.total(),
                at + 1,
                samples.len()
            )
        }),
        held: checks.iter().filter(|check| check.is_held()).count(),
        trace: trace.map(|trace| trace_view(trace, &id, beside(&checks), room)),
        holding: checks.extract_if(.., |check| check.is_quiet()).collect(),
        checks,
        baseline: evidence.baseline.clone(),
        fork: evidence.fork.clone(),
        verdict: row.name,
        shown: row.shown,
        word: row.shown.as_str(),
        meaning: row.meaning,
        why: fork.decision.why.clone(),
        is_gating: evidence.is_gating,
        tags: fork.tags.clone(),
        compared: comparison::compared(fork),
        past: None,
        worst: worst_number(fork),
        differences: numbers(fork),
        estimate: estimate(fork),
        log: fork.agent_log.clone(),
        said: sample
            .and_then(|sample| sample.fault.as_ref())
            .map(|fault| fault.said.clone())
            .unwrap_or_default(),
        place: fork
            .place
            .as_ref()
            .map(|place| format!("{}:{}", place.file, place.line)),
        drift,
        same_as: None,
        reproduce: is_bad.then(|| format!("rewind gate --filter {name}")),
        accept: fork
            .accepting(&name)
            .filter(|_accept| row.shown == Shown::Fail && report.verdict == Shown::Fail),
        allow: fork.forbidding().filter(|_allow| row.shown == Shown::Fail),
        id,
    }
}

/// How many differences of what the change alters stand in the view of the run; each fork shows its own.
const MAX_CHANGES: usize = 12;
