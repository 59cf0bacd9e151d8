//! `kind = "judge"`: a model scores the final answer by a criterion.
//!
//! Where everything that the judge would see is what it is in the reference, nobody is asked: an answer that is
//! the recorded one is as good as it was.

use serde::Deserialize;

use super::outside::Judging;
use super::registry::{ReadError, Table, keys};
use super::{Check, CheckContext, Finding, Outcome};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    evaluator: String,
    min: Option<f64>,
    expected: Option<String>,
    votes: Option<u32>,
}

/// A score that an answer must reach.
#[derive(Debug)]
struct ByJudge {
    evaluator: String,
    min: f64,
    expected: Option<String>,
    votes: Option<u32>,
}

/// Reads the check from its table.
pub(super) fn read(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let raw: Raw = keys(table)?;
    let wrong = |message: &str| Err(ReadError::new(message, None));
    if raw.evaluator.is_empty() {
        return wrong("`evaluator` is empty; name one, such as evaluator = \"correctness\"");
    }
    let min = raw.min.unwrap_or(MIN);
    if !(0.0..=1.0).contains(&min) || min == 0.0 {
        return wrong("`min` is a score above 0 and up to 1, such as min = 0.7");
    }
    if raw
        .votes
        .is_some_and(|votes| votes == 0 || votes > MAX_VOTES)
    {
        return wrong("`votes` is a number from 1 to 99");
    }
    Ok(Box::new(ByJudge {
        evaluator: raw.evaluator,
        min,
        expected: raw.expected,
        votes: raw.votes,
    }))
}

impl ByJudge {
    fn judging<'a>(&'a self, context: &CheckContext<'a>) -> Judging<'a> {
        Judging {
            evaluator: &self.evaluator,
            expected: self.expected.as_deref(),
            votes: self.votes,
            reference: context.reference,
            candidate: context.candidate,
        }
    }
}

impl Check for ByJudge {
    fn kind(&self) -> &'static str {
        "judge"
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        if !context.is_complete {
            return Outcome::incomplete();
        }
        let judging = self.judging(context);
        let (evaluator, min) = (&self.evaluator, self.min);
        match context.outside.judge(&judging) {
            Ok(None) => Outcome::passed(format!(
                "what `{evaluator}` looks at is as it was recorded, so no judge was asked"
            )),
            Ok(Some(score)) if score >= min => {
                Outcome::passed(format!("`{evaluator}` gives {score:.2}, at least {min:.2}"))
            }
            Ok(Some(score)) => {
                let finding = Finding::new(format!(
                    "`{evaluator}` gives {score:.2}, less than {min:.2}"
                ))
                .values(format!("at least {min:.2}"), format!("{score:.2}"));
                Outcome::from_findings(vec![finding], "")
            }
            Err(why) => Outcome::not_run(format!("`{evaluator}` was not measured: {why}")),
        }
    }

    fn judgings<'a>(&'a self, context: &CheckContext<'a>) -> Vec<Judging<'a>> {
        vec![self.judging(context)]
    }
}

/// The score that passes where nothing else is said: where the built-in evaluators draw the line.
const MIN: f64 = 0.5;
/// The most votes on one answer.
const MAX_VOTES: u32 = 99;

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::super::registry::tests::{check, try_check};
    use super::super::{FileError, Outside, Program, ProgramEnd};
    use super::*;
    use crate::lineage::testing::{research, timeline};

    /// A judge that always says the same.
    #[derive(Debug)]
    struct Says(Result<Option<f64>, &'static str>);

    impl Outside for Says {
        fn file(&self, _path: &Utf8Path) -> Result<Vec<u8>, FileError> {
            Err(FileError::Missing)
        }

        fn run(&self, _program: &Program<'_>) -> Result<ProgramEnd, String> {
            Err(String::new())
        }

        fn judge(&self, judging: &Judging<'_>) -> Result<Option<f64>, String> {
            assert_eq!((judging.evaluator, judging.votes), ("tone", Some(3)));
            self.0.map_err(str::to_owned)
        }
    }

    #[test]
    fn what_was_not_measured_passes_neither_way() {
        let run = timeline("new", vec![research()]);
        let check = check("kind = 'judge'\nevaluator = 'tone'\nmin = 0.7\nvotes = 3");
        let outcome = |says, is_negated: bool| {
            let outside = Says(says);
            let context = CheckContext {
                outside: &outside,
                ..CheckContext::new(&run, &run)
            };
            if is_negated {
                check.run_negated(&context)
            } else {
                check.run(&context)
            }
        };
        assert_eq!(
            outcome(Ok(Some(0.7)), false).why(),
            "`tone` gives 0.70, at least 0.70"
        );
        assert!(outcome(Ok(Some(0.69)), false).is_failed());
        assert!(matches!(outcome(Ok(None), false), Outcome::Passed { .. }));
        for is_negated in [false, true] {
            let not_measured = outcome(Err("it was cut off"), is_negated);
            assert!(
                matches!(not_measured, Outcome::NotRun { .. }),
                "{not_measured:?}"
            );
        }
    }

    #[test]
    fn a_threshold_that_says_nothing_is_refused() {
        for toml in [
            "",
            "evaluator = ''",
            "evaluator = 'a'\nmin = 0",
            "evaluator = 'a'\nmin = 1.1",
            "evaluator = 'a'\nvotes = 0",
        ] {
            assert!(
                try_check(&format!("kind = 'judge'\n{toml}")).is_err(),
                "{toml}"
            );
        }
    }
}
