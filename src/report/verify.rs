//! Computes the verdicts of a report again from the facts in it.

use std::collections::BTreeMap;
use std::fmt;

use super::escape::plain;
use super::run_report::{ForkReport, RunReport, decide, savings_of, suite_of};
use super::units::excerpt;
use crate::gate::{
    Delta, Noise, NoiseFork, NoiseSource, Shown, SuiteTest, Verdict, decide_fork, deltas,
};

/// A statement of a report that does not follow from the facts in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// Which statement, such as `tokyo@auto: verdict`.
    pub place: String,
    /// What the report says.
    pub said: String,
    /// What follows from the facts.
    pub found: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A report may come from a stranger.
        let shown = |text: &str| excerpt(&plain(text), 300);
        write!(
            f,
            "{}: the report says {}, its facts say {}",
            shown(&self.place),
            shown(&self.said),
            shown(&self.found)
        )
    }
}

impl RunReport {
    /// Returns what in it does not follow from the facts in it; nothing for a report as it was written.
    pub fn mismatches(&self) -> Vec<Mismatch> {
        let mut found = Vec::new();
        let mut compare = |place: &str, said: String, computed: String| {
            if said != computed {
                found.push(Mismatch {
                    place: place.to_owned(),
                    said,
                    found: computed,
                });
            }
        };
        let mut forks = self.forks.clone();
        for fork in &mut forks {
            let decided = decide_fork(&fork.evidence);
            let name = fork.name();
            compare(
                &format!("{name}: verdict"),
                fork.decision.verdict.to_string(),
                decided.verdict.to_string(),
            );
            compare(
                &format!("{name}: why"),
                fork.decision.why.clone(),
                decided.why.clone(),
            );
            let compared = fork.comparison.as_ref();
            let samples = &fork.evidence.samples;
            if compared.is_some_and(|compared| !compared.follows_from(samples)) {
                compare(
                    &format!("{name}: comparison"),
                    "other checks".to_owned(),
                    "those of its samples".to_owned(),
                );
            }
            fork.decision = decided;
            let computed = deltas(&fork.evidence);
            if !is_same_delta(&fork.deltas, &computed) {
                let said = format!("{:?}", fork.deltas);
                compare(&format!("{name}: deltas"), said, format!("{computed:?}"));
            }
        }
        for (place, said, wanted) in self.beyond(&forks) {
            compare(&place, said, wanted);
        }
        let suite = suite_of(&forks);
        if !is_same(&self.suite, &suite) {
            let (said, computed) = (&self.suite, &suite);
            compare("suite", format!("{said:?}"), format!("{computed:?}"));
        }
        let run = decide(&forks, &suite, &self.policy);
        compare("verdict", word(self.verdict), word(run.shown));
        compare("exit", self.exit.to_string(), run.exit.code().to_string());
        compare("gating", self.gating.to_string(), run.gating.to_string());
        compare("covered", self.covered.to_string(), run.covered.to_string());
        compare("counts", counts(&self.counts), counts(&run.counts));
        let savings = savings_of(&forks, self.noise.as_ref());
        if self.savings != savings {
            let (said, computed) = (self.savings, savings);
            compare("savings", format!("{said:?}"), format!("{computed:?}"));
        }
        found
    }

    /// Returns what the forks are held to that they can't be, each with where it stands, what it is, and what it has to be.
    fn beyond(&self, forks: &[ForkReport]) -> Vec<(String, String, String)> {
        let mut found = Vec::new();
        let gating = forks.iter().filter(|fork| fork.evidence.is_gating);
        let gating = u32::try_from(gating.count()).unwrap_or(u32::MAX);
        let least = self.noise.as_ref().map(Noise::least).unwrap_or_default();
        for fork in forks {
            let name = fork.name();
            let evidence = &fork.evidence;
            let mut unless = |is: bool, what: &str, said: String, wanted: String| {
                if !is {
                    found.push((format!("{name}: {what}"), said, wanted));
                }
            };
            let is_level = evidence.alpha > 0.0 && evidence.alpha < 0.5;
            let level = "a chance below 0.5".to_owned();
            unless(is_level, "alpha", evidence.alpha.to_string(), level);
            let is_share = (0.0..=1.0).contains(&evidence.margin);
            let share = "a share".to_owned();
            unless(is_share, "margin", evidence.margin.to_string(), share);
            // A part does not hold the forks of the others.
            let (tests, sessions) = (evidence.tests, evidence.sessions);
            let is_known = self.shard.is_some() || tests <= gating && sessions <= gating;
            let said = format!("{tests} tests, {sessions} baselines");
            unless(is_known, "tests", said, format!("at most {gating}"));
            let held = evidence.noise.clone();
            let is_live = evidence.is_live();
            let is_held = is_live && held == least || !is_live && held.is_empty();
            let wanted = format!("{least:?}");
            unless(is_held, "noise", format!("{held:?}"), wanted);
        }
        let Some(noise) = &self.noise else {
            return found;
        };
        let is_there = |one: &NoiseFork| {
            let mut known = forks.iter().map(|fork| &fork.evidence);
            known.any(|fork| fork.baseline == one.baseline)
        };
        let said_by_forks = match noise.source {
            NoiseSource::Base => Noise::of_base(forks.iter().map(|fork| &fork.evidence)),
            NoiseSource::Unaffected | NoiseSource::Accepted => Some(noise.clone()),
        };
        let same = said_by_forks.is_some_and(|found| found.forks == noise.forks);
        if !same || !noise.is_consistent() || !noise.forks.iter().all(is_there) {
            let (said, wanted) = ("another difference", "that of its forks");
            found.push(("noise".to_owned(), said.to_owned(), wanted.to_owned()));
        }
        found
    }

