//! Verdicts that were given before.

use serde_json::Value;

use super::{Criterion, JudgeSettings, Prompt, Subject};
use crate::model::{ContentId, MicroUsd};

/// An answer of a judge, to be kept.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The answer.
    pub answer: &'a Value,
    /// What it cost, where that is known.
    pub cost: Option<MicroUsd>,
    /// The model that gave it.
    pub model: &'a str,
}

/// Keeps the answers of judges, by what they were asked.
///
/// What can't be read or written is no verdict: the judge is asked again.
pub trait VerdictCache {
    /// Returns the answer that was kept for this question.
    fn find(&self, key: ContentId) -> Option<Value>;

    /// Keeps an answer.
    fn keep(&self, key: ContentId, given: &Given<'_>);

    /// Returns whether what rules say is kept too: not beyond a run, since they may change without a new name.
    fn keeps_scripted(&self) -> bool {
        true
    }
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCache;

impl VerdictCache for NoCache {
    fn find(&self, _key: ContentId) -> Option<Value> {
        None
    }

    fn keep(&self, _key: ContentId, _given: &Given<'_>) {}
}

/// Returns the keys of all votes on a subject by a criterion, in order.
pub fn verdict_keys(
    settings: &JudgeSettings,
    criterion: &Criterion,
    subject: &Subject,
    votes: u32,
) -> Vec<ContentId> {
    let prompt = Prompt::new(criterion, subject);
    let ordinals = 0..votes.max(1);
    ordinals
        .map(|ordinal| key(settings, &prompt, ordinal))
        .collect()
}

/// Returns the key of one vote: who is asked, how, what, and the how manieth time.
pub(super) fn key(settings: &JudgeSettings, prompt: &Prompt, ordinal: u32) -> ContentId {
    let temperature = settings.temperature.map(|t| t.to_string());
    let seed = settings.seed.map(|seed| seed.to_string());
    let schema = prompt.schema.to_string();
    ContentId::of_parts([
        b"verdict 1".as_slice(),
        settings.dialect.provider().as_bytes(),
        settings.model.as_bytes(),
        temperature.unwrap_or_default().as_bytes(),
        seed.unwrap_or_default().as_bytes(),
        prompt.system.as_bytes(),
        prompt.user.as_bytes(),
        schema.as_bytes(),
        &ordinal.to_le_bytes(),
    ])
}
