//! From the configuration to the options of the stages, the same for every command that runs an agent.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use url::Url;

use super::{CommandError, Context, WayOut};
use crate::agent::{
    AgentError, AgentSpec, EnvRule, Environment, Hook, Hooks, InputMode, Routing, Service, Setup,
    Stdio, TurnRequest, entry_command,
};
use crate::command::rules::recorded_clock;
use crate::config::{self, Answer, Config, Isolate};
use crate::proxy::{Interception, Options, Outbound, providers, random_token};
use crate::redact::{RedactRules, Redactor};
use crate::store::Store;

/// Returns the configuration in `file`, else the nearest one upwards, else the defaults.
///
/// # Errors
/// The file can't be read, or is not valid.
pub fn load_config(file: Option<&Utf8Path>, context: &Context) -> Result<Config, CommandError> {
    let variable = |name: &str| context.var(name).map(str::to_owned);
    match file {
        Some(file) => Config::load(&context.cwd.join(file), &variable),
        None => Config::find(&context.cwd, &variable),
    }
    .map_err(CommandError::usage)
}

/// What is captured beside what the configuration says.
#[derive(Debug, Clone, Copy, Default)]
pub struct CaptureOptions {
    /// All HTTP requests of the agent, by a forward proxy.
    pub proxy: bool,
    /// The tools of known frameworks, by hooks.
    pub auto_tools: bool,
}

impl CaptureOptions {
    /// Puts what was asked for into the configuration.
    pub fn apply(self, config: &mut Config) {
        config.capture.proxy |= self.proxy;
        config.capture.auto_tools |= self.auto_tools;
    }
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
    let rules = RedactRules {
        values: way_out.secrets.clone(),
        ..redact_rules(config)
    };
    Redactor::new(&rules)
        .map(Arc::new)
        .map_err(CommandError::usage)
}

/// Returns what the configuration says of secrets and personal data.
pub(super) fn redact_rules(config: &Config) -> RedactRules {
    let patterns = config.redact.pattern.iter();
    RedactRules {
        patterns: patterns
            .map(|pattern| (pattern.name.clone(), pattern.regex.0.clone()))
            .collect(),
        values: Vec::new(),
        personal: config.redact.personal.kinds(),
    }
}

/// Returns which variables an agent gets: with a `rewind.toml` what it lists, else all but credentials.
pub fn env_rule(config: &Config) -> EnvRule {
    match config.path {
        Some(_) => EnvRule::Listed(config.agent.env.clone()),
        None => EnvRule::AllBut,
    }
}

/// Returns how `command` is run; an empty one stands for the configured agent, in the directory of the
/// configuration or its `cwd`.
///
/// Its time is what is configured; no limit where nothing is.
pub fn agent_spec(
    config: &Config,
    command: &[String],
    stdio: Stdio,
    context: &Context,
) -> AgentSpec {
    let mut keys = Routing::key_variables();
    keys.extend(config.judge.key_variables());
    let agent = &config.agent;
    let is_configured = command.is_empty();
    let cwd = match &agent.cwd {
        _ if !is_configured => context.cwd.clone(),
        Some(cwd) => config.resolve(cwd),
        None => config.root.clone(),
    };
    let words = match &agent.entry {
        _ if !is_configured => command.to_vec(),
        Some(entry) => entry_command(entry, &cwd),
        None => agent.words().to_vec(),
    };
    let answer_file = match agent.answer() {
        Answer::File(path) => Some(if is_configured {
            path.into_string()
        } else {
            config.resolve(&path).into_string()
        }),
        Answer::LastMessage | Answer::Stdout | Answer::Response => None,
    };
    let copied = match agent.isolate {
        Some(Isolate::Copy) if is_configured => Some(config.root.clone()),
        Some(Isolate::Copy) | None => None,
    };
    // Two runs must not write the same file at once.
    let is_shared = copied.is_none()
        && answer_file
            .as_ref()
            .is_some_and(|path| !path.contains("{run_dir}"));
    AgentSpec {
        command: words,
        cwd,
        environment: Environment::filtered(&context.env, &env_rule(config), &keys),
        input: match &agent.input {
            None if agent.entry.is_some() => InputMode::Stdin,
            mode => mode.clone().unwrap_or_default(),
        },
        timeout: agent.timeout.map(|period| period.0),
        stdio,
        on_terminal: context.stdin_is_terminal,
        hooks: (config.capture.auto_tools || recorded_clock(config)).then(|| Hooks {
            program: context.program.clone(),
            wraps_tools: config.capture.auto_tools,
        }),
        service: if is_configured { service(agent) } else { None },
        before: agent.before.as_ref().map(hook),
        after: agent.after.as_ref().map(hook),
        answer_file,
        answers: agent.answer() == Answer::Response,
        copied,
        alone: is_shared.then(Arc::default),
    }
}

