//! An agent as configured, made into runs: each with its own directory, input and routing.

use std::fs;
use std::future::Future;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use futures_util::future::{Either, select};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::copy::copy_folder;
use super::error::AgentError;
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
        let ran = match (missing_script(&plan.command, &cwd), &self.service) {
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
            Some(root) => {
                let below = self.cwd.strip_prefix(root).unwrap_or(Utf8Path::new(""));
                run_dir.join(COPY).join(below)
            }
            None => self.cwd.clone(),
        }
    }

    /// Returns the working directory of a run, once its copy is made where it gets one.
    async fn own_cwd(&self, run_dir: &RunDir) -> Result<Utf8PathBuf, AgentError> {
        let cwd = self.cwd_of(run_dir.path());
        let Some(root) = self.copied.clone() else {
            return Ok(cwd);
        };
        let from = if self.cwd.starts_with(&root) {
            root
        } else {
            self.cwd.clone()
        };
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

/// Puts the content of the answer's file in the place of standard output; a file that the run did not
/// write is no answer.
fn with_file(mut ended: Ended, file: Option<(Utf8PathBuf, Option<Stamp>)>) -> Ended {
    if let Some((path, before)) = file {
        let now = Stamp::of(&path);
        ended.stdout = fs::read(&path).ok().filter(|_content| now != before);
        if now.is_some() && now == before {
            ended.faults.push(format!(
                "the agent did not write its answer: {path} is older than this run"
            ));
        }
    }
    ended
}

/// By what a file that was written can be told from one that was not.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Utf8Path) -> Option<Self> {
        let data = fs::metadata(path).ok()?;
        Some(Self {
            inode: data.ino(),
            size: data.size(),
            modified: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
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
mod tests {
    use std::collections::BTreeMap;
    use std::future::pending;

    use super::*;

    fn spec(dir: &Utf8Path, script: &str) -> AgentSpec {
        AgentSpec {
            command: ["sh", "-c", script].map(str::to_owned).into(),
            cwd: dir.to_owned(),
            environment: Environment {
                variables: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
                removed: Vec::new(),
            },
            stdio: Stdio::Capture { limit: 1 << 20 },
            ..AgentSpec::default()
        }
    }

    fn hook(script: &str) -> Hook {
        Hook {
            command: ["sh", "-c", script].map(str::to_owned).into(),
            timeout: Duration::from_mins(1),
        }
    }

    async fn execute(spec: &AgentSpec, input: Option<&str>) -> Result<Ended, AgentError> {
        let routing = Routing {
            base: "http://127.0.0.1:9/r/t".into(),
            placeholder: "rewind-t".into(),
        };
        let run_dir = RunDir::create().unwrap();
        spec.execute(input, &routing, &run_dir, pending()).await
    }

    fn folder() -> (TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().to_owned();
        (dir, path)
    }

    fn text(ended: &Ended) -> Option<&str> {
        let stdout = ended.stdout.as_deref();
        stdout.map(|bytes| std::str::from_utf8(bytes).unwrap())
    }

    #[tokio::test]
    async fn a_run_has_its_own_directories_and_its_input() {
        let (_dir, path) = folder();
        let mut spec = spec(
            &path,
            "cat \"$REWIND_RUN_DIR/in/question.json\"; test -d \"$TMPDIR\" && echo \" $REWIND_INPUT\"",
        );
        spec.input = InputMode::JsonFile("in/question.json".into());
        let ended = execute(&spec, Some("why?")).await.unwrap();
        assert_eq!(text(&ended), Some("{\"input\":\"why?\"} why?\n"));
    }

    #[tokio::test]
    async fn an_input_larger_than_a_variable_still_arrives() {
        let (_dir, path) = folder();
        let mut spec = spec(&path, "wc -c; echo \"[$REWIND_INPUT]\"");
        spec.input = InputMode::Stdin;
        let ended = execute(&spec, Some(&"x".repeat(300_000))).await.unwrap();
        let said = text(&ended).unwrap().replace(' ', "");
        assert_eq!(said, "300000\n[]\n");
    }

    #[tokio::test]
    async fn what_comes_after_runs_though_the_agent_failed_and_what_comes_before_must_hold() {
        let (_dir, path) = folder();
        let mut spec = spec(&path, "cat order; exit 3");
        spec.before = Some(hook("echo before > order"));
        spec.after = Some(hook("echo after >> order; exit 5"));
        let ended = execute(&spec, None).await.unwrap();
        assert_eq!((ended.exit, text(&ended)), (3, Some("before\n")));
        assert!(ended.faults[0].contains("`after`"), "{:?}", ended.faults);
        let order = fs::read_to_string(path.join("order")).unwrap();
        assert_eq!(order, "before\nafter\n");
        spec.before = Some(hook("exit 4"));
        let error = execute(&spec, None).await.unwrap_err().to_string();
        assert!(error.contains("`before`"), "{error}");
        let order = fs::read_to_string(path.join("order")).unwrap();
        assert_eq!(order, "before\nafter\n", "nothing else ran");
    }

    #[tokio::test]
    async fn an_answer_file_of_an_earlier_run_is_no_answer() {
        let (_dir, path) = folder();
        let mut writes = spec(&path, "echo answer > out.txt");
        writes.answer_file = Some("out.txt".into());
        let ended = execute(&writes, None).await.unwrap();
        assert_eq!(text(&ended), Some("answer\n"));
        let mut silent = spec(&path, "true");
        silent.answer_file = Some("out.txt".into());
        let ended = execute(&silent, None).await.unwrap();
        assert_eq!(text(&ended), None);
        assert!(ended.faults[0].contains("older"), "{:?}", ended.faults);
        let mut own = spec(&path, "echo mine > \"$REWIND_RUN_DIR/out.txt\"");
        own.answer_file = Some("{run_dir}/out.txt".into());
        let ended = execute(&own, None).await.unwrap();
        assert_eq!(text(&ended), Some("mine\n"));
    }

    #[tokio::test]
    async fn a_run_in_a_copy_leaves_the_original_as_it_is() {
        let (_dir, path) = folder();
        fs::create_dir(path.join("sub")).unwrap();
        fs::write(path.join("sub/out.txt"), "old").unwrap();
        let mut spec = spec(&path.join("sub"), "echo new > out.txt");
        spec.copied = Some(path.clone());
        spec.answer_file = Some("out.txt".into());
        let ended = execute(&spec, None).await.unwrap();
        assert_eq!(text(&ended), Some("new\n"));
        let kept = fs::read_to_string(path.join("sub/out.txt")).unwrap();
        assert_eq!(kept, "old");
    }
}
