//! Seeded changes of the research agent, harmful and harmless, each put to the gate as a pull request would be.
//!
//! A [`Case`] is a change of the agent's code, its prompts and the model behind it, made in a copy of the agent and its
//! committed baselines. What the gate says of it is counted by class in one [`Table`]: a gate that never says no, or
//! always, does not look good in it. Everything follows from the seed.

#![allow(
    clippy::unnecessary_wraps,
    reason = "every class is drawn alike, also one that always has a place"
)]

mod answers;
mod calls;
mod code;
mod harmless;
mod place;
mod random;
mod rules;
mod runs;
mod subject;
mod table;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

pub(crate) use place::Place;
use random::Random;
use subject::Subject;
pub(crate) use table::Table;

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A check can know that it is wrong.
    Deterministic,
    /// What is wrong is what the answer means.
    Semantic,
    /// Nothing is wrong.
    Harmless,
}

/// One change.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Its class, as the table shows it.
    pub(crate) class: &'static str,
    /// What kind of class that is.
    pub(crate) kind: Kind,
    /// The baseline that it is put to.
    pub(crate) baseline: String,
    /// What was done.
    pub(crate) what: String,
    /// The change itself.
    change: Change,
}

/// What is changed in a copy of the agent.
#[derive(Debug, Clone, Default)]
struct Change {
    /// Python that stands behind everything else of `agent.py`, before it runs.
    code: String,
    /// A sentence at the end of an agent's prompt.
    prompt: Option<(String, &'static str)>,
    /// How the model answers: rules before all others.
    rules: Vec<toml::Table>,
    /// Whether the baseline was recorded with an id and a date in every task.
    is_stamped: bool,
}

/// Draws a change of a class for one of the subjects; `None` where this one has no place for it.
type Draw = fn(&Subject, &[Subject], &mut Random) -> Option<(String, Change)>;

/// The classes, in the order of the table.
const CLASSES: &[(&str, Kind, Draw)] = &[
    ("dropped call", Kind::Deterministic, calls::dropped),
    ("swapped calls", Kind::Deterministic, calls::swapped),
    ("altered argument", Kind::Deterministic, calls::altered),
    ("skipped step", Kind::Deterministic, runs::skipped),
    ("wrong sub-agent", Kind::Deterministic, calls::misdirected),
    ("forbidden tool", Kind::Deterministic, calls::forbidden),
    ("loop", Kind::Deterministic, calls::looped),
    ("over-spending", Kind::Deterministic, runs::dear),
    ("crash", Kind::Deterministic, runs::crashed),
    ("stale data", Kind::Deterministic, runs::stale),
    ("truncated answer", Kind::Deterministic, answers::truncated),
    (
        "half-printed answer",
        Kind::Deterministic,
        answers::half_printed,
    ),
    ("foreign answer", Kind::Deterministic, answers::foreign),
    ("another number", Kind::Semantic, answers::miscounted),
    ("negated answer", Kind::Semantic, answers::negated),
    ("invented claim", Kind::Semantic, answers::invented),
    ("unchanged", Kind::Harmless, harmless::unchanged),
    (
        "white space, order of keys",
        Kind::Harmless,
        harmless::bytes,
    ),
    ("headers, ids, metadata", Kind::Harmless, harmless::metadata),
    (
        "order of parallel workers",
        Kind::Harmless,
        harmless::workers,
    ),
    ("ids and dates that vary", Kind::Harmless, harmless::stamps),
    ("code moved about", Kind::Harmless, harmless::refactored),
    (
        "prompt, model or temperature",
        Kind::Harmless,
        harmless::treatment,
    ),
    ("answer in other words", Kind::Harmless, harmless::reworded),
];

/// Returns as many harmful and as many harmless changes, spread over their classes and all different.
pub(crate) fn cases(number: usize, seed: u64, place: &Place) -> Vec<Case> {
    let subjects = subject::all(place.repository());
    let mut cases = Vec::new();
    for is_harmless in [false, true] {
        let classes: Vec<_> = CLASSES
            .iter()
            .filter(|(_name, kind, _draw)| (*kind == Kind::Harmless) == is_harmless)
            .collect();
        let mut drawn = BTreeSet::new();
        let mut made = 0;
        let mut tries = 0_u64;
        while made < number {
            tries += 1;
            assert!(
                tries < 200 * (number as u64 + 50),
                "{made} of {number} different changes were found"
            );
            let turn = usize::try_from(tries).expect("a small number") - 1;
            let (class, kind, draw) = classes[turn % classes.len()];
            let mut random = Random::new(seed, class, tries);
            let subject = &subjects[random.below(subjects.len())];
            let Some((what, change)) = draw(subject, &subjects, &mut random) else {
                continue;
            };
            if is_harmless || drawn.insert((*class, subject.name.clone(), what.clone())) {
                made += 1;
                let baseline = subject.name.clone();
                cases.push(Case {
                    class,
                    kind: *kind,
                    baseline,
                    what,
                    change,
                });
            }
        }
    }
    cases
}

/// Puts all cases to the gate, as many at once as there are processors.
pub(crate) fn run(cases: &[Case], place: &Place) -> Table {
    let jobs = thread::available_parallelism().map_or(2, usize::from);
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _job in 0..jobs {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = place.gate(case);
                    found.lock().expect("no job panicked").push((case, outcome));
                }
            });
        }
    });
    let found = found.into_inner().expect("no job panicked");
    Table::new(
        CLASSES.iter().map(|(class, kind, _draw)| (*class, *kind)),
        &found,
    )
}
