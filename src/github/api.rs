//! Requests to GitHub, each sent once unless it is certain that nothing was done.
//!
//! `octocrab` builds and carries the requests. Left aside are its models, which demand fields that servers may not
//! send; its `update_comment`, which posts; its `graphql`, which looks below the REST API; and its retries, which
//! send a write again whose answer was lost.
//!
//! Sources: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api> and
//! <https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api>.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method};
use octocrab::Octocrab;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::{ApiError, Needs};
use super::job::Job;
use crate::proxy::{ApiClient, api_client};
use crate::text::innermost;

/// The way to GitHub for one repository.
pub struct Api {
    rest: Octocrab,
    graphql: Octocrab,
    graphql_path: String,
    /// The path of the repository, such as `/repos/acme/agent`.
    repository: String,
    /// How long may still be waited for GitHub, in all.
    patience: Mutex<Duration>,
}

/// An answer with its status.
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

/// A request.
struct Ask<'a> {
    /// What is asked for, behind "failed to".
    what: &'a str,
    needs: Needs,
    method: Method,
    path: &'a str,
    body: Option<&'a Value>,
}

#[derive(Deserialize)]
struct Reply<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<GraphqlError>,
}

#[derive(Deserialize)]
struct GraphqlError {
    message: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

impl Api {
    /// Returns the way to GitHub for a job's repository; it waits `patience` at most for GitHub, in all.
    ///
    /// # Errors
    /// The client can't be made.
    pub fn new(job: &Job, token: SecretString, patience: Duration) -> Result<Self, ApiError> {
        let client = api_client(TIMEOUT).map_err(|error| ApiError::Client(error.to_string()))?;
        // A path of the base would be put before that of GraphQL.
        let graphql =
            url::Url::parse(&job.graphql).map_err(|error| ApiError::Client(error.to_string()))?;
        let graphql_base = graphql.origin().ascii_serialization();
        Ok(Self {
            rest: octocrab(&job.api, token.clone(), &client)?,
            graphql: octocrab(&graphql_base, token, &client)?,
            graphql_path: graphql.path().to_owned(),
            repository: format!("/repos/{}", job.repository.full_name()),
            patience: Mutex::new(patience),
        })
    }

    /// Returns what stands at a path below the repository's.
    ///
    /// # Errors
    /// GitHub did not answer it.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
        needs: Needs,
    ) -> Result<T, ApiError> {
        let path = self.path(path);
        let ask = Ask {
            what,
            needs,
            method: Method::GET,
            path: &path,
            body: None,
        };
        read(what, &self.send(&ask).await?.text)
    }

