//! Waits for the end of an agent, and for whatever may hasten it.
//!
//! Signals: SIGINT, SIGTERM and SIGHUP that reach Rewind go on to the agent's process group; the
//! second one kills it. Where the agent reads from the terminal it stays in Rewind's own group, as
//! the terminal lets only the foreground group read and sends Ctrl-C to all of it; then only the
//! agent itself is signalled, and processes it leaves behind are not ended.

use std::future::Future;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::Child;
use tokio::signal::unix::{Signal as Arrivals, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use super::group::Group;

/// What ended a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The agent ended by itself.
    Own,
    /// It ran longer than it may.
    TimedOut,
    /// The caller's `cancel` was ready.
    Cancelled,
    /// A signal that reached Rewind was passed on.
    Interrupted,
}

/// Waits for the end of the agent, and for whatever may hasten it.
pub(super) struct Watch {
    interrupt: Arrivals,
    terminate: Arrivals,
    hangup: Arrivals,
    deadline: Option<Instant>,
    kill_at: Option<Instant>,
    signals: u32,
    pub(super) ending: Ending,
}

impl Watch {
    /// Begins to listen for signals; the time runs from now.
    pub(super) fn new(timeout: Option<Duration>) -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            kill_at: None,
            signals: 0,
            ending: Ending::Own,
        })
    }

    /// Returns the status of the agent once it has ended.
    pub(super) async fn wait(
        &mut self,
        child: &mut Child,
        group: &Group,
        cancel: impl Future<Output = ()>,
        shares_group: bool,
    ) -> io::Result<ExitStatus> {
        let mut cancel = std::pin::pin!(cancel);
        let mut is_cancelled = false;
        loop {
            tokio::select! {
                status = child.wait() => return status,
                // The terminal has sent Ctrl-C to the agent already where they share a group.
                Some(()) = self.interrupt.recv() => self.pass(group, Signal::INT, shares_group),
                Some(()) = self.terminate.recv() => self.pass(group, Signal::TERM, false),
                Some(()) = self.hangup.recv() => self.pass(group, Signal::HUP, shares_group),
                () = &mut cancel, if !is_cancelled => {
                    is_cancelled = true;
                    self.stop(group, Ending::Cancelled);
                }
                () = at(self.deadline) => {
                    self.deadline = None;
                    self.stop(group, Ending::TimedOut);
                }
                () = at(self.kill_at) => {
                    self.kill_at = None;
                    group.signal(Signal::KILL);
                }
            }
        }
    }

    /// Passes a signal on; the second one kills.
    fn pass(&mut self, group: &Group, signal: Signal, has_it_already: bool) {
        self.signals += 1;
        if self.ending == Ending::Own {
            self.ending = Ending::Interrupted;
        }
        if self.signals > 1 {
            group.signal(Signal::KILL);
        } else if !has_it_already {
            group.signal(signal);
        }
    }

    /// Asks the agent to end, and sees to it that it does.
    fn stop(&mut self, group: &Group, ending: Ending) {
        if self.ending == Ending::Own {
            self.ending = ending;
        }
        group.signal(Signal::TERM);
        self.kill_at = self
            .kill_at
            .or_else(|| Instant::now().checked_add(GRACE_FOR_AGENT));
    }
}

/// Is ready at `instant`; never without one.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// How long an agent that was asked to end may take.
const GRACE_FOR_AGENT: Duration = Duration::from_secs(5);
