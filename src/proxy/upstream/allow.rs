//! The endpoints that may be called with the provider's real key.
//!
//! Code under test gets the use of a model, not of an account: files, fine-tuning, batches and
//! administration stay out of reach unless `[upstream.NAME] allow` lists them.

use std::fmt;
use std::str::FromStr;

use http::Method;

use super::join::without_version;

/// A method and a path pattern, such as `POST /files/*`.
///
/// The path is compared without its version segment. `*` stands for any text within one segment, a
/// last segment `**` for any rest. Neither matches an escaped slash, backslash or dot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Allowed {
    method: Method,
    segments: Vec<String>,
}

impl Allowed {
    /// Returns whether a request is meant; `path` is without its query.
    pub(super) fn covers(&self, method: &Method, path: &str) -> bool {
        let lower = path.to_ascii_lowercase();
        let is_hidden = ["%2f", "%5c", "%2e"]
            .iter()
            .any(|escape| lower.contains(escape));
        if is_hidden || self.method != *method {
            return false;
        }
        let mut given = without_version(path).split('/');
        for pattern in &self.segments {
            if pattern == "**" {
                return given.next().is_some_and(|segment| !segment.is_empty());
            }
            if !given
                .next()
                .is_some_and(|segment| is_like(segment, pattern))
            {
                return false;
            }
        }
        given.next().is_none()
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} /{}", self.method, self.segments.join("/"))
    }
}

/// A text that is not `METHOD /path`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a method and a path pattern such as `POST /files/*`")]
pub struct InvalidAllowed(String);

impl FromStr for Allowed {
    type Err = InvalidAllowed;

    fn from_str(text: &str) -> Result<Self, InvalidAllowed> {
        let invalid = || InvalidAllowed(text.to_owned());
        let (method, path) = text.trim().split_once(' ').ok_or_else(invalid)?;
        let path = path.trim();
        if !method.bytes().all(|b| b.is_ascii_uppercase()) || !path.starts_with('/') {
            return Err(invalid());
        }
        let method = Method::from_bytes(method.as_bytes()).map_err(|_error| invalid())?;
        let segments: Vec<String> = without_version(path)
            .split('/')
            .map(str::to_owned)
            .collect();
        let inner = segments.len().saturating_sub(1);
        if segments.iter().take(inner).any(|s| s == "**") || segments.iter().any(String::is_empty) {
            return Err(invalid());
        }
        Ok(Self { method, segments })
    }
}

/// Returns the model endpoints of all known dialects.
pub(super) fn model_endpoints() -> Vec<Allowed> {
    MODEL_ENDPOINTS
        .iter()
        .filter_map(|endpoint| endpoint.parse().ok())
        .collect()
}

/// Compares one segment; each `*` stands for any text.
fn is_like(segment: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return segment == pattern;
    };
    let Some(mut left) = segment.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_skipped, after)) = left.split_once(part) else {
            return false;
        };
        left = after;
    }
    !segment.is_empty() && left.ends_with(end)
}

/// Paths without their version segment.
const MODEL_ENDPOINTS: &[&str] = &[
    // OpenAI and those that speak its dialect
    "POST /chat/completions",
    "POST /completions",
    "POST /responses",
    "POST /responses/input_tokens",
    "POST /responses/compact",
    "POST /embeddings",
    "POST /moderations",
    "GET /models",
    "GET /models/*",
    // Anthropic
    "POST /messages",
    "POST /messages/count_tokens",
    // Google
    "POST /models/*:generateContent",
    "POST /models/*:streamGenerateContent",
    "POST /models/*:countTokens",
    "POST /models/*:embedContent",
    "POST /models/*:batchEmbedContents",
    "POST /tunedModels/*:generateContent",
    "POST /tunedModels/*:streamGenerateContent",
    // Azure
    "POST /openai/deployments/*/chat/completions",
    "POST /openai/deployments/*/completions",
    "POST /openai/deployments/*/embeddings",
    "POST /openai/responses",
    "POST /openai/v1/chat/completions",
    "POST /openai/v1/responses",
    "POST /openai/v1/embeddings",
    // Cohere, Mistral, Voyage
    "POST /chat",
    "POST /embed",
    "POST /rerank",
    "POST /fim/completions",
    // Ollama
    "POST /api/chat",
    "POST /api/generate",
    "POST /api/embed",
    "POST /api/embeddings",
    "POST /api/show",
    "GET /api/tags",
    "GET /api/version",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn is_model_endpoint(method: &Method, path: &str) -> bool {
        model_endpoints().iter().any(|a| a.covers(method, path))
    }

    #[test]
    fn every_built_in_endpoint_is_well_formed() {
        assert_eq!(model_endpoints().len(), MODEL_ENDPOINTS.len());
    }

    #[test]
    fn models_are_reached_and_the_account_is_not() {
        for path in [
            "/v1/chat/completions",
            "/v1/messages",
            "/messages",
            "/v1beta/models/gemini-3:streamGenerateContent",
            "/openai/deployments/D/chat/completions",
            "/v2/chat",
        ] {
            assert!(is_model_endpoint(&Method::POST, path), "{path}");
        }
        assert!(is_model_endpoint(&Method::GET, "/v1/models"));
        for path in [
            "/v1/files",
            "/v1/fine_tuning/jobs",
            "/v1/organization/api_keys",
            "/v1/models",
            "/v1/messages/batches",
            "/v1beta/models/x:delete",
            "/v1/chat/completions/x",
        ] {
            assert!(!is_model_endpoint(&Method::POST, path), "{path}");
        }
        assert!(!is_model_endpoint(&Method::DELETE, "/v1/models/mine"));
    }

    #[test]
    fn an_escaped_path_is_never_covered() {
        for path in [
            "/v1/models/x%2f..%2Ffiles",
            "/v1/models/%2e%2e",
            "/v1/models/a%5cb",
        ] {
            assert!(!is_model_endpoint(&Method::GET, path), "{path}");
        }
    }

    #[test]
    fn stars_stay_within_a_segment_and_a_double_star_takes_the_rest() {
        let star: Allowed = "GET /files/*".parse().unwrap();
        assert!(star.covers(&Method::GET, "/v1/files/f1"));
        assert!(!star.covers(&Method::GET, "/v1/files/f1/content"));
        assert!(!star.covers(&Method::GET, "/v1/files/"));
        let rest: Allowed = "GET /v1/files/**".parse().unwrap();
        assert!(rest.covers(&Method::GET, "/v1/files/f1/content"));
        assert!(!rest.covers(&Method::GET, "/v1/files"));
        let middle: Allowed = "POST /a*b*c".parse().unwrap();
        assert!(middle.covers(&Method::POST, "/axbyc") && middle.covers(&Method::POST, "/abc"));
        assert!(!middle.covers(&Method::POST, "/ac"));
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_with_an_example() {
        for text in [
            "/files",
            "POST files",
            "post /files",
            "POST /a/**/b",
            "POST /",
        ] {
            let error = text.parse::<Allowed>().unwrap_err();
            assert!(error.to_string().contains("POST /files/*"), "{text}");
        }
    }
}
