//! Puts the parts of a run that was shared out together.

use std::collections::{BTreeMap, BTreeSet};

use super::circumstances::{Conditions, Timing};
use super::run_report::{ForkReport, RunReport};
use crate::gate::{Noise, decide_fork};

/// Parts that can't be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is none.
    #[error("there is no part of a run to merge")]
    Nothing,
    /// A report of a whole run.
    #[error("`{0}` is a whole run, not a part of one; run the gate with `--shard I/N`")]
    Whole(String),
    /// Parts that were made under different conditions.
    #[error("`{first}` and `{second}` are parts of different runs: {what} differs")]
    Different {
        /// Where the first part was found.
        first: String,
        /// Where the other one was found.
        second: String,
        /// What differs.
        what: &'static str,
    },
    /// Parts that are not there.
    #[error("of {total} parts these are missing: {missing}; run them again and merge all")]
    Missing {
        /// How many parts there are.
        total: u32,
        /// The numbers of those missing.
        missing: String,
    },
    /// A fork that is in two parts.
    #[error("`{fork}` is in part {first} and in part {second}, so they did not share one run")]
    Twice {
        /// The fork's name.
        fork: String,
        /// The first part.
        first: u32,
        /// The other one.
        second: u32,
    },
}

/// Returns the run that these parts are of; each is given with the place where it was found.
///
/// Of two attempts at one part the later counts.
///
/// # Errors
/// A part is missing, or they are not all of one run.
pub fn merge(parts: Vec<(String, RunReport)>) -> Result<RunReport, MergeError> {
    let mut latest: BTreeMap<u32, (String, RunReport)> = BTreeMap::new();
    let mut total = None;
    let mut first: Option<(String, RunReport)> = None;
    for (place, part) in parts {
        let Some(shard) = part.shard else {
            return Err(MergeError::Whole(place));
        };
        match &first {
            None => first = Some((place.clone(), part.clone())),
            Some((first, of)) => {
                if let Some(what) = difference(of, &part) {
                    let (first, second) = (first.clone(), place);
                    return Err(MergeError::Different {
                        first,
                        second,
                        what,
                    });
                }
            }
        }
        total = Some(shard.total);
        let is_later = latest
            .get(&shard.index)
            .is_none_or(|(_place, known)| known.timing.started_at <= part.timing.started_at);
        if is_later {
            latest.insert(shard.index, (place, part));
        }
    }
    let (Some((_place, first)), Some(total)) = (first, total) else {
        return Err(MergeError::Nothing);
    };
    let missing: Vec<String> = (1..=total)
        .filter(|index| !latest.contains_key(index))
        .map(|index| index.to_string())
        .collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(MergeError::Missing { total, missing });
    }
    put_together(
        &first,
        latest.into_iter().map(|(index, (_, part))| (index, part)),
    )
}

fn put_together(
    first: &RunReport,
    parts: impl Iterator<Item = (u32, RunReport)>,
) -> Result<RunReport, MergeError> {
    let mut owners: BTreeMap<String, u32> = BTreeMap::new();
    let mut notes = BTreeSet::new();
    let mut forks: Vec<ForkReport> = Vec::new();
    let mut timing: Option<Timing> = None;
    let mut content = first.content;
    let mut noise = Vec::new();
    for (index, part) in parts {
        noise.extend(part.noise);
        for fork in &part.forks {
            if let Some(known) = owners.insert(fork.name(), index) {
                return Err(MergeError::Twice {
                    fork: fork.name(),
                    first: known,
                    second: index,
                });
            }
        }
        content = content.min(part.content);
        forks.extend(part.forks);
        notes.extend(part.notes);
        timing = Some(match timing {
            None => part.timing,
            Some(sum) => added(sum, part.timing),
        });
    }
    let noise = Noise::merged(noise);
    let least = noise.as_ref().map(Noise::least).unwrap_or_default();
    // Each part was held to what was run in it alone. How the chance of a false alarm is shared out, all of them knew.
    for fork in forks.iter_mut().filter(|fork| fork.evidence.is_live()) {
        fork.evidence.noise.clone_from(&least);
        fork.decision = decide_fork(&fork.evidence);
    }
    let mut whole = RunReport::new(forks, first.policy, content);
    whole.control(noise);
    whole.notes = notes.into_iter().collect();
    whole.conditions = first.conditions.clone();
    whole.timing = timing.unwrap_or_default();
    Ok(whole)
}

