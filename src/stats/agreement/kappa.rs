//! Cohen's kappa: the agreement of two raters beyond what chance would give.
//!
//! Sources: J. Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological Measurement 20
//! (1960); its standard error: J. L. Fleiss, J. Cohen and B. S. Everitt, Psychological Bulletin 72 (1969), formula 13.

use super::super::error::StatsError;
use super::super::interval::{Interval, Level};
use super::super::mean::ClusteredMean;
use super::super::special::{normal_quantile_above, real};

/// Cohen's kappa of two raters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kappa {
    /// The share of items on which both say the same, from 0 to 1.
    pub agreement: f64,
    /// The agreement beyond chance, from -1 to 1; 0 is chance.
    pub kappa: f64,
    /// The standard error of kappa.
    pub standard_error: f64,
}

impl Kappa {
    /// Returns the kappa of a square table: a row for each answer of the first rater, a column for each of the second.
    ///
    /// # Errors
    /// Where the table isn't square or counts nothing, or where both raters always give one and the same answer: chance
    /// alone would agree as well.
    pub fn new(table: &[Vec<u32>]) -> Result<Self, StatsError> {
        if let Some(row) = table.iter().find(|row| row.len() != table.len()) {
            let (found, expected) = (row.len(), table.len());
            return Err(StatsError::Uneven {
                what: "table of two raters",
                found,
                expected,
            });
        }
        let shares = Shares::new(table)?;
        let influence = shares.influence();
        let spread: f64 = influence
            .iter()
            .map(|(share, value)| share * value * value)
            .sum();
        let offset: f64 = influence.iter().map(|(share, value)| share * value).sum();
        let variance = (spread - offset * offset).max(0.0) / shares.total;
        Ok(Self {
            agreement: shares.agreement,
            kappa: shares.kappa(),
            standard_error: variance.sqrt(),
        })
    }

    /// Returns the kappa of items that come in clusters, each item with the answers of both raters, from 0 to below
    /// `answers`, and its interval.
    ///
    /// Items of one cluster are alike, so that each says less than an item of its own would: the error is that of
    /// the mean of what single items add to kappa, clustered ([`ClusteredMean`]). With clusters of one item it is that
    /// of [`Kappa::new`] but for the factor for few clusters. With one cluster the interval is all there is, from -1 to 1.
    ///
    /// # Errors
    /// As [`Kappa::new`]; or where an answer is `answers` or more.
    pub fn clustered(
        clusters: &[Vec<[usize; 2]>],
        answers: usize,
        level: Level,
    ) -> Result<(Self, Interval), StatsError> {
        let mut table = vec![vec![0_u32; answers]; answers];
        for &[first, second] in clusters.iter().flatten() {
            let cell = table.get_mut(first).and_then(|row| row.get_mut(second));
            let cell = cell.ok_or(StatsError::OutOfRange {
                what: "an answer",
                value: real(first.max(second)),
                low: 0.0,
                high: real(answers) - 1.0,
            })?;
            *cell = cell.saturating_add(1);
        }
        let shares = Shares::new(&table)?;
        let values: Vec<Vec<f64>> = clusters
            .iter()
            .map(|items| {
                let value = |&[first, second]: &[usize; 2]| shares.value(first, second);
                items.iter().map(value).collect()
            })
            .collect();
        let mean = ClusteredMean::new(&values)?;
        let around = mean.interval(level);
        let kappa = shares.kappa();
        let found = Self {
            agreement: shares.agreement,
            kappa,
            standard_error: mean.standard_error,
        };
        let interval = Interval {
            low: (kappa + around.low - mean.mean).max(-1.0),
            high: (kappa + around.high - mean.mean).min(1.0),
            level,
        };
        Ok((found, interval))
    }

    /// Returns the interval of kappa, of the normal approximation.
    pub fn interval(self, level: Level) -> Interval {
        let half = normal_quantile_above(level.alpha() / 2.0) * self.standard_error;
        Interval {
            low: (self.kappa - half).max(-1.0),
            high: (self.kappa + half).min(1.0),
            level,
        }
    }
}

