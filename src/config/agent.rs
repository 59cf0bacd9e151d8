//! `[agent]` and `[agents.NAME]`: how the agents under test are run.

use std::collections::BTreeMap;
use std::fmt;

use camino::Utf8PathBuf;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Config;
use super::value::{Glob, Period, limit};
use crate::agent::{InputMode, is_entry};

/// `[agent]`: how an agent under test is run.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default, expecting = "a table")]
pub struct Agent {
    /// A name for people.
    pub name: Option<String>,
    /// The command and its arguments, without the input.
    #[serde(deserialize_with = "command")]
    pub command: Vec<String>,
    /// A Python function in place of a command: `pkg.mod:fn`.
    #[serde(deserialize_with = "entry")]
    pub entry: Option<String>,
    /// The command of an HTTP service in place of a command; `{port}` in it is its port.
    #[serde(deserialize_with = "command")]
    pub serve: Vec<String>,
    /// The path that answers once the service is ready.
    #[serde(deserialize_with = "path")]
    pub ready: Option<String>,
    /// How long the service may take to be ready.
    #[serde(deserialize_with = "limit")]
    pub ready_timeout: Option<Period>,
    /// How the service is asked.
    pub request: Option<Request>,
    /// How the input reaches the agent: `arg` (default), `stdin`, `env:NAME`, `json-stdin`,
    /// `json-file:PATH`.
    #[serde(deserialize_with = "input_mode")]
    pub input: Option<InputMode>,
    /// The JSON pointer of the input in what the outermost span of an imported trace was given.
    #[serde(deserialize_with = "pointer")]
    pub map_input: Option<String>,
    /// Where the final answer is read.
    pub output: Option<Answer>,
    /// The agent whose last message is the final answer.
    pub output_agent: Option<String>,
    /// Variables that the agent gets beside the base list; a name may end in `*`, and `NAME=value`
    /// sets one.
    #[serde(deserialize_with = "variables")]
    pub env: Vec<String>,
    /// The longest time that a run may take. Where it is not set, 10 minutes in `gate` and no limit
    /// elsewhere.
    #[serde(deserialize_with = "limit")]
    pub timeout: Option<Period>,
    /// The working directory; the configuration's where it is not set.
    pub cwd: Option<Utf8PathBuf>,
    /// The files that the agent is made of.
    pub paths: Vec<Glob>,
    /// What runs once before its first run; an empty list says that nothing has to.
    #[serde(deserialize_with = "words_or_none")]
    pub setup: Option<Words>,
    /// The files that the result of `setup` depends on.
    pub setup_inputs: Vec<Utf8PathBuf>,
    /// What runs before each run.
    pub before: Option<Words>,
    /// What runs after each run.
    pub after: Option<Words>,
    /// Whether every run gets its own copy of the folder.
    pub isolate: Option<Isolate>,
}

impl<'de> Deserialize<'de> for Agent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The inherent function that `remote` derives, not this one.
        let agent = Self::deserialize(deserializer)?;
        agent.check().map_err(D::Error::custom)?;
        Ok(agent)
    }
}

impl Agent {
    /// Returns what is wrong with the keys taken together.
    fn check(&self) -> Result<(), &'static str> {
        let is_service = !self.serve.is_empty();
        let kinds = [!self.command.is_empty(), self.entry.is_some(), is_service];
        if kinds.into_iter().filter(|is_set| *is_set).count() > 1 {
            return Err(
                "an agent is one of `command`, `entry` and `serve`; write only one of them",
            );
        }
        if is_service && self.request.is_none() {
            return Err(
                "a service needs `request`, such as request = { path = \"/ask\", body = { question = \"{input}\" }, answer = \"/answer\" }",
            );
        }
        let is_asked =
            self.request.is_some() || self.ready.is_some() || self.ready_timeout.is_some();
        if !is_service && is_asked {
            return Err(
                "`ready`, `ready_timeout` and `request` are for a service; write its command as `serve`",
            );
        }
        if self.input.is_some() && (is_service || self.entry.is_some()) {
            return Err(
                "`input` is for a `command`; a service gets its input by `request`, a function as its argument",
            );
        }
        if self.output == Some(Answer::Response) && !is_service {
            return Err(
                "`output = \"response\"` is for a service; write stdout, file:PATH or last-message",
            );
        }
        Ok(())
    }

    /// Returns what names the program: the command, the function or the command of the service.
    pub fn words(&self) -> &[String] {
        match &self.entry {
            Some(entry) => std::slice::from_ref(entry),
            None if self.command.is_empty() => &self.serve,
            None => &self.command,
        }
    }

    /// Returns where the final answer is read: as configured, else where such an agent answers.
    pub fn answer(&self) -> Answer {
        match &self.output {
            Some(answer) => answer.clone(),
            None if self.entry.is_some() => Answer::Stdout,
            None if !self.serve.is_empty() => Answer::Response,
            None => Answer::LastMessage,
        }
    }

    /// Returns whether it can hold a conversation of several turns.
    pub fn takes_turns(&self) -> bool {
        match &self.input {
            Some(InputMode::JsonStdin | InputMode::JsonFile(_)) => true,
            Some(InputMode::Arg | InputMode::Stdin | InputMode::Env(_)) => false,
            None => !self.serve.is_empty() || self.entry.is_some(),
        }
    }
}

