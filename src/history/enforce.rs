//! What an enforced gate would have done: which runs it would have blocked, and what became of them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::entry::{Entry, ForkEntry, TriedAgain};
use super::flake::Share;
use super::past::in_time;
use crate::gate::{Mode, Shown, Verdict};

/// What became of a run that would have been blocked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is red again on the same commit, or was tried again beside the base and is worse.
    Confirmed,
    /// A later commit of the branch mended it.
    Fixed,
    /// What it did was accepted later.
    Accepted,
    /// Nothing has told yet.
    Open,
    /// The same commit is not red in another run.
    Cleared,
    /// It was red before, on an earlier commit.
    PreExisting,
    /// Too little was measured to say anything.
    NotMeasured,
}

/// A run that would have been blocked.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RedRun {
    /// When it began.
    pub started_at: jiff::Timestamp,
    /// The commit, where it is known.
    pub commit: Option<String>,
    /// The branch or other ref, where it is known.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// The forks that were red or not measured, such as `refund@auto`; of several, the one that says most stands first. None
    /// where all baselines were red together only.
    pub forks: Vec<String>,
}

/// Whether a team should enforce.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Advice {
    /// Wrong blocks are rare enough.
    Enforce,
    /// It is too early to say: so many more runs without a wrong block would do.
    Wait {
        /// How many.
        runs: u32,
    },
    /// Wrong blocks are too frequent.
    Advise,
}

/// What an enforced gate would have done.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Enforcing {
    /// How many runs there were.
    pub runs: u32,
    /// How many runs each outcome had, of those that would have been blocked.
    pub outcomes: BTreeMap<Outcome, u32>,
    /// Of all runs, those that would have been blocked for nothing: cleared or not measured.
    pub wrong: Share,
    /// Whether to enforce.
    pub advice: Advice,
    /// The runs that would have been blocked, the newest first.
    pub red: Vec<RedRun>,
}

impl Enforcing {
    /// How large a share of wrong blocks must be ruled out, at 95 percent, before a gate is enforced.
    pub const MOST_WRONG: f64 = 0.15;

    /// Returns how many runs had this outcome.
    pub fn count(&self, outcome: Outcome) -> u32 {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    /// Returns how many runs would have been blocked.
    pub fn blocked(&self) -> u32 {
        self.outcomes.values().sum()
    }
}

/// Returns what an enforced gate would have done in the last so many of these runs; in all where it is not said. The others
/// only say what became of them.
pub fn enforcing(entries: &[Entry], last: Option<usize>) -> Enforcing {
    let sorted = in_time(entries);
    let skipped = last.map_or(0, |last| sorted.len().saturating_sub(last));
    let mut red = Vec::new();
    let mut outcomes: BTreeMap<Outcome, u32> = BTreeMap::new();
    for (nth, entry) in sorted.iter().enumerate().skip(skipped) {
        if let Some(run) = red_run(&sorted, nth, entry) {
            *outcomes.entry(run.outcome).or_default() += 1;
            red.push(run);
        }
    }
    red.reverse();
    let runs = u32::try_from(sorted.len() - skipped).unwrap_or(u32::MAX);
    let count = |outcome| outcomes.get(&outcome).copied().unwrap_or_default();
    let wrong = count(Outcome::Cleared) + count(Outcome::NotMeasured);
    Enforcing {
        runs,
        wrong: Share::new(wrong, runs),
        advice: advice(runs, wrong, count(Outcome::Open)),
        outcomes,
        red,
    }
}

/// Returns whether to enforce after so many runs, of which so many were blocked for nothing; what is open may have been, too.
fn advice(runs: u32, wrong: u32, open: u32) -> Advice {
    let most = Enforcing::MOST_WRONG;
    if Share::new(wrong, runs).low > most {
        return Advice::Advise;
    }
    let is_enough = |runs: &u32| Share::new(wrong + open, *runs).high <= most;
    match (runs..=runs.saturating_add(MOST_RUNS)).find(is_enough) {
        Some(enough) if enough == runs => Advice::Enforce,
        Some(enough) => Advice::Wait {
            runs: enough - runs,
        },
        None => Advice::Advise,
    }
}

/// Returns what became of a run that would have been blocked; `None` of one that would not.
fn red_run(sorted: &[&Entry], nth: usize, entry: &Entry) -> Option<RedRun> {
    if matches!(entry.verdict, Shown::Pass | Shown::Look) {
        return None;
    }
    let gating = entry.forks.iter().filter(|fork| fork.is_gating);
    let bad = gating.filter(|fork| fork.verdict.row().shown == entry.verdict);
    let mut found: Vec<(Outcome, String)> = bad
        .map(|fork| {
            let name = format!("{}@{}", fork.baseline, fork.fork);
            (of_fork(sorted, nth, entry, fork), name)
        })
        .collect();
    if found.is_empty() {
        // No single fork is red: all of them together are.
        found.push((together(sorted, nth, entry), String::new()));
    }
    found.sort();
    let outcome = found.first().map(|(outcome, _name)| *outcome)?;
    let names = found.into_iter().map(|(_outcome, name)| name);
    Some(RedRun {
        started_at: entry.started_at,
        commit: entry.commit.clone(),
        reference: entry.reference.clone(),
        outcome,
        forks: names.filter(|name| !name.is_empty()).collect(),
    })
}

/// What one run says of the question whether another was right.
struct Witness<'a> {
    entry: &'a Entry,
    /// Whether it is red.
    is_red: bool,
    /// Whether it was held against the same.
    is_same_evidence: bool,
    mode: Mode,
}

