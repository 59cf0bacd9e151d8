//! Runs an agent to its end: signals passed on, time limited, nothing left behind.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio as Pipe};
use std::time::Duration;

use camino::Utf8PathBuf;
use rustix::process::Pid;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use super::error::{AgentError, not_started};
use super::group::Group;
use super::locate::located;
use super::output::{Keep, Reading, Show};
use super::watch::{Ending, Watch};

/// Where the agent's standard streams lead.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stdio {
    /// To those of Rewind, terminal and all.
    #[default]
    Inherit,
    /// To those of Rewind, while standard output is kept too; it is no terminal for the agent.
    Tee {
        /// The most bytes of standard output that are kept.
        limit: usize,
    },
    /// Into memory; standard input is empty.
    Capture {
        /// The most bytes of standard output that are kept.
        limit: usize,
    },
}

/// A run of an agent, completely described.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Launch {
    /// The command and its arguments.
    pub command: Vec<String>,
    /// The working directory.
    pub cwd: Utf8PathBuf,
    /// The whole environment of the agent, see [`Environment`](super::Environment).
    pub env: BTreeMap<String, String>,
    /// What the agent reads on standard input; `None` leaves it to `stdio`.
    pub stdin: Option<String>,
    /// Where the standard streams lead.
    pub stdio: Stdio,
    /// Whether Rewind's own standard input is a terminal.
    pub on_terminal: bool,
    /// The longest time it may run.
    pub timeout: Option<Duration>,
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// The exit status; 128 + N where signal N ended it.
    pub exit: i32,
    /// The beginning of standard output, or the answer that stands in its place: the content of a file,
    /// the reply of a service. `None` where there is neither.
    pub stdout: Option<Vec<u8>>,
    /// The end of standard error; empty where it was not captured.
    pub stderr: Vec<u8>,
    /// What ended it.
    pub ending: Ending,
    /// What else went wrong, in words.
    pub faults: Vec<String>,
}

/// Runs the agent until it ends, its time is up, or `cancel` is ready.
///
/// When the time is up or `cancel` is ready the agent is asked to end (SIGTERM) and killed five
/// seconds later. Dropping the future kills it at once.
///
/// # Errors
/// [`AgentError`] when the agent could not be started or waited for.
pub async fn launch(run: Launch, cancel: impl Future<Output = ()>) -> Result<Ended, AgentError> {
    let Some((program, arguments)) = run.command.split_first() else {
        return Err(AgentError::NoCommand);
    };
    if !run.cwd.is_dir() {
        return Err(AgentError::NoDirectory { path: run.cwd });
    }
    let system = |what| {
        move |source| AgentError::System {
            command: program.clone(),
            what,
            source,
        }
    };
    let mut watch = Watch::new(run.timeout).map_err(system("guarded against signals"))?;
    let shares_group = run.on_terminal
        && run.stdin.is_none()
        && matches!(run.stdio, Stdio::Inherit | Stdio::Tee { .. });
    let path = run.env.get("PATH").map(String::as_str);
    let mut command = match located(program, path) {
        Some(file) => {
            let mut command = Command::new(file);
            command.arg0(program);
            command
        }
        None => Command::new(program),
    };
    command
        .args(arguments)
        .current_dir(&run.cwd)
        .env_clear()
        .envs(&run.env)
        .kill_on_drop(true);
    set_streams(&mut command, &run);
    if !shares_group {
        command.process_group(0);
    }
    let mut child = command
        .spawn()
        .map_err(|source| not_started(program, &run.cwd, path, source))?;
    let leader = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let mut group = leader
        .map(|leader| Group::new(leader, !shares_group))
        .ok_or_else(|| system("found after its start")(io::Error::other("no process id")))?;
    let streams = Streams::attach(&mut child, &run);
    let status = watch
        .wait(&mut child, &group, cancel, shares_group)
        .await
        .map_err(system("waited for"))?;
    group.clear().await;
    let (stdout, stderr) = streams.finish().await;
    Ok(Ended {
        exit: exit_code(status),
        stdout,
        stderr,
        ending: watch.ending,
        faults: Vec::new(),
    })
}

/// Makes this process unreadable for others of the same user (Linux), so that keys which it holds
/// can't be read from its memory; elsewhere does nothing.
pub fn harden() {
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "the memory of rewind could not be closed to other processes");
    }
}

fn set_streams(command: &mut Command, run: &Launch) {
    let (stdin, stdout, stderr) = match run.stdio {
        Stdio::Inherit => (Pipe::inherit(), Pipe::inherit(), Pipe::inherit()),
        Stdio::Tee { .. } => (Pipe::inherit(), Pipe::piped(), Pipe::inherit()),
        Stdio::Capture { .. } => (Pipe::null(), Pipe::piped(), Pipe::piped()),
    };
    let stdin = if run.stdin.is_some() {
        Pipe::piped()
    } else {
        stdin
    };
    command.stdin(stdin).stdout(stdout).stderr(stderr);
}

fn exit_code(status: ExitStatus) -> i32 {
    status
        .code()
        .or_else(|| status.signal().map(|signal| signal + 128))
        .unwrap_or(125)
}