/// A name that no `[agents.NAME]` has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no agent `{name}`; {known}")]
pub struct UnknownAgent {
    name: String,
    known: String,
}

impl Config {
    /// Returns the configuration with the agent of this name in the place of the default one; `None`
    /// means the default one, or the only one where `[agent]` says nothing.
    ///
    /// # Errors
    /// There is no such agent.
    pub fn for_agent(&self, name: Option<&str>) -> Result<Self, UnknownAgent> {
        let found = match name {
            None => match self.agents.iter().next() {
                Some(only) if self.agents.len() == 1 && self.agent.words().is_empty() => only,
                Some(_) | None => return Ok(self.clone()),
            },
            Some(name) => match self.agents.get_key_value(name) {
                Some(found) => found,
                None if self.agent.name.as_deref() == Some(name) => return Ok(self.clone()),
                None => {
                    return Err(UnknownAgent {
                        name: name.to_owned(),
                        known: self.known_agents(),
                    });
                }
            },
        };
        let (name, agent) = found;
        let mut config = self.clone();
        config.agent = agent.clone();
        config.agent.name.get_or_insert_with(|| name.0.clone());
        Ok(config)
    }

    /// Returns the configuration with the agent whose command this begins with in the place of the
    /// default one; unchanged where there is none.
    #[must_use]
    pub fn for_command(&self, command: &[String]) -> Self {
        let is_of = |agent: &Agent| {
            let words = agent.words();
            !words.is_empty() && command.starts_with(words)
        };
        if is_of(&self.agent) {
            return self.clone();
        }
        let found = self
            .agents
            .iter()
            .filter(|(_name, agent)| is_of(agent))
            .max_by_key(|(_name, agent)| agent.words().len());
        found
            .and_then(|(name, _agent)| self.for_agent(Some(&name.0)).ok())
            .unwrap_or_else(|| self.clone())
    }

    /// Returns a sentence on the agents that there are to choose from; `None` for none.
    pub fn choices(&self) -> Option<String> {
        (!self.agents.is_empty()).then(|| self.known_agents())
    }

    fn known_agents(&self) -> String {
        let names: Vec<String> = self.agents.keys().map(|name| format!("`{name}`")).collect();
        if names.is_empty() {
            "rewind.toml has no [agents.NAME] at all".to_owned()
        } else {
            format!("rewind.toml has {}", names.join(", "))
        }
    }
}

/// The name of an agent: letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct AgentName(String);

impl AgentName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for AgentName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AgentName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !text.is_empty() && text.chars().all(is_plain) {
            Ok(Self(text))
        } else {
            Err(format!(
                "`{text}` is no name of an agent; use letters, digits, `-` and `_`"
            ))
        }
    }
}

/// `request`: how a service is asked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with `path`, such as { path = \"/ask\", body = { question = \"{input}\" } }"
)]
pub struct Request {
    /// The method; `POST` where it is not set.
    #[serde(default, deserialize_with = "method")]
    pub method: Option<String>,
    /// The path.
    #[serde(deserialize_with = "must_be_path")]
    pub path: String,
    /// The headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body: JSON as a table or an array, or text; `{ input = "{input}" }` where it is not set and
    /// the method has one.
    #[serde(default)]
    pub body: Option<Value>,
    /// The JSON pointer of the answer in the reply.
    #[serde(default, deserialize_with = "pointer")]
    pub answer: Option<String>,
}

/// Whether a run is kept apart from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolate {
    /// Every run gets its own copy of the configuration's folder.
    Copy,
}

/// A command: a line for the shell, or a list of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = WordsVisitor {
            may_be_empty: false,
        };
        deserializer.deserialize_any(visitor)
    }
}

