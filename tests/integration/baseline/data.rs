//! Personal data in recordings is seen before it is committed.

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
fn a_recording_without_personal_data_needs_no_review() {
    let app = repository("loop", "");
    record(&app, "loop", "survey", &[]);
    let run = create(&app, "survey", &["--stability", "1"]).exits(0);
    assert!(!run.stdout.contains("personal"), "{}", run.stdout);
}
