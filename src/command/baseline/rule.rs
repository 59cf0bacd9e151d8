//! A normalise rule, and how it gets into `rewind.toml`.

use std::fs;

use camino::Utf8Path;

use super::draft::quoted;
use super::place::unwritable;
use crate::command::CommandError;
use crate::config::Config;

/// A rule that makes two runs equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    /// Text that matches is replaced.
    Pattern {
        /// The regular expression; its first group stays.
        pattern: String,
        /// What stands in its place.
        replace: String,
    },
    /// A value is not compared.
    Pointer(String),
    /// An array has no order.
    Sort(String),
    /// Lines that match have no order among each other.
    SortLines(String),
}

impl Rule {
    /// Returns the lines of `rewind.toml`.
    pub(super) fn to_toml(&self) -> String {
        let lines = match self {
            Self::Pattern { pattern, replace } => {
                format!(
                    "pattern = {}\nreplace = {}",
                    quoted(pattern),
                    quoted(replace)
                )
            }
            Self::Pointer(pointer) => format!("pointer = {}", quoted(pointer)),
            Self::Sort(pointer) => format!("sort = {}", quoted(pointer)),
            Self::SortLines(pattern) => format!("sort_lines = {}", quoted(pattern)),
        };
        format!("[[replay.normalise]]\n{lines}\n")
    }
}

/// Adds rules at the end of the configuration file; all that stands there stays as it is.
///
/// # Errors
/// There is no file, it can't be written, or it writes its rules in another way.
pub(super) fn add(rules: &[Rule], config: &Config) -> Result<(), CommandError> {
    let lines: Vec<String> = rules.iter().map(Rule::to_toml).collect();
    let lines = lines.join("\n");
    let Some(path) = &config.path else {
        return Err(
            CommandError::usage("there is no rewind.toml to write the rule into")
                .help(format!("write one with:\n\n{lines}")),
        );
    };
    let failed = |error: std::io::Error| unwritable(path, &error);
    let old = fs::read_to_string(path).map_err(failed)?;
    let new = format!(
        "{}\n\n# Changes on every run though nothing happened; found by `rewind baseline create --fix`.\n{lines}",
        old.trim_end()
    );
    if let Err(error) = Config::parse(path, &new) {
        tracing::debug!(%error, "the rules can't be appended");
        return Err(
            CommandError::usage(format!("the rules can't be added at the end of {path}"))
                .help(format!("add them by hand:\n\n{lines}")),
        );
    }
    write(path, &new)
}

fn write(path: &Utf8Path, text: &str) -> Result<(), CommandError> {
    let aside = path.with_extension("toml.new");
    fs::write(&aside, text)
        .and_then(|()| fs::rename(&aside, path))
        .map_err(|error| unwritable(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Normalise;

    #[test]
    fn rules_are_added_behind_what_people_wrote() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("rewind.toml");
        let own = "# mine\n[replay] # here\nexhausted = \"miss\"\n\n[gate]\njobs = 1\n";
        fs::write(&path, own).unwrap();
        let rules = [
            Rule::Pattern {
                pattern: r#"(it's "no" )\d+"#.into(),
                replace: "${1}<any>".into(),
            },
            Rule::Pointer("/a~1b/*".into()),
            Rule::Sort(String::new()),
            Rule::SortLines("^\\* ".into()),
        ];
        add(&rules, &Config::load(&path, &|_name| None).unwrap()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(own.trim_end()), "{text}");
        let read = Config::load(&path, &|_name| None).unwrap();
        assert_eq!(
            read.replay.normalise,
            [
                Normalise::Pattern {
                    pattern: r#"(it's "no" )\d+"#.into(),
                    replace: "${1}<any>".into()
                },
                Normalise::Pointer("/a~1b/*".into()),
                Normalise::Sort(String::new()),
                Normalise::SortLines("^\\* ".into()),
            ]
        );
    }

    #[test]
    fn a_file_that_lists_its_rules_inline_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("rewind.toml");
        let own = "replay = { normalise = [{ pointer = \"/x\" }] }\n";
        fs::write(&path, own).unwrap();
        let error = add(
            &[Rule::Sort("/y".into())],
            &Config::load(&path, &|_name| None).unwrap(),
        )
        .unwrap_err();
        assert!(error.help.unwrap().contains("sort = \"/y\""));
        assert_eq!(fs::read_to_string(&path).unwrap(), own);
    }
}
