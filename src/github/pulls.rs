//! Which pull request a job is about.

use serde::Deserialize;

use super::api::{Api, query};
use super::error::{ApiError, Needs};
use super::job::Job;

/// A pull request.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Pull {
    /// Its number.
    pub number: u64,
    /// The change.
    pub head: Head,
}

/// The head of a pull request.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Head {
    /// The commit.
    pub sha: String,
    /// The repository; gone where the fork was deleted.
    pub repo: Option<HeadRepository>,
}

/// The repository of a head.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct HeadRepository {
    /// Such as `someone/agent`.
    pub full_name: String,
}

/// Returns the pull request that a job is about: the one that its event names, else the open one of the branch
/// whose head is the commit that was run. What a job of strangers says itself does not count.
///
/// # Errors
/// GitHub can't be asked.
pub async fn pull_of(job: &Job, api: &Api) -> Result<Option<u64>, ApiError> {
    if job.pull.is_some() {
        return Ok(job.pull);
    }
    let (Some(source), Some(branch), Some(head)) = (&job.source, &job.branch, &job.head) else {
        return Ok(None);
    };
    if !matches!(
        job.event.as_str(),
        "workflow_run" | "workflow_dispatch" | "push"
    ) {
        return Ok(None);
    }
    let owner = source.split('/').next().unwrap_or_default();
    let wanted = format!("{owner}:{branch}");
    let path = format!("/pulls?{}", query(&[("state", "open"), ("head", &wanted)]));
    let pulls: Vec<Pull> = api
        .list(&path, "list pull requests", Needs::ReadPullRequests)
        .await?;
    let fits = |pull: &&Pull| {
        let repository = pull.head.repo.as_ref().map(|repo| repo.full_name.as_str());
        pull.head.sha == *head && repository.is_some_and(|name| name.eq_ignore_ascii_case(source))
    };
    Ok(pulls.iter().find(fits).map(|pull| pull.number))
}
