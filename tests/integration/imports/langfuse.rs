//! Langfuse: its APIs and their moods, files, many traces at once, and the way from a trace to a fix.

use std::fs;

use serde_json::Value;

use super::fake::{FakeLangfuse, Mode, Trouble};
use super::{is_complete, steps, trace};
use crate::support::{App, Run, repository_path};

/// The trace that the released SDK wrote.
fn id() -> String {
    let text = fs::read_to_string(trace("langfuse.v1.json")).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    value["id"].as_str().unwrap().to_owned()
}

/// Returns an app with keys for the stand-in.
fn app() -> App {
    App::new()
        .env("LANGFUSE_PUBLIC_KEY", "pk-lf-test")
        .env("LANGFUSE_SECRET_KEY", "sk-lf-test")
}

fn import(app: &App, fake: &FakeLangfuse, more: &[&str]) -> Run {
    let host = fake.url();
    let arguments = ["import", "from-langfuse", "--host", &host];
    app.run(arguments.iter().chain(more))
}

#[test]
fn every_kind_of_langfuse_gives_the_same_session() {
    let mut seen: Vec<(Vec<String>, String)> = Vec::new();
    for mode in [Mode::V3, Mode::V4, Mode::Cloud] {
        let (app, fake) = (app(), FakeLangfuse::start(mode, Trouble::default()));
        let run = import(&app, &fake, &["--trace", &id(), "--json"]).exits(0);
        let report = &run.json()["imported"][0];
        is_complete(report);
        assert_eq!(report["spans"]["model"], 18, "{mode:?}");
        assert_eq!(report["spans"]["tool"], 12, "{mode:?}");
        assert_eq!(report["spans"]["agent"], 5, "{mode:?}");
        assert_eq!(report["scores"][0]["value"], 0.2, "{mode:?}");
        let show = app.run(["show", "latest"]).exits(0).stdout;
        let (_head, tree) = show.split_once("timeline main").unwrap();
        seen.push((steps(report), tree.to_owned()));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    assert_eq!(seen[0].0.len(), 34);
    let tree = &seen[0].1;
    assert!(
        tree.contains("error: ERROR HTTP 403 fetching https://paywall.example.org"),
        "{tree}"
    );
    assert!(tree.contains("answer   European sales rose 23%"), "{tree}");
    for agent in ["research-team", "researcher", "writer"] {
        assert!(tree.contains(agent), "{tree}");
    }
}

#[test]
fn pages_limits_and_late_traces_are_waited_for() {
    let trouble = Trouble {
        limited: 2,
        late: 2,
        rows: Some(10),
    };
    for mode in [Mode::V3, Mode::V4] {
        let (app, fake) = (app(), FakeLangfuse::start(mode, trouble));
        let run = import(&app, &fake, &["--trace", &id(), "--wait", "2s", "--json"]).exits(0);
        let report = &run.json()["imported"][0];
        assert_eq!(report["spans"]["total"], 35, "{mode:?}");
        assert_eq!(report["warnings"].as_array().unwrap().len(), 0, "{mode:?}");
    }
    // Without waiting, what is there is taken, and said not to be whole.
    let late = Trouble {
        late: 1,
        ..Trouble::default()
    };
    let (app, fake) = (app(), FakeLangfuse::start(Mode::Cloud, late));
    let missing = import(&app, &fake, &["--trace", &id(), "--api", "v2"]).exits(2);
    assert!(
        missing.stderr.contains("has no trace"),
        "{}",
        missing.stderr
    );
    let half = import(&app, &fake, &["--trace", &id(), "--api", "v2", "--json"]).exits(0);
    let warnings = half.json()["imported"][0]["warnings"].to_string();
    assert!(
        warnings.contains("belong to one that never came"),
        "{warnings}"
    );
}

#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    let app = app();
    let v4 = FakeLangfuse::start(Mode::V4, Trouble::default());
    let v3 = FakeLangfuse::start(Mode::V3, Trouble::default());
    let unknown = import(&app, &v4, &["--trace", "nope"]).exits(2).stderr;
    assert!(unknown.contains("has no trace `nope`"), "{unknown}");
    assert!(unknown.contains("regions"), "{unknown}");
    let gone = import(&app, &v4, &["--trace", &id(), "--api", "v1"])
        .exits(2)
        .stderr;
    assert!(gone.contains("has no v1 API"), "{gone}");
    let absent = import(&app, &v3, &["--trace", &id(), "--api", "v2"])
        .exits(2)
        .stderr;
    assert!(absent.contains("has no v2 API"), "{absent}");
    let stranger = App::new()
        .env("LANGFUSE_PUBLIC_KEY", "pk-lf-other")
        .env("LANGFUSE_SECRET_KEY", "sk-lf-other");
    let refused = import(&stranger, &v3, &["--trace", &id()]).exits(2).stderr;
    assert!(refused.contains("does not take the keys"), "{refused}");
    assert!(!refused.contains("sk-lf-other"), "{refused}");
    let keyless = import(&App::new(), &v3, &["--trace", &id()])
        .exits(2)
        .stderr;
    assert!(
        keyless.contains("LANGFUSE_PUBLIC_KEY is not set"),
        "{keyless}"
    );
    let elsewhere = format!("{}/wrong", v3.url());
    let lost = app.run([
        "import",
        "from-langfuse",
        "--host",
        &elsewhere,
        "--trace",
        &id(),
    ]);
    assert!(lost.exits(2).stderr.contains("not the address of the API"));
    assert!(
        app.run(["import", "from-langfuse"])
            .exits(2)
            .stderr
            .contains("nothing to import")
    );
}

