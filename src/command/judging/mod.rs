//! Judges as checks reach them: in a gate, or for one session.

mod kept;
mod said;
mod votes;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::runtime::Handle;

use self::kept::Asking;
pub(super) use self::kept::Kept;
use self::said::{Said, agreement, split};
use super::eval::{choose, criterion, evaluator_names, require, settings, subject};
use super::{CommandError, Context};
use crate::baseline::{Baseline, DefinitionError, KnownVerdict};
use crate::check::{JudgeVote, Judged, Judging, KeptAnswer, KeptTool};
use crate::config::Config;
use crate::gate::Judges;
use crate::judge::{
    Criterion, Given, JudgeSettings, Panel, Plan, Prompt, Subject, ToolEvidence, VerdictCache,
    Votes, evaluate_panel, known_score, middle, verdict_keys,
};
use crate::model::{ContentId, canonical_id};

/// Returns the hash of who judges by an evaluator, and how: verdicts under another one are not comparable.
pub(super) fn judge_id(judging: &Judging<'_>, config: &Config, context: &Context) -> ContentId {
    if let Some(program) = config.judge.exec.get(judging.evaluator) {
        return canonical_id(&(SCORING, judging.evaluator, &program.command, &program.with));
    }
    let prompt = asked(judging, config, context).ok();
    let prompt = prompt.map(|criterion| Prompt::hash(&criterion));
    let judges = settings(config).into_iter().map(|(_name, settings)| {
        let temperature = settings.temperature.map(|t| t.to_string());
        (settings.dialect.provider(), settings.model, temperature)
    });
    canonical_id(&(SCORING, judges.collect::<Vec<_>>(), prompt))
}

/// Returns the criterion that a check asks for.
fn asked(
    judging: &Judging<'_>,
    config: &Config,
    context: &Context,
) -> Result<Criterion, CommandError> {
    let criterion = criterion(judging.evaluator, config, context)?;
    Ok(if judging.sees_steps {
        criterion.with_steps()
    } else {
        criterion
    })
}

/// The judge of a run: asked once for equal questions, with one pair of canaries each.
pub(super) struct RunJudge {
    judge: Result<Panel, String>,
    /// Whom programs are asked by.
    nobody: Panel,
    /// How the judges are asked, by their names; nothing where no model is named.
    settings: Vec<(String, JudgeSettings)>,
    config: Config,
    context: Context,
    runtime: Handle,
    kept: Kept,
    canaries: Memory,
    /// What programs said in this run.
    programs: Memory,
    is_scripted: bool,
    /// What was said on each question.
    said: Mutex<BTreeMap<String, Said>>,
    locks: Mutex<HashMap<String, Arc<Mutex<bool>>>>,
    /// Whether the run ends, so that nobody is asked any more.
    is_stopped: AtomicBool,
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
        let judges = config.judge.judges();
        let is_scripted = judges.iter().all(|(_name, judge)| judge.scripted.is_some());
        let judge = if judges.is_empty() {
            Err("no judge is configured; name one by [judge] model in rewind.toml".to_owned())
        } else if is_offline && !is_scripted {
            Err("the run is offline, so no judge is asked".to_owned())
        } else if context.is_ci() && !is_live && !is_scripted {
            Err("CI is set and --live is not, so no judge is asked".to_owned())
        } else {
            choose(None, is_live, config, context).map_err(|error| error.message())
        };
        Self {
            judge,
            nobody: Panel::nobody(),
            settings: if is_scripted {
                Vec::new()
            } else {
                settings(config)
            },
            config: config.clone(),
            context: context.clone(),
            runtime,
            kept: Kept::default(),
            canaries: Memory::default(),
            programs: Memory::default(),
            is_scripted,
            said: Mutex::default(),
            locks: Mutex::default(),
            is_stopped: AtomicBool::new(false),
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
        let panel = self.judge.as_ref().ok()?;
        let ledger = panel.ledger();
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
        let judges = match panel.models().as_slice() {
            [one] => format!("the judge {one}"),
            several => format!("the judges {}", several.join(", ")),
        };
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let (agreement, split) = (agreement(&said), split(&said));
        Some(format!(
            "{judges} took {calls}: {cost}, apart from what the agents cost{agreement}{split}"
        ))
    }

