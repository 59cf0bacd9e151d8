//! How often the gate cries wolf on a noisy judge, what it finds, and how many samples that takes: whole runs, simulated.
//!
//! Forks of unknown quality are scored with a standard deviation of 0.2. The samples go through the functions that the gate
//! decides with: which fork is run again ([`next_round`]), what a fork comes to ([`decide_fork`]), what all come to together
//! ([`suite`]), and the run ([`decide_run`]). `cargo bench --bench gate_noise -- 200` simulates 200 runs in place of 2,000.
//! Runs with a drop are a fourth of that. Seeded: the table is the same on every machine.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench fails loudly and prints its table"
)]

use rewind_gate::baseline::Said;
use rewind_gate::check::{CheckResult, Outcome, Score, Severity};
use rewind_gate::gate::{
    Accepted, Confirmation, ForkInput, Mode, Policy, Sample, Shown, USUAL_ALPHA, USUAL_MARGIN,
    Verdict, decide_fork, decide_run, next_round, suite,
};
use rewind_gate::model::{ReplayReport, SampleRange};
use rewind_gate::stats::Random;

const RUNS: usize = 2_000;
const FORKS: usize = 50;
const NOISE: f64 = 0.2;
/// The score that passes, as by default.
const MIN: f64 = 0.5;

fn main() {
    let runs = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(RUNS);
    println!(
        "{runs} runs of {FORKS} baselines with one fork each, judge noise {NOISE}, `[gate]` at its defaults.\n"
    );
    println!(
        "| drop | accepted | runs | red | red at any look | confirmed | always 12 samples | t-test | t-test, drop above 0.1 | samples |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let jobs: Vec<(usize, &'static str, Vec<f64>)> = [1, 3, 6]
        .into_iter()
        .flat_map(|accepted| {
            scenarios()
                .into_iter()
                .map(move |(name, drops)| (accepted, name, drops))
        })
        .collect();
    let rows: Vec<Row> = std::thread::scope(|scope| {
        let running: Vec<_> = jobs
            .iter()
            .map(|(accepted, name, drops)| {
                // What must hold is a share of few in many; what is found is a share of many.
                let runs = if *name == NONE {
                    runs
                } else {
                    runs.div_ceil(4)
                };
                scope.spawn(move || Row::of(runs, *accepted, drops))
            })
            .collect();
        let ended = running.into_iter().map(std::thread::ScopedJoinHandle::join);
        ended.map(|row| row.expect("no row panics")).collect()
    });
    let mut critical = 0.0;
    for ((accepted, name, _drops), row) in jobs.iter().zip(rows) {
        if *name == NONE {
            // The test that it is held against may give as many false alarms, and gets as many samples.
            critical = quantile(row.t.iter().map(|t| t.statistic).collect(), row.red);
        }
        let by_t = |margin: f64| {
            let found = |t: &&Tested| t.statistic < critical && t.mean < -margin;
            percent(row.t.iter().filter(found).count() as f64 / row.t.len() as f64)
        };
        println!(
            "| {name} | {accepted} | {} | {} | {} | {} | {} | {} | {} | {:.1}, {} of 12 |",
            row.runs,
            percent(row.red),
            percent(row.was_red),
            percent(row.confirmed),
            percent(row.with_all),
            by_t(f64::NEG_INFINITY),
            by_t(USUAL_MARGIN),
            row.samples,
            percent(row.samples / 12.0),
        );
    }
}

/// The scenario in which nothing changed.
const NONE: &str = "none";

/// One row of the table.
struct Row {
    runs: usize,
    red: f64,
    was_red: f64,
    confirmed: f64,
    with_all: f64,
    /// Samples of a fork on average.
    samples: f64,
    t: Vec<Tested>,
}

impl Row {
    fn of(runs: usize, accepted: usize, drops: &[f64]) -> Self {
        let mut random = Random::seeded(1);
        let found: Vec<Found> = (0..runs)
            .map(|_| simulated(drops, accepted, &mut random))
            .collect();
        let samples = found.iter().map(|one| one.samples).sum::<usize>();
        let samples = samples as f64 / (runs * FORKS) as f64;
        let mut random = Random::seeded(2);
        let fixed = (samples.round() as usize).max(1);
        let t = (0..runs)
            .map(|_| t_test(drops, accepted, fixed, &mut random))
            .collect();
        let mut random = Random::seeded(3);
        let with_all = (0..runs)
            .filter(|_| is_red_with_all(drops, accepted, &mut random))
            .count();
        Self {
            runs,
            red: share(&found, |one| one.is_red),
            was_red: share(&found, |one| one.was_red),
            confirmed: share(&found, |one| one.is_confirmed),
            with_all: with_all as f64 / runs as f64,
            samples,
            t,
        }
    }
}

/// Returns each scenario: its name and the drop of each fork.
fn scenarios() -> Vec<(&'static str, Vec<f64>)> {
    let tenth = (0..FORKS)
        .map(|fork| if fork % 10 == 0 { 0.2 } else { 0.0 })
        .collect();
    vec![
        (NONE, vec![0.0; FORKS]),
        ("0.2 on a tenth", tenth),
        ("0.1 on all", vec![0.1; FORKS]),
        ("0.15 on all", vec![0.15; FORKS]),
        ("0.2 on all", vec![0.2; FORKS]),
    ]
}

/// What a run came to.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own"
)]
struct Found {
    /// Whether it was red when it had ended.
    is_red: bool,
    /// Whether it was red after any of its rounds: who looks at all times sees the worst.
    was_red: bool,
    /// Whether it was red, and is so once more with new samples of both sides.
    is_confirmed: bool,
    /// Number of samples of all forks.
    samples: usize,
}

