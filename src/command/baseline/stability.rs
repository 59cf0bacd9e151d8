//! Replays the unchanged agent offline, some times over: a baseline that differs from itself measures
//! nothing.

use std::io::{self, Write};

use super::propose::propose;
use super::rule::{self, Rule};
use crate::command::gate::{GateOptions, runner};
use crate::command::judging::{Kept, RunJudge};
use crate::command::{BackendOptions, CommandError, Context, load_config, way_out};
use crate::config::Config;
use crate::gate::{Caps, Case, ForkRun, LivePlan, Progress};
use crate::model::{Call, Divergence, Drift, StepIndex, Thread, Timeline};
use crate::replay::Keys;

/// Says nothing of how the replays go on.
struct Silent;

impl Progress for Silent {
    fn done(&self, _done: usize, _total: usize, _name: &str) {}

    fn live(&self, _plan: &LivePlan) {}
}

/// What the replays came to.
pub(super) enum Stability {
    /// All were proved equal to the recording; the last of each fork.
    Stable(Vec<ForkRun>),
    /// One was not.
    Unstable(Unstable),
}

/// Where a replay of the unchanged agent differed from the recording.
pub(super) struct Unstable {
    /// The number of the replay, from 1.
    run: u32,
    /// What is wrong, in one sentence.
    message: String,
    step: Option<StepIndex>,
    pointer: String,
    recorded: String,
    found: String,
    /// What the agent wrote to standard error, where it failed.
    log: String,
    /// Rules that would let it pass.
    pub(super) rules: Vec<Rule>,
    /// A line for `rewind.toml` that would let it pass, where no rule does.
    remedy: String,
}

impl Unstable {
    /// Writes what differs, and what to do.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "not stable: replay {} of the unchanged agent differs: {}",
            self.run, self.message
        )?;
        if let Some(step) = self.step {
            writeln!(out, "  step: {step}")?;
        }
        for (name, value) in [
            ("pointer", &self.pointer),
            ("recorded", &self.recorded),
            ("found", &self.found),
            ("standard error", &self.log),
        ] {
            if !value.is_empty() {
                writeln!(
                    out,
                    "  {name}: {}",
                    value.trim_end().replace('\n', "\n    ")
                )?;
            }
        }
        let lines: Vec<String> = self.rules.iter().map(Rule::to_toml).collect();
        if !lines.is_empty() {
            writeln!(out, "  proposed for rewind.toml:\n\n{}", lines.join("\n"))?;
        } else if !self.remedy.is_empty() {
            writeln!(
                out,
                "  this line in rewind.toml would let it pass:\n\n{}\n",
                self.remedy
            )?;
        }
        Ok(())
    }
}

/// Replays `case` offline up to `times` times, and stops at the first that is not proved equal.
///
/// # Errors
/// Rules or addresses that can't be used.
pub(super) async fn replay(
    case: &Case,
    times: u32,
    config: &Config,
    context: &Context,
) -> Result<Stability, CommandError> {
    let options = GateOptions {
        offline: true,
        ..GateOptions::default()
    };
    let way_out = way_out(&BackendOptions::default(), config, context)?;
    let judge = RunJudge::of_run(
        config,
        options.live,
        options.offline,
        context,
        Kept::default(),
    );
    let runner = runner(&options, Caps::default(), config, context, &way_out, &judge)?;
    let mut last = Vec::new();
    for run in 1..=times.max(1) {
        let mut runs = runner.run(&mut [case.clone()], &Silent).await.forks;
        last = runs.pop().unwrap_or_default();
        let Some((fork, sample)) = last
            .first()
            .and_then(|fork| Some((fork, fork.evidence.samples.first()?)))
        else {
            return Err(CommandError::usage(format!(
                "replay {run} of baseline `{}` left nothing to look at; please report this",
                case.baseline.name
            )));
        };
        if sample.replay.is_unaffected && sample.fault.is_none() {
            continue;
        }
        return Ok(Stability::Unstable(unstable(run, case, fork, &runner.keys)));
    }
    Ok(Stability::Stable(last))
}

/// Replays until the case is stable, adding the rules that are proposed; `say` is told of each.
///
/// # Errors
/// As [`replay`]; a configuration that rules can't be added to.
pub(super) async fn fix(
    case: &Case,
    times: u32,
    config: &mut Config,
    context: &Context,
    say: &mut dyn FnMut(&Rule),
) -> Result<Stability, CommandError> {
    let mut added: Vec<Rule> = Vec::new();
    for _round in 0..MAX_ROUNDS {
        let unstable = match replay(case, times, config, context).await? {
            Stability::Unstable(unstable) => unstable,
            stable @ Stability::Stable(_) => return Ok(stable),
        };
        let new: Vec<Rule> = unstable
            .rules
            .iter()
            .filter(|rule| !added.contains(rule))
            .cloned()
            .collect();
        if new.is_empty() {
            return Ok(Stability::Unstable(unstable));
        }
        rule::add(&new, config)?;
        new.iter().for_each(&mut *say);
        added.extend(new);
        *config = load_config(config.path.as_deref(), context)?;
    }
    replay(case, times, config, context).await
}

