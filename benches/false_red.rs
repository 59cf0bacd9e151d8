//! How often a gate on noisy scores cries wolf, what it finds, and how many samples that takes: simulated.
//!
//! Forks of unknown quality are scored by a judge with a standard deviation of 0.2, once with the base and once with the
//! candidate. Each test sees the differences one after the other. `cargo bench --bench false_red -- 200` simulates 200
//! runs in place of 20,000. Seeded: the table is the same on every machine.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench fails loudly and prints its table"
)]

use rewind_gate::stats::mean::ClusteredMean;
use rewind_gate::stats::sequential::{Bounds, MeanTest, ProportionsTest, Side, SymmetryTest};
use rewind_gate::stats::{Design, Level, Passes, Random, fisher_worse};

const RUNS: usize = 20_000;
const FORKS: usize = 50;
/// How many pairs a run may take before it ends without a verdict.
const MOST_PAIRS: usize = 4 * FORKS;
const NOISE: f64 = 0.2;
const ALPHA: f64 = 0.05;
/// How often a drop of the margin may be called none.
const BETA: f64 = 0.2;
const MARGIN: f64 = 0.1;
/// The most samples of each side of one fork that passes or fails.
const MOST_SAMPLES: u32 = 12;

fn main() {
    let runs = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(RUNS);
    let critical = critical_values();
    println!(
        "{runs} runs of {FORKS} forks, judge noise {NOISE}, at most {MOST_PAIRS} pairs; alpha {ALPHA}.\n"
    );
    println!("| drop | test | red | confirmed | cleared | undecided | pairs |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (name, drops) in scenarios() {
        let tested = |test: Test| {
            let mut random = Random::seeded(1);
            let mut total = Total::default();
            for _ in 0..runs {
                let mut pairs = Pairs::new(&drops, &mut random);
                let (outcome, count) = test.run(&mut pairs, &critical);
                total.add(outcome, count);
                if matches!(outcome, Outcome::Red)
                    && matches!(test.run(&mut pairs, &critical).0, Outcome::Red)
                {
                    total.confirmed += 1;
                }
            }
            println!("| {name} | {} | {}", test.name(), total.row(runs));
            total.pairs.div_ceil(runs)
        };
        tested(Test::FixedT(planned_pairs()));
        tested(Test::PeekingT);
        let pairs = tested(Test::Symmetry);
        tested(Test::FixedT(pairs));
        tested(Test::Mean);
    }
    println!(
        "\n{runs} runs of one fork, up to {MOST_SAMPLES} samples of each side; alpha {ALPHA}.\n"
    );
    println!(
        "| base fails | candidate fails | Fisher at the end | Fisher at every look | e-process | its samples |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    for (base, candidate) in [
        (0.05, 0.05),
        (0.3, 0.3),
        (0.05, 0.4),
        (0.05, 0.7),
        (0.3, 0.8),
        (0.02, 1.0),
    ] {
        println!("{}", pass_fail(base, candidate, runs));
    }
}

/// Returns each scenario: its name and the drop of each fork.
fn scenarios() -> Vec<(&'static str, Vec<f64>)> {
    let tenth = (0..FORKS)
        .map(|fork| if fork % 10 == 0 { 0.2 } else { 0.0 })
        .collect();
    vec![
        ("none", vec![0.0; FORKS]),
        ("0.2 on a tenth", tenth),
        ("0.05 on all", vec![0.05; FORKS]),
        ("0.1 on all", vec![0.1; FORKS]),
        ("0.2 on all", vec![0.2; FORKS]),
    ]
}

/// The differences of one run, fork after fork in a random order, round after round.
struct Pairs<'a> {
    forks: Vec<(f64, f64)>,
    next: usize,
    random: &'a mut Random,
}