fn simulated(drops: &[f64], accepted: usize, random: &mut Random) -> Found {
    let range = SampleRange::default();
    let qualities: Vec<f64> = drops.iter().map(|_| 0.65 + 0.25 * random.share()).collect();
    let mut forks = forks(&qualities, accepted, random);
    let mut was_red = false;
    loop {
        let known: Vec<_> = forks.iter().map(|fork| (fork, range)).collect();
        let round = next_round(&known);
        if round.iter().all(|more| *more == 0) {
            break;
        }
        for (nth, more) in round.into_iter().enumerate() {
            for _ in 0..more {
                let score = score(qualities[nth] - drops[nth], random);
                forks[nth].samples.push(sample(score));
            }
        }
        was_red |= is_red(&forks);
    }
    let is_red = is_red(&forks);
    Found {
        is_red,
        was_red: was_red || is_red,
        is_confirmed: is_red && is_confirmed(&forks, &qualities, drops, random),
        samples: forks.iter().map(|fork| fork.samples.len()).sum(),
    }
}

/// Returns whether all samples that there can be, and one look at them, are red: what a fixed number comes to.
fn is_red_with_all(drops: &[f64], accepted: usize, random: &mut Random) -> bool {
    let qualities: Vec<f64> = drops.iter().map(|_| 0.65 + 0.25 * random.share()).collect();
    let mut forks = forks(&qualities, accepted, random);
    for (nth, fork) in forks.iter_mut().enumerate() {
        for _ in 0..SampleRange::default().max() {
            let score = score(qualities[nth] - drops[nth], random);
            fork.samples.push(sample(score));
        }
    }
    is_red(&forks)
}

/// Returns whether a red is one again with new samples of both sides, as `--base` takes them: of the forks that are red, and of
/// all where they are red together.
fn is_confirmed(
    forks: &[ForkInput],
    qualities: &[f64],
    drops: &[f64],
    random: &mut Random,
) -> bool {
    let range = SampleRange::default();
    let is_together = suite(forks)
        .iter()
        .any(|test| test.verdict == Some(Verdict::Regressed));
    let mut again = forks.to_vec();
    for (nth, fork) in again.iter_mut().enumerate() {
        let is_alone = decide_fork(fork).verdict.row().shown == Shown::Fail;
        if !is_alone && !is_together {
            continue;
        }
        let mut tried = Confirmation::default();
        while tried.base.is_empty() || is_alone && tried.is_open(fork, range) {
            for _ in 0..range.min() {
                let (base, now) = (qualities[nth], qualities[nth] - drops[nth]);
                tried.base.push(sample(score(base, random)));
                tried.candidate.push(sample(score(now, random)));
            }
        }
        fork.confirmation = Some(tried);
    }
    is_red(&again)
}

