//! Answers of which the verdict is known: a judge that gets them wrong judges nothing.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::Value;

use super::client::Answered;
use super::{
    Criterion, Given, Judge, Malformed, PASS, Plan, Prompt, Subject, ToolEvidence, Unmeasured,
    VerdictCache, Vote,
};
use super::{answer, cache, program};

/// An answer of which the verdict is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Canary {
    /// What it is, for people.
    pub(super) name: &'static str,
    /// What is judged.
    pub(super) subject: Subject,
    /// Whether it has to pass, or to fail.
    pub(super) must_pass: bool,
}

/// How a judge did with an answer of which the verdict is known.
#[derive(Debug, Clone, PartialEq)]
pub struct CanaryResult {
    /// The name of the judge, where there are several.
    pub judge: Option<String>,
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

    /// Returns why a judge that got it wrong measures nothing.
    pub(super) fn fault(&self) -> Unmeasured {
        match &self.score {
            Err(why) => why.clone(),
            Ok(score) => {
                let had_to = if self.must_pass { "pass" } else { "fail" };
                Unmeasured::Canary(format!(
                    "{} had to {had_to} and got {score:.2}",
                    self.canary
                ))
            }
        }
    }
}

/// Asks what is known already, by each criterion that will be asked at all.
pub(super) async fn sing(
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
            let read = |value: &Value| match &criterion.program {
                None => answer::read(value, criterion),
                Some(_program) => program::read(value, criterion).map_err(Malformed::Schema),
            };
            let key = cache::key(judge.settings(), &prompt, 0);
            let before = sung.find(key).and_then(|said| Answered::known(said, read));
            let asked = match before {
                Some(before) => Ok(before),
                None => match &criterion.program {
                    None => judge.ask(&prompt, 0, read).await,
                    Some(custom) => program::ask(custom, criterion, prompt.user.clone()).await,
                },
            };
            let score = match asked {
                Ok(answered) => {
                    let given = Given {
                        answer: &answered.said,
                        cost: answered.cost,
                        model: &judge.settings().model,
                    };
                    sung.keep(key, &given);
                    match answer::vote(answered.read, criterion, &canary.subject, false) {
                        Vote::Measured { score, .. } => Ok(score),
                        Vote::NotMeasured(why) => Err(why),
                    }
                }
                Err(why) => Err(why),
            };
            CanaryResult {
                judge: None,
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
pub(super) fn canaries(criterion: &Criterion, plan: &Plan) -> Vec<Canary> {
    let reference = plan.subjects.first().and_then(|(_label, subject)| {
        let expected = subject.expected.as_deref()?;
        (criterion.name == "correctness").then_some((subject.question.as_str(), expected))
    });
    match reference {
        Some((question, expected)) => of_reference(question, expected),
        None => criterion.canaries.clone(),
    }
}

/// Returns a right and a wrong answer to the built-in question.
pub(super) fn built_in(criterion: &str, good: &str, bad: &str) -> Vec<Canary> {
    // Only correctness is held against a reference.
    let expected = (criterion == "correctness").then(|| "Paris".to_owned());
    let subject = |answer: &str| Subject {
        question: QUESTION.to_owned(),
        answer: answer.to_owned(),
        expected: expected.clone(),
        tools: vec![ToolEvidence {
            name: "lookup".to_owned(),
            arguments: r#"{"country":"France"}"#.to_owned(),
            result: "France: capital Paris".to_owned(),
        }],
    };
    pair(Some(subject(good)), Some(subject(bad)))
}

/// Returns the canaries of a rubric: what the user says of it.
pub(super) fn of_rubric(good: Option<&str>, bad: Option<&str>) -> Vec<Canary> {
    let subject = |answer: &str| Subject {
        answer: answer.to_owned(),
        ..Subject::default()
    };
    pair(good.map(subject), bad.map(subject))
}

/// Returns the canaries of a question with a known answer: that answer, and one to another question.
pub(super) fn of_reference(question: &str, expected: &str) -> Vec<Canary> {
    let subject = |answer: &str| Subject {
        question: question.to_owned(),
        answer: answer.to_owned(),
        expected: Some(expected.to_owned()),
        tools: Vec::new(),
    };
    pair(Some(subject(expected)), Some(subject(UNRELATED)))
}

fn pair(good: Option<Subject>, bad: Option<Subject>) -> Vec<Canary> {
    let canary = |name, subject, must_pass| Canary {
        name,
        subject,
        must_pass,
    };
    let good = good.map(|subject| canary("the reference answer", subject, true));
    let bad = bad.map(|subject| canary("an unrelated answer", subject, false));
    good.into_iter().chain(bad).collect()
}

/// The question of the built-in canaries.
const QUESTION: &str = "What is the capital of France?";

/// A right answer to it.
pub(super) const RIGHT: &str = "The capital of France is Paris.";

/// An answer to no question at all.
pub(super) const UNRELATED: &str =
    "Bananas are botanically berries, and they are rich in potassium.";
