//! `kind = "judge"`: a model scores the final answer by a criterion.
//!
//! Where everything that the judge would see is what it is in the reference, nobody is asked: an answer that is
//! the recorded one is as good as it was.

use serde::Deserialize;
use toml::Spanned;

use super::outside::Judging;
use super::registry::{ReadError, Table, keys};
use super::{Check, CheckContext, Finding, MaxDrop, Outcome, Score};
use crate::judge::{Sight, Votes};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    evaluator: Spanned<String>,
    min: Option<f64>,
    expected: Option<String>,
    votes: Option<Votes>,
    min_kappa: Option<f64>,
    max_drop: Option<Spanned<RawDrop>>,
    see: Option<Sight>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number such as 0.1, or a share such as \"10%\""
)]
enum RawDrop {
    Points(f64),
    Share(String),
}

/// A score that an answer must reach.
#[derive(Debug)]
struct ByJudge {
    evaluator: Spanned<String>,
    min: f64,
    expected: Option<String>,
    votes: Option<Votes>,
    max_drop: Option<MaxDrop>,
    min_kappa: Option<f64>,
    sees_steps: bool,
}

/// Reads the check from its table.
pub(super) fn read(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let raw: Raw = keys(table)?;
    let wrong = |message: &str| Err(ReadError::new(message, None));
    if raw.evaluator.get_ref().is_empty() {
        return wrong("`evaluator` is empty; name one, such as evaluator = \"correctness\"");
    }
    let min = raw.min.unwrap_or(MIN);
    if !(0.0..=1.0).contains(&min) || min == 0.0 {
        return wrong("`min` is a score above 0 and up to 1, such as min = 0.7");
    }
    if raw
        .min_kappa
        .is_some_and(|kappa| !(kappa > 0.0 && kappa <= 1.0))
    {
        return wrong(
            "`min_kappa` is a kappa above 0, which is chance, and up to 1, such as min_kappa = 0.6",
        );
    }
    Ok(Box::new(ByJudge {
        evaluator: raw.evaluator,
        min,
        expected: raw.expected,
        votes: raw.votes,
        max_drop: raw.max_drop.map(max_drop).transpose()?,
        min_kappa: raw.min_kappa,
        sees_steps: raw.see == Some(Sight::Steps),
    }))
}

impl ByJudge {
    fn judging<'a>(&'a self, context: &CheckContext<'a>) -> Judging<'a> {
        Judging {
            evaluator: self.evaluator.get_ref(),
            expected: self.expected.as_deref(),
            votes: self.votes,
            min: self.min,
            min_kappa: self.min_kappa,
            sees_steps: self.sees_steps,
            reference: context.reference,
            candidate: context.candidate,
            kept: context.kept,
        }
    }
}

fn max_drop(raw: Spanned<RawDrop>) -> Result<MaxDrop, ReadError> {
    let span = raw.span();
    let drop = match raw.into_inner() {
        RawDrop::Points(points) => Some(MaxDrop::Points(points)),
        RawDrop::Share(text) => {
            let percent = text.strip_suffix('%');
            let percent = percent.and_then(|number| number.trim().parse::<f64>().ok());
            percent.map(|percent| MaxDrop::Share(percent / 100.0))
        }
    };
    let is_possible = |drop: &MaxDrop| drop.of(1.0) > 0.0 && drop.of(1.0) < 1.0;
    drop.filter(is_possible).ok_or_else(|| {
        let message = "`max_drop` is between 0 and 1, such as 0.1, or a share such as \"10%\"";
        ReadError::new(message, Some(span))
    })
}

