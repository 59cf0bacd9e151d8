//! `rewind eval`: judges score the answers of recorded timelines.

mod calibrate;
mod calibrated;
mod criteria;
mod judge;
mod kept;
mod pairs;
mod program;
mod prompt;
mod score;
mod subject;

pub use calibrate::{CalibrateOptions, calibrate};
pub(super) use calibrated::require;
pub(super) use criteria::{criterion, evaluator_names};
pub(super) use judge::{choose, settings};
pub use prompt::{PromptOptions, prompt};
pub use score::{ScoreOptions, score};
pub(super) use subject::subject;
