//! What a judge answered: read strictly, as a whole, and held against what was judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::subject::plain;
use super::{Criterion, Malformed, PASS, Scale, Subject, Unmeasured, tidy};

/// The decision on one statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatementVerdict {
    /// The statement's name.
    pub statement: String,
    /// From 0 to 1.
    pub score: f64,
    /// Words of the judged text, letter by letter but for white space.
    pub evidence: Vec<String>,
    /// Why, in the judge's words.
    pub reasoning: String,
}

/// One vote of a judge on a subject.
#[derive(Debug, Clone, PartialEq)]
pub enum Vote {
    /// It has decided.
    Measured {
        /// The weighted mean of its decisions, 0 to 1.
        score: f64,
        /// Its decisions, in the order of the statements.
        verdicts: Vec<StatementVerdict>,
        /// Whether it was remembered from an earlier run.
        is_cached: bool,
    },
    /// It has not.
    NotMeasured(Unmeasured),
}

impl Vote {
    /// Returns the score; `None` where it is not measured.
    pub fn score(&self) -> Option<f64> {
        match self {
            Self::Measured { score, .. } => Some(*score),
            Self::NotMeasured(_) => None,
        }
    }

    /// Returns whether it was remembered from an earlier run.
    pub fn is_cached(&self) -> bool {
        match self {
            Self::Measured { is_cached, .. } => *is_cached,
            Self::NotMeasured(_) => false,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    verdicts: Vec<RawVerdict>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVerdict {
    statement: String,
    evidence: Vec<String>,
    reasoning: String,
    score: Option<f64>,
    pass: Option<bool>,
    met: Option<bool>,
}

/// Returns the decisions in an answer, in the order of the statements.
pub(super) fn read(
    answer: &Value,
    criterion: &Criterion,
) -> Result<Vec<StatementVerdict>, Malformed> {
    let raw = Raw::deserialize(answer).map_err(|error| Malformed::Schema(shape(&error)))?;
    let mut found = BTreeMap::new();
    for verdict in raw.verdicts {
        let statement = criterion
            .statements
            .iter()
            .find(|known| known.id == verdict.statement)
            .ok_or(Malformed::Unasked)?;
        let read = decided(verdict, criterion.scale)?;
        if found.insert(statement.id.as_str(), read).is_some() {
            return Err(Malformed::Twice(statement.id.clone()));
        }
    }
    criterion
        .statements
        .iter()
        .map(|statement| {
            found
                .remove(statement.id.as_str())
                .ok_or_else(|| Malformed::Missing(statement.id.clone()))
        })
        .collect()
}

/// Returns what serde says without what it quotes: the answer may be hostile.
fn shape(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let is_field = text.starts_with("missing field");
    let words = if is_field {
        text.as_str()
    } else {
        text.split([':', '`']).next().unwrap_or_default().trim()
    };
    words.to_owned()
}

fn decided(verdict: RawVerdict, scale: Scale) -> Result<StatementVerdict, Malformed> {
    let name = verdict.statement;
    if verdict.evidence.iter().any(|quote| quote.trim().is_empty()) {
        return Err(Malformed::EmptyQuote(name));
    }
    let wrong = || Malformed::Schema(format!("other fields than asked for in `{name}`"));
    let score = match (scale, verdict.score, verdict.pass, verdict.met) {
        (Scale::Graded, Some(score), Some(pass), None) => {
            if !(0.0..=1.0).contains(&score) {
                return Err(Malformed::Range(name));
            }
            if pass != (score >= PASS) {
                return Err(Malformed::Contradiction(name));
            }
            score
        }
        (Scale::Binary, None, None, Some(met)) => f64::from(u8::from(met)),
        (Scale::Graded | Scale::Binary, _, _, _) => return Err(wrong()),
    };
    Ok(StatementVerdict {
        statement: name,
        score,
        evidence: verdict.evidence,
        reasoning: verdict.reasoning,
    })
}

/// Returns the vote that these decisions make, if their evidence stands in what was judged.
pub(super) fn vote(
    verdicts: Vec<StatementVerdict>,
    criterion: &Criterion,
    subject: &Subject,
    is_cached: bool,
) -> Vote {
    let judged = subject.quotable(criterion.reads_tools);
    // A program answers for itself.
    let quoting = verdicts
        .iter()
        .filter(|_verdict| criterion.program.is_none());
    for verdict in quoting {
        let statement = verdict.statement.clone();
        if verdict.evidence.is_empty() && verdict.score >= PASS {
            return Vote::NotMeasured(Unmeasured::NoEvidence { statement });
        }
        let stands = |quote: &String| {
            let quote = plain(quote);
            judged.iter().any(|text| text.contains(&quote))
        };
        if !verdict.evidence.iter().all(stands) {
            return Vote::NotMeasured(Unmeasured::Evidence { statement });
        }
    }
    let weights = criterion.statements.iter().map(|known| known.weight);
    let total: f64 = weights.clone().sum();
    let sum: f64 = weights
        .zip(&verdicts)
        .map(|(weight, verdict)| weight * verdict.score)
        .sum();
    Vote::Measured {
        score: tidy(sum / total),
        verdicts,
        is_cached,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::judge::Rubric;

    fn correctness() -> Criterion {
        Criterion::built_in("correctness").unwrap()
    }

    fn verdict(score: &Value, pass: &Value, evidence: &Value) -> Value {
        json!({"verdicts": [{"statement": "correctness", "evidence": evidence, "reasoning": "so", "score": score, "pass": pass}]})
    }

    #[test]
    fn an_answer_that_is_not_exactly_what_was_asked_for_is_none() {
        let fine = verdict(&json!(0.75), &json!(true), &json!(["a"]));
        assert_eq!(
            read(&fine, &correctness()).unwrap()[0].score.to_string(),
            "0.75"
        );
        let twice = json!({"verdicts": [fine["verdicts"][0], fine["verdicts"][0]]});
        for (wrong, why) in [
            (
                verdict(&json!(1.7), &json!(true), &json!(["a"])),
                "from 0 to 1",
            ),
            (
                verdict(&json!(-0.1), &json!(false), &json!([])),
                "from 0 to 1",
            ),
            (
                verdict(&json!("1.0"), &json!(true), &json!(["a"])),
                "schema",
            ),
            (
                verdict(&json!(0.2), &json!(true), &json!(["a"])),
                "contradicts",
            ),
            (
                verdict(&json!(1.0), &json!(false), &json!(["a"])),
                "contradicts",
            ),
            (verdict(&json!(1.0), &json!(true), &json!([" "])), "empty"),
            (
                verdict(&json!(1.0), &Value::Null, &json!(["a"])),
                "other fields",
            ),
            (json!({"verdicts": []}), "no verdict on `correctness`"),
            (twice, "more than one"),
            (
                json!({"verdicts": [{"statement": "safety", "evidence": [], "reasoning": "", "score": 0, "pass": false}]}),
                "not asked for",
            ),
            (json!({"verdicts": [], "score": 1.0}), "schema"),
            (json!("correct!"), "schema"),
            (json!([]), "schema"),
            (Value::Null, "schema"),
        ] {
            let found = read(&wrong, &correctness()).unwrap_err().to_string();
            assert!(found.contains(why), "{wrong}: {found}");
        }
    }

    #[test]
    fn what_a_judge_quotes_has_to_stand_there_but_for_white_space() {
        let subject = Subject {
            answer: "About 14\n million people.".to_owned(),
            ..Subject::default()
        };
        let voted = |score: f64, evidence: Value| {
            let answer = verdict(&json!(score), &json!(score >= PASS), &evidence);
            vote(
                read(&answer, &correctness()).unwrap(),
                &correctness(),
                &subject,
                false,
            )
        };
        assert_eq!(
            voted(1.0, json!(["14 million", "people."])).score(),
            Some(1.0)
        );
        assert_eq!(voted(0.25, json!([])).score(), Some(0.25));
        assert_eq!(voted(1.0, json!([])).score(), None);
        assert_eq!(
            voted(1.0, json!(["14 million", "37 million"])).score(),
            None
        );
        assert_eq!(voted(0.0, json!(["37 million"])).score(), None);
    }

    #[test]
    fn a_rubric_is_the_weighted_share_of_its_statements() {
        let rubric = Rubric {
            statements: vec![("a".into(), 3.0), ("b".into(), 1.0)],
            ..Rubric::default()
        };
        let criterion = Criterion::rubric("mine", &rubric);
        let line = |id: &str, met: bool| json!({"statement": id, "evidence": ["x"], "reasoning": "", "met": met});
        let answer = json!({"verdicts": [line("s2", false), line("s1", true)]});
        let subject = Subject {
            answer: "x".to_owned(),
            ..Subject::default()
        };
        let verdicts = read(&answer, &criterion).unwrap();
        assert_eq!(verdicts[0].statement, "s1");
        assert_eq!(
            vote(verdicts, &criterion, &subject, false).score(),
            Some(0.75)
        );
    }
}
