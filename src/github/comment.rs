//! The one comment on a pull request.
//!
//! It is found by its marker *and* its author, over all pages; edited in place; never written by an older run over a
//! newer one. A write whose answer was lost is looked for before it is sent again, and where two jobs wrote at once the
//! older comment stays.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::Api;
use super::error::{ApiError, Needs};
use super::marker::Marker;

/// When a comment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// For each run.
    #[default]
    Always,
    /// Where a verdict differs from what the comment says; where there is none yet, from what was accepted.
    OnChange,
    /// A new one only for a run that ends red; one that is there is kept up to date.
    OnFailure,
    /// Never.
    Never,
}

/// What became of a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It was written, at this address.
    Written(String),
    /// One that was there was brought up to date, at this address.
    Edited(String),
    /// Nothing was written, for this reason.
    Left(&'static str),
}

/// What is to be written.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its marker, which is its first line, too.
    pub marker: Marker,
    /// The text.
    pub body: String,
    /// Whether the run ends red.
    pub is_failure: bool,
    /// Whether everything is as it was.
    pub is_plain: bool,
}

/// Something written on GitHub, by somebody.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Written {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) user: Option<User>,
    #[serde(default)]
    pub(super) html_url: String,
}

/// Somebody on GitHub.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct User {
    login: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

impl User {
    /// Returns whether this is who is named `me`; a bot is sometimes named without `[bot]`.
    pub(super) fn is(&self, me: &str) -> bool {
        let is_bot = self.kind.as_deref() == Some("Bot");
        self.login.eq_ignore_ascii_case(me)
            || (is_bot
                && self
                    .login
                    .strip_suffix("[bot]")
                    .is_some_and(|name| name.eq_ignore_ascii_case(me)))
    }
}

impl Written {
    /// Returns the marker where `me` wrote it.
    pub(super) fn marker_of(&self, me: &str) -> Option<Marker> {
        let is_mine = self.user.as_ref().is_some_and(|user| user.is(me));
        Marker::parse(self.body.as_deref()?).filter(|_marker| is_mine)
    }
}

/// Writes the comment on a pull request, as `me`.
///
/// # Errors
/// GitHub did not take it; there is then no more than one comment all the same.
pub async fn tell(
    api: &Api,
    pull: u64,
    me: &str,
    draft: &Draft,
    when: When,
) -> Result<Told, ApiError> {
    if when == When::Never {
        return Ok(Told::Left("comments are switched off"));
    }
    let talk = Talk {
        api,
        pull,
        me,
        draft,
    };
    let Some((first, marker)) = talk.mine().await?.into_iter().next() else {
        return match when {
            When::OnFailure if !draft.is_failure => Ok(Told::Left("the run is not red")),
            When::OnChange if draft.is_plain => Ok(Told::Left("nothing changed")),
            When::Always | When::OnChange | When::OnFailure | When::Never => talk.create().await,
        };
    };
    if marker.run > draft.marker.run {
        return Ok(Told::Left("a newer run has written it"));
    }
    if when == When::OnChange && marker.state == draft.marker.state {
        return Ok(Told::Left("nothing changed since it was written"));
    }
    talk.edit(&first).await
}

/// Returns what somebody wrote behind a word at the beginning of a comment, the newest of them, on one line.
///
/// # Errors
/// GitHub can't be asked.
pub async fn last_of(
    api: &Api,
    pull: u64,
    who: &str,
    word: &str,
) -> Result<Option<String>, ApiError> {
    let path = format!("/issues/{pull}/comments");
    let all: Vec<Written> = api
        .list(&path, "read the comments", Needs::PullRequests)
        .await?;
    let said = all.into_iter().rev().find_map(|comment| {
        let is_theirs = comment.user.as_ref().is_some_and(|user| user.is(who));
        let line = comment
            .body?
            .lines()
            .next()?
            .trim()
            .strip_prefix(word)?
            .trim()
            .to_owned();
        (is_theirs && !line.is_empty()).then_some(line)
    });
    Ok(said)
}