/// A table as shares of all items.
struct Shares {
    cells: Vec<Vec<f64>>,
    rows: Vec<f64>,
    columns: Vec<f64>,
    total: f64,
    agreement: f64,
    by_chance: f64,
}

impl Shares {
    /// Returns the shares of a square table.
    fn new(table: &[Vec<u32>]) -> Result<Self, StatsError> {
        let total: f64 = table.iter().flatten().map(|count| f64::from(*count)).sum();
        if total <= 0.0 {
            return Err(StatsError::TooFew {
                what: "rated items",
                found: 0,
                least: 1,
            });
        }
        let share = |count: &u32| f64::from(*count) / total;
        let cells: Vec<Vec<f64>> = table
            .iter()
            .map(|row| row.iter().map(share).collect())
            .collect();
        let rows: Vec<f64> = cells.iter().map(|row| row.iter().sum()).collect();
        let columns: Vec<f64> = (0..cells.len())
            .map(|at| cells.iter().filter_map(|row| row.get(at)).sum())
            .collect();
        let by_chance: f64 = rows
            .iter()
            .zip(&columns)
            .map(|(row, column)| row * column)
            .sum();
        if 1.0 - by_chance < 1e-12 {
            let why = "both raters always give the same answer";
            return Err(StatsError::Undefined { what: "kappa", why });
        }
        let agreement = cells
            .iter()
            .enumerate()
            .filter_map(|(at, row)| row.get(at))
            .sum();
        Ok(Self {
            cells,
            rows,
            columns,
            total,
            agreement,
            by_chance,
        })
    }

    fn kappa(&self) -> f64 {
        (self.agreement - self.by_chance) / (1.0 - self.by_chance)
    }

    /// Returns what an item with these answers adds to kappa, but for a constant.
    fn value(&self, first: usize, second: usize) -> f64 {
        // The second rater's use of the first one's answer, and the other way round.
        let used = self.columns.get(first).unwrap_or(&0.0) + self.rows.get(second).unwrap_or(&0.0);
        let agrees = f64::from(u8::from(first == second));
        (agrees - used * (1.0 - self.kappa())) / (1.0 - self.by_chance)
    }

