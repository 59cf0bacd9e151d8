use super::*;
use crate::check::KeptTool;

fn result(id: &str, outcome: Outcome) -> CheckResult {
    CheckResult {
        id: id.into(),
        kind: "answer".into(),
        severity: Severity::Gate,
        score: None,
        k_of_n: None,
        outcome,
    }
}

fn evidence() -> Evidence {
    let mut evidence = Evidence::new(
        Some("a".into()),
        ContentId::of(b"recording"),
        ContentId::of(b"calls"),
    );
    let definitions = [("answer".to_owned(), ContentId::of(b"1"))].into();
    let mut fork = ForkEvidence::default();
    fork.add(
        SampleEvidence::default(),
        &[result("answer", Outcome::passed("ok"))],
        &definitions,
    );
    evidence.forks.insert("last".into(), fork);
    evidence
}

#[test]
fn evidence_reads_back_as_written_and_a_newer_format_is_refused() {
    let path = Utf8Path::new("accepted.json");
    let text = evidence().to_json();
    assert_eq!(Evidence::parse(path, &text).unwrap(), evidence());
    let minor = text.replace("\"1.0\"", "\"1.7\"");
    assert!(Evidence::parse(path, &minor).is_ok());
    let newer = Evidence::parse(path, &text.replace("\"1.0\"", "\"2.0\"")).unwrap_err();
    assert!(newer.to_string().contains("use a newer one"), "{newer}");
    for broken in [
        "",
        "{}",
        "{\"format\": \"x\"}",
        "[1]",
        "{\"format\": \"1.0\"}",
    ] {
        let error = Evidence::parse(path, broken).unwrap_err().to_string();
        assert!(error.contains("accepted.json"), "{broken}: {error}");
    }
}

#[test]
fn written_evidence_fits_the_published_schema() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../schemas/accepted-1.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut evidence = evidence();
    evidence.provenance = Provenance {
        commit: Some("abc".into()),
        reviewed_by: Some("ann".into()),
        replaces: Some(evidence.id()),
        ..Provenance::default()
    };
    let fork = evidence.forks.get_mut("last").unwrap();
    fork.step = Some(StepIndex(7));
    fork.samples.push(SampleEvidence {
        live: true,
        exit: Some(0),
        cost_micro_usd: Some(MicroUsd(7)),
        answer: Some(ContentId::of(b"answer")),
        ..SampleEvidence::default()
    });
    let key = ContentId::of(b"question");
    fork.refer("answer", vec![key]);
    let verdict = KnownVerdict {
        judge: "judge-1".into(),
        evaluator: "correctness".into(),
        prompt: ContentId::of(b"prompt"),
        answer: serde_json::json!({"verdicts": []}),
        cost_micro_usd: Some(MicroUsd(2)),
    };
    evidence.verdicts.insert(key, verdict.clone());
    evidence.verdicts.insert(ContentId::of(b"other"), verdict);
    let tool = KeptTool {
        name: "search".into(),
        arguments: "{}".into(),
        result: "14 million".into(),
    };
    let answer = KeptAnswer {
        answer: "About 14 million.".into(),
        tools: Some(vec![tool]),
    };
    let other = ContentId::of(b"other");
    evidence.answers.insert(other, answer.clone());
    evidence.answers.insert(ContentId::of(b"answer"), answer);
    evidence.prune();
    assert_eq!((evidence.verdicts.len(), evidence.answers.len()), (1, 1));
    assert_eq!(evidence.format, "1.1");
    let value = serde_json::from_str(&evidence.to_json()).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| error.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let mut unknown = value;
    unknown["extra"] = serde_json::Value::from(1);
    assert!(!validator.is_valid(&unknown));
}

#[test]
fn samples_add_up_and_a_changed_check_begins_anew() {
    let mut fork = evidence().forks.remove("last").unwrap();
    let fails = [result(
        "answer",
        Outcome::Failed {
            findings: Vec::new(),
            is_violation: false,
        },
    )];
    let same = [("answer".to_owned(), ContentId::of(b"1"))].into();
    fork.add(SampleEvidence::default(), &fails, &same);
    assert_eq!(fork.checks["answer"].results, [Said::Passed, Said::Failed]);
    assert!(fork.covers(&same));
    let other = [("answer".to_owned(), ContentId::of(b"2"))].into();
    assert!(!fork.covers(&other));
    fork.add(SampleEvidence::default(), &fails, &other);
    assert_eq!(fork.checks["answer"].results, [Said::Failed]);
    assert_eq!(fork.samples.len(), 3);
}

#[test]
fn scores_stand_beside_the_samples_that_have_one() {
    let mut fork = ForkEvidence::default();
    let same = [("answer".to_owned(), ContentId::of(b"1"))].into();
    for value in [None, Some(0.25), None, Some(1.0)] {
        let mut one = result("answer", Outcome::passed("ok"));
        one.score = value.map(|value| Score {
            evaluator: "tone".into(),
            value: Some(value),
            reference: None,
            max_drop: None,
            votes: Vec::new(),
        });
        fork.add(SampleEvidence::default(), &[one], &same);
    }
    let known = &fork.checks["answer"];
    assert_eq!(known.scores, [None, Some(0.25), None, Some(1.0)]);
    let newest_first: Vec<Option<f64>> = (0..5).map(|back| known.score(back)).collect();
    assert_eq!(newest_first, [Some(1.0), None, Some(0.25), None, None]);
}

#[test]
fn evidence_is_comparable_only_with_the_same_recording_and_agent() {
    let evidence = evidence();
    let recording = ContentId::of(b"recording");
    assert_eq!(evidence.comparable_with(Some("a"), recording), None);
    assert_eq!(evidence.comparable_with(None, recording), None);
    assert!(evidence.comparable_with(Some("b"), recording).is_some());
    assert!(
        evidence
            .comparable_with(Some("a"), ContentId::of(b"x"))
            .is_some()
    );
}
