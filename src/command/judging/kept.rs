//! Verdicts that a run of the gate knows: its own, those that were accepted, those of the last day.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::count;
use crate::baseline::KnownVerdict;
use crate::gate::{Case, Verdicts};
use crate::judge::{Criterion, Given, Prompt, VerdictCache};
use crate::model::{ContentId, MicroUsd};
use crate::redact::Redactor;
use crate::wire::Scrub as _;

/// The verdicts of a run, and those of before it that it may use.
#[derive(Default)]
pub(in crate::command) struct Kept {
    /// Those that stand in the baselines.
    accepted: HashMap<ContentId, KnownVerdict>,
    /// Those of earlier runs on this change; fresh ones are added.
    daily: Option<Verdicts>,
    /// What takes secrets out of them before they are kept.
    redactor: Option<Arc<Redactor>>,
    /// Whether those of before count for nothing.
    is_fresh: bool,
    /// Those that this run has used.
    used: Mutex<HashMap<ContentId, KnownVerdict>>,
    /// What was not asked again, and what it had cost.
    saved: Mutex<BTreeMap<ContentId, Option<MicroUsd>>>,
}

impl Kept {
    /// Returns what is known of these cases.
    pub(in crate::command) fn of(
        cases: &[Case],
        daily: Option<Verdicts>,
        redactor: Arc<Redactor>,
        is_fresh: bool,
    ) -> Self {
        // What a change brings says nothing of what others answered.
        let known = cases.iter().filter(|case| !case.is_new);
        let accepted = known.filter_map(|case| case.accepted.as_ref());
        let accepted = accepted.flat_map(|accepted| &accepted.verdicts);
        Self {
            accepted: accepted.map(|(key, one)| (*key, one.clone())).collect(),
            daily,
            redactor: Some(redactor),
            is_fresh,
            ..Self::default()
        }
    }

    /// Returns the verdict that this run has used on what has this hash.
    pub(super) fn used(&self, key: ContentId) -> Option<KnownVerdict> {
        lock(&self.used).get(&key).cloned()
    }

    /// Returns a text without secrets.
    pub(super) fn redacted(&self, text: &str) -> String {
        match &self.redactor {
            Some(redactor) => redactor.text(text).into_owned(),
            None => text.to_owned(),
        }
    }

    /// Returns a sentence on what was not asked again; `None` where everything was.
    pub(super) fn saved(&self) -> Option<String> {
        let saved = lock(&self.saved);
        if saved.is_empty() {
            return None;
        }
        let cost: MicroUsd = saved.values().flatten().copied().sum();
        let unpriced = saved.values().filter(|cost| cost.is_none()).count();
        let paid = match unpriced {
            0 => format!("{cost} not paid"),
            unpriced => format!("{cost} not paid, {unpriced} without a price"),
        };
        let were = if saved.len() == 1 { "was" } else { "were" };
        let number = count(saved.len() as u64, "verdict");
        Some(format!("{number} of the judge {were} known, {paid}"))
    }

    fn find(&self, key: ContentId) -> Option<KnownVerdict> {
        if let Some(own) = self.used(key) {
            return Some(own);
        }
        if self.is_fresh {
            return None;
        }
        let accepted = self.accepted.get(&key).cloned();
        let found = accepted.or_else(|| self.daily.as_ref()?.find(key))?;
        lock(&self.saved).insert(key, found.cost_micro_usd);
        lock(&self.used).insert(key, found.clone());
        Some(found)
    }

    fn keep(&self, key: ContentId, mut verdict: KnownVerdict) {
        if let Some(redactor) = &self.redactor {
            redactor.scrub(&mut verdict.answer);
        }
        if let Some(daily) = &self.daily {
            daily.keep(key, verdict.clone());
        }
        lock(&self.used).insert(key, verdict);
    }
}

/// What is known of one evaluator's questions to a judge.
pub(super) struct Asking<'a> {
    pub(super) kept: &'a Kept,
    pub(super) criterion: &'a Criterion,
    /// Whether all judges judge by rules: then nothing is kept beyond the run.
    pub(super) is_scripted: bool,
}

impl VerdictCache for Asking<'_> {
    fn find(&self, key: ContentId) -> Option<Value> {
        self.kept.find(key).map(|known| known.answer)
    }

    fn keeps_scripted(&self) -> bool {
        self.is_scripted
    }

    fn keep(&self, key: ContentId, given: &Given<'_>) {
        let verdict = KnownVerdict {
            judge: given.model.to_owned(),
            evaluator: self.criterion.name.clone(),
            prompt: Prompt::hash(self.criterion),
            answer: given.answer.clone(),
            cost_micro_usd: given.cost,
        };
        self.kept.keep(key, verdict);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
