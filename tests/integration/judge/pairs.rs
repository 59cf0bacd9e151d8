//! Timelines in pairs: an answer is better only where both orders say so, and a judge that likes a place is counted.

use serde_json::{Value, json as value};

use super::provider::{configure, run, says};
use crate::support::App;
use crate::support::upstream::{Piece, Received, Upstream, whole};

/// Which answer stands first.
fn is_first(request: &Received, words: &str) -> bool {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let user = body["messages"][1]["content"].as_str().unwrap().to_owned();
    let first = user.split("[[END first answer").next().unwrap().to_owned();
    first.contains(words)
}

fn prefers(request: &Received, winner: &str, quote: &str) -> Vec<Piece> {
    let evidence: Vec<&str> = Some(quote).into_iter().filter(|q| !q.is_empty()).collect();
    let said = value!({"winner": winner, "evidence": evidence, "reasoning": "so"});
    says(request, &said.to_string())
}

/// Prefers the answer with these words.
fn knows(request: &Received, words: &str, quote: &str) -> Vec<Piece> {
    let winner = if is_first(request, words) {
        "first"
    } else {
        "second"
    };
    prefers(request, winner, quote)
}

fn is_canary(request: &Received) -> bool {
    String::from_utf8(request.body.clone())
        .unwrap()
        .contains("Bananas are")
}

const PAIRS: [&str; 6] = ["eval", "score", "latest", "-e", "correctness", "--pairwise"];

fn judged(answer: impl Fn(&Received) -> Vec<Piece> + Send + Sync + 'static) -> (App, Upstream) {
    let app = super::demo();
    let upstream = Upstream::start(move |request| {
        if is_canary(request) {
            knows(request, "The capital of France", "Paris")
        } else {
            answer(request)
        }
    });
    configure(&app, &upstream, "openai");
    (app, upstream)
}

#[test]
fn an_answer_that_is_preferred_in_both_orders_is_better() {
    let (app, upstream) = judged(|request| knows(request, "14 million inhabitants", "14 million"));
    let one = run(&app, &PAIRS).exits(0);
    let shown = "session research, judged in pairs by judge-1, each pair in both orders\n\n\
        pair           evaluator    wins  losses  ties  result\n\
        fixed vs main  correctness     1       0     0  fixed is better, not testable (n=1)\n\n\
        position bias: of 1 comparison, 0 went to whatever stood first and 0 to whatever stood second (counted as ties)\n\n\
        fixed vs main, correctness: so\n";
    assert!(one.stdout.starts_with(shown), "{}", one.stdout);
    // Two orders of the canaries, and two of the answers.
    assert_eq!(upstream.received().len(), 4);
    let three = run(&app, &[&PAIRS[..], &["--votes", "3", "--json"]].concat())
        .exits(0)
        .json();
    let pair = &three["pairs"][0];
    assert_eq!(pair["winner"], "fixed");
    assert_eq!((&pair["wins"], &pair["ties"]), (&value!(3), &value!(0)));
    // Wilson's interval of 3 of 3.
    assert!((pair["win_share"]["low"].as_f64().unwrap() - 0.4385).abs() < 0.001);
    // The first vote was known; canaries are asked again with the two new ones.
    assert_eq!(three["judge_cost"]["cached_votes"], 2);
    assert_eq!(upstream.received().len(), 4 + 2 + 4);
    let page = include_str!("../../../docs/json-output.md");
    let section = page.split("with `--pairwise`").nth(1).unwrap();
    let mut keys = Vec::new();
    super::collect(&three, &mut keys);
    let missing: Vec<_> = keys
        .iter()
        .filter(|key| !section.contains(&format!("`{key}`")))
        .collect();
    assert!(keys.len() > 30 && missing.is_empty(), "{missing:?}");
}

#[test]
fn a_judge_that_likes_a_place_decides_nothing_and_is_counted() {
    let (app, _upstream) = judged(|request| prefers(request, "first", "Tokyo has"));
    let run = run(&app, &[&PAIRS[..], &["--votes", "2"]].concat()).exits(0);
    let row =
        "fixed vs main  correctness     0       0     2  a tie (0% to 66% of comparisons won, 95%)";
    assert!(run.stdout.contains(row), "{}", run.stdout);
    let bias = "of 2 comparisons, 2 went to whatever stood first and 0 to";
    assert!(run.stdout.contains(bias), "{}", run.stdout);
}

#[test]
fn a_judge_that_fails_or_does_not_know_the_known_compares_nothing() {
    type Answer = fn(&Received) -> Vec<Piece>;
    let cases: [(Answer, &str); 5] = [
        (|r| says(r, "The second one, I think."), "after one repair"),
        (
            |r| prefers(r, "second", "a quote that is none"),
            "does not stand",
        ),
        (|r| prefers(r, "second", ""), "without quoting"),
        (|_r| whole(401, &[], b"{}"), "status 401"),
        (|_r| whole(429, &[("retry-after", "60")], b"{}"), "429"),
    ];
    for (answer, why) in cases {
        let (app, _upstream) = judged(answer);
        let run = run(&app, &[&PAIRS[..], &["--json"]].concat()).exits(3);
        let pair = &run.json()["pairs"][0];
        assert_eq!(pair["winner"], Value::Null);
        let said = pair["not_measured"].as_str().unwrap();
        assert!(said.contains(why), "{said}");
    }
    let app = super::demo();
    let upstream = Upstream::start(|request| prefers(request, "second", "a"));
    configure(&app, &upstream, "openai");
    let biased = run(&app, &PAIRS).exits(3);
    let why = "an unrelated answer when it stood first";
    assert!(biased.stdout.contains(why), "{}", biased.stdout);
    assert_eq!(upstream.received().len(), 1, "nothing else is asked");
    app.run(["record", "--", "true"]);
    let alone = run(&app, &PAIRS).exits(2);
    assert!(
        alone.stderr.contains("nothing to compare"),
        "{}",
        alone.stderr
    );
}