impl<'a> Pairs<'a> {
    fn new(drops: &[f64], random: &'a mut Random) -> Self {
        let mut forks: Vec<(f64, f64)> = drops
            .iter()
            .map(|drop| (0.4 + 0.4 * random.share(), *drop))
            .collect();
        for at in (1..forks.len()).rev() {
            forks.swap(at, random.below(at + 1));
        }
        Self {
            forks,
            next: 0,
            random,
        }
    }

    fn draw(&mut self) -> f64 {
        let (quality, drop) = self.forks[self.next % self.forks.len()];
        self.next += 1;
        let mut score = |truth: f64| (truth + NOISE * self.random.normal()).clamp(0.0, 1.0);
        score(quality - drop) - score(quality)
    }
}

#[derive(Clone, Copy)]
enum Test {
    /// A paired t-test of so many pairs.
    FixedT(usize),
    /// The same test after every pair from the tenth on, as people do who look.
    PeekingT,
    /// The sign-flip e-processes: one for a drop, one against a drop of the margin.
    Symmetry,
    /// The same two questions to the mean of bounded differences.
    Mean,
}

#[derive(Clone, Copy)]
enum Outcome {
    Red,
    Cleared,
    Undecided,
}

impl Test {
    fn name(self) -> &'static str {
        match self {
            Self::FixedT(pairs) if pairs == planned_pairs() => "t-test, planned n",
            Self::FixedT(_) => "t-test, as many as the line above",
            Self::PeekingT => "t-test, looked at",
            Self::Symmetry => "sign-flip e-process",
            Self::Mean => "betting on the mean",
        }
    }

    fn run(self, pairs: &mut Pairs<'_>, critical: &[f64]) -> (Outcome, usize) {
        match self {
            Self::FixedT(count) => {
                let mut sums = Sums::default();
                (0..count).for_each(|_| sums.add(pairs.draw()));
                let outcome = if sums.t() < -critical[count] {
                    Outcome::Red
                } else {
                    Outcome::Cleared
                };
                (outcome, count)
            }
            Self::PeekingT => {
                let mut sums = Sums::default();
                for (count, critical) in critical.iter().enumerate().skip(1) {
                    sums.add(pairs.draw());
                    if count >= 10 && sums.t() < -critical {
                        return (Outcome::Red, count);
                    }
                }
                (Outcome::Undecided, MOST_PAIRS)
            }
            Self::Symmetry => {
                let mut drop = SymmetryTest::new(0.0, MARGIN).expect("a margin");
                let mut none = SymmetryTest::new(MARGIN, MARGIN).expect("a margin");
                until_decided(pairs, |difference| {
                    drop.observe(difference).expect("a difference");
                    none.observe(-difference).expect("a difference");
                    (drop.e_value(), none.e_value())
                })
            }
            Self::Mean => {
                let test =
                    |bound, side| MeanTest::new(Bounds::DIFFERENCE, bound, side).expect("a bound");
                let (mut drop, mut none) = (test(0.0, Side::Below), test(-MARGIN, Side::Above));
                until_decided(pairs, |difference| {
                    drop.observe(difference).expect("a difference");
                    none.observe(difference).expect("a difference");
                    (drop.e_value(), none.e_value())
                })
            }
        }
    }
}

/// Returns how many pairs give the t-test its power at a drop of the margin.
fn planned_pairs() -> usize {
    let design = Design::new(ALPHA, 1.0 - BETA).expect("a design");
    let pairs = design.pairs_for_mean(NOISE * 2.0_f64.sqrt(), MARGIN);
    usize::try_from(pairs.expect("a drop")).expect("a small number")
}

/// Looks after every pair and stops as soon as one of the two kinds of evidence is enough.
fn until_decided(
    pairs: &mut Pairs<'_>,
    mut observe: impl FnMut(f64) -> (f64, f64),
) -> (Outcome, usize) {
    for count in 1..=MOST_PAIRS {
        let (drop, none) = observe(pairs.draw());
        if drop >= 1.0 / ALPHA {
            return (Outcome::Red, count);
        }
        if none >= 1.0 / BETA {
            return (Outcome::Cleared, count);
        }
    }
    (Outcome::Undecided, MOST_PAIRS)
}

