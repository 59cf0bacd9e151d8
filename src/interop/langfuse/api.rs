//! One trace over the network.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::trace::{score, trace};
use crate::interop::http::{Fetched, Site, SiteError};
use crate::interop::{ScoreReport, Trace};

/// Which API is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LangfuseApi {
    /// The newer one, else the older one.
    #[default]
    Auto,
    /// `GET /api/public/traces/{id}`.
    V1,
    /// `GET /api/public/v2/observations`.
    V2,
}

/// Langfuse, over its API.
pub struct Langfuse {
    pub(super) site: Site,
    api: LangfuseApi,
    /// How long a trace that is not there yet is waited for.
    wait: Duration,
    /// How long to wait before asking for it again.
    pace: Duration,
}

/// Why a trace did not come.
#[derive(Debug, thiserror::Error)]
pub enum LangfuseError {
    /// The site can't be asked.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// There is no such trace.
    #[error("{host} has no trace `{id}`")]
    NotFound {
        /// The address.
        host: String,
        /// The id.
        id: String,
    },
    /// The credentials are not taken.
    #[error("{host} does not take the keys: {message}")]
    Credentials {
        /// The address.
        host: String,
        /// What it says.
        message: String,
    },
    /// The API that was asked for is not there.
    #[error("{host} has no {api} API: {message}")]
    NoApi {
        /// The address.
        host: String,
        /// Which one.
        api: &'static str,
        /// What it says.
        message: String,
    },
    /// Pages without an end.
    #[error("{host} gives the same page again and again")]
    Endless {
        /// The address.
        host: String,
    },
}

/// What an API says of a trace.
enum Answer {
    Found(Box<Trace>),
    /// It is not there, or not yet.
    Missing,
    /// There is no such API.
    Absent(String),
}

/// The parts of an observation that are asked for: without `io` there would be no content.
const FIELDS: &str = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context";

/// Metadata of which more than the first 200 characters are needed.
const EXPANDED: &str = "attributes.gen_ai.request.model,attributes.gen_ai.tool.definitions,\
     attributes.gen_ai.response.id,attributes.gen_ai.response.finish_reasons,\
     attributes.model_request_parameters,attributes.ai.model.id,attributes.ai.prompt.tools,\
     attributes.llm.invocation_parameters,response_format,ls_model_name,langgraph_node";

/// How many observations are asked for at once; fewer where that is too much for the site.
const PAGE: u32 = 100;

/// No trace has more pages.
const MAX_PAGES: u32 = 100_000;

impl Langfuse {
    /// Returns the Langfuse at a site.
    pub fn new(site: Site, api: LangfuseApi, wait: Duration) -> Self {
        Self {
            site,
            api,
            wait,
            pace: (wait / 10).clamp(Duration::from_millis(50), Duration::from_secs(2)),
        }
    }

    /// Returns a trace; one that is not there or not whole yet is waited for.
    ///
    /// # Errors
    /// No such trace; keys that are not taken; a site that is none of Langfuse.
    pub async fn trace(&self, id: &str) -> Result<Trace, LangfuseError> {
        let deadline = Instant::now() + self.wait;
        loop {
            let found = self.ask(id).await?;
            let is_last = Instant::now() >= deadline;
            match found {
                Some(mut trace) if is_last || is_whole(&trace) => {
                    trace.url = Some(self.site.shown(&format!("/trace/{id}")));
                    return Ok(*trace);
                }
                None if is_last => {
                    return Err(LangfuseError::NotFound {
                        host: self.host(),
                        id: id.to_owned(),
                    });
                }
                Some(_) | None => {
                    tracing::info!(trace = id, "the trace is not there, or not whole; waiting");
                    let again = (Instant::now() + self.pace).min(deadline);
                    tokio::time::sleep_until(again).await;
                }
            }
        }
    }