/// The background work on the agent's streams.
struct Streams {
    stdout: Option<Reading>,
    stderr: Option<Reading>,
}

impl Streams {
    fn attach(child: &mut Child, run: &Launch) -> Self {
        if let (Some(text), Some(mut pipe)) = (run.stdin.clone(), child.stdin.take()) {
            tokio::spawn(async move {
                // An agent that does not read its input is no error of the run.
                if let Err(error) = pipe.write_all(text.as_bytes()).await {
                    tracing::debug!(%error, "the agent closed its standard input early");
                }
            });
        }
        let (limit, show) = match run.stdio {
            Stdio::Capture { limit } => (limit, Show::Nowhere),
            Stdio::Tee { limit } => (limit, Show::OnStdout),
            Stdio::Inherit => (0, Show::Nowhere),
        };
        Self {
            stdout: child
                .stdout
                .take()
                .map(|pipe| Reading::start(pipe, Keep::Beginning, limit, show)),
            stderr: child
                .stderr
                .take()
                .map(|pipe| Reading::start(pipe, Keep::End, STDERR_TAIL, Show::Nowhere)),
        }
    }

    async fn finish(self) -> (Option<Vec<u8>>, Vec<u8>) {
        let stdout = match self.stdout {
            Some(reading) => Some(reading.finish().await),
            None => None,
        };
        let stderr = match self.stderr {
            Some(reading) => reading.finish().await,
            None => Vec::new(),
        };
        (stdout, stderr)
    }
}

/// How long output is still read after the end of the agent, should a process hold it open.
pub(super) const GRACE_FOR_PIPES: Duration = Duration::from_secs(1);

/// The most bytes of standard error that are kept.
const STDERR_TAIL: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    fn shell(script: &str) -> Launch {
        Launch {
            command: vec!["sh".into(), "-c".into(), script.into()],
            cwd: "/".into(),
            env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            stdin: None,
            stdio: Stdio::Capture { limit: 1 << 20 },
            on_terminal: false,
            timeout: None,
        }
    }

    fn text(bytes: Option<Vec<u8>>) -> String {
        String::from_utf8(bytes.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn status_and_output_of_the_agent_come_back() {
        let run = shell("cat; echo out; echo err >&2; exit 7");
        let run = Launch {
            stdin: Some("in ".into()),
            ..run
        };
        let ended = launch(run, pending()).await.unwrap();
        assert_eq!((ended.exit, ended.ending), (7, Ending::Own));
        assert_eq!(text(ended.stdout), "in out\n");
        assert_eq!(ended.stderr, b"err\n");
    }

    #[tokio::test]
    async fn the_agent_sees_only_the_given_environment() {
        let mut run = shell("env | cut -d= -f1 | sort | tr '\\n' ' '");
        run.env.insert("ONLY".into(), "this".into());
        let ended = launch(run, pending()).await.unwrap();
        let names = text(ended.stdout);
        assert!(names.contains("ONLY"), "{names}");
        assert!(!names.contains("CARGO"), "{names}");
    }

    #[tokio::test]
    async fn a_signal_that_ends_the_agent_counts_as_128_and_its_number() {
        let ended = launch(shell("kill -9 $$"), pending()).await.unwrap();
        assert_eq!(ended.exit, 137);
    }

    #[tokio::test]
    async fn a_hanging_agent_is_ended_with_its_whole_group() {
        let mut run = shell("sleep 1000 & echo $!; wait");
        run.timeout = Some(Duration::from_millis(1500));
        let ended = launch(run, pending()).await.unwrap();
        assert_eq!(ended.ending, Ending::TimedOut);
        let sleeper: i32 = text(ended.stdout).trim().parse().unwrap();
        assert!(!is_running(sleeper), "process {sleeper} was left behind");
    }

    #[tokio::test]
    async fn a_cancelled_agent_is_ended() {
        let ended = launch(shell("sleep 1000"), std::future::ready(()))
            .await
            .unwrap();
        assert_eq!((ended.exit, ended.ending), (143, Ending::Cancelled));
    }

    #[tokio::test]
    async fn what_the_agent_leaves_running_does_not_outlive_it() {
        let ended = launch(shell("sleep 1000 & echo $!"), pending())
            .await
            .unwrap();
        assert_eq!((ended.exit, ended.ending), (0, Ending::Own));
        let sleeper: i32 = text(ended.stdout).trim().parse().unwrap();
        assert!(!is_running(sleeper), "process {sleeper} was left behind");
    }

    #[tokio::test]
    async fn missing_and_unfit_commands_are_told_apart() {
        let mut run = shell("");
        run.command = vec!["no-such-command-anywhere".into()];
        let error = launch(run.clone(), pending()).await.unwrap_err();
        assert_eq!(error.status(), 127);
        assert!(error.to_string().contains("no-such-command-anywhere"));
        run.command = vec!["/etc/hostname".into()];
        assert_eq!(
            launch(run.clone(), pending()).await.unwrap_err().status(),
            126
        );
        run.command.clear();
        assert_eq!(launch(run, pending()).await.unwrap_err().status(), 125);
    }

    /// Returns whether the process exists and is no zombie.
    fn is_running(pid: i32) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }
}
