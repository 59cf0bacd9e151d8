//! Says what kind of traffic a request is, from its method and path alone.
//!
//! [`classify()`] is the one entry point; [`deployment`] reads the model that Azure puts into the path.
//! Bodies are not looked at. Paths as the official SDKs send them: `/v1/chat/completions`,
//! `/v1/responses`, `/v1/messages`, `/v1/embeddings`, `/v1beta/models/NAME:generateContent`, with or without
//! the version, behind any prefix, and Azure's `/openai/deployments/NAME/…`.

use crate::model::Dialect;

use super::{Traffic, gemini};

/// The last segments of paths that agents report to by themselves and that no answer depends on.
const TELEMETRY: &[&[&str]] = &[
    // OpenAI Agents SDK: https://openai.github.io/openai-agents-python/tracing/
    &["traces", "ingest"],
    // Claude Code's event log and its feature-flag service.
    &["api", "event_logging", "batch"],
    &["v1", "rgstr"],
];

/// The last segments of POST paths that count tokens and generate nothing.
const COUNTS: &[&[&str]] = &[
    &["messages", "count_tokens"],
    &["responses", "input_tokens"],
];

/// Returns what kind of traffic a request with this method and path (query allowed) is.
pub fn classify(method: &str, path: &str) -> Traffic {
    let segments = segments(path);
    let is_read = ["GET", "HEAD", "OPTIONS"]
        .iter()
        .any(|read| method.eq_ignore_ascii_case(read));
    if is_read {
        return Traffic::Ancillary;
    }
    if !method.eq_ignore_ascii_case("POST") {
        return Traffic::Opaque;
    }
    let ends_with_one = |table: &[&[&str]]| table.iter().any(|end| segments.ends_with(end));
    if ends_with_one(TELEMETRY) {
        Traffic::Telemetry
    } else if ends_with_one(COUNTS)
        || segments
            .last()
            .is_some_and(|last| gemini::path::is_count(last))
    {
        Traffic::Ancillary
    } else {
        dialect(&segments).map_or(Traffic::Opaque, Traffic::Model)
    }
}

/// Returns the deployment named in an Azure path, which stands for the model.
pub(super) fn deployment(path: &str) -> Option<String> {
    let segments = segments(path);
    let mut after = segments
        .iter()
        .skip_while(|segment| **segment != "deployments");
    after.next()?;
    after.next().map(|name| (*name).to_owned())
}

fn dialect(segments: &[&str]) -> Option<Dialect> {
    if segments.ends_with(&["chat", "completions"]) {
        return Some(Dialect::OpenaiChat);
    }
    let (last, before) = segments.split_last()?;
    if gemini::path::is_generation(last) {
        return Some(Dialect::Gemini);
    }
    if !is_root(before) {
        return None;
    }
    match *last {
        "responses" => Some(Dialect::OpenaiResponses),
        "messages" => Some(Dialect::AnthropicMessages),
        "embeddings" => Some(Dialect::OpenaiEmbeddings),
        _ => None,
    }
}

/// Returns whether an API begins behind these segments, so that `/v1/threads/ID/messages` is no
/// Anthropic call.
fn is_root(before: &[&str]) -> bool {
    let is_version = |segment: &str| {
        let digits = segment.strip_prefix('v').unwrap_or_default();
        digits.starts_with(|first: char| first.is_ascii_digit())
    };
    match before {
        [] | [.., "openai" | "anthropic" | "api"] | [.., "deployments", _] => true,
        [.., last] => is_version(last),
    }
}

fn segments(path: &str) -> Vec<&str> {
    let end = path.find(['?', '#']).unwrap_or(path.len());
    path.get(..end)
        .unwrap_or(path)
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_calls_are_known_under_every_prefix() {
        let cases = [
            ("/v1/chat/completions", Dialect::OpenaiChat),
            ("/chat/completions", Dialect::OpenaiChat),
            (
                "/openai/deployments/D/chat/completions?api-version=2024-10-21",
                Dialect::OpenaiChat,
            ),
            ("/v1beta/openai/chat/completions", Dialect::OpenaiChat),
            ("/v1/responses", Dialect::OpenaiResponses),
            ("/openai/responses?api-version=1", Dialect::OpenaiResponses),
            ("/v1/messages?beta=true", Dialect::AnthropicMessages),
            ("/messages", Dialect::AnthropicMessages),
            ("/anthropic/v1/messages", Dialect::AnthropicMessages),
            ("/v1/embeddings", Dialect::OpenaiEmbeddings),
            (
                "/v1beta/models/gemini-3-pro:generateContent",
                Dialect::Gemini,
            ),
            (
                "/models/gemini-3-pro:streamGenerateContent?alt=sse",
                Dialect::Gemini,
            ),
            (
                "/v1/projects/p/locations/l/publishers/google/models/m:generateContent",
                Dialect::Gemini,
            ),
            (
                "/openai/deployments/D/embeddings",
                Dialect::OpenaiEmbeddings,
            ),
        ];
        for (path, dialect) in cases {
            assert_eq!(classify("POST", path), Traffic::Model(dialect), "{path}");
        }
    }

    #[test]
    fn what_generates_nothing_is_no_step() {
        for (method, path) in [
            ("GET", "/v1/models"),
            ("HEAD", "/"),
            ("GET", "/v1/responses/resp_1"),
            ("POST", "/v1/messages/count_tokens?beta=true"),
            ("POST", "/v1/responses/input_tokens"),
            ("POST", "/v1beta/models/m:countTokens"),
        ] {
            assert_eq!(classify(method, path), Traffic::Ancillary, "{path}");
        }
        assert_eq!(classify("POST", "/v1/traces/ingest"), Traffic::Telemetry);
    }

    #[test]
    fn everything_else_is_opaque() {
        for (method, path) in [
            ("POST", "/v1/threads/thread_1/messages"),
            ("POST", "/v1/images/generations"),
            ("POST", "/v1beta/models/m:embedContent"),
            ("POST", "/v1/responses/resp_1/cancel"),
            ("DELETE", "/v1/responses/resp_1"),
            ("POST", "/"),
            ("POST", ""),
        ] {
            assert_eq!(classify(method, path), Traffic::Opaque, "{path}");
        }
    }

    #[test]
    fn azure_names_the_model_in_the_path() {
        let path = "/openai/deployments/gpt-4o-eu/chat/completions?api-version=1";
        assert_eq!(deployment(path).as_deref(), Some("gpt-4o-eu"));
        assert_eq!(deployment("/v1/chat/completions"), None);
        assert_eq!(deployment("/deployments"), None);
    }
}
