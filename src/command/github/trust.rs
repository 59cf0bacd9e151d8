//! `rewind github trust`: which baselines that a change altered were accepted by somebody who may.
//!
//! It runs before anything of the change does, and writes a file that `rewind gate --trusted` reads. What it can't prove
//! it leaves out, and then the base's baseline counts.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::{api, job, said};
use crate::baseline::{Baseline, folder_id};
use crate::command::baseline::directory;
use crate::command::gate::policy::{Base, git_text};
use crate::command::output::written;
use crate::command::{CommandError, Context, load_config};
use crate::exit::Exit;
use crate::github::trust::{Accepted, accepted};
use crate::github::{Api, ApiError};

/// What was typed.
#[derive(Debug, Clone)]
pub struct TrustOptions {
    /// The base of the change.
    pub policy_from: String,
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The directory of the baselines; as configured where it is not given.
    pub baselines: Option<Utf8PathBuf>,
    /// The file to write.
    pub output: Utf8PathBuf,
    /// The label that accepts.
    pub label: String,
    /// Who the token is; asked for where it is not given.
    pub author: Option<String>,
    /// How long to wait for GitHub, in all.
    pub max_wait: Duration,
}

/// Writes which altered baselines were accepted, with the hashes of what they became.
///
/// # Errors
/// Usage: no such commit, a file that can't be read or written.
pub async fn trust(
    options: &TrustOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let job = job(context)?;
    let head = load_config(options.config.as_deref(), context)?;
    let base = Base::open(&options.policy_from, &head)?;
    let (config, _notes) = base.config(head, context)?;
    let root = directory(options.baselines.as_deref(), &config, context);
    let mut trusted = BTreeMap::new();
    let mut told = String::new();
    let altered = base.altered(&root)?;
    let api = match api(&job, options.max_wait, context) {
        Ok(api) if !altered.is_empty() => api,
        Ok(_) => None,
        Err(error) => {
            told.push_str(&said("warning", &error.to_string(), context));
            None
        }
    };
    if let Some(api) = api {
        let me = match &options.author {
            Some(author) => author.clone(),
            None => api.viewer().await,
        };
        let mut judge = Judge {
            api: &api,
            me: &me,
            label: &options.label,
            reference: &options.policy_from,
            root: &config.root,
            known: BTreeMap::new(),
        };
        for baseline in &altered {
            match judge.is_trusted(baseline).await {
                Ok(Ok(id)) => {
                    told.extend([format!("rewind: {} was accepted by label\n", baseline.name)]);
                    trusted.insert(baseline.name.clone(), id);
                }
                Ok(Err(why)) => {
                    told.extend([format!("rewind: {} is not trusted: {why}\n", baseline.name)]);
                }
                Err(Trouble::Api(error)) => {
                    told.push_str(&said("warning", &error.to_string(), context));
                }
                Err(Trouble::Command(error)) => return Err(error),
            }
        }
    } else if !altered.is_empty() && told.is_empty() {
        told.push_str(&said(
            "warning",
            "GITHUB_TOKEN is not set, so no altered baseline is trusted",
            context,
        ));
    }
    let text = serde_json::to_string_pretty(&trusted).map_err(CommandError::usage)?;
    std::fs::write(context.cwd.join(&options.output), format!("{text}\n"))
        .map_err(CommandError::usage)?;
    written(out.write_all(told.as_bytes()))
}

enum Trouble {
    Api(ApiError),
    Command(CommandError),
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<CommandError> for Trouble {
    fn from(error: CommandError) -> Self {
        Self::Command(error)
    }
}

/// Looks at the commits of a change.
struct Judge<'a> {
    api: &'a Api,
    me: &'a str,
    label: &'a str,
    reference: &'a str,
    root: &'a Utf8Path,
    /// What is known of commits.
    known: BTreeMap<String, Result<Accepted, String>>,
}

impl Judge<'_> {
    /// Returns the hash of a baseline of which every change was accepted; else why it is not trusted.
    async fn is_trusted(&mut self, baseline: &Baseline) -> Result<Result<String, String>, Trouble> {
        let range = format!("{}..HEAD", self.reference);
        let recording = baseline.recording_dir();
        let listed = git_text(
            self.root,
            &[
                "rev-list",
                &range,
                "--",
                baseline.dir.as_str(),
                recording.as_str(),
            ],
        )?;
        let commits: Vec<&str> = listed.lines().collect();
        if commits.is_empty() {
            return Ok(Err("it was changed, but by no commit".to_owned()));
        }
        let mut newest = None;
        for commit in commits {
            let said = self.look_at(commit).await?;
            match said {
                Ok(said) => newest = newest.or(Some(said)),
                Err(why) => {
                    let short: String = commit.chars().take(12).collect();
                    return Ok(Err(format!("commit {short} changed it: {why}")));
                }
            }
        }
        let id = folder_id(baseline)
            .map_err(CommandError::usage)?
            .to_string();
        let is_it = newest.is_some_and(|said| {
            said.baselines
                .contains(&(baseline.name.clone(), id.clone()))
        });
        Ok(if is_it {
            Ok(id)
        } else {
            Err("it is not what was accepted".to_owned())
        })
    }

    async fn look_at(&mut self, commit: &str) -> Result<Result<Accepted, String>, ApiError> {
        if let Some(known) = self.known.get(commit) {
            return Ok(known.clone());
        }
        let said = accepted(self.api, commit, self.me, self.label).await?;
        self.known.insert(commit.to_owned(), said.clone());
        Ok(said)
    }
}
