//! Krippendorff's alpha: the agreement of any number of raters, some of whom may have left items out.
//!
//! Source: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011): 1 less the observed disagreement over the
//! expected one.

use super::super::error::{StatsError, all_finite};
use super::super::special::real;

/// What the difference of two ratings means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Names: equal or not.
    Nominal,
    /// Ranks: how many ratings lie between.
    Ordinal,
    /// Numbers: their difference counts.
    Interval,
}

/// Returns Krippendorff's alpha of items, each with the ratings that it got: 1 is full agreement, 0 is chance, below 0
/// is worse than chance. Items with fewer than two ratings don't count.
///
/// # Errors
/// Where a rating is infinite or not a number, no item has two ratings, or all ratings are equal: chance alone would
/// agree as well.
pub fn krippendorff_alpha(items: &[Vec<f64>], scale: Scale) -> Result<f64, StatsError> {
    let items: Vec<&Vec<f64>> = items.iter().filter(|ratings| ratings.len() > 1).collect();
    let mut all: Vec<f64> = items.iter().copied().flatten().copied().collect();
    all_finite("a rating", &all)?;
    if all.is_empty() {
        return Err(StatsError::TooFew {
            what: "items with two ratings",
            found: 0,
            least: 1,
        });
    }
    all.sort_by(f64::total_cmp);
    let largest = all
        .iter()
        .fold(0.0_f64, |most, value| most.max(value.abs()));
    let ranks = Ranks {
        all: &all,
        scale,
        unit: if largest > 0.0 { largest } else { 1.0 },
    };
    let mut observed = 0.0;
    for ratings in items {
        observed += ranks.apart(ratings) / (real(ratings.len()) - 1.0);
    }
    let expected = ranks.apart(&all) / (real(all.len()) - 1.0);
    if expected <= 0.0 {
        let why = "all ratings are equal";
        return Err(StatsError::Undefined { what: "alpha", why });
    }
    Ok(1.0 - observed / expected)
}

/// All ratings that count.
struct Ranks<'a> {
    /// Sorted.
    all: &'a [f64],
    scale: Scale,
    /// What numbers are divided by, so that no square is infinite.
    unit: f64,
}

impl Ranks<'_> {
    /// Returns the squared distances of all pairs of the ratings together, each way.
    fn apart(&self, ratings: &[f64]) -> f64 {
        let mut groups: Vec<(f64, f64)> = Vec::new();
        let mut sorted = ratings.to_vec();
        sorted.sort_by(f64::total_cmp);
        for rating in sorted {
            match groups.last_mut() {
                Some((last, count)) if same(*last, rating) => *count += 1.0,
                Some(_) | None => groups.push((rating, 1.0)),
            }
        }
        let places: Vec<(f64, f64)> = groups
            .into_iter()
            .map(|(rating, count)| (self.place(rating), count))
            .collect();
        let mut sum = 0.0;
        for (at, (one, count)) in places.iter().enumerate() {
            for (other, others) in places.iter().skip(at + 1) {
                let distance = match self.scale {
                    Scale::Nominal => 1.0,
                    Scale::Ordinal | Scale::Interval => other - one,
                };
                sum += 2.0 * count * others * distance * distance;
            }
        }
        sum
    }

    /// Returns where a rating stands on the scale.
    fn place(&self, rating: f64) -> f64 {
        match self.scale {
            Scale::Nominal | Scale::Interval => rating / self.unit,
            Scale::Ordinal => {
                // The middle of its equals among all: distances are then those of the source.
                let below = self.all.partition_point(|other| *other < rating);
                let up_to = self.all.partition_point(|other| *other <= rating);
                f64::midpoint(real(below), real(up_to))
            }
        }
    }
}

/// Returns whether two ratings are the same answer.
#[expect(clippy::float_cmp, reason = "ratings are labels here: the same or not")]
fn same(one: f64, other: f64) -> bool {
    one == other
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::golden;

    #[test]
    fn alpha_agrees_with_the_krippendorff_package() {
        for case in golden::cases("alpha") {
            let items = golden::groups(&case["items"]);
            for (name, scale) in [
                ("nominal", Scale::Nominal),
                ("ordinal", Scale::Ordinal),
                ("interval", Scale::Interval),
            ] {
                let found = krippendorff_alpha(&items, scale).unwrap();
                golden::assert_near(found, &case[name], &format!("{name} {case}"));
            }
        }
    }

    #[test]
    fn alpha_of_published_ratings_comes_out_as_published() {
        for case in golden::cases("alpha_published") {
            let items = golden::groups(&case["items"]);
            let of = |scale| krippendorff_alpha(&items, scale).unwrap();
            let ratings = real(items.iter().map(Vec::len).sum());
            let nominal = of(Scale::Nominal);
            let found = [
                ("nominal", nominal),
                ("ordinal", of(Scale::Ordinal)),
                ("interval", of(Scale::Interval)),
                // Fleiss's kappa does not correct for few ratings.
                (
                    "fleiss_kappa",
                    1.0 - (1.0 - nominal) * ratings / (ratings - 1.0),
                ),
            ];
            for (name, found) in found {
                if let Some(published) = case[name].as_f64() {
                    assert!((found - published).abs() < 0.0005 + 1e-9, "{name}: {found}");
                }
            }
        }
    }

    #[test]
    fn extremes_have_an_answer() {
        let of = |items: &[Vec<f64>]| krippendorff_alpha(items, Scale::Interval);
        assert!(of(&[]).is_err() && of(&[vec![1.0], vec![]]).is_err());
        assert!(of(&[vec![1.0, 1.0], vec![1.0; 3]]).is_err());
        assert!(of(&[vec![1.0, f64::NAN]]).is_err());
        assert_eq!(
            of(&[vec![0.0, 0.0], vec![-0.0, 0.0], vec![1e308, 1e308]]),
            Ok(1.0)
        );
        assert!(
            of(&[vec![-f64::MAX, f64::MAX], vec![0.0, 1.0]])
                .unwrap()
                .is_finite()
        );
    }

    proptest! {
        #[test]
        fn alpha_is_at_most_1_and_knows_neither_unit_nor_origin(
            items in prop::collection::vec(prop::collection::vec(0_u8..5, 2..5), 2..10),
            unit in 0.1..9.0_f64,
        ) {
            let of = |unit: f64, origin: f64, scale| {
                let items: Vec<Vec<f64>> = items.iter()
                    .map(|item| item.iter().map(|value| f64::from(*value) * unit + origin).collect())
                    .collect();
                krippendorff_alpha(&items, scale)
            };
            for scale in [Scale::Nominal, Scale::Ordinal, Scale::Interval] {
                if let Ok(found) = of(1.0, 0.0, scale) {
                    prop_assert!(found <= 1.0);
                    prop_assert!((of(unit, 3.0, scale).unwrap() - found).abs() < 1e-9);
                }
            }
        }
    }
}
