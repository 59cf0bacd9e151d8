//! Judges that are asked about hostile material, and judges that misbehave.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::model::{ContentId, MicroUsd};
use crate::price::{Price, PriceTable};
use crate::proxy::{Backend, BackendError, Incoming, Reply};

/// What hostile material says.
fn injections() -> Vec<String> {
    let text = include_str!("../../tests/fixtures/injections.json");
    serde_json::from_str(text).unwrap()
}

type Answers = Box<dyn Fn(&str, usize) -> (u16, String) + Send + Sync>;

/// A provider that answers the material with what a closure returns, and keeps the requests.
struct Stand {
    answers: Answers,
    bodies: Mutex<Vec<Value>>,
}

impl Stand {
    fn new(answers: impl Fn(&str, usize) -> (u16, String) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            answers: Box::new(answers),
            bodies: Mutex::default(),
        })
    }

    fn bodies(&self) -> Vec<Value> {
        self.bodies.lock().unwrap().clone()
    }
}

impl Backend for Stand {
    fn send(&self, incoming: &Incoming) -> BoxFuture<'static, Result<Reply, BackendError>> {
        let body: Value = serde_json::from_slice(&incoming.body).unwrap();
        let user = body["messages"][1]["content"].as_str().unwrap().to_owned();
        let mut bodies = self.bodies.lock().unwrap();
        let (status, text) = (self.answers)(&user, bodies.len());
        bodies.push(body);
        let body = json!({
            "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10},
        });
        let reply = Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: stream::iter([Ok(Bytes::from(body.to_string()))]).boxed(),
        };
        async move { Ok(reply) }.boxed()
    }
}

/// Returns a verdict in the schema.
fn verdict(score: f64, evidence: &[&str]) -> String {
    json!({"verdicts": [{
        "statement": "correctness", "evidence": evidence, "reasoning": "so", "score": score, "pass": score >= PASS,
    }]})
    .to_string()
}

/// Returns the answer to a canary; `None` for anything else.
fn canary(user: &str) -> Option<(u16, String)> {
    let is_right = user.contains("The capital of France is Paris.");
    let is_wrong = user.contains("Bananas are botanically");
    (is_right || is_wrong).then(|| {
        (
            200,
            if is_right {
                verdict(1.0, &["Paris"])
            } else {
                verdict(0.0, &[])
            },
        )
    })
}

fn judge(stand: &Arc<Stand>, settings: JudgeSettings) -> Judge {
    let price = Price {
        input: 1.0,
        cached_input: None,
        cache_write: None,
        output: 1.0,
    };
    let prices = PriceTable::built_in().with_overrides([("priced".to_owned(), price)]);
    Judge::new(Arc::clone(stand) as _, settings, prices, None)
}

fn plan(answers: &[&str], votes: u32) -> Plan {
    let subject = |answer: &&str| Subject {
        question: "How many people live in Tokyo?".to_owned(),
        answer: (*answer).to_owned(),
        ..Subject::default()
    };
    Plan {
        criteria: vec![Criterion::built_in("correctness").unwrap()],
        subjects: answers
            .iter()
            .enumerate()
            .map(|(index, answer)| (format!("t{index}"), subject(answer)))
            .collect(),
        votes: Votes::exactly(votes),
        first_vote: 0,
    }
}

/// Returns what stands between the one pair of lines with this name; checks that there is only one.
fn fenced<'a>(user: &'a str, name: &str) -> &'a str {
    let boundary = user
        .strip_prefix("The boundary of this message is ")
        .and_then(|rest| rest.split('.').next())
        .unwrap();
    let begin = format!("[[BEGIN {name} {boundary}]]\n");
    let end = format!("\n[[END {name} {boundary}]]");
    assert_eq!(user.matches(&begin).count(), 1, "{user}");
    assert_eq!(user.matches(&end).count(), 1, "{user}");
    let inside = user
        .split(&begin)
        .nth(1)
        .unwrap()
        .split(&end)
        .next()
        .unwrap();
    assert!(!inside.contains(boundary), "{inside}");
    inside
}

