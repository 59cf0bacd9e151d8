//! The response headers that are worth keeping: what an SDK or an agent may read.
//!
//! An allow list, because anything else is noise in a recording or says whose account it was.

use http::HeaderMap;

use crate::model::Call;

/// Returns the headers to record, lower-case names, in order.
///
/// Lengths, codings, cookies, dates, server and network headers are left out, and so are the names of
/// accounts (`openai-organization`).
pub fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _value)| is_kept(name.as_str()))
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect()
}

fn is_kept(name: &str) -> bool {
    let is_listed = KEPT.contains(&name) || KEPT_PREFIXES.iter().any(|p| name.starts_with(p));
    is_listed && !ACCOUNT.contains(&name)
}

const KEPT: [&str; 10] = [
    "content-type",
    "location",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "request-id",
    "x-request-id",
    "apim-request-id",
    "x-generation-id",
    Call::REMEMBERED,
];

const KEPT_PREFIXES: [&str; 5] = [
    "openai-",
    "anthropic-",
    "x-ratelimit-",
    "ratelimit-",
    "x-litellm-",
];

/// Headers that name the account.
const ACCOUNT: [&str; 3] = [
    "openai-organization",
    "openai-project",
    "anthropic-organization-id",
];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_sdks_read_is_kept_and_what_names_an_account_or_a_session_is_not() {
        let mut headers = HeaderMap::new();
        for name in [
            "content-type",
            "retry-after",
            "request-id",
            "openai-processing-ms",
            "x-ratelimit-remaining-tokens",
        ] {
            headers.append(name, HeaderValue::from_static("kept"));
        }
        for name in [
            "set-cookie",
            "date",
            "server",
            "cf-ray",
            "authorization",
            "content-encoding",
            "content-length",
            "openai-organization",
        ] {
            headers.append(name, HeaderValue::from_static("dropped"));
        }
        let kept = kept_headers(&headers);
        assert_eq!(kept.len(), 5);
        assert!(kept.iter().all(|(_name, value)| value == "kept"));
    }
}
