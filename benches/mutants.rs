//! What the gate notices: seeded changes of the research agent, harmful and harmless, each gated against the committed
//! baselines by the program, without a key.
//!
//! `cargo bench --bench mutants -- 40 7` takes 40 of each in place of 400, and the seed 7.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench fails loudly and prints its table"
)]

mod mutation;

use std::path::Path;

use mutation::Place;

const PROGRAM: &str = env!("CARGO_BIN_EXE_rewind");

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok());
    let number = numbers.next().unwrap_or(400);
    let seed = numbers.next().unwrap_or(1);
    let seed = u64::try_from(seed).expect("a seed");
    let place = Place::new(Path::new(env!("CARGO_MANIFEST_DIR")), Path::new(PROGRAM));
    let cases = mutation::cases(number, seed, &place);
    let table = mutation::run(&cases, &place);
    println!("{number} changes for the worse and as many others, seed {seed}.\n");
    print!("{table}");
    for (what, lines) in [
        ("passes, although a check can know", &table.missed),
        ("passes", &table.unnoticed),
        ("red, although nothing is worse", &table.false_red),
    ] {
        for line in lines {
            eprintln!("{what}: {line}");
        }
    }
    assert!(table.missed.is_empty(), "{} are missed", table.missed.len());
    assert!(
        table.false_red.is_empty(),
        "{} false alarms",
        table.false_red.len()
    );
}
