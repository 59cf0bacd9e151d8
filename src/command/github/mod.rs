//! `rewind github`: tells on GitHub what a run came to.
//!
//! What can't be told there is said in the log, and the command ends well all the same, unless `--strict` is given: the
//! verdict of a run is that of `rewind gate` alone.

mod accept;
mod context;
mod subject;
mod tell;
mod trust;

use std::time::Duration;

use camino::Utf8PathBuf;
use secrecy::SecretString;

pub use self::accept::{
    AcceptOptions, LabelOptions, OverrideOptions, PendingOptions, ProposeOptions, accept,
    override_run, propose,
};
pub use self::context::{ContextOptions, context};
pub use self::tell::{CheckOptions, CommentOptions, IssueOptions, check, comment, issue};
pub use self::trust::{TrustOptions, trust};
use super::{CommandError, Context};
use crate::exit::Exit;
use crate::github::{Api, ApiError, Job, Key};
use crate::report::annotation_line;

/// What every command that tells something has in common.
#[derive(Debug, Clone)]
pub struct TellOptions {
    /// The report, or the folder that holds it.
    pub path: Utf8PathBuf,
    /// Which of several gates of the repository speaks.
    pub key: Key,
    /// Who the token is; asked for where it is not given.
    pub author: Option<String>,
    /// The page of the whole report.
    pub report_url: Option<String>,
    /// How long to wait for GitHub, in all.
    pub max_wait: Duration,
    /// Whether the command fails where GitHub could not be told.
    pub strict: bool,
}

/// Returns the job that this process runs in.
///
/// # Errors
/// Usage: it is no job on GitHub, or its event can't be read.
pub(super) fn job(context: &Context) -> Result<Job, CommandError> {
    let event = context.var("GITHUB_EVENT_PATH").map(|path| {
        std::fs::read_to_string(context.cwd.join(path)).map_err(|error| {
            CommandError::usage(error).help(format!("GITHUB_EVENT_PATH names {path}"))
        })
    });
    let event = event.transpose()?;
    let variable = |name: &str| context.var(name);
    Job::read(&variable, event.as_deref()).map_err(|error| {
        CommandError::usage(error)
            .help("`rewind github` belongs in a job of GitHub Actions; elsewhere set GITHUB_REPOSITORY and GITHUB_EVENT_NAME")
    })
}

/// Returns the way to GitHub; `None` where there is no token.
fn api(job: &Job, max_wait: Duration, context: &Context) -> Result<Option<Api>, ApiError> {
    let token = context
        .var("GITHUB_TOKEN")
        .or_else(|| context.var("GH_TOKEN"));
    let Some(token) = token else {
        return Ok(None);
    };
    Api::new(job, SecretString::from(token.to_owned()), max_wait).map(Some)
}

/// Returns the line that says what could not be told, and how the command ends.
fn untold(what: &str, job: &Job, strict: bool, context: &Context) -> (String, Exit) {
    let exit = if strict {
        Exit::NotMeasured
    } else {
        Exit::Pass
    };
    // From a fork nothing else can be expected.
    let level = if job.is_fork() && !strict {
        "notice"
    } else {
        "warning"
    };
    (said(level, what, context), exit)
}

/// Returns a line for the log: an annotation in a job of GitHub.
fn said(level: &str, text: &str, context: &Context) -> String {
    if context.var("GITHUB_ACTIONS") == Some("true") {
        annotation_line(level, "Rewind", text)
    } else {
        format!("rewind: {text}\n")
    }
}
