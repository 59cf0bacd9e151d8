//! `rewind eval calibrate`: what a judge's verdicts are worth, by answers that people have judged.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};

use super::super::baseline::commit;
use super::super::judging::Memory;
use super::super::output::{json, written};
use super::super::stored::style;
use super::super::{CommandError, Context, load_config, store_dir};
use super::calibrated::asked;
use super::criteria::criterion;
use super::judge::choose;
use super::kept::Kept;
use crate::calibration::{
    Figures, Item, Items, Origin, Rated, Record, counts, flips, people, read,
};
use crate::config::Config;
use crate::exit::Exit;
use crate::judge::{
    Criterion, Evaluation, JudgeSettings, PASS, Panel, Plan, Vote, Votes, evaluate_panel,
};
use crate::model::ContentId;
use crate::report::{
    CalibrationReport, CanaryLine, Disagreement, JudgeCost, UnmeasuredItem, terminal,
};
use crate::stats::Passes;
use crate::store::Store;

/// What was typed.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command are independent of each other"
)]
pub struct CalibrateOptions {
    /// The directory of the store; the nearest one where it is not given.
    pub store: Option<Utf8PathBuf>,
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The file with the labels.
    pub labels: Utf8PathBuf,
    /// The name of the evaluator.
    pub evaluator: String,
    /// How often each item is asked about.
    pub repeats: u32,
    /// How often the judge is asked for one score; as configured where it is not given.
    pub votes: Option<Votes>,
    /// The score that passes; that of the built-in evaluators where it is not given.
    pub threshold: Option<f64>,
    /// Verdicts of the judge on other answers, whose pass rate is corrected.
    pub rates: Vec<Passes>,
    /// The file of the record; the one that the gate reads where it is not given.
    pub out: Option<Utf8PathBuf>,
    /// Whether no record is written.
    pub dry_run: bool,
    /// Whether a record is written although items were not measured.
    pub partial: bool,
    /// Whether verdicts of earlier runs count for nothing.
    pub fresh: bool,
    /// Whether the judge may be asked although `CI` is set.
    pub live: bool,
    /// Rules that judge in place of a model.
    pub scripted: Option<Utf8PathBuf>,
    /// Whether to print JSON.
    pub json: bool,
}

/// Labels that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}")]
struct ReadError {
    path: Utf8PathBuf,
    #[source]
    source: io::Error,
}

/// Asks the judge about every item, writes what its verdicts are worth to `out`, and keeps it.
///
/// Exit code 3 where an item was not measured; then no record is written, unless part of the items is enough.
///
/// # Errors
/// Usage: labels that can't be read, no such evaluator, a judge that can't be asked, a record that can't be written.
pub async fn calibrate(
    options: &CalibrateOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let config = load_config(options.config.as_deref(), context)?;
    let criterion = criterion(&options.evaluator, &config, context)?;
    let target = target(options, &config, context)?;
    let (items, hash) = labels(&options.labels, context)?;
    let decided: Vec<&Item> = items.iter().filter(|item| item.label.is_some()).collect();
    let panel = if criterion.program.is_some() {
        Panel::nobody()
    } else {
        choose(options.scripted.as_ref(), options.live, &config, context)?
    };
    let is_scripted = panel.is_scripted();
    let votes = options.votes.or(config.judge.votes).unwrap_or_default();
    let judges = panel.members().map(|member| {
        let settings = member.judge.settings();
        (member.name.clone(), settings.clone())
    });
    let judges: Vec<(String, JudgeSettings)> = judges.collect();
    let rules = options.scripted.as_ref().map(|path| context.cwd.join(path));
    let asked = asked(&criterion, &judges, rules, votes, &config);
    let asked = asked.map_err(CommandError::usage)?;
    let askings = ask(options, &criterion, &decided, (&panel, votes), context).await?;
    let rated = rated(&decided, &askings);
    let threshold = options.threshold.unwrap_or(PASS);
    let figures = Figures::new(&rated, threshold);
    let record = Record {
        format: Record::FORMAT.to_owned(),
        evaluator: criterion.name.clone(),
        asked,
        threshold,
        items: counted(&items, &rated),
        figures,
        repeats: options.repeats.max(1),
        flips: flips(&rated, threshold),
        scores: counts(&rated),
        provenance: Origin {
            when: jiff::Timestamp::now()
                .strftime("%Y-%m-%dT%H:%M:%SZ")
                .to_string(),
            commit: commit(context),
            labels: options.labels.file_name().unwrap_or_default().to_owned(),
            labels_hash: hash,
        },
    };
    let mut report = CalibrationReport::new(record, is_scripted, &options.rates);
    report.people = people(&items);
    fill(&mut report, &decided, &askings);
    let is_enough = report.is_measured() || options.partial;
    if let Some(path) = target.filter(|_path| is_enough && report.record.figures.kappa.is_some()) {
        report.record.write(&path).map_err(CommandError::usage)?;
        let shown = path.strip_prefix(&context.cwd).unwrap_or(&path);
        report.written_to = Some(shown.to_string());
    }
    let result = if options.json {
        json(&report, out)
    } else {
        terminal::calibration(&report, style(context), out)
    };
    written(result)?;
    Ok(if report.is_measured() {
        Exit::Pass
    } else {
        Exit::NotMeasured
    })
}

