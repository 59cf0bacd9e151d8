//! `rewind eval`: judges score the answers of recorded timelines.

mod criteria;
mod judge;
mod kept;
mod prompt;
mod score;
mod subject;

pub use prompt::{PromptOptions, prompt};
pub use score::{ScoreOptions, score};