/// Returns the time of parts that ran beside each other.
fn added(sum: Timing, part: Timing) -> Timing {
    let mut forks_ms = sum.forks_ms;
    forks_ms.extend(part.forks_ms);
    Timing {
        started_at: sum.started_at.min(part.started_at),
        duration_ms: sum.duration_ms.max(part.duration_ms),
        paid_us: sum.paid_us.saturating_add(part.paid_us),
        forks_ms,
    }
}

/// Returns what keeps two reports from being parts of one run.
fn difference(a: &RunReport, b: &RunReport) -> Option<&'static str> {
    let Conditions {
        commit,
        config,
        baselines,
        reference: _,
        profile: _,
    } = &a.conditions;
    let total = |report: &RunReport| report.shard.map(|shard| shard.total);
    let differs = [
        (total(a) != total(b), "the number of parts"),
        (*commit != b.conditions.commit, "the commit"),
        (*config != b.conditions.config, "the configuration"),
        (*baselines != b.conditions.baselines, "the set of baselines"),
        (a.policy != b.policy, "the policy"),
        (a.generator != b.generator, "the version of rewind"),
    ];
    differs
        .into_iter()
        .find(|(differs, _what)| *differs)
        .map(|(_differs, what)| what)
}

#[cfg(test)]
mod tests {
    use super::super::run_report::Content;
    use super::super::testing::report;
    use super::*;
    use crate::gate::{Shard, Verdict};

    /// What is changed, and how.
    type Change = (&'static str, fn(&mut RunReport));

    /// Returns a whole run, and it in three parts, one of them empty.
    fn parts() -> (RunReport, Vec<(String, RunReport)>) {
        let whole = report(Content::None);
        let cut = [0..2, 2..5, 5..5];
        let parts = cut.into_iter().zip(1..).map(|(range, index)| {
            let forks = whole.forks[range].to_vec();
            let mut part = RunReport::new(forks, whole.policy, whole.content);
            part.shard = Some(Shard { index, total: 3 });
            (format!("part-{index}"), part)
        });
        let parts = parts.collect();
        (whole, parts)
    }

    #[test]
    fn the_parts_are_the_whole_in_whatever_order() {
        let (whole, mut parts) = parts();
        assert_eq!(merge(parts.clone()).unwrap(), whole);
        parts.reverse();
        assert_eq!(merge(parts).unwrap().to_json(), whole.to_json());
    }

    #[test]
    fn a_part_that_was_tried_again_replaces_its_earlier_attempt() {
        let (whole, mut parts) = parts();
        let mut failed = parts[1].clone();
        failed.1.forks[0].decision.verdict = Verdict::Violated;
        for (_place, part) in &mut parts {
            part.timing.started_at = jiff::Timestamp::from_second(100).unwrap();
        }
        parts.push(failed);
        let mut merged = merge(parts).unwrap();
        merged.timing = Timing::default();
        assert_eq!(merged, whole);
    }

    #[test]
    fn what_is_no_whole_run_is_refused() {
        let (whole, parts) = parts();
        let missing = merge(parts[..1].to_vec()).unwrap_err().to_string();
        assert!(
            missing.contains("of 3 parts these are missing: 2, 3"),
            "{missing}"
        );
        assert_eq!(merge(Vec::new()), Err(MergeError::Nothing));
        let not_a_part = merge(vec![("x".into(), whole)]).unwrap_err();
        assert_eq!(not_a_part, MergeError::Whole("x".into()));
        let changes: [Change; 6] = [
            ("number of parts", |part| {
                part.shard.as_mut().unwrap().total = 4;
            }),
            ("commit", |part| part.conditions.commit = Some("abc".into())),
            ("configuration", |part| part.conditions.config = "x".into()),
            ("set of baselines", |part| {
                part.conditions.baselines = "x".into();
            }),
            ("policy", |part| part.policy.min_coverage = 0.1),
            ("version", |part| part.generator = "rewind 9".into()),
        ];
        for (what, change) in changes {
            let mut parts = parts.clone();
            change(&mut parts[2].1);
            let error = merge(parts).unwrap_err().to_string();
            assert!(
                error.contains("`part-1` and `part-3`") && error.contains(what),
                "{error}"
            );
        }
        let mut parts = parts;
        parts[2].1.forks = parts[0].1.forks.clone();
        assert!(matches!(
            merge(parts),
            Err(MergeError::Twice {
                first: 1,
                second: 3,
                ..
            })
        ));
    }
}
