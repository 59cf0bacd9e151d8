//! What the path and headers of a request say before its body is read: token, provider, agent, credential.
//!
//! ```text
//! /r/TOKEN[/a/AGENT][/p/NAME]/v1/chat/completions
//! ```

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, Uri};
use url::form_urlencoded;

use super::token::{is_same, placeholder_key};
use crate::proxy::Credential;

/// Where a request is to go.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// Path and query for the provider.
    pub(super) path: String,
    /// The provider's name.
    pub(super) provider: String,
    /// The agent named in the path.
    pub(super) agent: Option<String>,
    /// Whose credential it carries.
    pub(super) credential: Credential,
}

/// Why a request is refused before its body is read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Forbidden {
    /// The path does not begin with `/r/`.
    #[error(
        "this is a Rewind proxy: the path must begin with /r/TOKEN; use the base URL that \
         Rewind put into the environment of the agent"
    )]
    NoToken,
    /// The token is another one.
    #[error(
        "the run token in the path is not this run's: the base URL comes from another run of \
         Rewind; take it from the environment instead of storing it"
    )]
    WrongToken,
}

/// Reads the route of a request and takes the placeholder out of its headers.
pub(super) fn route(uri: &Uri, headers: &mut HeaderMap, token: &str) -> Result<Route, Forbidden> {
    let mut rest = if token.is_empty() {
        uri.path()
    } else {
        behind_token(uri.path(), token)?
    };
    let mut agent = None;
    let mut provider = None;
    while let Some((marker, value, after)) = marked(rest) {
        let slot = match marker {
            "a" if agent.is_none() => &mut agent,
            "p" if provider.is_none() => &mut provider,
            _ => break,
        };
        *slot = Some(unescaped(value));
        rest = after;
    }
    let path = if rest.is_empty() { "/" } else { rest };
    let provider = provider.unwrap_or_else(|| guess_provider(path, headers).to_owned());
    let placeholder = placeholder_key(token);
    let (query, in_query) = without_placeholder(uri.query(), &placeholder);
    let in_headers = take_placeholder(headers, &placeholder);
    let credential = both(in_query, in_headers);
    Ok(Route {
        path: query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")),
        provider,
        agent,
        credential,
    })
}

/// Reads the route of a request that came by the forward proxy, for this model provider or none.
pub(super) fn through(
    uri: &Uri,
    headers: &mut HeaderMap,
    token: &str,
    provider: Option<&str>,
) -> Route {
    let placeholder = placeholder_key(token);
    let (query, in_query) = without_placeholder(uri.query(), &placeholder);
    let in_headers = take_placeholder(headers, &placeholder);
    let path = uri.path();
    Route {
        path: query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")),
        provider: provider.unwrap_or_default().to_owned(),
        agent: None,
        credential: both(in_query, in_headers),
    }
}

/// Returns whose credential a request carries, from its query and its headers.
fn both(in_query: Credential, in_headers: Credential) -> Credential {
    match (in_query, in_headers) {
        (Credential::Placeholder, Credential::Placeholder) => Credential::Placeholder,
        (Credential::Own, _) | (_, Credential::Own) => Credential::Own,
    }
}

/// Returns the path behind the run token.
fn behind_token<'p>(path: &'p str, token: &str) -> Result<&'p str, Forbidden> {
    let rest = path.strip_prefix("/r/").ok_or(Forbidden::NoToken)?;
    let (given, rest) = first_segment(rest);
    is_same(given, token)
        .then_some(rest)
        .ok_or(Forbidden::WrongToken)
}

/// Returns the first segment and what follows it, with its slash.
fn first_segment(path: &str) -> (&str, &str) {
    path.find('/')
        .map_or((path, ""), |slash| path.split_at(slash))
}

