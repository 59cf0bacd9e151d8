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
