//! What a run leaves to be accepted, beside its reports; never in the folder of the baselines.

use std::fs;
use std::io::{self, Write};
use std::sync::Arc;

use camino::Utf8Path;

use crate::baseline::{Evidence, write_session};
use crate::command::CommandError;
use crate::gate::{Case, ForkRun, Judges, Mode, evidence};
use crate::model::{Call, Session, SessionId, Source, Step, StepKind, Timeline};
use crate::price::PriceTable;

/// What may be accepted after a run.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// The baselines that ran.
    ran: Vec<String>,
    waiting: Vec<One>,
}

#[derive(Debug)]
struct One {
    name: String,
    evidence: Evidence,
    session: Option<Session>,
}

impl Pending {
    /// Returns what these runs add to what was accepted.
    pub(super) fn of(
        cases: &[Case],
        runs: &[Vec<ForkRun>],
        prices: &PriceTable,
        judges: &dyn Judges,
    ) -> Self {
        let one = |(case, runs): (&Case, &Vec<ForkRun>)| {
            Some(One {
                name: case.baseline.name.clone(),
                evidence: evidence(case, runs, prices, judges)?,
                session: session(case, runs),
            })
        };
        Self {
            ran: cases
                .iter()
                .map(|case| case.baseline.name.clone())
                .collect(),
            waiting: cases.iter().zip(runs).filter_map(one).collect(),
        }
    }

    /// Writes `pending/<name>/` below `dir`, in place of what an earlier run left of these.
    pub(super) fn write(&self, dir: &Utf8Path) -> Result<(), CommandError> {
        let root = dir.join("pending");
        for name in &self.ran {
            let old = root.join(name);
            match fs::remove_dir_all(&old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(CommandError::usage(format!("cannot remove {old}: {error}")));
                }
                Ok(()) | Err(_) => {}
            }
        }
        for one in &self.waiting {
            let dir = root.join(&one.name);
            one.evidence.write(&dir).map_err(CommandError::usage)?;
            if let Some(session) = &one.session
                && let Err(error) = write_session(session, &dir.join("session"))
            {
                // The evidence is what counts; the recording can be made by `rewind record`.
                tracing::warn!(%error, baseline = one.name, "the live run could not be kept");
            }
        }
        Ok(())
    }

    /// Says what waits.
    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        match self.waiting.len() {
            0 => Ok(()),
            count => writeln!(out, "{count} baseline(s) to accept: rewind baseline review"),
        }
    }
}

/// Returns the first live run as a recording of its own; `None` where there is none that is whole.
fn session(case: &Case, runs: &[ForkRun]) -> Option<Session> {
    let mut live = runs.iter().flat_map(|run| {
        let samples = run.evidence.samples.iter().zip(&run.timelines);
        samples.filter(|(sample, _timeline)| {
            sample.mode == Mode::Live
                && sample.fault.is_none()
                && sample.replay.refused == 0
                && sample.replay.live > 0
        })
    });
    let timeline = live.find_map(|(_sample, timeline)| {
        timeline.as_ref().filter(|timeline| timeline.is_complete)
    })?;
    Some(Session {
        id: SessionId::generate(),
        name: case.baseline.name.clone(),
        recorded_at: timeline.started_at,
        source: Source::Recorded,
        command: Vec::new(),
        input: case.input.clone(),
        root_input: None,
        expected: None,
        trace: None,
        timelines: vec![alone(timeline, &case.reference.label)],
    })
}

/// Returns a call without the mark that an earlier run had made it.
fn asked(call: &Call) -> Call {
    let mut call = call.clone();
    let headers = &mut call.exchange.headers;
    headers.retain(|(name, _value)| name != Call::REMEMBERED);
    call
}

/// Returns a timeline that refers to no other one.
fn alone(timeline: &Timeline, label: &str) -> Timeline {
    let steps = timeline.steps.iter().map(|step| match &step.kind {
        StepKind::Model(call) if call.served.is_some() => Step {
            kind: StepKind::Model(Arc::new(Call {
                served: None,
                ..call.as_ref().clone()
            })),
            ..step.clone()
        },
        StepKind::Model(call) if call.is_remembered() => Step {
            kind: StepKind::Model(Arc::new(asked(call))),
            ..step.clone()
        },
        StepKind::Model(_) | StepKind::Tool(_) => step.clone(),
    });
    Timeline {
        label: label.to_owned(),
        forked_from: None,
        replay: None,
        steps: steps.collect(),
        ..timeline.clone()
    }
}
