//! What the source of an imported call did not keep, and what that means for its replay.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Something of a call that a trace does not hold, so that nothing is compared with it or it is made up.
///
/// A recorded call lost nothing; what an imported one lost is kept with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lost {
    /// The model that was asked for: in its place stands the one that answered, or none.
    Model,
    /// The system prompt: none is there, though there may have been one.
    System,
    /// The tool definitions: none are there, though there may have been some.
    Tools,
    /// Some settings: those that are there were sent, perhaps under another name, and others may have been.
    Settings,
    /// Messages of the history: what is there is not the whole conversation.
    History,
    /// Images, sounds or files of the history: in their place stands a reference.
    Media,
    /// The text of tool arguments: their JSON is there, as another program wrote it.
    Arguments,
    /// The answer: nothing of it is there, or not all of it.
    Output,
    /// Why the model stopped: it is concluded from the answer.
    Finish,
    /// The tokens used.
    Usage,
    /// The provider's status and error: they are read from a text.
    Error,
    /// Whether the answer was asked for as a stream.
    Stream,
    /// The wire format: it is concluded from the form of the messages.
    Dialect,
}

impl Lost {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 13] = [
        Self::Model,
        Self::System,
        Self::Tools,
        Self::Settings,
        Self::History,
        Self::Media,
        Self::Arguments,
        Self::Output,
        Self::Finish,
        Self::Usage,
        Self::Error,
        Self::Stream,
        Self::Dialect,
    ];

    /// Returns the name used in files and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::System => "system",
            Self::Tools => "tools",
            Self::Settings => "settings",
            Self::History => "history",
            Self::Media => "media",
            Self::Arguments => "arguments",
            Self::Output => "output",
            Self::Finish => "finish",
            Self::Usage => "usage",
            Self::Error => "error",
            Self::Stream => "stream",
            Self::Dialect => "dialect",
        }
    }

    /// Returns whether it is a matter of transport alone: an answer is rendered to fit.
    pub fn is_transport(self) -> bool {
        self == Self::Stream || self == Self::Dialect
    }

    /// Returns the least fidelity of a call that lost it.
    fn fidelity(self) -> Fidelity {
        match self {
            Self::History | Self::Output => Fidelity::Shown,
            Self::Model | Self::System | Self::Tools | Self::Settings | Self::Media => {
                Fidelity::History
            }
            Self::Arguments
            | Self::Finish
            | Self::Usage
            | Self::Error
            | Self::Stream
            | Self::Dialect => Fidelity::Exact,
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How well a call can be replayed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fidelity {
    /// All that is compared is there.
    Exact,
    /// The conversation is there; what of the treatment was lost is not compared.
    History,
    /// The conversation or its answer is not whole: the call is shown and never served.
    Shown,
}

impl Fidelity {
    /// Returns how well a call that lost this can be replayed.
    pub fn of(lost: &BTreeSet<Lost>) -> Self {
        let worst = lost.iter().map(|one| one.fidelity()).max();
        worst.unwrap_or(Self::Exact)
    }

    /// Returns the name used in files and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::History => "history",
            Self::Shown => "shown",
        }
    }
}

impl fmt::Display for Fidelity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_files_and_in_output() {
        for one in Lost::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
        }
        for one in [Fidelity::Exact, Fidelity::History, Fidelity::Shown] {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
        }
    }

    #[test]
    fn the_worst_loss_decides_how_a_call_is_replayed() {
        let of = |lost: &[Lost]| Fidelity::of(&lost.iter().copied().collect());
        assert_eq!(of(&[]), Fidelity::Exact);
        assert_eq!(of(&[Lost::Finish, Lost::Usage]), Fidelity::Exact);
        assert_eq!(of(&[Lost::Finish, Lost::Model]), Fidelity::History);
        assert_eq!(of(&[Lost::Model, Lost::Output]), Fidelity::Shown);
    }
}
