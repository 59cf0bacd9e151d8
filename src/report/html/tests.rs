//! Tests of the pages.

use super::super::run_report::Content;
use super::super::testing::{HOSTILE, judged, report};
use super::super::trace::{Texts, Trace};
use super::*;
use crate::lineage::testing::{Talk, fork, research, session, timeline};
use crate::model::{ReplayReport, Rung, Timeline};
use crate::price::PriceTable;

const MARKUP: &str = "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>";

fn forked() -> (Timeline, Timeline) {
    let main = timeline("main", vec![research()]);
    let talk = Talk::new("a researcher", "population of Tokyo?")
        .served_from(1, Rung::Exact)
        .uses(
            "web_search",
            serde_json::json!({"q": "Tokyo population", "max": 5}),
            "14 million",
        )
        .live()
        .says(MARKUP);
    let mut fixed = fork("fixed", &main, "3", vec![talk]);
    fixed.replay = Some(ReplayReport {
        served: 1,
        live: 1,
        ..ReplayReport::default()
    });
    (main, fixed)
}

fn shared(texts: Texts) -> String {
    let (main, fixed) = forked();
    let session = session("<b>research</b>", vec![main, fixed]);
    session_page(&session, texts, &PriceTable::built_in()).unwrap()
}

fn run(content: Content) -> String {
    let mut report = report(content);
    report.forks[0].agent_log = HOSTILE.to_owned();
    report.forks[0].tags = vec![HOSTILE.to_owned()];
    report.forks[0].evidence.samples[0].checks[0].score = Some(judged(MARKUP));
    report.forks[1].decision.why = "<img src=x onerror=alert(1)>\" '".to_owned();
    let (main, fixed) = forked();
    let trace = Trace::of_fork(&main, &fixed, content.into(), &PriceTable::built_in());
    let forks = [(report.forks[0].name(), trace)].into_iter().collect();
    run_page(&report, &Traces { forks }).unwrap()
}

/// Returns a page without its own script, style sheet and data.
fn markup(page: &str) -> String {
    let mut rest = page;
    let mut kept = String::new();
    for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
        let (before, after) = rest.split_once(open).unwrap();
        kept.push_str(before);
        rest = after.split_once(close).unwrap().1;
    }
    kept + rest
        .split("<script type=\"application/json\"")
        .next()
        .unwrap()
}

#[test]
fn nothing_in_a_page_is_loaded_or_run_but_its_own_script() {
    for page in [shared(Texts::Whole), run(Content::Full)] {
        assert!(page.contains("default-src 'none'"));
        assert_eq!(page.matches("<script>").count(), 1);
        let markup = markup(&page);
        for forbidden in [
            "<script",
            "<img",
            "<link",
            "<iframe",
            "http://",
            "https://",
            "@import",
            "url(",
            "<b>research",
        ] {
            assert!(!markup.contains(forbidden), "{forbidden}");
        }
        assert!(!markup.contains('\u{1b}'));
        for text in [STYLE, SCRIPT] {
            assert!(page.contains(text));
            let policy = source(text).replace('\'', "&#x27;").replace('/', "&#x2f;");
            assert!(page.contains(&policy), "{policy}");
        }
    }
}

#[test]
fn both_timelines_stand_side_by_side_with_the_fork_marked() {
    let page = markup(&shared(Texts::Whole));
    assert!(page.contains("main → fixed"), "{page}");
    assert_eq!(page.matches("class=\"forkline\"").count(), 1);
    assert_eq!(page.matches("first difference<").count(), 1);
    assert!(page.contains("Tokyo has 14 million people."));
    assert!(page.contains("id=\"main&#x2f;fixed&#x2f;3\""));
}

#[test]
fn content_is_left_out_unless_asked_for() {
    let page = shared(Texts::None);
    for secret in ["Tokyo", "14 million", "alert(1)", "agent.py"] {
        assert!(!page.contains(secret), "{secret}");
    }
    assert!(page.contains("web_search"));
}

#[test]
fn a_session_without_forks_is_shown_alone() {
    let session = session("research", vec![timeline("main", vec![research()])]);
    let page = session_page(&session, Texts::Whole, &PriceTable::built_in()).unwrap();
    assert!(page.contains("5 steps"));
    assert!(page.contains("Tokyo area"));
}

#[test]
fn the_worst_stands_first() {
    let page = run(Content::None);
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(place(">FAIL<") < place("Forbidden tool"));
    assert!(place("broken|copy<") < place("tallest<"));
    assert!(place("rewind gate --filter") > 0);
}

#[test]
fn a_page_holds_the_result_that_it_shows() {
    let shown = report(Content::Full);
    let page = run_page(&shown, &Traces::default()).unwrap();
    assert_eq!(receipt(&page).unwrap().unwrap(), shown);
    assert!(receipt("<p>").is_none());
    let page = run(Content::Full);
    assert_eq!(traces(&page).unwrap().forks.len(), 1);
    assert!(traces(&run_page(&shown, &Traces::default()).unwrap()).is_none());
}

#[test]
fn a_judge_s_quote_leads_to_the_step_that_it_stands_in() {
    let mut report = report(Content::Full);
    let sample = &mut report.forks[0].evidence.samples[0];
    sample.checks[0].score = Some(judged("14  million"));
    sample.checks[0].kind = "judge".to_owned();
    let (main, fixed) = forked();
    let trace = Trace::of_fork(&main, &fixed, Texts::Full, &PriceTable::built_in());
    let name = report.forks[0].name();
    let forks = [(name, trace)].into_iter().collect();
    let page = markup(&run_page(&report, &Traces { forks }).unwrap());
    let (_before, after) = page
        .split_once("<blockquote dir=\"auto\">14  million")
        .unwrap();
    let link = after.split_once("</a>").unwrap().0;
    assert!(
        link.starts_with(" <a href=\"#") && link.ends_with("step 2"),
        "{link}"
    );
    assert!(page.contains("finding judged"));
}

#[test]
fn what_was_not_measured_is_listed_with_its_reason() {
    let mut report = report(Content::None);
    let check = &mut report.forks[0].evidence.samples[0].checks[0];
    check.outcome = crate::check::Outcome::not_run("the judge did not answer");
    let page = markup(&run_page(&report, &Traces::default()).unwrap());
    let (_before, list) = page.split_once("id=\"not-measured\"").unwrap();
    assert!(list.contains("the judge did not answer"), "{list}");
}