/// What a t statistic is made of.
#[derive(Default)]
struct Sums {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    fn t(&self) -> f64 {
        let mean = self.sum / self.count;
        let variance = (self.squares / self.count - mean * mean) / (self.count - 1.0);
        mean / variance.sqrt()
    }
}

/// Returns what t must exceed by the number of pairs; the ends of a two-sided interval are two one-sided tests.
fn critical_values() -> Vec<f64> {
    let level = Level::new(1.0 - 2.0 * ALPHA).expect("a level");
    (0..=MOST_PAIRS)
        .map(|count| {
            let groups: Vec<Vec<f64>> = (0..count.max(2)).map(|at| vec![at as f64]).collect();
            let mean = ClusteredMean::new(&groups).expect("values");
            (mean.interval(level).high - mean.mean) / mean.standard_error
        })
        .collect()
}

/// What many runs came to.
#[derive(Default)]
struct Total {
    red: usize,
    /// Red, and red once more with new pairs of the same forks.
    confirmed: usize,
    cleared: usize,
    undecided: usize,
    pairs: usize,
}

impl Total {
    fn add(&mut self, outcome: Outcome, pairs: usize) {
        match outcome {
            Outcome::Red => self.red += 1,
            Outcome::Cleared => self.cleared += 1,
            Outcome::Undecided => self.undecided += 1,
        }
        self.pairs += pairs;
    }

    fn row(&self, runs: usize) -> String {
        let percent = |count: usize| format!("{:.1}%", 100.0 * count as f64 / runs as f64);
        let pairs = self.pairs as f64 / runs as f64;
        let (red, confirmed) = (percent(self.red), percent(self.confirmed));
        let (cleared, undecided) = (percent(self.cleared), percent(self.undecided));
        format!("{red} | {confirmed} | {cleared} | {undecided} | {pairs:.0} |")
    }
}

/// Returns the row of a fork whose samples pass or fail at these rates.
fn pass_fail(base: f64, candidate: f64, runs: usize) -> String {
    let mut random = Random::seeded(2);
    let (mut at_the_end, mut looked, mut found, mut samples) = (0_usize, 0_usize, 0_usize, 0_u32);
    for _ in 0..runs {
        let (mut before, mut now) = (Passes::default(), Passes::default());
        let mut test = ProportionsTest::new();
        let (mut is_surprising, mut found_after) = (false, None);
        for count in 1..=MOST_SAMPLES {
            let (one, other) = (draw(&mut random, base), draw(&mut random, candidate));
            test.observe(one, other);
            (before, now) = (sum(before, one), sum(now, other));
            is_surprising |= fisher_worse(before, now) <= ALPHA;
            if test.e_value() >= 1.0 / ALPHA {
                found_after = found_after.or(Some(count));
            }
        }
        at_the_end += usize::from(fisher_worse(before, now) <= ALPHA);
        looked += usize::from(is_surprising);
        found += usize::from(found_after.is_some());
        samples += found_after.unwrap_or(MOST_SAMPLES);
    }
    let percent = |count: usize| format!("{:.1}%", 100.0 * count as f64 / runs as f64);
    let samples = f64::from(samples) / runs as f64;
    let (at_the_end, looked, found) = (percent(at_the_end), percent(looked), percent(found));
    format!("| {base} | {candidate} | {at_the_end} | {looked} | {found} | {samples:.1} |")
}

fn draw(random: &mut Random, failures: f64) -> Passes {
    let failed = u32::from(random.share() < failures);
    Passes {
        passed: 1 - failed,
        failed,
    }
}

fn sum(one: Passes, other: Passes) -> Passes {
    Passes {
        passed: one.passed + other.passed,
        failed: one.failed + other.failed,
    }
}
