//! `kind = "trajectory"`: the tool calls of the run against those of the reference.
//!
//! | mode | the reference's calls | further calls |
//! | --- | --- | --- |
//! | `strict` | all, in order | none |
//! | `in_order` | all, in order | may be |
//! | `unordered` | all | none |
//! | `subset` | some may be missing | none |
//! | `superset` | all | may be |
//!
//! Order is judged over the whole run or, where parallel agents make it differ from run to run, in
//! each conversation on its own. Calls are paired optimally: a set of calls that can be paired is. A call whose result
//! never came back was asked for by the model and not made: it is no pair of one that was.

mod explain;
mod pairing;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::arguments::{ArgumentMode, ArgumentRule};
use super::registry::{ReadError, Table, count, keys};
use super::tool_use::{ToolUse, tool_uses};
use super::{Check, CheckContext, Outcome};
use explain::{Wanted, findings};

/// What must be equal about the tool calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// The same calls in the same order.
    Strict,
    /// The reference's calls in their order, maybe others between them.
    #[default]
    InOrder,
    /// The same calls in any order.
    Unordered,
    /// No call that the reference does not have.
    Subset,
    /// Every call that the reference has.
    Superset,
}

impl Mode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::InOrder => "in_order",
            Self::Unordered => "unordered",
            Self::Subset => "subset",
            Self::Superset => "superset",
        }
    }

    fn wants(self) -> Wanted {
        let all = Wanted {
            all_of_reference: true,
            nothing_else: true,
        };
        match self {
            Self::Strict | Self::Unordered => all,
            Self::InOrder | Self::Superset => Wanted {
                nothing_else: false,
                ..all
            },
            Self::Subset => Wanted {
                all_of_reference: false,
                ..all
            },
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    args: ArgumentMode,
    #[serde(default)]
    tools: BTreeMap<String, RawTool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTool {
    args: Option<ArgumentMode>,
    #[serde(default)]
    ignore: Vec<toml::Spanned<String>>,
    tolerance: Option<toml::Spanned<f64>>,
}

/// The tool calls of the run against those of the reference.
#[derive(Debug)]
pub(super) struct Trajectory {
    mode: Mode,
    rule: ArgumentRule,
    tools: BTreeMap<String, ArgumentRule>,
}

/// Reads the check from its table.
pub(super) fn read(table: Table<'_>) -> Result<Box<dyn Check>, ReadError> {
    let raw: Raw = keys(table)?;
    let tools = raw
        .tools
        .into_iter()
        .map(|(name, tool)| Ok((name, tool_rule(&tool, raw.args)?)))
        .collect::<Result<_, ReadError>>()?;
    let rule = ArgumentRule {
        mode: raw.args,
        ..ArgumentRule::default()
    };
    Ok(Box::new(Trajectory {
        mode: raw.mode,
        rule,
        tools,
    }))
}

fn tool_rule(tool: &RawTool, args: ArgumentMode) -> Result<ArgumentRule, ReadError> {
    for pointer in &tool.ignore {
        if !pointer.get_ref().starts_with('/') {
            let message = format!("`{0}` is no JSON pointer; write `/{0}`", pointer.get_ref());
            return Err(ReadError::new(message, Some(pointer.span())));
        }
    }
    let tolerance = tool
        .tolerance
        .as_ref()
        .map_or(0.0, |value| *value.get_ref());
    if !(tolerance >= 0.0 && tolerance.is_finite()) {
        let span = tool.tolerance.as_ref().map(toml::Spanned::span);
        return Err(ReadError::new("a tolerance must be 0 or more", span));
    }
    Ok(ArgumentRule {
        mode: tool.args.unwrap_or(args),
        ignore: tool
            .ignore
            .iter()
            .map(|pointer| pointer.get_ref().clone())
            .collect(),
        tolerance,
    })
}

impl Check for Trajectory {
    fn kind(&self) -> &'static str {
        "trajectory"
    }

    fn run(&self, context: &CheckContext<'_>) -> Outcome {
        if !context.is_complete {
            return Outcome::incomplete();
        }
        let reference = tool_uses(context.reference);
        let candidate = tool_uses(context.candidate);
        let fits = |r: &ToolUse<'_>, c: &ToolUse<'_>| self.fits(r, c);
        let pairs = match self.mode {
            Mode::Strict | Mode::InOrder => {
                let whole = pairing::in_order(&reference, &candidate, &fits);
                let by_lane = pairing::lane_by_lane(&reference, &candidate, &fits);
                let paired = |pairs: &pairing::Pairs| pairs.iter().flatten().count();
                if paired(&whole) >= paired(&by_lane) {
                    whole
                } else {
                    by_lane
                }
            }
            Mode::Unordered | Mode::Subset | Mode::Superset => {
                pairing::any_order(&reference, &candidate, &fits)
            }
        };
        let differences = |r: &ToolUse<'_>, c: &ToolUse<'_>| {
            self.rule(r.name).differences(r.arguments, c.arguments)
        };
        let findings = findings(
            &reference,
            &candidate,
            &pairs,
            self.mode.wants(),
            &differences,
        );
        let calls = count(candidate.len(), "tool call");
        let why = format!(
            "{calls} against {} recorded ({})",
            reference.len(),
            self.mode.as_str()
        );
        Outcome::from_findings(findings, why)
    }

    /// Each recorded call is an assertion.
    fn assertions(&self, context: &CheckContext<'_>) -> usize {
        tool_uses(context.reference).len().max(1)
    }
}

impl Trajectory {
    fn rule(&self, tool: &str) -> &ArgumentRule {
        self.tools.get(tool).unwrap_or(&self.rule)
    }

    fn fits(&self, reference: &ToolUse<'_>, candidate: &ToolUse<'_>) -> bool {
        reference.name == candidate.name
            && (candidate.is_answered || !reference.is_answered)
            && self
                .rule(reference.name)
                .differences(reference.arguments, candidate.arguments)
                .is_empty()
    }
}

#[cfg(test)]
mod tests;
