//! What `rewind` says was saved.

use super::run;
use crate::support::App;

#[test]
fn only_replays_that_went_live_are_attempts_in_the_savings() {
    let app = App::new();
    run(&app, &["record", "--name", "loop"], "loop", &[]).exits(0);
    let offline = run(&app, &["replay", "loop", "--offline"], "loop", &[]).exits(0);
    assert!(
        !offline.stdout.contains("savings over"),
        "{}",
        offline.stdout
    );
    assert!(
        offline.stdout.contains("1 replay asked nothing live"),
        "{}",
        offline.stdout
    );
    // A refused call is not paid either.
    let refused = ["replay", "loop", "--offline"];
    run(&app, &refused, "loop", &["MODE=argument"]).exits(1);
    let live = ["replay", "loop", "--from", "14", "--label", "fixed"];
    run(&app, &live, "loop", &[]).exits(0);
    let shown = app.run(["show", "loop"]).exits(0).stdout;
    let savings = shown.split("savings over ").nth(1).unwrap();
    assert!(savings.starts_with("1 attempt\n"), "{savings}");
    assert!(
        savings.contains("2 replays asked nothing live; they are no attempts"),
        "{savings}"
    );
    // Fifteen model calls in a run, seven of them before step 14; the offline replays add none.
    let steps = |row: &str| -> String {
        let found = savings.lines().find(|line| line.starts_with(row)).unwrap();
        let words = found.trim_start_matches(row).split_whitespace();
        words.into_iter().next().unwrap().to_owned()
    };
    assert_eq!(steps("before: every attempt from the start"), "15");
    assert_eq!(steps("after: what was paid"), "8");
}
