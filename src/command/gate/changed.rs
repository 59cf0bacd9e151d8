//! Which baselines a change concerns: those whose agent is made of files that changed.

use std::process::Command;

use camino::Utf8Path;

use crate::command::{CommandError, Context};
use crate::config::{Agent, Config, FILE_NAME};

/// The files that changed, relative to the configuration's folder; those outside it are not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Changed {
    files: Vec<String>,
    baselines: String,
}

impl Changed {
    /// Returns what changed since the working tree left `reference`; `None` where everything is to run:
    /// no reference, or a merge queue's job.
    pub(super) fn since(
        reference: Option<&str>,
        config: &Config,
        baselines: &Utf8Path,
        context: &Context,
    ) -> Result<Option<Self>, CommandError> {
        let Some(reference) = reference else {
            return Ok(None);
        };
        if context.var("GITHUB_EVENT_NAME") == Some("merge_group") {
            return Ok(None);
        }
        let diff = [
            "diff",
            "--name-only",
            "-z",
            "--relative",
            "--merge-base",
            reference,
            "--",
        ];
        let untracked = ["ls-files", "-z", "--others", "--exclude-standard"];
        let mut files = git(&config.root, &diff, reference)?;
        files.extend(git(&config.root, &untracked, reference)?);
        let below = baselines.strip_prefix(&config.root);
        Ok(Some(Self {
            files,
            baselines: below.map(ToString::to_string).unwrap_or_default(),
        }))
    }

    /// Returns whether a baseline of this agent has to run.
    pub(super) fn concerns(&self, baseline: &str, agent: &Agent) -> bool {
        if agent.paths.is_empty() {
            return true;
        }
        let baselines = format!("{}/", self.baselines);
        self.files.iter().any(|file| {
            match file
                .strip_prefix(&baselines)
                .filter(|_rest| baselines != "/")
            {
                // Another baseline is not concerned; a recording that several share is.
                Some(rest) => match rest.split_once('/') {
                    Some((folder, _file)) => folder == baseline,
                    None => true,
                },
                None => {
                    file.as_str() == FILE_NAME || agent.paths.iter().any(|path| path.matches(file))
                }
            }
        })
    }
}

fn git(root: &Utf8Path, arguments: &[&str], reference: &str) -> Result<Vec<String>, CommandError> {
    let ran = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(arguments)
        .output();
    let output = ran.map_err(|error| {
        CommandError::usage(error).help("--changed-since asks git what changed; is it installed?")
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(CommandError::usage(format!(
            "git can't tell what changed since `{reference}`: {}",
            said.trim()
        ))
        .help(
            "name a branch or a commit that this clone has; in CI check out with `fetch-depth: 0`",
        ));
    }
    let names = String::from_utf8_lossy(&output.stdout);
    let names = names.split('\0').filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_concerns_the_agents_that_are_made_of_it() {
        let read = |paths: &str| {
            let text = format!("[agent]\ncommand = [\"x\"]\n{paths}\n");
            Config::parse("rewind.toml".into(), &text).unwrap().agent
        };
        let mail = read("paths = [\"mail/**\", \"uv.lock\"]");
        let changed = |file: &str| Changed {
            files: vec![file.to_owned()],
            baselines: "tests/baselines".to_owned(),
        };
        for (file, is_concerned) in [
            ("mail/prompts/a.txt", true),
            ("uv.lock", true),
            ("rewind.toml", true),
            ("tests/baselines/refund/baseline.toml", true),
            ("tests/baselines/other/baseline.toml", false),
            ("web/app.py", false),
            ("README.md", false),
        ] {
            assert_eq!(
                changed(file).concerns("refund", &mail),
                is_concerned,
                "{file}"
            );
        }
        assert!(changed("README.md").concerns("refund", &read("")));
    }
}
