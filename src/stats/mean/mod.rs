//! Means of scores and of paired differences.

mod bootstrap;
mod clustered;
mod difference;
mod permutation;
mod sign_flip;

pub use bootstrap::{Bootstrap, BootstrapMethod};
pub use clustered::{ClusteredMean, cluster_sums};
pub use difference::welch;
pub use permutation::permutation_lower;
pub use sign_flip::{SignFlip, sign_flip};
