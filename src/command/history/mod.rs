//! `rewind history`: keeps what became of runs, and shows what many of them say.

mod branch;

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};

use self::branch::Branch;
use super::output::{json, printable, written};
use super::report::read;
use super::{CommandError, Context, load_config};
use crate::config::Config;
use crate::exit::Exit;
use crate::history::{Added, Entry, Past, append, enforcing, load, parse, pasts};
use crate::report::terminal::{self, Style};
use crate::report::{EnforcingReport, HistoryReport, RunReport};
use crate::text::with_causes;

/// What was typed to add a run.
#[derive(Debug, Clone)]
pub struct AddOptions {
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// A report, or the folder that holds it.
    pub report: Utf8PathBuf,
    /// The history; as configured where it is not given.
    pub to: Option<Utf8PathBuf>,
    /// The branch that holds it, in place of the working directory.
    pub branch: Option<BranchOptions>,
}

/// Which branch holds a history.
#[derive(Debug, Clone)]
pub struct BranchOptions {
    /// Its name.
    pub name: String,
    /// The remote that it is in.
    pub remote: String,
}

/// What was typed to fetch the history of a branch.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The branch.
    pub branch: BranchOptions,
    /// The file to write; as configured where it is not given.
    pub to: Option<Utf8PathBuf>,
}

/// What was typed to show the history.
#[derive(Debug, Clone)]
pub struct ShowOptions {
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The history; as configured where it is not given.
    pub file: Option<Utf8PathBuf>,
    /// Only this baseline.
    pub baseline: Option<String>,
    /// Only the last so many runs.
    pub last: Option<usize>,
    /// Whether to print JSON.
    pub json: bool,
}

/// A run or a baseline that the history can't take or doesn't have.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("{0} is a part of a run; put the parts together with `rewind merge` and add that")]
    Part(Utf8PathBuf),
    #[error("{0} says what does not follow from its facts; `rewind verify` shows what")]
    Forged(Utf8PathBuf),
    #[error("there are no runs in {0}")]
    Empty(Utf8PathBuf),
    #[error("no run in {path} has a baseline `{name}`")]
    Unknown { path: Utf8PathBuf, name: String },
}

/// Adds a run.
///
/// # Errors
/// The report can't be read, is a part of a run or forged, or the history can't be read or written.
pub fn add(
    options: &AddOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let report = read(&options.report, context)?;
    if report.shard.is_some() {
        let path = options.report.clone();
        return Err(CommandError::usage(Unfit::Part(path)));
    }
    if !report.is_consistent() {
        let path = options.report.clone();
        return Err(CommandError::usage(Unfit::Forged(path)));
    }
    let (path, shown) = chosen(options.to.as_deref(), options.config.as_deref(), context)?;
    let (added, shown) = match &options.branch {
        Some(BranchOptions { name, remote }) => {
            let branch = Branch::new(context, (remote, name), &path)?;
            let shown = Utf8PathBuf::from(format!("{} of {remote}/{name}", branch.file()));
            (branch.add(&report.entry())?, shown)
        }
        None => (
            append(&path, &report.entry()).map_err(CommandError::usage)?,
            shown,
        ),
    };
    written(match added {
        Added::New => writeln!(out, "added the run of {} to {shown}", when(&report)),
        Added::Known => writeln!(out, "the run of {} is in {shown} already", when(&report)),
    })
}

/// Writes the history of a branch to a file; nothing where there is no such branch yet.
///
/// # Errors
/// Git fails, or the file can't be written.
pub fn fetch(
    options: &FetchOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let (path, shown) = chosen(options.to.as_deref(), options.config.as_deref(), context)?;
    let BranchOptions { name, remote } = &options.branch;
    let branch = Branch::new(context, (remote, name), &path)?;
    let Some(text) = branch.read()? else {
        return written(writeln!(out, "{remote} has no branch {name} yet"));
    };
    let runs = parse(&text, &shown).map_err(CommandError::usage)?.len();
    std::fs::write(&path, text).map_err(|error| {
        CommandError::usage(error).help(format!(
            "{shown} can't be written; name another file by --to"
        ))
    })?;
    written(writeln!(out, "{runs} runs of {remote}/{name} in {shown}"))
}