    fn lock(&self, name: &str) -> Arc<Mutex<bool>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(name.to_owned()).or_default())
    }

    /// Returns what is judged, and what was recorded; `None` where they are the same.
    fn question(&self, judging: &Judging<'_>) -> Result<Option<Question>, String> {
        let criterion =
            asked(judging, &self.config, &self.context).map_err(|error| error.message())?;
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
            votes: judging
                .votes
                .or(self.config.judge.votes)
                .unwrap_or_default()
                .at(judging.min),
        };
        Ok((question.now != question.before).then_some(question))
    }

    /// Returns what a judge sees of the candidate, where the question is the recorded one.
    fn seen(&self, judging: &Judging<'_>) -> Option<KeptAnswer> {
        let criterion = asked(judging, &self.config, &self.context).ok()?;
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
        let (score, votes) = self.score(&question, &judging.candidate.label, &question.now)?;
        // What it is held against where no accepted sample has a score; asked once a run.
        let (reference, _votes) = self
            .score(&question, &judging.reference.label, &question.before)
            .map_err(|why| format!("the recorded answer could not be judged: {why}"))?;
        Ok(Some(Judged {
            score,
            reference: Some(reference),
            votes,
        }))
    }

    /// Returns nothing where the judge may decide by its calibration, or the check asks for none.
    fn check_calibration(&self, question: &Question, judging: &Judging<'_>) -> Result<(), String> {
        let Some(min_kappa) = judging.min_kappa else {
            return Ok(());
        };
        let judges = settings(&self.config);
        if let (Err(why), true) = (&self.judge, judges.is_empty()) {
            return Err(why.clone());
        }
        let least = (judging.min, min_kappa);
        require(
            &question.criterion,
            &judges,
            question.votes,
            least,
            &self.config,
        )
    }

    /// Returns the score of one answer, and the votes that it is made of.
    fn score(&self, question: &Question, label: &str, subject: &Subject) -> Result<Scored, String> {
        let (criterion, votes) = (&question.criterion, question.votes);
        let panel = match &self.judge {
            _ if criterion.program.is_some() => &self.nobody,
            Ok(panel) => panel,
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
        if self.is_stopped.load(Ordering::Relaxed) {
            return Err("the run was interrupted".to_owned());
        }
        let known = Asking {
            kept: &self.kept,
            criterion,
            is_scripted: self.is_scripted,
        };
        let known: &dyn VerdictCache = match criterion.program {
            Some(_) => &self.programs,
            None => &known,
        };
        let plan = Plan {
            criteria: vec![criterion.clone()],
            subjects: vec![(label.to_owned(), subject.clone())],
            votes,
            first_vote: 0,
        };
        let asked = evaluate_panel(panel, known, &self.canaries, &plan);
        let evaluation = self.runtime.block_on(asked);
        if let Some(mut has_sung) = singing {
            // Where everything was known, nobody sang.
            let votes: usize = evaluation.cells.iter().map(|cell| cell.votes.len()).sum();
            *has_sung = evaluation.cached_votes < votes || !evaluation.canaries.is_empty();
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.insert(question, Said::of(&evaluation, votes));
        drop(said);
        let judge = match (&criterion.program, panel.models().as_slice()) {
            (None, [model, ..]) => (*model).to_owned(),
            (Some(_), _) | (None, []) => name,
        };
        let votes = votes::votes(&evaluation, &judge, &|text| self.kept.redacted(text));
        let cell = evaluation.cells.into_iter().next();
        let score = cell.map(|cell| cell.score);
        match score {
            Some(Ok(score)) => Ok((score, votes)),
            Some(Err(why)) => Err(why.to_string()),
            None => Err("nothing was asked".to_owned()),
        }
    }

    /// Returns the score that is known without asking.
    fn known(&self, criterion: &Criterion, subject: &Subject, votes: Votes) -> Option<Scored> {
        let known = Asking {
            kept: &self.kept,
            criterion,
            is_scripted: self.is_scripted,
        };
        let mut scores = Vec::new();
        let mut said = Vec::new();
        for (name, settings) in &self.settings {
            let (score, given) = known_score(settings, &known, criterion, subject, votes)?;
            scores.push((name.as_str(), Ok(score)));
            let vote = |vote| votes::one(vote, &settings.model, &|text| self.kept.redacted(text));
            said.extend(given.iter().map(vote));
        }
        Some((middle(&scores).ok()?, said))
    }

    /// Returns the verdicts that a score was made of, and that of what was recorded.
    fn given(&self, judging: &Judging<'_>) -> BTreeMap<ContentId, KnownVerdict> {
        let Ok(Some(question)) = self.question(judging) else {
            return BTreeMap::new();
        };
        let votes = question.votes.max();
        let judges = self.settings.iter();
        let keys = judges.flat_map(|(_name, settings)| {
            let keys = |subject| verdict_keys(settings, &question.criterion, subject, votes);
            keys(&question.now)
                .into_iter()
                .chain(keys(&question.before))
        });
        keys.filter_map(|key| Some((key, self.kept.used(key)?)))
            .collect()
    }
}

/// A score and the votes that it is made of.
type Scored = (f64, Vec<JudgeVote>);

/// What a check asks.
struct Question {
    criterion: Criterion,
    /// What is judged.
    now: Subject,
    /// What was recorded.
    before: Subject,
    votes: Votes,
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

    fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
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

    fn keep(&self, key: ContentId, given: &Given<'_>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, given.answer.clone());
    }
}

/// Holds the evaluators that the checks of a baseline name against those that there are.
///
/// # Errors
/// Usage: one of them does not exist; says where it stands.
pub(super) fn check_evaluators(baseline: &Baseline, config: &Config) -> Result<(), CommandError> {
    let known = evaluator_names(config);
    let checks = baseline.definition.checks.iter();
    let mut asked = checks.flat_map(|definition| definition.check.evaluators());
    let Some(name) = asked.find(|name| !known.contains(&name.get_ref().as_str())) else {
        return Ok(());
    };
    let path = baseline.dir.join("baseline.toml");
    let error = DefinitionError::unknown_evaluator(&path, name, &known);
    let name = name.get_ref();
    Err(CommandError::usage(error).help(format!(
        "[judge.rubric.{name}] or [judge.exec.{name}] in rewind.toml makes one"
    )))
}

/// Returns `1 call`, `2 calls`.
fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
