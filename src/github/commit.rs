//! A commit made through the API: signed by GitHub, and only on top of the commit that it was made for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Api, query, segment};
use super::error::{ApiError, Needs};
use super::job::Job;

/// What a commit changes.
#[derive(Debug, Clone)]
pub struct Change {
    /// The branch.
    pub branch: String,
    /// The commit that it has to end with.
    pub onto: String,
    /// The first line of the message.
    pub headline: String,
    /// The rest of the message.
    pub body: String,
    /// Files with their content.
    pub files: Vec<(String, Vec<u8>)>,
}

/// A commit that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its name.
    pub commit: String,
    /// Whether GitHub signed it.
    pub is_signed: bool,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "createCommitOnBranch")]
    created: Created,
}

#[derive(Deserialize)]
struct Created {
    commit: Commit,
}

#[derive(Deserialize)]
struct Commit {
    oid: String,
    signature: Option<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    #[serde(rename = "isValid")]
    is_valid: bool,
}

#[derive(Deserialize)]
struct Tip {
    sha: String,
    commit: Message,
}

/// What GitHub says of a commit itself.
#[derive(Deserialize)]
pub(super) struct Message {
    /// The message.
    pub(super) message: String,
    #[serde(default)]
    verification: Option<Verification>,
}

impl Message {
    /// Returns whether GitHub has verified its signature.
    pub(super) fn is_signed(&self) -> bool {
        self.verification
            .as_ref()
            .is_some_and(|known| known.verified)
    }
}

#[derive(Deserialize)]
struct Verification {
    verified: bool,
}

#[derive(Deserialize)]
struct Pull {
    number: u64,
    #[serde(default)]
    html_url: String,
}

/// Makes the commit.
///
/// # Errors
/// [`ApiError::Stale`] where the branch ends otherwise; what GitHub says else.
pub async fn commit(api: &Api, job: &Job, change: &Change) -> Result<Made, ApiError> {
    let additions: Vec<Value> = change
        .files
        .iter()
        .map(|(path, bytes)| json!({ "path": path, "contents": STANDARD.encode(bytes) }))
        .collect();
    let variables = json!({ "input": {
        "branch": {
            "repositoryNameWithOwner": job.repository.full_name(),
            "branchName": change.branch,
        },
        "expectedHeadOid": change.onto,
        "message": { "headline": change.headline, "body": change.body },
        "fileChanges": { "additions": additions },
    }});
    let send = || async {
        api.graphql::<Data>(MUTATION, &variables, "commit", Needs::Contents)
            .await
    };
    let made = match send().await {
        Err(error) if error.is_ambiguous() => {
            // What the branch ends with says whether it was made.
            if let Some(made) = made(api, change).await? {
                return Ok(made);
            }
            send().await
        }
        other => other,
    };
    let commit = made?.created.commit;
    Ok(Made {
        commit: commit.oid,
        is_signed: commit.signature.is_some_and(|signature| signature.is_valid),
    })
}

/// Returns the commit that the branch ends with where it has the message of the change.
async fn made(api: &Api, change: &Change) -> Result<Option<Made>, ApiError> {
    let path = format!("/commits/{}", segment(&change.branch));
    let tip: Tip = api.get(&path, "read the branch", Needs::Contents).await?;
    let text = format!("{}\n\n{}", change.headline, change.body);
    let is_made = tip.sha != change.onto && tip.commit.message.trim() == text.trim();
    Ok(is_made.then(|| Made {
        commit: tip.sha,
        is_signed: tip.commit.is_signed(),
    }))
}

/// Starts a workflow on a branch: a commit of a job's token starts none by itself.
///
/// # Errors
/// GitHub did not take it.
pub async fn dispatch(api: &Api, workflow: &str, branch: &str) -> Result<(), ApiError> {
    let path = format!("/actions/workflows/{}/dispatches", segment(workflow));
    let body = json!({ "ref": branch });
    api.write::<Value>(
        (Method::POST, &path),
        &body,
        "start the workflow",
        Needs::Actions,
    )
    .await
    .map(drop)
}

/// Puts one commit on top of `change.onto` into a branch of our own, and opens or refreshes the pull request of that
/// branch into `base`; returns its address.
///
/// # Errors
/// GitHub did not take it.
pub async fn propose(
    api: &Api,
    job: &Job,
    change: &Change,
    (base, label): (&str, &str),
) -> Result<String, ApiError> {
    reset(api, &change.branch, &change.onto).await?;
    commit(api, job, change).await?;
    let head = format!("{}:{}", job.repository.owner, change.branch);
    let path = format!("/pulls?{}", query(&[("state", "open"), ("head", &head)]));
    let open: Vec<Pull> = api
        .list(&path, "list pull requests", Needs::PullRequests)
        .await?;
    if let Some(pull) = open.first() {
        let body = json!({ "title": change.headline, "body": change.body });
        let path = format!("/pulls/{}", pull.number);
        let pull: Pull = api
            .write(
                (Method::PATCH, &path),
                &body,
                "refresh the pull request",
                Needs::PullRequests,
            )
            .await?;
        return Ok(pull.html_url);
    }
    let body = json!({ "title": change.headline, "body": change.body, "head": change.branch, "base": base });
    let pull: Pull = api
        .write(
            (Method::POST, "/pulls"),
            &body,
            "open a pull request",
            Needs::PullRequests,
        )
        .await?;
    let path = format!("/issues/{}/labels", pull.number);
    let labels = json!({ "labels": [label] });
    api.write::<Value>(
        (Method::POST, &path),
        &labels,
        "set the label",
        Needs::PullRequests,
    )
    .await?;
    Ok(pull.html_url)
}

/// Makes a branch end with a commit.
async fn reset(api: &Api, branch: &str, commit: &str) -> Result<(), ApiError> {
    let path = format!("/git/refs/heads/{branch}");
    let body = json!({ "sha": commit, "force": true });
    let moved = api
        .write::<Value>(
            (Method::PATCH, &path),
            &body,
            "move the branch",
            Needs::Contents,
        )
        .await;
    match moved {
        Ok(_) => Ok(()),
        // 422: GitHub's answer for a branch that is not there.
        Err(ApiError::Refused {
            status: 404 | 422, ..
        }) => {
            let body = json!({ "ref": format!("refs/heads/{branch}"), "sha": commit });
            api.write::<Value>(
                (Method::POST, "/git/refs"),
                &body,
                "make the branch",
                Needs::Contents,
            )
            .await
            .map(drop)
        }
        Err(error) => Err(error),
    }
}

const MUTATION: &str = "mutation ($input: CreateCommitOnBranchInput!) {\n  createCommitOnBranch(input: $input) {\n    \
                        commit { oid signature { isValid } }\n  }\n}";
