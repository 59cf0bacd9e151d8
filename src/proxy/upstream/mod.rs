//! The providers: where their requests go, with which key, and to which endpoints the key may go.
//!
//! [`Upstreams`] holds one [`Upstream`] a provider, [`HttpBackend`] sends to them, [`providers`] is the
//! table of those that are known. No recording, no retries, no caps: those are the callers'.

mod allow;
mod http_backend;
mod join;
pub mod providers;

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use secrecy::SecretString;
use url::Url;

pub use allow::{Allowed, InvalidAllowed};
pub use http_backend::{HttpBackend, Timeouts};
pub use providers::Known;

/// Where a provider wants its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuthStyle {
    /// `authorization: Bearer KEY`.
    Bearer,
    /// `x-api-key: KEY`.
    XApiKey,
    /// `api-key: KEY`.
    ApiKey,
    /// `x-goog-api-key: KEY`.
    XGoogApiKey,
    /// Nowhere.
    None,
}

/// One provider as configured.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The name, as in `[upstream.NAME]`.
    pub name: String,
    /// The base URL, as one would give it to the provider's SDK.
    pub url: Url,
    /// The real key; `None` where there is none, then requests go up without.
    pub key: Option<SecretString>,
    /// Where the key goes.
    pub auth: AuthStyle,
    /// The endpoints that may be called with the real key.
    pub allow: Vec<Allowed>,
    /// Headers that are set on every request, in place of the agent's.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The version segment that paths of this API begin with, such as `v1`; added where URL and request lack one.
    pub version: Option<&'static str>,
}

impl Upstream {
    /// Returns a provider at `url`: with the conventions of the known one of that name, else like OpenAI's API.
    pub fn new(name: &str, url: Url) -> Self {
        let known = providers::find(name);
        Self {
            name: name.to_owned(),
            url,
            key: None,
            auth: known.map_or(AuthStyle::Bearer, |known| known.auth),
            allow: allow::model_endpoints(),
            headers: Vec::new(),
            version: known.map_or(Some("v1"), |known| known.version),
        }
    }
}

/// All providers of a run, by name.
#[derive(Clone, Debug, Default)]
pub struct Upstreams(BTreeMap<String, Upstream>);

impl Upstreams {
    /// Returns all known providers as the environment would lead their SDKs to them, with their keys.
    ///
    /// `variable` looks up one environment variable; an empty value counts as none. A base-URL variable
    /// that is set (a gateway such as `LiteLLM`) counts before the public URL, as it would for the SDK.
    pub fn known(variable: impl Fn(&str) -> Option<String>) -> Self {
        let mut all = Self::default();
        for known in providers::KNOWN {
            let from_environment = known
                .base_variables
                .iter()
                .filter_map(|(name, _suffix)| variable(name))
                .find_map(|text| base_url(&text));
            let public = || known.url.and_then(|url| Url::parse(url).ok());
            let Some(url) = from_environment.or_else(public) else {
                continue;
            };
            let mut upstream = Upstream::new(known.name, url);
            upstream.key = known
                .key_variables
                .iter()
                .filter_map(|name| variable(name))
                .find(|key| !key.trim().is_empty())
                .map(|key| SecretString::from(key.trim().to_owned()));
            all.insert(upstream);
        }
        all
    }

    /// Adds a provider, or replaces the one of the same name.
    pub fn insert(&mut self, upstream: Upstream) {
        self.0.insert(upstream.name.clone(), upstream);
    }

    /// Returns the provider of that name.
    pub fn get(&self, name: &str) -> Option<&Upstream> {
        self.0.get(name)
    }

    /// Returns the provider of that name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Upstream> {
        self.0.get_mut(name)
    }

    /// Lets a provider's requests go to `url`; its key stays only if the host does.
    ///
    /// A key never follows an URL elsewhere by itself: it was meant for the provider's own host. Set
    /// `key` after this call where the configuration says so.
    pub fn set_url(&mut self, name: &str, url: Url) {
        let Some(upstream) = self.0.get_mut(name) else {
            self.insert(Upstream::new(name, url));
            return;
        };
        if upstream.url.host_str() != url.host_str() {
            upstream.key = None;
        }
        upstream.url = url;
    }

    /// Returns all providers in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Upstream> {
        self.0.values()
    }
}

/// Reads the value of a base-URL variable; some (`OLLAMA_HOST`) leave the scheme out.
fn base_url(text: &str) -> Option<Url> {
    let text = text.trim();
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    Url::parse(&with_scheme.replace("//0.0.0.0", "//127.0.0.1"))
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn with_keys() -> Upstreams {
        Upstreams::known(|name| match name {
            "OPENAI_API_KEY" => Some("sk-real\n".to_owned()),
            "ANTHROPIC_API_KEY" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn keys_come_from_the_providers_variables_and_empty_ones_count_as_none() {
        let all = with_keys();
        let key = all.get("openai").unwrap().key.as_ref().unwrap();
        assert_eq!(key.expose_secret(), "sk-real");
        assert!(all.get("anthropic").unwrap().key.is_none());
    }

    #[test]
    fn base_url_variables_of_the_outer_environment_are_where_requests_go() {
        let all = Upstreams::known(|name| match name {
            "OPENAI_BASE_URL" => Some("http://litellm:4000/v1".to_owned()),
            "OLLAMA_HOST" => Some("0.0.0.0:11500".to_owned()),
            "AZURE_OPENAI_ENDPOINT" => Some("https://mine.openai.azure.com/".to_owned()),
            "MISTRAL_BASE_URL" => Some("  ".to_owned()),
            _ => None,
        });
        let url = |name: &str| all.get(name).unwrap().url.as_str().to_owned();
        assert_eq!(url("openai"), "http://litellm:4000/v1");
        assert_eq!(url("ollama"), "http://127.0.0.1:11500/");
        assert_eq!(url("azure"), "https://mine.openai.azure.com/");
        assert_eq!(url("mistral"), "https://api.mistral.ai/v1");
        assert!(with_keys().get("azure").is_none());
    }

    #[test]
    fn a_key_does_not_follow_to_another_host() {
        let mut all = with_keys();
        all.set_url("openai", Url::parse("https://api.openai.com/v1/").unwrap());
        assert!(all.get("openai").unwrap().key.is_some());
        all.set_url("openai", Url::parse("http://127.0.0.1:9000/v1").unwrap());
        assert!(all.get("openai").unwrap().key.is_none());
    }

    #[test]
    fn keys_are_not_in_the_debug_form() {
        assert!(!format!("{:?}", with_keys()).contains("sk-real"));
    }
}
