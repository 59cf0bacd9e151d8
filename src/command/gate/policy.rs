//! What counts where a change is gated comes from its base: thresholds, judges, rules, and the baselines that the
//! change found there. A change can't make its own gate easier.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

use super::GateOptions;
use crate::baseline::{Baseline, Baselines, folder_id};
use crate::command::{CommandError, Context};
use crate::config::{self, Config};

/// The base of a change.
pub(in crate::command) struct Base {
    reference: String,
    root: Utf8PathBuf,
    /// The folder of the configuration, below that of the repository; empty or with a `/` at its end.
    prefix: String,
    /// Some of its files.
    files: TempDir,
}

/// The baselines of a change, each as it counts.
#[derive(Debug, Default)]
pub(in crate::command) struct Counted {
    /// The baselines: those of the base, and those that are new in the change.
    pub(in crate::command) baselines: Baselines,
    /// Those that are new in the change: they run and can fail, and stand for no other.
    pub(in crate::command) new: BTreeSet<String>,
    /// What readers of the report have to know.
    pub(in crate::command) notes: Vec<String>,
}

impl Base {
    /// Returns the base that `reference` names in the repository of the configuration.
    ///
    /// # Errors
    /// Usage: there is no repository, or no such commit in it.
    pub(in crate::command) fn open(reference: &str, config: &Config) -> Result<Self, CommandError> {
        let commit = format!("{reference}^{{commit}}");
        if reference.starts_with('-')
            || git(&config.root, &["rev-parse", "--verify", "-q", &commit]).is_err()
        {
            return Err(CommandError::usage(format!("git knows no commit `{reference}`"))
                .help("name a branch or a commit that this clone has; in CI check out with `fetch-depth: 0`"));
        }
        let prefix = git(&config.root, &["rev-parse", "--show-prefix"])?;
        Ok(Self {
            reference: reference.to_owned(),
            root: config.root.clone(),
            prefix: String::from_utf8_lossy(&prefix)
                .trim_end_matches('\n')
                .to_owned(),
            files: tempfile::tempdir().map_err(CommandError::usage)?,
        })
    }

    /// Returns the configuration as it counts: how the agent is run from the change, everything else from the base; and
    /// what readers have to know.
    ///
    /// # Errors
    /// The base's file is not valid.
    pub(in crate::command) fn config(
        &self,
        head: Config,
        context: &Context,
    ) -> Result<(Config, Vec<String>), CommandError> {
        let path = head
            .path
            .clone()
            .unwrap_or_else(|| head.root.join(config::FILE_NAME));
        let name = path.file_name().unwrap_or(config::FILE_NAME);
        let reference = &self.reference;
        let Ok(text) = git(&self.root, &["show", &format!("{reference}:./{name}")]) else {
            let mut head = head;
            head.gate.enforce = Some(false);
            let note = format!("{reference} has no {name} yet, so this first run is advisory");
            return Ok((head, vec![note]));
        };
        let text = String::from_utf8_lossy(&text);
        let variable = |name: &str| context.var(name).map(str::to_owned);
        let base = Config::read(
            &Utf8PathBuf::from(format!("{reference}:{name}")),
            &text,
            &variable,
        )
        .map_err(CommandError::usage)?;
        let judges = self.judges(&base)?;
        let differs = [
            ("gate", head.gate != base.gate),
            ("judge", head.judge != base.judge),
            ("tools", head.tools != base.tools),
            ("replay", head.replay != base.replay),
            ("redact", head.redact != base.redact),
            ("report", head.report != base.report),
            ("upstream", head.upstream != base.upstream),
            ("prices", head.prices != base.prices),
        ];
        let altered: Vec<String> = differs
            .iter()
            .filter(|(_name, is)| *is)
            .map(|(name, _is)| format!("[{name}]"))
            .collect();
        let mut notes = Vec::new();
        if !altered.is_empty() {
            notes.push(format!(
                "this change alters {} in {name}; what {reference} says there counts until it is merged",
                altered.join(", ")
            ));
        }
        let read = self.altered_files(&judges)?;
        if !read.is_empty() {
            notes.push(format!(
                "this change alters what judges read ({}); what {reference} has there counts until it is merged",
                read.join(", ")
            ));
        }
        let counted = Config {
            judges: Some(self.path().join(&self.prefix)),
            path: head.path,
            root: head.root,
            agent: head.agent,
            agents: head.agents,
            capture: head.capture,
            mcp: head.mcp,
            ..base
        };
        Ok((counted, notes))
    }

