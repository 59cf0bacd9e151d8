//! What a judge's verdicts are worth; serialised for `eval calibrate --json` (`docs/json-output.md`).

use serde::Serialize;

use super::{CanaryLine, JudgeCost};
use crate::calibration::{People, Record, Threshold, best, corrected, sweep};
use crate::stats::Passes;

/// What a judge's verdicts are worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationReport {
    /// The version of this shape.
    pub format: &'static str,
    /// Whether the judge was the scripted model.
    pub is_scripted: bool,
    /// The figures, as they are kept.
    pub record: Record,
    /// The file that keeps them; `null` where none was written.
    pub written_to: Option<String>,
    /// What each score that the judge gave would do as a threshold, the lowest first.
    pub thresholds: Vec<Threshold>,
    /// Where Youden's J is greatest.
    pub best_by_youden: Option<Threshold>,
    /// Where kappa is greatest.
    pub best_by_kappa: Option<Threshold>,
    /// What pass rates of this judge say of people's.
    pub corrected: Vec<Corrected>,
    /// How far people agree among themselves; `null` where no item was labelled by two.
    pub people: Option<People>,
    /// Items on which the judge says another thing than people.
    pub disagreements: Vec<Disagreement>,
    /// Items that the judge has not measured at its first asking.
    pub not_measured: Vec<Unmeasured>,
    /// How the judge did with answers of which the verdict is known.
    pub canaries: Vec<CanaryLine>,
    /// What the judge took; apart from what agents cost.
    pub judge_cost: JudgeCost,
}

/// What a pass rate of the judge says of people's, by Rogan and Gladen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Corrected {
    /// Of so many answers.
    pub answers: u32,
    /// The judge passes so many.
    pub judge_passes: u32,
    /// The share that people would pass.
    pub people_would_pass: f64,
    /// The lower end of its interval at 95 percent.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// An item on which the judge says another thing than people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Disagreement {
    /// The number of its line.
    pub line: usize,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether people pass it.
    pub people_pass: bool,
    /// The judge's score.
    pub score: f64,
    /// The judge's reasoning on the statement that decided; empty where it gave none.
    pub reasoning: String,
}

/// An item that the judge has not measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unmeasured {
    /// The number of its line.
    pub line: usize,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why it is not measured.
    pub why: String,
}

impl CalibrationReport {
    /// Returns the report on a record, without what only its making knows. `rates` are the judge's verdicts on other
    /// answers; some usual ones where there are none.
    pub fn new(record: Record, is_scripted: bool, rates: &[Passes]) -> Self {
        let thresholds = sweep(&record.scores);
        let table = record.figures.confusion;
        let usual = USUAL.map(|(passed, failed)| Passes { passed, failed });
        let rates = if rates.is_empty() { &usual } else { rates };
        let corrected = rates.iter().filter_map(|&judged| {
            let found = corrected(table, judged)?;
            Some(Corrected {
                answers: judged.total(),
                judge_passes: judged.passed,
                people_would_pass: found.value,
                low: found.low,
                high: found.high,
            })
        });
        Self {
            format: "1.0",
            is_scripted,
            corrected: corrected.collect(),
            best_by_youden: best(&thresholds, Threshold::youden),
            best_by_kappa: best(&thresholds, |row| row.kappa),
            thresholds,
            record,
            written_to: None,
            people: None,
            disagreements: Vec::new(),
            not_measured: Vec::new(),
            canaries: Vec::new(),
            judge_cost: JudgeCost::default(),
        }
    }

    /// Returns whether every item was measured.
    pub fn is_measured(&self) -> bool {
        self.not_measured.is_empty()
    }
}

/// Pass rates of which the correction is shown where nobody asks for others: passed and failed.
const USUAL: [(u32, u32); 4] = [(50, 50), (80, 20), (90, 10), (95, 5)];
