//! Baselines and verdicts by label: the whole way from red to green, and every way that leads nowhere.

use std::fs;

use serde_json::{Value, json};

use super::{commit, git, in_git};
use crate::reports::gate;
use crate::support::App;
use crate::support::github::{FakeGithub, Fault};

const GATE: [&str; 5] = [
    "--live",
    "--policy-from",
    "main",
    "--trusted",
    "trusted.json",
];
const ACCEPT: [&str; 6] = [
    "github",
    "accept",
    "--policy-from",
    "main",
    "--dispatch",
    "gate.yml",
];
const TRUST: [&str; 6] = [
    "github",
    "trust",
    "--policy-from",
    "main",
    "-o",
    "trusted.json",
];

/// Returns the event that somebody set a label on pull request 7.
fn labelled(who: &str, label: &str, head: &str, source: &str) -> Value {
    json!({
        "action": "labeled",
        "number": 7,
        "label": { "name": label },
        "pull_request": {
            "number": 7,
            "head": { "ref": "change", "sha": head, "repo": { "full_name": source } },
            "base": { "ref": "main", "sha": "2".repeat(40) },
        },
        "sender": { "login": who },
    })
}

/// A change that turns the gate red, on GitHub.
struct Change {
    github: FakeGithub,
    app: App,
    head: String,
}

impl Change {
    fn red() -> Self {
        let app = in_git();
        app.write("prompt.txt", "Be rude.");
        let head = commit(&app, "rude");
        app.write("trusted.json", "{}");
        gate(&app, &GATE).exits(1);
        let github = FakeGithub::start();
        {
            let mut state = github.state();
            state.repository = Some(app.folder().to_owned());
            state.people = vec![
                ("mia".into(), "write"),
                ("tom".into(), "read"),
                ("eve".into(), "read"),
            ];
        }
        let mut change = Self { github, app, head };
        change.moves_on();
        change
    }

    /// Lets the pull request end with what is checked out.
    fn moves_on(&mut self) {
        self.head = git(&self.app, &["rev-parse", "HEAD"]);
        self.github.state().pulls = vec![json!({
            "number": 7, "state": "open",
            "head": { "ref": "change", "sha": self.head, "repo": { "full_name": "acme/agent" } },
        })];
    }

    /// Somebody sets a label; the job that this causes runs here.
    fn label(&mut self, who: &str, label: &str) {
        self.github.label(7, who, label);
        let event = labelled(who, label, &self.head, "acme/agent");
        self.github.job(&mut self.app, "pull_request", &event);
        self.app.set("GITHUB_ACTOR", who);
    }

    /// Checks out what the branch ends with now.
    fn pull(&mut self) {
        git(&self.app, &["reset", "--quiet", "--hard", "change"]);
        self.moves_on();
    }
}

#[test]
fn a_red_change_turns_green_by_a_label_and_red_again_by_one_more_byte() {
    let mut change = Change::red();
    change.label("mia", "rewind:accept");
    let run = change.app.run(ACCEPT).exits(0);
    assert!(run.stdout.contains("accepted by mia in "), "{}", run.stdout);
    assert!(change.github.state().labels.is_empty());
    let dispatches = change.github.state().dispatches.clone();
    assert_eq!(dispatches, [("gate.yml".to_owned(), "change".to_owned())]);
    let told = change.github.bodies();
    assert!(told[0].contains("## Rewind: accepted"), "{told:#?}");
    assert!(told[0].contains("What changed"), "{told:#?}");
    change.github.assert_valid();

    change.pull();
    let message = git(&change.app, &["log", "-1", "--format=%B"]);
    assert!(
        message.starts_with("Accept 2 baselines\n\nlabel rewind:accept on #7\n"),
        "{message}"
    );
    assert!(message.contains("Rewind-Accepted-By: mia\n"), "{message}");
    let evidence =
        fs::read_to_string(change.app.folder().join("baselines/one/accepted.json")).unwrap();
    assert!(evidence.contains("\"who\": \"mia\""), "{evidence}");

    // The gate by itself believes nothing of what the change brings.
    gate(&change.app, &GATE).exits(1);
    let run = change.app.run(TRUST).exits(0);
    assert!(
        run.stdout.contains("one was accepted by label"),
        "{}",
        run.stdout
    );
    gate(&change.app, &GATE).exits(0);
    change.github.assert_valid();

    let path = change.app.folder().join("baselines/one/accepted.json");
    fs::write(&path, format!("{evidence} ")).unwrap();
    commit(&change.app, "one more byte");
    let run = change.app.run(TRUST).exits(0);
    assert!(
        run.stdout.contains("one is not trusted: commit "),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("two was accepted by label"),
        "{}",
        run.stdout
    );
    gate(&change.app, &GATE).exits(1);
}

