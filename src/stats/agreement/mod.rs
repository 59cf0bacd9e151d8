//! How far raters agree, and what that makes of a judge's pass rate.

mod alpha;
mod kappa;
mod rogan_gladen;

pub use alpha::{Scale, krippendorff_alpha};
pub use kappa::Kappa;
pub use rogan_gladen::{JudgedRate, rogan_gladen};
