//! Rewind: the regression gate for LLM agents.
//!
//! It records what an agent does at its boundary, forks a recorded run at any step, serves
//! everything before the fork from the recording, runs the rest live against the current agent
//! code, and says whether the change made the agent worse.
//!
//! Data enters at one end and leaves at the other:
//!
//! ```text
//! agent --HTTP--> proxy --> wire --> redact --> record --> store          a session
//! agent --HTTP--> proxy <-- replay <-- baseline | store                   a candidate timeline
//!                              +--> lineage --> diff, check --> gate --> report
//! ```

pub mod agent;
pub mod baseline;
pub mod calibration;
pub mod check;
pub mod cli;
pub mod command;
pub mod config;
pub mod diff;
pub mod exit;
pub mod gate;
pub mod github;
pub mod history;
pub mod interop;
pub mod judge;
pub mod lineage;
pub mod mcp;
pub mod model;
pub mod price;
pub mod proxy;
pub mod record;
pub mod redact;
pub mod replay;
pub mod report;
pub mod scripted;
pub mod selftest;
pub mod stats;
pub mod store;
pub mod text;
pub mod tools;
pub mod wire;
pub mod wirecodec;