/// Reads a command, or an empty list.
fn words_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Words>, D::Error> {
    let visitor = WordsVisitor { may_be_empty: true };
    deserializer.deserialize_any(visitor).map(Some)
}

struct WordsVisitor {
    may_be_empty: bool,
}

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Words;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line for the shell, or a list of words")
    }

    fn visit_str<E: serde::de::Error>(self, line: &str) -> Result<Words, E> {
        if line.trim().is_empty() {
            return Err(E::custom("a command must not be empty"));
        }
        Ok(Words(["sh", "-c", line].map(str::to_owned).into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Words, A::Error> {
        let mut words = Vec::new();
        while let Some(word) = items.next_element()? {
            words.push(word);
        }
        if words.is_empty() && !self.may_be_empty {
            return Err(A::Error::custom("a command must not be empty"));
        }
        Ok(Words(words))
    }
}

/// Where the final answer of a run is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Answer {
    /// The last message of the conversation.
    #[default]
    LastMessage,
    /// Standard output.
    Stdout,
    /// The last reply of a service.
    Response,
    /// A file that the agent writes.
    File(Utf8PathBuf),
}

impl TryFrom<String> for Answer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "last-message" => Ok(Self::LastMessage),
            "stdout" => Ok(Self::Stdout),
            "response" => Ok(Self::Response),
            other => match other.strip_prefix("file:").filter(|path| !path.is_empty()) {
                Some(path) => Ok(Self::File(path.into())),
                None => Err(format!(
                    "`{text}` is no output; write last-message, stdout, response or file:PATH"
                )),
            },
        }
    }
}

fn input_mode<'de, D: Deserializer<'de>>(from: D) -> Result<Option<InputMode>, D::Error> {
    String::deserialize(from)?
        .parse()
        .map(Some)
        .map_err(D::Error::custom)
}

fn entry<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    let of_file = text.split_once(".py:");
    if let Some((file, function)) = of_file {
        let module = file.trim_start_matches("./").replace('/', ".");
        Err(D::Error::custom(format!(
            "`{text}` names a file; write the module's name, `{module}:{function}`"
        )))
    } else if is_entry(&text) {
        Ok(Some(text))
    } else {
        Err(D::Error::custom(format!(
            "`{text}` is no Python function; write module:function, such as app.agent:run"
        )))
    }
}

/// Reads a command, which is a list of words.
pub(super) fn command<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "a command is a list of texts, such as [\"python3\", \"agent.py\"]"
    )]
    enum Written {
        Words(Vec<String>),
        Line(String),
    }
    match Written::deserialize(from)? {
        Written::Words(words) if words.first().is_some_and(|word| word.trim().is_empty()) => {
            Err(D::Error::custom(
                "a command begins with a program, such as [\"python3\", \"agent.py\"]",
            ))
        }
        Written::Words(words) => Ok(words),
        Written::Line(line) => {
            let words: Vec<String> = line
                .split_whitespace()
                .map(|word| format!("{word:?}"))
                .collect();
            Err(D::Error::custom(format!(
                "a command is a list of words; write [{}]",
                words.join(", ")
            )))
        }
    }
}

/// Reads names of variables, and variables with their values.
fn variables<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let entries = Vec::<String>::deserialize(from)?;
    let is_wrong = |entry: &&String| {
        let name = entry
            .split_once('=')
            .map_or(entry.as_str(), |(name, _value)| name);
        name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '$' || c == '\0')
    };
    match entries.iter().find(is_wrong) {
        None => Ok(entries),
        Some(wrong) => Err(D::Error::custom(format!(
            "`{wrong}` names no variable; write \"NAME\", \"NAME_*\" or \"NAME=value\""
        ))),
    }
}

fn must_be_path<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if text.starts_with('/') {
        Ok(text)
    } else {
        Err(D::Error::custom(format!(
            "`{text}` is no path; it begins with `/`, the service's address is known"
        )))
    }
}

fn path<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    must_be_path(from).map(Some)
}

fn pointer<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() || text.starts_with('/') {
        Ok(Some(text))
    } else {
        Err(D::Error::custom("a JSON pointer begins with `/`"))
    }
}

fn method<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    if METHODS.contains(&text.as_str()) {
        Ok(Some(text))
    } else {
        Err(D::Error::custom(format!(
            "`{text}` is no method; write one of {}",
            METHODS.join(", ")
        )))
    }
}

/// The methods by which a service may be asked.
const METHODS: [&str; 5] = ["POST", "GET", "PUT", "PATCH", "DELETE"];
