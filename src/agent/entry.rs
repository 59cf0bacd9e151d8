//! Agents that are Python functions: a small runner imports the function, calls it, prints its result.

use camino::Utf8Path;

/// Returns the command that calls the function `entry`, such as `pkg.mod:fn`, in `cwd`: with the
/// interpreter of a `.venv` there, else with the `python3` of the `PATH`.
///
/// The input comes on standard input; the result goes to standard output as it is where it is a text,
/// else as JSON. What the function prints itself goes to standard error.
pub fn entry_command(entry: &str, cwd: &Utf8Path) -> Vec<String> {
    let own = cwd.join(".venv/bin/python3");
    let python = if own.is_file() {
        own.into_string()
    } else {
        "python3".to_owned()
    };
    vec![python, "-c".to_owned(), RUNNER.to_owned(), entry.to_owned()]
}

/// Returns whether the text names a Python function: `module:function`, dots on both sides.
pub fn is_entry(text: &str) -> bool {
    let is_dotted = |text: &str| {
        text.split('.').all(|name| {
            let mut chars = name.chars();
            chars
                .next()
                .is_some_and(|first| first == '_' || first.is_alphabetic())
                && chars.all(|c| c == '_' || c.is_alphanumeric())
        })
    };
    text.split_once(':')
        .is_some_and(|(module, function)| is_dotted(module) && is_dotted(function))
}

/// The runner, passed with `-c`.
const RUNNER: &str = include_str!("entry.py");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_a_module_and_a_function() {
        for text in ["agent:run", "pkg.mod:Class.method", "_a:_b"] {
            assert!(is_entry(text), "{text}");
        }
        for text in ["agent", "agent.py:run", "agent:", ":run", "a b:c", "a:1b"] {
            assert_eq!(is_entry(text), text == "agent.py:run", "{text}");
        }
    }
}
