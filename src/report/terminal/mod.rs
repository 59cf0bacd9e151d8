//! What people read in a terminal or a log: plain text that needs no colour to be understood.

mod gate;
mod style;
mod table;

pub use gate::gate;
pub use style::Style;
