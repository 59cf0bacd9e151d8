//! Differences between timelines, texts and JSON values: pure, no rendering.
//!
//! [`align()`] says which step of one timeline is which of another and how they differ;
//! [`structural()`] compares JSON values field by field, [`text_diff`] texts line by line and word by
//! word. [`best_pairs`] and [`most_pairs`] pair two sets optimally.

mod align;
mod assignment;
mod lanes;
mod step;
mod structural;
mod text;

pub use align::{Alignment, Pair, align};
pub use assignment::{best_pairs, most_pairs};
pub use step::{Changed, StepDiff, step_diff};
pub use structural::{FieldChange, join, structural};
pub use text::{DiffLine, Piece, Side, TextDiff, text_diff};

#[cfg(test)]
mod tests;
