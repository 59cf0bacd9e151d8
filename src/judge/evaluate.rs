//! Scores subjects by criteria: what is known from before, the canaries, then whatever is left to ask.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::Value;

use super::{
    CanaryResult, Criterion, Given, Judge, JudgeSettings, Ledger, MemberScores, NoCache, Prompt,
    Subject, Unmeasured, VerdictCache, Vote, Votes,
};
use super::{answer, cache, canary, program, tidy};
use crate::model::ContentId;

/// What is to be scored.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// By what, at least one.
    pub criteria: Vec<Criterion>,
    /// The labels of timelines, and what is judged of each.
    pub subjects: Vec<(String, Subject)>,
    /// How often each is asked.
    pub votes: Votes,
    /// The number of the first vote: those of another number are other questions, and never known from these.
    pub first_vote: u32,
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

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// One cell for each timeline and criterion, timelines first.
    pub cells: Vec<Cell>,
    /// How the judge did with what is known; nothing where nobody was asked.
    pub canaries: Vec<CanaryResult>,
    /// The judges one by one; nothing where there is only one.
    pub members: Vec<MemberScores>,
    /// What the judges took.
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

/// An answer that is judged by a criterion: asked about once, whoever wants to know.
struct Item<'a> {
    criterion: &'a Criterion,
    subject: &'a Subject,
    prompt: Prompt,
    votes: Vec<Vote>,
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
    let mut items = items(judge, plan);
    let mut canaries: Vec<CanaryResult> = Vec::new();
    let mut failed: BTreeMap<&str, Unmeasured> = BTreeMap::new();
    loop {
        let open = open(plan, &items, &failed);
        if open.is_empty() {
            break;
        }
        let mut given: BTreeMap<(ContentId, u32), Vote> = BTreeMap::new();
        for (item, ordinal) in &open {
            if let Some(vote) = remembered(judge, known, item, *ordinal) {
                given.insert((item.key(judge), *ordinal), vote);
            }
        }
        let left: Vec<&(&Item<'_>, u32)> = open
            .iter()
            .filter(|(item, ordinal)| !given.contains_key(&(item.key(judge), *ordinal)))
            .collect();
        let asked: BTreeSet<&str> = left
            .iter()
            .map(|(item, _ordinal)| item.criterion.name.as_str())
            .filter(|name| canaries.iter().all(|canary| canary.evaluator != *name))
            .collect();
        for canary in canary::sing(judge, sung, plan, &asked).await {
            if !canary.is_right() {
                let criterion = plan.criteria.iter();
                let mut named = criterion.filter(|criterion| criterion.name == canary.evaluator);
                failed.extend(named.next().map(|c| (c.name.as_str(), canary.fault())));
            }
            canaries.push(canary);
        }
        let width = judge.settings().max_concurrent.max(1);
        let new: Vec<((ContentId, u32), Vote)> = stream::iter(left)
            .filter(|(item, _ordinal)| {
                std::future::ready(!failed.contains_key(item.criterion.name.as_str()))
            })
            .map(|(item, ordinal)| async move {
                let key = (item.key(judge), *ordinal);
                (key, ask(judge, known, item, *ordinal).await)
            })
            .buffer_unordered(width)
            .collect()
            .await;
        given.extend(new);
        // In the order of their numbers.
        for ((key, _ordinal), vote) in given {
            if let Some(item) = items.get_mut(&key) {
                item.votes.push(vote);
            }
        }
    }
    let votes = items.values().flat_map(|item| &item.votes);
    Evaluation {
        cached_votes: votes.filter(|vote| vote.is_cached()).count(),
        cells: cells(judge, plan, &items, &failed),
        canaries,
        members: Vec::new(),
        ledger: judge.ledger(),
    }
}

impl Item<'_> {
    /// Returns what is asked, whichever vote it is.
    fn key(&self, judge: &Judge) -> ContentId {
        cache::key(judge.settings(), &self.prompt, 0)
    }
}

/// Returns all that is to be judged, by its key: what is equal is one.
fn items<'a>(judge: &Judge, plan: &'a Plan) -> BTreeMap<ContentId, Item<'a>> {
    let mut items = BTreeMap::new();
    for criterion in &plan.criteria {
        for (_label, subject) in &plan.subjects {
            if subject.fault().is_some() {
                continue;
            }
            let item = Item {
                criterion,
                subject,
                prompt: Prompt::new(criterion, subject),
                votes: Vec::new(),
            };
            items.entry(item.key(judge)).or_insert(item);
        }
    }
    items
}

