//! Reports: what people and programs read about a run or a session.
//!
//! A gate run becomes one [`RunReport`], and every format is made from that: [`json`](RunReport::to_json),
//! [`junit()`], [`markdown()`], [`terminal`]. Nothing here decides anything, prints, or reads a file.
//! What agents and models wrote passes `escape` before it is shown.

mod assert_report;
mod cost;
mod diff_report;
mod escape;
pub mod html;
mod junit;
mod markdown;
mod run_report;
mod session_report;
pub mod terminal;
mod units;

pub use assert_report::{AssertReport, AssertedCheck};
pub use cost::estimate;
pub use diff_report::{DiffReport, DiffRow, Is, Metrics};
pub use junit::{JunitError, junit};
pub use markdown::{MAX_BYTES, MarkdownError, markdown};
pub use run_report::{Content, FORMAT, ForkReport, ReportError, RunReport, Timing};
pub use session_report::{SessionReport, StepReport, TimelineReport};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
