//! `judges/NAME.json`: what a judge's verdicts were worth when they were calibrated.
//!
//! A format of our own, described by `schemas/judge-record-1.schema.json`. It counts for the judge that was asked, with the
//! prompt that it was asked with, and for nothing else. Every table of any threshold follows from `scores`.

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::{Confusion, Figures, Flips, ScoreCount, table_at};
use crate::model::ContentId;

/// The judge, and how it was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The model.
    pub model: String,
    /// The temperature, where one is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The hash of the rules that judged in place of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<ContentId>,
    /// The hash of the prompt.
    pub prompt: ContentId,
    /// How often it was asked for one score.
    pub votes: u32,
}

/// How many items there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Items {
    /// Measured, and passed by people.
    pub pass: u32,
    /// Measured, and failed by people.
    pub fail: u32,
    /// On which as many people say pass as say fail; the judge was not asked.
    pub undecided: u32,
    /// That the judge has not measured.
    pub not_measured: u32,
    /// Groups among the measured ones, each item without one counting as its own.
    pub groups: u32,
}

/// Where a record comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// When, in UTC.
    pub when: String,
    /// The commit that was checked out: `git:` and its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The name of the file with the labels.
    pub labels: String,
    /// The hash of what it holds.
    pub labels_hash: ContentId,
}

/// What a judge's verdicts were worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The version of the format, `1.0`.
    pub format: String,
    /// The name of the evaluator.
    pub evaluator: String,
    /// The judge, and how it was asked.
    pub asked: Asked,
    /// The score that passes in `figures`.
    pub threshold: f64,
    /// How many items there were.
    pub items: Items,
    /// What its verdicts are worth.
    pub figures: Figures,
    /// How often each item was asked about.
    pub repeats: u32,
    /// How often it contradicted itself; `None` where no item was measured twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flips: Option<Flips>,
    /// How often it gave each score, the lowest first.
    pub scores: Vec<ScoreCount>,
    /// Where the record comes from.
    pub provenance: Origin,
}

/// Why a record can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file can't be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file can't be written.
    #[error("cannot write {path}; make its directory writable, or name another file by --out")]
    Write {
        /// The file.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is no record.
    #[error(
        "{path} is no record of a calibration: {detail}; make it anew with `rewind eval calibrate`"
    )]
    Invalid {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The file was written by a newer version.
    #[error("{path} has format {found}, this version of rewind knows 1.x; use a newer one")]
    Newer {
        /// The file.
        path: Utf8PathBuf,
        /// Its format.
        found: String,
    },
}

/// Why a record does not say that a judge may decide.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// It is of another evaluator, judge or prompt.
    #[error("it was made with another {what}; calibrate anew")]
    Stale {
        /// What has changed since.
        what: String,
    },
    /// Its labels tell no kappa.
    #[error(
        "its labels tell no kappa for `min` {min:.2}; label answers that pass and answers that fail"
    )]
    Untold {
        /// The score that passes.
        min: f64,
    },
    /// The judge agrees with people too little.
    #[error(
        "kappa is {kappa:.2} for `min` {min:.2} ({items} labels), less than the {min_kappa:.2} that `min_kappa` asks for; make the prompt clearer or take another judge, and calibrate anew"
    )]
    Below {
        /// How far it agrees.
        kappa: f64,
        /// The score that passes.
        min: f64,
        /// Number of measured items.
        items: u32,
        /// How far it should agree.
        min_kappa: f64,
    },
}

#[derive(Deserialize)]
struct Version {
    format: String,
}

impl Record {
    /// The version of the format that is written.
    pub const FORMAT: &str = "1.0";

