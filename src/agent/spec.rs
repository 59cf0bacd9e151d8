//! An agent as configured, made into runs: each with its own directory, input and routing.

use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

use super::input::{InputMode, prepare};
use super::launch::{Launch, Stdio};
use super::{Environment, Routing};

/// How an agent is run, whatever its input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSpec {
    /// The command and its arguments, without the input.
    pub command: Vec<String>,
    /// The working directory.
    pub cwd: Utf8PathBuf,
    /// The environment, before anything of the run is added.
    pub environment: Environment,
    /// How the input reaches the agent.
    pub input: InputMode,
    /// The longest time it may run.
    pub timeout: Option<Duration>,
    /// Where its standard streams lead.
    pub stdio: Stdio,
    /// Whether Rewind's own standard input is a terminal.
    pub on_terminal: bool,
}

impl AgentSpec {
    /// Returns a run of the agent whose traffic goes through `routing`; writes its input file, if any.
    ///
    /// # Errors
    /// The input file could not be written.
    pub fn run(
        &self,
        input: Option<&str>,
        routing: &Routing,
        run_dir: &RunDir,
    ) -> io::Result<Launch> {
        let prepared = prepare(&self.command, &self.input, input);
        if let Some((path, content)) = prepared.file {
            let path = run_dir.path().join(path);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(path, content)?;
        }
        let mut environment = self.environment.clone();
        routing.apply(&mut environment);
        environment.set_run_dir(run_dir.path());
        environment.set(prepared.variables);
        Ok(Launch {
            command: prepared.command,
            cwd: self.cwd.clone(),
            env: environment.variables,
            stdin: prepared.stdin,
            stdio: self.stdio,
            on_terminal: self.on_terminal,
            timeout: self.timeout,
        })
    }
}

/// The directory of one run, with its `tmp` in it; gone when dropped.
#[derive(Debug)]
pub struct RunDir {
    _dir: TempDir,
    path: Utf8PathBuf,
}

impl RunDir {
    /// Makes a fresh directory.
    ///
    /// # Errors
    /// The system's directory for temporary files can't be written, or its path is no UTF-8.
    pub fn create() -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("rewind-run-").tempdir()?;
        let path = Utf8Path::from_path(dir.path())
            .ok_or(io::ErrorKind::InvalidFilename)?
            .to_owned();
        std::fs::create_dir(path.join("tmp"))?;
        Ok(Self { _dir: dir, path })
    }

    /// Returns its path.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_its_own_directories_and_its_input() {
        let spec = AgentSpec {
            command: vec!["agent".into()],
            cwd: "/".into(),
            environment: Environment::default(),
            input: InputMode::JsonFile("in/question.json".into()),
            timeout: None,
            stdio: Stdio::Inherit,
            on_terminal: false,
        };
        let routing = Routing {
            base: "http://127.0.0.1:9/r/t".into(),
            placeholder: "rewind-t".into(),
        };
        let dir = RunDir::create().unwrap();
        let run = spec.run(Some("why?"), &routing, &dir).unwrap();
        let written = std::fs::read_to_string(dir.path().join("in/question.json")).unwrap();
        assert_eq!(written, r#"{"input":"why?"}"#);
        assert_eq!(run.env["REWIND_RUN_DIR"], dir.path().as_str());
        assert!(Utf8Path::new(&run.env["TMPDIR"]).is_dir());
        assert_eq!(run.env["REWIND_INPUT"], "why?");
    }
}
