//! What people read in a terminal or a log: plain text that needs no colour to be understood.

mod gate;
mod replay;
mod savings;
mod show;
mod style;
mod table;
mod tree;
mod words;

pub use gate::gate;
pub use replay::replay;
pub use savings::over_forks;
pub use show::show;
pub use style::Style;