    /// Takes what the base's judges read into the folder of its own, and returns where that stands.
    fn judges(&self, base: &Config) -> Result<Vec<Utf8PathBuf>, CommandError> {
        let mut places: Vec<Utf8PathBuf> = vec!["prompts".into(), "judges".into()];
        let judges = base.judge.judges();
        places.extend(
            judges
                .into_iter()
                .filter_map(|(_name, judge)| judge.scripted),
        );
        if !base.judge.exec.is_empty() {
            // A program may read any file beside it.
            places = vec![".".into()];
        }
        places.retain(|place| place.is_relative());
        for place in &places {
            self.take_out(place)?;
        }
        Ok(places)
    }

    /// Returns which files in these places the change has otherwise than the base.
    fn altered_files(&self, places: &[Utf8PathBuf]) -> Result<Vec<String>, CommandError> {
        if places.iter().any(|place| place == ".") {
            // What of all files a program reads is not known.
            return Ok(Vec::new());
        }
        let mut arguments = vec![
            "diff",
            "--name-only",
            "-z",
            "--relative",
            &self.reference,
            "--",
        ];
        arguments.extend(places.iter().map(|place| place.as_str()));
        let diff = git(&self.root, &arguments)?;
        let mut arguments = vec!["ls-files", "-z", "--others", "--exclude-standard", "--"];
        arguments.extend(places.iter().map(|place| place.as_str()));
        let new = git(&self.root, &arguments)?;
        let names = [diff, new].concat();
        let names = String::from_utf8_lossy(&names);
        let names = names.split('\0').filter(|name| !name.is_empty());
        Ok(names.map(str::to_owned).collect())
    }

    /// Returns the baselines as they count, of those in the folder `dir` of the change and of the base. One that the change
    /// alters or removes counts as the base has it, unless `trusted` holds the hash of what the change made of it.
    ///
    /// # Errors
    /// The folder lies outside of the configuration's, or a file can't be read.
    pub(in crate::command) fn baselines(
        &self,
        dir: &Utf8Path,
        trusted: &BTreeMap<String, String>,
    ) -> Result<Counted, CommandError> {
        let (head, base) = (discover(dir)?, self.all(dir)?);
        let find = |all: &Baselines, name: &str| all.iter().find(|one| one.name == name).cloned();
        let names: BTreeSet<&str> = head
            .iter()
            .chain(base.iter())
            .map(|one| one.name.as_str())
            .collect();
        let mut counted = Counted::default();
        let (mut kept, mut altered, mut removed, mut accepted) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for name in names {
            kept.extend(match (find(&head, name), find(&base, name)) {
                (Some(head), None) => {
                    counted.new.insert(head.name.clone());
                    Some(head)
                }
                (None, Some(base)) => {
                    removed.push(name.to_owned());
                    Some(base)
                }
                (Some(head), Some(base)) if id(&head)? == id(&base)? => Some(head),
                (Some(head), Some(base)) if is_accepted(&head, &base, trusted.get(name))? => {
                    accepted.push(name.to_owned());
                    Some(head)
                }
                (_, base) => {
                    altered.push(name.to_owned());
                    base
                }
            });
        }
        counted.baselines = kept.into_iter().collect();
        let reference = &self.reference;
        let new: Vec<String> = counted.new.iter().cloned().collect();
        for (names, what) in [
            (
                &new,
                "new in this change (run, and can fail; cover nothing else)".to_owned(),
            ),
            (
                &altered,
                format!("altered by this change, so they count as {reference} has them"),
            ),
            (
                &removed,
                format!(
                    "removed by this change; they count as {reference} has them until it is merged"
                ),
            ),
            (
                &accepted,
                "accepted in this change, by somebody who may".to_owned(),
            ),
        ] {
            if !names.is_empty() {
                counted
                    .notes
                    .push(format!("baselines {what}: {}", names.join(", ")));
            }
        }
        Ok(counted)
    }

    /// Returns the baselines of the change that the base has otherwise, with the same rules.
    ///
    /// # Errors
    /// As [`Base::baselines`].
    pub(in crate::command) fn altered(
        &self,
        dir: &Utf8Path,
    ) -> Result<Vec<Baseline>, CommandError> {
        let base = self.all(dir)?;
        let mut altered = Vec::new();
        for head in &discover(dir)? {
            let known = base.iter().find(|base| base.name == head.name);
            if let Some(base) = known
                && id(head)? != id(base)?
            {
                altered.push(head.clone());
            }
        }
        Ok(altered)
    }

