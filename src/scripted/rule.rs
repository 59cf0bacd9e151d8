//! One rule of a script: when it holds, and what it answers.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::conversation::Conversation;
use crate::model::{FinishReason, Role};

/// A rule: the first one whose conditions all hold answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// A name for the log.
    #[serde(default)]
    pub(super) name: Option<String>,
    /// The conditions; without any the rule always holds.
    #[serde(default)]
    pub(super) when: When,
    /// The answer.
    pub(super) reply: Reply,
}

/// The conditions of a rule.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct When {
    /// The system prompt contains this.
    pub(super) system: Option<String>,
    /// The system prompt does not contain this.
    pub(super) system_not: Option<String>,
    /// The system prompt matches this.
    pub(super) system_regex: Option<Expression>,
    /// The last user message contains this.
    pub(super) last_user: Option<String>,
    /// The last user message matches this.
    pub(super) last_user_regex: Option<Expression>,
    /// Who spoke last: `user`, `assistant` or `tool`.
    pub(super) last_role: Option<Speaker>,
    /// The last tool result is of this tool, or holds this text.
    pub(super) tool_result: Option<ToolResultIs>,
    /// A tool of this name is offered.
    pub(super) has_tool: Option<String>,
    /// How often each of these tools was called so far.
    pub(super) calls_made: BTreeMap<String, usize>,
    /// How many assistant turns there were so far.
    pub(super) turn: Option<usize>,
    /// The model asked for; `*` stands for any text.
    pub(super) model: Option<Glob>,
    /// The value of the `rewind-agent` header.
    pub(super) agent: Option<String>,
}

/// Who spoke last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Speaker {
    User,
    Assistant,
    Tool,
}

/// A condition on the last tool result.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ToolResultIs {
    pub(super) name: Option<String>,
    pub(super) contains: Option<String>,
    pub(super) regex: Option<Expression>,
}

/// A regular expression, checked where it stands in the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Expression(pub(super) Regex);

impl TryFrom<String> for Expression {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Regex::new(&text)
            .map(Self)
            .map_err(|error| format!("`{text}` is no regular expression: {error}"))
    }
}

/// A text in which `*` stands for any text.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Glob(Regex);

impl TryFrom<String> for Glob {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let pieces: Vec<String> = text.split('*').map(regex::escape).collect();
        Regex::new(&format!("^{}$", pieces.join(".*")))
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

/// What a rule answers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table such as { text = \"hello\" }"
)]
pub(super) struct Reply {
    /// The text.
    pub(super) text: Option<String>,
    /// Reasoning shown before the text.
    pub(super) reasoning: Option<String>,
    /// Tool calls.
    pub(super) tool_calls: Vec<CallOut>,
    /// A refusal in place of a text.
    pub(super) refusal: Option<String>,
    /// The finish reason.
    pub(super) finish: Option<Finish>,
    /// An error status: the call fails.
    pub(super) status: Option<ErrorStatus>,
    /// The message of the error.
    pub(super) error: Option<String>,
    /// The `retry-after` header of the error, in seconds.
    pub(super) retry_after: Option<u64>,
    /// How often the rule holds in one conversation; without it always.
    pub(super) times: Option<u32>,
    /// Break the connection off after this many events or, unstreamed, in the middle of the body.
    pub(super) disconnect_after: Option<usize>,
    /// Wait before the answer.
    pub(super) delay_ms: u64,
    /// Wait before each event of a stream.
    pub(super) event_delay_ms: u64,
    /// The tokens to report; estimated from the texts where it is not given.
    pub(super) usage: Option<UsageOut>,
}

/// Why the answer ends.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Finish {
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
}

impl From<Finish> for FinishReason {
    fn from(finish: Finish) -> Self {
        match finish {
            Finish::Stop => Self::Stop,
            Finish::Length => Self::Length,
            Finish::ToolCalls => Self::ToolCalls,
            Finish::ContentFilter => Self::ContentFilter,
        }
    }
}

