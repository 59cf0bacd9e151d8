//! Finds a session's name and input in the agent's command line.

use camino::Utf8Path;

use crate::agent::is_entry;

/// Returns a name for what the command runs: the script's, else the program's, without its ending.
pub(super) fn of_command(command: &[String]) -> String {
    let script = command
        .iter()
        .skip(1)
        .find(|word| !word.starts_with('-'))
        .filter(|word| is_script(word));
    let module = command
        .iter()
        .skip_while(|word| *word != "-m")
        .nth(1)
        .map(|module| module.rsplit('.').next().unwrap_or(module));
    let stem = |word: &String| Utf8Path::new(word).file_stem().map(str::to_owned);
    let entry = match command {
        [entry] if is_entry(entry) => entry.split(['.', ':']).rev().nth(1),
        _ => None,
    };
    module
        .or(entry)
        .map(str::to_owned)
        .or_else(|| script.and_then(stem))
        .or_else(|| command.first().and_then(stem))
        .unwrap_or_else(|| "agent".to_owned())
}

fn is_script(word: &str) -> bool {
    let ending = Utf8Path::new(word).extension().unwrap_or_default();
    [
        "py", "js", "mjs", "cjs", "ts", "mts", "rb", "sh", "php", "lua",
    ]
    .contains(&ending)
}

/// Returns the input of the agent: the one word that follows the configured command.
pub(super) fn input(command: &[String], configured: &[String]) -> Option<String> {
    if configured.is_empty() {
        return None;
    }
    match command.strip_prefix(configured)? {
        [input] => Some(input.clone()),
        [] | [_, _, ..] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn sessions_are_named_after_the_script() {
        let cases = [
            ("python3 examples/research/agent.py Tokyo", "agent"),
            ("python3 -u agent.py", "agent"),
            ("python3 -m my.pkg.bot run", "bot"),
            ("./target/release/my-agent --fast", "my-agent"),
            ("npx tsx src/main.ts", "npx"),
            ("uv run app.py", "uv"),
            ("pkg.mod:run", "mod"),
        ];
        for (line, name) in cases {
            assert_eq!(of_command(&words(line)), name, "{line}");
        }
    }

    #[test]
    fn the_input_is_what_follows_the_configured_command() {
        let configured = words("python3 agent.py");
        assert_eq!(
            input(&words("python3 agent.py why"), &configured).as_deref(),
            Some("why")
        );
        assert_eq!(input(&words("python3 agent.py"), &configured), None);
        assert_eq!(input(&words("python3 agent.py a b"), &configured), None);
        assert_eq!(input(&words("python3 other.py a"), &configured), None);
        assert_eq!(input(&words("why"), &[]), None);
    }
}
