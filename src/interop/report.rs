//! What an import kept and what it lost, step by step: nothing goes missing in silence.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::{Fidelity, Lost};

/// What became of the spans of a trace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Spans {
    /// All spans that came.
    pub total: usize,
    /// Those that are model steps.
    pub model: usize,
    /// Those that are tool steps.
    pub tool: usize,
    /// Those that name the agent of the steps inside them.
    pub agent: usize,
    /// Those that group others, or of which nothing is made.
    pub context: usize,
    /// Those that tell of the same call as another one.
    pub folded: usize,
    /// Those that came more than once.
    pub repeated: usize,
}

impl Spans {
    /// Returns whether each span is accounted for.
    pub fn is_complete(&self) -> bool {
        let sum = [
            self.model,
            self.tool,
            self.agent,
            self.context,
            self.folded,
            self.repeated,
        ];
        sum.iter().sum::<usize>() == self.total
    }
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// Its number.
    pub step: u32,
    /// `model` or `tool`.
    pub kind: &'static str,
    /// The span that it was made of; absent for a tool call that only the messages tell of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<String>,
    /// The span's name, or the tool's.
    pub name: String,
    /// How it can be replayed; absent for a tool step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<Fidelity>,
    /// What the trace did not keep.
    pub lost: BTreeSet<Lost>,
    /// What else there is to say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What an import kept and what it lost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportReport {
    /// Where the trace came from.
    pub source: String,
    /// Its id there.
    pub trace: String,
    /// The session that it became.
    pub session: String,
    /// The session's name.
    pub name: String,
    /// The page that shows the trace, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What became of the spans.
    pub spans: Spans,
    /// The steps.
    pub steps: Vec<StepReport>,
    /// What the source says that it cost, in dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
    /// The scores that the source holds for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<ScoreReport>,
    /// What looks wrong with the trace.
    pub warnings: Vec<String>,
}

/// A score that the source holds for a trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreReport {
    /// Its name.
    pub name: String,
    /// Its value, of whatever type.
    pub value: serde_json::Value,
    /// What is said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl ImportReport {
    /// Returns how many model steps can be replayed in this way.
    pub fn count(&self, fidelity: Fidelity) -> usize {
        let steps = self.steps.iter();
        steps.filter(|step| step.replay == Some(fidelity)).count()
    }

    /// Returns whether something was lost that is more than a matter of transport.
    pub fn has_loss(&self) -> bool {
        let lost = self.steps.iter().flat_map(|step| &step.lost);
        lost.into_iter().any(|lost| !lost.is_transport()) || !self.warnings.is_empty()
    }
}