#[test]
fn addresses_sessions_datasets_and_searches_find_traces() {
    for mode in [Mode::V3, Mode::V4] {
        let (app, fake) = (app(), FakeLangfuse::start(mode, Trouble::default()));
        let pasted = format!("{}/project/clx/traces?peek={}", fake.url(), id());
        let run = app
            .run(["import", "from-langfuse", &pasted, "--json"])
            .exits(0);
        assert_eq!(run.json()["imported"].as_array().unwrap().len(), 1);
        let run = import(&app, &fake, &["--session", "sess_7f3a", "--json"]).exits(0);
        assert_eq!(
            run.json()["imported"].as_array().unwrap().len(),
            1,
            "{mode:?}"
        );
        let search = [
            "--tag",
            "prod",
            "--score-below",
            "0.5",
            "--since",
            "7d",
            "--json",
        ];
        let run = import(&app, &fake, &search).exits(0);
        assert_eq!(
            run.json()["imported"].as_array().unwrap().len(),
            1,
            "{mode:?}"
        );
        let run = import(
            &app,
            &fake,
            &["--tag", "prod", "--score-below", "0.1", "--json"],
        )
        .exits(0);
        assert_eq!(
            run.json()["imported"].as_array().unwrap().len(),
            0,
            "{mode:?}"
        );
        import(&app, &fake, &["--tag", "nobody has this"]).exits(4);
        let run = import(&app, &fake, &["--dataset", "regressions", "--json"]).exits(1);
        assert_eq!(
            run.json()["imported"].as_array().unwrap().len(),
            1,
            "{mode:?}"
        );
        assert!(run.stdout.contains("made of no trace"), "{}", run.stdout);
        app.run(["session", "export", "latest", "-o", "out"])
            .exits(0);
        let manifest = fs::read_to_string(app.folder().join("out/session.toml")).unwrap();
        assert!(
            manifest.contains("expected = \"Sales fell from"),
            "{manifest}"
        );
        assert!(
            manifest.contains(&format!("trace = \"{}\"", id())),
            "{manifest}"
        );
    }
}

#[test]
fn the_older_api_is_not_asked_where_the_newer_one_answers() {
    let (app, fake) = (app(), FakeLangfuse::start(Mode::Cloud, Trouble::default()));
    import(&app, &fake, &["--trace", &id()]).exits(0);
    let paths = fake.paths();
    assert!(
        paths
            .iter()
            .all(|path| !path.starts_with("/api/public/traces")),
        "{paths:?}"
    );
}

#[test]
fn a_strict_import_stores_nothing_that_lost_something() {
    let app = App::new();
    let file = trace("langfuse.v1.json");
    let run = app
        .run(["import", "from-langfuse", "--file", &file, "--strict"])
        .exits(1);
    assert!(
        run.stdout.contains("refused: research-team"),
        "{}",
        run.stdout
    );
    assert!(
        app.run(["sessions"])
            .exits(0)
            .stdout
            .contains("no sessions yet")
    );
}

#[test]
fn both_kinds_of_files_give_the_same_session() {
    let shown = |file: &str| {
        let app = App::new();
        app.run(["import", "from-langfuse", "--file", &trace(file)])
            .exits(0);
        let show = app.run(["show", "latest"]).exits(0).stdout;
        show.split_once("timeline main").unwrap().1.to_owned()
    };
    assert_eq!(shown("langfuse.v1.json"), shown("langfuse.v2.json"));
    let app = App::new();
    app.write("other.json", "{\"data\": [{\"id\": 1}]}");
    let error = app
        .run(["import", "from-langfuse", "--file", "other.json"])
        .exits(2)
        .stderr;
    assert!(error.contains("no observations of Langfuse"), "{error}");
}