    async fn ask(&self, id: &str) -> Result<Option<Box<Trace>>, LangfuseError> {
        let newer = match self.api {
            LangfuseApi::V1 => Answer::Absent(String::new()),
            LangfuseApi::Auto | LangfuseApi::V2 => self.newer(id).await?,
        };
        match newer {
            Answer::Found(trace) => return Ok(Some(trace)),
            Answer::Missing if self.api == LangfuseApi::V2 => return Ok(None),
            Answer::Absent(message) if self.api == LangfuseApi::V2 => {
                return Err(LangfuseError::NoApi {
                    host: self.host(),
                    api: "v2",
                    message,
                });
            }
            Answer::Missing | Answer::Absent(_) => {}
        }
        let has_newer = matches!(newer, Answer::Missing);
        match self.older(id).await? {
            Answer::Found(trace) => Ok(Some(trace)),
            Answer::Missing => Ok(None),
            Answer::Absent(_message) if has_newer => Ok(None),
            Answer::Absent(message) => Err(LangfuseError::NoApi {
                host: self.host(),
                api: "v1",
                message,
            }),
        }
    }

    /// Asks the API of version 4.
    async fn newer(&self, id: &str) -> Result<Answer, LangfuseError> {
        let path = "/api/public/v2/observations";
        let query = [
            ("traceId", id),
            ("fields", FIELDS),
            ("expandMetadata", EXPANDED),
        ];
        let rows = match self.rows(path, &query).await? {
            Ok(rows) => rows,
            Err(refused) => return Ok(Answer::Absent(refused.message())),
        };
        if rows.is_empty() {
            return Ok(Answer::Missing);
        }
        let mut found = trace(id, &Map::new(), &rows);
        match self.scores(id).await {
            Ok(scores) => found.scores = scores,
            Err(error) => found
                .warnings
                .push(format!("its scores did not come: {error}")),
        }
        Ok(Answer::Found(Box::new(found)))
    }

