//! Where live model calls go: the known providers, what the environment and the configuration say,
//! what was typed.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::keys::{Keys, read_keys};
use super::{CommandError, Context};
use crate::config::{self, Config, UpstreamEntry};
use crate::github::forbids_agents;
use crate::proxy::{Allowed, Backend, HttpBackend, Timeouts, Upstreams, providers};
use crate::scripted::{Script, ScriptedModel};

/// Where live calls go, as typed.
#[derive(Clone, Debug, Default)]
pub struct BackendOptions {
    /// `--upstream PROVIDER=URL`.
    pub overrides: Vec<String>,
    /// `--scripted FILE`.
    pub script: Option<Utf8PathBuf>,
    /// `--key-file FILE`.
    pub key_file: Option<Utf8PathBuf>,
}

/// The way out for live calls.
pub struct WayOut {
    /// What sends them.
    pub backend: Arc<dyn Backend>,
    /// Whether it is the scripted model: costs nothing, needs no permission.
    pub is_scripted: bool,
    /// The values of the keys that this process holds, to be redacted wherever they show.
    pub secrets: Vec<String>,
}

/// An upstream as typed that can't be used.
#[derive(Debug, thiserror::Error)]
enum OverrideError {
    #[error("`--upstream {0}` is not PROVIDER=URL, such as openai=http://127.0.0.1:9000/v1")]
    Form(String),
    #[error("`--upstream {typed}` has no usable URL; it must begin with http:// or https://")]
    Url { typed: String },
}

/// An entry of `[upstream.NAME]` that can't be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "[upstream.{name}] {key} = \"{text}\" can't be used; write an URL such as https://api.openai.com/v1, and in allow a method and a path such as POST /files/*"
)]
struct EntryError {
    name: String,
    key: &'static str,
    text: String,
}

/// Builds the way out.
///
/// What is typed wins over the configuration, that over base-URL variables of the environment, and
/// those over the public addresses. A key goes only to the host that it was given for: the
/// environment's key to the environment's URL, `key_env` and key files to whatever is configured.
///
/// Whoever needs it runs code of the repository, the agent or a check, so an event of GitHub's whose jobs must not
/// is refused here.
///
/// # Errors
/// A wrong `--upstream` or key file, such an event.
pub fn way_out(
    options: &BackendOptions,
    config: &Config,
    context: &Context,
) -> Result<WayOut, CommandError> {
    refuse_event(context)?;
    let keys = match &options.key_file {
        Some(path) => read_keys(path).map_err(CommandError::usage)?,
        None => Keys::new(),
    };
    let upstreams = upstreams(options, &config.upstream, &keys, context)?;
    let mut secrets: Vec<String> = upstreams
        .iter()
        .filter_map(|upstream| upstream.key.as_ref())
        .map(|key| key.expose_secret().to_owned())
        .collect();
    secrets.extend(secret_variables(context));
    let judges = config.judge.key_variables();
    secrets.extend(
        judges
            .filter_map(|name| context.var(name))
            .map(str::to_owned),
    );
    if let Some(script) = script(options, config) {
        return Ok(WayOut {
            backend: scripted(&script)?,
            is_scripted: true,
            secrets,
        });
    }
    let timeouts = timeouts(&config.upstream);
    Ok(WayOut {
        backend: Arc::new(HttpBackend::new(upstreams).with_timeouts(timeouts)),
        is_scripted: false,
        secrets,
    })
}

/// Refuses to run anything of the repository in a job that strangers can cause and that holds secrets.
fn refuse_event(context: &Context) -> Result<(), CommandError> {
    match context.var("GITHUB_EVENT_NAME") {
        Some(event) if forbids_agents(event) => Err(CommandError::usage(format!(
            "a job of the event {event} holds secrets and may write, so code of a change is not run in it"
        ))
        .help("run the gate on pull_request; docs/github.md shows how changes from forks are reported")),
        Some(_) | None => Ok(()),
    }
}

/// Refuses live calls under CI unless they are asked for; the scripted model costs nothing.
///
/// # Errors
/// Usage: `--live` is missing.
pub fn check_live(way_out: &WayOut, is_live: bool, context: &Context) -> Result<(), CommandError> {
    if way_out.is_scripted || is_live || !context.is_ci() {
        return Ok(());
    }
    Err(
        CommandError::usage("CI is set, so nothing goes to a model provider unasked")
            .help("add --live to allow live model calls, or use a scripted model"),
    )
}

