//! Evaluators of the user's own: programs that read what is judged as JSON, and print a verdict as JSON.
//!
//! How a program is run is the caller's; here stands what it is told and what it may say. A program that crashes, hangs
//! or prints anything but a verdict has not measured.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Answered;
use super::{Criterion, PASS, StatementVerdict, Subject, Unmeasured};
use crate::model::MicroUsd;

/// A program that judges.
pub trait Program: fmt::Debug + Send + Sync {
    /// Runs it on this standard input, and returns what it printed.
    ///
    /// # Errors
    /// It did not end as it should; says how in one sentence.
    fn run(&self, stdin: String) -> BoxFuture<'_, Result<Vec<u8>, String>>;
}

/// A program that judges, and the values that the user gives it.
#[derive(Debug, Clone)]
pub struct Custom {
    /// How it is run.
    pub program: Arc<dyn Program>,
    /// Values for it, of the user's own.
    pub with: Value,
}

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.program, &other.program) && self.with == other.with
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    score: Option<f64>,
    pass: Option<bool>,
    #[serde(default)]
    reasoning: String,
}

/// Returns what the program of an evaluator reads on standard input.
pub(super) fn document(evaluator: &str, with: &Value, subject: &Subject) -> String {
    let steps: Vec<Value> = subject
        .tools
        .iter()
        .map(|tool| {
            json!({
                "name": tool.name,
                // They were made of JSON.
                "arguments": serde_json::from_str::<Value>(&tool.arguments).unwrap_or_default(),
                "result": tool.result,
            })
        })
        .collect();
    json!({
        "version": 1,
        "evaluator": evaluator,
        "with": with,
        "question": subject.question,
        "answer": subject.answer,
        "expected": subject.expected,
        "steps": steps,
    })
    .to_string()
}

/// Runs the program once, and returns its verdict as it printed it.
pub(super) async fn ask(
    custom: &Custom,
    criterion: &Criterion,
    stdin: String,
) -> Result<Answered<Vec<StatementVerdict>>, Unmeasured> {
    let failed = |why: String| Unmeasured::Program(format!("`{}`: {why}", criterion.name));
    let printed = custom.program.run(stdin).await.map_err(failed)?;
    if printed.iter().all(u8::is_ascii_whitespace) {
        return Err(failed(
            "it printed no verdict, such as {\"score\": 0.8}".to_owned(),
        ));
    }
    let said: Value = serde_json::from_slice(&printed)
        .map_err(|_error| failed("what it printed is not one JSON document".to_owned()))?;
    let read = read(&said, criterion).map_err(failed)?;
    let cost = Some(MicroUsd::default());
    Ok(Answered { read, said, cost })
}

/// Returns the verdict in what a program printed.
pub(super) fn read(said: &Value, criterion: &Criterion) -> Result<Vec<StatementVerdict>, String> {
    let raw = Raw::deserialize(said)
        .map_err(|error| format!("what it printed is no verdict: {error}"))?;
    let score = match (raw.score, raw.pass) {
        (None, None) => return Err("its verdict has neither `score` nor `pass`".to_owned()),
        (None, Some(pass)) => f64::from(u8::from(pass)),
        (Some(score), _) if !(0.0..=1.0).contains(&score) => {
            return Err(format!("its `score` of {score} is no number from 0 to 1"));
        }
        (Some(score), Some(pass)) if pass != (score >= PASS) => {
            return Err(format!(
                "its `pass` contradicts its `score` of {score}: 0.5 and more passes"
            ));
        }
        (Some(score), _) => score,
    };
    Ok(vec![StatementVerdict {
        statement: criterion.name.clone(),
        score,
        evidence: Vec::new(),
        reasoning: raw.reasoning,
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{NoCache, Plan, Votes, evaluate};

    /// A program that always prints the same, or fails.
    #[derive(Debug)]
    struct Prints(Result<&'static str, &'static str>);

    impl Program for Prints {
        fn run(&self, stdin: String) -> BoxFuture<'_, Result<Vec<u8>, String>> {
            let said: Value = serde_json::from_str(&stdin).unwrap();
            assert_eq!(said["version"], 1);
            let printed = self.0.map(|text| text.as_bytes().to_vec());
            Box::pin(async move { printed.map_err(str::to_owned) })
        }
    }

    async fn score(prints: Result<&'static str, &'static str>) -> Result<f64, String> {
        let custom = Custom {
            program: Arc::new(Prints(prints)),
            with: Value::Null,
        };
        let subject = Subject {
            answer: "14 million".to_owned(),
            ..Subject::default()
        };
        let plan = Plan {
            criteria: vec![Criterion::program("mine", custom, None, None)],
            subjects: vec![("main".to_owned(), subject)],
            votes: Votes::default(),
            first_vote: 0,
        };
        let judge = crate::judge::Judge::nobody();
        let found = evaluate(&judge, &NoCache, &plan).await;
        assert_eq!(found.ledger.calls, 0);
        let cell = found.cells.into_iter().next().unwrap();
        cell.score.map_err(|why| why.to_string())
    }

    #[tokio::test]
    async fn only_a_whole_verdict_of_a_program_is_a_score() {
        assert_eq!(score(Ok(r#"{"score": 0.25}"#)).await, Ok(0.25));
        assert_eq!(score(Ok(" {\"pass\": true}\n")).await, Ok(1.0));
        assert_eq!(
            score(Ok(r#"{"score": 0.5, "pass": true, "reasoning": "so"}"#)).await,
            Ok(0.5)
        );
        for (prints, why) in [
            (Err("it exited with status 1"), "exited with status 1"),
            (Ok(""), "no verdict"),
            (Ok("score: 1.0"), "not one JSON document"),
            (Ok("{\"score\": 1.0} {\"score\": 1.0}"), "not one JSON"),
            (Ok("{}"), "neither"),
            (Ok("1.0"), "no verdict"),
            (Ok(r#"{"score": 1.7}"#), "from 0 to 1"),
            (Ok(r#"{"score": "1.0"}"#), "no verdict"),
            (Ok(r#"{"score": 0.9, "pass": false}"#), "contradicts"),
            (Ok(r#"{"score": 0.9, "passed": true}"#), "passed"),
        ] {
            let found = score(prints).await.unwrap_err();
            assert!(found.contains(why), "{prints:?}: {found}");
            assert!(found.starts_with("the program `mine`: "), "{found}");
        }
    }
}