/// Returns how the configured service is asked; `None` where the agent is none.
fn service(agent: &config::Agent) -> Option<Service> {
    let request = agent.request.clone()?;
    let method = request.method.unwrap_or_else(|| "POST".to_owned());
    let usual = serde_json::json!({ "input": "{input}" });
    let has_body = method != "GET" && method != "DELETE";
    Some(Service {
        ready: agent.ready.clone(),
        ready_timeout: agent.ready_timeout.map_or(READY, |period| period.0),
        request: TurnRequest {
            body: request.body.or_else(|| has_body.then_some(usual)),
            method,
            path: request.path,
            headers: request.headers,
            answer: request.answer,
        },
    })
}

fn hook(words: &config::Words) -> Hook {
    Hook {
        command: words.0.clone(),
        timeout: HOOK,
    }
}

/// Does what has to be done once before the configured agent runs, and says so on `err`.
///
/// # Errors
/// `[agent] setup` failed.
pub async fn set_up(
    config: &Config,
    spec: &AgentSpec,
    err: &mut dyn Write,
) -> Result<(), AgentError> {
    let Some(setup) = setup(config, spec) else {
        return Ok(());
    };
    let line = setup
        .hook
        .command
        .last()
        .map(String::as_str)
        .unwrap_or_default();
    let shown: String = line
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(80)
        .collect();
    if !setup.is_done()
        && let Err(error) = writeln!(err, "rewind: setup: {shown}")
    {
        tracing::debug!(%error, "standard error is closed");
    }
    setup.run().await
}

/// Returns what has to be done once before the configured agent runs; `None` where that is nothing.
pub(super) fn setup(config: &Config, spec: &AgentSpec) -> Option<Setup> {
    let words = config.agent.setup.as_ref();
    let words = words.filter(|words| !words.0.is_empty())?;
    Some(Setup {
        hook: hook(words),
        cwd: spec.cwd.clone(),
        env: spec.environment.variables.clone(),
        inputs: config.agent.setup_inputs.clone(),
        notes: Store::find(&config.root).join("setup"),
    })
}

/// Returns the configuration with the agent that is meant in the place of the default one: by its name,
/// else the one that `command` fits.
///
/// # Errors
/// There is no agent of this name.
pub fn agent_config(
    config: &Config,
    name: Option<&str>,
    command: &[String],
) -> Result<Config, CommandError> {
    let chosen = config.for_agent(name).map_err(CommandError::usage)?;
    Ok(if name.is_some() || command.is_empty() {
        chosen
    } else {
        chosen.for_command(command)
    })
}

/// How long a service may take to be ready where nothing is configured.
const READY: Duration = Duration::from_mins(1);

/// How long a command around the agent may take.
const HOOK: Duration = Duration::from_mins(10);

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
        servers: servers(config)?,
        outbound: outbound(config)?,
        intercept: interception(config)?,
        ..Options::new(random_token())
    })
}

/// Returns the MCP servers that are reached over HTTP, by their names.
fn servers(config: &Config) -> Result<BTreeMap<String, Url>, CommandError> {
    let servers = config.mcp.iter().map(|(name, entry)| {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(
                CommandError::usage(format!("[mcp.{name:?}] is no name for a server"))
                    .help("use letters, digits, `-`, `_` and `.`"),
            );
        }
        match Url::parse(&entry.url) {
            Ok(url) if url.has_host() && url.scheme().starts_with("http") => {
                Ok((name.clone(), url))
            }
            Ok(_) | Err(_) => Err(CommandError::usage(format!(
                "[mcp.{name}] url = \"{}\" is no http or https URL",
                entry.url
            ))
            .help("write the URL of the server's endpoint, such as https://mcp.example.com/mcp")),
        }
    });
    servers.collect()
}

/// Returns how hosts are reached that are no model provider.
fn outbound(config: &Config) -> Result<Outbound, CommandError> {
    let ca = config.capture.upstream_ca.as_ref().map(|path| {
        let path = config.resolve(path);
        std::fs::read_to_string(&path).map_err(|error| {
            CommandError::usage(format!("[capture] upstream_ca = \"{path}\": {error}"))
                .help("name a file with certificates in PEM")
        })
    });
    Ok(Outbound {
        ca: ca.transpose()?,
        resolve: config.capture.resolve.clone(),
    })
}

/// Returns how the listener serves as a forward proxy; `None` where it is to be none.
fn interception(config: &Config) -> Result<Option<Interception>, CommandError> {
    let capture = &config.capture;
    if !capture.proxy {
        return Ok(None);
    }
    let public = providers::KNOWN
        .iter()
        .filter_map(|known| Some((known.name, known.url?)));
    let configured = config.upstream.providers.iter();
    let configured =
        configured.filter_map(|(name, entry)| Some((name.as_str(), entry.url.as_deref()?)));
    let urls = public.chain(configured).filter_map(|(name, url)| {
        let url = Url::parse(url).ok()?;
        let address = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
        Some((address, name.to_owned()))
    });
    let rules = capture.hosts.iter();
    Ok(Some(Interception {
        rules: rules
            .map(|(host, rule)| (host.pattern().clone(), *rule))
            .collect(),
        providers: urls.collect(),
        outbound: outbound(config)?,
        passes_pinned: false,
        admits_jvm: capture.jvm,
    }))
}
