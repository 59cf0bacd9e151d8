//! Reports: what people and programs read about a run or a session.
//!
//! A gate run becomes one [`RunReport`], and every [`Format`] is made from that: [`json`](RunReport::to_json),
//! [`junit()`], [`markdown()`], [`html`], [`github()`], [`terminal`]. Nothing here decides anything, prints, or reads a file.
//! What agents and models wrote passes `escape` before it is shown.

mod assert_report;
mod calibration_report;
mod circumstances;
mod comparison;
mod content;
mod cost;
mod deltas;
mod diff_report;
mod escape;
mod eval_delta;
mod eval_pairs;
mod eval_panel;
mod eval_report;
mod github;
mod history_report;
pub mod html;
mod junit;
mod markdown;
mod merge;
mod noise;
mod past;
mod ran;
mod render;
mod run_report;
mod session_report;
pub mod terminal;
mod trace;
mod units;
mod verify;

pub use assert_report::{AssertReport, AssertedCheck};
pub use calibration_report::{
    CalibrationReport, Corrected, Disagreement, Unmeasured as UnmeasuredItem,
};
pub use circumstances::{Conditions, Place, Timing};
pub use cost::cost;
pub use diff_report::{DiffReport, DiffRow, Is, Metrics};
pub use escape::code as markdown_code;
pub use eval_delta::{Delta, DeltaInterval, Over};
pub use eval_pairs::{PairLine, PairReport, PositionBias, RoundLine, Said, WinShare};
pub use eval_panel::{Agreement, PanelLine};
pub use eval_report::{CanaryLine, EvalReport, Evaluator, JudgeCost, Score, VoteLine, Voting};
pub use github::{annotation_line, annotations, github, plain_line};
pub use history_report::{EnforcingReport, HistoryReport};
pub use junit::{JunitError, junit};
pub use markdown::markdown_block;
pub use markdown::{MAX_BYTES, MarkdownError, markdown};
pub use merge::{MergeError, merge};
pub use render::{Format, RenderError};
pub use run_report::{Content, FORMAT, ForkReport, ReportError, RunReport};
pub use session_report::{SessionReport, StepReport, TimelineReport};
pub use trace::{Came, Change, Row, Side, Texts, Trace, TraceStep, Traces, shown_sample};
pub use units::tokens;
pub use verify::Mismatch;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