/// The story: the trace of a failure, its session forked behind step 13, the fix, with the official SDK.
#[test]
fn a_trace_is_replayed_with_the_fix_from_step_14() {
    let (app, fake) = (app(), FakeLangfuse::start(Mode::V4, Trouble::default()));
    import(&app, &fake, &["--trace", &id(), "--name", "team"]).exits(0);
    let app = app.env("PROMPT_VERSION", "15").env("TRACER", "");
    let python = repository_path("target/test-env/py/bin/python");
    let (agent, model) = (trace("team.py"), trace("team.toml"));
    app.write(
        "rewind.toml",
        "[agent]\nenv = [\"PROMPT_VERSION\", \"TRACER\"]\n",
    );
    let question = "Write a briefing on the 2024 heat pump market.";
    let run = app.run([
        "replay",
        "team",
        "--from",
        "14",
        "--scripted",
        &model,
        "--",
        &python,
        &agent,
        question,
    ]);
    let run = run.exits(0);
    assert!(run.stdout.contains("7 served, 11 live"), "{}", run.stdout);
    assert!(
        run.stdout.contains("fell from 2.6M to 2.0M"),
        "{}",
        run.stdout
    );
    // The unchanged agent goes the recorded way to its end, and nothing is paid.
    let app = app.env("PROMPT_VERSION", "14");
    let run = app.run([
        "replay",
        "team",
        "--offline",
        "--",
        &python,
        &agent,
        question,
    ]);
    let run = run.exits(0);
    assert!(run.stdout.contains("18 served, 0 live"), "{}", run.stdout);
}

/// What a dataset's item expects, and what the agent is asked, go all the way into a baseline and to a judge.
#[test]
fn the_expected_output_and_the_picked_input_stand_in_the_baseline() {
    let (app, fake) = (app(), FakeLangfuse::start(Mode::V4, Trouble::default()));
    import(&app, &fake, &["--dataset", "regressions", "--name", "team"]).exits(1);
    let create = |pointer: &str, name: &str| {
        let config = "[agent]\ncommand = [\"python3\", \"agent.py\"]\n";
        app.write(
            "rewind.toml",
            &format!("{config}map_input = \"{pointer}\"\n"),
        );
        app.run(["baseline", "create", "team", "--name", name, "--unverified"])
    };
    let wrong = create("/kwargs/question", "wrong").exits(2).stderr;
    assert!(wrong.contains("/kwargs has no fields"), "{wrong}");
    create("/args/0", "first").exits(0);
    create("/args", "all").exits(0);
    let read = |name: &str| {
        let path = format!("baselines/{name}/baseline.toml");
        fs::read_to_string(app.folder().join(path)).unwrap()
    };
    let question = "Write a briefing on the 2024 heat pump market.";
    assert!(
        read("first").contains(&format!("input = \"{question}\"\n")),
        "{}",
        read("first")
    );
    assert!(
        read("all").contains(&format!("input = '[\"{question}\"]'\n")),
        "{}",
        read("all")
    );
    let expected = "expected = \"Sales fell from 2.6M to 2.0M units.\"\n";
    assert!(read("first").contains(expected), "{}", read("first"));
    let prompt = app
        .run(["eval", "prompt", "correctness", "team"])
        .exits(0)
        .stdout;
    assert!(prompt.contains("expected answer"), "{prompt}");
    assert!(prompt.contains("Sales fell from 2.6M"), "{prompt}");
    app.write(
        "judge.toml",
        "[[rule]]\nwhen = { last_user = \"Bananas are\" }\nreply = { text = '{\"verdicts\":[{\"statement\":\"correctness\",\"evidence\":[],\"reasoning\":\"No.\",\"score\":0,\"pass\":false}]}' }\n\
         [[rule]]\nwhen = { last_user = \"rose 23%\" }\nreply = { text = '{\"verdicts\":[{\"statement\":\"correctness\",\"evidence\":[],\"reasoning\":\"It rose.\",\"score\":0.1,\"pass\":false}]}' }\n\
         [[rule]]\nwhen = { last_user = \"Sales fell from 2.6M\" }\nreply = { text = '{\"verdicts\":[{\"statement\":\"correctness\",\"evidence\":[\"Sales fell\"],\"reasoning\":\"As expected.\",\"score\":1,\"pass\":true}]}' }\n",
    );
    let score = [
        "eval",
        "score",
        "team",
        "-e",
        "correctness",
        "--scripted",
        "judge.toml",
    ];
    let scored = app.run(score).exits(0).stdout;
    assert!(scored.contains("0.100"), "{scored}");
}

/// The stand-in is what the client of the released SDK takes for Langfuse. It reads the newer API alone.
#[test]
fn the_client_of_the_released_sdk_reads_what_the_stand_in_serves() {
    for mode in [Mode::V4, Mode::Cloud] {
        let fake = FakeLangfuse::start(mode, Trouble::default());
        let run = std::process::Command::new(repository_path("target/test-env/py/bin/python"))
            .arg(repository_path("tests/readers/langfuse_client.py"))
            .args([&fake.url(), &id()])
            .output()
            .expect("run scripts/test-env once");
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{mode:?}: {said}");
        let read: Value = serde_json::from_slice(&run.stdout).unwrap();
        let count = |kind: &str| read["kinds"][kind].as_u64().unwrap_or_default();
        assert_eq!(count("GENERATION"), 18, "{mode:?}: {read}");
        assert_eq!(count("TOOL"), 12, "{mode:?}: {read}");
        assert_eq!(count("AGENT"), 5, "{mode:?}: {read}");
        let kinds = read["kinds"].as_object().unwrap();
        let all: u64 = kinds.values().filter_map(Value::as_u64).sum();
        assert_eq!(read["parents"].as_u64(), Some(all - 1), "one root: {read}");
    }
}
