//! What was accepted of a fork beside what this run of it came to, in numbers.
//!
//! Both sides are kept run by run, never as a mean. No verdict follows from them here.

use serde::{Deserialize, Serialize};

use super::evidence::costs;
use super::input::{Sample, State};
use super::numbers::count;
use super::runner::{Case, ForkRun};
use crate::baseline::{CheckEvidence, ForkEvidence, Said, SampleEvidence};
use crate::check::{Outcome, Severity};
use crate::gate::Mode;
use crate::model::MicroUsd;
use crate::price::PriceTable;

/// One fork as it was accepted, and as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The accepted runs; empty where nothing was accepted that this run can be held against.
    pub base: Vec<Measure>,
    /// The whole runs of now; empty where the agent could not be followed to its end.
    pub head: Vec<Measure>,
}

/// One run in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Number of checks that were asked, those with severity `off` left out.
    pub asked: u32,
    /// Number of those that held.
    pub held: u32,
    /// Number of steps.
    pub steps: u32,
    /// Tokens read, of all model calls as recorded or run.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// What all model calls cost; `None` where one has no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<MicroUsd>,
}

impl Comparison {
    /// Returns a run of a fork beside what was accepted of it.
    pub fn of(case: &Case, run: &ForkRun, prices: &PriceTable) -> Self {
        let known = case.comparable();
        let known = known.and_then(|known| known.forks.get(&run.evidence.fork));
        let samples = run.evidence.samples.iter().zip(&run.timelines);
        let head = samples.filter_map(|(sample, timeline)| {
            let (asked, held) = checks(sample)?;
            let is_live = sample.mode == Mode::Live;
            let timeline = timeline.as_ref()?;
            Some(measure(&costs(timeline, is_live, prices), asked, held))
        });
        Self {
            base: known.map(|known| base(case, known)).unwrap_or_default(),
            head: head.collect(),
        }
    }

    /// Returns whether the checks of this run are what these samples say.
    pub fn follows_from(&self, samples: &[Sample]) -> bool {
        let said = self.head.iter().map(|one| (one.asked, one.held));
        said.eq(samples.iter().filter_map(checks))
    }
}

/// Returns how many checks a whole run was asked, and how many held; `None` of any other run.
fn checks(sample: &Sample) -> Option<(u32, u32)> {
    match sample.state() {
        State::Whole => {}
        // What a served answer fulfils, the agent of now has not shown.
        State::Unmeasured | State::Cut | State::Forced => return None,
    }
    let asked = || {
        let checks = sample.checks.iter();
        checks.filter(|check| check.severity != Severity::Off)
    };
    let held = asked().filter(|check| matches!(check.outcome, Outcome::Passed { .. }));
    Some((count(asked().count()), count(held.count())))
}

/// Returns the accepted runs that say something of their own.
///
/// A check that is defined otherwise now says nothing of then.
fn base(case: &Case, known: &ForkEvidence) -> Vec<Measure> {
    let digests = &case.baseline.definition.digests;
    let same: Vec<&CheckEvidence> = known
        .checks
        .iter()
        .filter(|(id, check)| digests.get(*id) == Some(&check.definition))
        .map(|(_id, check)| check)
        .collect();
    let mut runs = Vec::new();
    for (back, sample) in known.telling() {
        let said = || same.iter().filter_map(|check| check.said(back));
        let held = said().filter(|said| *said == Said::Passed);
        runs.push(measure(sample, count(said().count()), count(held.count())));
    }
    runs.reverse();
    runs
}

fn measure(sample: &SampleEvidence, asked: u32, held: u32) -> Measure {
    Measure {
        asked,
        held,
        steps: sample.steps,
        input_tokens: sample.input_tokens,
        output_tokens: sample.output_tokens,
        cost_micro_usd: sample.cost_micro_usd,
    }
}