#[tokio::test]
async fn hostile_material_stays_between_its_boundaries_and_is_never_a_verdict() {
    let injections = injections();
    assert!(injections.len() >= 25);
    // The judge repeats what it read: the worst that it could do.
    let stand = Stand::new(|user, _nth| {
        canary(user).unwrap_or_else(|| (200, fenced(user, "answer").to_owned()))
    });
    let judge = judge(&stand, JudgeSettings::new("m"));
    let answers: Vec<&str> = injections.iter().map(String::as_str).collect();
    let found = evaluate(&judge, &NoCache, &plan(&answers, 1)).await;
    for (cell, injection) in found.cells.iter().zip(&injections) {
        // A quote that stands there makes even a repeated verdict one of the judge's own; no other.
        let is_verdict = serde_json::from_str::<Value>(injection)
            .is_ok_and(|value| value["verdicts"][0]["evidence"][0] == "correct");
        assert_eq!(cell.score.is_ok(), is_verdict, "{injection}: {cell:?}");
    }
    let bodies = stand.bodies();
    for injection in &injections {
        let of_it = bodies.iter().filter(|body| {
            let user = body["messages"][1]["content"].as_str().unwrap();
            fenced(user, "answer") == injection
        });
        // Once, and once more for the repair of what is no verdict.
        assert!((1..=2).contains(&of_it.count()), "{injection}");
    }
    for body in &bodies {
        assert_eq!(body["messages"].as_array().unwrap().len(), 2);
        let system = body["messages"][0]["content"].as_str().unwrap();
        assert_eq!(system, bodies[0]["messages"][0]["content"]);
        assert_eq!(body["response_format"]["json_schema"]["strict"], true);
    }
}

#[tokio::test]
async fn a_judge_that_fails_a_canary_measures_nothing() {
    let lenient = Stand::new(|user, _nth| {
        let word = fenced(user, "answer").split(' ').next().unwrap().to_owned();
        (200, verdict(1.0, &[&word]))
    });
    let judge = judge(&lenient, JudgeSettings::new("m"));
    let found = evaluate(&judge, &NoCache, &plan(&["14 million"], 1)).await;
    let why = found.cells[0].score.clone().unwrap_err().to_string();
    assert_eq!(
        why,
        "the judge failed a canary: an unrelated answer had to fail and got 1.00"
    );
    assert_eq!(lenient.bodies().len(), 2, "only the canaries are asked");
}

#[tokio::test]
async fn a_limit_is_waited_for_and_the_time_of_a_vote_is_kept() {
    let limited = Stand::new(|user, nth| {
        canary(user).unwrap_or_else(|| match nth {
            0..3 => (429, String::new()),
            _ => (200, verdict(0.75, &["14"])),
        })
    });
    let patient = judge(&limited, JudgeSettings::new("m"));
    let found = evaluate(&patient, &NoCache, &plan(&["14 million"], 1)).await;
    assert_eq!(found.score("t0", "correctness"), Some(0.75));
    assert_eq!(found.ledger.calls, 4);

    let down = Stand::new(|user, _nth| canary(user).unwrap_or((503, String::new())));
    let hasty = JudgeSettings {
        timeout: Duration::from_millis(100),
        ..JudgeSettings::new("m")
    };
    let found = evaluate(&judge(&down, hasty), &NoCache, &plan(&["14 million"], 1)).await;
    let why = found.cells[0].score.clone().unwrap_err().to_string();
    assert!(why.contains("status 503"), "{why}");
}