    /// Returns all rows behind a cursor, or the answer that says there is no such API.
    pub(super) async fn rows(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Result<Vec<Value>, Fetched>, LangfuseError> {
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        let mut limit = PAGE;
        for _page in 0..MAX_PAGES {
            let size = limit.to_string();
            let mut query = query.to_vec();
            query.push(("limit", &size));
            if let Some(cursor) = &cursor {
                query.push(("cursor", cursor));
            }
            let fetched = self.site.get(path, &query).await;
            let fetched = match fetched {
                Err(SiteError::TooLarge { .. }) if limit > 1 => {
                    limit /= 2;
                    continue;
                }
                fetched => fetched?,
            };
            // Too much at once: the database or the network gave up.
            if matches!(fetched.status, 413 | 422 | 500..=599) && limit > 1 {
                limit /= 2;
                continue;
            }
            if fetched.status == 404 && is_absent(&fetched) {
                return Ok(Err(fetched));
            }
            let page = self.json(&fetched, path)?;
            rows.extend(
                page.get("data")
                    .and_then(Value::as_array)
                    .cloned()
                    .unwrap_or_default(),
            );
            let next = page.pointer("/meta/cursor").and_then(Value::as_str);
            let next = next.filter(|next| !next.is_empty()).map(str::to_owned);
            match next {
                None => return Ok(Ok(rows)),
                Some(next) if cursor.as_deref() == Some(&next) => break,
                Some(next) => cursor = Some(next),
            }
        }
        Err(LangfuseError::Endless { host: self.host() })
    }

    /// Asks the API of version 3.
    async fn older(&self, id: &str) -> Result<Answer, LangfuseError> {
        let path = format!("/api/public/traces/{}", encoded(id));
        let fetched = self.site.get(&path, &[]).await;
        let fetched = match fetched {
            Err(SiteError::TooLarge { .. }) => return self.older_by_pages(id).await,
            fetched => fetched?,
        };
        match fetched.status {
            404 if is_absent(&fetched) && !fetched.message().contains("not found") => {
                if !fetched.is_json {
                    return Err(SiteError::NoJson {
                        url: self.site.shown(&path),
                        status: 404,
                    }
                    .into());
                }
                Ok(Answer::Absent(fetched.message()))
            }
            404 => Ok(Answer::Missing),
            413 | 422 | 500..=599 => self.older_by_pages(id).await,
            _ => {
                let body = self.json(&fetched, &path)?;
                let mut about = body.as_object().cloned().unwrap_or_default();
                let rows = about.remove("observations");
                let rows = rows
                    .and_then(|rows| rows.as_array().cloned())
                    .unwrap_or_default();
                Ok(Answer::Found(Box::new(trace(id, &about, &rows))))
            }
        }
    }

    /// Asks the older API for a trace too large for one answer.
    async fn older_by_pages(&self, id: &str) -> Result<Answer, LangfuseError> {
        let path = format!("/api/public/traces/{}", encoded(id));
        let about = self.site.get(&path, &[("fields", "core,scores")]).await?;
        let about = self.json(&about, &path)?;
        let about = about.as_object().cloned().unwrap_or_default();
        let rows = self
            .pages("/api/public/observations", &[("traceId", id)])
            .await?;
        let mut found = trace(id, &about, &rows);
        // Without the group `io` there is nothing of them.
        found.input = found.input.filter(|value| !value.is_null());
        Ok(Answer::Found(Box::new(found)))
    }

    /// Returns all rows of numbered pages.
    pub(super) async fn pages(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<Value>, LangfuseError> {
        let mut rows: Vec<Value> = Vec::new();
        for page in 1..=MAX_PAGES {
            let number = page.to_string();
            let mut query = query.to_vec();
            query.extend([("page", number.as_str()), ("limit", "50")]);
            let fetched = self.site.get(path, &query).await?;
            let body = self.json(&fetched, path)?;
            let data = body
                .get("data")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let is_last = data.is_empty()
                || body
                    .pointer("/meta/totalPages")
                    .and_then(Value::as_u64)
                    .is_some_and(|total| u64::from(page) >= total);
            rows.extend(data);
            if is_last {
                return Ok(rows);
            }
        }
        Err(LangfuseError::Endless { host: self.host() })
    }

    async fn scores(&self, id: &str) -> Result<Vec<ScoreReport>, LangfuseError> {
        let query = [("traceId", id), ("fields", "details,subject")];
        let rows = self.rows("/api/public/v3/scores", &query).await?;
        Ok(rows
            .map(|rows| rows.iter().filter_map(score).collect())
            .unwrap_or_default())
    }

    /// Returns the JSON of an answer, or what to do about it.
    pub(super) fn json(&self, fetched: &Fetched, path: &str) -> Result<Value, LangfuseError> {
        if matches!(fetched.status, 401 | 403) && fetched.is_json {
            return Err(LangfuseError::Credentials {
                host: self.host(),
                message: fetched.message(),
            });
        }
        Ok(fetched.json(&self.site.shown(path))?)
    }

    pub(super) fn host(&self) -> String {
        self.site.base().as_str().trim_end_matches('/').to_owned()
    }
}

/// Returns whether an answer says that there is no such API: Langfuse says so in words, and what knows
/// neither it nor Langfuse sends a page.
fn is_absent(fetched: &Fetched) -> bool {
    let message = fetched.message();
    !fetched.is_json
        || message.contains("write mode")
        || message.contains("events_only")
        || message.contains("not available")
}

/// Returns whether all spans of a trace seem to be there.
fn is_whole(trace: &Trace) -> bool {
    let ids: std::collections::HashSet<&str> =
        trace.spans.iter().map(|span| span.id.as_str()).collect();
    let is_there = |parent: &Option<String>| parent.as_deref().is_none_or(|id| ids.contains(id));
    let has_root = trace.spans.iter().any(|span| span.parent.is_none());
    has_root
        && trace
            .spans
            .iter()
            .all(|span| span.ended_us.is_some() && is_there(&span.parent))
}

/// Returns an id as a piece of a path.
fn encoded(id: &str) -> String {
    let written: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    written.replace('+', "%20")
}
