//! Texts that people and programs write or read, wherever they stand: patterns of names, errors with their causes, JSON.

mod branches;
mod causes;
mod names;

pub use branches::{Branches, read_branches};
pub use causes::{innermost, with_causes};
pub use names::longest_fitting;
