//! What the Markdown template shows of a run.

use serde::Serialize;

use crate::check::{CheckResult, Outcome};
use crate::gate::Shown;
use crate::replay::Tally;
use crate::report::comparison::{self, Compared, NUMBERS};
use crate::report::cost::cost;
use crate::report::deltas::{DeltaView, SuiteView, of_fork, together};
use crate::report::escape::shell;
use crate::report::history_report::remarks;
use crate::report::noise::{NoiseView, noise};
use crate::report::ran::{FEW_TOOLS, ran_for_real};
use crate::report::run_report::{ForkReport, RunReport};
use crate::report::units::{duration, ending, excerpt, tokens};

/// How much of the run is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Detail {
    /// Forks in a section.
    pub(crate) rows: usize,
    /// Findings below a fork.
    pub(crate) findings: usize,
    /// Whether a section with all forks is there.
    pub(crate) all: bool,
    /// Characters of a value.
    pub(crate) values: usize,
}

/// Everything that the template shows.
#[derive(Serialize)]
pub(crate) struct Page {
    title: String,
    word: &'static str,
    shown: Shown,
    numbers: String,
    commit: Option<String>,
    shard: Option<String>,
    started_at: String,
    generator: String,
    alert: &'static str,
    sentence: String,
    is_enforced: bool,
    drift: Vec<String>,
    notes: Vec<String>,
    remarks: Vec<String>,
    savings: SavingsView,
    ran: Option<String>,
    covered: u32,
    gating: u32,
    min_coverage: String,
    sections: Vec<Section>,
    compared: ComparedView,
    deltas: DeltasView,
    together: Vec<SuiteView>,
    /// What unchanged forks differ by.
    noise: Option<NoiseView>,
    reproduce: Option<String>,
    accept: Option<String>,
    allow: Option<String>,
}

#[derive(Serialize)]
struct SavingsView {
    saved: TallyView,
    saved_time: String,
    paid: TallyView,
}

#[derive(Serialize)]
struct TallyView {
    calls: u32,
    tokens: String,
    cost: String,
}

#[derive(Serialize)]
struct Section {
    title: &'static str,
    is_open: bool,
    count: usize,
    forks: Vec<ForkView>,
    more: usize,
}

