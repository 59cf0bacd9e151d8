//! MCP: a stand-in between an agent and one of its servers, over stdio here and over HTTP in [`McpHttp`].
//!
//! [`relay()`] reads what the agent's client writes and hands it to the server, byte for byte. Before a
//! request goes on, the run is asked ([`Seam`]): it lets the request run and keeps what comes of it, or
//! it has an answer from a recording, and then the server is not needed. It is started by the first
//! request that has to run, and caught up on the handshake that it missed.
//!
//! `tools/call`, `resources/read` and `prompts/get` are tool steps; every other request (`initialize`,
//! lists, completions) is kept beside the steps. Knows nothing of sessions or baselines: it speaks to the
//! run by its local protocol, from a process of its own.
//!
//! Framing: <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio>, one JSON-RPC
//! 2.0 message a line.

mod client;
mod effects;
mod error;
mod find;
mod http;
mod line;
mod message;
mod name;
mod order;
mod outcome;
mod pending;
mod question;
mod relay;
mod seam;
mod server;
mod shared;

pub use self::http::{McpHttp, PREFIX};
pub use error::McpError;
pub use find::{TOOLS_VARIABLE, tools_of_an_ancestor};
pub use name::server_name;
pub use relay::{Plan, relay};
pub use seam::{Seam, SeamError};
