//! Calibration: what a judge's verdicts are worth, measured on answers that people have judged.
//!
//! ```text
//! labels.jsonl ──▶ Item ──▶ (the judge scores it, several times) ──▶ Rated ──▶ Figures ──▶ Record
//! ```
//!
//! [`read`] reads the labels, [`Figures`] are agreement, kappa, true-positive and true-negative rates of what was
//! [`Rated`], and a [`Record`] keeps them beside `rewind.toml`, so that a check can require them. An item that the judge
//! has not measured counts neither way. Asks nobody: that is the caller's.

mod counts;
mod figures;
mod labels;
mod people;
mod rated;
mod record;
mod sweep;

pub use counts::{Confusion, ScoreCount, counts, table_at};
pub use figures::{Estimate, Figures};
pub use labels::{Item, LabelsError, read};
pub use people::{Pair, People, people};
pub use rated::{Flips, Rated, flips};
pub use record::{Asked, Items, Origin, Record, RecordError, Unfit};
pub use sweep::{Threshold, best, corrected, sweep};

#[cfg(test)]
mod tests;
