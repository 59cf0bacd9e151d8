//! The whole of a stand-in: from the first line of the client to the end of the server.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::fs::File;
use tokio::io::BufReader;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use super::client::{Client, End};
use super::error::McpError;
use super::line::Lines;
use super::seam::Seam;
use super::server::Command;
use super::shared::{Out, QUEUE, Shared, write};

/// A server to stand in for.
#[derive(Debug)]
pub struct Plan {
    /// Its command and arguments.
    pub command: Vec<String>,
    /// Its name in the recording.
    pub name: String,
    /// The run.
    pub seam: Seam,
}

/// Stands in for a server on the standard streams of this process, and returns the exit status: that of
/// the server, or 128 and the number of a signal.
///
/// # Errors
/// The server can't be started, or a stream broke.
pub async fn relay(plan: Plan) -> Result<u8, McpError> {
    let mut signals = Signals::new().map_err(McpError::Signals)?;
    let (out, from) = mpsc::channel(QUEUE);
    let writing = tokio::spawn(write(file(&io::stdout(), "server's")?, from));
    let shared = Arc::new(Shared::new(Box::new(plan.seam), plan.name, out.clone()));
    let (over, is_over) = oneshot::channel();
    let mut client = Client::new(Arc::clone(&shared), Command(plan.command), over);
    let stdin = file(&io::stdin(), "client's")?;
    let mut lines = Lines::new(BufReader::new(stdin), LONGEST);
    let why = {
        let talk = client.talk(&mut lines);
        tokio::select! {
            end = talk => end.map(Why::Talk),
            Ok(()) = is_over => Ok(Why::ServerEnded),
            () = out.closed() => Ok(Why::Talk(End::Closed)),
            number = signals.next() => Ok(Why::Signal(number)),
        }
    };
    let is_closing = !matches!(why, Ok(Why::ServerEnded));
    shared.is_closing.store(is_closing, Ordering::Relaxed);
    let status = match client.into_server() {
        Some(server) => {
            let is_urgent = matches!(why, Ok(Why::Signal(_)));
            let hurry = async {
                if !is_urgent {
                    signals.next().await;
                }
            };
            Some(server.stop(hurry).await)
        }
        None => None,
    };
    shared.server_ended().await;
    let _gone = out.send(Out::End).await;
    // It ends at `End`, or has ended with its client.
    let _ended = writing.await;
    Ok(match why? {
        Why::Signal(number) => 128_u8.saturating_add(number),
        Why::Talk(End::RecordedEnd) => status.unwrap_or(1),
        Why::Talk(End::Closed) | Why::ServerEnded => status.unwrap_or(0),
    })
}

/// Returns a standard stream, which may be a pipe, a file or a terminal.
fn file(stream: &impl AsFd, whose: &'static str) -> Result<File, McpError> {
    let own = stream.as_fd().try_clone_to_owned();
    let own = own.map_err(|source| McpError::Stream { whose, source })?;
    Ok(File::from_std(own.into()))
}

/// Why a relay ends.
enum Why {
    Talk(End),
    ServerEnded,
    Signal(u8),
}

/// The signals that end a relay.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Returns the number of the next one.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
            _ = self.hangup.recv() => 1,
        }
    }
}

/// The most bytes of a message that is looked into.
pub(super) const LONGEST: usize = 64 * 1024 * 1024;