fn of_fork(sorted: &[&Entry], nth: usize, entry: &Entry, fork: &ForkEntry) -> Outcome {
    if entry.verdict == Shown::NotMeasured {
        return Outcome::NotMeasured;
    }
    match fork.tried_again {
        Some(TriedAgain::Confirmed) => return Outcome::Confirmed,
        Some(TriedAgain::Cleared) => return Outcome::Cleared,
        Some(TriedAgain::NotMeasured) | None => {}
    }
    let name = (fork.baseline.as_str(), fork.fork.as_str());
    became(sorted, nth, (entry, fork.mode), |other| {
        let of_other = other.fork(name)?;
        let word = of_other.measured()?;
        Some(Witness {
            entry: other,
            is_red: word == Shown::Fail || of_other.verdict == Verdict::PreExisting,
            is_same_evidence: of_other.evidence == fork.evidence,
            mode: of_other.mode,
        })
    })
}

fn together(sorted: &[&Entry], nth: usize, entry: &Entry) -> Outcome {
    if entry.verdict == Shown::NotMeasured {
        return Outcome::NotMeasured;
    }
    became(sorted, nth, (entry, mode(entry)), |other| {
        (other.verdict != Shown::NotMeasured).then(|| Witness {
            entry: other,
            is_red: other.verdict == Shown::Fail,
            is_same_evidence: other.baselines == entry.baselines,
            mode: mode(other),
        })
    })
}

/// Returns whether anything could go live in a run.
fn mode(entry: &Entry) -> Mode {
    let mut forks = entry.forks.iter();
    if forks.any(|fork| fork.mode == Mode::Live) {
        Mode::Live
    } else {
        Mode::Offline
    }
}

/// Returns what became of a red, as the other runs tell it.
fn became<'a>(
    sorted: &[&'a Entry],
    nth: usize,
    (entry, mode): (&Entry, Mode),
    witness: impl Fn(&'a Entry) -> Option<Witness<'a>>,
) -> Outcome {
    let earlier = || sorted.iter().take(nth).rev().filter_map(|run| witness(run));
    let later = || sorted.iter().skip(nth + 1).filter_map(|run| witness(run));
    let is_repeat = |other: &Witness<'_>| {
        let is_same_code = entry.commit.is_some() && other.entry.commit == entry.commit;
        let is_same_question = other.is_same_evidence && other.mode == mode;
        is_same_code && is_same_question && other.entry.config == entry.config
    };
    let mut repeats = later().chain(earlier()).filter(is_repeat);
    if let Some(repeat) = repeats.next() {
        return if repeat.is_red {
            Outcome::Confirmed
        } else {
            Outcome::Cleared
        };
    }
    let branch = super::shift::usual_branch(sorted);
    let of_trunk = |other: &Witness<'_>| Some(&other.entry.reference) == branch;
    let before = earlier().find(|other| of_trunk(other) && other.is_same_evidence);
    if before.is_some_and(|before| before.is_red) {
        return Outcome::PreExisting;
    }
    let mended = later().find(|other| other.entry.reference == entry.reference && !other.is_red);
    match mended {
        Some(mended) if mended.is_same_evidence => Outcome::Fixed,
        Some(_) => Outcome::Accepted,
        None => Outcome::Open,
    }
}

/// How many more runs are asked for at most.
const MOST_RUNS: u32 = 1_000;
