//! Requests over Helicone's API: one, or those of a session.

use serde_json::{Value, json};

use crate::interop::Trace;
use crate::interop::http::{Site, SiteError};

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeliconePlace {
    /// The id of a request.
    Request(String),
    /// The id of a session.
    Session(String),
}

/// How many requests are asked for at once.
const PAGE: usize = 100;

/// No session has more pages.
const MAX_PAGES: usize = 1_000;

/// Returns the traces that these requests make; `elsewhere` gives the site of a signed address, where
/// bodies are that the API only points at.
///
/// # Errors
/// No such request; a key that is not taken.
pub async fn helicone_trace(
    site: &Site,
    place: &HeliconePlace,
    elsewhere: &(dyn Fn(&str) -> Option<(Site, String)> + Sync),
) -> Result<Vec<Trace>, SiteError> {
    let mut requests = match place {
        HeliconePlace::Request(id) => {
            let path = format!("/v1/request/{id}");
            let fetched = site.get(&path, &[("includeBody", "true")]).await?;
            let body = fetched.json(&site.shown(&path))?;
            body.get("data").cloned().into_iter().collect()
        }
        HeliconePlace::Session(id) => session(site, id).await?,
    };
    for request in &mut requests {
        signed(request, elsewhere).await?;
    }
    Ok(super::traces(&requests))
}

async fn session(site: &Site, id: &str) -> Result<Vec<Value>, SiteError> {
    let path = "/v1/request/query-clickhouse";
    let filter =
        json!({"request_response_rmt": {"properties": {"Helicone-Session-Id": {"equals": id}}}});
    let mut requests = Vec::new();
    for page in 0..MAX_PAGES {
        let query = json!({"filter": filter, "offset": page * PAGE, "limit": PAGE,
            "sort": {"created_at": "asc"}, "includeInputs": true});
        let body = site.post(path, &query).await?.json(&site.shown(path))?;
        let found = body
            .get("data")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let is_last = found.len() < PAGE;
        requests.extend(found);
        if is_last {
            return Ok(requests);
        }
    }
    Err(SiteError::TooLarge {
        url: site.shown(path),
    })
}

/// Fetches the bodies of a request that are kept elsewhere.
async fn signed(
    request: &mut Value,
    elsewhere: &(dyn Fn(&str) -> Option<(Site, String)> + Sync),
) -> Result<(), SiteError> {
    let is_there = request
        .get("request_body")
        .and_then(Value::as_object)
        .is_some_and(|body| !body.is_empty());
    let url = request.get("signed_body_url").and_then(Value::as_str);
    let Some((site, path)) = url.filter(|_url| !is_there).and_then(elsewhere) else {
        return Ok(());
    };
    let shown = site.shown(&path);
    let bodies = site.get(&path, &[]).await?.json(&shown)?;
    if let Some(fields) = request.as_object_mut() {
        for (from, to) in [("request", "request_body"), ("response", "response_body")] {
            if let Some(body) = bodies.get(from) {
                fields.insert(to.to_owned(), body.clone());
            }
        }
    }
    Ok(())
}