impl Check for ByJudge {
    fn kind(&self) -> &'static str {
        "judge"
    }

    fn evaluators(&self) -> Vec<&Spanned<String>> {
        vec![&self.evaluator]
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        self.measure(context).0
    }

    fn measure(&self, context: &CheckContext<'_>) -> (Outcome, Option<Score>) {
        if !context.is_complete {
            return (Outcome::incomplete(), None);
        }
        let judging = self.judging(context);
        let (evaluator, min) = (self.evaluator.get_ref(), self.min);
        let judged = match context.outside.judge(&judging) {
            Ok(judged) => judged,
            Err(why) => {
                let why = format!("`{evaluator}` was not measured: {why}");
                return (Outcome::not_run(why), None);
            }
        };
        let score = Score {
            evaluator: evaluator.to_owned(),
            value: judged.as_ref().map(|judged| judged.score),
            reference: judged.as_ref().and_then(|judged| judged.reference),
            max_drop: self.max_drop,
            votes: judged.map(|judged| judged.votes).unwrap_or_default(),
        };
        let outcome = match score.value {
            None => Outcome::passed(format!(
                "what `{evaluator}` looks at is as it was recorded, so no judge was asked"
            )),
            Some(score) if score >= min => {
                Outcome::passed(format!("`{evaluator}` gives {score:.2}, at least {min:.2}"))
            }
            Some(score) => {
                let finding = Finding::new(format!(
                    "`{evaluator}` gives {score:.2}, less than {min:.2}"
                ))
                .values(format!("at least {min:.2}"), format!("{score:.2}"));
                Outcome::from_findings(vec![finding], "")
            }
        };
        (outcome, Some(score))
    }

    fn judgings<'a>(&'a self, context: &CheckContext<'a>) -> Vec<Judging<'a>> {
        vec![self.judging(context)]
    }
}

/// The score that passes where nothing else is said: where the built-in evaluators draw the line.
const MIN: f64 = 0.5;

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::super::registry::tests::{check, try_check};
    use super::super::{FileError, Judged, Outside, Program, ProgramEnd};
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

        fn judge(&self, judging: &Judging<'_>) -> Result<Option<Judged>, String> {
            assert_eq!(judging.evaluator, "tone");
            assert_eq!(judging.votes, Some(Votes::exactly(3)));
            assert_eq!(judging.min_kappa, Some(0.6));
            let judged = |score| Judged {
                score,
                reference: Some(0.9),
                votes: Vec::new(),
            };
            self.0.map(|score| score.map(judged)).map_err(str::to_owned)
        }
    }

    #[test]
    fn what_was_not_measured_passes_neither_way() {
        let run = timeline("new", vec![research()]);
        let check =
            check("kind = 'judge'\nevaluator = 'tone'\nmin = 0.7\nvotes = 3\nmin_kappa = 0.6");
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
    fn the_score_stands_beside_what_it_was_and_how_much_it_may_drop() {
        let run = timeline("new", vec![research()]);
        let measured = |drop: &str, says| {
            let text = format!(
                "kind = 'judge'\nevaluator = 'tone'\nvotes = 3\nmin_kappa = 0.6\nmax_drop = {drop}"
            );
            let outside = Says(says);
            let context = CheckContext {
                outside: &outside,
                ..CheckContext::new(&run, &run)
            };
            check(&text).measure(&context).1
        };
        let score = measured("0.2", Ok(Some(0.4))).unwrap();
        assert_eq!((score.value, score.reference), (Some(0.4), Some(0.9)));
        assert_eq!(score.max_drop, Some(MaxDrop::Points(0.2)));
        let as_recorded = measured("'10%'", Ok(None)).unwrap();
        assert_eq!((as_recorded.value, as_recorded.reference), (None, None));
        assert_eq!(as_recorded.max_drop, Some(MaxDrop::Share(0.1)));
        assert_eq!(measured("0.2", Err("it was cut off")), None);
    }

    #[test]
    fn a_threshold_that_says_nothing_is_refused() {
        for toml in [
            "",
            "evaluator = ''",
            "evaluator = 'a'\nmin = 0",
            "evaluator = 'a'\nmin = 1.1",
            "evaluator = 'a'\nvotes = 0",
            "evaluator = 'a'\nmax_drop = 0",
            "evaluator = 'a'\nmax_drop = 1.0",
            "evaluator = 'a'\nmax_drop = '10'",
            "evaluator = 'a'\nmax_drop = '-3%'",
            "evaluator = 'a'\nmin_kappa = 0",
            "evaluator = 'a'\nmin_kappa = -0.5",
            "evaluator = 'a'\nmin_kappa = 1.01",
            "evaluator = 'a'\nmin_kappa = nan",
            "evaluator = 'a'\nvotes = { min = 1, max = 3 }",
        ] {
            assert!(
                try_check(&format!("kind = 'judge'\n{toml}")).is_err(),
                "{toml}"
            );
        }
    }
}
