//! An agent as configured, made into runs: each with its own directory, input and routing.

use std::fs;
use std::future::Future;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use futures_util::future::{Either, select};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::answer::{Stamp, with_file};
use super::auto::Hooks;
use super::copy::{RUN_PREFIX, copy_folder};
use super::error::AgentError;
use super::forwarded;
use super::hook::Hook;
use super::input::{InputMode, input_variable, prepare};
use super::launch::{Ended, Launch, Stdio, launch};
use super::missing::missing_script;
use super::service::{Service, Talk, free_port};
use super::watch::Ending;
use super::{Environment, Routing};

/// How an agent is run, whatever its input.
#[derive(Debug, Clone, Default)]
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
    /// Hooks for the tools of known frameworks, where they are asked for.
    pub hooks: Option<Hooks>,
    /// How it is asked, where it is a service.
    pub service: Option<Service>,
    /// What runs before it; where that fails, the agent does not run.
    pub before: Option<Hook>,
    /// What runs after it, in any case.
    pub after: Option<Hook>,
    /// The file that holds its answer, from its working directory; `{run_dir}` stands for the run's.
    pub answer_file: Option<String>,
    /// Whether its answer stands in place of its standard output: that of a service.
    pub answers: bool,
    /// The folder of which every run gets a copy.
    pub copied: Option<Utf8PathBuf>,
    /// Held by a run that no other may overlap.
    pub alone: Option<Arc<Mutex<()>>>,
}

impl AgentSpec {
    /// Runs the agent to its end with its traffic through `routing`, with all that belongs around it.
    ///
    /// What an agent answers by a file, or as a service, is found in [`Ended::stdout`].
    ///
    /// # Errors
    /// The agent can't be run, or what has to come before it failed.
    pub async fn execute(
        &self,
        input: Option<&str>,
        routing: &Routing,
        run_dir: &RunDir,
        cancel: impl Future<Output = ()>,
    ) -> Result<Ended, AgentError> {
        let _alone = match &self.alone {
            Some(alone) => Some(alone.lock().await),
            None => None,
        };
        let cwd = self.own_cwd(run_dir).await?;
        let prepared = self.prepared(input, run_dir)?;
        let mut bare = self.environment.clone();
        bare.set_run_dir(run_dir.path());
        bare.set(prepared.variables.clone());
        if let Some(before) = &self.before {
            before.run("before", &cwd, &bare.variables).await?;
        }
        let mut environment = bare.clone();
        routing.apply(&mut environment);
        if let Some(door) = &routing.door {
            forwarded::apply(door, run_dir.path(), &mut environment)
                .map_err(AgentError::Directory)?;
        }
        if let Some(hooks) = &self.hooks {
            hooks
                .apply(run_dir.path(), &mut environment)
                .map_err(AgentError::Directory)?;
        }
        let plan = Launch {
            command: prepared.command,
            cwd: cwd.clone(),
            env: environment.variables,
            stdin: prepared.stdin,
            stdio: self.stdio,
            on_terminal: self.on_terminal,
            timeout: self.timeout,
        };
        let file = self.answer_file.as_ref().map(|path| {
            let path = cwd.join(path.replace(RUN_DIR, run_dir.path().as_str()));
            let before = Stamp::of(&path);
            (path, before)
        });
        let missing = cwd.is_dir().then(|| missing_script(&plan.command, &cwd));
        let ran = match (missing.flatten(), &self.service) {
            (Some(error), _) => Err(error),
            (None, Some(service)) => self.serve(service, plan, input, cancel).await,
            (None, None) => launch(plan, cancel).await,
        };
        let ran = ran.map(|ended| with_file(ended, file));
        let Some(after) = &self.after else {
            return ran;
        };
        match (ran, after.run("after", &cwd, &bare.variables).await) {
            (Ok(mut ended), Err(error)) => {
                ended.faults.push(error.to_string());
                Ok(ended)
            }
            (ran, _after) => ran,
        }
    }

