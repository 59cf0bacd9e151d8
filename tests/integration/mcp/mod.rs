//! MCP servers behind `rewind mcp`.

mod relay;
mod run;