    /// Returns all items of a list, over all its pages.
    ///
    /// # Errors
    /// GitHub did not answer one of them.
    pub async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
        needs: Needs,
    ) -> Result<Vec<T>, ApiError> {
        let mut items = Vec::new();
        let join = if path.contains('?') { '&' } else { '?' };
        for page in 1..=MAX_PAGES {
            let path = self.path(&format!("{path}{join}per_page=100&page={page}"));
            let ask = Ask {
                what,
                needs,
                method: Method::GET,
                path: &path,
                body: None,
            };
            let answer = self.send(&ask).await?;
            items.extend(listed::<T>(what, &answer.text)?);
            if !has_next(&answer.headers) {
                break;
            }
        }
        Ok(items)
    }

    /// Sends a write to a path below the repository's, once; without a body where that is `null`.
    ///
    /// # Errors
    /// GitHub refused, or did not say that it was done.
    pub async fn write<T: DeserializeOwned>(
        &self,
        (method, path): (Method, &str),
        body: &Value,
        what: &str,
        needs: Needs,
    ) -> Result<T, ApiError> {
        let path = self.path(path);
        let ask = Ask {
            what,
            needs,
            method,
            path: &path,
            body: (!body.is_null()).then_some(body),
        };
        let answer = self.send(&ask).await?;
        let text = if answer.text.is_empty() {
            "null"
        } else {
            &answer.text
        };
        read(what, text)
    }

    /// Sends a GraphQL query or mutation, once, and returns its data.
    ///
    /// # Errors
    /// GitHub refused, or did not say that it was done.
    pub async fn graphql<T: DeserializeOwned>(
        &self,
        query: &str,
        variables: &Value,
        what: &str,
        needs: Needs,
    ) -> Result<T, ApiError> {
        let body = json!({ "query": query, "variables": variables });
        let ask = Ask {
            what,
            needs,
            method: Method::POST,
            path: &self.graphql_path,
            body: Some(&body),
        };
        let answer = self.send_by(&self.graphql, &ask).await?;
        let reply: Reply<T> = read(what, &answer.text)?;
        if let Some(error) = reply.errors.into_iter().next() {
            return Err(graphql_error(&ask, &error));
        }
        reply.data.ok_or_else(|| ApiError::Refused {
            what: what.to_owned(),
            status: answer.status,
            said: "no data".to_owned(),
        })
    }

    /// Returns who the token is: `github-actions[bot]` where that can't be asked.
    pub async fn viewer(&self) -> String {
        #[derive(Deserialize)]
        struct Data {
            viewer: Viewer,
        }
        #[derive(Deserialize)]
        struct Viewer {
            login: String,
        }
        let asked = self
            .graphql::<Data>(
                "query { viewer { login } }",
                &json!({}),
                "say who the token is",
                Needs::Metadata,
            )
            .await;
        match asked {
            Ok(data) => data.viewer.login,
            Err(error) => {
                tracing::debug!(%error, "the token's owner is not known");
                ACTIONS_BOT.to_owned()
            }
        }
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.repository)
    }

    async fn send(&self, ask: &Ask<'_>) -> Result<Answer, ApiError> {
        self.send_by(&self.rest, ask).await
    }

    /// Sends a request until it is done or may not be sent again: a write only where GitHub said that it did nothing.
    async fn send_by(&self, crab: &Octocrab, ask: &Ask<'_>) -> Result<Answer, ApiError> {
        let mut attempt: u32 = 1;
        loop {
            let error = match self.once(crab, ask).await {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(answer),
                Ok(answer) => error_of(ask, &answer),
                Err(error) => error,
            };
            let pause = match &error {
                ApiError::Limited { wait } => *wait,
                error if error.is_ambiguous() && ask.method == Method::GET => {
                    Duration::from_secs(u64::from(attempt))
                }
                ApiError::NotPermitted { .. }
                | ApiError::Failed { .. }
                | ApiError::Unreachable { .. }
                | ApiError::Refused { .. }
                | ApiError::Stale { .. }
                | ApiError::Shape { .. }
                | ApiError::Client(_) => return Err(error),
            };
            if attempt == ATTEMPTS || !self.wait(pause, &error).await {
                return Err(error);
            }
            attempt += 1;
        }
    }

    async fn once(&self, crab: &Octocrab, ask: &Ask<'_>) -> Result<Answer, ApiError> {
        let failed = |detail: String| ApiError::Unreachable {
            what: ask.what.to_owned(),
            detail,
        };
        let builder = http::request::Builder::new()
            .method(ask.method.clone())
            .uri(ask.path);
        let request = crab
            .build_request(builder, ask.body)
            .map_err(|error| ApiError::Client(innermost(&error).to_string()))?;
        let response = crab
            .execute(request)
            .await
            .map_err(|error| failed(innermost(&error).to_string()))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = crab
            .body_to_string(response)
            .await
            .map_err(|error| failed(innermost(&error).to_string()))?;
        Ok(Answer {
            status,
            headers,
            text,
        })
    }

    /// Waits, as far as patience goes; returns whether it did. What fails for a moment is asked again at once
    /// where there is no patience left.
    async fn wait(&self, pause: Duration, error: &ApiError) -> bool {
        let pause = {
            let mut left = self.patience.lock().unwrap_or_else(PoisonError::into_inner);
            if pause > *left && matches!(error, ApiError::Limited { .. }) {
                return false;
            }
            let pause = pause.min(*left);
            *left -= pause;
            pause
        };
        tracing::debug!(%error, ?pause, "waiting for GitHub");
        tokio::time::sleep(pause).await;
        true
    }
}

fn octocrab(base: &str, token: SecretString, client: &ApiClient) -> Result<Octocrab, ApiError> {
    let failed = |error: octocrab::Error| ApiError::Client(innermost(&error).to_string());
    Octocrab::builder()
        .base_uri(base)
        .map_err(failed)?
        .personal_token(token)
        .add_header(
            http::header::ACCEPT,
            "application/vnd.github+json".to_owned(),
        )
        .build_with_reqwest(client.clone())
        .map_err(failed)
}

