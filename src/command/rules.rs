//! From the configuration to the rules of a replay, the same for every command that replays.

use super::{CommandError, Context};
use crate::config::{self, Config};
use crate::model::{Rung, Timeline};
use crate::price::{Price, PriceTable};
use crate::replay::{AnswerFrom, NormaliseRule, OnDivergence, Rules, Timing, TreatmentPart};

/// Returns the rules that the configuration states.
pub fn replay_rules(config: &Config) -> Rules {
    let replay = &config.replay;
    let part = |part: &config::TreatmentPart| match part {
        config::TreatmentPart::System => TreatmentPart::System,
        config::TreatmentPart::Tools => TreatmentPart::Tools,
        config::TreatmentPart::Model => TreatmentPart::Model,
        config::TreatmentPart::Settings => TreatmentPart::Settings,
    };
    let rule = |rule: &config::Normalise| match rule.clone() {
        config::Normalise::Pattern { pattern, replace } => {
            NormaliseRule::Pattern { pattern, replace }
        }
        config::Normalise::Pointer(pointer) => NormaliseRule::Pointer(pointer),
        config::Normalise::Sort(pointer) => NormaliseRule::Sort(pointer),
    };
    Rules {
        require: match replay.require {
            config::Require::Exact => Rung::Exact,
            config::Require::Normalised => Rung::Normalised,
            config::Require::Drift => Rung::Drift,
        },
        treatment: match &replay.treatment {
            Some(parts) => parts.iter().map(part).collect(),
            None => TreatmentPart::all(),
        },
        ignore: replay.ignore.clone(),
        normalise: replay.normalise.iter().map(rule).collect(),
        tool_results: replay.tool_results.keys().cloned().collect(),
        on_divergence: match replay.on_divergence {
            config::OnDivergence::Move => OnDivergence::Move,
            config::OnDivergence::Halt => OnDivergence::Halt,
        },
        repeat_last: replay.exhausted == config::Exhausted::RepeatLast,
    }
}

/// Returns when recorded answers are served.
pub fn timing(timing: config::Timing) -> Timing {
    match timing {
        config::Timing::Instant => Timing::Instant,
        config::Timing::Recorded => Timing::Recorded,
    }
}

/// Returns where the final answer of a run is read.
pub fn answer_from(config: &Config) -> AnswerFrom {
    match &config.agent.output {
        config::Answer::LastMessage => AnswerFrom::LastMessage {
            agent: config.agent.output_agent.clone(),
        },
        config::Answer::Stdout => AnswerFrom::Stdout,
        config::Answer::File(path) => AnswerFrom::File(config.resolve(path)),
    }
}

/// Returns the prices: the built-in table and what the configuration says.
pub fn prices(config: &Config) -> PriceTable {
    let own = config.prices.iter().map(|(model, row)| {
        let price = Price {
            input: row.input,
            cached_input: row.cached_input,
            cache_write: row.cache_write,
            output: row.output,
        };
        (model.clone(), price)
    });
    PriceTable::built_in().with_overrides(own)
}

/// Returns a sentence on the tools that run for real in a replay of `timeline`, since only their
/// messages were captured; `None` where there are none.
///
/// # Errors
/// Usage: CI is set and the configuration does not name them.
pub fn real_tools(
    timelines: &[&Timeline],
    config: &Config,
    context: &Context,
) -> Result<Option<String>, CommandError> {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    let tools = timelines
        .iter()
        .flat_map(|timeline| &timeline.steps)
        .filter_map(|step| step.tool());
    for tool in tools.filter(|tool| tool.result.is_some()) {
        *counts.entry(tool.name.as_str()).or_default() += 1;
    }
    if counts.is_empty() {
        return Ok(None);
    }
    let allowed = |name: &str| {
        config
            .replay
            .allow_tools
            .iter()
            .any(|tool| tool == "*" || tool == name)
    };
    let refused: Vec<String> = counts
        .keys()
        .filter(|name| context.is_ci() && !allowed(name))
        .map(|name| format!("\"{name}\""))
        .collect();
    if !refused.is_empty() {
        let list = refused.join(", ");
        return Err(CommandError::usage(format!(
            "CI is set, and a replay runs these tools of the agent for real: {list}"
        ))
        .help(format!(
            "if that is harmless, say so in rewind.toml:\n\n[replay]\nallow_tools = [{list}]"
        )));
    }
    let list: Vec<String> = counts
        .iter()
        .map(|(name, count)| format!("{name} ({count} recorded)"))
        .collect();
    Ok(Some(format!(
        "these tools of the agent run for real: {}",
        list.join(", ")
    )))
}
