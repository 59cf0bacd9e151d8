//! `rewind init`: looks at a repository, asks what it can't see, and writes what a first gate needs.
//!
//! Nothing that exists is replaced unless that is asked for; lines are added to `.gitignore` and
//! `.gitattributes` only where they are missing.

mod files;
mod guess;
mod look;
mod render;

use std::io::{BufRead, Write};

use camino::Utf8PathBuf;

use self::files::{Done, add_lines, write_new};
use self::guess::{Guess, Kind};
use super::{CommandError, Context};
use crate::config::FILE_NAME;
use crate::exit::Exit;

/// What was typed.
#[derive(Debug, Clone, Default)]
pub struct InitOptions {
    /// Whether to ask nothing.
    pub yes: bool,
    /// The agent's command, as a line; guessed where it is not given.
    pub agent_command: Option<String>,
    /// Whether files that exist are replaced.
    pub force: bool,
}

/// Writes the files of a first gate into the working directory, and to `out` what to do next.
///
/// # Errors
/// A command that can't be read, a file that can't be written.
pub fn run(
    options: &InitOptions,
    context: &Context,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let found = look::look(&context.cwd);
    let mut guess = guess::guess(&found);
    if let Some(line) = &options.agent_command {
        guess.set_command(words(line)?);
    }
    let asks = !options.yes && context.stdin_is_terminal && context.stdout_is_terminal;
    if asks {
        ask(&mut guess, options, input, out)?;
    }
    let config = render::config(&guess);
    let repository = repository(&context.cwd);
    let below = context
        .cwd
        .strip_prefix(&repository)
        .unwrap_or(&context.cwd);
    let workflow = render::workflow(&guess, below);
    let mut done = Vec::new();
    let at = |path: &str| context.cwd.join(path);
    done.push(write_new(
        &at(FILE_NAME),
        FILE_NAME,
        &config,
        options.force,
    )?);
    done.push(add_lines(&at(".gitignore"), ".gitignore", &IGNORED)?);
    done.push(add_lines(
        &at(".gitattributes"),
        ".gitattributes",
        &ATTRIBUTES,
    )?);
    let path = repository.join(WORKFLOW);
    done.push(write_new(&path, WORKFLOW, &workflow, options.force)?);
    let text = summary(&guess, &done);
    if let Err(error) = out.write_all(text.as_bytes()) {
        tracing::debug!(%error, "standard output is closed");
    }
    Ok(Exit::Pass)
}

/// Asks for the agent's command, the one thing that has to be right.
fn ask(
    guess: &mut Guess,
    options: &InitOptions,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    if options.agent_command.is_some() {
        return Ok(());
    }
    let shown = guess.line();
    let usual = if shown.is_empty() {
        String::new()
    } else {
        format!(" [{shown}]")
    };
    let mut answer = String::new();
    write!(out, "How is the agent started, without its input?{usual} ")
        .and_then(|()| out.flush())
        .and_then(|()| input.read_line(&mut answer))
        .map_err(CommandError::usage)?;
    let answer = answer.trim();
    if !answer.is_empty() {
        guess.set_command(words(answer)?);
    }
    Ok(())
}

/// Returns the words of a command line: quotes keep spaces, nothing else is special.
fn words(line: &str) -> Result<Vec<String>, CommandError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (Some(_) | None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match quote {
        Some(open) => Err(CommandError::usage(format!(
            "the command `{line}` has a {open} without its end"
        ))),
        None if words.is_empty() => Err(CommandError::usage("the agent's command is empty")
            .help("write one such as --agent-command \"python3 agent.py\"")),
        None => Ok(words),
    }
}

/// Returns the root of the git repository, or the folder itself outside one.
fn repository(cwd: &camino::Utf8Path) -> Utf8PathBuf {
    cwd.ancestors()
        .find(|folder| folder.join(".git").exists())
        .unwrap_or(cwd)
        .to_owned()
}

fn summary(guess: &Guess, done: &[Done]) -> String {
    let mut lines: Vec<String> = done.iter().map(ToString::to_string).collect();
    lines.push(String::new());
    for reason in &guess.reasons {
        lines.push(format!("found: {reason}"));
    }
    if guess.kind == Kind::Unknown {
        lines.push(format!(
            "found no agent: write its command into {FILE_NAME}, or repeat with --force --agent-command \"…\""
        ));
    }
    lines.push("next:".to_owned());
    let question = "--input \"a question for the agent\"";
    let key = match guess.provider {
        Some(provider) => format!("    # with {} set", provider.key),
        None => String::new(),
    };
    lines.extend([
        format!("  rewind record --name first {question}{key}"),
        "  rewind show first".to_owned(),
        "  rewind baseline create first --name first".to_owned(),
        "  rewind gate".to_owned(),
        "Commit what init wrote and baselines/; pull requests are gated from then on, for now without failing"
            .to_owned(),
        format!("any ([gate] enforce in {FILE_NAME})."),
    ]);
    lines.push(String::new());
    lines.join("\n")
}

/// Where the workflow stands in a repository.
const WORKFLOW: &str = ".github/workflows/rewind.yml";

/// What git is not to keep.
const IGNORED: [&str; 2] = [".rewind/", "rewind-report/"];

/// What reviewers need not read.
const ATTRIBUTES: [&str; 2] = [
    "baselines/*/session/** linguist-generated",
    "baselines/*/session/wire.jsonl -diff",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what a terminal shows and the command that is written, with this typed.
    fn asked(typed: &str) -> (String, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let cwd = Utf8PathBuf::from_path_buf(dir.path().to_owned()).unwrap();
        let agent = "import openai, sys\nsys.argv[1]\n";
        std::fs::write(cwd.join("agent.py"), agent).unwrap();
        let context = Context {
            cwd: cwd.clone(),
            stdin_is_terminal: true,
            stdout_is_terminal: true,
            ..Context::default()
        };
        let mut out = Vec::new();
        let mut input = typed.as_bytes();
        run(&InitOptions::default(), &context, &mut input, &mut out).unwrap();
        let config = crate::config::Config::load(&cwd.join(FILE_NAME), &|_name| None).unwrap();
        (String::from_utf8(out).unwrap(), config.agent.command)
    }

    #[test]
    fn a_terminal_is_asked_for_the_command_and_enter_takes_the_guess() {
        let (shown, command) = asked("\n");
        assert!(
            shown.starts_with("How is the agent started, without its input? [python3 agent.py] ")
        );
        assert_eq!(command, ["python3", "agent.py"]);
        assert_eq!(asked("").1, ["python3", "agent.py"]);
        assert_eq!(asked("uv run agent.py\n").1, ["uv", "run", "agent.py"]);
    }

    #[test]
    fn a_command_is_split_as_a_shell_would() {
        let line = "uv run  python -c 'print(1)' \"a b\"\"c\" ''";
        let split = words(line).unwrap();
        assert_eq!(split, ["uv", "run", "python", "-c", "print(1)", "a bc", ""]);
        for wrong in ["", "  ", "a 'b"] {
            assert!(words(wrong).is_err(), "{wrong}");
        }
    }
}
