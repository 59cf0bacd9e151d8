//! MCP servers behind `rewind mcp`.

mod agent;
mod over_http;
mod relay;
mod run;