/// A status that stands for a failure, from 400 to 599.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u16")]
pub(super) struct ErrorStatus(pub(super) u16);

impl TryFrom<u16> for ErrorStatus {
    type Error = String;

    fn try_from(status: u16) -> Result<Self, String> {
        (400..=599)
            .contains(&status)
            .then_some(Self(status))
            .ok_or_else(|| {
                format!("status {status} is no failure; use 400 to 599, or leave it out to answer")
            })
    }
}

/// A tool call to make.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallOut {
    pub(super) name: String,
    #[serde(default)]
    pub(super) arguments: Value,
}

/// Tokens to report.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UsageOut {
    pub(super) input: u64,
    pub(super) output: u64,
    #[serde(default)]
    pub(super) cached: u64,
    #[serde(default)]
    pub(super) reasoning: u64,
}

impl When {
    /// Returns what a rule's regular expressions captured; `Err` names the conditions that do not
    /// hold.
    #[expect(clippy::too_many_lines, reason = "one line for each condition")]
    pub(super) fn holds(&self, talk: &Conversation) -> Result<Vec<String>, Vec<&'static str>> {
        let contains = |wanted: &Option<String>, text: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| text.contains(wanted.as_str()))
        };
        let mut captured = Vec::new();
        let mut matches = |wanted: Option<&Expression>, text: &str| {
            let Some(Expression(regex)) = wanted else {
                return true;
            };
            let Some(found) = regex.captures(text) else {
                return false;
            };
            if captured.is_empty() {
                captured = found
                    .iter()
                    .map(|group| {
                        group
                            .map(|group| group.as_str().to_owned())
                            .unwrap_or_default()
                    })
                    .collect();
            }
            true
        };
        let result = self.tool_result.clone().unwrap_or_default();
        let conditions = [
            ("agent", self.agent.is_none() || self.agent == talk.agent),
            (
                "model",
                self.model
                    .as_ref()
                    .is_none_or(|glob| glob.0.is_match(&talk.model)),
            ),
            ("system", contains(&self.system, &talk.system)),
            (
                "system_not",
                self.system_not
                    .as_ref()
                    .is_none_or(|text| !talk.system.contains(text.as_str())),
            ),
            (
                "last_role",
                self.last_role
                    .is_none_or(|role| Some(role) == talk.last_role),
            ),
            (
                "has_tool",
                self.has_tool
                    .as_ref()
                    .is_none_or(|name| talk.tools.contains(name)),
            ),
            ("turn", self.turn.is_none_or(|turn| turn == talk.turns)),
            (
                "calls_made",
                self.calls_made
                    .iter()
                    .all(|(name, count)| talk.calls_of(name) == *count),
            ),
            ("last_user", contains(&self.last_user, &talk.last_user)),
            (
                "last_user_regex",
                matches(self.last_user_regex.as_ref(), &talk.last_user),
            ),
            (
                "tool_result.name",
                result.name.is_none() || result.name == talk.last_result_name,
            ),
            (
                "tool_result.contains",
                contains(&result.contains, &talk.last_result),
            ),
            (
                "tool_result.regex",
                matches(result.regex.as_ref(), &talk.last_result),
            ),
            (
                "system_regex",
                matches(self.system_regex.as_ref(), &talk.system),
            ),
        ];
        let failed: Vec<&str> = conditions
            .into_iter()
            .filter(|(_name, holds)| !holds)
            .map(|(name, _holds)| name)
            .collect();
        if failed.is_empty() {
            Ok(captured)
        } else {
            Err(failed)
        }
    }
}

impl Speaker {
    /// Returns the speaker of a message with this role.
    pub(super) fn of(role: Role) -> Self {
        match role {
            Role::Assistant => Self::Assistant,
            Role::Tool => Self::Tool,
            Role::User | Role::System | Role::Developer => Self::User,
        }
    }
}
