//! Provider keys from a file or standard input, so that they need not stand in the environment.

use std::collections::BTreeMap;
use std::io::{self, Read as _};

use camino::{Utf8Path, Utf8PathBuf};
use secrecy::SecretString;

use crate::proxy::providers;

/// Keys by the name of their provider.
pub type Keys = BTreeMap<String, SecretString>;

/// A key file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file can't be read.
    #[error("the key file {path} can't be read")]
    Read {
        /// The file; `-` for standard input.
        path: Utf8PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A line is not `NAME=KEY`. The line itself is not shown: it may be a key.
    #[error(
        "line {line} of the key file {path} is not NAME=KEY, such as OPENAI_API_KEY=… or openai=…"
    )]
    Line {
        /// The file.
        path: Utf8PathBuf,
        /// The line's number, from 1.
        line: usize,
    },
}

/// Reads the keys in a file of lines `NAME=KEY`; `-` is standard input.
///
/// NAME is a provider's name or one of its key variables. Empty lines and lines that begin with `#`
/// are skipped.
///
/// # Errors
/// [`KeyFileError`], without anything of the content.
pub fn read_keys(path: &Utf8Path) -> Result<Keys, KeyFileError> {
    let content = if path == "-" {
        let mut content = String::new();
        io::stdin()
            .read_to_string(&mut content)
            .map(|_count| content)
    } else {
        std::fs::read_to_string(path)
    };
    let content = content.map_err(|source| KeyFileError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(&content).map_err(|line| KeyFileError::Line {
        path: path.to_owned(),
        line,
    })
}

/// Returns the keys, or the number of the line that is wrong.
fn parse(content: &str) -> Result<Keys, usize> {
    let mut keys = Keys::new();
    for (number, line) in (1..).zip(content.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, key) = line.split_once('=').ok_or(number)?;
        let key = key.trim().trim_matches(['"', '\'']);
        let name = name.trim();
        let name = name.strip_prefix("export ").unwrap_or(name).trim();
        if key.is_empty() || name.is_empty() {
            return Err(number);
        }
        keys.insert(provider_of(name).to_owned(), SecretString::from(key));
    }
    Ok(keys)
}

/// Returns the provider that reads its key from the variable `name`, else `name` itself.
fn provider_of(name: &str) -> &str {
    providers::KNOWN
        .iter()
        .find(|known| known.key_variables.contains(&name))
        .map_or(name, |known| known.name)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn keys_are_named_by_provider_or_variable() {
        let text = "# keys\nOPENAI_API_KEY=sk-1\n\nexport ANTHROPIC_API_KEY=\"sk-2\"\nlocal = x\n";
        let keys = parse(text).unwrap();
        assert_eq!(keys["openai"].expose_secret(), "sk-1");
        assert_eq!(keys["anthropic"].expose_secret(), "sk-2");
        assert_eq!(keys["local"].expose_secret(), "x");
    }

    #[test]
    fn an_error_shows_the_line_number_but_nothing_of_the_line() {
        assert_eq!(parse("a=b\nsk-secret").unwrap_err(), 2);
        assert_eq!(parse("openai=").unwrap_err(), 1);
    }
}
