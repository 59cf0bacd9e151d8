//! `rewind eval prompt`: what a judge would be sent; nothing goes out.

use std::io::Write;

use camino::Utf8PathBuf;

use super::super::output::written;
use super::super::stored::{session, timeline};
use super::super::{CommandError, Context, load_config};
use super::criteria::criterion;
use super::score::newest;
use super::subject::subject;
use crate::exit::Exit;
use crate::judge::{Prompt, Subject};

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct PromptOptions {
    /// The directory of the store; the nearest one where it is not given.
    pub store: Option<Utf8PathBuf>,
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The name of the evaluator.
    pub name: String,
    /// The session; a placeholder stands for its material where it is not given.
    pub session: Option<String>,
    /// The label of the timeline; the newest where it is not given.
    pub timeline: Option<String>,
    /// Whether the judge sees the steps, whatever the evaluator.
    pub steps: bool,
    /// The right answer; that of the imported trace where it is not given.
    pub expected: Option<String>,
}

/// Writes the prompt to `out`.
///
/// # Errors
/// Usage: no such evaluator, session or timeline; a configuration or prompt that can't be read.
pub fn prompt(
    options: &PromptOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let config = load_config(options.config.as_deref(), context)?;
    let criterion = criterion(&options.name, &config, context)?;
    let criterion = if options.steps {
        criterion.with_steps()
    } else {
        criterion
    };
    let subject = match &options.session {
        Some(asked) => {
            let session = session(options.store.as_deref(), asked, context)?;
            let timeline = match &options.timeline {
                Some(label) => timeline(&session, label)?,
                None => newest(&session)?,
            };
            let expected = options.expected.as_deref();
            let expected = expected.or(session.expected.as_deref());
            subject(session.input.as_deref(), timeline, expected)
        }
        None => Subject {
            question: "(the session's input)".to_owned(),
            answer: "(the final answer)".to_owned(),
            expected: options.expected.clone(),
            tools: Vec::new(),
        },
    };
    let prompt = Prompt::new(&criterion, &subject);
    let schema = serde_json::to_string_pretty(&prompt.schema).unwrap_or_default();
    let hash = Prompt::hash(&criterion);
    written(writeln!(
        out,
        "prompt {} of `{}`\n\n---- system\n{}\n---- user\n{}\n\n---- schema of the answer\n{schema}",
        hash.short(),
        criterion.name,
        visible(&prompt.system),
        visible(&prompt.user),
    ))
}

/// Returns a text without characters that steer a terminal; lines stay.
fn visible(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\n' | '\t' => letter,
            letter if letter.is_control() => '\u{fffd}',
            letter => letter,
        })
        .collect()
}
