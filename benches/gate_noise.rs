//! How often the gate cries wolf on a noisy judge, what it finds, and how many samples that takes: whole runs, simulated.
//!
//! Forks of unknown quality are scored with a standard deviation of 0.2. The samples go through the functions that the gate
//! decides with: which fork is run again ([`next_round`]), what a fork comes to ([`decide_fork`]), what all come to together
//! ([`suite`]), and the run ([`decide_run`]). `cargo bench --bench gate_noise -- 200` simulates 200 runs in place of 2,000.
//! Seeded: the table is the same on every machine.

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
    Accepted, ForkInput, Mode, Policy, Sample, Shown, USUAL_ALPHA, USUAL_MARGIN, decide_fork,
    decide_run, next_round, suite,
};
use rewind_gate::model::{ReplayReport, SampleRange};
use rewind_gate::stats::Random;

const RUNS: usize = 2_000;
const FORKS: usize = 50;
const NOISE: f64 = 0.2;
/// The score that passes, as by default.
const MIN: f64 = 0.5;
/// At which level a red is confirmed, with new samples of both sides.
const CONFIRMING: f64 = 0.2;

fn main() {
    let runs = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(RUNS);
    println!(
        "{runs} runs of {FORKS} baselines with one fork each, judge noise {NOISE}, `[gate]` at its defaults.\n"
    );
    println!(
        "| drop | accepted | red | red at any look | confirmed | t-test, as many samples | samples | of 12 |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for accepted in [1, 3, 6] {
        let mut critical = None;
        for (name, drops) in scenarios() {
            let mut random = Random::seeded(1);
            let found: Vec<Found> = (0..runs)
                .map(|_| simulated(&drops, accepted, &mut random))
                .collect();
            let samples = found.iter().map(|one| one.samples).sum::<usize>();
            let each = samples as f64 / (runs * FORKS) as f64;
            // The test that it is held against may give as many false alarms, and gets as many samples.
            let mut random = Random::seeded(2);
            let fixed = (each.round() as usize).max(1);
            let t: Vec<f64> = (0..runs)
                .map(|_| t_statistic(&drops, accepted, fixed, &mut random))
                .collect();
            let red = share(&found, |one| one.is_red);
            let critical = *critical.get_or_insert_with(|| quantile(t.clone(), red));
            let by_t = t.iter().filter(|t| **t < critical).count() as f64 / runs as f64;
            println!(
                "| {name} | {accepted} | {} | {} | {} | {} | {each:.1} | {} |",
                percent(red),
                percent(share(&found, |one| one.was_red)),
                percent(share(&found, |one| one.is_confirmed)),
                percent(by_t),
                percent(each / 12.0),
            );
        }
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
        was_red,
        is_confirmed: is_red && is_confirmed(&forks, &qualities, drops, random),
        samples: forks.iter().map(|fork| fork.samples.len()).sum(),
    }
}

/// Returns whether a red is one again with new samples of both sides: as many as the forks that are red had.
fn is_confirmed(
    forks: &[ForkInput],
    qualities: &[f64],
    drops: &[f64],
    random: &mut Random,
) -> bool {
    let is_alone = |fork: &ForkInput| decide_fork(fork).verdict.row().shown == Shown::Fail;
    let red: Vec<usize> = (0..forks.len())
        .filter(|nth| is_alone(&forks[*nth]))
        .collect();
    // Where all baselines are red together, all of them are asked again.
    let asked: Vec<usize> = if red.is_empty() {
        (0..forks.len()).collect()
    } else {
        red
    };
    let count = u32::try_from(asked.len()).expect("a few forks");
    let again: Vec<ForkInput> = asked
        .iter()
        .map(|&nth| {
            let samples = forks[nth].samples.len();
            let base: Vec<f64> = (0..samples)
                .map(|_| score(qualities[nth], random))
                .collect();
            let mut fork = fork(nth, &base);
            fork.alpha = CONFIRMING;
            (fork.tests, fork.sessions) = (count, count);
            fork.max_samples = fork.min_samples;
            for _ in 0..samples {
                fork.samples
                    .push(sample(score(qualities[nth] - drops[nth], random)));
            }
            fork
        })
        .collect();
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

/// Returns the paired t statistic of the forks' mean differences.
fn t_statistic(drops: &[f64], accepted: usize, samples: usize, random: &mut Random) -> f64 {
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
    mean / error
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
