//! The table of known providers: where they are, which variables their SDKs read, how they want the key.
//!
//! Sources: the API references of the providers, and what their SDKs were seen to send. Not in the
//! table: Bedrock, whose requests are signed over the host that the agent sees.

use super::AuthStyle;

/// A provider that Rewind knows without configuration.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The name, as in `[upstream.NAME]`.
    pub name: &'static str,
    /// The public base URL; `None` where every customer has its own.
    pub url: Option<&'static str>,
    /// The variables by which SDKs are told another base URL, each with the path that they expect in it.
    pub base_variables: &'static [(&'static str, &'static str)],
    /// The variables from which SDKs read the key; the first that is set counts.
    pub key_variables: &'static [&'static str],
    /// Where the key goes.
    pub auth: AuthStyle,
    /// The version segment that the API's paths begin with.
    pub version: Option<&'static str>,
}

impl Known {
    /// Returns the environment that leads this provider's SDKs to a proxy at `base`, as name and value.
    ///
    /// `base` is [`Proxy::base`](crate::proxy::Proxy::base). OpenAI and Anthropic are recognised by path and
    /// headers; all others are named in the path.
    pub fn base_environment(&self, base: &str) -> Vec<(&'static str, String)> {
        let prefix = if IS_GUESSED.contains(&self.name) {
            String::new()
        } else {
            format!("/p/{}", self.name)
        };
        self.base_variables
            .iter()
            .map(|(variable, suffix)| (*variable, format!("{base}{prefix}{suffix}")))
            .collect()
    }
}

