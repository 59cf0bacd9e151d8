//! The agent under test as a child process: its environment, its input, its end.
//!
//! [`AgentSpec::execute`] runs an agent with all that belongs around it: its input, a service's turns,
//! what comes before and after. [`launch()`] runs a [`Launch`] to its end and says in an [`Ended`] how that came. [`Routing`] and
//! [`EnvRule`] make the environment that leads the agent's traffic through Rewind and keeps
//! credentials away from it; [`InputMode`] says how the recorded input reaches it.
//!
//! Knows nothing of sessions or recordings, and reads no environment of its own: the variables of
//! the process are passed in.

mod answer;
mod auto;
mod copy;
mod entry;
mod environment;
mod error;
mod forwarded;
mod group;
mod hook;
mod input;
mod keystore;
mod launch;
mod locate;
mod missing;
mod output;
mod routing;
mod service;
mod spec;
mod wanted;
mod watch;

pub use auto::Hooks;
pub use entry::{entry_command, is_entry};
pub use environment::{EnvRule, Environment, is_credential};
pub use error::AgentError;
pub use hook::{Hook, Setup};
pub use input::{InputMode, InvalidInputMode, Prepared, prepare};
pub use launch::{Ended, Launch, Stdio, harden, launch};
pub use routing::Routing;
pub use service::{Service, TurnRequest, turns};
pub use spec::{AgentSpec, RunDir};
pub use wanted::explain_wanted_keys;
pub use watch::Ending;
