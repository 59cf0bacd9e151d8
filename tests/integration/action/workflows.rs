//! The workflows of this repository, each with its event, against the built program.

use serde_json::json;

use super::hub::Hub;
use super::{Repository, finish};
use crate::support::github::Fault;
use crate::support::{App, checkout};

#[test]
fn the_pull_request_workflow_is_green_where_it_must_be_and_red_where_it_must_be() {
    let app = App::new();
    checkout(&app, "repository");
    let repository = Repository { app };
    repository.commit();
    let binary = format!("REWIND_BINARY={}", env!("CARGO_BIN_EXE_rewind"));
    let mut act = repository.command("pull_request", "pull-request.yml");
    act.args(["--var", &binary]);
    finish(&mut act).exits(0);
    for report in ["report-green", "report-red"] {
        for file in ["report.md", "junit.xml", "rewind-report.json"] {
            let path = repository
                .app
                .folder()
                .join("uploads")
                .join(report)
                .join(file);
            assert!(path.exists(), "{} was not uploaded", path.display());
        }
    }
}

#[test]
fn a_label_turns_a_red_change_green_through_the_workflows() {
    let mut hub = Hub::new();
    hub.turn_red();
    hub.opened_from("acme/agent");
    let event = hub.pull_request("acme/agent");
    hub.runs("gate.yml", "pull_request", &event).exits(1);
    let told = hub.github.bodies();
    assert!(told[0].contains("Rewind: FAIL"), "{told:#?}");

    // Who may not write accepts nothing.
    hub.label("eve", "rewind:accept").exits(1);
    assert!(hub.github.state().signed.is_empty());
    let run = hub.label("mia", "rewind:accept").exits(0);
    assert!(run.stdout.contains("accepted by mia in "), "{}", run.stdout);
    assert!(hub.github.state().labels.is_empty());
    let dispatches = hub.github.state().dispatches.clone();
    assert_eq!(dispatches, [("gate.yml".to_owned(), "change".to_owned())]);

    hub.git(&["reset", "--quiet", "--hard", "change"]);
    hub.opened_from("acme/agent");
    hub.runs("gate.yml", "workflow_dispatch", &json!({}))
        .exits(0);
    let told = hub.github.bodies();
    assert!(
        told[0].contains("accepted in this change, by somebody who may: one, two"),
        "{told:#?}"
    );
    hub.github.assert_valid();
}

#[test]
fn a_label_overrides_the_check_of_one_commit_through_the_workflow() {
    let mut hub = Hub::new();
    hub.github
        .comment(7, "mia", "rewind:override the provider is down");
    hub.label("mia", "rewind:override").exits(0);
    let check = hub.github.state().checks[0].clone();
    assert_eq!(check["conclusion"], "neutral");
    assert_eq!(check["head_sha"], hub.git(&["rev-parse", "HEAD"]));
    assert!(hub.github.state().labels.is_empty());
    // The jobs of the other label did not run.
    assert!(hub.github.state().signed.is_empty());
    hub.github.assert_valid();
}

#[test]
fn what_stands_in_the_merge_queue_is_gated() {
    let mut hub = Hub::new();
    for (is_red, code) in [(false, 0), (true, 1)] {
        if is_red {
            hub.turn_red();
        }
        let event = json!({
            "action": "checks_requested",
            "merge_group": {
                "head_sha": hub.git(&["rev-parse", "HEAD"]), "head_ref": "refs/heads/gh-readonly-queue/main/pr-7",
                "base_sha": hub.git(&["rev-parse", "main"]), "base_ref": "refs/heads/main",
            },
        });
        hub.runs("gate.yml", "merge_group", &event).exits(code);
        assert!(hub.uploads().join("rewind-report/report.md").exists());
    }
    assert!(hub.github.bodies().is_empty());
    hub.github.assert_valid();
}

