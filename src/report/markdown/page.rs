//! What the Markdown template shows of a run.

use serde::Serialize;

use crate::check::{CheckResult, Outcome};
use crate::gate::Shown;
use crate::replay::{Savings, Tally};
use crate::report::cost::cost;
use crate::report::run_report::{ForkReport, RunReport};
use crate::report::units::{duration, tokens};

/// How much of the run is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Detail {
    /// Forks in a section.
    pub(super) rows: usize,
    /// Findings below a fork.
    pub(super) findings: usize,
    /// Whether a section with all forks is there.
    pub(super) all: bool,
}

/// Everything that the template shows.
#[derive(Serialize)]
pub(super) struct Page {
    title: String,
    alert: &'static str,
    sentence: String,
    is_enforced: bool,
    drift: Vec<String>,
    notes: Vec<String>,
    savings: SavingsView,
    covered: u32,
    gating: u32,
    min_coverage: String,
    sections: Vec<Section>,
    reproduce: Option<String>,
}

#[derive(Serialize)]
struct SavingsView {
    saved: TallyView,
    paid: TallyView,
}

#[derive(Serialize)]
struct TallyView {
    calls: u32,
    tokens: String,
    cost: String,
    time: String,
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
struct ForkView {
    name: String,
    verdict: &'static str,
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
pub(super) fn page(report: &RunReport, detail: Detail) -> Page {
    let worst = report.worst();
    let sentence = match worst {
        _ if report.verdict == Shown::Pass => {
            let forks = report.forks.len();
            if forks == 0 {
                "nothing had to be run".to_owned()
            } else {
                format!("all {forks} forks hold")
            }
        }
        Some(fork) => format!("{}: {}", fork.name(), fork.decision.why),
        None => "nothing was measured".to_owned(),
    };
    let reproduce = worst
        .filter(|_fork| report.verdict != Shown::Pass)
        .map(|fork| format!("rewind gate --filter '{}'", fork.evidence.baseline));
    let mut sections: Vec<Section> = [
        ("❌ Failed", Shown::Fail),
        ("🚫 Not measured", Shown::NotMeasured),
        ("⚠️ To look at", Shown::Look),
    ]
    .into_iter()
    .map(|(title, shown)| section(title, report.shown(shown).collect(), detail))
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
    Page {
        title: format!("{} · {}", report.verdict, report.summary()),
        alert: match report.verdict {
            Shown::Pass => "TIP",
            Shown::Look => "NOTE",
            Shown::NotMeasured => "WARNING",
            Shown::Fail => "CAUTION",
        },
        sentence,
        is_enforced: report.policy.is_enforced,
        drift: report.drift().iter().map(ToString::to_string).collect(),
        notes: report.notes.clone(),
        savings: savings_view(&report.savings),
        covered: report.covered,
        gating: report.gating,
        min_coverage: format!("{:.0} %", report.policy.min_coverage * 100.0),
        sections,
        reproduce,
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
    let mut details = details(fork);
    details.truncate(detail.findings);
    ForkView {
        name: fork.name(),
        verdict: fork.decision.verdict.row().name,
        why: fork.decision.why.clone(),
        estimate,
        details,
    }
}

/// Returns what is wrong with a fork: findings of its checks, then where the agent went another way.
fn details(fork: &ForkReport) -> Vec<DetailView> {
    if fork.decision.verdict.row().shown == Shown::Pass {
        return Vec::new();
    }
    let mut details = Vec::new();
    for sample in &fork.evidence.samples {
        for check in CheckResult::worst_first(&sample.checks) {
            let Outcome::Failed { findings, .. } = &check.outcome else {
                continue;
            };
            details.extend(findings.iter().map(|finding| DetailView {
                message: format!("{}: {}", check.id, finding.message),
                step: finding.step.map(|step| step.0),
                texts: texts([("expected", &finding.expected), ("found", &finding.found)]),
            }));
        }
        details.extend(sample.replay.divergences.iter().map(|divergence| {
            let mut texts = texts([
                ("recorded", &divergence.recorded),
                ("found", &divergence.found),
            ]);
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
        let texts = texts([("standard error", &fork.agent_log), ("", &String::new())]);
        details.push(DetailView {
            message: "the agent's last words".to_owned(),
            step: None,
            texts,
        });
    }
    details
}

fn texts(values: [(&'static str, &String); 2]) -> Vec<Text> {
    values
        .into_iter()
        .filter(|(_name, value)| !value.is_empty())
        .map(|(name, value)| Text {
            name,
            text: value.chars().take(MAX_VALUE_CHARS).collect(),
        })
        .collect()
}

fn savings_view(savings: &Savings) -> SavingsView {
    let view = |totals: &Tally| TallyView {
        calls: totals.calls,
        tokens: tokens(totals.tokens()),
        cost: cost(totals),
        time: duration(totals.time_us),
    };
    SavingsView {
        saved: view(&savings.saved),
        paid: view(&savings.paid),
    }
}

/// How much of a value is shown.
const MAX_VALUE_CHARS: usize = 1_500;
