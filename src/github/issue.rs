//! The one open issue about runs that nobody waits for, such as those of the night.
//!
//! A red run opens it or brings it up to date, and says so below it where what is red changed; the first good run
//! closes it. It is found by its label, its marker and its author.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Api, query};
use super::comment::{User, Written, is_same};
use super::error::{ApiError, Needs};
use super::marker::Marker;

/// What is to be told.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its marker, which is the first line of its body, too.
    pub marker: Marker,
    /// The title.
    pub title: String,
    /// The text.
    pub body: String,
    /// The label that such issues have.
    pub label: String,
    /// Whether the run ends red.
    pub is_failure: bool,
    /// Whether the run is good.
    pub is_pass: bool,
    /// What the run came to, in a line, for the comments below the issue.
    pub line: String,
}

/// What became of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It was opened, at this address.
    Opened(String),
    /// It was brought up to date, at this address.
    Updated(String),
    /// It was closed, at this address.
    Closed(String),
    /// Nothing was written, for this reason.
    Left(&'static str),
}

#[derive(Debug, Clone, Deserialize)]
struct Issue {
    number: u64,
    #[serde(default)]
    html_url: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<User>,
    /// There for a pull request, which is an issue, too.
    #[serde(default)]
    pull_request: Option<Value>,
}

/// Opens, updates or closes the issue, as `me`.
///
/// # Errors
/// GitHub did not take it; there is then no more than one issue all the same.
pub async fn tell(api: &Api, me: &str, draft: &Draft) -> Result<Told, ApiError> {
    let desk = Desk { api, me, draft };
    let open = desk.open().await?;
    let Some((issue, marker)) = open.into_iter().next() else {
        if !draft.is_failure {
            return Ok(Told::Left("the run is not red, and no issue is open"));
        }
        return desk.create().await;
    };
    if marker.run > draft.marker.run {
        return Ok(Told::Left("a newer run has written it"));
    }
    if draft.is_pass {
        return desk.close(&issue, &marker).await;
    }
    desk.update(&issue, &marker).await
}

struct Desk<'a> {
    api: &'a Api,
    me: &'a str,
    draft: &'a Draft,
}

impl Desk<'_> {
    /// Returns our open issues, the oldest first.
    async fn open(&self) -> Result<Vec<(Issue, Marker)>, ApiError> {
        let pairs = query(&[("state", "open"), ("labels", &self.draft.label)]);
        let path = format!("/issues?{pairs}");
        let all: Vec<Issue> = self
            .api
            .list(&path, "read the issues", Needs::Issues)
            .await?;
        let mine = all.into_iter().filter(|issue| issue.pull_request.is_none());
        let mine = mine.filter_map(|issue| {
            let is_mine = issue.user.as_ref().is_some_and(|user| user.is(self.me));
            let marker = Marker::parse(issue.body.as_deref()?).filter(|_marker| is_mine)?;
            marker.is_of(&self.draft.marker).then_some((issue, marker))
        });
        let mut mine: Vec<_> = mine.collect();
        mine.sort_by_key(|(issue, _marker)| issue.number);
        Ok(mine)
    }

    async fn create(&self) -> Result<Told, ApiError> {
        let body = json!({
            "title": self.draft.title,
            "body": self.draft.body,
            "labels": [self.draft.label],
        });
        let post = || async {
            self.api
                .write::<Issue>(
                    (Method::POST, "/issues"),
                    &body,
                    "open an issue",
                    Needs::Issues,
                )
                .await
        };
        let made = match post().await {
            // Whether it was opened is looked up before it is opened again.
            Err(error) if error.is_ambiguous() => match self.open().await?.into_iter().next() {
                Some((issue, _marker)) => Ok(issue),
                None => post().await,
            },
            other => other,
        };
        made.map(|issue| Told::Opened(issue.html_url))
    }

    async fn update(&self, issue: &Issue, marker: &Marker) -> Result<Told, ApiError> {
        self.say_change(issue, marker).await?;
        if !issue
            .body
            .as_deref()
            .is_some_and(|body| is_same(body, &self.draft.body))
        {
            let body = json!({ "title": self.draft.title, "body": self.draft.body });
            self.patch(issue, &body, "update the issue").await?;
        }
        Ok(Told::Updated(issue.html_url.clone()))
    }

    async fn close(&self, issue: &Issue, marker: &Marker) -> Result<Told, ApiError> {
        self.say_change(issue, marker).await?;
        let body =
            json!({ "body": self.draft.body, "state": "closed", "state_reason": "completed" });
        self.patch(issue, &body, "close the issue").await?;
        Ok(Told::Closed(issue.html_url.clone()))
    }

    /// Says below the issue what the run came to, where that is something new. The marker of the comment keeps a run
    /// from saying it twice.
    async fn say_change(&self, issue: &Issue, marker: &Marker) -> Result<(), ApiError> {
        let own = &self.draft.marker;
        if marker.state == own.state {
            return Ok(());
        }
        let path = format!("/issues/{}/comments", issue.number);
        let body = json!({ "body": format!("{own}\n{}", self.draft.line) });
        let post = || async {
            self.api
                .write::<Written>(
                    (Method::POST, &path),
                    &body,
                    "comment on the issue",
                    Needs::Issues,
                )
                .await
        };
        match post().await {
            Err(error) if error.is_ambiguous() => {
                let all: Vec<Written> = self
                    .api
                    .list(&path, "read the comments", Needs::Issues)
                    .await?;
                let is_there = all
                    .iter()
                    .filter_map(|comment| comment.marker_of(self.me))
                    .any(|marker| marker == *own);
                if is_there {
                    Ok(())
                } else {
                    post().await.map(drop)
                }
            }
            other => other.map(drop),
        }
    }

    async fn patch(&self, issue: &Issue, body: &Value, what: &str) -> Result<(), ApiError> {
        let path = format!("/issues/{}", issue.number);
        let send = || async {
            self.api
                .write::<Issue>((Method::PATCH, &path), body, what, Needs::Issues)
                .await
        };
        match send().await {
            // The same text twice is the same text.
            Err(error) if error.is_ambiguous() => send().await.map(drop),
            other => other.map(drop),
        }
    }
}