    /// Returns whether everything in it follows from the facts in it.
    pub fn is_consistent(&self) -> bool {
        self.mismatches().is_empty()
    }
}

/// Returns whether two sides say the same: numbers may differ where another machine rounds otherwise.
fn is_same(said: &[SuiteTest], computed: &[SuiteTest]) -> bool {
    let rounded = |tests: &[SuiteTest]| -> Vec<SuiteTest> {
        let of_one = |test: &SuiteTest| SuiteTest {
            base: round(test.base),
            head: round(test.head),
            interval: test.interval.map(|ends| ends.map(round)),
            effective_forks: round(test.effective_forks),
            p_value: round(test.p_value),
            ..test.clone()
        };
        tests.iter().map(of_one).collect()
    };
    rounded(said) == rounded(computed)
}

fn is_same_delta(said: &[Delta], computed: &[Delta]) -> bool {
    let rounded = |deltas: &[Delta]| -> Vec<Delta> {
        let of_one = |delta: &Delta| Delta {
            base: round(delta.base),
            head: round(delta.head),
            interval: delta.interval.map(|ends| ends.map(round)),
            ..delta.clone()
        };
        deltas.iter().map(of_one).collect()
    };
    rounded(said) == rounded(computed)
}

fn round(number: f64) -> f64 {
    (number * 1e9).round() / 1e9
}

fn word(shown: Shown) -> String {
    shown.as_str().to_owned()
}

fn counts(counts: &BTreeMap<Verdict, u32>) -> String {
    let parts: Vec<String> = counts
        .iter()
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::run_report::Content;
    use super::super::testing::report;
    use super::*;
    use crate::replay::Tally;

    /// What is changed, and how.
    type Change = (&'static str, fn(&mut RunReport));

    #[test]
    fn every_statement_that_was_changed_is_found_out() {
        let original = report(Content::Excerpt);
        assert_eq!(original.mismatches(), []);
        let changes: [Change; 11] = [
            ("verdict", |report| report.verdict = Shown::Pass),
            ("exit", |report| report.exit = 0),
            ("gating", |report| report.gating = 0),
            ("covered", |report| report.covered += 1),
            ("counts", |report| report.counts.clear()),
            ("savings", |report| report.savings.saved.calls += 1),
            ("broken|copy@auto: verdict", |report| {
                report.forks[0].decision.verdict = Verdict::Stable;
            }),
            ("broken|copy@auto: why", |report| {
                report.forks[0].decision.why = "all is well".to_owned();
            }),
            ("broken|copy@auto: tests", |report| {
                report.forks[0].evidence.sessions = 4_000_000_000;
            }),
            ("broken|copy@auto: margin", |report| {
                report.forks[0].evidence.margin = -1e308;
            }),
            ("noise", |report| {
                let nobody = NoiseFork {
                    baseline: "nobody".to_owned(),
                    fork: "auto".to_owned(),
                    measures: BTreeMap::new(),
                };
                report.noise = Some(Noise {
                    source: NoiseSource::Accepted,
                    difference: BTreeMap::new(),
                    forks: vec![nobody],
                    paid: Tally::default(),
                });
            }),
        ];
        for (place, change) in changes {
            let mut forged = original.clone();
            change(&mut forged);
            let found: Vec<String> = forged
                .mismatches()
                .into_iter()
                .map(|one| one.place)
                .collect();
            assert_eq!(found, [place]);
        }
        // Facts that were taken away change what follows.
        let mut forged = original;
        forged.forks[0].evidence.samples.clear();
        assert!(!forged.is_consistent());
    }
}