    /// Starts the service, asks it turn by turn, and stops it.
    async fn serve(
        &self,
        service: &Service,
        mut plan: Launch,
        input: Option<&str>,
        cancel: impl Future<Output = ()>,
    ) -> Result<Ended, AgentError> {
        let port = free_port().map_err(AgentError::Directory)?;
        for word in &mut plan.command {
            *word = word.replace("{port}", &port.to_string());
        }
        plan.env
            .insert("REWIND_AGENT_PORT".to_owned(), port.to_string());
        plan.on_terminal = false;
        plan.stdin = Some(String::new());
        let talked = OnceLock::new();
        let talk = async {
            let talk = service.talk(port, input).await;
            let _first = talked.set(talk);
        };
        let over = async {
            match select(std::pin::pin!(talk), std::pin::pin!(cancel)).await {
                Either::Left(_) | Either::Right(_) => {}
            }
        };
        let ended = launch(plan, over).await?;
        Ok(self.served(ended, talked.into_inner()))
    }

    /// Returns how a run of a service ended: by what it answered, not by how it was stopped.
    fn served(&self, mut ended: Ended, talk: Option<Talk>) -> Ended {
        let Some(Talk { answer, fault }) = talk else {
            ended.exit = if ended.exit == 0 { 1 } else { ended.exit };
            if self.answers {
                ended.stdout = None;
            }
            if ended.ending == Ending::Own {
                ended.faults.push(format!(
                    "the service ended with status {} before it had answered every turn",
                    ended.exit
                ));
            }
            return ended;
        };
        ended.ending = match ended.ending {
            Ending::Cancelled => Ending::Own,
            other @ (Ending::Own | Ending::TimedOut | Ending::Interrupted) => other,
        };
        ended.exit = i32::from(fault.is_some());
        ended.faults.extend(fault);
        if self.answers {
            ended.stdout = answer.map(String::into_bytes);
        }
        ended
    }

    /// Returns the working directory of the run that has this directory: in its own copy where it gets one.
    pub fn cwd_of(&self, run_dir: &Utf8Path) -> Utf8PathBuf {
        match &self.copied {
            Some(root) => run_dir.join(COPY).join(self.below(root)),
            None => self.cwd.clone(),
        }
    }

    /// Returns the working directory as seen from the folder that is copied; empty where it does not lie
    /// in it, and so is itself what is copied.
    fn below(&self, root: &Utf8Path) -> &Utf8Path {
        let below = self.cwd.strip_prefix(root).ok();
        let leads_up = |path: &&Utf8Path| path.components().any(|c| c == Utf8Component::ParentDir);
        below
            .filter(|path| !leads_up(path))
            .unwrap_or(Utf8Path::new(""))
    }

    /// Returns the working directory of a run, once its copy is made where it gets one.
    async fn own_cwd(&self, run_dir: &RunDir) -> Result<Utf8PathBuf, AgentError> {
        let cwd = self.cwd_of(run_dir.path());
        let Some(root) = self.copied.clone() else {
            return Ok(cwd);
        };
        if !self.cwd.is_dir() {
            return Err(AgentError::NoDirectory {
                path: self.cwd.clone(),
            });
        }
        let is_in_it = self.cwd == root || self.below(&root) != "";
        let from = if is_in_it { root } else { self.cwd.clone() };
        let target = run_dir.path().join(COPY);
        let copied = tokio::task::spawn_blocking(move || copy_folder(&from, &target)).await;
        copied
            .map_err(io::Error::other)
            .and_then(|done| done)
            .map_err(AgentError::Directory)?;
        Ok(cwd)
    }

    /// Returns the command with its input in place; writes the input's file, if any.
    fn prepared(
        &self,
        input: Option<&str>,
        run_dir: &RunDir,
    ) -> Result<super::Prepared, AgentError> {
        if self.service.is_some() {
            return Ok(super::Prepared {
                command: self.command.clone(),
                variables: vec![input_variable(input.unwrap_or_default())],
                ..super::Prepared::default()
            });
        }
        let prepared = prepare(&self.command, &self.input, input);
        if let Some((path, content)) = &prepared.file {
            let path = run_dir.path().join(path);
            path.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(path, content))
                .map_err(AgentError::Directory)?;
        }
        Ok(prepared)
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
        let dir = tempfile::Builder::new().prefix(RUN_PREFIX).tempdir()?;
        let path = Utf8Path::from_path(dir.path())
            .ok_or(io::ErrorKind::InvalidFilename)?
            .to_owned();
        fs::create_dir(path.join("tmp"))?;
        Ok(Self { _dir: dir, path })
    }

    /// Returns its path.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }
}

/// Stands for the directory of the run in the path of an answer's file.
const RUN_DIR: &str = "{run_dir}";

/// The copy of the agent's folder in a run's directory.
const COPY: &str = "copy";

#[cfg(test)]
mod tests;
