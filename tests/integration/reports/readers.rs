//! What the readers of our reports make of hostile ones: GitHub's renderer of Markdown, junitparser, and the schema of
//! Jenkins.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{gate, read, suite};
use crate::support::App;

/// What a model may say to get out of the place where it is shown.
const HOSTILE: [&str; 34] = [
    "@everyone @org/team fix #12, GH-12 and owner/name#3",
    "![x](https://evil.example/a.png) [a](https://evil.example) <https://evil.example>",
    "https://evil.example www.evil.example a@evil.example mailto:a@evil.example xmpp:a@evil.example",
    "<img src=x onerror=alert(1)> <a href=//evil.example>x</a> <script>alert(1)</script>",
    "</details></summary></td></tr></table></div>",
    "<details open><summary>x</summary>",
    "| a | b |\n| --- | --- |\n| c | d |",
    "```\n</details>\n````\n@everyone\n~~~\n<img src=x>",
    "x[^1]\n\n[^1]: note",
    "> [!CAUTION]\n> x",
    "[!CAUTION]",
    "- a\n- b",
    "1. x",
    "1) x",
    "+ x",
    "---",
    "===",
    "# x",
    "<!-- rewind:gate -->",
    "--> @everyone <!--",
    "`a\\|b` | `c|d` | a\\|b \\| x",
    "`a\\\\|<img src=x>|b`",
    "`",
    "a `b @everyone",
    "\\`@everyone`",
    "\\\\`@everyone`",
    "``` @everyone `` <img src=x> ```",
    "&#64;everyone &commat;everyone &lt;img src=x&gt; &#x40;everyone",
    "$$x$$ $`x`$",
    "[x]: https://evil.example\n[x]",
    "*a* _b_ ~c~ **d** :warning:",
    "a\u{2028}# b\u{85}- c\r- d\u{b}> e",
    "- [ ] task @everyone",
    "\t@everyone\n\n    <img src=x>",
];

/// The keys under which words of others stand in a report.
const WORDS: [&str; 16] = [
    "why",
    "message",
    "said",
    "expected",
    "found",
    "recorded",
    "remedy",
    "agent_log",
    "notes",
    "baseline",
    "fork",
    "name",
    "id",
    "agent",
    "commit",
    "incomparable",
];

