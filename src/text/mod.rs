//! Texts that people write or read, wherever they stand: patterns of names, and errors with their causes.

mod causes;
mod names;

pub use causes::{innermost, with_causes};
pub use names::longest_fitting;
