//! The processes of one run: signalled together, and never left behind.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use tokio::time::{Instant, sleep};

/// The agent's process, with its process group where it leads its own.
///
/// Dropping it kills what is left, so that an early end of Rewind leaves nothing running.
pub(super) struct Group {
    leader: Pid,
    is_own: bool,
    is_over: bool,
}

impl Group {
    /// Returns the group led by `leader`; `is_own` says whether it is apart from Rewind's own.
    pub(super) fn new(leader: Pid, is_own: bool) -> Self {
        Self {
            leader,
            is_own,
            is_over: false,
        }
    }

    /// Sends a signal to the group, or to the agent alone where it shares Rewind's group.
    pub(super) fn signal(&self, signal: Signal) {
        let sent = if self.is_own {
            kill_process_group(self.leader, signal)
        } else {
            kill_process(self.leader, signal)
        };
        if let Err(error) = sent {
            tracing::debug!(%error, ?signal, "the agent took no signal");
        }
    }

    /// Ends what the agent left running in its group: first asked, then killed.
    pub(super) async fn clear(&mut self) {
        self.is_over = true;
        if !self.is_own || !self.is_alive() {
            return;
        }
        self.signal(Signal::TERM);
        let patience = Instant::now() + GRACE_FOR_REST;
        while self.is_alive() && Instant::now() < patience {
            sleep(POLL).await;
        }
        self.signal(Signal::KILL);
    }

    fn is_alive(&self) -> bool {
        test_kill_process_group(self.leader).is_ok()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.is_over {
            self.signal(Signal::KILL);
        }
    }
}

/// How long processes that outlive the agent may take to end.
const GRACE_FOR_REST: Duration = Duration::from_millis(500);

/// How often it is looked whether they have ended.
const POLL: Duration = Duration::from_millis(10);
