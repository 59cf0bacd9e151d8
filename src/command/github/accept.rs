//! `rewind github accept|override|propose`: baselines and verdicts by label.

use std::io::Write;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::{api, job};
use crate::baseline::Baselines;
use crate::command::baseline::{Taken, directory, take_up};
use crate::command::gate::policy::{Base, git_text};
use crate::command::output::{printable, written};
use crate::command::{CommandError, Context, load_config};
use crate::config::Config;
use crate::exit::Exit;
use crate::github::check_run::{self, CheckRun};
use crate::github::comment::{self, When};
use crate::github::commit::{self, Change, Made};
use crate::github::label::{self, Asked};
use crate::github::trust::Accepted;
use crate::github::{Api, ApiError, Conclusion, Job, Key, Marker};
use crate::report::{markdown_block, markdown_code, plain_line};

/// What the commands share.
#[derive(Debug, Clone)]
pub struct LabelOptions {
    /// The label.
    pub label: String,
    /// Which of several gates of the repository speaks.
    pub key: Key,
    /// Who the token is; asked for where it is not given.
    pub author: Option<String>,
    /// How long to wait for GitHub, in all.
    pub max_wait: Duration,
}

/// Where baselines are, and what a gate left.
#[derive(Debug, Clone)]
pub struct PendingOptions {
    /// The folder that the gate wrote.
    pub from: Utf8PathBuf,
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The directory of the baselines; as configured where it is not given.
    pub baselines: Option<Utf8PathBuf>,
    /// The base of the change, as the gate had it.
    pub policy_from: Option<String>,
}

/// What was typed for `accept`.
#[derive(Debug, Clone)]
pub struct AcceptOptions {
    /// What the commands share.
    pub label: LabelOptions,
    /// What is accepted.
    pub pending: PendingOptions,
    /// The workflow to start on the new commit.
    pub dispatch: Option<String>,
    /// The file for the patch, where the change comes from a fork.
    pub patch: Utf8PathBuf,
}

/// What was typed for `override`.
#[derive(Debug, Clone)]
pub struct OverrideOptions {
    /// What the commands share.
    pub label: LabelOptions,
    /// The name of the check run.
    pub name: String,
}

/// What was typed for `propose`.
#[derive(Debug, Clone)]
pub struct ProposeOptions {
    /// What the commands share.
    pub label: LabelOptions,
    /// What is proposed.
    pub pending: PendingOptions,
    /// The branch of the pull request.
    pub branch: String,
    /// The branch that it is for; that of the job where it is not given.
    pub base: Option<String>,
}

/// Commits what a gate left, where somebody who may has set the label.
///
/// # Errors
/// Usage; GitHub can't be asked, or did not take it.
pub async fn accept(
    options: &AcceptOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let job = job(context)?;
    if job.is_fork() {
        return patch(options, &job, context, out);
    }
    let api = asked_api(&job, &options.label, context)?;
    let asked = match label::take(&api, &job, &options.label.label)
        .await
        .map_err(|error| failed(&error))?
    {
        Ok(asked) => asked,
        Err(why) => return refuse(&api, &job, &options.label, &why, out).await,
    };
    let (config, root) = place(&options.pending, context)?;
    if git_text(&config.root, &["rev-parse", "HEAD"])? != asked.head {
        let why = format!(
            "the job has not checked out {}, for which the label was set",
            asked.head
        );
        return refuse(&api, &job, &options.label, &why, out).await;
    }
    let reason = format!("label {} on #{}", options.label.label, asked.pull);
    let taken = match taken(
        &options.pending,
        (&config, &root),
        (&asked.who, &reason),
        context,
    ) {
        Ok(taken) if taken.is_empty() => {
            return refuse(
                &api,
                &job,
                &options.label,
                "the gate left nothing to accept",
                out,
            )
            .await;
        }
        Ok(taken) => taken,
        Err(error) => return refuse(&api, &job, &options.label, &error.message(), out).await,
    };
    let change = change(&taken, &config, &job, &asked, &reason)?;
    let made = match commit::commit(&api, &job, &change).await {
        Ok(made) => made,
        Err(error @ ApiError::Stale { .. }) => {
            let why = format!("{error}; nothing was committed");
            return refuse(&api, &job, &options.label, &why, out).await;
        }
        Err(error) => return Err(failed(&error)),
    };
    let text = accepted_text(options, (&api, &asked), &made, &taken).await;
    say(&api, &job, &options.label, "Rewind: accepted", &text).await;
    written(writeln!(
        out,
        "rewind: accepted by {} in {}: {}",
        asked.who,
        made.commit,
        listed(&taken)
    ))
}