/// The most rounds of adding rules.
const MAX_ROUNDS: usize = 12;

fn unstable(run: u32, case: &Case, fork: &ForkRun, keys: &Keys) -> Unstable {
    let mut unstable = Unstable {
        run,
        message: "nothing was run".to_owned(),
        step: None,
        pointer: String::new(),
        recorded: String::new(),
        found: String::new(),
        log: fork.log.clone(),
        rules: Vec::new(),
        remedy: String::new(),
    };
    let Some(sample) = fork.evidence.samples.first() else {
        return unstable;
    };
    if let Some(fault) = &sample.fault {
        unstable.message.clone_from(&fault.message);
        return unstable;
    }
    if let Some(divergence) = first_with_place(&sample.replay.divergences) {
        unstable.message.clone_from(&divergence.message);
        unstable.step = divergence.step;
        unstable.pointer.clone_from(&divergence.pointer);
        unstable.recorded.clone_from(&divergence.recorded);
        unstable.found.clone_from(&divergence.found);
        unstable.remedy.clone_from(&divergence.remedy);
        unstable.rules = rules(divergence, case, fork, keys);
    } else if let Some(drift) = sample.replay.drift.first() {
        unstable.message = format!("the {drift} is not the recorded one");
        let drifted = fork
            .timeline()
            .and_then(|timeline| drifted(timeline, &case.reference));
        if let Some((step, recorded, now)) = drifted {
            unstable.step = Some(step);
            if *drift == Drift::SystemPrompt {
                let texts = [recorded, now].map(|call| call.request.treatment.system_text());
                let [recorded, found] = &texts;
                let values = [recorded, found].map(|text| serde_json::Value::from(text.as_str()));
                let [left, right] = &values;
                unstable.rules = propose(left, right, keys.normaliser());
                (unstable.recorded, unstable.found) = around(recorded, found);
                "/system".clone_into(&mut unstable.pointer);
            }
        }
        if let Drift::Setting { name } = drift {
            unstable.remedy = format!("[replay]\nignore = [\"/settings/{name}\"]");
        }
    } else {
        "it made fewer or other calls than recorded".clone_into(&mut unstable.message);
    }
    let outcome = fork.timeline().map(|timeline| &timeline.outcome);
    if let Some(fault) = outcome.and_then(|outcome| outcome.faults.first()) {
        // Of a run that was cut off, what it did not come to is the lesser news.
        unstable.message = format!("{fault}; {}", unstable.message);
    }
    unstable
}

/// Returns the divergence that says most: one with a place, else the first.
fn first_with_place(divergences: &[Divergence]) -> Option<&Divergence> {
    let placed = divergences.iter().find(|one| !one.pointer.is_empty());
    placed.or_else(|| divergences.first())
}

/// Returns the rules for a divergence, from the whole messages rather than from its excerpts.
fn rules(divergence: &Divergence, case: &Case, fork: &ForkRun, keys: &Keys) -> Vec<Rule> {
    let texts = || {
        let [left, right] = [&divergence.recorded, &divergence.found]
            .map(|text| serde_json::Value::from(text.as_str()));
        propose(&left, &right, keys.normaliser())
    };
    let index = divergence.pointer.strip_prefix("/messages/");
    let index = index.and_then(|rest| rest.split('/').next()?.parse::<usize>().ok());
    let step = divergence.step.and_then(|step| case.reference.step(step));
    let (Some(index), Some(call)) = (index, step.and_then(|step| step.call())) else {
        return texts();
    };
    let mut recorded = call.request.thread.messages();
    recorded.extend(call.response.output.clone());
    let Some(recorded) = recorded.get(index) else {
        return texts();
    };
    let left = serde_json::to_value(recorded.value()).unwrap_or_default();
    let proposed = fork
        .refused
        .iter()
        .map(Thread::messages)
        .find_map(|messages| {
            let found = messages.get(index)?;
            if found.role != recorded.role || found.id() == recorded.id() {
                return None;
            }
            let right = serde_json::to_value(found.value()).unwrap_or_default();
            let rules = propose(&left, &right, keys.normaliser());
            (!rules.is_empty()).then_some(rules)
        });
    proposed.unwrap_or_else(texts)
}

/// Returns the first served step whose treatment differs, with the recorded and the new call.
fn drifted<'a>(
    timeline: &'a Timeline,
    reference: &'a Timeline,
) -> Option<(StepIndex, &'a Call, &'a Call)> {
    timeline.model_steps().find_map(|(_step, call)| {
        let served = call
            .served
            .as_ref()
            .filter(|served| !served.drift.is_empty())?;
        let recorded = reference.step(served.step)?.call()?;
        Some((served.step, recorded.as_ref(), call.as_ref()))
    })
}

/// Returns both texts from shortly before the place where they differ.
fn around(left: &str, right: &str) -> (String, String) {
    let same = left
        .chars()
        .zip(right.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let from = same.saturating_sub(40);
    let cut = |text: &str| -> String { text.chars().skip(from).take(160).collect() };
    (cut(left), cut(right))
}
