//! What unchanged forks differ by today, as people read it.

use super::deltas::{measure, signed};
use super::run_report::RunReport;
use crate::gate::{Noise, NoiseSource};

/// The A/A control of a run in two sentences.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct NoiseView {
    /// What was measured, on what.
    pub(super) found: String,
    /// What follows from it.
    pub(super) so: String,
}

/// Returns the control of a run; `None` where there was none.
pub(super) fn noise(report: &RunReport) -> Option<NoiseView> {
    let noise = report.noise.as_ref()?;
    let differences: Vec<String> = noise
        .difference
        .iter()
        .map(|(name, difference)| match noise.source {
            NoiseSource::Accepted => format!("{} {difference:.2}", measure(name)),
            NoiseSource::Base | NoiseSource::Unaffected => {
                format!("{} {}", measure(name), signed(*difference))
            }
        })
        .collect();
    let found = format!("{}: {}", on_what(noise), differences.join(", "));
    let margin = report.forks.iter().map(|fork| fork.evidence.margin);
    let margin = margin.fold(0.0, f64::max);
    let so = if noise.source == NoiseSource::Accepted {
        "the tests of each fork allow for that".to_owned()
    } else if noise.least().values().any(|fell| *fell > margin) {
        "no smaller fall of what changed counts".to_owned()
    } else {
        format!("no fall beyond the margin of {margin}, which stays")
    };
    Some(NoiseView { found, so })
}

/// Returns what was measured twice.
fn on_what(noise: &Noise) -> String {
    let number = noise.forks.len();
    let forks = match number {
        1 => "1 fork".to_owned(),
        number => format!("{number} forks"),
    };
    match noise.source {
        NoiseSource::Base => format!(
            "the agent of the base, run again, differs from the accepted samples of {forks} by"
        ),
        NoiseSource::Unaffected => format!(
            "{forks} of which nothing changed, run again, {} from {} accepted samples by",
            if number == 1 { "differs" } else { "differ" },
            if number == 1 { "its" } else { "their" },
        ),
        NoiseSource::Accepted => format!(
            "no unchanged fork could be run again; two halves of the accepted samples of {forks} differ by chance by about"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::run_report::Content;
    use super::super::testing::report;
    use super::*;
    use crate::gate::{NoiseFork, NoiseSides, PASSES};

    fn of(source: NoiseSource, after: &[f64]) -> String {
        let sides = NoiseSides {
            before: vec![1.0, 1.0],
            after: after.to_vec(),
        };
        let fork = NoiseFork {
            baseline: "tokyo".to_owned(),
            fork: "start".to_owned(),
            measures: [
                (PASSES.to_owned(), sides.clone()),
                ("correctness".to_owned(), sides),
            ]
            .into(),
        };
        let mut report = report(Content::None);
        report.control(Noise::new(source, vec![fork]));
        let view = noise(&report).unwrap();
        format!("{}; {}", view.found, view.so)
    }

    #[test]
    fn it_says_what_was_run_again_and_what_follows() {
        insta::assert_snapshot!(
            [
                of(NoiseSource::Unaffected, &[1.0, 0.9]),
                of(NoiseSource::Base, &[0.5, 0.5]),
                of(NoiseSource::Accepted, &[1.0, 0.5]),
            ]
            .join("\n")
        );
    }
}
