//! What the gate said, by class.

use std::fmt::{self, Write as _};

use super::{Case, Kind};

/// What the gate says of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It fails.
    Red,
    /// Somebody should look.
    Look,
    /// It could not be measured.
    NotMeasured,
    /// It passes.
    Pass,
}

/// The counts, and what was not as it should be.
pub(crate) struct Table {
    rows: Vec<Row>,
    /// Changes for the worse that pass although a check can know them.
    pub(crate) missed: Vec<String>,
    /// Changes for the worse that pass, since what is wrong is what the answer means.
    pub(crate) unnoticed: Vec<String>,
    /// Harmless changes that are red.
    pub(crate) false_red: Vec<String>,
}

struct Row {
    class: &'static str,
    kind: Kind,
    counts: Counts,
}

/// How often it was red, to be looked at, not measured, passed.
type Counts = [usize; 4];

impl Table {
    /// Counts what was found.
    pub(super) fn new(
        classes: impl Iterator<Item = (&'static str, Kind)>,
        found: &[(&Case, Outcome)],
    ) -> Self {
        let of = |kind: Kind, outcome: Outcome| {
            let cases = found
                .iter()
                .filter(|(case, said)| case.kind == kind && *said == outcome);
            let mut lines: Vec<String> = cases
                .map(|(case, _said)| format!("{}, {}: {}", case.baseline, case.class, case.what))
                .collect();
            lines.sort();
            lines
        };
        let rows = classes.map(|(class, kind)| {
            let mut counts = Counts::default();
            for (_case, outcome) in found.iter().filter(|(case, _said)| case.class == class) {
                counts[*outcome as usize] += 1;
            }
            Row {
                class,
                kind,
                counts,
            }
        });
        Self {
            rows: rows.collect(),
            missed: of(Kind::Deterministic, Outcome::Pass),
            unnoticed: of(Kind::Semantic, Outcome::Pass),
            false_red: of(Kind::Harmless, Outcome::Red),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("| class | changes | red | look | not measured | pass |\n")?;
        f.write_str("| --- | ---: | ---: | ---: | ---: | ---: |\n")?;
        for (kind, all) in [
            (Kind::Deterministic, "worse, as a check can know"),
            (Kind::Semantic, "worse in what the answer means"),
            (Kind::Harmless, "not worse"),
        ] {
            let rows = || self.rows.iter().filter(|row| row.kind == kind);
            for row in rows() {
                line(f, row.class, row.counts, "")?;
            }
            let mut sum = Counts::default();
            for row in rows() {
                for (total, count) in sum.iter_mut().zip(row.counts) {
                    *total += count;
                }
            }
            line(f, all, sum, "**")?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, counts: Counts, mark: &str) -> fmt::Result {
    let changes: usize = counts.iter().sum();
    let mut cells = String::new();
    for count in [changes].iter().chain(&counts) {
        write!(cells, " {mark}{count}{mark} |")?;
    }
    writeln!(f, "| {mark}{name}{mark} |{cells}")
}
