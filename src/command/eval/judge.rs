//! The judge that the configuration names.

use std::sync::Arc;

use camino::Utf8PathBuf;
use secrecy::SecretString;
use url::Url;

use super::super::rules::prices;
use super::super::{CommandError, Context};
use crate::config::Config;
use crate::judge::{Judge, JudgeDialect, JudgeSettings};
use crate::model::{MicroUsd, Usage};
use crate::proxy::{Backend, HttpBackend, Upstream, Upstreams};
use crate::scripted::{Script, ScriptedModel};

/// A judge, and what it means for the run.
pub(in crate::command) struct Chosen {
    pub(in crate::command) judge: Judge,
    /// Whether it is the scripted model: it costs nothing, and nothing of it is kept.
    pub(in crate::command) is_scripted: bool,
}

/// Returns the judge: the rules that were typed, else those configured, else the model.
///
/// # Errors
/// Usage: no model, no key, no price for `max_usd`, rules that can't be read; live calls where `CI` is set
/// and `--live` is not.
pub(in crate::command) fn choose(
    script: Option<&Utf8PathBuf>,
    is_live: bool,
    config: &Config,
    context: &Context,
) -> Result<Chosen, CommandError> {
    let configured = config.judge.scripted.as_ref();
    let script = script
        .map(|path| context.cwd.join(path))
        .or_else(|| configured.map(|path| config.resolve(path)));
    if let Some(script) = script {
        let script = Script::load(&script).map_err(CommandError::usage)?;
        let settings = JudgeSettings {
            max_cost: None,
            ..settings(config, "scripted-judge")
        };
        let model = Arc::new(ScriptedModel::new(script, None));
        return Ok(Chosen {
            judge: Judge::new(model, settings, prices(config), None),
            is_scripted: true,
        });
    }
    let Some(model) = &config.judge.model else {
        return Err(CommandError::usage("no judge is configured").help(
            "name one in rewind.toml, such as\n\n[judge]\nmodel = \"gpt-4o-mini\"\n\nor try rules without a model: --scripted FILE",
        ));
    };
    if context.is_ci() && !is_live {
        return Err(
            CommandError::usage("CI is set, so nothing goes to a judge unasked")
                .help("add --live to allow its calls, or use a scripted judge"),
        );
    }
    let settings = settings(config, model);
    let is_sampled = settings.temperature.is_some() || settings.seed.is_some();
    if is_sampled && settings.dialect == JudgeDialect::Anthropic {
        return Err(CommandError::usage(
            "[judge] temperature and seed are not known in Anthropic's dialect",
        )
        .help("leave them out, or set dialect = \"openai\" for an endpoint that is compatible"));
    }
    let prices = prices(config);
    let sample = Usage {
        input: 1,
        output: 1,
        ..Usage::default()
    };
    if settings.max_cost.is_some() && prices.price(model, &sample).is_none() {
        return Err(CommandError::usage(format!(
            "[judge] max_usd can't be kept, because no price of `{model}` is known"
        ))
        .help(format!(
            "add [prices.\"{model}\"] to rewind.toml, or leave max_usd out"
        )));
    }
    let key = key(config, settings.dialect, context)?;
    let backend = backend(config, settings.dialect, key.clone())?;
    Ok(Chosen {
        judge: Judge::new(backend, settings, prices, key),
        is_scripted: false,
    })
}

/// Returns how a model of this name is asked, as configured.
pub(in crate::command) fn settings(config: &Config, model: &str) -> JudgeSettings {
    let judge = &config.judge;
    let usual = JudgeSettings::new(judge.model.as_deref().unwrap_or(model));
    JudgeSettings {
        dialect: judge.dialect.unwrap_or(usual.dialect),
        temperature: judge.temperature,
        seed: judge.seed,
        max_concurrent: judge.max_concurrent.unwrap_or(usual.max_concurrent),
        requests_per_minute: judge.requests_per_minute,
        timeout: judge.timeout.map_or(usual.timeout, |period| period.0),
        max_cost: judge.max_usd.map(MicroUsd::from_dollars),
        ..usual
    }
}

/// Returns the key: of the variable that is named; the provider's own only at the provider's own address.
fn key(
    config: &Config,
    dialect: JudgeDialect,
    context: &Context,
) -> Result<Option<SecretString>, CommandError> {
    let usual = match dialect {
        JudgeDialect::Openai => "OPENAI_API_KEY",
        JudgeDialect::Anthropic => "ANTHROPIC_API_KEY",
    };
    let name = match (&config.judge.key_env, &config.judge.url) {
        (Some(name), _) => name.as_str(),
        (None, None) => usual,
        (None, Some(_own)) => return Ok(None),
    };
    let value = context
        .var(name)
        .map(str::trim)
        .filter(|key| !key.is_empty());
    match value {
        Some(key) => Ok(Some(SecretString::from(key.to_owned()))),
        None => Err(CommandError::usage(format!(
            "the judge's key is missing: the variable {name} is not set"
        ))
        .help("set it, or name another one: [judge] key_env = \"…\"")),
    }
}

fn backend(
    config: &Config,
    dialect: JudgeDialect,
    key: Option<SecretString>,
) -> Result<Arc<dyn Backend>, CommandError> {
    let public = match dialect {
        JudgeDialect::Openai => "https://api.openai.com/v1",
        JudgeDialect::Anthropic => "https://api.anthropic.com",
    };
    let url = Url::parse(config.judge.url.as_deref().unwrap_or(public));
    let url = url.map_err(CommandError::usage)?;
    let mut upstream = Upstream::new(dialect.provider(), url);
    upstream.key = key;
    let mut upstreams = Upstreams::default();
    upstreams.insert(upstream);
    Ok(Arc::new(HttpBackend::new(upstreams)))
}
