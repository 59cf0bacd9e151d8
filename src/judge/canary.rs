//! Answers of which the verdict is known: a judge that gets them wrong judges nothing.

use super::{Subject, ToolEvidence};

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
