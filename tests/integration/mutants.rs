//! A slice of the bench of this name: one seeded change of each class, harmful and harmless, gated by the program.

#[path = "../../benches/mutation/mod.rs"]
mod mutation;

use std::path::Path;

use mutation::Place;

#[test]
fn of_seeded_changes_none_is_missed_that_a_check_can_know_and_none_is_red_that_is_harmless() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = Place::new(root, Path::new(env!("CARGO_BIN_EXE_rewind")));
    let table = mutation::run(&mutation::cases(16, 7, &place), &place);
    let unseen = &table.unnoticed;
    assert!(table.missed.is_empty(), "{:#?}\n{table}", table.missed);
    assert!(
        table.false_red.is_empty(),
        "{:#?}\n{table}",
        table.false_red
    );
    assert!(unseen.len() <= 3, "{unseen:#?}\n{table}");
}