    /// Returns the share of each cell, and what an item in it adds to kappa.
    fn influence(&self) -> Vec<(f64, f64)> {
        let mut found = Vec::new();
        for (first, row) in self.cells.iter().enumerate() {
            for (second, share) in row.iter().enumerate() {
                found.push((*share, self.value(first, second)));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::golden;

    fn table(rows: &serde_json::Value) -> Vec<Vec<u32>> {
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row.as_array().unwrap().iter().map(golden::count).collect())
            .collect()
    }

    #[test]
    fn kappa_agrees_with_statsmodels() {
        for case in golden::cases("kappa") {
            let found = Kappa::new(&table(&case["table"])).unwrap();
            golden::assert_near(found.kappa, &case["kappa"], "kappa");
            golden::assert_near(found.standard_error, &case["standard_error"], "its error");
            let interval = found.interval(Level::PERCENT_95);
            golden::assert_near(interval.low, &case["interval"][0], "low");
            golden::assert_near(interval.high, &case["interval"][1], "high");
        }
    }

    #[test]
    fn the_error_of_clusters_agrees_with_a_numeric_jackknife() {
        for case in golden::cases("kappa_clustered") {
            let clusters: Vec<Vec<[usize; 2]>> = case["clusters"]
                .as_array()
                .unwrap()
                .iter()
                .map(|items| {
                    golden::groups(items)
                        .iter()
                        .map(|pair| [0, 1].map(|rater| usize::from(pair[rater] > 0.5)))
                        .collect()
                })
                .collect();
            let (found, interval) = Kappa::clustered(&clusters, 2, Level::PERCENT_95).unwrap();
            golden::assert_near(found.kappa, &case["kappa"], "kappa");
            let expected = case["standard_error"].as_f64().unwrap();
            assert!(
                (found.standard_error - expected).abs() < 1e-6,
                "{found:?} {case}"
            );
            let low = case["interval"][0].as_f64().unwrap();
            assert!((interval.low - low).abs() < 1e-5, "{interval:?} {case}");
        }
    }

    #[test]
    fn items_of_their_own_are_clusters_of_one() {
        let table = [[7, 2], [1, 9]];
        let mut clusters = Vec::new();
        for (first, row) in table.iter().enumerate() {
            for (second, count) in row.iter().enumerate() {
                clusters.extend(vec![vec![[first, second]]; *count]);
            }
        }
        let plain = Kappa::new(&[vec![7, 2], vec![1, 9]]).unwrap();
        let (found, _interval) = Kappa::clustered(&clusters, 2, Level::PERCENT_95).unwrap();
        let few = (19.0_f64 / 18.0).sqrt();
        assert!((found.kappa - plain.kappa).abs() < 1e-12);
        assert!((found.standard_error - plain.standard_error * few).abs() < 1e-12);
        let one = [vec![[0, 0], [1, 1], [0, 1]]];
        let (_found, interval) = Kappa::clustered(&one, 2, Level::PERCENT_95).unwrap();
        assert_eq!((interval.low, interval.high), (-1.0, 1.0));
        assert!(Kappa::clustered(&[vec![[0, 2]]], 2, Level::PERCENT_95).is_err());
        assert!(Kappa::clustered(&[], 2, Level::PERCENT_95).is_err());
    }

    #[test]
    fn kappa_of_published_annotations_comes_out_as_published() {
        // The three people of PandaLM's test set (999 pairs of answers, Apache-2.0) and the two judges of Cohen, with what
        // their papers print.
        for case in golden::cases("kappa_published") {
            let found = Kappa::new(&table(&case["table"])).unwrap();
            let published = case["published"].as_f64().unwrap();
            let digits = i32::try_from(case["digits"].as_i64().unwrap()).unwrap();
            assert!(
                (found.kappa - published).abs() < 0.5 * 0.1_f64.powi(digits) + 1e-9,
                "{found:?} {case}"
            );
        }
    }

    #[test]
    fn extremes_have_an_answer() {
        assert!(Kappa::new(&[]).is_err() && Kappa::new(&[vec![0]]).is_err());
        assert!(Kappa::new(&[vec![1, 2], vec![3]]).is_err());
        assert!(Kappa::new(&[vec![9, 0], vec![0, 0]]).is_err());
        let all = Kappa::new(&[vec![5, 0], vec![0, 5]]).unwrap();
        assert_eq!((all.kappa, all.standard_error), (1.0, 0.0));
        let none = Kappa::new(&[vec![0, 5], vec![5, 0]]).unwrap();
        assert!((none.kappa + 1.0).abs() < 1e-12);
        assert!(
            Kappa::new(&[vec![u32::MAX; 2], vec![u32::MAX; 2]])
                .unwrap()
                .kappa
                .abs()
                < 1e-12
        );
    }

    proptest! {
        #[test]
        fn kappa_is_the_same_from_both_sides(
            counts in prop::collection::vec(0_u32..50, 9),
        ) {
            let table: Vec<Vec<u32>> = counts.chunks(3).map(<[u32]>::to_vec).collect();
            let turned: Vec<Vec<u32>> =
                (0..3).map(|at| table.iter().map(|row| row[at]).collect()).collect();
            if let (Ok(one), Ok(other)) = (Kappa::new(&table), Kappa::new(&turned)) {
                prop_assert!((one.kappa - other.kappa).abs() < 1e-9);
                prop_assert!((one.standard_error - other.standard_error).abs() < 1e-9);
                prop_assert!((-1.0 - 1e-12..=1.0 + 1e-12).contains(&one.kappa));
                prop_assert!(one.interval(Level::PERCENT_95).low <= one.kappa + 1e-12);
            }
        }
    }
}
