//! `of = "…"`: where in a run a check reads.

use std::fmt;
use std::str::FromStr;

use camino::{Utf8Component, Utf8PathBuf};
use serde_json::Value;

use crate::check::tool_use::{further_uses, refused_messages, tool_uses};
use crate::check::{CheckContext, FileError, Finding};
use crate::model::{ForkPoint, Step, StepIndex, Timeline, canonical_json, plain_text};

/// A place in a run that holds text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The final answer.
    Answer,
    /// What a step says: the text of a model's answer, the result of a tool.
    Step(ForkPoint),
    /// One side of a tool call.
    Tool { name: String, nth: u32, side: Side },
    /// A file that the agent wrote.
    File(Utf8PathBuf),
}

/// A side of a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// What it was called with.
    Arguments,
    /// What came back.
    Result,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subject {
    /// What it is, for messages; names no content.
    pub(super) what: String,
    /// The text.
    pub(super) text: String,
    /// The step that holds it.
    pub(super) step: Option<StepIndex>,
}

/// Why there is nothing to read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Absent {
    /// The run has no such place.
    Missing(Finding),
    /// It can't be looked at.
    Unknown(String),
}

/// A text that names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no place to read; use `answer`, `step:POINT` (a number, `last`, `agent:NAME`), \
     `tool:NAME#N.arguments`, `tool:NAME#N.result`, or `file:PATH` with a path below the run's directory"
)]
pub(super) struct InvalidPlace(String);

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let invalid = || InvalidPlace(text.to_owned());
        if text == "answer" {
            return Ok(Self::Answer);
        }
        if let Some(point) = text.strip_prefix("step:") {
            let point: ForkPoint = point.parse().map_err(|_error| invalid())?;
            return match point {
                ForkPoint::Auto => Err(invalid()),
                ForkPoint::Step(_)
                | ForkPoint::Tool { .. }
                | ForkPoint::Agent(_)
                | ForkPoint::Start
                | ForkPoint::Last => Ok(Self::Step(point)),
            };
        }
        if let Some(path) = text.strip_prefix("file:") {
            let path = Utf8PathBuf::from(path);
            let is_below = path.components().all(|part| match part {
                Utf8Component::Normal(_) | Utf8Component::CurDir => true,
                Utf8Component::ParentDir | Utf8Component::RootDir | Utf8Component::Prefix(_) => {
                    false
                }
            });
            let is_named = path.file_name().is_some();
            return (is_below && is_named)
                .then_some(Self::File(path))
                .ok_or_else(invalid);
        }
        let sides = [(".arguments", Side::Arguments), (".result", Side::Result)];
        let (call, side) = sides
            .into_iter()
            .find_map(|(suffix, side)| Some((text.strip_suffix(suffix)?, side)))
            .ok_or_else(invalid)?;
        match call.parse() {
            Ok(ForkPoint::Tool { name, nth }) => Ok(Self::Tool { name, nth, side }),
            Ok(_) | Err(_) => Err(invalid()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer => f.write_str("the final answer"),
            Self::Step(point) => write!(f, "step {point}"),
            Self::Tool { name, nth, side } => {
                let side = match side {
                    Side::Arguments => "arguments",
                    Side::Result => "result",
                };
                write!(f, "the {side} of call {nth} of tool `{name}`")
            }
            Self::File(path) => write!(f, "file `{path}`"),
        }
    }
}

