//! Differences between timelines, texts and JSON values: pure, no rendering.
//!
//! [`structural`] compares JSON values field by field; [`best_pairs`] and
//! [`most_pairs`] pair two sets optimally.

mod assignment;
mod structural;

pub use assignment::{best_pairs, most_pairs};
pub use structural::{FieldChange, join, structural};
