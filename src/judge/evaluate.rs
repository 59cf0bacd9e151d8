//! Scores subjects by criteria: what is known from before, the canaries, then whatever is left to ask.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::Value;

use super::canary::{self, Canary};
use super::client::Answered;
use super::{
    Criterion, Judge, JudgeSettings, Ledger, NoCache, PASS, Prompt, Subject, Unmeasured,
    VerdictCache, Vote,
};
use super::{answer, cache, tidy};
use crate::model::ContentId;

/// What is to be scored.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// By what, at least one.
    pub criteria: Vec<Criterion>,
    /// The labels of timelines, and what is judged of each.
    pub subjects: Vec<(String, Subject)>,
    /// How often each is asked, at least 1.
    pub votes: u32,
    /// The number of the first vote: those of another number are other questions, and never known from these.
    pub first_vote: u32,
}

impl Plan {
    /// Returns the numbers of the votes.
    fn ordinals(&self) -> std::ops::Range<u32> {
        self.first_vote..self.first_vote.saturating_add(self.votes.max(1))
    }
}

/// The score of one timeline by one criterion.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The label of the timeline.
    pub timeline: String,
    /// The name of the criterion.
    pub evaluator: String,
    /// The mean of the measured votes, or why there is none.
    pub score: Result<f64, Unmeasured>,
    /// The votes; empty where nobody was asked.
    pub votes: Vec<Vote>,
}

/// How a judge did with an answer of which the verdict is known.
#[derive(Debug, Clone, PartialEq)]
pub struct CanaryResult {
    /// The name of the criterion.
    pub evaluator: String,
    /// What the answer was.
    pub canary: &'static str,
    /// Whether it had to pass.
    pub must_pass: bool,
    /// The judge's score, or why there is none.
    pub score: Result<f64, Unmeasured>,
}

impl CanaryResult {
    /// Returns whether the judge got it right.
    pub fn is_right(&self) -> bool {
        let score = self.score.as_ref();
        score.is_ok_and(|score| (*score >= PASS) == self.must_pass)
    }
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// One cell for each timeline and criterion, timelines first.
    pub cells: Vec<Cell>,
    /// How the judge did with what is known; nothing where nobody was asked.
    pub canaries: Vec<CanaryResult>,
    /// What the judge took.
    pub ledger: Ledger,
    /// Votes that were known from before.
    pub cached_votes: usize,
}

impl Evaluation {
    /// Returns the score of a timeline by a criterion.
    pub fn score(&self, timeline: &str, evaluator: &str) -> Option<f64> {
        let mut cells = self.cells.iter();
        let cell = cells.find(|cell| cell.timeline == timeline && cell.evaluator == evaluator)?;
        cell.score.as_ref().ok().copied()
    }
}

/// A question to the judge that is asked once, whoever wants to know.
struct Question<'a> {
    criterion: &'a Criterion,
    subject: &'a Subject,
    prompt: Prompt,
    ordinal: u32,
}

/// Scores all subjects by all criteria.
pub async fn evaluate(judge: &Judge, known: &dyn VerdictCache, plan: &Plan) -> Evaluation {
    evaluate_with(judge, known, &NoCache, plan).await
}

/// Scores all subjects by all criteria, with canaries whose answers are in `sung` where they were asked before.
pub async fn evaluate_with(
    judge: &Judge,
    known: &dyn VerdictCache,
    sung: &dyn VerdictCache,
    plan: &Plan,
) -> Evaluation {
    let questions = questions(judge, plan);
    let mut votes: BTreeMap<ContentId, Vote> = BTreeMap::new();
    for (key, question) in &questions {
        if let Some(vote) = known
            .find(*key)
            .and_then(|kept| remembered(&kept, question.criterion, question.subject))
        {
            votes.insert(*key, vote);
        }
    }
    let cached_votes = votes.len();
    let asked: BTreeSet<&str> = questions
        .iter()
        .filter(|(key, _question)| !votes.contains_key(key))
        .map(|(_key, question)| question.criterion.name.as_str())
        .collect();
    let canaries = sing(judge, sung, plan, &asked).await;
    let failed: BTreeMap<&str, Unmeasured> = canaries
        .iter()
        .filter(|canary| !canary.is_right())
        .map(|canary| (canary.evaluator.as_str(), wrong(canary)))
        .collect();
    let left = questions.iter().filter(|(key, question)| {
        !votes.contains_key(key) && !failed.contains_key(question.criterion.name.as_str())
    });
    let width = judge.settings().max_concurrent.max(1);
    let given: Vec<(ContentId, Vote)> = stream::iter(left)
        .map(|(key, question)| async move { (*key, ask(judge, known, *key, question).await) })
        .buffer_unordered(width)
        .collect()
        .await;
    votes.extend(given);
    Evaluation {
        cells: cells(judge, plan, &votes, &failed),
        canaries,
        ledger: judge.ledger(),
        cached_votes,
    }
}

/// Returns the score that follows from what is known, without asking anybody; `None` where a vote is missing.
pub fn known_score(
    settings: &JudgeSettings,
    known: &dyn VerdictCache,
    criterion: &Criterion,
    subject: &Subject,
    votes: u32,
) -> Option<f64> {
    let keys = cache::verdict_keys(settings, criterion, subject, votes).into_iter();
    let given: Option<Vec<Vote>> = keys
        .map(|key| remembered(&known.find(key)?, criterion, subject))
        .collect();
    mean(&given?, votes.max(1)).ok()
}

