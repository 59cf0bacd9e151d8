//! From the configuration to the options of the stages, the same for every command that runs an agent.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::{CommandError, Context, WayOut};
use crate::agent::{AgentSpec, EnvRule, Environment, Routing, Stdio};
use crate::config::Config;
use crate::proxy::{Options, random_token};
use crate::redact::{RedactRules, Redactor};
use crate::store::Store;

/// Returns the configuration in `file`, else the nearest one upwards, else the defaults.
///
/// # Errors
/// The file can't be read, or is not valid.
pub fn load_config(file: Option<&Utf8Path>, context: &Context) -> Result<Config, CommandError> {
    match file {
        Some(file) => Config::load(&context.cwd.join(file)),
        None => Config::find(&context.cwd),
    }
    .map_err(CommandError::usage)
}

/// Returns the directory of the working store.
pub fn store_dir(typed: Option<&Utf8Path>, context: &Context) -> Utf8PathBuf {
    typed.map_or_else(|| Store::find(&context.cwd), |dir| context.cwd.join(dir))
}

/// Returns the redactor for what the configuration names and the secrets that this process holds.
///
/// # Errors
/// A pattern that is no regular expression.
pub fn redactor(config: &Config, way_out: &WayOut) -> Result<Arc<Redactor>, CommandError> {
    let patterns = config.redact.pattern.iter();
    let rules = RedactRules {
        patterns: patterns
            .map(|pattern| (pattern.name.clone(), pattern.regex.0.clone()))
            .collect(),
        values: way_out.secrets.clone(),
    };
    Redactor::new(&rules)
        .map(Arc::new)
        .map_err(CommandError::usage)
}

/// Returns which variables an agent gets: with a `rewind.toml` what it lists, else all but credentials.
pub fn env_rule(config: &Config) -> EnvRule {
    match config.path {
        Some(_) => EnvRule::Listed(config.agent.env.clone()),
        None => EnvRule::AllBut,
    }
}

/// Returns how `command` is run; an empty one stands for `[agent] command`, in the directory of the
/// configuration.
///
/// Its time is what is configured; no limit where nothing is.
pub fn agent_spec(
    config: &Config,
    command: &[String],
    stdio: Stdio,
    context: &Context,
) -> AgentSpec {
    let keys = Routing::key_variables();
    let is_configured = command.is_empty();
    AgentSpec {
        command: if is_configured {
            config.agent.command.clone()
        } else {
            command.to_vec()
        },
        cwd: if is_configured {
            config.root.clone()
        } else {
            context.cwd.clone()
        },
        environment: Environment::filtered(&context.env, &env_rule(config), &keys),
        input: config.agent.input.clone(),
        timeout: config.agent.timeout.map(|period| period.0),
        stdio,
        on_terminal: context.stdin_is_terminal,
    }
}

/// Returns how the listener of a run listens, with a fresh token.
///
/// # Errors
/// `[capture] bind` is no address.
pub fn listener(config: &Config) -> Result<Options, CommandError> {
    let bind = config.capture.bind.as_deref().map(str::parse::<SocketAddr>);
    let bind = bind.transpose().map_err(|_error| {
        let typed = config.capture.bind.clone().unwrap_or_default();
        CommandError::usage(format!("[capture] bind = \"{typed}\" is no address"))
            .help("write an IP address and a port, such as 127.0.0.1:0")
    })?;
    Ok(Options {
        bind: bind.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        advertise: config.capture.advertise.clone(),
        ..Options::new(random_token())
    })
}