/// Returns how GitHub shows a text; see `tests/readers/gfm.py`.
fn rendered(markdown: &str) -> Value {
    let said = reader("gfm.py", markdown);
    serde_json::from_str(&said).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns what a program in `tests/readers` says of a report.
fn reader(program: &str, report: &str) -> String {
    let python = root().join("target/test-env/py/bin/python");
    assert!(
        python.exists(),
        "{} is missing: run scripts/test-env once",
        python.display()
    );
    let mut child = Command::new(python)
        .arg(root().join("tests/readers").join(program))
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(report.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{report}");
    String::from_utf8(output.stdout).unwrap()
}

/// Puts `text` wherever others have a word in a report.
fn say(value: &mut Value, text: &str, is_theirs: bool) {
    match value {
        Value::String(said) if is_theirs => text.clone_into(said),
        Value::Array(items) => items.iter_mut().for_each(|item| say(item, text, is_theirs)),
        Value::Object(fields) => {
            for (key, value) in fields {
                say(value, text, WORDS.contains(&key.as_str()));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns a report that has something in every place of the comment.
fn full_report(app: &App) -> Value {
    app.write("prompt.txt", "Be rude.");
    gate(app, &["--content", "full"]).exits(1);
    let mut report: Value =
        serde_json::from_str(&read(app, "rewind-report/rewind-report.json")).unwrap();
    report["notes"] = ["a", "b"].into();
    report["conditions"]["commit"] = "c".into();
    let fork = &mut report["forks"][0];
    fork["agent_log"] = "last words".into();
    let sample = &mut fork["evidence"]["samples"][0];
    sample["fault"] = serde_json::json!({"kind": "provider", "message": "m", "said": "s"});
    sample["replay"]["drift"] = serde_json::json!([{"what": "tool", "name": "n"}]);
    sample["replay"]["divergences"] = serde_json::json!([{
        "kind": "history", "step": 1, "agent": "a", "pointer": "/x", "recorded": "r", "found": "f",
        "message": "m", "remedy": "r",
    }]);
    report
}

/// Returns a report in which `text` stands in every place of others.
fn with(report: &Value, text: &str) -> Value {
    let mut report = report.clone();
    say(&mut report, text, false);
    report
}

/// Returns a report as `rewind report` shows it.
fn shown(app: &App, report: &Value, format: &str) -> String {
    app.write("said.json", &report.to_string());
    let run = app.run(["report", "said.json", "--format", format]);
    run.exits(0).stdout
}

#[test]
fn nothing_that_is_said_anywhere_acts_on_github() {
    let app = suite(&[("a", "")]);
    let report = full_report(&app);
    let harmless = rendered(&shown(&app, &with(&report, "harmless"), "markdown"));
    let tags: Vec<&str> = ["details", "summary", "table", "ul", "pre"].into();
    for tag in tags {
        let elements = harmless["elements"].as_array().unwrap();
        assert!(
            elements.iter().any(|one| one == tag),
            "no {tag}: {elements:?}"
        );
    }
    let mut acted = Vec::new();
    for text in HOSTILE {
        let shown = rendered(&shown(&app, &with(&report, text), "markdown"));
        for what in ["elements", "unbalanced", "acting"] {
            if shown[what] != harmless[what] {
                let (found, wanted) = (&shown[what], &harmless[what]);
                acted.push(format!("{text:?}: {what}\n  {found}\n  {wanted}"));
            }
        }
    }
    assert!(acted.is_empty(), "{}", acted.join("\n"));
}

#[test]
fn a_model_that_answers_in_markup_changes_no_comment() {
    let app = suite(&[("a", "")]);
    app.write("prompt.txt", "Be rude.");
    let comment = |said: &str| {
        let said = serde_json::to_string(said).unwrap();
        let rule = "[[rule]]\nwhen = { system = \"rude\" }\nreply = { text = ";
        app.write("model.toml", &format!("{rule}{said} }}\n"));
        gate(&app, &["--content", "full"]).exits(1);
        rendered(&read(&app, "rewind-report/report.md"))
    };
    let hostile = HOSTILE.join("\n\n");
    let (harmless, hostile) = (comment("No."), comment(&hostile));
    for what in ["elements", "unbalanced", "acting"] {
        assert_eq!(hostile[what], harmless[what], "{}", hostile["html"]);
    }
    let html = hostile["html"].as_str().unwrap();
    assert!(html.contains("onerror"), "the answer is not shown: {html}");
}

#[test]
fn five_hundred_failures_fit_in_one_comment() {
    let app = suite(&[("a", "")]);
    let mut report = with(&full_report(&app), &HOSTILE.join("\n"));
    let one = report["forks"][0].clone();
    let forks = (0..500).map(|number| {
        let mut fork = one.clone();
        fork["evidence"]["baseline"] = format!("suite/baseline-{number:03}").into();
        fork
    });
    report["forks"] = forks.collect();
    let markdown = shown(&app, &report, "markdown");
    assert!(markdown.chars().count() <= 65_536);
    assert!(
        markdown.len() > 5_000,
        "hardly anything is left:\n{markdown}"
    );
    let first = markdown.find("suite/baseline-000").unwrap();
    assert!(first < 2_000, "{markdown}");
    assert!(
        markdown.contains("more in `rewind-report.json`"),
        "{markdown}"
    );
    assert_eq!(rendered(&markdown)["unbalanced"], serde_json::json!([]));
}

#[test]
fn jenkins_takes_the_cases_whatever_is_said() {
    let app = suite(&[("a", "")]);
    let report = full_report(&app);
    let cases = |text: &str| reader("jenkins.py", &shown(&app, &with(&report, text), "junit"));
    let harmless = cases("harmless");
    assert!(harmless.starts_with("3 cases"), "{harmless}");
    for text in [
        &HOSTILE.concat(),
        "]]> </failure> \u{1b}[31m\u{0}\u{ffff} <!-- &",
    ] {
        assert_eq!(cases(text), harmless, "{text:?}");
    }
}

#[test]
fn junitparser_reads_the_same_cases_whatever_is_said() {
    let app = suite(&[("a", "")]);
    let report = full_report(&app);
    let cases = |text: &str| reader("junit.py", &shown(&app, &with(&report, text), "junit"));
    let harmless = cases("harmless");
    assert!(harmless.contains("suite 3 2 0 0"), "{harmless}");
    assert!(harmless.contains("Failure broken"), "{harmless}");
    for text in HOSTILE {
        assert_eq!(cases(text), harmless, "{text:?}");
    }
    assert_eq!(
        cases("]]> </failure> \u{1b}[31m\u{0}\u{ffff} <!-- &"),
        harmless
    );
}