    /// Returns where the record of an evaluator is, below the directory of `rewind.toml`; `None` where its name is
    /// no name of a file.
    pub fn path(root: &Utf8Path, evaluator: &str) -> Option<Utf8PathBuf> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        let is_name = !evaluator.is_empty() && evaluator.chars().all(is_plain);
        is_name.then(|| root.join("judges").join(format!("{evaluator}.json")))
    }

    /// Returns the record in the file at `path`; `None` where there is none.
    ///
    /// # Errors
    /// The file can't be read, is no record, or was written by a newer version.
    pub fn read(path: &Utf8Path) -> Result<Option<Self>, RecordError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(RecordError::Read {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Returns the record that `text`, the content of the file at `path`, holds.
    ///
    /// # Errors
    /// The text is no record, its figures don't follow from its scores, or it was written by a newer version.
    pub fn parse(path: &Utf8Path, text: &str) -> Result<Self, RecordError> {
        let invalid = |detail: String| RecordError::Invalid {
            path: path.to_owned(),
            detail,
        };
        let version: Version =
            serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
        let major = version.format.split('.').next();
        match major.and_then(|major| major.parse::<u32>().ok()) {
            Some(1) => {}
            Some(major) if major > 1 => {
                return Err(RecordError::Newer {
                    path: path.to_owned(),
                    found: version.format,
                });
            }
            Some(_) | None => return Err(invalid(format!("its format is `{}`", version.format))),
        }
        let record: Self =
            serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
        match record.fault() {
            Some(fault) => Err(invalid(fault.to_owned())),
            None => Ok(record),
        }
    }

    /// Writes the record to the file at `path`, and the folders above it.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write(&self, path: &Utf8Path) -> Result<(), RecordError> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other);
        let written = text.and_then(|text| {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(path, text + "\n")
        });
        written.map_err(|source| RecordError::Write {
            path: path.to_owned(),
            source,
        })
    }

    /// Returns why the record is not one that was written; `None` where it may be.
    fn fault(&self) -> Option<&'static str> {
        let table = table_at(&self.scores, self.threshold);
        let kappa = self.figures.kappa.map(|kappa| kappa.value);
        let is_kappa = match (kappa, Figures::kappa_of(table)) {
            (Some(written), Some(found)) => (written - found).abs() < 1e-9,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let counted = (
            self.items.pass,
            self.items.pass.saturating_add(self.items.fail),
        );
        if table != self.figures.confusion
            || counted != (table.passed(), table.total())
            || !is_kappa
        {
            return Some("its figures don't follow from its scores");
        }
        None
    }

    /// Returns people's verdicts against the judge's where a score of `min` passes.
    pub fn table(&self, min: f64) -> Confusion {
        table_at(&self.scores, min)
    }

    /// Returns whether it says that this judge may decide where a score of `min` passes.
    ///
    /// # Errors
    /// Why it does not.
    pub fn allows(
        &self,
        evaluator: &str,
        asked: &Asked,
        min: f64,
        min_kappa: f64,
    ) -> Result<(), Unfit> {
        if let Some(what) = self.change(evaluator, asked) {
            return Err(Unfit::Stale { what });
        }
        let table = self.table(min);
        let kappa = Figures::kappa_of(table).ok_or(Unfit::Untold { min })?;
        if kappa + 1e-12 < min_kappa {
            return Err(Unfit::Below {
                kappa,
                min,
                items: table.total(),
                min_kappa,
            });
        }
        Ok(())
    }

    /// Returns what is not as it was when the record was made; `None` where all is.
    fn change(&self, evaluator: &str, now: &Asked) -> Option<String> {
        let Asked {
            model,
            temperature,
            rules,
            prompt,
            votes,
        } = &self.asked;
        let what = match () {
            () if self.evaluator != evaluator => "evaluator",
            () if rules.is_some() != now.rules.is_some() => {
                "kind of judge (rules in place of a model)"
            }
            () if *model != now.model => return Some(format!("judge, {model}")),
            () if *rules != now.rules => "set of rules that judge",
            () if *prompt != now.prompt => "prompt",
            () if temperature.map(f64::to_bits) != now.temperature.map(f64::to_bits) => {
                "temperature"
            }
            () if *votes != now.votes => return Some(format!("number of votes, {votes}")),
            () => return None,
        };
        Some(what.to_owned())
    }
}
