//! Runs over LangSmith's API: by the id of one of a trace, or by the link that shares it.

use serde_json::{Value, json};
use url::Url;

use super::runs;
use crate::interop::http::{Site, SiteError};
use crate::interop::{Span, Trace};

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LangSmithPlace {
    /// The id of a run.
    Run(String),
    /// The token of a link that shares a trace.
    Shared(String),
}

impl LangSmithPlace {
    /// Returns what a text means: a link that shares a trace, an address that shows a run, else an id.
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        let segments = Url::parse(text)
            .ok()
            .and_then(|url| Some(url.path_segments()?.map(str::to_owned).collect::<Vec<_>>()));
        let behind = |name: &str| {
            let segments = segments.as_ref()?;
            let place = segments.iter().position(|segment| segment == name)?;
            segments
                .get(place.saturating_add(1))
                .filter(|id| !id.is_empty())
                .cloned()
        };
        if let Some(token) = behind("public") {
            return Self::Shared(token);
        }
        Self::Run(behind("r").unwrap_or_else(|| text.to_owned()))
    }
}

/// No trace has more pages.
const MAX_PAGES: usize = 10_000;

/// Returns the trace that a run belongs to.
///
/// # Errors
/// No such run; a key that is not taken; pages without end.
pub async fn langsmith_trace(site: &Site, place: &LangSmithPlace) -> Result<Trace, SiteError> {
    let (path, mut query) = match place {
        LangSmithPlace::Shared(token) => (format!("/public/{token}/runs/query"), json!({})),
        LangSmithPlace::Run(id) => {
            let one = format!("/runs/{id}");
            let run = site.get(&one, &[]).await?.json(&site.shown(&one))?;
            let query = json!({"trace": run.get("trace_id"), "session": [run.get("session_id")]});
            ("/runs/query".to_owned(), query)
        }
    };
    let mut spans: Vec<Span> = Vec::new();
    let mut cursor = Value::Null;
    for _page in 0..MAX_PAGES {
        if let Some(fields) = query.as_object_mut() {
            fields.insert("limit".to_owned(), json!(100));
            if !cursor.is_null() {
                fields.insert("cursor".to_owned(), cursor.clone());
            }
        }
        let url = site.shown(&path);
        let page = site.post(&path, &query).await?.json(&url)?;
        let runs = page.get("runs").and_then(Value::as_array);
        spans.extend(runs.into_iter().flatten().filter_map(runs::span));
        let next = page.pointer("/cursors/next").cloned().unwrap_or_default();
        if next.is_null() || next == cursor {
            let id = spans.first().map(|span| span.trace.clone());
            return Ok(super::trace(id.unwrap_or_default(), spans));
        }
        cursor = next;
    }
    Err(SiteError::TooLarge {
        url: site.shown(&path),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_addresses_say_which_run() {
        let run = |id: &str| LangSmithPlace::Run(id.to_owned());
        for (text, place) in [
            ("6f1b", run("6f1b")),
            (
                "https://smith.langchain.com/public/ab-12/r",
                LangSmithPlace::Shared("ab-12".to_owned()),
            ),
            (
                "https://smith.langchain.com/o/x/projects/p/y/r/6f1b?trace_id=1",
                run("6f1b"),
            ),
        ] {
            assert_eq!(LangSmithPlace::of(text), place, "{text}");
        }
    }
}
