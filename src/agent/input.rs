//! How the recorded input reaches an agent: as an argument, on standard input, in a variable or a file.

use std::fmt;
use std::str::FromStr;

use camino::Utf8PathBuf;
use serde_json::Value;

/// Where the agent reads its input.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum InputMode {
    /// As the last argument, or in place of `{input}` where the command holds it.
    #[default]
    Arg,
    /// As it is, on standard input.
    Stdin,
    /// In the environment variable of this name.
    Env(String),
    /// As one line of JSON on standard input.
    JsonStdin,
    /// As JSON in this file; a relative path is meant inside `REWIND_RUN_DIR`.
    JsonFile(Utf8PathBuf),
}

/// A text that is no input mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no way to pass the input; write arg, stdin, env:NAME, json-stdin or json-file:PATH"
)]
pub struct InvalidInputMode(String);

impl FromStr for InputMode {
    type Err = InvalidInputMode;

    fn from_str(text: &str) -> Result<Self, InvalidInputMode> {
        let named = |rest: &str| (!rest.is_empty()).then(|| rest.to_owned());
        match text {
            "arg" => Some(Self::Arg),
            "stdin" => Some(Self::Stdin),
            "json-stdin" => Some(Self::JsonStdin),
            other => other
                .strip_prefix("env:")
                .and_then(named)
                .map(Self::Env)
                .or_else(|| {
                    let path = other.strip_prefix("json-file:").and_then(named)?;
                    Some(Self::JsonFile(path.into()))
                }),
        }
        .ok_or_else(|| InvalidInputMode(text.to_owned()))
    }
}

impl fmt::Display for InputMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arg => f.write_str("arg"),
            Self::Stdin => f.write_str("stdin"),
            Self::Env(name) => write!(f, "env:{name}"),
            Self::JsonStdin => f.write_str("json-stdin"),
            Self::JsonFile(path) => write!(f, "json-file:{path}"),
        }
    }
}

/// A command with its input put in place.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Prepared {
    /// The command line to run.
    pub command: Vec<String>,
    /// Variables to add to the environment.
    pub variables: Vec<(String, String)>,
    /// What to write to standard input; `None` leaves it to the caller.
    pub stdin: Option<String>,
    /// A file to write before the start, and its content.
    pub file: Option<(Utf8PathBuf, String)>,
}

/// Puts `input` in place for a run of `command`.
///
/// Without an input the command runs as it is. With one, `REWIND_INPUT` carries it in every mode, unless it
/// is larger than a variable can be or has a zero byte.
pub fn prepare(command: &[String], mode: &InputMode, input: Option<&str>) -> Prepared {
    let Some(input) = input else {
        return Prepared {
            command: command.to_vec(),
            ..Prepared::default()
        };
    };
    let has_place = command.iter().any(|word| word.contains(PLACE));
    let mut prepared = Prepared {
        command: command
            .iter()
            .map(|word| word.replace(PLACE, input))
            .collect(),
        variables: vec![input_variable(input)],
        ..Prepared::default()
    };
    match mode {
        InputMode::Arg if has_place => {}
        InputMode::Arg => prepared.command.push(input.to_owned()),
        InputMode::Stdin => prepared.stdin = Some(input.to_owned()),
        InputMode::Env(name) => prepared.variables.push((name.clone(), input.to_owned())),
        InputMode::JsonStdin => prepared.stdin = Some(format!("{}\n", as_json(input))),
        InputMode::JsonFile(path) => prepared.file = Some((path.clone(), as_json(input))),
    }
    prepared
}

/// Returns the variable that carries the input; empty where the system would refuse it: one that is too
/// large, or has a zero byte.
pub(super) fn input_variable(input: &str) -> (String, String) {
    let is_fit = input.len() <= LARGEST && !input.contains('\0');
    let value = if is_fit { input } else { "" };
    ("REWIND_INPUT".to_owned(), value.to_owned())
}

/// Returns the input itself where it is a JSON object or array, else `{"input": …}`.
fn as_json(input: &str) -> String {
    match serde_json::from_str::<Value>(input) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => value.to_string(),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | Err(_) => {
            serde_json::json!({ "input": input }).to_string()
        }
    }
}

/// The most bytes of a variable; Linux takes 128 KiB.
const LARGEST: usize = 100 * 1024;

/// Stands for the input inside a command.
const PLACE: &str = "{input}";

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn modes_read_back_as_written() {
        for text in [
            "arg",
            "stdin",
            "env:QUESTION",
            "json-stdin",
            "json-file:in.json",
        ] {
            assert_eq!(text.parse::<InputMode>().unwrap().to_string(), text);
        }
        for text in ["", "env:", "json-file:", "argument"] {
            assert!(text.parse::<InputMode>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_argument_goes_to_its_place_or_to_the_end() {
        let at_end = prepare(&words("agent run"), &InputMode::Arg, Some("a b"));
        assert_eq!(at_end.command, ["agent", "run", "a b"]);
        let placed = prepare(&words("agent --q={input} -v"), &InputMode::Arg, Some("a b"));
        assert_eq!(placed.command, ["agent", "--q=a b", "-v"]);
        assert!(
            placed
                .variables
                .contains(&("REWIND_INPUT".into(), "a b".into()))
        );
    }

    #[test]
    fn json_input_wraps_plain_text_and_passes_objects() {
        let text = prepare(&words("agent"), &InputMode::JsonStdin, Some("hi \"you\""));
        assert_eq!(
            text.stdin.as_deref(),
            Some("{\"input\":\"hi \\\"you\\\"\"}\n")
        );
        let object = prepare(&words("agent"), &InputMode::JsonStdin, Some(r#"{"q": 1}"#));
        assert_eq!(object.stdin.as_deref(), Some("{\"q\":1}\n"));
    }

    #[test]
    fn without_an_input_nothing_is_changed() {
        let prepared = prepare(&words("agent {input}"), &InputMode::Stdin, None);
        assert_eq!(prepared.command, ["agent", "{input}"]);
        assert_eq!(prepared.stdin, None);
    }
}
