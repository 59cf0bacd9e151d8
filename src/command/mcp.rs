//! `rewind mcp`: stands in for an MCP server inside an agent that runs under Rewind.

use std::os::unix::process::CommandExt as _;
use std::process;

use super::{CommandError, Context};
use crate::exit::Exit;
use crate::mcp::{self, McpError, Plan, Seam, TOOLS_VARIABLE};

/// What was typed.
#[derive(Debug, Clone)]
pub struct McpOptions {
    /// The server's name in the recording.
    pub name: Option<String>,
    /// The server's command and its arguments.
    pub command: Vec<String>,
}

/// Runs the server on the standard streams of this process; outside of a run it takes the place of this
/// process.
///
/// # Errors
/// The server can't be started.
pub async fn run(options: &McpOptions, context: &Context) -> Result<Exit, CommandError> {
    // Set but empty is off: a server inside a server belongs to the outer one.
    let tools = match context.env.get(TOOLS_VARIABLE) {
        Some(tools) => Some(tools.clone()).filter(|tools| !tools.is_empty()),
        None => mcp::tools_of_an_ancestor(),
    };
    let Some(tools) = tools else {
        return Err(failed(become_server(&options.command)));
    };
    let name = options.name.clone();
    let plan = Plan {
        name: name.unwrap_or_else(|| mcp::server_name(&options.command)),
        command: options.command.clone(),
        seam: Seam::new(&tools).map_err(|error| CommandError::usage(error).exit(FAILED))?,
    };
    let status = mcp::relay(plan).await.map_err(failed)?;
    Ok(Exit::Agent(status))
}

/// Puts the server in the place of this process; returns only where that failed.
fn become_server(command: &[String]) -> McpError {
    let Some((program, arguments)) = command.split_first() else {
        return McpError::NoCommand;
    };
    McpError::Start {
        command: program.clone(),
        source: process::Command::new(program).args(arguments).exec(),
    }
}

fn failed(error: McpError) -> CommandError {
    let exit = Exit::Agent(error.status());
    CommandError::usage(error).exit(exit)
}

/// Rewind's own failure.
const FAILED: Exit = Exit::Agent(125);
