//! Where live model calls go: the known providers, what the environment and the configuration say,
//! what was typed.

use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::keys::{Keys, read_keys};
use super::{CommandError, Context};
use crate::proxy::{Allowed, Backend, HttpBackend, Timeouts, Upstream, Upstreams, providers};

/// A provider as `[upstream.NAME]` has it.
#[derive(Clone, Debug, Default)]
pub struct ConfiguredUpstream {
    /// Its name.
    pub name: String,
    /// Its base URL; `None` keeps the known one.
    pub url: Option<Url>,
    /// The variable that holds its key; `None` keeps the known ones.
    pub key_env: Option<String>,
    /// Endpoints beside the model's that may be called with the real key.
    pub allow: Vec<Allowed>,
}

/// All that says where live calls go.
#[derive(Clone, Debug, Default)]
pub struct BackendOptions {
    /// The providers of the configuration.
    pub configured: Vec<ConfiguredUpstream>,
    /// The rules file of the scripted model, from the configuration.
    pub configured_script: Option<Utf8PathBuf>,
    /// How long a provider may take until the head of its answer; `None` for the default.
    pub first_byte_timeout: Option<Duration>,
    /// `--upstream PROVIDER=URL`, as typed.
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

/// Builds the way out.
///
/// What is typed wins over the configuration, that over base-URL variables of the environment, and
/// those over the public addresses. A key goes only to the host that it was given for: the
/// environment's key to the environment's URL, `key_env` and key files to whatever is configured.
///
/// # Errors
/// A wrong `--upstream` or key file.
pub fn way_out(options: &BackendOptions, context: &Context) -> Result<WayOut, CommandError> {
    let keys = match &options.key_file {
        Some(path) => read_keys(path).map_err(CommandError::usage)?,
        None => Keys::new(),
    };
    let upstreams = upstreams(options, &keys, context)?;
    let mut secrets: Vec<String> = upstreams
        .iter()
        .filter_map(|upstream| upstream.key.as_ref())
        .map(|key| key.expose_secret().to_owned())
        .collect();
    secrets.extend(secret_variables(context));
    if let Some(script) = script(options) {
        return Ok(WayOut {
            backend: scripted(script)?,
            is_scripted: true,
            secrets,
        });
    }
    let timeouts = Timeouts::default();
    let timeouts = Timeouts {
        first_byte: options.first_byte_timeout.unwrap_or(timeouts.first_byte),
        ..timeouts
    };
    Ok(WayOut {
        backend: Arc::new(HttpBackend::new(upstreams).with_timeouts(timeouts)),
        is_scripted: false,
        secrets,
    })
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

fn upstreams(
    options: &BackendOptions,
    keys: &Keys,
    context: &Context,
) -> Result<Upstreams, CommandError> {
    let mut all = Upstreams::known(|name| context.var(name).map(str::to_owned));
    for (name, url) in environment_urls(context) {
        let key = all.get(name).and_then(|upstream| upstream.key.clone());
        all.set_url(name, url);
        set_key(&mut all, name, key);
    }
    for configured in &options.configured {
        let name = configured.name.as_str();
        if let Some(url) = &configured.url {
            all.set_url(name, url.clone());
        }
        let key = configured.key_env.as_deref().and_then(|name| context.var(name));
        set_key(&mut all, name, key.map(SecretString::from));
        if let Some(upstream) = all.get_mut(name) {
            upstream.allow.extend(configured.allow.iter().cloned());
        }
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
            let set = urls.filter_map(|(variable, _path)| context.var(variable));
            let url = set.filter_map(http_url).next()?;
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
fn script(options: &BackendOptions) -> Option<&Utf8PathBuf> {
    let configured = options
        .configured_script
        .as_ref()
        .filter(|_| options.overrides.is_empty());
    options.script.as_ref().or(configured)
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

    fn upstream(options: &BackendOptions, keys: &Keys, context: &Context) -> (String, String) {
        let all = upstreams(options, keys, context).unwrap();
        let openai = all.get("openai").unwrap();
        let key = openai.key.as_ref().map(|key| key.expose_secret().to_owned());
        (openai.url.to_string(), key.unwrap_or_default())
    }

    #[test]
    fn the_environments_key_stays_with_the_environments_url() {
        let gateway = context(&[
            ("OPENAI_API_KEY", "sk-gateway"),
            ("OPENAI_BASE_URL", "https://gateway.internal/v1"),
        ]);
        let plain = BackendOptions::default();
        let found = upstream(&plain, &Keys::new(), &gateway);
        assert_eq!(found, ("https://gateway.internal/v1".into(), "sk-gateway".into()));
        let typed = BackendOptions {
            overrides: vec!["openai=http://127.0.0.1:9000/v1".into()],
            ..plain
        };
        let found = upstream(&typed, &Keys::new(), &gateway);
        assert_eq!(found, ("http://127.0.0.1:9000/v1".into(), String::new()));
        let keys = Keys::from([("openai".to_owned(), SecretString::from("sk-file"))]);
        assert_eq!(upstream(&typed, &keys, &gateway).1, "sk-file");
    }

    #[test]
    fn the_configuration_names_the_variable_of_the_key() {
        let options = BackendOptions {
            configured: vec![ConfiguredUpstream {
                name: "openai".into(),
                url: Some(Url::parse("https://proxy.internal/v1").unwrap()),
                key_env: Some("PROXY_KEY".into()),
                ..ConfiguredUpstream::default()
            }],
            ..BackendOptions::default()
        };
        let context = context(&[("PROXY_KEY", "sk-proxy"), ("OPENAI_API_KEY", "sk-openai")]);
        assert_eq!(upstream(&options, &Keys::new(), &context).1, "sk-proxy");
    }

    #[test]
    fn a_wrong_upstream_is_an_error_that_shows_a_right_one() {
        for typed in ["openai", "=http://x", "openai=localhost:9000", "openai=ftp://x"] {
            let message = parse_override(typed).unwrap_err().to_string();
            assert!(message.contains("http://"), "{message}");
        }
    }

    #[test]
    fn under_ci_live_calls_need_a_word() {
        let ci = context(&[("CI", "true"), ("GH_TOKEN", "ghp_something")]);
        let way_out = way_out(&BackendOptions::default(), &ci).unwrap();
        assert_eq!(way_out.secrets, ["ghp_something"]);
        assert!(check_live(&way_out, true, &ci).is_ok());
        let refused = check_live(&way_out, false, &ci).unwrap_err();
        assert_eq!(refused.exit, crate::exit::Exit::Usage);
        assert!(check_live(&way_out, false, &context(&[])).is_ok());
    }
}
