//! What is kept of an answer, and the answer that is made of it again.
//!
//! A plain result is kept as it is, with a field `$order` where its fields came in an order of their own.
//! All else is an object with the one key `$mcp`, which says what happened in place of a plain result.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::message::{Id, Reply, error_line, result_line};
use super::order::Orders;
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
    /// In which order the fields of the result came.
    pub(super) orders: Orders,
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    order: Vec<Vec<String>>,
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NoAnswer {
    Cancelled,
    ServerEnded,
}

impl Ending {
    /// Returns how a request ended that was answered so, and the order of the fields.
    pub(super) fn of(reply: Reply<'_>) -> (Self, Orders) {
        let value = |raw: &RawValue| serde_json::from_str(raw.get()).unwrap_or_default();
        match reply {
            Reply::Result(raw) => (
                Self::Result(raw.map(value).unwrap_or_default()),
                raw.map(|raw| Orders::of(raw.get())).unwrap_or_default(),
            ),
            Reply::Error(raw) => (Self::Error(value(raw)), Orders::default()),
        }
    }
}

impl Kept {
    /// Returns a request during which nothing else happened.
    pub(super) fn plain(ending: Ending) -> Self {
        Self {
            asked: Vec::new(),
            ending,
            orders: Orders::default(),
        }
    }

    /// Returns what the run keeps.
    pub(super) fn into_outcome(self) -> Outcome {
        let mut envelope = Envelope {
            asked: self.asked,
            order: self.orders.into_lists(),
            ..Envelope::default()
        };
        let is_error = match self.ending {
            Ending::Result(result) => {
                let is_error = result.get("isError") == Some(&Value::Bool(true));
                let is_plain = result.get(KEY).is_none() && result.get(ORDER).is_none();
                if envelope.asked.is_empty() && is_plain {
                    let result = with_order(result, envelope.order);
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
            let mut result = outcome.result;
            let order = result.as_object_mut().and_then(|own| own.remove(ORDER));
            let order = order.map(serde_json::from_value).transpose()?;
            return Ok(Self {
                asked: Vec::new(),
                ending: Ending::Result(result),
                orders: Orders::from_lists(order.unwrap_or_default()),
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
            orders: Orders::from_lists(envelope.order),
        })
    }

    /// Returns the answer to a request that ended so; `None` where there was none.
    pub(super) fn line(&self, id: &Id) -> Option<Vec<u8>> {
        match &self.ending {
            Ending::Result(result) => Some(result_line(id, &self.orders.write(result))),
            Ending::Error(error) => Some(error_line(id, error)),
            Ending::Cancelled | Ending::ServerEnded => None,
        }
    }
}

/// Returns a result with the order of its fields beside them.
fn with_order(mut result: Value, order: Vec<Vec<String>>) -> Value {
    if let (Some(fields), false) = (result.as_object_mut(), order.is_empty()) {
        let order = serde_json::to_value(order).unwrap_or_default();
        fields.insert(ORDER.to_owned(), order);
    }
    result
}

/// The key of what is no plain result.
const KEY: &str = "$mcp";

/// The field of a plain result that holds the order of its fields.
const ORDER: &str = "$order";

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
            orders: Orders::default(),
        };
        let outcome = kept.into_outcome();
        assert_eq!((outcome.result, outcome.is_error), (result, false));
        let failed = Kept {
            asked: Vec::new(),
            ending: Ending::Result(json!({"content": [], "isError": true})),
            orders: Orders::default(),
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
            Ending::Result(json!({"$order": "mine"})),
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
                    orders: Orders::default(),
                };
                assert_eq!(Kept::of(kept.clone().into_outcome()).unwrap(), kept);
            }
        }
    }

    #[test]
    fn a_result_is_served_as_it_was_written() {
        let text =
            r#"{"structuredContent":{"z":1,"a":"é"},"content":[{"type":"text","text":"x"}]}"#;
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        let (ending, orders) = Ending::of(Reply::Result(Some(raw)));
        let kept = Kept {
            asked: Vec::new(),
            ending,
            orders,
        };
        let outcome = kept.into_outcome();
        assert_eq!(outcome.result["structuredContent"]["z"], 1);
        let line = Kept::of(outcome).unwrap().line(&Id::own(1)).unwrap();
        let expected = format!("{{\"jsonrpc\":\"2.0\",\"id\":\"rewind-1\",\"result\":{text}}}\n");
        assert_eq!(String::from_utf8(line).unwrap(), expected);
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
