//! What is judged.

use super::Unmeasured;

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

/// The most bytes of material that a judge is sent: about 100 000 tokens.
const LIMIT: usize = 400_000;