    /// Returns the baselines that the base has in `dir`, in a folder of their own with the recordings that they share.
    ///
    /// # Errors
    /// The folder lies outside of the configuration's, or a file can't be written.
    pub(in crate::command) fn all(&self, dir: &Utf8Path) -> Result<Baselines, CommandError> {
        let below = dir.strip_prefix(&self.root).map_err(|_error| {
            CommandError::usage(format!(
                "the baselines in {dir} lie outside of {}",
                self.root
            ))
            .help("with --policy-from they have to lie below the folder of rewind.toml")
        })?;
        self.take_out(below)?;
        let root = self.path().join(&self.prefix);
        let dir = root.join(below);
        let found = discover(&dir)?;
        for baseline in &found {
            let recording = plain(&baseline.recording_dir());
            if recording.starts_with(&dir) {
                continue;
            }
            if let Ok(recording) = recording.strip_prefix(&root) {
                self.take_out(recording)?;
            }
        }
        Ok(found)
    }

    /// Writes what the base has at a path, below the configuration's folder, into the folder of its own.
    fn take_out(&self, below: &Utf8Path) -> Result<(), CommandError> {
        let index = self.path().join(".index");
        let with = |arguments: &[&str]| {
            let mut command = command(&self.root, arguments);
            command.env("GIT_INDEX_FILE", &index);
            command
        };
        run(with(&["read-tree", &self.reference]), None)?;
        let listed = run(with(&["ls-files", "-z", "--", below.as_str()]), None)?;
        if !listed.is_empty() {
            let prefix = format!("--prefix={}/", self.path());
            run(
                with(&["checkout-index", "--force", "-z", "--stdin", &prefix]),
                Some(&listed),
            )?;
        }
        Ok(())
    }

    fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.files.path()).unwrap_or_else(|| Utf8Path::new(""))
    }
}

/// Returns the configuration as it counts, the base that says so where there is one, and what readers have to know.
pub(super) fn counted(
    options: &GateOptions,
    head: Config,
    context: &Context,
) -> Result<(Config, Option<Base>, Vec<String>), CommandError> {
    let Some(reference) = &options.policy_from else {
        return Ok((head, None, Vec::new()));
    };
    let base = Base::open(reference, &head)?;
    let (config, notes) = base.config(head, context)?;
    Ok((config, Some(base), notes))
}

/// Returns the hashes of folders that somebody who may has accepted, as `rewind github trust` wrote them.
///
/// # Errors
/// The file can't be read, or is none of these.
pub(in crate::command) fn trusted(
    path: Option<&Utf8Path>,
    context: &Context,
) -> Result<BTreeMap<String, String>, CommandError> {
    let Some(path) = path else {
        return Ok(BTreeMap::new());
    };
    let text = fs::read_to_string(context.cwd.join(path)).map_err(CommandError::usage)?;
    serde_json::from_str(&text).map_err(|error| {
        CommandError::usage(error).help(format!("`rewind github trust` writes {path}"))
    })
}

/// Returns whether a folder is what was accepted, and its rules are the base's.
fn is_accepted(
    head: &Baseline,
    base: &Baseline,
    trusted: Option<&String>,
) -> Result<bool, CommandError> {
    let rules =
        |one: &Baseline| fs::read(one.dir.join("baseline.toml")).map_err(CommandError::usage);
    Ok(
        trusted.is_some_and(|hash| id(head).is_ok_and(|id| id == *hash))
            && rules(head)? == rules(base)?,
    )
}

fn id(baseline: &Baseline) -> Result<String, CommandError> {
    folder_id(baseline)
        .map(|id| id.to_string())
        .map_err(CommandError::usage)
}

fn discover(dir: &Utf8Path) -> Result<Baselines, CommandError> {
    Baselines::discover(dir).map_err(CommandError::usage)
}

/// Returns a path without `..` in it, by its letters alone.
fn plain(path: &Utf8Path) -> Utf8PathBuf {
    let mut kept = Utf8PathBuf::new();
    for part in path.components() {
        if part == Utf8Component::ParentDir {
            kept.pop();
        } else {
            kept.push(part);
        }
    }
    kept
}

fn command(root: &Utf8Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(arguments);
    command
}

/// Returns what git prints, without the line break at its end.
///
/// # Errors
/// Git is missing, or fails.
pub(in crate::command) fn git_text(
    root: &Utf8Path,
    arguments: &[&str],
) -> Result<String, CommandError> {
    let text = git(root, arguments)?;
    Ok(String::from_utf8_lossy(&text)
        .trim_end_matches('\n')
        .to_owned())
}

fn git(root: &Utf8Path, arguments: &[&str]) -> Result<Vec<u8>, CommandError> {
    run(command(root, arguments), None)
}

fn run(mut command: Command, input: Option<&[u8]>) -> Result<Vec<u8>, CommandError> {
    let failed = |error: io::Error| {
        CommandError::usage(error).help("--policy-from asks git; is it installed?")
    };
    command.stdin(if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    });
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        stdin.write_all(input).map_err(failed)?;
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(CommandError::usage(format!("git failed: {}", said.trim())))
}
