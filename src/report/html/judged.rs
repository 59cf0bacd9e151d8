//! What judges said, beside the step that they judged.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rows::address;
use crate::check::{JudgeVote, Score};
use crate::model::{Message, plain_text};
use crate::report::trace::{Trace, TraceStep};

/// A judge's word on an answer.
#[derive(Clone, Serialize)]
pub(super) struct VoteView {
    judge: String,
    score: Option<String>,
    why: String,
    statements: Vec<StatementView>,
    /// How often it said so.
    times: usize,
}

impl VoteView {
    /// Returns whether it says the same as another one.
    fn says_what(&self, other: &Self) -> bool {
        let of = |vote: &Self| (vote.judge.clone(), vote.score.clone(), vote.why.clone());
        of(self) == of(other) && self.statements == other.statements
    }
}

#[derive(Clone, PartialEq, Serialize)]
struct StatementView {
    statement: String,
    score: String,
    quotes: Vec<QuoteView>,
    reasoning: String,
}

/// What a judge quotes, and where it stands.
#[derive(Clone, PartialEq, Serialize)]
struct QuoteView {
    text: String,
    href: String,
    place: Option<u32>,
}

/// What judges said by one evaluator.
#[derive(Clone, Serialize)]
pub(super) struct JudgedView {
    pub(super) check: String,
    pub(super) state: &'static str,
    pub(super) message: String,
    pub(super) votes: Vec<VoteView>,
}

/// Returns the votes that a score is made of, equal ones once.
pub(super) fn votes(score: &Score) -> Vec<VoteView> {
    let mut views: Vec<VoteView> = Vec::new();
    for vote in score.votes.iter().map(vote) {
        match views.iter_mut().find(|known| known.says_what(&vote)) {
            Some(known) => known.times += 1,
            None => views.push(vote),
        }
    }
    views
}

fn vote(vote: &JudgeVote) -> VoteView {
    VoteView {
        judge: vote.judge.clone(),
        score: vote.score.map(|score| format!("{score:.2}")),
        why: vote.why.clone(),
        times: 1,
        statements: vote
            .statements
            .iter()
            .map(|said| StatementView {
                statement: said.statement.clone(),
                score: format!("{:.2}", said.score),
                quotes: said
                    .quotes
                    .iter()
                    .map(|text| QuoteView {
                        text: text.clone(),
                        href: String::new(),
                        place: None,
                    })
                    .collect(),
                reasoning: said.reasoning.clone(),
            })
            .collect(),
    }
}

/// The texts of a replay's steps, with white space as a judge's quotes are compared by.
pub(super) struct Quotable {
    steps: Vec<(u32, String, String)>,
}

impl Quotable {
    /// Returns what can be quoted of a trace: first the final answer, then what came before it, newest first.
    pub(super) fn of(trace: &Trace, id: &str) -> Self {
        let rows = trace.rows.iter().enumerate().rev();
        let mut steps: Vec<(bool, u32, String, String)> = rows
            .filter_map(|(index, row)| {
                let step = row.right.as_ref()?;
                // What was served as recorded is told on the left.
                let told = [Some(step), row.left.as_ref()].into_iter().flatten();
                let text = told
                    .map(|step| text(trace, step))
                    .find(|text| !text.is_empty())?;
                let is_answer = trace.answer_row == Some(index);
                Some((is_answer, step.number.0, address(id, row), text))
            })
            .collect();
        steps.sort_by_key(|(is_answer, ..)| !is_answer);
        let steps = steps.into_iter();
        Self {
            steps: steps
                .map(|(_is, number, href, text)| (number, href, text))
                .collect(),
        }
    }

    /// Says of each quote where it stands.
    pub(super) fn locate(&self, votes: &mut [VoteView]) {
        let mut known: BTreeMap<String, (Option<u32>, String)> = BTreeMap::new();
        let said = votes.iter_mut().flat_map(|vote| &mut vote.statements);
        for quote in said.flat_map(|said| &mut said.quotes) {
            let wanted = spaced(quote.text.trim_end_matches('…'));
            if wanted.is_empty() {
                continue;
            }
            let (place, href) = known.entry(wanted.clone()).or_insert_with(|| {
                let mut steps = self.steps.iter();
                let found = steps.find(|(_number, _href, text)| text.contains(&wanted));
                found.map_or((None, String::new()), |(number, href, _text)| {
                    (Some(*number), href.clone())
                })
            });
            quote.place = *place;
            quote.href.clone_from(href);
        }
    }
}

/// Returns what a step said, or gave back.
fn text(trace: &Trace, step: &TraceStep) -> String {
    let answer = step.answer.and_then(|at| trace.messages.get(at));
    let said = answer.map(Message::plain_text).unwrap_or_default();
    // As the judge saw it.
    let result = step.result.as_deref().map(plain_text).unwrap_or_default();
    spaced(&format!("{said} {result}"))
}

fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