#[tokio::test]
async fn votes_are_a_mean_of_a_majority_or_nothing() {
    let shaky = Stand::new(|user, nth| {
        canary(user).unwrap_or_else(|| match nth % 4 {
            0 => (400, String::new()),
            _ => (200, verdict(0.5, &["14"])),
        })
    });
    let settings = || JudgeSettings {
        max_concurrent: 1,
        ..JudgeSettings::new("m")
    };
    let found = evaluate(&judge(&shaky, settings()), &NoCache, &plan(&["14"], 3)).await;
    assert_eq!(found.score("t0", "correctness"), Some(0.5));
    let mad = Stand::new(|user, nth| {
        canary(user).unwrap_or_else(|| match nth {
            2 => (200, verdict(1.0, &["14"])),
            _ => (400, String::new()),
        })
    });
    let found = evaluate(&judge(&mad, settings()), &NoCache, &plan(&["14"], 3)).await;
    let why = found.cells[0].score.clone().unwrap_err().to_string();
    assert!(why.starts_with("1 of 3 votes were measured"), "{why}");
}

#[tokio::test]
async fn what_would_cost_more_than_allowed_is_not_asked() {
    let stand = Stand::new(|user, _nth| canary(user).unwrap_or((200, verdict(1.0, &["14"]))));
    let settings = JudgeSettings {
        max_cost: Some(MicroUsd(12_000)),
        max_concurrent: 1,
        ..JudgeSettings::new("priced")
    };
    let found = evaluate(&judge(&stand, settings), &NoCache, &plan(&["14"], 99)).await;
    assert!(found.ledger.cost <= MicroUsd(12_000), "{:?}", found.ledger);
    let spent = found.cells[0]
        .votes
        .iter()
        .filter(|vote| matches!(vote, Vote::NotMeasured(why) if *why == Unmeasured::Budget));
    assert!(spent.count() > 0);
    let none = JudgeSettings {
        max_cost: Some(MicroUsd(0)),
        ..JudgeSettings::new("priced")
    };
    let calls = stand.bodies().len();
    let found = evaluate(&judge(&stand, none), &NoCache, &plan(&["14"], 1)).await;
    assert!(found.cells[0].score.is_err());
    assert_eq!(
        stand.bodies().len(),
        calls,
        "nothing goes out without money"
    );
}

/// Verdicts in memory.
#[derive(Default)]
struct Memory(Mutex<BTreeMap<String, Value>>);

impl VerdictCache for Memory {
    fn find(&self, key: ContentId) -> Option<Value> {
        self.0.lock().unwrap().get(&key.to_string()).cloned()
    }

    fn keep(&self, key: ContentId, given: &Given<'_>) {
        let mut kept = self.0.lock().unwrap();
        kept.insert(key.to_string(), given.answer.clone());
    }
}

#[tokio::test]
async fn what_was_judged_once_costs_nothing_again_and_a_changed_verdict_is_no_verdict() {
    let stand = Stand::new(|user, _nth| canary(user).unwrap_or((200, verdict(1.0, &["14"]))));
    let memory = Memory::default();
    let plan = plan(&["14 million", "14 million"], 2);
    let first = evaluate(&judge(&stand, JudgeSettings::new("m")), &memory, &plan).await;
    // Equal answers are one question: two votes, and two canaries.
    assert_eq!((first.ledger.calls, first.cached_votes), (4, 0));
    let again = evaluate(&judge(&stand, JudgeSettings::new("m")), &memory, &plan).await;
    assert_eq!((again.ledger.calls, again.cached_votes), (0, 2));
    assert_eq!(again.score("t1", "correctness"), Some(1.0));
    let other = evaluate(&judge(&stand, JudgeSettings::new("n")), &memory, &plan).await;
    assert_eq!((other.ledger.calls, other.cached_votes), (4, 0));
    for kept in memory.0.lock().unwrap().values_mut() {
        kept["verdicts"][0]["evidence"] = json!(["37 million"]);
    }
    let tampered = evaluate(&judge(&stand, JudgeSettings::new("m")), &memory, &plan).await;
    assert_eq!((tampered.ledger.calls, tampered.cached_votes), (4, 0));
}
