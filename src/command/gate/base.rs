//! `--base DIR`: a checkout of the commit that a change starts from, on which reds are tried again.

use std::sync::Arc;

use camino::Utf8Path;

use super::GateOptions;
use super::case::agent_of;
use super::conditions::repository;
use crate::command::setup::setup;
use crate::command::{CommandError, Context, load_config};
use crate::config::{self, Config};
use crate::gate::{BaseAgent, Case};

/// The checkout, and the agents of it that were seen so far.
pub(super) struct Base {
    /// Its configuration; that of the change, in its folder, where it has none.
    config: Config,
    known: Vec<(config::Agent, BaseAgent)>,
}

impl Base {
    /// Returns the checkout that was named.
    ///
    /// # Errors
    /// Usage: there is no such folder, or its configuration can't be read.
    pub(super) fn of(
        options: &GateOptions,
        config: &Config,
        context: &Context,
    ) -> Result<Option<Self>, CommandError> {
        let Some(typed) = &options.base else {
            return Ok(None);
        };
        let dir = context.cwd.join(typed);
        if !dir.is_dir() {
            return Err(
                CommandError::usage(format!("--base {typed}: there is no such folder"))
                    .help("check out the commit that the change starts from there, such as with `git worktree add DIR COMMIT`"),
            );
        }
        let own = config.root.canonicalize_utf8().ok();
        let config = in_checkout(&dir, config, context)?;
        if own.is_some() && own == config.root.canonicalize_utf8().ok() {
            return Err(CommandError::usage(format!(
                "--base {typed} is the change itself, so every red would be found there, too"
            ))
            .help("check out the commit that the change starts from somewhere else, such as with `git worktree add DIR COMMIT`"));
        }
        let known = Vec::new();
        Ok(Some(Self { config, known }))
    }

    /// Returns the agent of the checkout that is what `config` has for this case.
    ///
    /// # Errors
    /// Usage: nothing says how it is made ready.
    pub(super) fn agent(
        &mut self,
        case: &Case,
        config: &Config,
        context: &Context,
    ) -> Result<BaseAgent, CommandError> {
        let named = self.config.for_agent(config.agent.name.as_deref());
        let mut own = named.unwrap_or_else(|_unknown| Config {
            agent: config.agent.clone(),
            ..self.config.clone()
        });
        own.agent.setup = own.agent.setup.or_else(|| config.agent.setup.clone());
        if own.agent.setup.is_none() {
            return Err(CommandError::usage(format!(
                "--base runs the agent of another checkout, and `[agent] setup` does not say how it is made ready there (baseline `{}`)",
                case.baseline.name
            ))
            .help("write `setup = \"…\"` into rewind.toml, such as the installation of what it needs, or `setup = []` where it needs nothing"));
        }
        let mut agent = agent_of(&case.baseline, &own, context);
        agent.alone = agent.alone.and_then(|_own| case.agent.alone.clone());
        let before = self
            .known
            .iter()
            .find(|(known, _agent)| *known == own.agent);
        if let Some((_agent, known)) = before {
            return Ok(BaseAgent {
                agent,
                ..known.clone()
            });
        }
        let base = BaseAgent {
            setup: setup(&own, &agent),
            ready: Arc::default(),
            agent,
        };
        self.known.push((own.agent, base.clone()));
        Ok(base)
    }
}

/// Returns the configuration at the same place in the checkout.
fn in_checkout(dir: &Utf8Path, config: &Config, context: &Context) -> Result<Config, CommandError> {
    let repository = repository(&config.root, &config.root);
    let inside = config.root.strip_prefix(repository).unwrap_or("".as_ref());
    let root = dir.join(inside);
    let name = config.path.as_ref().and_then(|path| path.file_name());
    let file = root.join(name.unwrap_or(config::FILE_NAME));
    if file.is_file() {
        return load_config(Some(&file), context);
    }
    let config = config.clone();
    Ok(Config { root, ..config })
}
