//! Definitions as people write them, right and wrong.

use super::*;

fn problem(text: &str) -> String {
    Definition::parse("baselines/x/baseline.toml".into(), text)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_definition_says_what_people_wrote() {
    let text = r#"
        input = "Tokyo population"
        timeline = "fixed"
        forks = [14, "tool:web_search#2", "auto"]
        nightly_forks = ["start"]
        tags = ["smoke"]
        recording = "../../recordings/tokyo"

        [[check]]
        kind = "trajectory"
        mode = "in_order"
        args = "subset"
        severity = "warn"
        [check.tools.web_search]
        ignore = ["/max"]

        [[check]]
        kind = "tools"
        forbidden = ["delete_*"]

        [[check]]
        kind = "answer"
        contains = "14 million"

        [[check]]
        kind = "answer"
        not_contains = "sorry"
    "#;
    let read = Definition::parse("b.toml".into(), text).unwrap();
    assert_eq!(read.input.as_deref(), Some("Tokyo population"));
    assert_eq!(read.reference, Reference::Label("fixed".into()));
    let forks: Vec<String> = read.forks.iter().map(ToString::to_string).collect();
    assert_eq!(forks, ["14", "tool:web_search#2", "auto"]);
    assert_eq!(read.nightly_forks, [ForkPoint::Start]);
    assert_eq!(read.recording, "../../recordings/tokyo");
    let checks: Vec<_> = read
        .checks
        .iter()
        .map(|check| (check.id.as_str(), check.severity))
        .collect();
    assert_eq!(
        checks,
        [
            ("trajectory", Severity::Warn),
            ("tools", Severity::Gate),
            ("answer", Severity::Gate),
            ("answer-2", Severity::Gate),
        ]
    );
}

#[test]
fn an_empty_file_is_a_baseline_with_the_usual_forks() {
    let read = Definition::parse("b.toml".into(), "").unwrap();
    assert_eq!(read.forks, DEFAULT_FORKS);
    assert_eq!(read.recording, "session");
    assert!(read.checks.is_empty());
}

#[test]
fn the_schema_has_the_keys_that_are_read_and_takes_what_is_read() {
    let schema = include_str!("../../../schemas/baseline-toml.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let message = problem("zz = 1\n");
    let keys = message
        .lines()
        .next()
        .unwrap()
        .split_once("expected")
        .unwrap()
        .1;
    let keys: std::collections::BTreeSet<&str> = keys.split('`').skip(1).step_by(2).collect();
    let known = schema["properties"].as_object().unwrap().keys();
    assert_eq!(
        known
            .map(String::as_str)
            .collect::<std::collections::BTreeSet<_>>(),
        keys
    );
    let validator = jsonschema::validator_for(&schema).unwrap();
    let fits = |text: &str| validator.is_valid(&toml::from_str(text).unwrap());
    let page = include_str!("../../../docs/formats.md");
    let example = page
        .split("```toml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    for text in [
        example,
        "",
        "turns = [\"a\"]",
        "input = { a = 1 }\nforks = [3, \"last\"]",
    ] {
        Definition::parse("b.toml".into(), text).unwrap();
        assert!(fits(text), "{text}");
    }
    for text in [
        "zz = 1",
        "turns = []",
        "turns = [\"a\"]\ninput = \"b\"",
        "forks = [0]",
        "[[check]]",
        "[[check]]\nkind = \"answer\"",
        "[[check]]\nkind = \"no_error\"\nmax = 3",
        "[[check]]\nkind = \"not\"\ncheck = { kind = \"no_error\", id = \"a\" }",
        "[[check]]\nkind = \"loop\"\nweight = 0",
    ] {
        problem(text);
        assert!(!fits(text), "{text}");
    }
}

#[test]
fn an_input_is_a_text_json_or_turns() {
    let input = |text: &str| {
        let read = Definition::parse("b.toml".into(), text).unwrap();
        (read.input.unwrap(), read.is_conversation)
    };
    let table = "input = { question = \"why\", top = 3 }";
    assert_eq!(
        input(table),
        (r#"{"question":"why","top":3}"#.into(), false)
    );
    assert_eq!(
        input("turns = [\"a\", \"b\"]"),
        (r#"["a","b"]"#.into(), true)
    );
    assert!(problem("turns = [\"a\"]\ninput = \"b\"\n").contains("not both"));
    assert!(problem("turns = []\n").contains("at least one"));
}

#[test]
fn what_is_wrong_is_shown_with_its_line_and_a_suggestion() {
    let shown = [
            problem("input = \"x\"\nforsk = [\"auto\"]\n"),
            problem("forks = [\"auto\", \"tool:\"]\n"),
            problem("forks = [\"auto\", \"auto\"]\n"),
            problem("forks = [0]\n"),
            problem("forks = [true]\n"),
            problem("checks = []\n"),
            problem("[check]\nkind = \"tools\"\n"),
            problem("[[check]]\nseverity = \"gate\"\n"),
            problem("[[check]]\nkind = \"trajectry\"\n"),
            problem("[[check]]\nkind = \"answer\"\n"),
            problem("[[check]]\nkind = \"answer\"\ncontans = \"é\" # ü\n"),
            problem("[[check]]\nkind = \"tools\"\nforbidden = [\"a\", \"é[\"]\n"),
            problem("[[check]]\nkind = \"trajectory\"\n[check.tools.x]\nargs = \"exakt\"\n"),
            problem("[[check]]\nid = \"a\"\nkind = \"no_error\"\n[[check]]\nid = \"a\"\nkind = \"no_error\"\n"),
            problem("[[check]]\nkind = \"no_error\"\nseverity = \"error\"\n"),
            problem("[[check]]\nkind = \"no_error\"\nweight = 0.0\n"),
            problem("[[check]]\nkind = \"not\"\ncheck = { kind = \"anser\" }\n"),
            problem("[[check]]\nkind = \"any\"\nchecks = [{ kind = \"loop\", mx = 3 }]\n"),
            problem("[[check]]\nkind = \"all\"\nchecks = [{ kind = \"loop\", severity = \"warn\" }]\n"),
            problem("input = \"x\n"),
            problem("input = 3\n"),
        ]
        .join("\n\n");
    insta::assert_snapshot!(shown);
}

#[test]
fn the_guide_has_an_example_of_every_kind_that_can_be_read() {
    let guide = include_str!("../../../docs/checks.md");
    let schema = include_str!("../../../schemas/baseline-toml.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(folder.path()).unwrap();
    std::fs::write(folder.join("report.schema.json"), "{}").unwrap();
    let mut shown = HashSet::new();
    for block in guide.split("```toml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let read = Definition::parse(&folder.join("baseline.toml"), text).unwrap();
        let json: Value = toml::from_str(text).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&json)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{text}\n{errors:?}");
        shown.extend(read.checks.iter().map(|check| check.check.kind()));
    }
    for kind in check::kinds() {
        assert!(shown.contains(kind), "no example of `{kind}`");
        assert!(
            guide.contains(&format!("\n## {kind}\n")),
            "no part on `{kind}`"
        );
    }
}

/// Returns the keys that an error about an unknown one lists.
fn expected(message: &str) -> std::collections::BTreeSet<&str> {
    let line = message.lines().next().unwrap();
    let keys = line.split_once("expected").unwrap().1;
    keys.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_schema_has_each_kind_of_check_with_the_keys_that_it_reads() {
    let schema = include_str!("../../../schemas/baseline-toml.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let kinds: Vec<&str> = check::kinds().collect();
    assert_eq!(
        schema["$defs"]["kind"]["properties"]["kind"]["enum"],
        serde_json::json!(kinds)
    );
    let page = include_str!("../../../docs/checks.md");
    for kind in kinds {
        let message = problem(&format!("[[check]]\nkind = \"{kind}\"\nzz = 1\n"));
        let properties = &schema["$defs"][format!("check_{kind}")]["properties"];
        let known = properties.as_object().unwrap().keys().map(String::as_str);
        let mut read = expected(&message);
        // To say where else it would read is an error of its own.
        if kind == "answer" {
            read.remove("of");
        }
        assert_eq!(
            known.collect::<std::collections::BTreeSet<_>>(),
            read,
            "{kind}"
        );
        let section = page.split(&format!("\n## {kind}\n")).nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let described = |key: &&str| {
            kind == "answer"
                || section.contains(&format!("`{key}`"))
                || section.contains(&format!("\n{key} = "))
                || section.contains(&format!("[check.{key}."))
        };
        let missing: Vec<&str> = read.into_iter().filter(|key| !described(key)).collect();
        assert!(
            missing.is_empty(),
            "docs/checks.md says nothing of {missing:?} of {kind}"
        );
    }
}

#[test]
fn a_json_schema_may_stand_in_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(folder.path()).unwrap();
    let path = folder.join("baseline.toml");
    let text = "[[check]]\nkind = \"any\"\nchecks = [{ kind = \"output\", json_schema = { file = \"s.json\" } }]\n\
                [[check]]\nkind = \"tools\"\n[check.arguments.refund]\nfile = \"s.json\"\n";
    let read = || Definition::parse(&path, text).map_err(|error| error.to_string());
    let shown = read().unwrap_err();
    assert!(
        shown.contains("s.json can't be read") && shown.contains(":3:"),
        "{shown}"
    );

    let write = |schema: &str| std::fs::write(folder.join("s.json"), schema).unwrap();
    write("{");
    assert!(read().unwrap_err().contains("is no JSON Schema"));
    write("{\"type\": 3}");
    assert!(read().unwrap_err().contains("invalid JSON Schema"));
    write("{\"type\": \"object\"}");
    let before = read().unwrap().digests;
    write("{ \"type\":\"object\" }\n");
    assert_eq!(read().unwrap().digests, before, "white space is no change");
    write("{\"type\": \"array\"}");
    let after = read().unwrap().digests;
    assert_ne!(after["any"], before["any"]);
    assert_ne!(after["tools"], before["tools"]);
}

/// Returns what each judge of a definition holds right, and the hashes of its checks.
fn held_right(text: &str) -> (Vec<Option<String>>, BTreeMap<String, ContentId>) {
    let read = Definition::parse("b.toml".into(), text).unwrap();
    let run = crate::lineage::testing::timeline("main", Vec::new());
    let context = check::CheckContext::new(&run, &run);
    let judgings = read
        .checks
        .iter()
        .flat_map(|one| one.check.judgings(&context));
    let held = judgings
        .map(|one| one.expected.map(str::to_owned))
        .collect();
    (held, read.digests)
}

#[test]
fn the_expected_answer_reaches_each_judge_that_has_none_of_its_own() {
    let checks = "
        [[check]]
        kind = 'judge'
        evaluator = 'correctness'
        [[check]]
        kind = 'judge'
        evaluator = 'correctness'
        expected = '13 million'
        [[check]]
        kind = 'any'
        checks = [{ kind = 'judge', evaluator = 'coherence' }, { kind = 'no_error' }]
        [[check]]
        kind = 'no_error'
    ";
    let (without, digests) = held_right(checks);
    assert_eq!(without, [None, Some("13 million".to_owned()), None]);
    let (with, other) = held_right(&format!("expected = '14 million'\n{checks}"));
    let right = Some("14 million".to_owned());
    assert_eq!(with, [right.clone(), Some("13 million".to_owned()), right]);
    // What is held right is a part of the checks that got it, and of no other.
    let changed: Vec<bool> = digests
        .iter()
        .map(|(id, digest)| other[id] != *digest)
        .collect();
    let ids: Vec<&str> = digests.keys().map(String::as_str).collect();
    assert_eq!(ids, ["any", "judge", "judge-2", "no_error"]);
    assert_eq!(changed, [true, true, false, false]);
}
