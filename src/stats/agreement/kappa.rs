//! Cohen's kappa: the agreement of two raters beyond what chance would give.
//!
//! Sources: J. Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological Measurement 20
//! (1960); its standard error: J. L. Fleiss, J. Cohen and B. S. Everitt, Psychological Bulletin 72 (1969), formula 13.

use super::super::error::StatsError;
use super::super::interval::{Interval, Level};
use super::super::special::normal_quantile_above;

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
        let total: f64 = table.iter().flatten().map(|count| f64::from(*count)).sum();
        if total <= 0.0 {
            return Err(StatsError::TooFew {
                what: "rated items",
                found: 0,
                least: 1,
            });
        }
        let share = |count: &u32| f64::from(*count) / total;
        let rows: Vec<f64> = table
            .iter()
            .map(|row| row.iter().map(share).sum())
            .collect();
        let columns: Vec<f64> = (0..table.len())
            .map(|at| table.iter().filter_map(|row| row.get(at)).map(share).sum())
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
        let cells = || {
            table.iter().enumerate().flat_map(|(row, counts)| {
                counts
                    .iter()
                    .enumerate()
                    .map(move |(column, count)| (row, column, share(count)))
            })
        };
        let agreement: f64 = cells()
            .filter(|cell| cell.0 == cell.1)
            .map(|cell| cell.2)
            .sum();
        let kappa = (agreement - by_chance) / (1.0 - by_chance);
        let spread = cells().map(|(row, column, share)| {
            // The second rater's use of the first one's answer, and the other way round.
            let used = columns.get(row).unwrap_or(&0.0) + rows.get(column).unwrap_or(&0.0);
            let weight = used * (1.0 - kappa);
            share
                * if row == column {
                    (1.0 - weight).powi(2)
                } else {
                    weight.powi(2)
                }
        });
        let offset = kappa - by_chance * (1.0 - kappa);
        let variance = (spread.sum::<f64>() - offset * offset).max(0.0) / total;
        Ok(Self {
            agreement,
            kappa,
            standard_error: variance.sqrt() / (1.0 - by_chance),
        })
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
    fn kappa_of_published_annotations_comes_out_as_published() {
        // The three people of PandaLM's test set (999 pairs of answers, Apache-2.0), and what its paper prints.
        for case in golden::cases("kappa_published") {
            let found = Kappa::new(&table(&case["table"])).unwrap();
            let published = case["published"].as_f64().unwrap();
            assert!(
                (found.kappa - published).abs() < 0.005 + 1e-9,
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
