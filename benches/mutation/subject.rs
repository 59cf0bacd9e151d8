//! What the committed baselines hold: the conversations of the research agent, turn by turn.

use std::fs;
use std::path::Path;

use rewind_gate::baseline::read_session;
use rewind_gate::model::{LaneId, Message};
use serde_json::Value;

/// One baseline.
pub(super) struct Subject {
    pub(super) name: String,
    /// What the agent is asked.
    pub(super) topic: String,
    /// What it answers.
    pub(super) answer: String,
    pub(super) lanes: Vec<Lane>,
    /// What the search can find for it.
    pub(super) pages: Vec<Page>,
}

/// One page of the corpus.
pub(super) struct Page {
    /// Its place there.
    pub(super) place: usize,
    pub(super) text: String,
}

/// One conversation of one of its agents.
#[derive(Clone)]
pub(super) struct Lane {
    /// The name of the file with its prompt.
    pub(super) agent: String,
    /// The user's message, or what identifies it.
    pub(super) task: String,
    /// What the model says, in order.
    pub(super) turns: Vec<Turn>,
}

/// One answer of the model.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Turn {
    Text(String),
    Calls(Vec<ToolCall>),
}

/// A tool with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ToolCall {
    pub(super) tool: String,
    pub(super) arguments: Value,
}

/// A call's place in a subject: its lane, its turn, its number there.
pub(super) type Site = (usize, usize, usize);

impl Subject {
    /// Returns all calls.
    pub(super) fn calls(&self) -> Vec<(Site, &ToolCall)> {
        let mut all = Vec::new();
        for (lane, talk) in self.lanes.iter().enumerate() {
            for (turn, said) in talk.turns.iter().enumerate() {
                if let Turn::Calls(calls) = said {
                    all.extend(
                        calls
                            .iter()
                            .enumerate()
                            .map(|(nth, call)| ((lane, turn, nth), call)),
                    );
                }
            }
        }
        all
    }

    /// Returns the only conversation of an agent, or its first.
    pub(super) fn lane(&self, agent: &str) -> &Lane {
        let mut lanes = self.lanes.iter();
        lanes
            .find(|lane| lane.agent == agent)
            .expect("the agent speaks")
    }

    /// Returns how many model calls there are.
    pub(super) fn asked(&self) -> usize {
        self.lanes.iter().map(|lane| lane.turns.len()).sum()
    }
}

impl ToolCall {
    /// Returns it as people read it.
    pub(super) fn text(&self) -> String {
        format!("{}({})", self.tool, self.argument())
    }

    /// Returns its one argument.
    pub(super) fn argument(&self) -> &str {
        let mut fields = self.arguments.as_object().into_iter().flatten();
        fields
            .next()
            .and_then(|(_name, value)| value.as_str())
            .unwrap_or_default()
    }

    /// Returns it with another argument.
    pub(super) fn with(&self, argument: &str) -> Self {
        let mut call = self.clone();
        for value in call
            .arguments
            .as_object_mut()
            .expect("arguments")
            .values_mut()
        {
            *value = argument.into();
        }
        call
    }
}

/// Reads the committed baselines of a repository.
pub(super) fn all(repository: &Path) -> Vec<Subject> {
    let folders = fs::read_dir(repository.join("baselines")).expect("baselines");
    let mut names: Vec<String> = folders
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| read(repository, name))
        .collect()
}

fn read(repository: &Path, name: String) -> Subject {
    let folder = repository.join("baselines").join(&name).join("session");
    let session = read_session(folder.to_str().expect("a path").into()).expect("a session");
    let timeline = session.timeline("main").expect("a timeline");
    let prompts = prompts(repository);
    let topic = session.input.clone().expect("an input");
    let mut lanes: Vec<(LaneId, Lane)> = Vec::new();
    for (step, call) in timeline.model_steps() {
        let said = call.response.output.as_ref().expect("an answer").value();
        let turn = turn(said);
        if let Some((_id, lane)) = lanes.iter_mut().find(|(id, _lane)| *id == step.lane) {
            lane.turns.push(turn);
            continue;
        }
        let system = call.request.treatment.system_text();
        let (agent, _text) = prompts
            .iter()
            .find(|(_agent, text)| *text == system.trim())
            .expect("a prompt");
        let messages = call.request.thread.messages();
        let task = messages.first().expect("a task").value().plain_text();
        // The writer's task holds the notes, which a change may alter.
        let task = task.lines().next().unwrap_or_default().to_owned();
        let lane = Lane {
            agent: agent.clone(),
            task,
            turns: vec![turn],
        };
        lanes.push((step.lane, lane));
    }
    let answer = timeline.outcome.answer.clone().expect("an answer");
    let lanes: Vec<Lane> = lanes.into_iter().map(|(_id, lane)| lane).collect();
    let found: Vec<String> = timeline
        .steps
        .iter()
        .filter_map(|step| step.tool())
        .filter_map(|tool| serde_json::to_string(&tool.result).ok())
        .collect();
    let pages = corpus(repository).into_iter().enumerate();
    let pages = pages.map(|(place, text)| Page { place, text });
    let pages = pages
        .filter(|page| found.iter().any(|result| result.contains(&page.text)))
        .collect();
    Subject {
        name,
        topic,
        answer: answer.trim().to_owned(),
        lanes,
        pages,
    }
}

fn corpus(repository: &Path) -> Vec<String> {
    let file = fs::read(repository.join("examples/research-agent/corpus.json")).expect("a corpus");
    let pages: Value = serde_json::from_slice(&file).expect("JSON");
    let pages = pages.as_array().expect("pages").iter();
    pages
        .map(|page| page["text"].as_str().expect("a text").to_owned())
        .collect()
}

fn turn(message: &Message) -> Turn {
    let calls: Vec<ToolCall> = message
        .tool_calls()
        .map(|(tool, arguments)| ToolCall {
            tool: tool.to_owned(),
            arguments: arguments.clone(),
        })
        .collect();
    if calls.is_empty() {
        Turn::Text(message.plain_text())
    } else {
        Turn::Calls(calls)
    }
}

fn prompts(repository: &Path) -> Vec<(String, String)> {
    let folder = repository.join("examples/research-agent/prompts");
    let files = fs::read_dir(folder)
        .expect("prompts")
        .map(|entry| entry.expect("an entry").path());
    files
        .map(|file| {
            let agent = file
                .file_stem()
                .expect("a name")
                .to_str()
                .expect("text")
                .to_owned();
            let text = fs::read_to_string(&file).expect("a prompt");
            (agent, text.trim().to_owned())
        })
        .collect()
}
