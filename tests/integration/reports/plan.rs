//! Which baselines run, and what live calls may cost.

use super::{gate, names, suite, timeless};
use crate::support::ScriptedModel;

#[test]
fn baselines_are_chosen_by_name_by_tag_and_by_what_failed() {
    let app = suite(&[
        ("mail/late", "\"smoke\""),
        ("mail/soon", ""),
        ("web", "\"smoke\""),
    ]);
    let run = |arguments: &[&str]| {
        gate(&app, arguments).exits(0);
        names(&timeless(&app, "rewind-report"))
    };
    assert_eq!(run(&["--filter", "mail/*"]), ["mail/late", "mail/soon"]);
    assert_eq!(run(&["--filter", "tag:smoke"]), ["mail/late", "web"]);
    assert_eq!(run(&[]).len(), 3);
    let none = gate(&app, &["--filter", "tag:none"]).exits(4);
    assert!(none.stderr.contains("tag:none"), "{}", none.stderr);

    // Nothing failed, so there is nothing to do, and the report stays.
    let nothing = gate(&app, &["--only", "failed"]).exits(0);
    assert!(
        nothing.stderr.contains("nothing failed"),
        "{}",
        nothing.stderr
    );
    assert_eq!(names(&timeless(&app, "rewind-report")).len(), 3);

    let definition = app.folder().join("baselines/web/baseline.toml");
    let good = std::fs::read_to_string(&definition).unwrap();
    std::fs::write(
        &definition,
        good.replace("contains = \"hello\"", "contains = \"goodbye\""),
    )
    .unwrap();
    gate(&app, &[]).exits(1);
    gate(&app, &["--only", "failed"]).exits(1);
    assert_eq!(names(&timeless(&app, "rewind-report")), ["web"]);
    std::fs::write(&definition, good).unwrap();
    assert_eq!(run(&["--only", "failed"]), ["web"]);

    let no_report = gate(&app, &["--only", "failed", "--out", "nowhere"]).exits(2);
    assert!(
        no_report.stderr.contains("run the gate once"),
        "{}",
        no_report.stderr
    );
}

#[test]
fn the_first_failure_ends_a_run_that_fails_fast() {
    let app = suite(&[("a", ""), ("b", ""), ("c", "")]);
    app.write("prompt.txt", "Be rude.");
    gate(&app, &["--fail-fast", "--jobs", "1"]).exits(1);
    let report = timeless(&app, "rewind-report");
    assert_eq!(report["counts"]["broken"], 1, "{report}");
    let last = report["forks"].as_array().unwrap().last().unwrap();
    assert_eq!(last["decision"]["verdict"], "not_measured");
    assert_eq!(last["evidence"]["samples"][0]["fault"]["kind"], "stopped");
    assert!(
        last["decision"]["why"]
            .as_str()
            .unwrap()
            .contains("--fail-fast")
    );
}

#[test]
fn before_the_first_live_call_it_is_said_what_it_costs() {
    let app = suite(&[("a", ""), ("b", ""), ("c", "")]);
    let unaffected = gate(&app, &[]).exits(0);
    assert!(
        !unaffected.stderr.contains("live tail"),
        "{}",
        unaffected.stderr
    );
    app.write("prompt.txt", "Answer at once.");
    let run = gate(&app, &["--max-usd", "2", "--max-tokens", "90000"]).exits(0);
    let line = "rewind: 3 of 3 baselines affected; 3 live tails, about 3 calls, ";
    assert!(run.stderr.contains(line), "{}", run.stderr);
    assert!(
        run.stderr.contains("(at most $2.00, at most 90.0k tokens)"),
        "{}",
        run.stderr
    );
}

#[test]
fn what_a_cap_leaves_no_room_for_is_not_measured_and_not_called() {
    let app = suite(&[("a", ""), ("b", ""), ("c", "")]);
    app.write("prompt.txt", "Answer at once.");
    let model = ScriptedModel::start(&app, &app.folder().join("model.toml"));
    let mut config = std::fs::read_to_string(app.folder().join("rewind.toml")).unwrap();
    config = config.replace("[upstream]\nscripted = \"model.toml\"\n", "");
    app.write(
        "rewind.toml",
        &format!("{config}\n[gate]\nmax_tokens = 1\n"),
    );
    let mut arguments = vec!["--live".to_owned()];
    arguments.extend(model.upstreams());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = gate(&app, &arguments).exits(3);
    assert_eq!(model.calls(), 0);
    assert!(
        run.stdout.contains("the cap `max_tokens` = 1"),
        "{}",
        run.stdout
    );
    let report = timeless(&app, "rewind-report");
    assert_eq!(report["counts"]["not_measured"], 3);
    let fault = &report["forks"][0]["evidence"]["samples"][0]["fault"];
    assert_eq!(fault["kind"], "budget");

    // What is typed wins; a model without a price is never free.
    let mut more = arguments.clone();
    more.extend(["--max-tokens", "100000"]);
    let run = gate(&app, &more).exits(0);
    assert_eq!(model.calls(), 9, "three samples each: {}", run.stderr);
}

#[test]
fn an_interrupted_run_ends_with_what_it_has() {
    let app = suite(&[("a", ""), ("b", "")]);
    let hang = "import pathlib, time\npathlib.Path('started').touch()\ntime.sleep(60)\n";
    app.write("hang.py", hang);
    let definition = app.folder().join("baselines/b/baseline.toml");
    let text = std::fs::read_to_string(&definition).unwrap();
    let text = format!("command = [\"python3\", \"hang.py\"]\n{text}");
    std::fs::write(&definition, text).unwrap();
    let mut gate = app.rewind();
    gate.args(["gate", "--jobs", "1"])
        .stdout(std::process::Stdio::piped());
    let mut child = gate.spawn().unwrap();
    while !app.folder().join("started").exists() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the gate ended by itself"
        );
        std::thread::yield_now();
    }
    let pid = child.id().to_string();
    let sent = app.program("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(3), "{said}");
    let report = timeless(&app, "rewind-report");
    assert_eq!(report["counts"]["unaffected"], 2, "{report}");
    let last = report["forks"].as_array().unwrap().last().unwrap();
    assert_eq!(last["evidence"]["samples"][0]["fault"]["kind"], "stopped");
    // That it was ended is all that is said of it, not what it did not come to.
    let shown = app.run(["report"]).exits(0).stdout;
    assert!(shown.contains("the gate was interrupted"), "{shown}");
    assert!(!shown.contains("never asked for it"), "{shown}");
}
