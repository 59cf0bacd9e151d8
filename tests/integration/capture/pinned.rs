//! Hosts whose clients take no certificate but the server's own.

use super::Captured;

/// A client that trusts nobody but the server, and tries again.
const PINNED: &str = "for try in 1 2; do curl -sS --cacert weather.pem https://weather.test/v1/forecast && break; done; true";

#[test]
fn a_pinned_host_passes_unread_while_recording_is_listed_and_is_cut_off_in_a_replay() {
    let captured = Captured::new("");
    let run = captured.shell(PINNED).exits(0);
    assert!(
        run.stdout.contains("{\"sky\":\"grey\"}"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    let note = "weather.test passed unread: its client refuses the certificate of the run";
    let told = format!("{}{}", run.stdout, run.stderr);
    assert!(told.contains(note), "{told}");
    assert_eq!(captured.weather.asked().len(), 1);

    let replay = ["replay", "shell", "--offline", "--", "sh", "-c", PINNED];
    let replay = captured.app.run(replay);
    let said = "\"weather.test\" = \"pass\" in [capture.hosts] lets it through unread";
    assert!(
        replay.stdout.contains(said),
        "{}{}",
        replay.stdout,
        replay.stderr
    );
    assert_eq!(captured.weather.asked(), [""; 0]);

    let log = ["-v", "record", "--name", "log", "--", "sh", "-c", PINNED];
    let log = captured.app.run(log).exits(0).stderr;
    assert!(
        log.contains("DEBUG a connection to weather.test was not recorded"),
        "{log}"
    );

    captured.configure("[capture.hosts]\n\"weather.test\" = \"pass\"\n");
    let run = captured.shell(PINNED).exits(0);
    let told = format!("{}{}", run.stdout, run.stderr);
    assert!(
        told.contains("weather.test passed unread, as [capture.hosts] says"),
        "{told}"
    );
}