#[derive(Serialize)]
struct ComparedView {
    numbers: [&'static str; 4],
    count: usize,
    forks: Vec<Compared>,
    more: usize,
}

#[derive(Serialize)]
struct DeltasView {
    count: usize,
    rows: Vec<DeltaView>,
    more: usize,
}

#[derive(Serialize)]
struct ForkView {
    name: String,
    verdict: &'static str,
    shown: Shown,
    meaning: &'static str,
    why: String,
    estimate: Option<String>,
    details: Vec<DetailView>,
}

#[derive(Serialize)]
struct DetailView {
    message: String,
    step: Option<u32>,
    texts: Vec<Text>,
}

#[derive(Serialize)]
struct Text {
    name: &'static str,
    text: String,
}

/// Returns what the template shows of a run.
pub(crate) fn page(report: &RunReport, detail: Detail) -> Page {
    let worst = report.worst();
    let sentence = match worst {
        _ if report.verdict == Shown::Pass => {
            let forks = report.forks.len();
            match forks {
                0 => "nothing had to be run".to_owned(),
                1 => "the one fork holds".to_owned(),
                forks => format!("all {forks} forks hold"),
            }
        }
        Some(fork) if fork.decision.verdict.row().shown == report.verdict => {
            format!("{}: {}", fork.name(), fork.decision.why)
        }
        _ if let Some(test) = report.worst_together() => {
            format!("all baselines together, {}: {}", test.measure, test.why)
        }
        Some(fork) => format!("{}: {}", fork.name(), fork.decision.why),
        None => "nothing was measured".to_owned(),
    };
    let names = || worst.map(|fork| shell(&fork.evidence.baseline));
    let reproduce = names()
        .filter(|_name| report.verdict != Shown::Pass)
        .map(|name| format!("rewind gate --filter {name}"));
    let accept = names()
        .filter(|_name| report.verdict == Shown::Fail)
        .and_then(|name| worst?.accepting(&name));
    let allow = worst.filter(|_fork| report.verdict == Shown::Fail);
    let allow = allow.and_then(ForkReport::forbidding);
    let sections = sections(report, detail);
    Page {
        title: format!("{} · {}", report.verdict, report.summary()),
        word: report.verdict.as_str(),
        shown: report.verdict,
        numbers: report.summary(),
        commit: report.conditions.commit.as_deref().map(short),
        shard: report.shard.map(|shard| shard.to_string()),
        started_at: report
            .timing
            .started_at
            .strftime("%Y-%m-%d %H:%M UTC")
            .to_string(),
        generator: report.generator.clone(),
        alert: match report.verdict {
            Shown::Pass => "TIP",
            Shown::Look => "NOTE",
            Shown::NotMeasured => "WARNING",
            Shown::Fail => "CAUTION",
        },
        sentence: excerpt(&sentence, SENTENCE_CHARS),
        is_enforced: report.policy.is_enforced,
        drift: few(report.drift().iter().map(ToString::to_string).collect()),
        notes: few(report.notes.clone()),
        remarks: few(remarks(report)
            .into_iter()
            .map(|(name, text)| format!("{name} {text}"))
            .collect()),
        savings: savings_view(report),
        ran: ran_for_real(report, FEW_TOOLS),
        covered: report.covered,
        gating: report.gating,
        min_coverage: format!("{:.0} %", report.policy.min_coverage * 100.0),
        sections,
        compared: compared(report, detail),
        deltas: deltas(report, detail),
        together: together(report),
        noise: noise(report),
        reproduce,
        accept,
        allow,
    }
}

/// Returns the forks by how bad they are, the worst first and open.
fn sections(report: &RunReport, detail: Detail) -> Vec<Section> {
    let mut sections: Vec<Section> = [
        ("❌ Failed", Shown::Fail),
        ("🚫 Not measured", Shown::NotMeasured),
        ("⚠️ To look at", Shown::Look),
    ]
    .into_iter()
    .map(|(title, shown)| {
        let mut forks = report.worst_first();
        forks.retain(|fork| fork.decision.verdict.row().shown == shown);
        section(title, forks, detail)
    })
    .collect();
    if detail.all {
        let all = Detail {
            findings: 0,
            ..detail
        };
        sections.push(section("All forks", report.forks.iter().collect(), all));
    }
    sections.retain(|section| section.count > 0);
    if let Some(first) = sections.first_mut() {
        first.is_open = report.verdict != Shown::Pass;
    }
    sections
}

/// Returns base and head of the forks, the worst first.
fn compared(report: &RunReport, detail: Detail) -> ComparedView {
    let mut forks: Vec<Compared> = Vec::new();
    if detail.all {
        let worst_first = report.worst_first().into_iter();
        forks.extend(worst_first.filter_map(comparison::compared));
    }
    let count = forks.len();
    forks.truncate(detail.rows);
    ComparedView {
        numbers: NUMBERS,
        count,
        more: count - forks.len(),
        forks,
    }
}

/// Returns shares and scores of the forks on both sides, the worst first.
fn deltas(report: &RunReport, detail: Detail) -> DeltasView {
    let mut rows: Vec<DeltaView> = Vec::new();
    if detail.all {
        rows.extend(report.worst_first().into_iter().flat_map(of_fork));
    }
    let count = rows.len();
    rows.truncate(detail.rows);
    DeltasView {
        count,
        more: count - rows.len(),
        rows,
    }
}

fn section(title: &'static str, forks: Vec<&ForkReport>, detail: Detail) -> Section {
    let count = forks.len();
    let forks: Vec<ForkView> = forks
        .into_iter()
        .take(detail.rows)
        .map(|fork| fork_view(fork, detail))
        .collect();
    let more = count - forks.len();
    Section {
        title,
        is_open: false,
        count,
        forks,
        more,
    }
}

fn fork_view(fork: &ForkReport, detail: Detail) -> ForkView {
    let estimate = fork.live_estimate.map(|totals| {
        format!(
            "{} calls, {} tokens, {}",
            totals.calls,
            tokens(totals.tokens()),
            cost(&totals)
        )
    });
    let mut details = details(fork, detail.values);
    details.truncate(detail.findings);
    ForkView {
        name: fork.name(),
        verdict: fork.decision.verdict.row().name,
        shown: fork.decision.verdict.row().shown,
        meaning: fork.decision.verdict.row().meaning,
        why: excerpt(&fork.decision.why, SENTENCE_CHARS),
        estimate,
        details,
    }
}

/// Returns what is wrong with a fork: findings of its checks, then where the agent went another way.
fn details(fork: &ForkReport, limit: usize) -> Vec<DetailView> {
    if fork.decision.verdict.row().shown == Shown::Pass {
        return Vec::new();
    }
    let mut details = Vec::new();
    for sample in &fork.evidence.samples {
        let said = sample.fault.as_ref().filter(|fault| !fault.said.is_empty());
        details.extend(said.map(|fault| DetailView {
            message: fault.message.clone(),
            step: None,
            texts: texts([("it said", &fault.said), ("", &String::new())], limit),
        }));
        let checks = CheckResult::worst_first(&sample.checks).into_iter();
        for check in checks.filter(|check| sample.counts(check)) {
            let Outcome::Failed { findings, .. } = &check.outcome else {
                continue;
            };
            details.extend(findings.iter().map(|finding| DetailView {
                message: format!("{}: {}", check.id, finding.message),
                step: finding.step.map(|step| step.0),
                texts: texts(
                    [("expected", &finding.expected), ("found", &finding.found)],
                    limit,
                ),
            }));
        }
        details.extend(sample.replay.divergences.iter().map(|divergence| {
            let mut texts = texts(
                [
                    ("recorded", &divergence.recorded),
                    ("found", &divergence.found),
                ],
                limit,
            );
            if !divergence.remedy.is_empty() {
                let text = divergence.remedy.clone();
                texts.push(Text {
                    name: "to let it pass, add to rewind.toml",
                    text,
                });
            }
            DetailView {
                message: divergence.message.clone(),
                step: divergence.step.map(|step| step.0),
                texts,
            }
        }));
    }
    if !fork.agent_log.is_empty() {
        details.push(DetailView {
            message: "the agent's last words".to_owned(),
            step: None,
            texts: vec![Text {
                name: "standard error",
                text: ending(&fork.agent_log, limit),
            }],
        });
    }
    details
}

fn texts(values: [(&'static str, &String); 2], limit: usize) -> Vec<Text> {
    values
        .into_iter()
        .filter(|(_name, value)| !value.is_empty())
        .map(|(name, value)| Text {
            name,
            text: value.chars().take(limit).collect(),
        })
        .collect()
}

fn savings_view(report: &RunReport) -> SavingsView {
    let view = |totals: &Tally| TallyView {
        calls: totals.calls,
        tokens: tokens(totals.tokens()),
        cost: cost(totals),
    };
    SavingsView {
        // How long live calls took is measured by a clock, so it stands in the result file alone.
        saved_time: duration(report.savings.saved.time_us),
        saved: view(&report.savings.saved),
        paid: view(&report.savings.paid),
    }
}

/// Returns the first texts, each not too long, and how many more there are.
fn few(texts: Vec<String>) -> Vec<String> {
    let more = texts.len().saturating_sub(MAX_LINES);
    let mut shown: Vec<String> = texts
        .into_iter()
        .take(MAX_LINES)
        .map(|text| excerpt(&text, SENTENCE_CHARS))
        .collect();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown
}

/// Returns the beginning of a commit's name.
fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}

/// How long a sentence may be.
const SENTENCE_CHARS: usize = 600;

/// How many notes and altered parts are shown.
const MAX_LINES: usize = 12;