fn when(report: &RunReport) -> String {
    let when = report.timing.started_at;
    when.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Shows what the runs say of each baseline, or of one.
///
/// # Errors
/// The history can't be read, has no runs, or doesn't know the baseline.
pub fn show(
    options: &ShowOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let (entries, shown) = entries(options, context)?;
    let entries = latest(entries, options.last);
    let mut report = HistoryReport::new(&entries);
    if let Some(name) = &options.baseline {
        report.baselines.retain(|past| past.baseline == *name);
        if report.baselines.is_empty() {
            let name = printable(name);
            return Err(CommandError::usage(Unfit::Unknown { path: shown, name }));
        }
    }
    if options.json {
        return written(json(&report, out));
    }
    let detail = options.baseline.is_some();
    written(terminal::history(&report, detail, Style::Colour, out))
}

/// Shows what an enforced gate would have blocked.
///
/// # Errors
/// The history can't be read, or has no runs.
pub fn would_have_blocked(
    options: &ShowOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let (entries, _shown) = entries(options, context)?;
    let report = EnforcingReport::new(enforcing(&entries, options.last));
    if options.json {
        return written(json(&report, out));
    }
    written(terminal::enforcing(&report, Style::Colour, out))
}

/// Returns the runs of the chosen history, and its name for people.
fn entries(
    options: &ShowOptions,
    context: &Context,
) -> Result<(Vec<Entry>, Utf8PathBuf), CommandError> {
    let (path, shown) = chosen(options.file.as_deref(), options.config.as_deref(), context)?;
    let entries = load(&path).map_err(CommandError::usage)?;
    if entries.is_empty() {
        return Err(CommandError::usage(Unfit::Empty(shown))
            .help("`rewind history add` adds the run whose report is in rewind-report"));
    }
    Ok((entries, shown))
}

/// Returns the last so many runs, by the time when they began.
fn latest(mut entries: Vec<Entry>, last: Option<usize>) -> Vec<Entry> {
    entries.sort_by_key(|entry| entry.started_at);
    let skipped = last.map_or(0, |last| entries.len().saturating_sub(last));
    entries.split_off(skipped)
}

/// Returns the file of the history, as typed, as configured, or where it is by default; and its name for people.
fn chosen(
    typed: Option<&Utf8Path>,
    config: Option<&Utf8Path>,
    context: &Context,
) -> Result<(Utf8PathBuf, Utf8PathBuf), CommandError> {
    let path = if let Some(typed) = typed {
        context.cwd.join(typed)
    } else {
        let config = load_config(config, context)?;
        file(None, &config, context).unwrap_or_else(|| context.cwd.join(FILE_NAME))
    };
    let shown = path.strip_prefix(&context.cwd).unwrap_or(&path).to_owned();
    Ok((path, shown))
}

/// Returns the file of the history as typed or configured; `None` where there is none.
pub(super) fn file(
    typed: Option<&Utf8Path>,
    config: &Config,
    context: &Context,
) -> Option<Utf8PathBuf> {
    let configured = || {
        let name = config.report.history.as_ref()?;
        Some(config.root.join(name))
    };
    typed
        .map(|typed| context.cwd.join(typed))
        .or_else(configured)
}

/// Puts what the runs so far and this one say into its report. A history that can't be read is a note: nothing follows from
/// it but what people see.
pub(super) fn look_back(report: &mut RunReport, file: Option<&Utf8Path>) {
    let Some(file) = file.filter(|_file| report.shard.is_none()) else {
        return;
    };
    let mut entries = match load(file) {
        Ok(entries) => entries,
        Err(error) => {
            let why = printable(&with_causes(&error));
            report
                .notes
                .push(format!("there is no history to look back on: {why}"));
            return;
        }
    };
    let own = report.entry();
    if !entries.contains(&own) {
        entries.push(own);
    }
    report.history = pasts(&entries, Past::POINTS);
    let is_here = |past: &Past| {
        let mut forks = report.forks.iter();
        forks.any(|fork| fork.evidence.baseline == past.baseline)
    };
    let here = report.history.iter().map(is_here).collect::<Vec<_>>();
    let mut here = here.into_iter();
    report
        .history
        .retain(|_past| here.next().unwrap_or_default());
}

/// The file of the history where no other is named.
const FILE_NAME: &str = "history.jsonl";
