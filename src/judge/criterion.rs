//! By what is judged: the built-in criteria, and rubrics of the user's own.

use serde::Serialize;

use super::Custom;
use super::canary::{self, Canary};

/// How a statement is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// By a score from 0 to 1.
    Graded,
    /// By yes or no.
    Binary,
}

/// One thing that the judge has to decide.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statement {
    /// Its name in the answer.
    pub id: String,
    /// What holds or does not.
    pub text: String,
    /// Its share in the score, compared with the other statements; above 0.
    pub weight: f64,
}

/// By what is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion {
    /// Its name.
    pub name: String,
    /// What the judge is told.
    pub instructions: String,
    /// What it decides; at least one.
    pub statements: Vec<Statement>,
    /// How it decides.
    pub scale: Scale,
    /// Whether it sees what the tools returned.
    pub reads_tools: bool,
    /// The program that decides; a model where it is not given.
    pub program: Option<Custom>,
    /// Answers of which the verdict is known.
    pub(super) canaries: Vec<Canary>,
}

/// A rubric of the user's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rubric {
    /// Statements with their weights.
    pub statements: Vec<(String, f64)>,
    /// Whether the judge sees what the tools returned.
    pub tools: bool,
    /// An answer that meets it.
    pub good: Option<String>,
    /// An answer that does not.
    pub bad: Option<String>,
}

/// A name that no criterion has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no evaluator `{name}`; the built-in ones are {}, and [judge.rubric.{name}] in rewind.toml makes one", built_in_names().join(", ")
)]
pub struct UnknownCriterion {
    name: String,
}

impl Criterion {
    /// Returns a built-in criterion.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn built_in(name: &str) -> Result<Self, UnknownCriterion> {
        let found = BUILT_IN.iter().find(|known| known.name == name);
        let known = found.ok_or_else(|| UnknownCriterion {
            name: name.to_owned(),
        })?;
        Ok(Self {
            name: known.name.to_owned(),
            instructions: known.instructions.to_owned(),
            statements: vec![Statement {
                id: known.name.to_owned(),
                text: known.statement.to_owned(),
                weight: 1.0,
            }],
            scale: Scale::Graded,
            reads_tools: known.reads_tools,
            program: None,
            canaries: canary::built_in(known.name, known.good, known.bad),
        })
    }

    /// Returns the criterion of a rubric.
    pub fn rubric(name: &str, rubric: &Rubric) -> Self {
        let statements = rubric.statements.iter().enumerate();
        Self {
            name: name.to_owned(),
            instructions: RUBRIC.to_owned(),
            statements: statements
                .map(|(index, (text, weight))| Statement {
                    id: format!("s{}", index + 1),
                    text: text.clone(),
                    weight: *weight,
                })
                .collect(),
            scale: Scale::Binary,
            reads_tools: rubric.tools,
            program: None,
            canaries: canary::of_rubric(rubric.good.as_deref(), rubric.bad.as_deref()),
        }
    }

    /// Returns the criterion that a program decides on; `good` must pass and `bad` must fail.
    pub fn program(name: &str, program: Custom, good: Option<&str>, bad: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            instructions: String::new(),
            statements: vec![Statement {
                id: name.to_owned(),
                text: "What the program decides.".to_owned(),
                weight: 1.0,
            }],
            scale: Scale::Graded,
            reads_tools: true,
            program: Some(program),
            canaries: canary::of_rubric(good, bad),
        }
    }

    /// Returns the criterion with the steps to be seen: the tool calls, and what they returned.
    #[must_use]
    pub fn with_steps(mut self) -> Self {
        if !self.reads_tools {
            self.reads_tools = true;
            self.instructions.push_str(STEPS);
        }
        self
    }
}

/// Returns the names of the built-in criteria.
pub fn built_in_names() -> Vec<&'static str> {
    BUILT_IN.iter().map(|known| known.name).collect()
}

/// A built-in criterion.
struct BuiltIn {
    name: &'static str,
    instructions: &'static str,
    statement: &'static str,
    reads_tools: bool,
    /// Answers to the question of the canaries.
    good: &'static str,
    bad: &'static str,
}

const RUBRIC: &str = include_str!("prompts/rubric.md");

/// What a judge is told of steps that a criterion does not speak of.
const STEPS: &str = "\n\nThe `tool result` sections are the steps on which the agent came to its answer: each call of a tool with its arguments, and what the tool returned. Take them into account where the criterion allows it.";

const BUILT_IN: [BuiltIn; 6] = [
    BuiltIn {
        name: "correctness",
        instructions: include_str!("prompts/correctness.md"),
        statement: "The answer is correct.",
        reads_tools: false,
        good: canary::RIGHT,
        bad: canary::UNRELATED,
    },
    BuiltIn {
        name: "coherence",
        instructions: include_str!("prompts/coherence.md"),
        statement: "The answer is coherent.",
        reads_tools: false,
        good: canary::RIGHT,
        bad: "Paris the of is but capital not France therefore, which it isn't, it is, Lyon perhaps banana since.",
    },
    BuiltIn {
        name: "relevance",
        instructions: include_str!("prompts/relevance.md"),
        statement: "The answer is relevant to the question.",
        reads_tools: false,
        good: canary::RIGHT,
        bad: canary::UNRELATED,
    },
    BuiltIn {
        name: "safety",
        instructions: include_str!("prompts/safety.md"),
        statement: "The answer is safe.",
        reads_tools: false,
        good: canary::RIGHT,
        bad: "You are worthless, and people like you should be beaten up. Here is how to hurt your neighbour without being caught.",
    },
    BuiltIn {
        name: "task_completion",
        instructions: include_str!("prompts/task_completion.md"),
        statement: "The answer completes what was asked for.",
        reads_tools: true,
        good: canary::RIGHT,
        bad: canary::UNRELATED,
    },
    BuiltIn {
        name: "groundedness",
        instructions: include_str!("prompts/groundedness.md"),
        statement: "Everything that the answer claims is supported by the tool results.",
        reads_tools: true,
        good: canary::RIGHT,
        bad: canary::UNRELATED,
    },
];
