//! The one comment on a pull request.

use super::{job, pull_request, repository, run_gate};
use crate::support::github::{BOT, FakeGithub, Fault};

const COMMENT: [&str; 2] = ["github", "comment"];

/// What goes wrong, one after the other.
type Faults = fn() -> Vec<Fault>;

/// The first line of a comment of the run.
fn marker(run: u64) -> String {
    format!("<!-- rewind:comment key=gate run={run}.1 state=0123456789ab -->")
}

#[test]
fn there_is_one_comment_and_later_runs_edit_it() {
    let github = FakeGithub::start();
    let mut app = repository(true);
    github.state().page = 2;
    for number in 0..5 {
        github.comment(7, "dev", &format!("comment {number}"));
    }
    let planted = github.comment(7, "eve", &format!("{}\nAll is well.", marker(1)));
    job(&mut app, &github, 500);
    let run = app.run(COMMENT).exits(0);
    assert!(
        run.stdout.contains("comment written: https://"),
        "{}",
        run.stdout
    );
    run_gate(&app, false);
    job(&mut app, &github, 501);
    let run = app.run(COMMENT).exits(0);
    assert!(
        run.stdout.contains("comment brought up to date"),
        "{}",
        run.stdout
    );
    let bodies = github.bodies();
    assert_eq!(bodies.len(), 7, "{bodies:#?}");
    let last = &bodies[6];
    assert!(
        last.starts_with("<!-- rewind:comment key=gate run=501.1 state="),
        "{last}"
    );
    assert!(last.contains("## Rewind: PASS"), "{last}");
    assert!(last.contains("/acme/agent/actions/runs/501)"), "{last}");
    assert!(last.contains("[`111111111111`]"), "{last}");
    let state = github.state();
    let planted = state
        .comments
        .iter()
        .find(|one| one["id"] == planted)
        .unwrap();
    assert!(planted["body"].as_str().unwrap().ends_with("All is well."));
    drop(state);
    github.assert_valid();
}

#[test]
fn an_older_run_never_writes_over_a_newer_one() {
    let github = FakeGithub::start();
    let mut app = repository(true);
    job(&mut app, &github, 501);
    app.run(COMMENT).exits(0);
    let before = github.bodies();
    for (id, attempt) in [("500", "1"), ("500", "9")] {
        app.set("GITHUB_RUN_ID", id);
        app.set("GITHUB_RUN_ATTEMPT", attempt);
        let run = app.run(COMMENT).exits(0);
        assert!(
            run.stdout.contains("a newer run has written it"),
            "{}",
            run.stdout
        );
    }
    assert_eq!(github.bodies(), before);
    app.set("GITHUB_RUN_ID", "501");
    app.set("GITHUB_RUN_ATTEMPT", "2");
    app.run(COMMENT).exits(0);
    assert!(github.bodies()[0].contains("run=501.2"));
}

#[test]
fn a_write_whose_answer_is_lost_is_not_done_twice() {
    let faults: [(&str, Faults); 6] = [
        ("done, 502", || vec![Fault::DoneButStatus(502)]),
        ("done, lost", || vec![Fault::DoneButLost]),
        ("lost", || vec![Fault::Lost]),
        ("refused, 503", || {
            vec![Fault::Refuse(503, Vec::new(), "Unavailable")]
        }),
        ("lost, then done, 500", || {
            vec![Fault::Lost, Fault::DoneButStatus(500)]
        }),
        ("limited", || {
            vec![Fault::Refuse(
                403,
                vec![("retry-after", "0".to_owned())],
                "secondary rate limit",
            )]
        }),
    ];
    let mut app = repository(true);
    for (name, faults) in faults {
        let github = FakeGithub::start();
        job(&mut app, &github, 500);
        for fault in faults() {
            github.plan("POST", "/issues/7/comments", fault);
        }
        app.run(COMMENT).exits(0);
        assert_eq!(github.bodies().len(), 1, "{name}");
        // The edit, too.
        run_gate(&app, false);
        app.set("GITHUB_RUN_ID", "501");
        for fault in faults() {
            github.plan("PATCH", "/issues/comments", fault);
        }
        let run = app.run(COMMENT).exits(0);
        let bodies = github.bodies();
        assert_eq!(bodies.len(), 1, "{name}: {}", run.stdout);
        run_gate(&app, true);
        github.assert_valid();
    }
}

#[test]
fn of_two_jobs_that_write_at_once_one_comment_stays_and_says_what_is_newest() {
    for (rival, stays) in [(499, "run=500.1"), (501, "run=501.1")] {
        let github = FakeGithub::start();
        let mut app = repository(true);
        job(&mut app, &github, 500);
        let body = format!("{}\nthe rival's\n", marker(rival));
        github.plan("POST", "/issues/7/comments", Fault::Rival(body));
        app.run(COMMENT).exits(0);
        let bodies = github.bodies();
        assert_eq!(bodies.len(), 1, "{bodies:#?}");
        assert!(bodies[0].contains(stays), "{}", bodies[0]);
        github.assert_valid();
    }
}