/// Returns the default times, or the longest one configured.
fn timeouts(configured: &config::Upstreams) -> Timeouts {
    let timeouts = Timeouts::default();
    let entries = configured.providers.values();
    let longest = entries.filter_map(|entry| Some(entry.timeout?.0)).max();
    Timeouts {
        first_byte: longest.unwrap_or(timeouts.first_byte),
        ..timeouts
    }
}

fn upstreams(
    options: &BackendOptions,
    configured: &config::Upstreams,
    keys: &Keys,
    context: &Context,
) -> Result<Upstreams, CommandError> {
    let mut all = Upstreams::known(|name| context.var(name).map(str::to_owned));
    for (name, url) in environment_urls(context) {
        let key = all.get(name).and_then(|upstream| upstream.key.clone());
        all.set_url(name, url);
        set_key(&mut all, name, key);
    }
    for (name, entry) in &configured.providers {
        configure(&mut all, name, entry, context).map_err(CommandError::usage)?;
    }
    for typed in &options.overrides {
        let (name, url) = parse_override(typed).map_err(CommandError::usage)?;
        all.set_url(&name, url);
    }
    for (name, key) in keys {
        set_key(&mut all, name, Some(key.clone()));
    }
    Ok(all)
}

/// Applies `[upstream.NAME]`.
fn configure(
    all: &mut Upstreams,
    name: &str,
    entry: &UpstreamEntry,
    context: &Context,
) -> Result<(), EntryError> {
    let invalid = |text: &str, key: &'static str| EntryError {
        name: name.to_owned(),
        key,
        text: text.to_owned(),
    };
    if let Some(text) = &entry.url {
        let url = http_url(text).ok_or_else(|| invalid(text, "url"))?;
        all.set_url(name, url);
    }
    let key = entry.key_env.as_deref().and_then(|name| context.var(name));
    set_key(all, name, key.map(SecretString::from));
    let Some(upstream) = all.get_mut(name) else {
        return Err(invalid("", "url"));
    };
    for text in &entry.allow {
        let allowed: Allowed = text.parse().map_err(|_error| invalid(text, "allow"))?;
        upstream.allow.push(allowed);
    }
    Ok(())
}

fn set_key(all: &mut Upstreams, name: &str, key: Option<SecretString>) {
    if let (Some(upstream), Some(key)) = (all.get_mut(name), key) {
        upstream.key = Some(key);
    }
}

/// Returns the providers whose base URL the environment sets already.
fn environment_urls(context: &Context) -> Vec<(&'static str, Url)> {
    providers::KNOWN
        .iter()
        .filter_map(|known| {
            let urls = known.base_variables.iter();
            let mut set = urls.filter_map(|(variable, _path)| context.var(variable));
            let url = set.find_map(http_url)?;
            Some((known.name, url))
        })
        .collect()
}

fn http_url(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

fn parse_override(typed: &str) -> Result<(String, Url), OverrideError> {
    let (name, url) = typed
        .split_once('=')
        .filter(|(name, _url)| !name.trim().is_empty())
        .ok_or_else(|| OverrideError::Form(typed.to_owned()))?;
    let url = http_url(url).ok_or_else(|| OverrideError::Url {
        typed: typed.to_owned(),
    })?;
    Ok((name.trim().to_owned(), url))
}

/// Returns the rules file, unless `--upstream` asks for real providers.
fn script(options: &BackendOptions, config: &Config) -> Option<Utf8PathBuf> {
    let configured = config.upstream.scripted.as_ref();
    let configured = configured.filter(|_path| options.overrides.is_empty());
    let typed = options.script.clone();
    typed.or_else(|| configured.map(|path| config.resolve(path)))
}

/// Loads the scripted model.
fn scripted(rules: &Utf8Path) -> Result<Arc<dyn Backend>, CommandError> {
    let script = Script::load(rules).map_err(CommandError::usage)?;
    Ok(Arc::new(ScriptedModel::new(script, None)))
}

/// Returns the values of variables that hold credentials by their names.
fn secret_variables(context: &Context) -> impl Iterator<Item = String> {
    context
        .env
        .iter()
        .filter(|(name, value)| {
            let name = name.to_ascii_uppercase();
            let is_secret = SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending));
            // A path leads to a secret; it is none itself.
            is_secret && !value.starts_with('/') && !value.starts_with("rewind-")
        })
        .map(|(_name, value)| value.clone())
}

