//! Evaluators by their names: built in, or rubrics of `rewind.toml`, with prompts of the repository.

use std::fs;
use std::io;

use camino::Utf8PathBuf;

use super::super::CommandError;
use crate::config::Config;
use crate::judge::{Criterion, Rubric};

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
) -> Result<Criterion, CommandError> {
    let rubric = config.judge.rubric.get(name);
    // Only then is the name known to be no path.
    let mut known = match rubric {
        Some(rubric) => Criterion::rubric(name, &rubric_of(rubric)),
        None => Criterion::built_in(name).map_err(CommandError::usage)?,
    };
    let path = config.resolve(format!("prompts/{name}.md").as_str().into());
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
