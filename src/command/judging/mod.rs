//! Judges as checks reach them: in a gate, or for one session.

mod kept;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::runtime::Handle;

use self::kept::Asking;
pub(super) use self::kept::Kept;
use super::Context;
use super::eval::{choose, criterion, require, settings, subject};
use crate::baseline::KnownVerdict;
use crate::check::{Judged, Judging, KeptAnswer, KeptTool};
use crate::config::Config;
use crate::gate::Judges;
use crate::judge::{
    Criterion, Judge, JudgeSettings, Plan, Prompt, Subject, ToolEvidence, VerdictCache,
    evaluate_with, known_score, verdict_keys,
};
use crate::model::{ContentId, MicroUsd, canonical_id};

/// Returns the hash of who judges by an evaluator, and how: verdicts under another one are not comparable.
pub(super) fn judge_id(evaluator: &str, config: &Config) -> ContentId {
    let settings = settings(config, "scripted-judge");
    let prompt = criterion(evaluator, config).ok();
    let prompt = prompt.map(|criterion| Prompt::hash(&criterion));
    let temperature = settings.temperature.map(|t| t.to_string());
    let provider = settings.dialect.provider();
    canonical_id(&(SCORING, provider, settings.model, temperature, prompt))
}

/// The judge of a run: asked once for equal questions, with one pair of canaries each.
pub(super) struct RunJudge {
    judge: Result<Judge, String>,
    /// How it is asked; `None` where no model is named.
    settings: Option<JudgeSettings>,
    config: Config,
    runtime: Handle,
    kept: Kept,
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
        let model = config.judge.model.as_deref().filter(|_model| !is_scripted);
        Self {
            judge,
            settings: model.map(|model| settings(config, model)),
            config: config.clone(),
            runtime,
            kept: Kept::default(),
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
        kept: Kept,
    ) -> Arc<Self> {
        let runtime = Handle::current();
        let new = Self::new(config, is_live, is_offline, context, runtime);
        // Rules may change without a new name, and they cost nothing.
        let kept = if new.is_scripted {
            Kept::default()
        } else {
            kept
        };
        Arc::new(Self { kept, ..new })
    }