/// Returns marker, value and rest of a path such as `/p/openai/v1/models`.
fn marked(path: &str) -> Option<(&str, &str, &str)> {
    let (marker, rest) = first_segment(path.strip_prefix('/')?);
    let (value, rest) = first_segment(rest.strip_prefix('/')?);
    (!value.is_empty()).then_some((marker, value, rest))
}

/// Returns the text of a path segment without its percent escapes.
fn unescaped(segment: &str) -> String {
    let plus_kept = segment.replace('+', "%2B");
    form_urlencoded::parse(plus_kept.as_bytes())
        .next()
        .map_or_else(String::new, |(name, _value)| name.into_owned())
}

/// Names the provider of a path that names none; `openai` is the most common shape.
fn guess_provider(path: &str, headers: &HeaderMap) -> &'static str {
    let has = |name: &str| headers.contains_key(name);
    let is_below = |known: &str| {
        let rest = path.strip_prefix(known);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if ["/chat/completions", "/responses", "/embeddings"]
        .iter()
        .any(|end| path.ends_with(end))
    {
        return if is_below("/openai/deployments") {
            "azure"
        } else {
            "openai"
        };
    }
    if is_below("/v1/messages")
        || is_below("/messages")
        || has("anthropic-version")
        || has("x-api-key")
    {
        return "anthropic";
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    if last.contains(':') || has("x-goog-api-key") || path.starts_with("/v1beta/") {
        return "google";
    }
    if path.starts_with("/api/") {
        return "ollama";
    }
    "openai"
}

/// Removes credentials that are the placeholder or empty, and says whether one of the agent's own is left.
fn take_placeholder(headers: &mut HeaderMap, placeholder: &str) -> Credential {
    let mut credential = Credential::Placeholder;
    for name in &CREDENTIAL_HEADERS {
        let is_ours = headers.get_all(name).iter().all(|value| {
            let Ok(value) = value.to_str() else {
                return false;
            };
            let key = if *name == AUTHORIZATION {
                bearer(value)
            } else {
                value.trim()
            };
            key.is_empty() || is_same(key, placeholder)
        });
        if is_ours {
            headers.remove(name);
        } else {
            credential = Credential::Own;
        }
    }
    credential
}

/// Returns the token of a bearer authorization; of any other scheme the whole value.
fn bearer(value: &str) -> &str {
    let value = value.trim();
    match value.split_at_checked(6) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
        Some(_) | None => value,
    }
}

/// Takes the placeholder out of `?key=…`, where Google's clients may put it, and says whose key stood there.
fn without_placeholder(query: Option<&str>, placeholder: &str) -> (Option<String>, Credential) {
    let Some(query) = query else {
        return (None, Credential::Placeholder);
    };
    let mut credential = Credential::Placeholder;
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.strip_prefix("key=") {
            Some(key) if key.is_empty() || is_same(key, placeholder) => false,
            Some(_own) => {
                credential = Credential::Own;
                true
            }
            None => true,
        })
        .collect();
    ((!kept.is_empty()).then(|| kept.join("&")), credential)
}