#[test]
fn a_message_that_says_it_was_accepted_proves_nothing() {
    let mut change = Change::red();
    change.label("mia", "rewind:accept");
    change.app.run(ACCEPT).exits(0);
    change.pull();
    let forgeries: [fn(&mut Change); 4] = [
        // Not signed.
        |change| change.github.state().signed.clear(),
        // Nobody ever set the label.
        |change| change.github.state().events.clear(),
        // Who did may not write any more.
        |change| change.github.state().people = vec![("mia".into(), "read")],
        // The same message on a commit of somebody's own.
        |change| {
            let message = git(&change.app, &["log", "-1", "--format=%B"]);
            git(
                &change.app,
                &[
                    "commit",
                    "--quiet",
                    "--amend",
                    "--reset-author",
                    "--message",
                    &message,
                ],
            );
            let own = git(&change.app, &["rev-parse", "HEAD"]);
            change.github.state().signed.push(own);
        },
    ];
    for forge in forgeries {
        let (signed, events, people) = {
            let state = change.github.state();
            (
                state.signed.clone(),
                state.events.clone(),
                state.people.clone(),
            )
        };
        forge(&mut change);
        let run = change.app.run(TRUST).exits(0);
        assert!(run.stdout.contains("one is not trusted"), "{}", run.stdout);
        gate(&change.app, &GATE).exits(1);
        let mut state = change.github.state();
        (state.signed, state.events, state.people) = (signed, events, people);
    }
}

#[test]
fn who_may_not_write_accepts_nothing_and_the_label_goes() {
    for who in ["tom", "nobody"] {
        let mut change = Change::red();
        change.label(who, "rewind:accept");
        let run = change.app.run(ACCEPT).exits(1);
        assert!(
            run.stdout.contains("may not write to this repository"),
            "{}",
            run.stdout
        );
        assert!(change.github.state().labels.is_empty());
        assert!(change.github.state().signed.is_empty());
        assert!(change.github.bodies()[0].contains("the label grants nothing"));
        change.github.assert_valid();
    }
}

#[test]
fn what_is_pushed_after_the_label_is_not_accepted() {
    let mut change = Change::red();
    change.label("mia", "rewind:accept");
    change.app.write("prompt.txt", "Be very rude.");
    let newer = commit(&change.app, "ruder");
    git(
        &change.app,
        &["checkout", "--quiet", "--detach", &change.head],
    );
    // The pull request is not known to have moved yet: the commit itself is refused.
    let run = change.app.run(ACCEPT).exits(1);
    assert!(
        run.stdout.contains("the branch has moved on"),
        "{}",
        run.stdout
    );
    assert_eq!(git(&change.app, &["rev-parse", "change"]), newer);
    assert!(change.github.state().labels.is_empty());
    // And where it is known, nothing is tried.
    change.github.state().pulls[0]["head"]["sha"] = json!(newer);
    let run = change.app.run(ACCEPT).exits(1);
    assert!(
        run.stdout.contains("the pull request has moved on"),
        "{}",
        run.stdout
    );
    change.github.assert_valid();
}

#[test]
fn a_commit_whose_answer_is_lost_is_made_once() {
    for fault in [Fault::DoneButStatus(502), Fault::DoneButLost, Fault::Lost] {
        let mut change = Change::red();
        change.label("mia", "rewind:accept");
        change.github.plan("POST", "/graphql", fault);
        let run = change.app.run(ACCEPT).exits(0);
        assert!(run.stdout.contains("accepted by mia"), "{}", run.stdout);
        let made = git(
            &change.app,
            &["rev-list", "--count", &format!("{}..change", change.head)],
        );
        assert_eq!(made, "1");
    }
}

#[test]
fn a_missing_permission_for_the_commit_is_named() {
    let mut change = Change::red();
    change.label("mia", "rewind:accept");
    change.github.state().denied = vec!["contents"];
    let run = change.app.run(ACCEPT).exits(3);
    assert!(run.stderr.contains("contents: write"), "{}", run.stderr);
}

