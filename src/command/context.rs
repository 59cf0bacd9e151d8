//! What a command may know of the world around it.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

/// The environment of the process, read once at the door and injected.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each stream is a terminal or not"
)]
pub struct Context {
    /// The environment variables that are valid Unicode.
    pub env: BTreeMap<String, String>,
    /// The working directory.
    pub cwd: Utf8PathBuf,
    /// The file of this program, where the system says it.
    pub program: Option<Utf8PathBuf>,
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// Whether standard input is a terminal.
    pub stdin_is_terminal: bool,
}

impl Context {
    /// Returns the value of an environment variable that is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Returns whether this is a CI job: `CI` is set to anything but `false` or `0`.
    pub fn is_ci(&self) -> bool {
        self.var("CI")
            .is_some_and(|value| value != "false" && value != "0")
    }
}
