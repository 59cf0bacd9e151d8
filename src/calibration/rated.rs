//! Items with what people and the judge say of them, and how often the judge contradicts itself.

use serde::{Deserialize, Serialize};

/// What people and the judge say of one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Rated {
    /// Whether it passes as people see it.
    pub label: bool,
    /// What it shares with other items.
    pub group: Option<String>,
    /// The judge's score at each asking, from 0 to 1; `None` where it has not measured. At least one.
    pub scores: Vec<Option<f64>>,
}

impl Rated {
    /// Returns the score that counts: that of the first asking, as a gate asks once.
    pub fn score(&self) -> Option<f64> {
        self.scores.first().copied().flatten()
    }
}

/// How often the judge contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flips {
    /// Number of items with two measured askings or more.
    pub items: u32,
    /// How many of them it passed at one asking and failed at another.
    pub flipped: u32,
    /// How often two askings about one item come to different verdicts, from 0 to 1.
    pub rate: f64,
}

/// Returns how often the judge contradicts itself, where a score of `threshold` passes; `None` where no item was
/// measured twice.
pub fn flips(rated: &[Rated], threshold: f64) -> Option<Flips> {
    let (mut items, mut flipped, mut sum) = (0_u32, 0_u32, 0.0);
    for one in rated {
        let scores = one.scores.iter().flatten();
        let (passed, failed): (Vec<f64>, Vec<f64>) = scores.partition(|score| **score >= threshold);
        let (passed, failed) = (real(passed.len()), real(failed.len()));
        let all = passed + failed;
        if all < 2.0 {
            continue;
        }
        items += 1;
        flipped += u32::from(passed > 0.0 && failed > 0.0);
        sum += passed * failed / (all * (all - 1.0) / 2.0);
    }
    (items > 0).then(|| Flips {
        items,
        flipped,
        rate: sum / f64::from(items),
    })
}

fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