#[test]
fn what_strangers_left_is_taken_up_only_as_plain_evidence() {
    let mut change = Change::red();
    change.label("mia", "rewind:accept");
    let pending = change
        .app
        .folder()
        .join("rewind-report/pending/one/accepted.json");
    let text = fs::read_to_string(&pending).unwrap();
    let outside = change.app.write("outside.json", &text);
    fs::remove_file(&pending).unwrap();
    std::os::unix::fs::symlink(&outside, &pending).unwrap();
    let run = change.app.run(ACCEPT).exits(1);
    assert!(run.stdout.contains("is a link"), "{}", run.stdout);
    fs::remove_file(&pending).unwrap();
    fs::write(&pending, text.replacen('{', "{ \"extra\": 1,", 1)).unwrap();
    let run = change.app.run(ACCEPT).exits(1);
    assert!(run.stdout.contains("extra"), "{}", run.stdout);
    assert!(change.github.state().signed.is_empty());
}

#[test]
fn a_fork_gets_a_patch_and_the_command() {
    let mut change = Change::red();
    let event = labelled("mia", "rewind:accept", &change.head, "eve/agent");
    change.github.job(&mut change.app, "pull_request", &event);
    let run = change.app.run(ACCEPT).exits(0);
    assert!(
        run.stdout
            .contains("rewind baseline accept one two --reason"),
        "{}",
        run.stdout
    );
    let patch = fs::read_to_string(change.app.folder().join("rewind.patch")).unwrap();
    assert!(
        patch.contains("+++ b/baselines/two/accepted.json"),
        "{patch}"
    );
    assert!(change.github.state().log.is_empty());
}

#[test]
fn a_verdict_is_overridden_for_one_commit_by_somebody_who_may_and_says_why() {
    let mut change = Change::red();
    change.label("mia", "rewind:override");
    let command = ["github", "override"];
    let run = change.app.run(command).exits(1);
    assert!(
        run.stdout
            .contains("write a comment `rewind:override REASON` first"),
        "{}",
        run.stdout
    );
    change
        .github
        .comment(7, "eve", "rewind:override because I say so");
    change
        .github
        .comment(7, "mia", "rewind:override the provider is down, @everyone");
    change.label("mia", "rewind:override");
    change.app.run(command).exits(0);
    let check = change.github.state().checks[0].clone();
    assert_eq!(
        (&check["conclusion"], &check["head_sha"]),
        (&json!("neutral"), &json!(change.head))
    );
    assert_eq!(
        check["output"]["title"],
        "Overridden by mia: the provider is down, @everyone"
    );
    let told = change.github.bodies();
    let told = told
        .iter()
        .find(|text| text.contains("Rewind: overridden"))
        .unwrap();
    assert!(told.contains("`the provider is down, @everyone`"), "{told}");
    assert!(change.github.state().labels.is_empty());
    change.label("tom", "rewind:override");
    change.app.run(command).exits(1);
    change.github.assert_valid();
}

#[test]
fn drift_opens_one_pull_request_and_refreshes_it() {
    let mut change = Change::red();
    change.github.job(&mut change.app, "schedule", &json!({}));
    change.app.set("GITHUB_REF_NAME", "main");
    for _night in 0..2 {
        change.app.run(["github", "propose"]).exits(0);
        git(&change.app, &["reset", "--quiet", "--hard"]);
        git(&change.app, &["clean", "--quiet", "--force", "baselines"]);
        gate(&change.app, &GATE).exits(1);
    }
    let state = change.github.state();
    let own: Vec<&Value> = state
        .pulls
        .iter()
        .filter(|pull| pull["head"]["ref"] == "rewind/baseline-update")
        .collect();
    assert_eq!(own.len(), 1, "{own:#?}");
    assert!(
        own[0]["body"].as_str().unwrap().contains("-> failed"),
        "{own:#?}"
    );
    assert_eq!(state.labels.len(), 1);
    drop(state);
    let made = git(
        &change.app,
        &[
            "rev-list",
            "--count",
            &format!("{}..rewind/baseline-update", change.head),
        ],
    );
    assert_eq!(made, "1");
    change.github.assert_valid();
}