impl Place {
    /// Returns whether what stands there is known although the run was not seen whole: the arguments
    /// of a call never change any more.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Tool { side, .. } => *side == Side::Arguments,
            Self::Answer | Self::Step(_) | Self::File(_) => false,
        }
    }

    /// Returns what stands there in the candidate.
    pub(super) fn read(&self, context: &CheckContext<'_>) -> Result<Subject, Absent> {
        match self {
            Self::File(path) => {
                let bytes = context.outside.file(path).map_err(|error| match error {
                    FileError::Missing => {
                        Absent::Missing(Finding::new(format!("the agent wrote no {self}")))
                    }
                    FileError::Unreadable(why) => Absent::Unknown(why),
                })?;
                let text = String::from_utf8(bytes).map_err(|_error| {
                    Absent::Missing(Finding::new(format!("{self} is no UTF-8 text")))
                })?;
                Ok(self.subject(text, None))
            }
            Self::Tool {
                name,
                nth,
                side: Side::Arguments,
            } => {
                let mut uses = tool_uses(context.candidate);
                let refused = refused_messages(context);
                let further = further_uses(&refused, &uses);
                uses.extend(further);
                let mut calls = uses.iter().filter(|one| one.name == name);
                let index = usize::try_from(nth.saturating_sub(1)).unwrap_or(usize::MAX);
                let call = calls.nth(index).ok_or_else(|| self.missing())?;
                Ok(self.subject(text_of(call.arguments), call.step))
            }
            Self::Answer | Self::Step(_) | Self::Tool { .. } => self.read_in(context.candidate),
        }
    }

    /// Returns what stands there in a timeline; files of it are not kept.
    pub(super) fn read_in(&self, timeline: &Timeline) -> Result<Subject, Absent> {
        match self {
            Self::Answer => {
                let answer = timeline.outcome.answer.clone();
                let answer = answer
                    .ok_or_else(|| Absent::Missing(Finding::new("there is no final answer")))?;
                Ok(self.subject(answer, None))
            }
            Self::Step(point) => {
                let step = find(timeline, point).ok_or_else(|| self.missing())?;
                let text = said(step).ok_or_else(|| self.silent(step))?;
                Ok(self.subject(text, Some(step.number)))
            }
            Self::Tool { name, nth, side } => {
                let point = ForkPoint::Tool {
                    name: name.clone(),
                    nth: *nth,
                };
                let step = find(timeline, &point).ok_or_else(|| self.missing())?;
                let text = match side {
                    Side::Arguments => step.tool().map(|tool| text_of(&tool.arguments)),
                    Side::Result => said(step),
                };
                let text = text.ok_or_else(|| self.silent(step))?;
                Ok(self.subject(text, Some(step.number)))
            }
            Self::File(_) => Err(Absent::Unknown(format!(
                "{self} of the recording was not kept"
            ))),
        }
    }

    fn subject(&self, text: String, step: Option<StepIndex>) -> Subject {
        Subject {
            what: self.to_string(),
            text,
            step,
        }
    }

    fn missing(&self) -> Absent {
        let message = match self {
            Self::Step(point) => format!("the run has no step {point}"),
            Self::Tool { name, nth, .. } => {
                format!("there is no call {nth} of tool `{name}`")
            }
            Self::Answer | Self::File(_) => format!("there is no {self}"),
        };
        Absent::Missing(Finding::new(message))
    }

    fn silent(&self, step: &Step) -> Absent {
        let finding = Finding::new(format!("{self} holds no text")).step(Some(step.number));
        Absent::Missing(finding)
    }
}

/// Returns the step that an address means.
fn find<'t>(timeline: &'t Timeline, point: &ForkPoint) -> Option<&'t Step> {
    let mut steps = timeline.steps.iter();
    match point {
        ForkPoint::Step(number) => timeline.step(StepIndex(*number)),
        ForkPoint::Tool { name, nth } => {
            let index = usize::try_from(nth.checked_sub(1)?).ok()?;
            let is_call = |step: &&Step| step.tool().is_some_and(|tool| tool.name == *name);
            steps.filter(is_call).nth(index)
        }
        ForkPoint::Agent(name) => steps.find(|step| step.call().is_some() && step.agent == *name),
        ForkPoint::Start => steps.next(),
        ForkPoint::Last => steps.rfind(|step| step.call().is_some()),
        ForkPoint::Auto => None,
    }
}

/// Returns what a step says: a model its text, else the calls it makes as JSON; a tool its result.
fn said(step: &Step) -> Option<String> {
    if let Some(tool) = step.tool() {
        return tool.result.as_deref().map(plain_text);
    }
    let output = step.call()?.response.output.as_ref()?.value();
    let text = output.plain_text();
    if !text.trim().is_empty() {
        return Some(text);
    }
    let calls: Vec<Value> = output
        .tool_calls()
        .map(|(name, arguments)| serde_json::json!({ "name": name, "arguments": arguments }))
        .collect();
    (!calls.is_empty()).then(|| canonical_json(&calls))
}

/// Returns arguments as text: JSON, or the raw text where it is none.
fn text_of(arguments: &Value) -> String {
    match arguments {
        Value::String(raw) => raw.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            canonical_json(arguments)
        }
    }
}