    /// Returns a sentence on what it was not asked again; `None` where it was asked everything.
    pub(super) fn saved(&self) -> Option<String> {
        self.kept.saved()
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

    /// Returns what is judged, and what was recorded; `None` where they are the same.
    fn question(&self, judging: &Judging<'_>) -> Result<Option<Question>, String> {
        let criterion =
            criterion(judging.evaluator, &self.config).map_err(|error| error.message())?;
        let of = |timeline| subject(None, timeline, judging.expected);
        let (mut now, mut before) = (of(judging.candidate), of(judging.reference));
        if let Some(kept) = judging.kept {
            now = kept_subject(now, kept, criterion.reads_tools)?;
        }
        if !criterion.reads_tools {
            now.tools.clear();
            before.tools.clear();
        }
        let question = Question {
            criterion,
            now,
            before,
            votes: judging.votes.or(self.config.judge.votes).unwrap_or(1),
        };
        Ok((question.now != question.before).then_some(question))
    }

    /// Returns what a judge sees of the candidate, where the question is the recorded one.
    fn seen(&self, judging: &Judging<'_>) -> Option<KeptAnswer> {
        let criterion = criterion(judging.evaluator, &self.config).ok()?;
        let of = |timeline| subject(None, timeline, None);
        let (now, before) = (of(judging.candidate), of(judging.reference));
        if now.question != before.question {
            return None;
        }
        let kept = |tool: ToolEvidence| KeptTool {
            name: tool.name,
            arguments: tool.arguments,
            result: tool.result,
        };
        Some(KeptAnswer {
            answer: now.answer,
            tools: criterion
                .reads_tools
                .then(|| now.tools.into_iter().map(kept).collect()),
        })
    }

    /// Returns how the candidate was judged, and what was recorded.
    fn judged(&self, judging: &Judging<'_>) -> Result<Option<Judged>, String> {
        let Some(question) = self.question(judging)? else {
            return Ok(None);
        };
        self.check_calibration(&question, judging)?;
        let score = self.score(&question, &judging.candidate.label, &question.now)?;
        // What it is held against where no accepted sample has a score; asked once a run.
        let reference = self.score(&question, &judging.reference.label, &question.before);
        Ok(Some(Judged {
            score,
            reference: reference.ok(),
        }))
    }

    /// Returns nothing where the judge may decide by its calibration, or the check asks for none.
    fn check_calibration(&self, question: &Question, judging: &Judging<'_>) -> Result<(), String> {
        let Some(min_kappa) = judging.min_kappa else {
            return Ok(());
        };
        let settings = match (&self.judge, &self.settings) {
            (Ok(judge), _) => judge.settings(),
            (Err(_), Some(settings)) => settings,
            (Err(why), None) => return Err(why.clone()),
        };
        let least = (judging.min, min_kappa);
        require(
            &question.criterion,
            settings,
            question.votes,
            least,
            &self.config,
        )
    }

    /// Returns the score of one answer.
    fn score(&self, question: &Question, label: &str, subject: &Subject) -> Result<f64, String> {
        let (criterion, votes) = (&question.criterion, question.votes);
        let judge = match &self.judge {
            Ok(judge) => judge,
            Err(why) => {
                let known = self.known(criterion, subject, votes);
                return known.ok_or_else(|| why.clone());
            }
        };
        // Equal questions wait for each other, and all of an evaluator for its canaries.
        let name = criterion.name.clone();
        let question = format!(
            "{name}\0{}\0{:?}\0{}\0{:?}",
            subject.question, subject.expected, subject.answer, subject.tools
        );
        let (of_evaluator, of_question) = (self.lock(&name), self.lock(&question));
        let has_sung = of_evaluator.lock().unwrap_or_else(PoisonError::into_inner);
        let singing = (!*has_sung).then_some(has_sung);
        let _asking = of_question.lock().unwrap_or_else(PoisonError::into_inner);
        let known = Asking {
            kept: &self.kept,
            settings: judge.settings(),
            criterion,
        };
        let plan = Plan {
            criteria: vec![criterion.clone()],
            subjects: vec![(label.to_owned(), subject.clone())],
            votes,
            first_vote: 0,
        };
        let asked = evaluate_with(judge, &known, &self.canaries, &plan);
        let evaluation = self.runtime.block_on(asked);
        if let Some(mut has_sung) = singing {
            // Where everything was known, nobody sang.
            *has_sung = evaluation.cached_votes < votes as usize;
        }
        let cell = evaluation.cells.into_iter().next();
        let score = cell.map(|cell| cell.score);
        match score {
            Some(Ok(score)) => Ok(score),
            Some(Err(why)) => Err(why.to_string()),
            None => Err("nothing was asked".to_owned()),
        }
    }

    /// Returns the score that is known without asking.
    fn known(&self, criterion: &Criterion, subject: &Subject, votes: u32) -> Option<f64> {
        let settings = self.settings.as_ref()?;
        let kept = &self.kept;
        let known = Asking {
            kept,
            settings,
            criterion,
        };
        known_score(settings, &known, criterion, subject, votes)
    }

    /// Returns the verdicts that a score was made of, and that of what was recorded.
    fn given(&self, judging: &Judging<'_>) -> BTreeMap<ContentId, KnownVerdict> {
        let (Some(settings), Ok(Some(question))) = (&self.settings, self.question(judging)) else {
            return BTreeMap::new();
        };
        let keys = |subject| verdict_keys(settings, &question.criterion, subject, question.votes);
        let keys = keys(&question.now)
            .into_iter()
            .chain(keys(&question.before));
        keys.filter_map(|key| Some((key, self.kept.used(key)?)))
            .collect()
    }
}

/// What a check asks.
struct Question {
    criterion: Criterion,
    /// What is judged.
    now: Subject,
    /// What was recorded.
    before: Subject,
    votes: u32,
}

impl std::fmt::Debug for RunJudge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunJudge").finish_non_exhaustive()
    }
}

impl Judges for RunJudge {
    fn judge(&self, judging: &Judging<'_>) -> Result<Option<Judged>, String> {
        self.judged(judging)
    }

    fn verdicts(&self, judging: &Judging<'_>) -> BTreeMap<ContentId, KnownVerdict> {
        self.given(judging)
    }

    fn answer(&self, judging: &Judging<'_>) -> Option<KeptAnswer> {
        self.seen(judging)
    }
}

/// Returns a subject of which this was kept.
fn kept_subject(subject: Subject, kept: &KeptAnswer, reads_tools: bool) -> Result<Subject, String> {
    let of = |tool: &KeptTool| ToolEvidence {
        name: tool.name.clone(),
        arguments: tool.arguments.clone(),
        result: tool.result.clone(),
    };
    let tools = match &kept.tools {
        Some(tools) => tools.iter().map(of).collect(),
        None if reads_tools => return Err("what the tools returned is not kept".to_owned()),
        None => Vec::new(),
    };
    Ok(Subject {
        answer: kept.answer.clone(),
        tools,
        ..subject
    })
}

/// The version of how votes become a score.
const SCORING: &str = "scoring 1";

/// What the judge said of the canaries in this run.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<ContentId, Value>>);

impl VerdictCache for Memory {
    fn find(&self, key: ContentId) -> Option<Value> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&key).cloned()
    }

    fn keep(&self, key: ContentId, answer: &Value, _cost: Option<MicroUsd>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, answer.clone());
    }
}

/// Returns `1 call`, `2 calls`.
fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
