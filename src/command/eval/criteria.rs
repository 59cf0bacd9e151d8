//! Evaluators by their names: built in, or rubrics of `rewind.toml`, with prompts of the repository.

use std::fs;
use std::io;
use std::sync::Arc;

use camino::Utf8PathBuf;

use super::super::{CommandError, Context};
use super::program::Ran;
use crate::config::Config;
use crate::judge::{Criterion, Custom, Rubric, Sight, built_in_names};

/// A prompt of the repository that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read {path}, which takes the place of the built-in prompt")]
struct PromptError {
    path: Utf8PathBuf,
    #[source]
    source: io::Error,
}

/// Returns the criterion of this name.
///
/// # Errors
/// Usage: there is none, or `prompts/NAME.md` can't be read.
pub(in crate::command) fn criterion(
    name: &str,
    config: &Config,
    context: &Context,
) -> Result<Criterion, CommandError> {
    if let Some(evaluator) = config.judge.exec.get(name) {
        let custom = Custom {
            program: Arc::new(Ran::new(evaluator, config, context)),
            with: evaluator.with.clone(),
        };
        let (good, bad) = (evaluator.good.as_deref(), evaluator.bad.as_deref());
        return Ok(Criterion::program(name, custom, good, bad));
    }
    let known = by_model(name, config)?;
    Ok(match config.judge.see {
        Some(Sight::Steps) => known.with_steps(),
        Some(Sight::Answer) | None => known,
    })
}

/// Returns the names of all evaluators.
pub(in crate::command) fn evaluator_names(config: &Config) -> Vec<&str> {
    let own = config.judge.rubric.keys().chain(config.judge.exec.keys());
    built_in_names()
        .into_iter()
        .chain(own.map(String::as_str))
        .collect()
}

/// Returns the criterion of this name that a model judges by.
fn by_model(name: &str, config: &Config) -> Result<Criterion, CommandError> {
    let rubric = config.judge.rubric.get(name);
    // Only then is the name known to be no path.
    let mut known = match rubric {
        Some(rubric) => Criterion::rubric(name, &rubric_of(rubric)),
        None => Criterion::built_in(name).map_err(|_unknown| unknown(name, config))?,
    };
    let path = config.judges().join(format!("prompts/{name}.md"));
    let is_plain = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if !is_plain {
        return Ok(known);
    }
    match fs::read_to_string(&path) {
        Ok(instructions) => {
            known.instructions = instructions;
            Ok(known)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(known),
        Err(source) => Err(CommandError::usage(PromptError { path, source })),
    }
}

/// Returns the error that there is no evaluator of this name.
fn unknown(name: &str, config: &Config) -> CommandError {
    let names = evaluator_names(config);
    let near = names
        .iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(name, known), known))
        .filter(|(likeness, _known)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let near = near.map_or_else(String::new, |(_likeness, known)| {
        format!("did you mean `{known}`? ")
    });
    CommandError::usage(format!(
        "there is no evaluator `{name}`; there are {}",
        names.join(", ")
    ))
    .help(format!(
        "{near}[judge.rubric.{name}] or [judge.exec.{name}] in rewind.toml makes one"
    ))
}

fn rubric_of(rubric: &crate::config::Rubric) -> Rubric {
    Rubric {
        statements: rubric
            .statements
            .iter()
            .map(|statement| (statement.text.clone(), statement.weight))
            .collect(),
        tools: rubric.tools,
        good: rubric.good.clone(),
        bad: rubric.bad.clone(),
    }
}
