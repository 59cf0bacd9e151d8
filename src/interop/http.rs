//! Asks the API of another tool: again where that may help, slower where it says so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use serde_json::Value;
use url::Url;

use crate::proxy::{Backend, Credential, Incoming, decode};
use crate::text::with_causes;

/// The API of another tool.
pub struct Site {
    backend: Arc<dyn Backend>,
    base: Url,
    headers: HeaderMap,
}

/// What a site answered.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) status: u16,
    pub(super) is_json: bool,
    pub(super) body: Bytes,
}

/// Why nothing that can be used came back.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// Nothing came at all.
    #[error("{url} does not answer: {detail}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why.
        detail: String,
    },
    /// The site refuses.
    #[error("{url} answers {status}: {message}")]
    Refused {
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
        /// What the site says.
        message: String,
    },
    /// The site sends something else than JSON.
    #[error(
        "{url} answers {status} with a page and not with JSON: this is not the address of the API"
    )]
    NoJson {
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
    },
    /// More came than is taken.
    #[error("{url} answers with more than {MAX_BODY} bytes")]
    TooLarge {
        /// What was asked.
        url: String,
    },
}

/// The most bytes of an answer.
const MAX_BODY: usize = 256 << 20;

/// How often a request is sent.
const ATTEMPTS: u32 = 5;

/// How long to wait before the second time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest that a site may ask to wait.
const LONGEST_PAUSE: Duration = Duration::from_mins(2);

impl Site {
    /// Returns the API at `base`, asked with these headers.
    pub fn new(backend: Arc<dyn Backend>, base: Url, headers: HeaderMap) -> Self {
        Self {
            backend,
            base,
            headers,
        }
    }

    /// Returns the address.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Asks for a path, with a query, below the address.
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Fetched, SiteError> {
        self.send(Method::GET, &with_query(path, query), None).await
    }

    /// Sends JSON to a path below the address.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Fetched, SiteError> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Sends a request until there is an answer that will not change by itself.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Fetched, SiteError> {
        let mut attempt = 0_u32;
        loop {
            attempt = attempt.saturating_add(1);
            let sent = self.once(method.clone(), path, body).await;
            let wait = match &sent {
                Ok((fetched, wait)) if is_passing(fetched.status) => *wait,
                Err(SiteError::Unreachable { .. }) => None,
                Ok(_) | Err(_) => return sent.map(|(fetched, _wait)| fetched),
            };
            if attempt >= ATTEMPTS {
                return sent.map(|(fetched, _wait)| fetched);
            }
            let usual = FIRST_PAUSE * 2_u32.saturating_pow(attempt.saturating_sub(1));
            let wait = wait.unwrap_or(usual).min(LONGEST_PAUSE);
            tracing::info!(
                seconds = wait.as_secs_f32(),
                path,
                "waiting before asking again"
            );
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(Fetched, Option<Duration>), SiteError> {
        let prefix = self.base.path().trim_end_matches('/');
        let mut headers = self.headers.clone();
        let body = match body {
            Some(body) => {
                headers.insert(
                    CONTENT_TYPE,
                    http::HeaderValue::from_static("application/json"),
                );
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        let incoming = Incoming {
            method,
            path: format!("{prefix}{path}"),
            provider: String::new(),
            origin: Some(self.base.clone()),
            headers,
            raw_body: body.clone(),
            body,
            credential: Credential::Own,
            is_socket: false,
            arrived: Instant::now(),
        };
        let url = self.shown(path);
        let lost = |error: &(dyn std::error::Error + 'static)| SiteError::Unreachable {
            url: url.clone(),
            detail: with_causes(error),
        };
        let reply = self
            .backend
            .send(&incoming)
            .await
            .map_err(|error| lost(&error))?;
        let mut stream = reply.body;
        let mut body = Vec::new();
        while let Some(piece) = stream.try_next().await.map_err(|error| lost(&error))? {
            if body.len().saturating_add(piece.len()) > MAX_BODY {
                return Err(SiteError::TooLarge { url });
            }
            body.extend_from_slice(&piece);
        }
        let body = decode(&reply.headers, &Bytes::from(body), MAX_BODY);
        let body = body.map_err(|error| lost(&error))?;
        let kind = reply
            .headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let fetched = Fetched {
            status: reply.status.as_u16(),
            is_json: kind.is_some_and(|kind| kind.contains("json")),
            body,
        };
        Ok((fetched, retry_after(&reply.headers)))
    }

    /// Returns the address of a path as it is shown: without its query, which may hold names.
    pub(super) fn shown(&self, path: &str) -> String {
        let path = path.split('?').next().unwrap_or_default();
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }
}

impl Fetched {
    /// Returns the JSON of an answer, or why there is none.
    pub(super) fn json(&self, url: &str) -> Result<Value, SiteError> {
        let value = serde_json::from_slice(&self.body);
        match value {
            Ok(value) if (200..300).contains(&self.status) => Ok(value),
            Ok(value) => Err(SiteError::Refused {
                url: url.to_owned(),
                status: self.status,
                message: message(&value),
            }),
            Err(_no_json) if self.status >= 500 || self.status == 429 => Err(SiteError::Refused {
                url: url.to_owned(),
                status: self.status,
                message: "no more is said".to_owned(),
            }),
            Err(_no_json) => Err(SiteError::NoJson {
                url: url.to_owned(),
                status: self.status,
            }),
        }
    }

    /// Returns what an error says.
    pub(super) fn message(&self) -> String {
        let value: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        message(&value)
    }
}

fn message(value: &Value) -> String {
    let found = ["message", "detail", "error"]
        .into_iter()
        .find_map(|name| value.get(name)?.as_str());
    found.unwrap_or("no more is said").to_owned()
}

/// Returns whether a status may be another one in a moment.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504 | 524)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers
        .get("retry-after")?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let mut written = url::form_urlencoded::Serializer::new(String::new());
    written.extend_pairs(query);
    format!("{path}?{}", written.finish())
}
