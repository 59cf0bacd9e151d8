//! The history: what became of many runs of the gate, and what that says of each baseline.
//!
//! An [`Entry`] is one run, one line of a file of JSON lines that only grows ([`load`], [`append`]). From the entries follow, for each
//! baseline, its [`Past`]: the trend, how often it contradicts itself, and whether it has drifted; and [`Enforcing`]: how many
//! runs an enforced gate would have blocked, and how many of them wrongly. Decides nothing: no verdict follows from the past.
//! docs/history.md says what each number means.

mod enforce;
mod entry;
mod file;
mod flake;
mod past;
mod shift;

pub use enforce::{Advice, Enforcing, Outcome, RedRun, enforcing};
pub use entry::{Entry, FORMAT, ForkEntry, MeanScore, TriedAgain};
pub use file::{Added, HistoryError, append, load, parse, with_entry};
pub use flake::{Flake, Share};
pub use past::{Past, Point, pasts};
pub use shift::{CHECKS, Direction, Shift};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
