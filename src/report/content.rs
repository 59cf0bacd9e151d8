//! Takes what agents, models and providers wrote out of a report, as far as it may not be shown.

use super::run_report::{Content, ForkReport, RunReport};
use super::units::{ending, excerpt};
use crate::check::Outcome;

impl RunReport {
    /// Leaves as much of what agents, models and providers wrote as `content` allows.
    pub(super) fn limit(&mut self, content: Content) {
        for fork in &mut self.forks {
            limit(fork, content);
        }
    }
}

fn limit(fork: &mut ForkReport, content: Content) {
    let keep = |text: &mut String| match content {
        Content::None => text.clear(),
        Content::Excerpt => *text = excerpt(text, EXCERPT_CHARS),
        Content::Full => *text = cut(text, FULL_CHARS),
    };
    let log = &mut fork.agent_log;
    match content {
        Content::None => log.clear(),
        Content::Excerpt => *log = ending(log, EXCERPT_CHARS),
        Content::Full => *log = ending(log, FULL_CHARS),
    }
    let tried = fork.evidence.confirmation.iter_mut();
    let tried = tried.flat_map(|tried| tried.base.iter_mut().chain(&mut tried.candidate));
    for sample in fork.evidence.samples.iter_mut().chain(tried) {
        if let Some(fault) = &mut sample.fault {
            keep(&mut fault.said);
        }
        for divergence in &mut sample.replay.divergences {
            keep(&mut divergence.recorded);
            keep(&mut divergence.found);
        }
        for check in &mut sample.checks {
            for vote in check.score.iter_mut().flat_map(|score| &mut score.votes) {
                keep(&mut vote.why);
                for said in &mut vote.statements {
                    keep(&mut said.reasoning);
                    said.quotes.iter_mut().for_each(keep);
                    said.quotes.retain(|quote| !quote.is_empty());
                }
            }
            let Outcome::Failed { findings, .. } = &mut check.outcome else {
                continue;
            };
            for finding in findings {
                keep(&mut finding.expected);
                keep(&mut finding.found);
            }
        }
    }
}

fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit).collect();
    format!("{kept}…")
}

/// How much of a value an excerpt holds.
const EXCERPT_CHARS: usize = 200;

/// How much of a value a report holds at most.
const FULL_CHARS: usize = 20_000;
