//! Whether a judge was calibrated as a check asks for.

use std::fs;
use std::io;

use camino::Utf8PathBuf;

use crate::calibration::{Asked, Record};
use crate::config::Config;
use crate::judge::{Criterion, JudgeSettings, Prompt, Votes};
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
    judges: &[(String, JudgeSettings)],
    rules: Option<Utf8PathBuf>,
    votes: Votes,
    config: &Config,
) -> Result<Asked, RulesError> {
    let prompt = Prompt::hash(criterion);
    let votes = votes.max();
    if let Some(program) = config.judge.exec.get(&criterion.name) {
        return Ok(Asked {
            model: format!("program {}", program.command.join(" ")),
            temperature: None,
            rules: None,
            prompt,
            votes,
        });
    }
    let configured = config.judge.judges().into_iter();
    let configured = configured.filter_map(|(_name, judge)| judge.scripted);
    let paths: Vec<Utf8PathBuf> = match rules {
        Some(path) => vec![path],
        None => configured.map(|path| config.judges().join(path)).collect(),
    };
    let mut texts = Vec::new();
    for path in paths {
        match fs::read(&path) {
            Ok(text) => texts.push(text),
            Err(source) => return Err(RulesError { path, source }),
        }
    }
    let rules = match texts.as_slice() {
        [] => None,
        [one] => Some(ContentId::of(one)),
        several => Some(ContentId::of_parts(several.iter().map(Vec::as_slice))),
    };
    let (model, temperature) = match judges {
        [(_name, one)] => (one.model.clone(), one.temperature),
        // Of a panel each has its own temperature.
        several => {
            let models = several.iter().map(|(_name, one)| match one.temperature {
                Some(temperature) => format!("{} at {temperature}", one.model),
                None => one.model.clone(),
            });
            (models.collect::<Vec<_>>().join(", "), None)
        }
    };
    Ok(Asked {
        model,
        temperature,
        rules,
        prompt,
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
    judges: &[(String, JudgeSettings)],
    votes: Votes,
    (min, min_kappa): (f64, f64),
    config: &Config,
) -> Result<(), String> {
    let name = &criterion.name;
    let path = Record::path(config.judges(), name)
        .ok_or_else(|| format!("`{name}` is no name for the file of a record"))?;
    let shown = path.strip_prefix(config.judges()).unwrap_or(&path);
    let record = Record::read(&path).map_err(|error| with_causes(&error))?;
    let record = record.ok_or_else(|| {
        format!(
            "`min_kappa` asks for {shown}, which is missing; label answers and run `rewind eval calibrate labels.jsonl -e {name}`"
        )
    })?;
    let asked = asked(criterion, judges, None, votes, config);
    let asked = asked.map_err(|error| with_causes(&error))?;
    record
        .allows(name, &asked, min, min_kappa)
        .map_err(|unfit| format!("{shown}: {unfit}"))
}
