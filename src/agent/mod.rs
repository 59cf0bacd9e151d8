//! The agent under test as a child process: its environment, its input, its end.
//!
//! [`launch()`] runs a [`Launch`] to its end and says in an [`Ended`] how that came. [`Routing`] and
//! [`EnvRule`] make the environment that leads the agent's traffic through Rewind and keeps
//! credentials away from it; [`InputMode`] says how the recorded input reaches it.
//!
//! Knows nothing of sessions or recordings, and reads no environment of its own: the variables of
//! the process are passed in.

mod environment;
mod error;
mod group;
mod input;
mod launch;
mod output;
mod routing;
mod spec;
mod watch;

pub use environment::{EnvRule, Environment};
pub use error::AgentError;
pub use input::{InputMode, InvalidInputMode, Prepared, prepare};
pub use launch::{Ended, Launch, Stdio, harden, launch};
pub use routing::Routing;
pub use spec::{AgentSpec, RunDir};
pub use watch::Ending;
