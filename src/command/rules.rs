//! From the configuration to the rules of a replay, the same for every command that replays.

use std::collections::{BTreeMap, BTreeSet};

use super::{CommandError, Context};
use crate::config::{self, Config};
use crate::model::{Captured, Rung, Timeline};
use crate::price::{Price, PriceTable};
use crate::replay::{AnswerFrom, NormaliseRule, OnDivergence, Rules, Timing, TreatmentPart};
use crate::tools::{ToolRule, ToolRules};

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
        config::Normalise::SortLines(pattern) => NormaliseRule::SortLines(pattern),
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
        has_people: !config.redact.personal.kinds().is_empty(),
        tool_results: replay.tool_results.keys().cloned().collect(),
        on_divergence: match replay.on_divergence {
            config::OnDivergence::Move => OnDivergence::Move,
            config::OnDivergence::Halt => OnDivergence::Halt,
        },
        tools: tool_rules(config),
        repeat_last: replay.exhausted == config::Exhausted::RepeatLast,
    }
}

/// Turns on what is meant for imported sessions: their recordings have pseudonyms, so what the agent sends
/// gets them, too.
pub fn for_imports(config: &mut Config) {
    let kinds = config.redact.personal.kinds_of_imports();
    config.redact.personal = config::Personal::Some(kinds);
}

/// Returns whether a timeline was imported: nobody saw the bytes of its requests.
pub fn is_imported(timeline: &Timeline) -> bool {
    let mut calls = timeline.model_steps();
    calls.any(|(_step, call)| call.exchange.fingerprint.is_none())
}

/// Returns what the configuration says of the agent's tools.
pub fn tool_rules(config: &Config) -> ToolRules {
    let rules = config.tools.iter().map(|(name, entry)| ToolRule {
        name: name.pattern().clone(),
        effect: entry.effect,
        serve: entry.serve,
    });
    let allowed = config.replay.allow_tools.iter();
    ToolRules {
        rules: rules.collect(),
        allow: allowed.map(|name| name.as_str().to_owned()).collect(),
    }
}

