//! Reads the environment of the process, here and nowhere else.

use std::io::{IsTerminal as _, stderr, stdin, stdout};

use camino::Utf8PathBuf;

use crate::command::Context;

/// Returns the environment of this process.
pub(super) fn from_process() -> Context {
    let env = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let cwd = std::env::current_dir()
        .ok()
        .and_then(|path| Utf8PathBuf::from_path_buf(path).ok())
        .unwrap_or_else(|| Utf8PathBuf::from("."));
    let program = std::env::current_exe().ok();
    let program = program.and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
    Context {
        env,
        cwd,
        program,
        stdout_is_terminal: stdout().is_terminal(),
        stderr_is_terminal: stderr().is_terminal(),
        stdin_is_terminal: stdin().is_terminal(),
    }
}
