//! The story as it is told: every command of it, as written, without a key.

use std::fs;

use crate::support::App;

#[test]
fn a_failure_is_found_fixed_compared_and_shared() {
    let app = App::new();
    app.run(["demo"]).exits(0);

    let shown = app.run(["show", "latest"]).exits(0).stdout;
    for part in ["main", "fixed", "researcher", "web_search"] {
        assert!(
            shown.contains(part),
            "`show latest` says nothing of {part}:\n{shown}"
        );
    }

    let difference = app.run(["diff", "latest", "main", "fixed"]).exits(0).stdout;
    assert!(
        difference.contains("step 5") || difference.contains("5 "),
        "{difference}"
    );

    let replayed = app
        .run(["replay", "latest", "--from", "5", "--label", "mine"])
        .exits(0);
    let said = format!("{}{}", replayed.stdout, replayed.stderr);
    assert!(said.contains("not paid again"), "no savings:\n{said}");

    app.run(["share", "latest", "--include-content", "-o", "debug.html"])
        .exits(0);
    let page = fs::read_to_string(app.folder().join("debug.html")).unwrap();
    for part in ["main", "fixed", "mine"] {
        assert!(page.contains(part), "the page says nothing of {part}");
    }
    for part in ["src=\"http", "href=\"http", "@import", "url(http"] {
        assert!(!page.contains(part), "the page loads something: {part}");
    }
}

#[test]
fn a_second_demo_keeps_what_was_edited() {
    let app = App::new();
    app.run(["demo"]).exits(0);
    let prompt = "rewind-demo/prompts/researcher.txt";
    app.write(prompt, "You are the researcher. Be brief.\n");
    let said = app.run(["demo"]).exits(0).stdout;
    assert!(said.contains(&format!("kept {prompt} as it is")), "{said}");
    let found = fs::read_to_string(app.folder().join(prompt)).unwrap();
    assert_eq!(found, "You are the researcher. Be brief.\n");
}

#[test]
fn the_agent_of_the_demo_is_found_from_a_directory_below() {
    let app = App::new();
    app.run(["demo"]).exits(0);
    let below = app.folder().join("notes/today");
    fs::create_dir_all(&below).unwrap();
    let output = app
        .rewind()
        .args(["replay", "latest", "--from", "5"])
        .current_dir(&below)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("2 served, 16 live"), "{said}");
}

#[test]
fn the_commands_of_the_front_page_run_as_they_stand() {
    let app = App::new();
    let root = env!("CARGO_MANIFEST_DIR");
    let copy = ["-r", "examples", "rewind.toml"].map(|name| match name {
        "-r" => name.to_owned(),
        name => format!("{root}/{name}"),
    });
    let copied = app.program("cp").args(copy).arg(".").status().unwrap();
    assert!(copied.success());
    let agent = ["--", "python3", "examples/research-agent/agent.py"];
    let topic = ["Tokyo population"];
    let record = ["record", "--name", "research"];
    app.run([&record[..], &agent, &topic].concat()).exits(0);
    let shown = app.run(["show", "latest"]).exits(0).stdout;
    assert!(shown.contains("30 steps"), "{shown}");
    // Without the topic: the recorded input is there for an agent that asks for it.
    let replay = ["replay", "latest", "--from", "14", "--label", "fixed"];
    let replayed = app.run([&replay[..], &agent].concat()).exits(0).stdout;
    assert!(replayed.contains("7 served, 11 live"), "{replayed}");
    let same = app.run(["diff", "latest", "main", "fixed"]).exits(0).stdout;
    assert!(!same.contains('~'), "nothing changed: {same}");
    let listed = app.run(["sessions"]).exits(0).stdout;
    assert!(listed.contains("main, fixed"), "{listed}");
}

#[test]
fn a_page_with_a_secret_is_not_written_unless_it_is_meant() {
    let app = App::new();
    app.run(["demo"]).exits(0);
    let shared = app.run(["share", "latest", "--include-content", "-o", "demo.html"]);
    let shared = shared.exits(0).stdout;
    assert!(shared.contains("2 timelines, 60 steps, "), "{shared}");
    assert!(shared.contains("no secret was found in it"), "{shared}");

    // It was no secret when it was recorded: the pattern is newer.
    let config = "[[redact.pattern]]\nname = \"city\"\nregex = \"Tokyo\"\n";
    app.write("rewind.toml", config);
    let share = ["share", "latest", "-o", "held.html", "--include-content"];
    let refused = app.run(share).exits(2);
    assert!(refused.stderr.contains(" city"), "{}", refused.stderr);
    assert!(!app.folder().join("held.html").exists());
    let meant = [&share[..], &["--allow-secrets"]].concat();
    app.run(meant).exits(0);
    assert!(app.folder().join("held.html").exists());
    // Without content there is nothing to find.
    app.run(["share", "latest", "-o", "bare.html"]).exits(0);
}
