//! The judges that the configuration names.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use secrecy::SecretString;
use url::Url;

use super::super::rules::prices;
use super::super::{CommandError, Context};
use crate::config::{Config, PanelMember};
use crate::judge::{Judge, JudgeDialect, JudgeSettings, Member, Panel};
use crate::model::{MicroUsd, Usage};
use crate::proxy::{Backend, HttpBackend, Upstream, Upstreams};
use crate::scripted::{Script, ScriptedModel};

/// Returns the judges: the rules that were typed, else those of the configuration.
///
/// # Errors
/// Usage: no model, no key, no price for `max_usd`, rules that can't be read; live calls where `CI` is set
/// and `--live` is not.
pub(in crate::command) fn choose(
    script: Option<&Utf8PathBuf>,
    is_live: bool,
    config: &Config,
    context: &Context,
) -> Result<Panel, CommandError> {
    let judges = match script {
        Some(path) => {
            let scripted = PanelMember {
                model: config.judge.model.clone(),
                scripted: Some(context.cwd.join(path)),
                ..PanelMember::default()
            };
            vec![("judge".to_owned(), scripted)]
        }
        None => config.judge.judges(),
    };
    let is_several = judges.len() > 1;
    let mut members = Vec::new();
    for (name, judge) in judges {
        let place = if is_several {
            format!("[judge.panel.{name}]")
        } else {
            "[judge]".to_owned()
        };
        let one = One {
            place,
            name: if is_several { Some(&name) } else { None },
            judge: &judge,
        };
        let judge = match &one.judge.scripted {
            Some(path) => one.by_rules(path, config)?,
            None => one.by_model(is_live, config, context)?,
        };
        members.push(Member {
            is_scripted: one.judge.scripted.is_some(),
            judge,
            name,
        });
    }
    let mut members = members.into_iter();
    match members.next() {
        Some(first) => Ok(Panel::new(first, members.collect())),
        None => Err(CommandError::usage("no judge is configured").help(
            "name one in rewind.toml, such as\n\n[judge]\nmodel = \"gpt-4o-mini\"\n\nor try rules without a model: --scripted FILE",
        )),
    }
}

/// Returns how the judges of the configuration are asked, by their names.
pub(in crate::command) fn settings(config: &Config) -> Vec<(String, JudgeSettings)> {
    let judges = config.judge.judges();
    let is_several = judges.len() > 1;
    let of = |(name, judge): &(String, PanelMember)| {
        let one = One {
            place: String::new(),
            name: is_several.then_some(name.as_str()),
            judge,
        };
        (
            name.clone(),
            one.settings(one.name.unwrap_or("scripted-judge"), config),
        )
    };
    judges.iter().map(of).collect()
}

/// One of the judges, as configured.
struct One<'a> {
    /// Its table, for messages.
    place: String,
    /// Its name, where there are several.
    name: Option<&'a str>,
    judge: &'a PanelMember,
}

impl One<'_> {
    fn by_rules(&self, path: &Utf8Path, config: &Config) -> Result<Judge, CommandError> {
        let script = Script::load(&config.judges().join(path)).map_err(CommandError::usage)?;
        let settings = JudgeSettings {
            max_cost: None,
            ..self.settings(self.name.unwrap_or("scripted-judge"), config)
        };
        let model = Arc::new(ScriptedModel::new(script, None));
        Ok(Judge::new(model, settings, prices(config), None))
    }

    fn by_model(
        &self,
        is_live: bool,
        config: &Config,
        context: &Context,
    ) -> Result<Judge, CommandError> {
        let place = &self.place;
        if context.is_ci() && !is_live {
            return Err(
                CommandError::usage("CI is set, so nothing goes to a judge unasked")
                    .help("add --live to allow its calls, or use a scripted judge"),
            );
        }
        let settings = self.settings("", config);
        let is_sampled = settings.temperature.is_some() || settings.seed.is_some();
        if is_sampled && settings.dialect == JudgeDialect::Anthropic {
            return Err(CommandError::usage(format!(
                "{place} temperature and seed are not known in Anthropic's dialect"
            ))
            .help(
                "leave them out, or set dialect = \"openai\" for an endpoint that is compatible",
            ));
        }
        let prices = prices(config);
        let sample = Usage {
            input: 1,
            output: 1,
            ..Usage::default()
        };
        let model = &settings.model;
        if settings.max_cost.is_some() && prices.price(model, &sample).is_none() {
            return Err(CommandError::usage(format!(
                "[judge] max_usd can't be kept, because no price of `{model}` is known"
            ))
            .help(format!(
                "add [prices.\"{model}\"] to rewind.toml, or leave max_usd out"
            )));
        }
        let key = self.key(settings.dialect, context)?;
        let backend = self.backend(settings.dialect, key.clone())?;
        Ok(Judge::new(backend, settings, prices, key))
    }

    /// Returns how it is asked; `model` is what stands for a model that is not named.
    fn settings(&self, model: &str, config: &Config) -> JudgeSettings {
        let all = &config.judge;
        let usual = JudgeSettings::new(self.judge.model.as_deref().unwrap_or(model));
        JudgeSettings {
            dialect: self.judge.dialect.unwrap_or(usual.dialect),
            temperature: self.judge.temperature,
            seed: self.judge.seed,
            max_concurrent: all.max_concurrent.unwrap_or(usual.max_concurrent),
            requests_per_minute: all.requests_per_minute,
            timeout: all.timeout.map_or(usual.timeout, |period| period.0),
            max_cost: all.max_usd.map(MicroUsd::from_dollars),
            ..usual
        }
    }

    /// Returns the key: of the variable that is named; the provider's own only at the provider's own address.
    fn key(
        &self,
        dialect: JudgeDialect,
        context: &Context,
    ) -> Result<Option<SecretString>, CommandError> {
        let usual = match dialect {
            JudgeDialect::Openai => "OPENAI_API_KEY",
            JudgeDialect::Anthropic => "ANTHROPIC_API_KEY",
        };
        let name = match (&self.judge.key_env, &self.judge.url) {
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
            .help(format!(
                "set it, or name another one: {} key_env = \"…\"",
                self.place
            ))),
        }
    }

    fn backend(
        &self,
        dialect: JudgeDialect,
        key: Option<SecretString>,
    ) -> Result<Arc<dyn Backend>, CommandError> {
        let public = match dialect {
            JudgeDialect::Openai => "https://api.openai.com/v1",
            JudgeDialect::Anthropic => "https://api.anthropic.com",
        };
        let url = Url::parse(self.judge.url.as_deref().unwrap_or(public));
        let url = url.map_err(CommandError::usage)?;
        let mut upstream = Upstream::new(dialect.provider(), url);
        upstream.key = key;
        let mut upstreams = Upstreams::default();
        upstreams.insert(upstream);
        Ok(Arc::new(HttpBackend::new(upstreams)))
    }
}
