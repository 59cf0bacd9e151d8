//! From a baseline to what the gate runs.

use std::sync::Arc;

use crate::agent::{AgentSpec, Stdio};
use crate::baseline::{
    Baseline, Evidence, QUARANTINE_DAYS, QuarantineState, read_session, recording_id,
};
use crate::check::{self, Severity};
use crate::command::judging::{check_evaluators, judge_id};
use crate::command::rules::answer_from;
use crate::command::{CommandError, Context, agent_config, agent_spec};
use crate::config::Config;
use crate::exit::Exit;
use crate::gate::{Case, reference};
use crate::model::{ContentId, Session, Timeline, canonical_id};

/// Returns a baseline with its recording and what was accepted, and the configuration with its agent
/// in the default's place.
///
/// # Errors
/// Usage, or exit 5 where the recording can't be read.
pub(in crate::command) fn case(
    baseline: &Baseline,
    config: &Config,
    context: &Context,
) -> Result<(Case, Config), CommandError> {
    let dir = baseline.recording_dir();
    let no_baseline = |error| CommandError::usage(error).exit(Exit::NoBaseline);
    let session = read_session(&dir).map_err(no_baseline)?;
    let recording = recording_id(&dir).map_err(no_baseline)?;
    let accepted = Evidence::read(&baseline.dir).map_err(CommandError::usage)?;
    let (case, config) = bare_case(baseline, &session, config, context)?;
    let case = Case {
        recording,
        accepted,
        is_gating: is_gating(baseline)?,
        is_new: false,
        ..case
    };
    Ok((case, config))
}

/// Returns whether a baseline counts: it is not in quarantine, or no longer.
fn is_gating(baseline: &Baseline) -> Result<bool, CommandError> {
    let Some(quarantine) = &baseline.definition.quarantine else {
        return Ok(true);
    };
    match quarantine.state(jiff::Zoned::now().date()) {
        QuarantineState::Active => Ok(false),
        QuarantineState::Expired => Ok(true),
        QuarantineState::TooLong => Err(CommandError::usage(format!(
            "baseline `{}` is in quarantine until {}, which is more than {QUARANTINE_DAYS} days from today",
            baseline.name, quarantine.until
        ))
        .help("name an earlier day in [quarantine] until; it can be renewed then")),
    }
}

/// Returns a baseline with the recording that `session` is, as if nothing were accepted, and the
/// configuration with its agent in the default's place.
///
/// # Errors
/// Usage: no such timeline or agent, no command, no check that gates.
pub(in crate::command) fn bare_case(
    baseline: &Baseline,
    session: &Session,
    config: &Config,
    context: &Context,
) -> Result<(Case, Config), CommandError> {
    let is_gate = |check: &check::Definition| check.severity == Severity::Gate;
    if !baseline.definition.checks.iter().any(is_gate) {
        return Err(CommandError::usage(format!(
            "baseline `{}` has no check that gates, so it could not fail",
            baseline.name
        ))
        .help(format!(
            "write one into {}, such as:\n\n[[check]]\nkind = \"no_error\"",
            baseline.dir.join("baseline.toml")
        )));
    }
    check_evaluators(baseline, config)?;
    let reference = reference(session, baseline).ok_or_else(|| {
        CommandError::usage(format!("baseline `{}` has no such timeline", baseline.name))
            .help("name one of the recording's timelines with `timeline = \"…\"` in baseline.toml")
    })?;
    let definition = &baseline.definition;
    let config = agent_config(config, definition.agent.as_deref(), &session.command)
        .map_err(|error| error.help(format!("baseline `{}` names it", baseline.name)))?;
    if definition.is_conversation && !config.agent.takes_turns() {
        return Err(CommandError::usage(format!(
            "baseline `{}` has `turns`, but its agent takes one input",
            baseline.name
        ))
        .help("several turns need `serve`, `entry`, or `input = \"json-stdin\"` in rewind.toml"));
    }
    let own = &definition.command;
    if own.is_empty() && config.agent.words().is_empty() {
        return Err(CommandError::usage(format!(
            "baseline `{}` has no command to run the agent with",
            baseline.name
        ))
        .help(config.choices().map_or_else(
            || "write `[agent] command = [\"python3\", \"agent.py\"]` in rewind.toml".to_owned(),
            |choices| format!("write `agent = \"NAME\"` into its baseline.toml: {choices}"),
        )));
    }
    let agent = agent_of(baseline, &config, context);
    let case = Case {
        input: definition.input.clone().or_else(|| session.input.clone()),
        baseline: judged(baseline, reference, &config, context),
        agent,
        output: answer_from(&config),
        reference: Arc::new(reference.clone()),
        agent_name: config.agent.name.clone(),
        recording: ContentId::of(b""),
        accepted: None,
        rejudged: None,
        is_gating: true,
        is_new: false,
        samples: definition.samples,
        unready: None,
        base: None,
    };
    Ok((case, config))
}

/// Returns how the agent of a baseline is run.
pub(super) fn agent_of(baseline: &Baseline, config: &Config, context: &Context) -> AgentSpec {
    let stdio = Stdio::Capture {
        limit: STDOUT_LIMIT,
    };
    let mut agent = agent_spec(config, &[], stdio, context);
    let own = &baseline.definition.command;
    if !own.is_empty() {
        agent.command.clone_from(own);
        agent.service = None;
    }
    agent.on_terminal = false;
    agent.timeout = agent.timeout.or(Some(DEFAULT_TIMEOUT));
    agent
}

/// Returns a baseline in whose checks it also counts who judges: evidence of another judge is not compared.
fn judged(
    baseline: &Baseline,
    reference: &Timeline,
    config: &Config,
    context: &Context,
) -> Baseline {
    let mut baseline = baseline.clone();
    let definition = &mut baseline.definition;
    let seen = check::CheckContext::new(reference, reference);
    for check in &definition.checks {
        let judgings = check.check.judgings(&seen);
        if let Some(known) = definition.digests.get_mut(&check.id)
            && !judgings.is_empty()
        {
            let judges = judgings.iter().map(|one| judge_id(one, config, context));
            *known = canonical_id(&(*known, judges.collect::<Vec<_>>()));
        }
    }
    baseline
}

/// The most bytes of standard output that are kept as the final answer.
const STDOUT_LIMIT: usize = 4 << 20;

/// The longest time that an agent may run where nothing is configured.
const DEFAULT_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(10);