/// Returns the file of the record; `None` where none is to be written.
fn target(
    options: &CalibrateOptions,
    config: &Config,
    context: &Context,
) -> Result<Option<Utf8PathBuf>, CommandError> {
    if options.dry_run {
        return Ok(None);
    }
    if let Some(path) = &options.out {
        return Ok(Some(context.cwd.join(path)));
    }
    let usual = Record::path(&config.root, &options.evaluator);
    let why = format!("`{}` is no name for a file", options.evaluator);
    let help = "give the rubric a name of letters, digits, - and _, or write no record: --dry-run";
    usual
        .map(Some)
        .ok_or_else(|| CommandError::usage(why).help(help))
}

/// Returns the items, and the hash of the file that holds them.
fn labels(path: &Utf8Path, context: &Context) -> Result<(Vec<Item>, ContentId), CommandError> {
    let text = fs::read_to_string(context.cwd.join(path)).map_err(|source| {
        CommandError::usage(ReadError {
            path: path.to_owned(),
            source,
        })
    })?;
    let items = read(path, &text).map_err(CommandError::usage)?;
    Ok((items, ContentId::of(text.as_bytes())))
}

/// Asks the judge about all items, so many times; no asking is answered by the verdicts of another.
async fn ask(
    options: &CalibrateOptions,
    criterion: &Criterion,
    items: &[&Item],
    (panel, votes): (&Panel, Votes),
    context: &Context,
) -> Result<Vec<Evaluation>, CommandError> {
    let dir = store_dir(options.store.as_deref(), context);
    let store = Store::open(&dir).map_err(CommandError::usage)?;
    let kept = Kept {
        store: &store,
        is_fresh: options.fresh,
    };
    let canaries = Memory::default();
    let subjects = items
        .iter()
        .map(|item| (item.line.to_string(), item.subject.clone()));
    let mut plan = Plan {
        criteria: vec![criterion.clone()],
        subjects: subjects.collect(),
        votes,
        first_vote: 0,
    };
    let mut askings = Vec::new();
    for _asking in 0..options.repeats.max(1) {
        askings.push(evaluate_panel(panel, &kept, &canaries, &plan).await);
        plan.first_vote = plan.first_vote.saturating_add(votes.max());
    }
    Ok(askings)
}

/// Returns what people and the judge say of each item.
fn rated(items: &[&Item], askings: &[Evaluation]) -> Vec<Rated> {
    let of = |(at, item): (usize, &&Item)| {
        let scores = askings.iter().map(|asking| {
            let cell = asking.cells.get(at)?;
            cell.score.as_ref().ok().copied()
        });
        Some(Rated {
            label: item.label?,
            group: item.group.clone(),
            scores: scores.collect(),
        })
    };
    items.iter().enumerate().filter_map(of).collect()
}

fn counted(items: &[Item], rated: &[Rated]) -> Items {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let measured: Vec<&Rated> = rated.iter().filter(|one| one.score().is_some()).collect();
    let groups: BTreeSet<&String> = measured
        .iter()
        .filter_map(|one| one.group.as_ref())
        .collect();
    let single = measured.iter().filter(|one| one.group.is_none()).count();
    let passed = measured.iter().filter(|one| one.label).count();
    Items {
        pass: number(passed),
        fail: number(measured.len() - passed),
        undecided: number(items.len() - rated.len()),
        not_measured: number(rated.len() - measured.len()),
        groups: number(groups.len() + single),
    }
}

/// Adds where judge and people differ, what was not measured, and what it all took.
fn fill(report: &mut CalibrationReport, items: &[&Item], askings: &[Evaluation]) {
    let threshold = report.record.threshold;
    let cells = askings.first().into_iter().flat_map(|first| &first.cells);
    for (item, cell) in items.iter().zip(cells) {
        let people_pass = item.label == Some(true);
        match &cell.score {
            Ok(score) if (*score >= threshold) == people_pass => {}
            Ok(score) => report.disagreements.push(Disagreement {
                line: item.line,
                id: item.id.clone(),
                people_pass,
                score: *score,
                reasoning: reasoning(&cell.votes, people_pass),
            }),
            Err(why) => report.not_measured.push(UnmeasuredItem {
                line: item.line,
                id: item.id.clone(),
                why: why.to_string(),
            }),
        }
    }
    let sung = askings.iter().find(|asking| !asking.canaries.is_empty());
    let canaries = sung.into_iter().flat_map(|asking| &asking.canaries);
    report.canaries = canaries.map(CanaryLine::from).collect();
    if let Some(last) = askings.last() {
        let cached = askings.iter().map(|asking| asking.cached_votes).sum();
        report.judge_cost = JudgeCost::new(last.ledger, cached, report.is_scripted);
    }
}

/// Returns why the judge says another thing than people: of the first statement that it decides otherwise.
fn reasoning(votes: &[Vote], people_pass: bool) -> String {
    let mut verdicts = votes.iter().flat_map(|vote| match vote {
        Vote::Measured { verdicts, .. } => verdicts.as_slice(),
        Vote::NotMeasured(_) => &[],
    });
    let other = verdicts.find(|verdict| (verdict.score >= PASS) != people_pass);
    other.map_or_else(String::new, |verdict| verdict.reasoning.clone())
}
