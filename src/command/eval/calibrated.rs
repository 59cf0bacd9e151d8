//! Whether a judge was calibrated as a check asks for.

use std::fs;
use std::io;

use camino::Utf8PathBuf;

use crate::calibration::{Asked, Record};
use crate::config::Config;
use crate::judge::{Criterion, JudgeSettings, Prompt};
use crate::model::ContentId;
use crate::text::with_causes;

/// Rules that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}, the rules that judge")]
pub(super) struct RulesError {
    path: Utf8PathBuf,
    #[source]
    source: io::Error,
}

/// Returns the judge and how it is asked: what a record counts for. `rules` judge in place of those configured.
pub(super) fn asked(
    criterion: &Criterion,
    settings: &JudgeSettings,
    rules: Option<Utf8PathBuf>,
    votes: u32,
    config: &Config,
) -> Result<Asked, RulesError> {
    let configured = config.judge.scripted.as_ref();
    let rules = rules.or_else(|| configured.map(|path| config.resolve(path)));
    let rules = match rules {
        Some(path) => match fs::read(&path) {
            Ok(text) => Some(ContentId::of(&text)),
            Err(source) => return Err(RulesError { path, source }),
        },
        None => None,
    };
    Ok(Asked {
        model: settings.model.clone(),
        temperature: settings.temperature,
        rules,
        prompt: Prompt::hash(criterion),
        votes,
    })
}

/// Returns nothing where the record of the evaluator says that this judge may decide.
///
/// `min` is the score that passes, `min_kappa` how far the judge has to agree with people.
///
/// # Errors
/// Why it may not, and what to do, in one sentence.
pub(in crate::command) fn require(
    criterion: &Criterion,
    settings: &JudgeSettings,
    votes: u32,
    (min, min_kappa): (f64, f64),
    config: &Config,
) -> Result<(), String> {
    let name = &criterion.name;
    let path = Record::path(&config.root, name)
        .ok_or_else(|| format!("`{name}` is no name for the file of a record"))?;
    let shown = path.strip_prefix(&config.root).unwrap_or(&path);
    let record = Record::read(&path).map_err(|error| with_causes(&error))?;
    let record = record.ok_or_else(|| {
        format!(
            "`min_kappa` asks for {shown}, which is missing; label answers and run `rewind eval calibrate labels.jsonl -e {name}`"
        )
    })?;
    let asked = asked(criterion, settings, None, votes, config);
    let asked = asked.map_err(|error| with_causes(&error))?;
    record
        .allows(name, &asked, min, min_kappa)
        .map_err(|unfit| format!("{shown}: {unfit}"))
}
