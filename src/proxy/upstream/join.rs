//! Puts a provider's URL and the path of a request together.
//!
//! The URL is what one would give the provider's SDK as its base URL, and SDKs disagree on whether the
//! API version belongs to it. So the rule looks at version segments (`v1`, `v1beta`, `v4`):
//!
//! | URL | request | goes to |
//! | --- | --- | --- |
//! | `https://api.openai.com/v1` | `/v1/chat/completions` | `…/v1/chat/completions` |
//! | `https://h/api/paas/v4` | `/v1/chat/completions` | `…/api/paas/v4/chat/completions` |
//! | `https://api.anthropic.com` | `/v1/messages` | `…/v1/messages` |
//! | `https://api.anthropic.com` | `/messages` | `…/v1/messages` |
//! | `http://localhost:4000/proxy` | `/v1/messages` | `…/proxy/v1/messages` |
//! | `https://api.groq.com/openai/v1` | `/openai/v1/chat/completions` | `…/openai/v1/chat/completions` |
//!
//! A request that already begins with the URL's whole path keeps it once. A version in the URL wins over the request's first segment; without any, the provider's own is put
//! in. The query stays as it is.

use url::Url;

/// Returns where a request goes; `None` where the path would climb (`..`) or can't stand in a URL as it is.
pub(super) fn join(base: &Url, path_and_query: &str, version: Option<&str>) -> Option<Url> {
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    let base_path = base.path().trim_end_matches('/');
    let path = path.strip_prefix('/').unwrap_or(path);
    let joined = if base_path.len() > 1
        && path
            .strip_prefix(base_path.trim_start_matches('/'))
            .is_some_and(|rest| rest.starts_with('/'))
    {
        format!("/{path}")
    } else if base_path.split('/').any(is_version) {
        format!("{base_path}/{}", without_version(path))
    } else if let Some(version) = version
        && !path.split('/').any(is_version)
    {
        format!("{base_path}/{version}/{path}")
    } else {
        format!("{base_path}/{path}")
    };
    let mut url = base.clone();
    url.set_path(&joined);
    url.set_query(query);
    url.set_fragment(None);
    // The parser resolves `..`, also escaped, and turns `\` into `/`: such a path is not what it says.
    let is_plain = !joined.contains('\\') && !joined.split('/').any(is_dots);
    is_plain.then_some(url)
}

/// Returns the path without a leading version segment.
pub(super) fn without_version(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or(path);
    match path.split_once('/') {
        Some((first, rest)) if is_version(first) => rest,
        None if is_version(path) => "",
        Some(_) | None => path,
    }
}

fn is_version(segment: &str) -> bool {
    let mut chars = segment.chars();
    chars.next() == Some('v')
        && chars.next().is_some_and(|c| c.is_ascii_digit())
        && chars.all(|c| c.is_ascii_alphanumeric())
}

fn is_dots(segment: &str) -> bool {
    let segment = segment.to_ascii_lowercase().replace("%2e", ".");
    segment == "." || segment == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(base: &str, path: &str, version: Option<&str>) -> String {
        join(&Url::parse(base).unwrap(), path, version)
            .map_or_else(|| "refused".to_owned(), String::from)
    }

    #[test]
    fn versions_are_neither_doubled_nor_lost() {
        // base URL, path, the provider's version, expected
        let cases = "
            https://api.openai.com/v1  /v1/chat/completions  v1  https://api.openai.com/v1/chat/completions
            https://api.openai.com/v1/ /chat/completions     v1  https://api.openai.com/v1/chat/completions
            https://api.openai.com     /v1/chat/completions  v1  https://api.openai.com/v1/chat/completions
            http://localhost:11434/v1  /v1/chat/completions  v1  http://localhost:11434/v1/chat/completions
            https://h/api/paas/v4      /v1/chat/completions  v1  https://h/api/paas/v4/chat/completions
            https://h/v1beta/openai    /v1/chat/completions  v1  https://h/v1beta/openai/chat/completions
            https://api.anthropic.com  /v1/messages          v1  https://api.anthropic.com/v1/messages
            https://api.anthropic.com  /messages             v1  https://api.anthropic.com/v1/messages
            https://api.anthropic.com/v1 /v1/messages        v1  https://api.anthropic.com/v1/messages
            http://localhost:4000/proxy  /v1/messages        v1  http://localhost:4000/proxy/v1/messages
            https://g  /models/x:generateContent     v1beta  https://g/v1beta/models/x:generateContent
            https://g  /v1/models/x:generateContent  v1beta  https://g/v1/models/x:generateContent
            https://h/openai/v1     /openai/v1/chat/completions  v1  https://h/openai/v1/chat/completions
            https://h/openai        /openai/v1/responses         v1  https://h/openai/v1/responses
            http://localhost:11434  /api/chat                    -   http://localhost:11434/api/chat
            https://x.azure.com     /openai/deployments/D/x      -   https://x.azure.com/openai/deployments/D/x
        ";
        for case in cases.trim().lines() {
            let mut words = case.split_whitespace();
            let mut next = || words.next().unwrap();
            let (base, path, version) = (next(), next(), next());
            let version = Some(version).filter(|version| *version != "-");
            assert_eq!(joined(base, path, version), next(), "{case}");
        }
    }

    #[test]
    fn the_query_stays_as_it_is() {
        assert_eq!(
            joined("https://h/v1", "/v1/messages?beta=true&q=a%2Fb+c?d", None),
            "https://h/v1/messages?beta=true&q=a%2Fb+c?d"
        );
    }

    #[test]
    fn a_path_that_climbs_is_refused() {
        for path in [
            "/v1/chat/../files",
            "/v1/%2e%2E/files",
            "/v1/./files",
            "/v1\\..\\files",
            "/v1/.%2e/x",
        ] {
            assert_eq!(joined("https://h/v1", path, None), "refused", "{path}");
        }
    }
}
