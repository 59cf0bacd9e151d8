//! `rewind selftest`: what the checks of the baselines notice.

mod table;

use std::collections::BTreeMap;
use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use tokio::runtime::Handle;

use super::baseline::{all, directory};
use super::judging::RunJudge;
use super::output::{json, written};
use super::{CommandError, Context, load_config};
use crate::baseline::{Baseline, read_session};
use crate::check::{FileError, Judged, Judging, Nothing, Outside, Program, ProgramEnd};
use crate::exit::Exit;
use crate::gate::{Judges as _, reference};
use crate::model::Session;
use crate::selftest::{
    ByBaseline, ByCheck, Seeded, SelfTest, Subject, Tally, Unchanged, Worlds, selftest,
};

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct SelfTestOptions {
    /// The configuration file; the nearest one where it is not given.
    pub config: Option<Utf8PathBuf>,
    /// The directory of the baselines; as configured where it is not given.
    pub baselines: Option<Utf8PathBuf>,
    /// The least share of regressions that must be caught, from 0 to 1.
    pub min: Option<f64>,
    /// Whether a judge may be asked about changed answers; one by rules always is.
    pub live: bool,
    /// Whether to print JSON.
    pub json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    tally: Tally,
    /// The share of the decided regressions that was caught.
    detection: f64,
    unchanged: usize,
    false_alarms: usize,
    baselines: BTreeMap<&'a str, ByBaseline>,
    checks: BTreeMap<&'a str, ByCheck>,
    regressions: &'a [Seeded],
    copies: &'a [Unchanged],
    judge: Option<String>,
}

/// Seeds regressions into the recordings and writes what the checks noticed to `out`.
///
/// Exit code 1 where a copy with nothing worse fails, or less than `min` of what was decided is caught. A judge is
/// asked on `runtime`.
///
/// # Errors
/// Usage: a configuration, definition or recording that can't be read; exit 5 where there is no baseline.
pub fn run(
    options: &SelfTestOptions,
    context: &Context,
    runtime: &Handle,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let min = options.min.unwrap_or_default();
    if !(0.0..=1.0).contains(&min) {
        return Err(CommandError::usage(format!("--min {min} is no share"))
            .help("give a number from 0 to 1, such as 0.9"));
    }
    let config = load_config(options.config.as_deref(), context)?;
    let dir = directory(options.baselines.as_deref(), &config, context);
    let baselines = all(&dir)?;
    let read = |baseline: &Baseline| -> Result<(Baseline, Session), CommandError> {
        let session = read_session(&baseline.recording_dir()).map_err(CommandError::usage)?;
        Ok((baseline.clone(), session))
    };
    let known: Vec<(Baseline, Session)> = baselines.iter().map(read).collect::<Result<_, _>>()?;
    let references: Vec<_> = known
        .iter()
        .filter_map(|(baseline, session)| Some((baseline, reference(session, baseline)?)))
        .collect();
    let subjects: Vec<Subject<'_>> = references
        .iter()
        .enumerate()
        .map(|(nth, (baseline, timeline))| {
            let others = references
                .iter()
                .cycle()
                .skip(nth + 1)
                .take(references.len() - 1);
            let mut answers =
                others.filter_map(|(_other, timeline)| timeline.outcome.answer.as_deref());
            Subject {
                name: &baseline.name,
                reference: timeline,
                checks: &baseline.definition.checks,
                foreign: answers.find(|answer| Some(*answer) != timeline.outcome.answer.as_deref()),
            }
        })
        .collect();
    let judge = |is_asked: bool| {
        let is_live = options.live && is_asked;
        RunJudge::new(&config, is_live, !is_live, context, runtime.clone())
    };
    // Of what the tools did, an answer says little: only where it changed itself a judge is asked.
    let (asked, unasked) = (Judge(judge(true)), Judge(judge(false)));
    let worlds = Worlds {
        of_answers: &asked,
        of_calls: &unasked,
    };
    let found = selftest(&subjects, worlds);
    let took = asked.0.took();
    written(if options.json {
        json(&report(&found, took), out)
    } else {
        table::write(&found, took.as_deref(), out)
    })?;
    let is_enough = found.total().share() + 1e-9 >= min;
    Ok(if found.false_alarms() == 0 && is_enough {
        Exit::Pass
    } else {
        Exit::Fail
    })
}

fn report(found: &SelfTest, judge: Option<String>) -> Report<'_> {
    Report {
        tally: found.total(),
        detection: found.total().share(),
        unchanged: found.unchanged.len(),
        false_alarms: found.false_alarms(),
        baselines: found.by_baseline(),
        checks: found.by_check(),
        regressions: &found.seeded,
        copies: &found.unchanged,
        judge,
    }
}

/// A world in which there is nothing but a judge.
#[derive(Debug)]
struct Judge(RunJudge);

impl Outside for Judge {
    fn file(&self, path: &Utf8Path) -> Result<Vec<u8>, FileError> {
        Nothing.file(path)
    }

    fn run(&self, program: &Program<'_>) -> Result<ProgramEnd, String> {
        Nothing.run(program)
    }

    fn judge(&self, judging: &Judging<'_>) -> Result<Option<Judged>, String> {
        self.0.judge(judging)
    }
}
