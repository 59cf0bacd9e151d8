//! Why GitHub did not do what it was asked for, and what helps.

use std::fmt;
use std::time::Duration;

/// The permission that a request needs, as a workflow writes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// `actions: write`
    Actions,
    /// `checks: write`
    Checks,
    /// `contents: write`
    Contents,
    /// `issues: write`
    Issues,
    /// `metadata: read`, which every token has
    Metadata,
    /// `pull-requests: write`
    PullRequests,
    /// `pull-requests: read`
    ReadPullRequests,
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Actions => "actions: write",
            Self::Checks => "checks: write",
            Self::Contents => "contents: write",
            Self::Issues => "issues: write",
            Self::Metadata => "metadata: read",
            Self::PullRequests => "pull-requests: write",
            Self::ReadPullRequests => "pull-requests: read",
        })
    }
}

/// A request that GitHub did not do.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The token may not do it.
    #[error("the token may not {what}: {said}")]
    NotPermitted {
        /// What was asked for.
        what: String,
        /// What GitHub said.
        said: String,
        /// The permission that is missing.
        needs: Needs,
    },
    /// Too many requests; nothing was done.
    #[error("GitHub limits the rate of requests and asks to wait {} s, longer than `--max-wait` leaves", wait.as_secs())]
    Limited {
        /// How long GitHub asks to wait.
        wait: Duration,
    },
    /// GitHub failed; whether it did what it was asked for is not known.
    #[error("GitHub failed to {what} (status {status}): {said}")]
    Failed {
        /// What was asked for.
        what: String,
        /// The status.
        status: u16,
        /// What GitHub said.
        said: String,
    },
    /// There was no answer; whether it did what it was asked for is not known.
    #[error("no answer from GitHub to {what}: {detail}")]
    Unreachable {
        /// What was asked for.
        what: String,
        /// The cause, in words.
        detail: String,
    },
    /// GitHub refused.
    #[error("GitHub refused to {what} (status {status}): {said}")]
    Refused {
        /// What was asked for.
        what: String,
        /// The status.
        status: u16,
        /// What GitHub said.
        said: String,
    },
    /// The branch has moved on since it was looked at.
    #[error("the branch has moved on: {said}")]
    Stale {
        /// What GitHub said.
        said: String,
    },
    /// The answer has not the shape that it should have.
    #[error("GitHub's answer to {what} is not understood")]
    Shape {
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The client can't be made.
    #[error("the way to GitHub can't be set up: {0}")]
    Client(String),
}

impl ApiError {
    /// Returns whether it may have been done all the same.
    pub fn is_ambiguous(&self) -> bool {
        matches!(
            self,
            Self::Failed { .. } | Self::Unreachable { .. } | Self::Shape { .. }
        )
    }

    /// Returns whether what was asked for is not there.
    pub fn is_missing(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                status: 404 | 410,
                ..
            }
        )
    }

    /// Returns what helps, where something does.
    pub fn help(&self, is_fork: bool) -> Option<String> {
        match self {
            Self::NotPermitted { .. } if is_fork => Some(
                "the token of a pull request from a fork may only read, whatever `permissions:` says; report from a \
                 second workflow on `workflow_run`, as docs/github.md shows"
                    .to_owned(),
            ),
            Self::NotPermitted { needs, .. } => {
                Some(format!("give the job this permission:\n\npermissions:\n  {needs}"))
            }
            Self::Limited { .. } => Some("run the job again later, or allow more with `--max-wait`".to_owned()),
            Self::Failed { .. }
            | Self::Unreachable { .. }
            | Self::Refused { .. }
            | Self::Stale { .. }
            | Self::Shape { .. }
            | Self::Client(_) => None,
        }
    }
}