/// Returns what is said of a commit that was made; starts the gate on it where that was asked for.
async fn accepted_text(
    options: &AcceptOptions,
    (api, asked): (&Api, &Asked),
    made: &Made,
    taken: &[Taken],
) -> String {
    let mut text = format!(
        "{} accepted {} in commit {} on top of {}.\n",
        markdown_code(&asked.who),
        names(taken),
        markdown_code(&made.commit),
        markdown_code(&asked.head)
    );
    if !made.is_signed {
        text.push_str(
            "\nGitHub did not sign it, so gates with `--policy-from` will not trust it.\n",
        );
    }
    if let Some(workflow) = &options.dispatch {
        let said = match commit::dispatch(api, workflow, &asked.branch).await {
            Ok(()) => format!(
                "\nThe gate was started again: {}.\n",
                markdown_code(workflow)
            ),
            Err(error) => format!(
                "\nThe gate could not be started again: {}\n",
                markdown_code(&error.to_string())
            ),
        };
        text.push_str(&said);
    }
    text.extend([format!(
        "\n<details><summary>What changed</summary>\n\n{}\n\n</details>\n",
        markdown_block(&differences(taken))
    )]);
    text
}

/// Makes the check of one commit neutral, where somebody who may has set the label and said why.
///
/// # Errors
/// Usage; GitHub can't be asked, or did not take it.
pub async fn override_run(
    options: &OverrideOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let job = job(context)?;
    let api = asked_api(&job, &options.label, context)?;
    let asked = match label::take(&api, &job, &options.label.label)
        .await
        .map_err(|error| failed(&error))?
    {
        Ok(asked) => asked,
        Err(why) => return refuse(&api, &job, &options.label, &why, out).await,
    };
    let word = &options.label.label;
    let reason = comment::last_of(&api, asked.pull, &asked.who, word)
        .await
        .map_err(|error| failed(&error))?;
    let Some(reason) = reason else {
        let why = format!("write a comment `{word} REASON` first, then set the label again");
        return refuse(&api, &job, &options.label, &why, out).await;
    };
    let title = plain_line(&format!("Overridden by {}: {reason}", asked.who), 200);
    let text = format!(
        "{} made the gate neutral for {} alone. Nothing else changes: the next commit is gated as before.\n\nReason: {}\n",
        markdown_code(&asked.who),
        markdown_code(&asked.head),
        markdown_code(&reason)
    );
    let check = CheckRun {
        name: options.name.clone(),
        key: options.label.key.clone(),
        conclusion: Conclusion::Neutral,
        title,
        summary: text.clone(),
        annotations: Vec::new(),
    };
    check_run::tell(&api, &job, &asked.head, &check)
        .await
        .map_err(|error| failed(&error))?;
    say(&api, &job, &options.label, "Rewind: overridden", &text).await;
    written(writeln!(
        out,
        "rewind: overridden for {} by {}",
        asked.head, asked.who
    ))
}

/// Opens or refreshes the pull request that brings what a gate left.
///
/// # Errors
/// Usage; GitHub can't be asked, or did not take it.
pub async fn propose(
    options: &ProposeOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let job = job(context)?;
    let api = asked_api(&job, &options.label, context)?;
    let (config, root) = place(&options.pending, context)?;
    let who = job
        .sender
        .clone()
        .unwrap_or_else(|| "a scheduled run".to_owned());
    let taken = taken(&options.pending, (&config, &root), (&who, "drift"), context)?;
    if taken.is_empty() {
        return written(writeln!(out, "rewind: the gate left nothing to accept"));
    }
    let base = options
        .base
        .clone()
        .or_else(|| job.branch.clone())
        .unwrap_or_else(|| "main".to_owned());
    let body = format!(
        "What the agent does on {} has drifted from what was accepted. Merge this to accept it.\n\n{}\n\n<sub>[run {}]({})</sub>\n",
        markdown_code(&base),
        markdown_block(&differences(&taken)),
        job.run.id,
        job.run_url()
    );
    let change = Change {
        branch: options.branch.clone(),
        onto: git_text(&config.root, &["rev-parse", "HEAD"])?,
        headline: format!("Accept {}", names(&taken)),
        body,
        files: files(&taken, &config)?,
    };
    let url = commit::propose(&api, &job, &change, (&base, &options.label.label)).await;
    let url = url.map_err(|error| failed(&error))?;
    written(writeln!(out, "rewind: proposed {}: {url}", listed(&taken)))
}

/// Writes a patch for a change of a fork, whose branch no job of ours may write to.
fn patch(
    options: &AcceptOptions,
    job: &Job,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let (config, root) = place(&options.pending, context)?;
    let who = job.sender.clone().unwrap_or_default();
    let taken = taken(
        &options.pending,
        (&config, &root),
        (&who, "patch for a fork"),
        context,
    )?;
    if taken.is_empty() {
        return written(writeln!(out, "rewind: the gate left nothing to accept"));
    }
    for one in &taken {
        // A file that git does not know yet is in no difference.
        git_text(
            &config.root,
            &["add", "--intent-to-add", "--", one.file.as_str()],
        )?;
    }
    let text = git_text(&config.root, &["diff", "--binary", "--", root.as_str()])?;
    let path = context.cwd.join(&options.patch);
    std::fs::write(&path, format!("{text}\n")).map_err(CommandError::usage)?;
    let names: Vec<&str> = taken.iter().map(|one| one.name.as_str()).collect();
    written(writeln!(
        out,
        "rewind: the branch of a fork can't be written to; the patch is in {path}.\nIts author can do the same: rewind gate \
         --live && rewind baseline accept {} --reason \"…\"",
        names.join(" ")
    ))
}

