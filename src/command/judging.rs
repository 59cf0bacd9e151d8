//! Judges as checks reach them: in a gate, or for one session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::runtime::Handle;

use super::Context;
use super::eval::{choose, criterion, subject};
use crate::check::Judging;
use crate::config::Config;
use crate::gate::Judges;
use crate::judge::{Judge, Plan, VerdictCache, evaluate_with};
use crate::model::ContentId;

/// The judge of a run: asked once for equal questions, with one pair of canaries each.
pub(super) struct RunJudge {
    judge: Result<Judge, String>,
    config: Config,
    runtime: Handle,
    known: Memory,
    canaries: Memory,
    is_scripted: bool,
    locks: Mutex<HashMap<String, Arc<Mutex<bool>>>>,
}

impl RunJudge {
    /// Returns the judge that the configuration names; where it can't be asked, every question is told why.
    pub(super) fn new(
        config: &Config,
        is_live: bool,
        is_offline: bool,
        context: &Context,
        runtime: Handle,
    ) -> Self {
        let is_scripted = config.judge.scripted.is_some();
        let is_named = is_scripted || config.judge.model.is_some();
        let judge = if !is_named {
            Err("no judge is configured; name one by [judge] model in rewind.toml".to_owned())
        } else if is_offline && !is_scripted {
            Err("the run is offline, so no judge is asked".to_owned())
        } else if context.is_ci() && !is_live && !is_scripted {
            Err("CI is set and --live is not, so no judge is asked".to_owned())
        } else {
            let chosen = choose(None, is_live, config, context);
            chosen
                .map(|chosen| chosen.judge)
                .map_err(|error| error.message())
        };
        Self {
            judge,
            config: config.clone(),
            runtime,
            known: Memory::default(),
            canaries: Memory::default(),
            is_scripted,
            locks: Mutex::default(),
        }
    }

    /// Returns the judge of a run of the gate, on the current tokio runtime.
    pub(super) fn of_run(
        config: &Config,
        is_live: bool,
        is_offline: bool,
        context: &Context,
    ) -> Arc<Self> {
        let runtime = Handle::current();
        Arc::new(Self::new(config, is_live, is_offline, context, runtime))
    }

    /// Returns a sentence on what it took so far; `None` where nobody was asked.
    pub(super) fn took(&self) -> Option<String> {
        let judge = self.judge.as_ref().ok()?;
        let ledger = judge.ledger();
        if ledger.calls == 0 {
            return None;
        }
        let calls = count(ledger.calls.into(), "call");
        let cost = match (ledger.cost, ledger.unpriced) {
            _ if self.is_scripted => "$0".to_owned(),
            (cost, 0) => cost.to_string(),
            (cost, unpriced) => format!(
                "{cost} and {} without a price",
                count(unpriced.into(), "call")
            ),
        };
        let model = &judge.settings().model;
        Some(format!(
            "the judge {model} took {calls}: {cost}, apart from what the agents cost"
        ))
    }

    fn lock(&self, name: &str) -> Arc<Mutex<bool>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(name.to_owned()).or_default())
    }

    fn score(&self, judging: &Judging<'_>) -> Result<Option<f64>, String> {
        let criterion =
            criterion(judging.evaluator, &self.config).map_err(|error| error.message())?;
        let of = |timeline| subject(None, timeline, judging.expected);
        let (mut now, mut before) = (of(judging.candidate), of(judging.reference));
        if !criterion.reads_tools {
            now.tools.clear();
            before.tools.clear();
        }
        if now == before {
            return Ok(None);
        }
        let judge = self.judge.as_ref().map_err(Clone::clone)?;
        // Equal questions wait for each other, and all of an evaluator for its canaries.
        let name = criterion.name.clone();
        let question = format!(
            "{name}\0{}\0{:?}\0{}\0{:?}",
            now.question, now.expected, now.answer, now.tools
        );
        let (of_evaluator, of_question) = (self.lock(&name), self.lock(&question));
        let mut has_sung = of_evaluator.lock().unwrap_or_else(PoisonError::into_inner);
        let singing = (!*has_sung).then(|| {
            *has_sung = true;
            has_sung
        });
        let _asking = of_question.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = Plan {
            criteria: vec![criterion],
            subjects: vec![(judging.candidate.label.clone(), now)],
            votes: judging.votes.or(self.config.judge.votes).unwrap_or(1),
        };
        let asked = evaluate_with(judge, &self.known, &self.canaries, &plan);
        let evaluation = self.runtime.block_on(asked);
        drop(singing);
        let cell = evaluation.cells.into_iter().next();
        let score = cell.map(|cell| cell.score);
        match score {
            Some(Ok(score)) => Ok(Some(score)),
            Some(Err(why)) => Err(why.to_string()),
            None => Err("nothing was asked".to_owned()),
        }
    }
}

impl std::fmt::Debug for RunJudge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunJudge").finish_non_exhaustive()
    }
}

impl Judges for RunJudge {
    fn judge(&self, judging: &Judging<'_>) -> Result<Option<f64>, String> {
        self.score(judging)
    }
}

/// Answers of this run.
#[derive(Debug, Default)]
struct Memory(Mutex<HashMap<ContentId, Value>>);

impl VerdictCache for Memory {
    fn find(&self, key: ContentId) -> Option<Value> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&key).cloned()
    }

    fn keep(&self, key: ContentId, answer: &Value) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, answer.clone());
    }
}

/// Returns `1 call`, `2 calls`.
fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
