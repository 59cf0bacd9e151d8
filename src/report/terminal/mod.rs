//! What people read in a terminal or a log: plain text that needs no colour to be understood.

mod assertions;
mod calibration;
mod details;
mod diff;
mod gate;
mod history;
mod pairs;
mod replay;
mod savings;
mod scores;
mod show;
mod step;
mod style;
mod table;
mod tree;
pub(super) mod words;

pub use words::failure;

pub use assertions::assertions;
pub use calibration::calibration;
pub use diff::{Shown, diff};
pub use gate::gate;
pub use history::{enforcing, history};
pub use pairs::pairs;
pub use replay::replay;
pub use savings::over_forks;
pub use scores::scores;
pub use show::show;
pub use step::step;
pub use style::Style;
