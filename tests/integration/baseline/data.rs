//! Personal data in recordings is seen before it is committed.

use crate::support::Run;

use super::{create, fixture, read, record, repository};

#[test]
fn personal_data_is_shown_by_step_and_refused_until_somebody_has_looked() {
    let app = repository("volatile", "\"FACTS\"");
    let mut command = app.rewind();
    let script = fixture("volatile.py");
    command.args([
        "record", "--name", "mail", "--", "python3", &script, "plain",
    ]);
    command.env("FACTS", "write to mia.berg@posteo.de or call +49 30 901820");
    assert!(command.output().unwrap().status.success());
    let run = create(&app, "mail", &["--unverified"]).exits(2);
    assert!(
        run.stdout
            .contains("main step 2: e-mail address mia.berg@posteo.de"),
        "{}",
        run.stdout
    );
    assert!(run.stderr.contains("--reviewed-by"), "{}", run.stderr);
    assert!(!app.folder().join("baselines/mail").exists());
    create(&app, "mail", &["--unverified", "--reviewed-by", "ann"]).exits(0);
    assert!(read(&app, "baselines/mail/accepted.json").contains("\"reviewed_by\": \"ann\""));
    app.run(["baseline", "check", "--data"]).exits(0);
    let evidence = read(&app, "baselines/mail/accepted.json");
    app.write(
        "baselines/mail/accepted.json",
        &evidence.replace("\"reviewed_by\": \"ann\",", ""),
    );
    let run = app.run(["baseline", "check", "--data"]).exits(1);
    assert!(run.stdout.contains("mia.berg@posteo.de"), "{}", run.stdout);
}

#[test]
fn a_scrubbed_session_holds_the_new_text_alone_and_still_replays() {
    let app = repository("volatile", "\"FACTS\"");
    let script = fixture("volatile.py");
    let mut command = app.rewind();
    command.args([
        "record", "--name", "mail", "--", "python3", &script, "plain",
    ]);
    command.env("FACTS", "ask mia.berg@posteo.de");
    assert!(command.output().unwrap().status.success());
    let nothing = app
        .run(["session", "scrub", "mail", "--replace", "nobody=x"])
        .exits(2);
    assert!(
        nothing.stderr.contains("holds none of these texts"),
        "{}",
        nothing.stderr
    );
    let new = "mia.berg@posteo.de=ann@example.com";
    app.run(["session", "scrub", "mail", "--replace", new])
        .exits(0);
    app.run(["session", "scrub", "mail", "--replace", "Fourteen=Fifteen"])
        .exits(0);
    let mut create = app.rewind();
    create.args(["baseline", "create", "mail", "--name", "mail"]);
    create.env("FACTS", "ask ann@example.com");
    let output = create.output().unwrap();
    Run::new(&create, output).exits(0);
    let session = app.folder().join("baselines/mail/session");
    for file in std::fs::read_dir(session)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(!text.contains("mia.berg"), "{}", file.display());
        assert!(!text.contains("Fourteen"), "{}", file.display());
    }
    assert!(read(&app, "baselines/mail/baseline.toml").contains("Fifteen million"));
}

#[test]
fn a_recording_without_personal_data_needs_no_review() {
    let app = repository("loop", "");
    record(&app, "loop", "survey", &[]);
    let run = create(&app, "survey", &["--stability", "1"]).exits(0);
    assert!(!run.stdout.contains("personal"), "{}", run.stdout);
}
