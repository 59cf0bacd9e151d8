//! The server as a child process: started when a request needs it, stopped when the client has gone.

use std::future::Future;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::client::{Connect, Write};
use super::error::McpError;
use super::find::TOOLS_VARIABLE;
use super::line::{Lines, Piece};
use super::relay::LONGEST;
use super::shared::{Out, Shared};

/// The command of a server, with its arguments.
pub(super) struct Command(pub(super) Vec<String>);

/// A running server.
pub(super) struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    reading: JoinHandle<()>,
}

impl Server {
    /// Ends the server and returns its exit status: its input is closed, and where that is not enough,
    /// or `hurry` is ready, it is asked to end and then killed.
    pub(super) async fn stop(mut self, hurry: impl Future<Output = ()>) -> u8 {
        drop(self.stdin.take());
        let patience = async {
            tokio::select! {
                () = hurry => {}
                () = tokio::time::sleep(FOR_OWN_END) => {}
            }
        };
        let own_end = tokio::select! {
            status = self.child.wait() => Some(status),
            () = patience => None,
        };
        let status = match own_end {
            Some(status) => status,
            None => self.make_end().await,
        };
        // A process that it left behind may keep its output open.
        let _late = timeout(FOR_REST, &mut self.reading).await;
        self.reading.abort();
        status.map_or(125, exit_code)
    }

    async fn make_end(&mut self) -> io::Result<ExitStatus> {
        let pid = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(Err(error)) = pid.map(|pid| kill_process(pid, Signal::TERM)) {
            tracing::debug!(%error, "the server took no signal");
        }
        match timeout(FOR_ASKED_END, self.child.wait()).await {
            Ok(status) => status,
            Err(_elapsed) => {
                self.child.start_kill()?;
                self.child.wait().await
            }
        }
    }
}

impl Connect for Command {
    type Server = Server;

    async fn connect(
        &mut self,
        shared: Arc<Shared>,
        over: oneshot::Sender<()>,
    ) -> Result<Server, McpError> {
        let (program, arguments) = self.0.split_first().ok_or(McpError::NoCommand)?;
        let started = tokio::process::Command::new(program)
            .args(arguments)
            // Its own tools are inside the boundary already: empty is off, for its children too.
            .env(TOOLS_VARIABLE, "")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let failed = |source| McpError::Start {
            command: program.clone(),
            source,
        };
        let mut child = started.map_err(failed)?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let stdout = stdout.ok_or_else(|| failed(io::Error::other("it has no output")))?;
        let reading = tokio::spawn(async move {
            read(stdout, &shared).await;
            shared.server_ended().await;
            // Nobody may wait any more.
            let _gone = over.send(());
        });
        Ok(Server {
            child,
            stdin,
            reading,
        })
    }
}

impl Write for Server {
    async fn write(&mut self, bytes: &[u8]) {
        let Some(stdin) = &mut self.stdin else {
            return;
        };
        let written = match stdin.write_all(bytes).await {
            Ok(()) => stdin.flush().await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::debug!(%error, "the server reads no more");
        }
    }
}

/// Passes on what the server writes, until it closes its output.
async fn read(stdout: ChildStdout, shared: &Shared) {
    let mut lines = Lines::new(BufReader::with_capacity(BUFFER, stdout), LONGEST);
    let mut long: Option<mpsc::Sender<Vec<u8>>> = None;
    loop {
        match lines.next().await {
            Ok(Some(Piece::Line(line))) => {
                if shared.hears(&line).await {
                    shared.send(line).await;
                }
            }
            Ok(Some(Piece::Part { bytes, is_last })) => {
                let to = match long.take() {
                    Some(to) => to,
                    None => begin_long(shared).await,
                };
                // The client may have gone.
                let _gone = to.send(bytes).await;
                long = (!is_last).then_some(to);
            }
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "the server's output broke");
                return;
            }
        }
    }
}

async fn begin_long(shared: &Shared) -> mpsc::Sender<Vec<u8>> {
    tracing::warn!(
        server = shared.name,
        "a message of more than {LONGEST} bytes passes on, but is not recorded"
    );
    shared.was_long.store(true, Ordering::Relaxed);
    let (to, parts) = mpsc::channel(1);
    let _gone = shared.out.send(Out::Parts(parts)).await;
    to
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(125)
}

/// How long a server may take to end once its input is closed.
const FOR_OWN_END: Duration = Duration::from_secs(5);

/// How long it may take once it was asked to.
const FOR_ASKED_END: Duration = Duration::from_secs(2);

/// How long the rest of its output may take.
const FOR_REST: Duration = Duration::from_secs(1);

/// How much of its output is read at once.
const BUFFER: usize = 64 * 1024;
