//! What somebody asks for by a label: who may, and for which commit.
//!
//! A label is a wish that is granted once. It is taken off in any case, so that each wish is a fresh act; and it is
//! bound to the commit that the event was about, so that what is pushed afterwards gains nothing from it.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Api, segment};
use super::error::{ApiError, Needs};
use super::job::{Job, is_commit};

/// What somebody who may asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The pull request.
    pub pull: u64,
    /// Who asks.
    pub who: String,
    /// The commit that it is about.
    pub head: String,
    /// The branch that ends with it.
    pub branch: String,
}

#[derive(Deserialize)]
struct Permission {
    permission: String,
}

#[derive(Deserialize)]
struct Pull {
    state: String,
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    sha: String,
    #[serde(rename = "ref")]
    branch: String,
}

/// Takes the label off and returns what is asked for; else why it is not granted, in words.
///
/// # Errors
/// GitHub can't be asked.
pub async fn take(api: &Api, job: &Job, label: &str) -> Result<Result<Asked, String>, ApiError> {
    let is_asked = job.event == "pull_request"
        && job.action == "labeled"
        && job.label.as_deref() == Some(label);
    let (true, Some(pull)) = (is_asked, job.pull) else {
        return Ok(Err(format!(
            "the event is not that the label `{label}` was set on a pull request"
        )));
    };
    take_off(api, pull, label).await?;
    let (Some(who), Some(head)) = (
        job.sender.clone(),
        job.head.clone().filter(|sha| is_commit(sha)),
    ) else {
        return Ok(Err(
            "the event does not say who set the label, and for which commit".to_owned(),
        ));
    };
    if !may_write(api, &who).await? {
        return Ok(Err(format!(
            "{who} may not write to this repository, so the label grants nothing"
        )));
    }
    let now: Pull = api
        .get(
            &format!("/pulls/{pull}"),
            "read the pull request",
            Needs::ReadPullRequests,
        )
        .await?;
    if now.state != "open" {
        return Ok(Err("the pull request is closed".to_owned()));
    }
    if now.head.sha != head {
        return Ok(Err(format!(
            "the pull request has moved on: the label was set for {}, and it ends with {} now",
            short(&head),
            short(&now.head.sha)
        )));
    }
    Ok(Ok(Asked {
        pull,
        who,
        head,
        branch: now.head.branch,
    }))
}

/// Returns whether somebody may write to the repository. Who may only triage can set labels, too.
///
/// # Errors
/// GitHub can't be asked.
pub(super) async fn may_write(api: &Api, who: &str) -> Result<bool, ApiError> {
    let path = format!("/collaborators/{}/permission", segment(who));
    let known: Result<Permission, ApiError> = api
        .get(&path, "read what somebody may do", Needs::Metadata)
        .await;
    match known {
        Ok(known) => Ok(matches!(known.permission.as_str(), "admin" | "write")),
        Err(error) if error.is_missing() => Ok(false),
        Err(error) => Err(error),
    }
}

async fn take_off(api: &Api, pull: u64, label: &str) -> Result<(), ApiError> {
    let path = format!("/issues/{pull}/labels/{}", segment(label));
    let send = || async {
        api.write::<Value>(
            (Method::DELETE, &path),
            &json!(null),
            "take the label off",
            Needs::PullRequests,
        )
        .await
    };
    let taken = match send().await {
        Err(error) if error.is_ambiguous() => send().await,
        other => other,
    };
    match taken {
        Ok(_) => Ok(()),
        // Somebody took it off before.
        Err(error) if error.is_missing() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Returns the beginning of a commit's name.
pub(super) fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}