/// How the names of variables that hold credentials end.
const SECRET_ENDINGS: [&str; 5] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD"];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn context(variables: &[(&str, &str)]) -> Context {
        let env: BTreeMap<_, _> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Context {
            env,
            ..Context::default()
        }
    }

    fn openai(
        options: &BackendOptions,
        config: &str,
        keys: &Keys,
        context: &Context,
    ) -> (String, String) {
        let config = Config::parse("rewind.toml".into(), config).unwrap();
        let all = upstreams(options, &config.upstream, keys, context).unwrap();
        let openai = all.get("openai").unwrap();
        let key = openai
            .key
            .as_ref()
            .map(|key| key.expose_secret().to_owned());
        (openai.url.to_string(), key.unwrap_or_default())
    }

    fn typed(upstream: &str) -> BackendOptions {
        BackendOptions {
            overrides: vec![upstream.to_owned()],
            ..BackendOptions::default()
        }
    }

    #[test]
    fn a_key_goes_only_where_it_was_given_for() {
        let gateway = context(&[
            ("OPENAI_API_KEY", "sk-gateway"),
            ("OPENAI_BASE_URL", "https://gateway.internal/v1"),
        ]);
        let none = Keys::new();
        let found = openai(&BackendOptions::default(), "", &none, &gateway);
        assert_eq!(
            found,
            ("https://gateway.internal/v1".into(), "sk-gateway".into())
        );
        let local = typed("openai=http://127.0.0.1:9000/v1");
        let found = openai(&local, "", &none, &gateway);
        assert_eq!(found, ("http://127.0.0.1:9000/v1".into(), String::new()));
        let keys = Keys::from([("openai".to_owned(), SecretString::from("sk-file"))]);
        assert_eq!(openai(&local, "", &keys, &gateway).1, "sk-file");
    }

    #[test]
    fn the_configuration_names_the_variable_of_the_key() {
        let config =
            "[upstream.openai]\nurl = \"https://proxy.internal/v1\"\nkey_env = \"PROXY_KEY\"\n";
        let context = context(&[("PROXY_KEY", "sk-proxy"), ("OPENAI_API_KEY", "sk-openai")]);
        let found = openai(&BackendOptions::default(), config, &Keys::new(), &context);
        assert_eq!(
            found,
            ("https://proxy.internal/v1".into(), "sk-proxy".into())
        );
    }

    #[test]
    fn a_wrong_upstream_is_an_error_that_shows_a_right_one() {
        for typed in [
            "openai",
            "=http://x",
            "openai=localhost:9000",
            "openai=ftp://x",
        ] {
            let message = parse_override(typed).unwrap_err().to_string();
            assert!(message.contains("http://"), "{message}");
        }
        let config = Config::parse("rewind.toml".into(), "[upstream.mine]\nkey_env = \"K\"\n");
        let wrong = way_out(&BackendOptions::default(), &config.unwrap(), &context(&[]));
        let message = wrong.err().unwrap().message();
        assert!(message.contains("[upstream.mine] url"), "{message}");
    }

    #[test]
    fn what_is_typed_wins_over_the_configured_script() {
        let config = "[upstream]\nscripted = \"model.toml\"\n";
        let config = Config::parse("rewind.toml".into(), config).unwrap();
        assert!(script(&BackendOptions::default(), &config).is_some());
        assert_eq!(script(&typed("openai=http://x/v1"), &config), None);
    }

    #[test]
    fn under_ci_live_calls_need_a_word() {
        let ci = context(&[("CI", "true"), ("GH_TOKEN", "ghp_something")]);
        let options = BackendOptions::default();
        let way_out = way_out(&options, &Config::default(), &ci).unwrap();
        assert_eq!(way_out.secrets, ["ghp_something"]);
        assert!(check_live(&way_out, true, &ci).is_ok());
        let refused = check_live(&way_out, false, &ci).unwrap_err();
        assert_eq!(refused.exit, crate::exit::Exit::Usage);
        assert!(check_live(&way_out, false, &context(&[])).is_ok());
    }
}