/// Returns all questions by their keys: equal ones are one.
fn questions<'a>(judge: &Judge, plan: &'a Plan) -> BTreeMap<ContentId, Question<'a>> {
    let mut questions = BTreeMap::new();
    for criterion in &plan.criteria {
        for (_label, subject) in &plan.subjects {
            if subject.fault().is_some() {
                continue;
            }
            let prompt = Prompt::new(criterion, subject);
            for ordinal in plan.ordinals() {
                let key = cache::key(judge.settings(), &prompt, ordinal);
                questions.entry(key).or_insert_with(|| Question {
                    criterion,
                    subject,
                    prompt: prompt.clone(),
                    ordinal,
                });
            }
        }
    }
    questions
}

/// Returns the vote that a kept answer makes; `None` where it can't be used any more.
fn remembered(kept: &Value, criterion: &Criterion, subject: &Subject) -> Option<Vote> {
    let verdicts = answer::read(kept, criterion).ok()?;
    let vote = answer::vote(verdicts, criterion, subject, true);
    vote.score().is_some().then_some(vote)
}

async fn ask(
    judge: &Judge,
    known: &dyn VerdictCache,
    key: ContentId,
    question: &Question<'_>,
) -> Vote {
    let read = |value: &Value| answer::read(value, question.criterion);
    match judge.ask(&question.prompt, question.ordinal, read).await {
        Ok(answered) => {
            let (criterion, subject) = (question.criterion, question.subject);
            let vote = answer::vote(answered.read, criterion, subject, false);
            if vote.score().is_some() {
                known.keep(key, &answered.said, answered.cost);
            }
            vote
        }
        Err(why) => Vote::NotMeasured(why),
    }
}

/// Asks what is known already, by each criterion that will be asked at all.
async fn sing(
    judge: &Judge,
    sung: &dyn VerdictCache,
    plan: &Plan,
    asked: &BTreeSet<&str>,
) -> Vec<CanaryResult> {
    let mut all: Vec<(&Criterion, Canary)> = Vec::new();
    for criterion in &plan.criteria {
        if asked.contains(criterion.name.as_str()) {
            all.extend(
                canaries(criterion, plan)
                    .into_iter()
                    .map(|c| (criterion, c)),
            );
        }
    }
    let width = judge.settings().max_concurrent.max(1);
    stream::iter(all)
        .map(|(criterion, canary)| async move {
            let prompt = Prompt::new(criterion, &canary.subject);
            let read = |value: &Value| answer::read(value, criterion);
            let key = cache::key(judge.settings(), &prompt, 0);
            let before = sung.find(key).and_then(|said| Answered::known(said, read));
            let asked = match before {
                Some(before) => Ok(before),
                None => judge.ask(&prompt, 0, read).await,
            };
            let score = match asked {
                Ok(answered) => {
                    sung.keep(key, &answered.said, answered.cost);
                    match answer::vote(answered.read, criterion, &canary.subject, false) {
                        Vote::Measured { score, .. } => Ok(score),
                        Vote::NotMeasured(why) => Err(why),
                    }
                }
                Err(why) => Err(why),
            };
            CanaryResult {
                evaluator: criterion.name.clone(),
                canary: canary.name,
                must_pass: canary.must_pass,
                score,
            }
        })
        .buffered(width)
        .collect()
        .await
}

/// Returns the canaries of a criterion: by the right answer where there is one and it matters.
fn canaries(criterion: &Criterion, plan: &Plan) -> Vec<Canary> {
    let reference = plan.subjects.first().and_then(|(_label, subject)| {
        let expected = subject.expected.as_deref()?;
        (criterion.name == "correctness").then_some((subject.question.as_str(), expected))
    });
    match reference {
        Some((question, expected)) => canary::of_reference(question, expected),
        None => criterion.canaries.clone(),
    }
}

fn wrong(canary: &CanaryResult) -> Unmeasured {
    match &canary.score {
        Err(why) => why.clone(),
        Ok(score) => {
            let had_to = if canary.must_pass { "pass" } else { "fail" };
            Unmeasured::Canary(format!(
                "{} had to {had_to} and got {score:.2}",
                canary.canary
            ))
        }
    }
}

fn cells(
    judge: &Judge,
    plan: &Plan,
    votes: &BTreeMap<ContentId, Vote>,
    failed: &BTreeMap<&str, Unmeasured>,
) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (label, subject) in &plan.subjects {
        for criterion in &plan.criteria {
            let prompt = Prompt::new(criterion, subject);
            let votes: Vec<Vote> = plan
                .ordinals()
                .filter_map(|ordinal| votes.get(&cache::key(judge.settings(), &prompt, ordinal)))
                .cloned()
                .collect();
            let score = match (subject.fault(), failed.get(criterion.name.as_str())) {
                (Some(fault), _) => Err(fault),
                (None, Some(why)) => Err(why.clone()),
                (None, None) => mean(&votes, plan.votes.max(1)),
            };
            cells.push(Cell {
                timeline: label.clone(),
                evaluator: criterion.name.clone(),
                score,
                votes,
            });
        }
    }
    cells
}

/// Returns the mean of the measured votes, if they are more than half of all.
fn mean(votes: &[Vote], wanted: u32) -> Result<f64, Unmeasured> {
    let scores: Vec<f64> = votes.iter().filter_map(Vote::score).collect();
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    let last = votes.iter().rev().find_map(|vote| match vote {
        Vote::NotMeasured(why) => Some(why.clone()),
        Vote::Measured { .. } => None,
    });
    if scores.len() * 2 > wanted {
        #[expect(clippy::cast_precision_loss, reason = "there are few votes")]
        let count = scores.len() as f64;
        return Ok(tidy(scores.iter().sum::<f64>() / count));
    }
    match last {
        Some(why) if wanted == 1 => Err(why),
        last => Err(Unmeasured::Votes {
            measured: scores.len(),
            votes: wanted,
            last: last.map(|why| why.to_string()).unwrap_or_default(),
        }),
    }
}
