//! What is kept of an answer, and the answer that is made of it again.
//!
//! A plain result is kept as it is. All else is an object with the one key `$mcp`, which says what
//! happened in place of a plain result.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::message::{Id, Reply, error_line, result_line};
use super::seam::Outcome;

/// A request that a server made of its client while it worked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Asked {
    /// Such as `sampling/createMessage`.
    pub(super) method: String,
    /// Its parameters.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) params: Value,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ending {
    /// With a result.
    Result(Value),
    /// With a JSON-RPC error.
    Error(Value),
    /// The client cancelled it: there was no answer.
    Cancelled,
    /// The server ended before it answered.
    ServerEnded,
}

/// A recorded request: what the server asked meanwhile, and how it ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    /// What the server asked, in order.
    pub(super) asked: Vec<Asked>,
    /// How it ended.
    pub(super) ending: Ending,
}

/// The value of `$mcp`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Envelope {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    asked: Vec<Asked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_answer: Option<NoAnswer>,
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NoAnswer {
    Cancelled,
    ServerEnded,
}

impl Ending {
    /// Returns how a request ended that was answered so.
    pub(super) fn of(reply: Reply<'_>) -> Self {
        let value = |raw: &RawValue| serde_json::from_str(raw.get()).unwrap_or_default();
        match reply {
            Reply::Result(raw) => Self::Result(raw.map(value).unwrap_or_default()),
            Reply::Error(raw) => Self::Error(value(raw)),
        }
    }
}

impl Kept {
    /// Returns what the run keeps.
    pub(super) fn into_outcome(self) -> Outcome {
        let mut envelope = Envelope {
            asked: self.asked,
            ..Envelope::default()
        };
        let is_error = match self.ending {
            Ending::Result(result) => {
                let is_error = result.get("isError") == Some(&Value::Bool(true));
                if envelope.asked.is_empty() && result.get(KEY).is_none() {
                    return Outcome { result, is_error };
                }
                envelope.result = Some(result);
                is_error
            }
            Ending::Error(error) => {
                envelope.error = Some(error);
                true
            }
            Ending::Cancelled => {
                envelope.no_answer = Some(NoAnswer::Cancelled);
                true
            }
            Ending::ServerEnded => {
                envelope.no_answer = Some(NoAnswer::ServerEnded);
                true
            }
        };
        let value = serde_json::to_value(envelope).unwrap_or_default();
        Outcome {
            result: Value::Object(Map::from_iter([(KEY.to_owned(), value)])),
            is_error,
        }
    }

    /// Returns what was kept.
    ///
    /// # Errors
    /// `$mcp` says what this version does not know.
    pub(super) fn of(outcome: Outcome) -> Result<Self, serde_json::Error> {
        let Some(envelope) = outcome.result.get(KEY) else {
            return Ok(Self {
                asked: Vec::new(),
                ending: Ending::Result(outcome.result),
            });
        };
        let envelope: Envelope = serde_json::from_value(envelope.clone())?;
        let ending = match (envelope.error, envelope.no_answer) {
            (Some(error), _) => Ending::Error(error),
            (None, Some(NoAnswer::Cancelled)) => Ending::Cancelled,
            (None, Some(NoAnswer::ServerEnded)) => Ending::ServerEnded,
            (None, None) => Ending::Result(envelope.result.unwrap_or_default()),
        };
        Ok(Self {
            asked: envelope.asked,
            ending,
        })
    }
}

impl Ending {
    /// Returns the answer to a request that ended so; `None` where there was none.
    pub(super) fn line(&self, id: &Id) -> Option<Vec<u8>> {
        match self {
            Self::Result(result) => Some(result_line(id, result)),
            Self::Error(error) => Some(error_line(id, error)),
            Self::Cancelled | Self::ServerEnded => None,
        }
    }
}

/// The key of what is no plain result.
const KEY: &str = "$mcp";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plain_result_is_kept_as_it_is() {
        let result = json!({"content": [{"type": "text", "text": "3"}]});
        let kept = Kept {
            asked: Vec::new(),
            ending: Ending::Result(result.clone()),
        };
        let outcome = kept.into_outcome();
        assert_eq!((outcome.result, outcome.is_error), (result, false));
        let failed = Kept {
            asked: Vec::new(),
            ending: Ending::Result(json!({"content": [], "isError": true})),
        };
        assert!(failed.into_outcome().is_error);
    }

    #[test]
    fn whatever_happened_is_read_back() {
        let asked = vec![Asked {
            method: "sampling/createMessage".into(),
            params: json!({"maxTokens": 3}),
        }];
        let endings = [
            Ending::Result(json!({"content": []})),
            Ending::Result(json!({"$mcp": {"error": 1}})),
            Ending::Result(Value::Null),
            Ending::Error(json!({"code": -32602, "message": "no such tool"})),
            Ending::Cancelled,
            Ending::ServerEnded,
        ];
        for ending in endings {
            for asked in [Vec::new(), asked.clone()] {
                let kept = Kept {
                    asked,
                    ending: ending.clone(),
                };
                assert_eq!(Kept::of(kept.clone().into_outcome()).unwrap(), kept);
            }
        }
    }

    #[test]
    fn what_a_newer_version_kept_is_refused() {
        let outcome = Outcome {
            result: json!({"$mcp": {"elsewhere": 1}}),
            is_error: false,
        };
        assert!(Kept::of(outcome).is_err());
    }
}
