//! Where a trace is: an id, or an address pasted from a browser.

use url::Url;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LangfusePlace {
    /// The address of Langfuse, where one was pasted.
    pub host: Option<String>,
    /// The id.
    pub id: String,
    /// Whether it is that of a session of traces.
    pub is_session: bool,
}

impl LangfusePlace {
    /// Returns what a text means: an address that shows a trace or a session, else the id of a trace.
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        pasted(text).unwrap_or_else(|| Self {
            host: None,
            id: text.to_owned(),
            is_session: false,
        })
    }
}

fn pasted(text: &str) -> Option<LangfusePlace> {
    let url = Url::parse(text).ok().filter(Url::has_host)?;
    let segments: Vec<String> = url.path_segments()?.map(decoded).collect();
    let place = segments
        .iter()
        .position(|segment| ["traces", "trace", "sessions"].contains(&segment.as_str()))?;
    let is_session = segments.get(place)? == "sessions";
    let id = segments
        .get(place.saturating_add(1))
        .filter(|id| !id.is_empty());
    let peeked = || {
        let mut query = url.query_pairs();
        let found = query.find(|(name, _value)| name == "peek" || name == "traceId");
        found.map(|(_name, value)| value.into_owned())
    };
    // What stands before `project` belongs to the address, as `NEXT_PUBLIC_BASE_PATH` sets it.
    let own = segments
        .iter()
        .position(|segment| segment == "project" || segment == "trace")
        .unwrap_or(place);
    let prefix = segments
        .iter()
        .take(own)
        .fold(String::new(), |path, segment| path + "/" + segment);
    Some(LangfusePlace {
        host: Some(format!("{}{prefix}", url.origin().ascii_serialization())),
        id: id.cloned().or_else(peeked)?,
        is_session,
    })
}

fn decoded(segment: &str) -> String {
    let pair = format!("x={}", segment.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map(|(_name, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_address_says_where_the_trace_is() {
        let cases = [
            ("0d59", None, "0d59", false),
            ("my trace/7", None, "my trace/7", false),
            (
                "https://cloud.langfuse.com/project/clx/traces/0d59?observation=1",
                Some("https://cloud.langfuse.com"),
                "0d59",
                false,
            ),
            (
                "https://us.cloud.langfuse.com/project/clx/traces?peek=0d59&x=1",
                Some("https://us.cloud.langfuse.com"),
                "0d59",
                false,
            ),
            (
                "http://127.0.0.1:3000/trace/a%2Fb",
                Some("http://127.0.0.1:3000"),
                "a/b",
                false,
            ),
            (
                "https://llm.example.com/fuse/project/p/sessions/s-7",
                Some("https://llm.example.com/fuse"),
                "s-7",
                true,
            ),
        ];
        for (text, host, id, is_session) in cases {
            let expected = LangfusePlace {
                host: host.map(str::to_owned),
                id: id.to_owned(),
                is_session,
            };
            assert_eq!(LangfusePlace::of(text), expected, "{text}");
        }
    }
}
