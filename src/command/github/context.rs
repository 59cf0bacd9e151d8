//! `rewind github context`: what this job is, as lines for `$GITHUB_OUTPUT` or as JSON.

use std::io::Write;

use serde_json::{Value, json};

use super::job;
use crate::command::output::{json as write_json, printable, written};
use crate::command::{CommandError, Context};
use crate::exit::Exit;

/// What was typed.
#[derive(Debug, Clone, Copy)]
pub struct ContextOptions {
    /// Whether to print JSON.
    pub json: bool,
}

/// Prints what this job is: the change, where it comes from, and whether its code may be run.
///
/// # Errors
/// Usage: this is no job on GitHub.
pub fn context(
    options: ContextOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let job = job(context)?;
    let fields = [
        ("event", json!(job.event)),
        ("action", json!(job.action)),
        ("repository", json!(job.repository.full_name())),
        ("run-id", json!(job.run.id)),
        ("run-attempt", json!(job.run.attempt)),
        ("run-url", json!(job.run_url())),
        ("head", json!(job.head)),
        ("branch", json!(job.branch)),
        ("base", json!(job.base)),
        ("base-commit", json!(job.base_commit)),
        ("pull-request", json!(job.pull)),
        ("source", json!(job.source)),
        ("is-fork", json!(job.is_fork())),
        ("may-run-agent", json!(job.forbids_agents().is_none())),
        ("sender", json!(job.sender)),
        ("label", json!(job.label)),
    ];
    if options.json {
        let fields = fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        return written(write_json(&Value::Object(fields.collect()), out));
    }
    written(fields.into_iter().try_for_each(|(name, value)| {
        let text = match value.as_str() {
            // A line of its own each: a branch or a label is what somebody wrote.
            Some(text) => printable(text),
            None if value.is_null() => String::new(),
            None => value.to_string(),
        };
        writeln!(out, "{name}={text}")
    }))
}