/// Returns the votes that are wanted next, by their numbers.
fn open<'a, 'b>(
    plan: &Plan,
    items: &'b BTreeMap<ContentId, Item<'a>>,
    failed: &BTreeMap<&str, Unmeasured>,
) -> Vec<(&'b Item<'a>, u32)> {
    let items = items.values();
    let open = items.filter(|item| !failed.contains_key(item.criterion.name.as_str()));
    open.flat_map(|item| {
        let first = u32::try_from(item.votes.len()).unwrap_or(u32::MAX);
        let first = plan.first_vote.saturating_add(first);
        (first..first.saturating_add(plan.votes.wanted(&item.votes)))
            .map(move |ordinal| (item, ordinal))
    })
    .collect()
}

/// Returns the vote that a kept answer makes; `None` where there is none that can be used.
fn remembered(
    judge: &Judge,
    known: &dyn VerdictCache,
    item: &Item<'_>,
    ordinal: u32,
) -> Option<Vote> {
    let key = cache::key(judge.settings(), &item.prompt, ordinal);
    let verdicts = match &item.criterion.program {
        None => answer::read(&known.find(key)?, item.criterion).ok()?,
        // Like rules, it may change without a new name.
        Some(_program) if !known.keeps_scripted() => return None,
        Some(_program) => program::read(&known.find(key)?, item.criterion).ok()?,
    };
    let vote = answer::vote(verdicts, item.criterion, item.subject, true);
    vote.score().is_some().then_some(vote)
}

async fn ask(judge: &Judge, known: &dyn VerdictCache, item: &Item<'_>, ordinal: u32) -> Vote {
    let read = |value: &Value| answer::read(value, item.criterion);
    let asked = match &item.criterion.program {
        None => judge.ask(&item.prompt, ordinal, read).await,
        Some(custom) => program::ask(custom, item.criterion, item.prompt.user.clone()).await,
    };
    match asked {
        Ok(answered) => {
            let vote = answer::vote(answered.read, item.criterion, item.subject, false);
            let is_kept = item.criterion.program.is_none() || known.keeps_scripted();
            if is_kept && vote.score().is_some() {
                let given = Given {
                    answer: &answered.said,
                    cost: answered.cost,
                    model: &judge.settings().model,
                };
                known.keep(cache::key(judge.settings(), &item.prompt, ordinal), &given);
            }
            vote
        }
        Err(why) => Vote::NotMeasured(why),
    }
}

/// Returns the score that follows from what is known, and the votes that it is made of, without asking anybody; `None`
/// where a vote is missing.
pub fn known_score(
    settings: &JudgeSettings,
    known: &dyn VerdictCache,
    criterion: &Criterion,
    subject: &Subject,
    votes: Votes,
) -> Option<(f64, Vec<Vote>)> {
    let mut keys = cache::verdict_keys(settings, criterion, subject, votes.max()).into_iter();
    let mut given: Vec<Vote> = Vec::new();
    while votes.wanted(&given) > 0 {
        let kept = known.find(keys.next()?)?;
        let verdicts = answer::read(&kept, criterion).ok()?;
        let vote = answer::vote(verdicts, criterion, subject, true);
        vote.score()?;
        given.push(vote);
    }
    Some((mean(&given).ok()?, given))
}

fn cells(
    judge: &Judge,
    plan: &Plan,
    items: &BTreeMap<ContentId, Item<'_>>,
    failed: &BTreeMap<&str, Unmeasured>,
) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (label, subject) in &plan.subjects {
        for criterion in &plan.criteria {
            let prompt = Prompt::new(criterion, subject);
            let item = items.get(&cache::key(judge.settings(), &prompt, 0));
            let votes = item.map(|item| item.votes.clone()).unwrap_or_default();
            let score = match (subject.fault(), failed.get(criterion.name.as_str())) {
                (Some(fault), _) => Err(fault),
                (None, Some(why)) => Err(why.clone()),
                (None, None) => mean(&votes),
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
fn mean(votes: &[Vote]) -> Result<f64, Unmeasured> {
    let scores: Vec<f64> = votes.iter().filter_map(Vote::score).collect();
    let last = votes.iter().rev().find_map(|vote| match vote {
        Vote::NotMeasured(why) => Some(why.clone()),
        Vote::Measured { .. } => None,
    });
    if scores.len() * 2 > votes.len() {
        #[expect(clippy::cast_precision_loss, reason = "there are few votes")]
        let count = scores.len() as f64;
        return Ok(tidy(scores.iter().sum::<f64>() / count));
    }
    match last {
        Some(why) if votes.len() == 1 => Err(why),
        last => Err(Unmeasured::Votes {
            measured: scores.len(),
            votes: votes.len(),
            last: last.map(|why| why.to_string()).unwrap_or_default(),
        }),
    }
}
