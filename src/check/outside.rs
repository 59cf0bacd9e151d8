//! What checks may ask of the world outside the timelines: files of the run, and programs.
//!
//! Checks run nothing and read no file themselves; whoever runs them says how it is done.

use std::fmt::Debug;
use std::time::Duration;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::result::JudgeVote;
use crate::judge::Votes;
use crate::model::Timeline;

/// The world outside the timelines, as far as checks may see it.
pub trait Outside: Debug + Send + Sync {
    /// Returns the content of a file that the agent wrote in this run.
    ///
    /// # Errors
    /// There is no such file, or files can't be looked up.
    fn file(&self, path: &Utf8Path) -> Result<Vec<u8>, FileError>;

    /// Runs a program to its end.
    ///
    /// # Errors
    /// It could not be run, or was ended before its own end; says why in one sentence.
    fn run(&self, program: &Program<'_>) -> Result<ProgramEnd, String>;

    /// Returns how the candidate was judged; `None` where all that a judge would see is as it is in the reference.
    ///
    /// # Errors
    /// It was not measured; says why in one sentence.
    fn judge(&self, judging: &Judging<'_>) -> Result<Option<Judged>, String>;
}

/// What a judge is asked by a check.
#[derive(Debug, Clone, Copy)]
pub struct Judging<'a> {
    /// The name of the evaluator.
    pub evaluator: &'a str,
    /// The right answer, where it is known.
    pub expected: Option<&'a str>,
    /// How often it is asked; as configured where it is not given.
    pub votes: Option<Votes>,
    /// The score that passes.
    pub min: f64,
    /// Whether the judge sees the steps, whatever the evaluator.
    pub sees_steps: bool,
    /// How far the judge has to agree with people, by its calibration; not at all where it is not given.
    pub min_kappa: Option<f64>,
    /// What the baseline holds up as right.
    pub reference: &'a Timeline,
    /// What is judged.
    pub candidate: &'a Timeline,
    /// What was kept of a run that isn't there any more: it takes the place of the candidate's answer.
    pub kept: Option<&'a KeptAnswer>,
}

/// What a judge sees of a run, kept to be judged again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptAnswer {
    /// The final answer.
    pub answer: String,
    /// What the tools returned; `None` where no judge looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<KeptTool>>,
}

/// One call of a tool with its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptTool {
    /// The name of the tool.
    pub name: String,
    /// Its arguments as JSON.
    pub arguments: String,
    /// What came back.
    pub result: String,
}

impl KeptAnswer {
    /// Returns how many bytes of text it holds.
    pub(crate) fn len(&self) -> usize {
        let tools = self.tools.iter().flatten();
        let of_tools = tools.map(|tool| tool.name.len() + tool.arguments.len() + tool.result.len());
        self.answer.len() + of_tools.sum::<usize>()
    }
}

/// What a judge said.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The score of the candidate, from 0 to 1.
    pub score: f64,
    /// The score of the reference by the same judge, from 0 to 1; `None` where it was not measured.
    pub reference: Option<f64>,
    /// What the judges said of the candidate.
    pub votes: Vec<JudgeVote>,
}

/// A program that a check wants to run.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The program and its arguments; never empty.
    pub command: &'a [String],
    /// What it reads on standard input.
    pub stdin: &'a str,
    /// The longest time that it may run.
    pub timeout: Duration,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramEnd {
    /// The exit status; 128 + N where signal N ended it.
    pub status: i32,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// The end of what it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// Why a file could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// There is none; the agent did not write it in this run.
    #[error("the agent wrote no such file")]
    Missing,
    /// It may be there, but can't be read; says why in one sentence.
    #[error("{0}")]
    Unreadable(String),
}

/// No world: there are no files, and no program runs.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl Outside for Nothing {
    fn file(&self, _path: &Utf8Path) -> Result<Vec<u8>, FileError> {
        let why = "files of this run were not kept; only `rewind gate` sees them";
        Err(FileError::Unreadable(why.to_owned()))
    }

    fn run(&self, _program: &Program<'_>) -> Result<ProgramEnd, String> {
        Err("no program can be run here".to_owned())
    }

    fn judge(&self, _judging: &Judging<'_>) -> Result<Option<Judged>, String> {
        Err("no judge can be asked here".to_owned())
    }
}