/// Returns what an answer that is no success means.
fn error_of(ask: &Ask<'_>, answer: &Answer) -> ApiError {
    let said = said(answer);
    let what = ask.what.to_owned();
    if let Some(wait) = limit(answer, &said) {
        return ApiError::Limited { wait };
    }
    match answer.status {
        // A token that may not even read gets 404 for a write.
        401 | 403 => ApiError::NotPermitted {
            what,
            said,
            needs: ask.needs,
        },
        status @ 500.. => ApiError::Failed { what, status, said },
        status => ApiError::Refused { what, status, said },
    }
}

fn graphql_error(ask: &Ask<'_>, error: &GraphqlError) -> ApiError {
    let said = one_line(&error.message);
    let what = ask.what.to_owned();
    match error.kind.as_deref() {
        Some("FORBIDDEN" | "INSUFFICIENT_SCOPES") => ApiError::NotPermitted {
            what,
            said,
            needs: ask.needs,
        },
        Some("STALE_DATA") => ApiError::Stale { said },
        Some("RATE_LIMITED") => ApiError::Limited { wait: MINUTE },
        Some(_) | None if said.contains("not accessible by") => ApiError::NotPermitted {
            what,
            said,
            needs: ask.needs,
        },
        Some(_) | None if said.contains("to point to") => ApiError::Stale { said },
        Some(_) | None => ApiError::Refused {
            what,
            status: 200,
            said,
        },
    }
}

/// Returns how long GitHub asks to wait; `None` where the answer is about something else. Some secondary limits
/// are told by the message alone.
fn limit(answer: &Answer, said: &str) -> Option<Duration> {
    if !matches!(answer.status, 403 | 429) {
        return None;
    }
    let header = |name: &str| answer.headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    if let Some(seconds) = header("retry-after") {
        return Some(Duration::from_secs(seconds));
    }
    if header("x-ratelimit-remaining") == Some(0) {
        let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
        let reset = header("x-ratelimit-reset").unwrap_or_default();
        return Some(Duration::from_secs(reset.saturating_sub(now).max(1)));
    }
    let said = said.to_lowercase();
    let is_limit =
        answer.status == 429 || said.contains("rate limit") || said.contains("abuse detection");
    is_limit.then_some(MINUTE)
}

/// Returns what an answer says in words, on one line and not too long.
fn said(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Body {
        message: String,
    }
    let body: Option<Body> = serde_json::from_str(&answer.text).ok();
    let text = body.map_or_else(|| answer.text.clone(), |body| body.message);
    match one_line(&text) {
        text if text.is_empty() => "no reason given".to_owned(),
        text => text,
    }
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .collect();
    words.join(" ").trim().chars().take(300).collect()
}

/// Returns the items of a page: the page itself, or the one list in it, as that of check runs.
fn listed<T: DeserializeOwned>(what: &str, text: &str) -> Result<Vec<T>, ApiError> {
    let page: Value = read(what, text)?;
    let items = if let Value::Object(fields) = page {
        let lists = fields.into_iter().map(|(_name, value)| value);
        lists.into_iter().find(Value::is_array)
    } else {
        Some(page)
    };
    serde_json::from_value(items.unwrap_or_default()).map_err(|source| ApiError::Shape {
        what: what.to_owned(),
        source,
    })
}

fn read<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, ApiError> {
    serde_json::from_str(text).map_err(|source| ApiError::Shape {
        what: what.to_owned(),
        source,
    })
}

fn has_next(headers: &HeaderMap) -> bool {
    headers
        .get(http::header::LINK)
        .and_then(|link| link.to_str().ok())
        .is_some_and(|link| link.contains("rel=\"next\""))
}

/// Returns the text as a part of a path.
pub(super) fn segment(text: &str) -> String {
    let bytes = text.bytes().map(|byte| {
        let is_plain =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b':');
        if is_plain {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    bytes.collect()
}

/// Returns a query.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// Who writes with the token of a job.
const ACTIONS_BOT: &str = "github-actions[bot]";

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How often a request is sent.
const ATTEMPTS: u32 = 4;

/// What GitHub's documentation asks to wait where no header says more.
const MINUTE: Duration = Duration::from_mins(1);

/// How many pages of a list are read: ten thousand comments.
const MAX_PAGES: u32 = 100;