fn place(
    options: &PendingOptions,
    context: &Context,
) -> Result<(Config, Utf8PathBuf), CommandError> {
    let config = load_config(options.config.as_deref(), context)?;
    let root = directory(options.baselines.as_deref(), &config, context);
    Ok((config, root))
}

fn taken(
    options: &PendingOptions,
    (config, root): (&Config, &Utf8Path),
    by: (&str, &str),
    context: &Context,
) -> Result<Vec<Taken>, CommandError> {
    let opened = options
        .policy_from
        .as_deref()
        .map(|reference| Base::open(reference, config))
        .transpose()?;
    let base = match &opened {
        Some(base) => base.all(root)?,
        None => Baselines::default(),
    };
    take_up((&context.cwd.join(&options.from), root), &base, by, context)
}

fn change(
    taken: &[Taken],
    config: &Config,
    job: &Job,
    asked: &Asked,
    reason: &str,
) -> Result<Change, CommandError> {
    let ids = taken
        .iter()
        .map(|one| (one.name.clone(), one.id.clone()))
        .collect();
    let accepted = Accepted::of(asked, job.run, ids);
    // The last paragraph counts, and a difference may hold empty lines.
    let differences = differences(taken);
    let body = format!(
        "{reason}\n\n{}\n\n{}",
        differences.trim_end(),
        accepted.trailers().trim_end()
    );
    Ok(Change {
        branch: asked.branch.clone(),
        onto: asked.head.clone(),
        headline: format!("Accept {}", names(taken)),
        body,
        files: files(taken, config)?,
    })
}

/// Returns the files by their paths in the repository.
fn files(taken: &[Taken], config: &Config) -> Result<Vec<(String, Vec<u8>)>, CommandError> {
    let prefix = git_text(&config.root, &["rev-parse", "--show-prefix"])?;
    let file = |one: &Taken| {
        let below = one.file.strip_prefix(&config.root).map_err(|_error| {
            CommandError::usage(format!("{} lies outside of {}", one.file, config.root))
        })?;
        Ok((format!("{prefix}{below}"), one.text.clone().into_bytes()))
    };
    taken.iter().map(file).collect()
}

fn names(taken: &[Taken]) -> String {
    match taken {
        [one] => format!("baseline {}", printable(&one.name)),
        more => format!("{} baselines", more.len()),
    }
}

fn listed(taken: &[Taken]) -> String {
    let names: Vec<&str> = taken.iter().map(|one| one.name.as_str()).collect();
    names.join(", ")
}

/// Returns what is different now, without characters that steer anything, and not too long.
fn differences(taken: &[Taken]) -> String {
    let lines = taken.iter().flat_map(|one| one.difference.lines());
    let mut lines: Vec<String> = lines
        .map(|line| plain_line(line, 300))
        .filter(|line| !line.is_empty())
        .collect();
    let more = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    if more > 0 {
        lines.push(format!("and {more} more lines"));
    }
    lines.join("\n")
}

fn asked_api(job: &Job, options: &LabelOptions, context: &Context) -> Result<Api, CommandError> {
    let api = api(job, options.max_wait, context).map_err(|error| failed(&error))?;
    api.ok_or_else(|| {
        CommandError::usage("GITHUB_TOKEN is not set")
            .help("give the step `env: { GITHUB_TOKEN: \"${{ github.token }}\" }`")
    })
}

fn failed(error: &ApiError) -> CommandError {
    let told = CommandError::usage(error.to_string()).exit(Exit::NotMeasured);
    match error.help(false) {
        Some(help) => told.help(help),
        None => told,
    }
}

/// Says why nothing was done, on the pull request and in the log, and ends red.
async fn refuse(
    api: &Api,
    job: &Job,
    options: &LabelOptions,
    why: &str,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let text = format!(
        "Nothing was done: {}\n",
        markdown_code(&plain_line(why, 600))
    );
    say(api, job, options, "Rewind: the label grants nothing", &text).await;
    written(writeln!(
        out,
        "rewind: nothing was done: {}",
        printable(why)
    ))?;
    Ok(Exit::Fail)
}

/// Writes the comment about labels; what was done stands, whether it can be told or not.
async fn say(api: &Api, job: &Job, options: &LabelOptions, title: &str, text: &str) {
    let Some(pull) = job.pull else {
        return;
    };
    let me = match &options.author {
        Some(author) => author.clone(),
        None => api.viewer().await,
    };
    let marker = Marker {
        kind: "label".to_owned(),
        key: options.key.clone(),
        run: job.run,
        state: "told".to_owned(),
    };
    let draft = comment::Draft {
        body: format!(
            "{marker}\n## {title}\n\n{text}\n<sub>[run {}]({})</sub>\n",
            job.run.id,
            job.run_url()
        ),
        marker,
        is_failure: true,
        is_plain: false,
    };
    if let Err(error) = comment::tell(api, pull, &me, &draft, When::Always).await {
        tracing::warn!(%error, "the comment about the label could not be written");
    }
}

/// How many lines of differences are shown.
const MAX_LINES: usize = 120;
