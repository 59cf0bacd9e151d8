//! The verdicts in the working store.

use serde_json::Value;

use crate::judge::{Given, VerdictCache};
use crate::model::ContentId;
use crate::store::Store;

/// Remembers verdicts in the store; a fresh one is only written, never read.
pub(super) struct Kept<'a> {
    pub(super) store: &'a Store,
    pub(super) is_fresh: bool,
}

impl VerdictCache for Kept<'_> {
    fn keeps_scripted(&self) -> bool {
        false
    }

    fn find(&self, key: ContentId) -> Option<Value> {
        if self.is_fresh {
            return None;
        }
        self.store.find_verdict(key).unwrap_or_else(|error| {
            tracing::warn!(%error, "a kept verdict can't be read; the judge is asked again");
            None
        })
    }

    fn keep(&self, key: ContentId, given: &Given<'_>) {
        if let Err(error) = self.store.keep_verdict(key, given.answer) {
            tracing::warn!(%error, "a verdict can't be kept; the next run asks again");
        }
    }
}