fn is_red(forks: &[ForkInput]) -> bool {
    let verdicts = forks.iter().map(|fork| (decide_fork(fork).verdict, true));
    let together = suite(forks);
    let together = together.iter().filter_map(|test| test.verdict);
    decide_run(verdicts, together, &Policy::default()).shown == Shown::Fail
}

fn forks(qualities: &[f64], accepted: usize, random: &mut Random) -> Vec<ForkInput> {
    let base = |quality: f64, random: &mut Random| -> Vec<f64> {
        (0..accepted).map(|_| score(quality, random)).collect()
    };
    qualities
        .iter()
        .enumerate()
        .map(|(nth, quality)| fork(nth, &base(*quality, random)))
        .collect()
}

fn fork(nth: usize, base: &[f64]) -> ForkInput {
    let count = u32::try_from(FORKS).expect("a few forks");
    let said = |score: &f64| {
        if *score >= MIN {
            Said::Passed
        } else {
            Said::Failed
        }
    };
    let results: Vec<Said> = base.iter().map(said).collect();
    ForkInput {
        baseline: format!("b{nth:02}"),
        fork: "last".to_owned(),
        step: None,
        is_gating: true,
        min_samples: SampleRange::default().min(),
        tests: count,
        sessions: if base.len() > 1 { count } else { 0 },
        max_samples: SampleRange::default().max(),
        alpha: USUAL_ALPHA,
        margin: USUAL_MARGIN,
        noise: std::collections::BTreeMap::new(),
        sample_cost_micro_usd: None,
        accepted: if results.contains(&Said::Passed) {
            Accepted::Passed
        } else {
            Accepted::Failed
        },
        accepted_results: results,
        accepted_scores: [("judge".to_owned(), base.iter().copied().map(Some).collect())].into(),
        unheard: Vec::new(),
        confirmation: None,
        samples: Vec::new(),
    }
}

/// Returns one run of the agent that the judge gave this score.
fn sample(score: f64) -> Sample {
    let check = |kind: &str, score: Option<Score>, outcome| CheckResult {
        id: kind.to_owned(),
        kind: kind.to_owned(),
        severity: Severity::Gate,
        score,
        k_of_n: None,
        outcome,
    };
    let judged = Score {
        evaluator: "correctness".to_owned(),
        value: Some(score),
        reference: None,
        max_drop: None,
        votes: Vec::new(),
    };
    let outcome = if score >= MIN {
        Outcome::passed("")
    } else {
        Outcome::Failed {
            findings: Vec::new(),
            is_violation: false,
        }
    };
    Sample {
        mode: Mode::Live,
        replay: ReplayReport::default(),
        exit: Some(0),
        recorded_exit: Some(0),
        fault: None,
        printed: None,
        is_same_trajectory: true,
        checks: vec![
            check("no_error", None, Outcome::passed("")),
            check("judge", Some(judged), outcome),
        ],
    }
}

fn score(quality: f64, random: &mut Random) -> f64 {
    (quality + NOISE * random.normal()).clamp(0.0, 1.0)
}

/// What a paired t-test is made of.
struct Tested {
    /// The mean of the forks' mean differences.
    mean: f64,
    /// It over its standard error.
    statistic: f64,
}

fn t_test(drops: &[f64], accepted: usize, samples: usize, random: &mut Random) -> Tested {
    let differences: Vec<f64> = drops
        .iter()
        .map(|drop| {
            let quality = 0.65 + 0.25 * random.share();
            let mut mean = |truth: f64, count: usize| {
                (0..count).map(|_| score(truth, random)).sum::<f64>() / count as f64
            };
            mean(quality - drop, samples) - mean(quality, accepted)
        })
        .collect();
    let count = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / count;
    let squares: f64 = differences.iter().map(|one| (one - mean).powi(2)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    Tested {
        mean,
        statistic: mean / error,
    }
}

/// Returns the value below which this share of the values lies.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (share * values.len() as f64).floor() as usize;
    values[at.min(values.len() - 1)]
}

fn share(found: &[Found], is: fn(&Found) -> bool) -> f64 {
    found.iter().filter(|one| is(one)).count() as f64 / found.len() as f64
}

fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}