#[test]
fn a_fork_is_gated_without_a_key_and_told_of_by_a_second_workflow() {
    let mut hub = Hub::new();
    hub.turn_red();
    hub.opened_from("eve/agent");
    let event = hub.pull_request("eve/agent");
    // Whatever `permissions:` says.
    hub.github.state().denied = vec!["pull-requests", "issues", "contents", "checks"];
    let run = hub.runs("gate.yml", "pull_request", &event).exits(0);
    assert!(run.stdout.contains("needs_live"), "{}", run.stdout);
    assert!(hub.github.bodies().is_empty());
    hub.github.state().denied = Vec::new();
    let watched = json!({
        "action": "completed",
        "workflow_run": {
            "id": 501, "run_attempt": 1, "event": "pull_request", "head_sha": hub.git(&["rev-parse", "HEAD"]),
            "head_branch": "change", "head_repository": { "full_name": "eve/agent" }, "pull_requests": [],
        },
    });
    hub.runs("fork-report.yml", "workflow_run", &watched)
        .exits(0);
    let told = hub.github.bodies();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].contains("it is the word of the change"),
        "{told:#?}"
    );
    hub.github.assert_valid();
}

#[test]
fn what_github_does_to_a_comment_never_changes_the_verdict_and_leaves_one() {
    let mut hub = Hub::new();
    let event = hub.pull_request("acme/agent");
    let limit = || {
        let message = "You have exceeded a secondary rate limit";
        Fault::Refuse(403, vec![("retry-after", "0".to_owned())], message)
    };
    for fault in [Fault::DoneButStatus(502), Fault::DoneButLost, limit()] {
        hub.github.state().comments.clear();
        hub.github.plan("POST", "/issues/7/comments", fault);
        hub.runs("gate.yml", "pull_request", &event).exits(0);
        assert_eq!(hub.github.bodies().len(), 1);
    }
    hub.turn_red();
    hub.opened_from("acme/agent");
    let event = hub.pull_request("acme/agent");
    hub.github.plan("PATCH", "/issues/comments", limit());
    hub.runs("gate.yml", "pull_request", &event).exits(1);
    let told = hub.github.bodies();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("Rewind: FAIL"), "{told:#?}");
    hub.github.assert_valid();
}

#[test]
fn a_red_night_opens_an_issue_and_proposes_and_a_good_one_closes_it() {
    let mut hub = Hub::new();
    hub.turn_red();
    hub.git(&["branch", "--force", "main"]);
    hub.git(&["checkout", "--quiet", "main"]);
    hub.runs(
        "nightly.yml",
        "schedule",
        &json!({ "schedule": "17 3 * * *" }),
    )
    .exits(0);
    {
        let state = hub.github.state();
        assert_eq!(state.issues.len(), 1);
        assert_eq!(state.issues[0]["state"], "open");
        assert_eq!(state.pulls.len(), 2, "{:#?}", state.pulls);
    }
    let kept = || hub.git(&["show", "rewind-history:history.jsonl"]);
    assert_eq!(kept().lines().count(), 1, "{}", kept());
    hub.app.write("prompt.txt", "Answer.");
    hub.git(&["commit", "--quiet", "--all", "--message", "polite again"]);
    hub.runs(
        "nightly.yml",
        "schedule",
        &json!({ "schedule": "17 3 * * *" }),
    )
    .exits(0);
    assert_eq!(hub.github.state().issues[0]["state"], "closed");
    assert_eq!(hub.github.state().issues.len(), 1);
    let kept = hub.git(&["show", "rewind-history:history.jsonl"]);
    assert_eq!(kept.lines().count(), 2, "{kept}");
    assert!(
        kept.contains("\"ref\":\"refs/heads/main\",\"profile\":\"nightly\""),
        "{kept}"
    );
    hub.github.assert_valid();
}

#[test]
fn the_parts_of_a_suite_end_as_the_whole_would() {
    let mut hub = Hub::new();
    hub.runs("sharded.yml", "workflow_dispatch", &json!({}))
        .exits(0);
    for part in ["part-1-1", "part-2-1"] {
        assert!(hub.uploads().join(part).join("rewind-report.json").exists());
    }
    hub.turn_red();
    let run = hub
        .runs("sharded.yml", "workflow_dispatch", &json!({}))
        .exits(1);
    assert!(run.stdout.contains("FAIL: 2 "), "{}", run.stdout);
}