#[test]
fn it_is_said_when_something_is_to_say() {
    for (mode, is_red, count) in [
        ("never", true, 0),
        ("on-failure", false, 0),
        ("on-failure", true, 1),
        ("on-change", false, 0),
        ("on-change", true, 1),
        ("always", false, 1),
    ] {
        let github = FakeGithub::start();
        let mut app = repository(is_red);
        job(&mut app, &github, 500);
        app.run(["github", "comment", "--mode", mode]).exits(0);
        assert_eq!(github.bodies().len(), count, "{mode}, red: {is_red}");
    }
    // What turned green is told where red was told.
    let github = FakeGithub::start();
    let mut app = repository(true);
    job(&mut app, &github, 500);
    app.run(["github", "comment", "--mode", "on-failure"])
        .exits(0);
    run_gate(&app, false);
    job(&mut app, &github, 501);
    app.run(["github", "comment", "--mode", "on-failure"])
        .exits(0);
    assert!(github.bodies()[0].contains("Rewind: PASS"));
    app.set("GITHUB_RUN_ID", "502");
    let run = app
        .run(["github", "comment", "--mode", "on-change"])
        .exits(0);
    assert!(
        run.stdout.contains("nothing changed since it was written"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_missing_permission_is_named_and_fails_nothing() {
    let github = FakeGithub::start();
    github.state().denied = vec!["pull-requests", "issues", "checks"];
    let mut app = repository(true);
    job(&mut app, &github, 500);
    for (command, permission) in [
        ("comment", "pull-requests: write"),
        ("check", "checks: write"),
        ("issue", "issues: write"),
    ] {
        let run = app.run(["github", command]).exits(0);
        let line = run.stdout.lines().next().unwrap();
        assert!(line.starts_with("::warning title=Rewind::"), "{line}");
        assert!(
            line.contains(&format!("permissions:%0A  {permission}")),
            "{line}"
        );
        app.run(["github", command, "--strict"]).exits(3);
    }
    github.job(&mut app, "pull_request", &pull_request("eve/agent"));
    let run = app.run(COMMENT).exits(0);
    assert!(
        run.stdout.starts_with("::notice title=Rewind::"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("workflow_run"), "{}", run.stdout);
    app.set("GITHUB_TOKEN", "");
    let run = app.run(COMMENT).exits(0);
    assert!(
        run.stdout.contains("GITHUB_TOKEN is not set"),
        "{}",
        run.stdout
    );
    assert_eq!(github.bodies().len(), 0);
}

#[test]
fn limits_are_waited_for_only_as_long_as_was_said() {
    let github = FakeGithub::start();
    let mut app = repository(true);
    job(&mut app, &github, 500);
    let patient = ["github", "comment", "--max-wait", "0"];
    for (headers, message) in [
        (
            vec![],
            "You have exceeded a secondary rate limit. Please wait a few minutes",
        ),
        (vec![("retry-after", "3600".to_owned())], "slow down"),
        (
            vec![
                ("x-ratelimit-remaining", "0".to_owned()),
                ("x-ratelimit-reset", "99999999999".to_owned()),
            ],
            "API rate limit exceeded",
        ),
    ] {
        github.plan(
            "GET",
            "/issues/7/comments",
            Fault::Refuse(403, headers, message),
        );
        let run = app.run(patient).exits(0);
        assert!(run.stdout.contains("limits the rate"), "{}", run.stdout);
        assert_eq!(github.bodies().len(), 0);
    }
    // What fails for a moment is asked again.
    for fault in [
        Fault::Lost,
        Fault::Refuse(502, Vec::new(), "Bad Gateway"),
        Fault::Refuse(429, vec![("retry-after", "0".to_owned())], ""),
    ] {
        github.plan("GET", "/issues/7/comments", fault);
    }
    app.run(patient).exits(0);
    assert_eq!(github.bodies().len(), 1);
}

#[test]
fn a_server_of_ones_own_is_reached_below_its_paths() {
    let github = FakeGithub::enterprise();
    let mut app = repository(true);
    job(&mut app, &github, 500);
    app.run(COMMENT).exits(0);
    assert_eq!(github.bodies().len(), 1);
    assert_eq!(github.count("POST", "/api/graphql"), 1);
    github.assert_valid();
}

#[test]
fn a_bots_comment_is_found_however_the_bot_is_named() {
    let github = FakeGithub::start();
    github.comment(7, BOT, &format!("{}\nold\n", marker(400)));
    let mut app = repository(true);
    job(&mut app, &github, 500);
    app.run(["github", "comment", "--author", "github-actions"])
        .exits(0);
    let bodies = github.bodies();
    assert_eq!(bodies.len(), 1);
    assert!(bodies[0].contains("run=500.1"));
}

#[test]
fn what_this_job_is_can_be_printed() {
    let github = FakeGithub::start();
    let mut app = repository(false);
    job(&mut app, &github, 500);
    let run = app.run(["github", "context"]).exits(0);
    assert!(run.stdout.contains("pull-request=7\n"), "{}", run.stdout);
    assert!(
        run.stdout.contains("is-fork=false\nmay-run-agent=true\n"),
        "{}",
        run.stdout
    );
    app.set("GITHUB_REPOSITORY", "a b");
    let run = app.run(["github", "context"]).exits(2);
    assert!(
        run.stderr.contains("GITHUB_REPOSITORY is `a b`"),
        "{}",
        run.stderr
    );
}
