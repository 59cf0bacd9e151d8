//! What is said of steps without their content.

pub(super) mod model;
pub(super) mod shared;
pub(super) mod tool;