/// Returns the known provider of that name.
pub fn find(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// The providers whose requests carry no name in the path.
const IS_GUESSED: [&str; 2] = ["openai", "anthropic"];

/// All known providers, the most used first.
pub const KNOWN: &[Known] = &[
    Known {
        name: "openai",
        url: Some("https://api.openai.com/v1"),
        base_variables: &[("OPENAI_BASE_URL", "/v1"), ("OPENAI_API_BASE", "/v1")],
        key_variables: &["OPENAI_API_KEY"],
        auth: AuthStyle::Bearer,
        version: Some("v1"),
    },
    Known {
        name: "anthropic",
        url: Some("https://api.anthropic.com"),
        base_variables: &[("ANTHROPIC_BASE_URL", ""), ("ANTHROPIC_API_BASE", "")],
        key_variables: &["ANTHROPIC_API_KEY"],
        auth: AuthStyle::XApiKey,
        version: Some("v1"),
    },
    Known {
        name: "google",
        url: Some("https://generativelanguage.googleapis.com"),
        base_variables: &[("GOOGLE_GEMINI_BASE_URL", ""), ("GEMINI_API_BASE", "")],
        key_variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        auth: AuthStyle::XGoogApiKey,
        version: Some("v1beta"),
    },
    Known {
        name: "mistral",
        url: Some("https://api.mistral.ai/v1"),
        base_variables: &[("MISTRAL_BASE_URL", "/v1"), ("MISTRAL_API_BASE", "/v1")],
        key_variables: &["MISTRAL_API_KEY"],
        auth: AuthStyle::Bearer,
        version: Some("v1"),
    },
    Known {
        name: "groq",
        url: Some("https://api.groq.com/openai/v1"),
        // Groq's own SDK adds `/openai/v1` itself.
        base_variables: &[("GROQ_BASE_URL", ""), ("GROQ_API_BASE", "/v1")],
        key_variables: &["GROQ_API_KEY"],
        auth: AuthStyle::Bearer,
        version: Some("v1"),
    },
    Known {
        name: "cohere",
        url: Some("https://api.cohere.com"),
        base_variables: &[("CO_API_URL", "")],
        key_variables: &["CO_API_KEY", "COHERE_API_KEY"],
        auth: AuthStyle::Bearer,
        version: Some("v2"),
    },
    Known {
        name: "deepseek",
        url: Some("https://api.deepseek.com/v1"),
        base_variables: &[("DEEPSEEK_API_BASE", "/v1"), ("DEEPSEEK_BASE_URL", "/v1")],
        key_variables: &["DEEPSEEK_API_KEY"],
        auth: AuthStyle::Bearer,
        version: Some("v1"),
    },
    Known {
        name: "openrouter",
        url: Some("https://openrouter.ai/api/v1"),
        base_variables: &[
            ("OPENROUTER_BASE_URL", "/v1"),
            ("OPENROUTER_API_BASE", "/v1"),
        ],
        key_variables: &["OPENROUTER_API_KEY"],
        auth: AuthStyle::Bearer,
        version: Some("v1"),
    },
    Known {
        name: "together",
        url: Some("https://api.together.xyz/v1"),
        base_variables: &[
            ("TOGETHER_BASE_URL", "/v1"),
            ("TOGETHER_AI_API_BASE", "/v1"),
        ],
        key_variables: &["TOGETHER_API_KEY", "TOGETHERAI_API_KEY"],
        auth: AuthStyle::Bearer,
        version: Some("v1"),
    },
    Known {
        name: "xai",
        url: Some("https://api.x.ai/v1"),
        base_variables: &[("XAI_BASE_URL", "/v1"), ("XAI_API_BASE", "/v1")],
        key_variables: &["XAI_API_KEY"],
        auth: AuthStyle::Bearer,
        version: Some("v1"),
    },
    Known {
        name: "fireworks",
        url: Some("https://api.fireworks.ai/inference/v1"),
        base_variables: &[("FIREWORKS_BASE_URL", "/v1"), ("FIREWORKS_API_BASE", "/v1")],
        key_variables: &["FIREWORKS_API_KEY"],
        auth: AuthStyle::Bearer,
        version: Some("v1"),
    },
    Known {
        name: "azure",
        url: None,
        base_variables: &[("AZURE_OPENAI_ENDPOINT", ""), ("AZURE_API_BASE", "")],
        key_variables: &["AZURE_OPENAI_API_KEY", "AZURE_API_KEY"],
        auth: AuthStyle::ApiKey,
        version: None,
    },
    Known {
        name: "ollama",
        url: Some("http://localhost:11434"),
        base_variables: &[
            ("OLLAMA_HOST", ""),
            ("OLLAMA_BASE_URL", ""),
            ("OLLAMA_API_BASE", ""),
        ],
        key_variables: &["OLLAMA_API_KEY"],
        auth: AuthStyle::Bearer,
        version: None,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use url::Url;

    use super::*;

    #[test]
    fn names_and_variables_are_unique_and_urls_are_valid() {
        let names: BTreeSet<_> = KNOWN.iter().map(|known| known.name).collect();
        assert_eq!(names.len(), KNOWN.len());
        let variables: Vec<_> = KNOWN
            .iter()
            .flat_map(|k| k.base_variables)
            .map(|v| v.0)
            .collect();
        assert_eq!(
            variables.iter().collect::<BTreeSet<_>>().len(),
            variables.len()
        );
        for url in KNOWN.iter().filter_map(|known| known.url) {
            assert!(Url::parse(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn base_urls_have_the_path_that_the_sdk_expects() {
        let base = "http://127.0.0.1:1/r/t";
        let of = |name: &str| find(name).unwrap().base_environment(base);
        assert_eq!(
            of("openai")[0],
            ("OPENAI_BASE_URL", "http://127.0.0.1:1/r/t/v1".to_owned())
        );
        assert_eq!(
            of("anthropic")[0],
            ("ANTHROPIC_BASE_URL", "http://127.0.0.1:1/r/t".to_owned())
        );
        assert_eq!(
            of("mistral")[0],
            (
                "MISTRAL_BASE_URL",
                "http://127.0.0.1:1/r/t/p/mistral/v1".to_owned()
            )
        );
    }
}
