//! Runs that pass or fail: intervals of a rate and exact tests of two.

mod difference;
mod fisher;
mod interval;
mod mcnemar;

pub use difference::newcombe;
pub use fisher::{Passes, fisher_worse};
pub use interval::{clopper_pearson, wilson, wilson_clustered};
pub use mcnemar::McNemar;