/// A pull request and what is to be said there.
struct Talk<'a> {
    api: &'a Api,
    pull: u64,
    me: &'a str,
    draft: &'a Draft,
}

impl Talk<'_> {
    /// Returns our comments, the oldest first.
    async fn mine(&self) -> Result<Vec<(Written, Marker)>, ApiError> {
        let all: Vec<Written> = self
            .api
            .list(&self.comments(), "read the comments", Needs::PullRequests)
            .await?;
        let mine = all.into_iter().filter_map(|comment| {
            let marker = comment.marker_of(self.me)?;
            marker
                .is_of(&self.draft.marker)
                .then_some((comment, marker))
        });
        let mut mine: Vec<_> = mine.collect();
        mine.sort_by_key(|(comment, _marker)| comment.id);
        Ok(mine)
    }

    async fn create(&self) -> Result<Told, ApiError> {
        let own = match self.post().await {
            Ok(comment) => comment,
            // Whether it was written is looked up before it is written again.
            Err(error) if error.is_ambiguous() => match self.own().await? {
                Some(comment) => comment,
                None => match self.post().await {
                    Ok(comment) => comment,
                    Err(error) => match self.own().await {
                        Ok(Some(comment)) => comment,
                        Ok(None) | Err(_) => return Err(error),
                    },
                },
            },
            Err(error) => return Err(error),
        };
        self.only(own).await
    }

    /// Returns the comment that this run wrote, where it did.
    async fn own(&self) -> Result<Option<Written>, ApiError> {
        let mine = self.mine().await?.into_iter();
        Ok(mine
            .filter(|(_comment, marker)| marker.run == self.draft.marker.run)
            .map(|(comment, _marker)| comment)
            .next())
    }

    /// Makes sure that the comment just written is the only one: the oldest stays and says what is newest.
    async fn only(&self, own: Written) -> Result<Told, ApiError> {
        let mine = self.mine().await?;
        let Some((oldest, marker)) = mine.first().filter(|(oldest, _marker)| oldest.id < own.id)
        else {
            return Ok(Told::Written(own.html_url));
        };
        let told = if marker.run < self.draft.marker.run {
            self.edit(oldest).await?
        } else {
            Told::Left("a newer run has written it")
        };
        let path = format!("/issues/comments/{}", own.id);
        let gone = self
            .api
            .write::<Value>(
                (Method::DELETE, &path),
                &Value::Null,
                "remove the second comment",
                Needs::PullRequests,
            )
            .await;
        match gone {
            Ok(_) => Ok(told),
            Err(error) if error.is_missing() => Ok(told),
            Err(error) => Err(error),
        }
    }

    async fn post(&self) -> Result<Written, ApiError> {
        let body = json!({ "body": self.draft.body });
        self.api
            .write(
                (Method::POST, &self.comments()),
                &body,
                "write a comment",
                Needs::PullRequests,
            )
            .await
    }

    async fn edit(&self, comment: &Written) -> Result<Told, ApiError> {
        if comment
            .body
            .as_deref()
            .is_some_and(|body| is_same(body, &self.draft.body))
        {
            return Ok(Told::Left("it says so already"));
        }
        let path = format!("/issues/comments/{}", comment.id);
        let body = json!({ "body": self.draft.body });
        let send = || async {
            self.api
                .write::<Written>(
                    (Method::PATCH, &path),
                    &body,
                    "edit the comment",
                    Needs::PullRequests,
                )
                .await
        };
        let edited = match send().await {
            // The same text twice is the same text.
            Err(error) if error.is_ambiguous() => send().await,
            other => other,
        };
        match edited {
            Ok(comment) => Ok(Told::Edited(comment.html_url)),
            // Somebody removed it in between.
            Err(error) if error.is_missing() => {
                let comment = self.post().await?;
                Ok(Told::Written(comment.html_url))
            }
            Err(error) => Err(error),
        }
    }

    fn comments(&self) -> String {
        format!("/issues/{}/comments", self.pull)
    }
}

/// Returns whether two texts are the same but for the ends of their lines, which GitHub may change.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    a.trim_end().lines().eq(b.trim_end().lines())
}
