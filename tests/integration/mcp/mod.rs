//! MCP servers behind `rewind mcp`.

mod agent;
mod relay;
mod run;
