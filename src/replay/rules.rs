//! What a replay is allowed to overlook, as plain options.

use std::collections::BTreeSet;

use super::normalise::NormaliseRule;
use crate::model::{Drift, Rung};
use crate::tools::ToolRules;

/// A part of the treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TreatmentPart {
    /// System and developer prompts.
    System,
    /// Tool definitions.
    Tools,
    /// The model.
    Model,
    /// Sampling parameters and all other settings.
    Settings,
}

impl TreatmentPart {
    /// Returns all parts.
    pub fn all() -> BTreeSet<Self> {
        [Self::System, Self::Tools, Self::Model, Self::Settings].into()
    }

    /// Returns the part that a drift belongs to; `None` for a tool result let through by name.
    pub fn of(drift: &Drift) -> Option<Self> {
        match drift {
            Drift::SystemPrompt => Some(Self::System),
            Drift::Tool { .. } => Some(Self::Tools),
            Drift::Model => Some(Self::Model),
            Drift::Setting { .. } => Some(Self::Settings),
            Drift::ToolResult { .. } => None,
        }
    }
}

/// What happens when the agent leaves the recorded path before the fork.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDivergence {
    /// The fork moves to that request, which goes live; the report says so.
    #[default]
    Move,
    /// The request is refused and the replay stops there.
    Halt,
}

/// The rules of a replay.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The worst rung that is still served.
    pub require: Rung,
    /// The parts of the treatment that may differ from the recording.
    pub treatment: BTreeSet<TreatmentPart>,
    /// JSON pointers into the treatment that are never compared: `/settings/seed`, `/tools/NAME`,
    /// `/system`, `/model`.
    pub ignore: Vec<String>,
    /// What is replaced before texts are compared, beside the built-in volatile values.
    pub normalise: Vec<NormaliseRule>,
    /// Whether pseudonyms stand for personal data, in the recording and in what the agent sends.
    pub has_people: bool,
    /// Tools whose results may differ from the recorded ones.
    pub tool_results: BTreeSet<String>,
    /// What happens when the agent leaves the recorded path before the fork.
    pub on_divergence: OnDivergence,
    /// What is said of the agent's tools.
    pub tools: ToolRules,
    /// Whether a request that was asked for more often than recorded gets the last answer again.
    pub repeat_last: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            require: Rung::Drift,
            treatment: TreatmentPart::all(),
            ignore: Vec::new(),
            normalise: Vec::new(),
            has_people: false,
            tool_results: BTreeSet::new(),
            on_divergence: OnDivergence::Move,
            tools: ToolRules::default(),
            repeat_last: false,
        }
    }
}

impl Rules {
    /// Returns whether all of `drift` lies inside what may differ.
    pub fn allow(&self, drift: &[Drift]) -> bool {
        drift
            .iter()
            .all(|one| TreatmentPart::of(one).is_none_or(|part| self.treatment.contains(&part)))
    }
}
