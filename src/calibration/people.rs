//! How far people agree among themselves: no judge can be expected to agree with them further.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Item;
use crate::stats::agreement::{Kappa, Scale, krippendorff_alpha};

/// How far people agree among themselves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct People {
    /// Their names.
    pub names: Vec<String>,
    /// Number of items with labels of two of them or more.
    pub items: usize,
    /// Krippendorff's alpha of all of them; `None` where all labels are equal.
    pub alpha: Option<f64>,
    /// Each two of them.
    pub pairs: Vec<Pair>,
}

/// How far two people agree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// Who.
    pub first: String,
    /// And who.
    pub second: String,
    /// Number of items that both have labelled.
    pub items: u32,
    /// The share of items on which they say the same.
    pub agreement: f64,
    /// Cohen's kappa; `None` where both always say the same one thing.
    pub kappa: Option<f64>,
}

/// Returns how far people agree among themselves; `None` where no item was labelled by two.
pub fn people(items: &[Item]) -> Option<People> {
    let several = || items.iter().filter(|item| item.labels.len() > 1);
    let names: BTreeSet<&String> = several().flat_map(|item| item.labels.keys()).collect();
    if names.is_empty() {
        return None;
    }
    let number = |label: &bool| f64::from(u8::from(*label));
    let ratings: Vec<Vec<f64>> = several()
        .map(|item| item.labels.values().map(number).collect())
        .collect();
    let mut pairs = Vec::new();
    for (at, first) in names.iter().enumerate() {
        for second in names.iter().skip(at + 1) {
            pairs.extend(pair(items, first, second));
        }
    }
    Some(People {
        items: ratings.len(),
        alpha: krippendorff_alpha(&ratings, Scale::Nominal).ok(),
        pairs,
        names: names.into_iter().cloned().collect(),
    })
}

fn pair(items: &[Item], first: &str, second: &str) -> Option<Pair> {
    let [mut yes_yes, mut yes_no, mut no_yes, mut no_no] = [0_u32; 4];
    for item in items {
        let labels = item.labels.get(first).zip(item.labels.get(second));
        let cell = match labels {
            Some((true, true)) => &mut yes_yes,
            Some((true, false)) => &mut yes_no,
            Some((false, true)) => &mut no_yes,
            Some((false, false)) => &mut no_no,
            None => continue,
        };
        *cell += 1;
    }
    let items = yes_yes + yes_no + no_yes + no_no;
    let table = [vec![yes_yes, yes_no], vec![no_yes, no_no]];
    (items > 0).then(|| Pair {
        first: first.to_owned(),
        second: second.to_owned(),
        items,
        agreement: f64::from(yes_yes + no_no) / f64::from(items),
        kappa: Kappa::new(&table).ok().map(|found| found.kappa),
    })
}