/// The headers in which the SDKs send their keys.
const CREDENTIAL_HEADERS: [HeaderName; 4] = [
    AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn routed(uri: &str, headers: &[(&'static str, &'static str)]) -> Result<Route, Forbidden> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        route(&uri.parse().unwrap(), &mut map, TOKEN)
    }

    #[test]
    fn the_token_is_required_whole() {
        assert_eq!(routed("/v1/models", &[]), Err(Forbidden::NoToken));
        for wrong in ["/r/", "/r/0123", "/r/0123456789abcdeff/v1", "/r//v1/models"] {
            assert_eq!(routed(wrong, &[]), Err(Forbidden::WrongToken), "{wrong}");
        }
    }

    #[test]
    fn path_and_query_reach_the_provider_without_token_and_names() {
        let route = routed(
            "/r/0123456789abcdef/a/web%20search/p/groq/v1/models?a=1&b=%2F",
            &[],
        )
        .unwrap();
        assert_eq!(route.path, "/v1/models?a=1&b=%2F");
        assert_eq!(route.provider, "groq");
        assert_eq!(route.agent.as_deref(), Some("web search"));
        assert_eq!(routed("/r/0123456789abcdef", &[]).unwrap().path, "/");
    }

    #[test]
    fn the_provider_is_guessed_from_path_and_headers() {
        type Case = (
            &'static str,
            &'static [(&'static str, &'static str)],
            &'static str,
        );
        let cases: [Case; 9] = [
            ("/openai/deployments/d/chat/completions", &[], "azure"),
            (
                "/v1/chat/completions",
                &[("x-api-key", "gateway")],
                "openai",
            ),
            ("/v1/chat/completions", &[], "openai"),
            ("/v1/messages", &[], "anthropic"),
            ("/messages", &[], "anthropic"),
            (
                "/v1/models",
                &[("anthropic-version", "2023-06-01")],
                "anthropic",
            ),
            ("/v1beta/models/gemini:generateContent", &[], "google"),
            ("/models/gemini:streamGenerateContent", &[], "google"),
            ("/api/chat", &[], "ollama"),
        ];
        for (path, headers, provider) in cases {
            let route = routed(&format!("/r/{TOKEN}{path}"), headers).unwrap();
            assert_eq!(route.provider, provider, "{path}");
        }
    }

    #[test]
    fn only_the_placeholder_or_nothing_counts_as_rewinds_credential() {
        let ours: [&[(&str, &str)]; 5] = [
            &[],
            &[("authorization", "Bearer rewind-0123456789abcdef")],
            &[("authorization", "bearer  rewind-0123456789abcdef")],
            &[("authorization", "Bearer ")],
            &[
                ("x-api-key", "rewind-0123456789abcdef"),
                ("x-goog-api-key", ""),
            ],
        ];
        for headers in ours {
            let route = routed("/r/0123456789abcdef/v1/models", headers).unwrap();
            assert_eq!(route.credential, Credential::Placeholder, "{headers:?}");
        }
        let own: [&[(&str, &str)]; 4] = [
            &[("authorization", "Bearer sk-own")],
            &[("authorization", "AWS4-HMAC-SHA256 Credential=x")],
            &[
                ("authorization", "Bearer rewind-0123456789abcdef"),
                ("x-api-key", "sk-own"),
            ],
            &[("api-key", "rewind-0123456789abcdex")],
        ];
        for headers in own {
            let route = routed("/r/0123456789abcdef/v1/models", headers).unwrap();
            assert_eq!(route.credential, Credential::Own, "{headers:?}");
        }
    }

    #[test]
    fn the_placeholder_never_goes_further_and_an_own_credential_does() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-api-key",
            HeaderValue::from_static("rewind-0123456789abcdef"),
        );
        headers.insert("authorization", HeaderValue::from_static("Bearer own"));
        route(
            &"/r/0123456789abcdef/v1/messages".parse().unwrap(),
            &mut headers,
            TOKEN,
        )
        .unwrap();
        assert!(!headers.contains_key("x-api-key"));
        assert_eq!(headers["authorization"], "Bearer own");
    }

    #[test]
    fn a_placeholder_in_the_query_is_taken_out_and_an_own_key_stays() {
        let ours = routed(
            "/r/0123456789abcdef/v1beta/models/g:x?key=rewind-0123456789abcdef&alt=sse",
            &[],
        )
        .unwrap();
        assert_eq!(
            (ours.path.as_str(), ours.credential),
            ("/v1beta/models/g:x?alt=sse", Credential::Placeholder)
        );
        let own = routed("/r/0123456789abcdef/v1beta/models/g:x?key=AIza", &[]).unwrap();
        assert_eq!(
            (own.path.as_str(), own.credential),
            ("/v1beta/models/g:x?key=AIza", Credential::Own)
        );
    }
}