/// Returns whether the agent's clock goes on from the start of the recording.
pub fn recorded_clock(config: &Config) -> bool {
    match config.replay.clock {
        config::Clock::Recorded => true,
        config::Clock::Real => false,
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
    match config.agent.answer() {
        config::Answer::LastMessage => AnswerFrom::LastMessage {
            agent: config.agent.output_agent.clone(),
        },
        // The run puts a file's content and a service's reply in the place of standard output.
        config::Answer::Stdout | config::Answer::Response | config::Answer::File(_) => {
            AnswerFrom::Stdout
        }
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
/// Usage: one changes something and is not allowed by its full name, or CI is set and the
/// configuration says nothing of it.
pub fn real_tools(
    timelines: &[&Timeline],
    config: &Config,
    context: &Context,
) -> Result<Option<String>, CommandError> {
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut called = BTreeSet::new();
    let tools = timelines
        .iter()
        .flat_map(|timeline| &timeline.steps)
        .filter_map(|step| step.tool());
    // A captured one is served or refused where it is called.
    for tool in tools.filter(|tool| tool.captured == Captured::Messages) {
        called.insert(tool.name.as_str());
        // Without a result a call may be no more than the form of an answer.
        if tool.result.is_some() {
            *counts.entry(tool.name.as_str()).or_default() += 1;
        }
    }
    // It may as well have been the last thing that the agent did.
    let called: Vec<&str> = called.into_iter().collect();
    check_mutating(&called, config)?;
    if counts.is_empty() {
        return Ok(None);
    }
    let names: Vec<&str> = counts.keys().copied().collect();
    check_named(&names, config, context)?;
    let list: Vec<String> = counts
        .iter()
        .map(|(name, count)| format!("{name} ({count} recorded)"))
        .collect();
    Ok(Some(format!(
        "these tools of the agent run for real: {}",
        list.join(", ")
    )))
}

/// Returns names as a list in TOML holds them.
fn listed(names: &[&str]) -> String {
    let quoted = names.iter().map(|name| toml::Value::from(*name));
    let quoted: Vec<String> = quoted.map(|name| name.to_string()).collect();
    quoted.join(", ")
}

/// Refuses mutating tools unless they are named.
fn check_mutating(tools: &[&str], config: &Config) -> Result<(), CommandError> {
    let rules = tool_rules(config);
    let mut mutating = tools.to_vec();
    mutating.retain(|name| rules.withhold(name));
    if mutating.is_empty() {
        return Ok(());
    }
    let list = listed(&mutating);
    Err(CommandError::usage(format!(
        "a replay runs these tools of the agent for real, and they are marked as mutating: {list}"
    ))
    .help(format!(
        "let the agent use a test system, then name them in rewind.toml:\n\n[replay]\nallow_tools = [{list}]"
    )))
}

/// Refuses in CI the tools of which nothing is said.
fn check_named(tools: &[&str], config: &Config, context: &Context) -> Result<(), CommandError> {
    let allowed = &config.replay.allow_tools;
    let rules = tool_rules(config);
    let is_known = |name: &str| {
        rules.configured(name).is_some() || allowed.iter().any(|tool| tool.matches(name))
    };
    let unknown: Vec<&str> = tools
        .iter()
        .copied()
        .filter(|name| context.is_ci() && !is_known(name))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let list = listed(&unknown);
    Err(CommandError::usage(format!(
        "CI is set, and a replay runs these tools of the agent for real: {list}"
    ))
    .help(format!(
        "if that is harmless, say so in rewind.toml:\n\n[replay]\nallow_tools = [{list}]"
    )))
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;
    use crate::model::Effect;

    fn check(config: &str, is_ci: bool) -> Result<(), String> {
        let config = Config::parse(Utf8Path::new("rewind.toml"), config).unwrap();
        let mut context = Context::default();
        if is_ci {
            context.env.insert("CI".into(), "true".into());
        }
        let tools = ["get_weather", "send_mail"];
        check_mutating(&tools, &config)
            .and_then(|()| check_named(&tools, &config, &context))
            .map_err(|error| error.message())
    }

    #[test]
    fn a_mutating_tool_runs_only_where_it_is_named_in_full() {
        let marked = "[tools.\"send_*\"]\neffect = \"mutating\"\n";
        for allowed in ["[]", "[\"*\"]", "[\"send_*\"]"] {
            let error = check(&format!("{marked}[replay]\nallow_tools = {allowed}"), false);
            assert!(
                error.is_err_and(|error| error.contains("\"send_mail\"")),
                "{allowed}"
            );
        }
        assert_eq!(
            check(
                &format!("{marked}[replay]\nallow_tools = [\"send_mail\"]"),
                false
            ),
            Ok(())
        );
    }

    #[test]
    fn in_ci_something_has_to_be_said_of_every_tool() {
        assert_eq!(check("", false), Ok(()));
        assert!(
            check("", true).is_err_and(|error| error.contains("\"get_weather\", \"send_mail\""))
        );
        let some = "[tools.\"get_*\"]\neffect = \"read\"\n";
        assert!(check(some, true).is_err_and(|error| !error.contains("get_weather")));
        let all = format!("{some}[replay]\nallow_tools = [\"send_*\"]");
        assert_eq!(check(&all, true), Ok(()));
    }

    #[test]
    fn the_longest_name_says_what_a_tool_does() {
        let text = "[tools.\"*\"]\neffect = \"mutating\"\n[tools.\"get_*\"]\neffect = \"pure\"";
        let config = Config::parse(Utf8Path::new("rewind.toml"), text).unwrap();
        let rules = tool_rules(&config);
        assert_eq!(rules.configured("get_weather"), Some(Effect::Pure));
        assert_eq!(rules.configured("send_mail"), Some(Effect::Mutating));
    }
}
