//! Finds the run that this process belongs to.
//!
//! The clients of the SDKs start a server with a handful of variables, `PATH` and `HOME` among them, and
//! so without the one that leads to the run. The agent itself has it: it is one of the ancestors, whose
//! environment Linux shows to processes of the same user.

use std::fs;

/// The variable that leads to the run's port.
pub const TOOLS_VARIABLE: &str = "REWIND_TOOLS";

/// Returns the value of `REWIND_TOOLS` of the nearest ancestor that has one; always `None` where the system
/// does not show it.
pub fn tools_of_an_ancestor() -> Option<String> {
    let mut pid = rustix::process::getppid()?.as_raw_nonzero().get();
    for _generation in 0..GENERATIONS {
        if pid <= 1 {
            return None;
        }
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        if let Some(value) = variable(&environment) {
            return Some(value).filter(|value| !value.is_empty());
        }
        pid = parent(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
    }
    None
}

/// Returns the variable in a block of `NAME=value`, each closed by a zero byte.
fn variable(environment: &[u8]) -> Option<String> {
    let mut entries = environment.split(|byte| *byte == 0);
    entries.find_map(|entry| {
        let value = std::str::from_utf8(entry)
            .ok()?
            .strip_prefix(TOOLS_VARIABLE)?;
        value.strip_prefix('=').map(str::to_owned)
    })
}

/// Returns the parent in the content of `stat`: `PID (NAME) STATE PPID …`; the name may hold anything.
fn parent(stat: &str) -> Option<i32> {
    let (_name, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// How far up is looked.
const GENERATIONS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_found_among_others() {
        let block = b"PATH=/bin\0REWIND_TOOLS_X=no\0REWIND_TOOLS=http://127.0.0.1:1/r/t\0A=b\0";
        let found = variable(block);
        assert_eq!(found.as_deref(), Some("http://127.0.0.1:1/r/t"));
        assert_eq!(variable(b"A=b\0"), None);
    }

    #[test]
    fn the_parent_is_found_whatever_a_process_is_called() {
        assert_eq!(parent("12 (a) b) S 7 12 12 0"), Some(7));
        assert_eq!(parent("12 (x"), None);
    }
}
