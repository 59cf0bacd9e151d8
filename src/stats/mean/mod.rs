//! Means of scores and of paired differences.

mod bootstrap;
mod clustered;
mod sign_flip;

pub use bootstrap::{Bootstrap, BootstrapMethod};
pub use clustered::{ClusteredMean, cluster_sums};
pub use sign_flip::{SignFlip, sign_flip};
