//! What is judged.

use super::Unmeasured;

/// What a judge sees beside question and answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sight {
    /// What the evaluator needs.
    Answer,
    /// The steps too: the tool calls, and what they returned.
    Steps,
}

/// One answer of an agent, and what it is to be seen with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// What the agent was asked; empty where unknown.
    pub question: String,
    /// What it answered.
    pub answer: String,
    /// What the right answer is, where somebody said so.
    pub expected: Option<String>,
    /// What its tools returned.
    pub tools: Vec<ToolEvidence>,
}

/// One call of a tool with its result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolEvidence {
    /// The name of the tool.
    pub name: String,
    /// Its arguments as JSON.
    pub arguments: String,
    /// What came back.
    pub result: String,
}

impl Subject {
    /// Returns the texts that may be quoted as evidence, each as [`plain`] has it.
    pub(super) fn quotable(&self, reads_tools: bool) -> Vec<String> {
        let mut texts = vec![plain(&self.answer)];
        if reads_tools {
            texts.extend(self.tools.iter().map(|tool| plain(&tool.result)));
        }
        texts
    }

    /// Returns why it can't be judged; `None` where it can.
    pub fn fault(&self) -> Option<Unmeasured> {
        if self.answer.trim().is_empty() {
            return Some(Unmeasured::NoAnswer);
        }
        let tools = self.tools.iter();
        let found = self.question.len()
            + self.answer.len()
            + self.expected.as_ref().map_or(0, String::len)
            + tools
                .map(|tool| tool.name.len() + tool.arguments.len() + tool.result.len())
                .sum::<usize>();
        (found > LIMIT).then_some(Unmeasured::TooLong {
            found,
            limit: LIMIT,
        })
    }
}

/// Returns a text with every run of white space as one blank.
pub(super) fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The most bytes of material that a judge is sent: about 100 000 tokens.
const LIMIT: usize = 400_000;
