//! Where this job runs, and for which change.
//!
//! Sources: <https://docs.github.com/en/actions/reference/workflows-and-actions/variables> and
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads>. Only the fields that are used are read, each
//! leniently: payloads grow, and differ between events.

use serde_json::Value;

/// What this job is: its repository, run, event, and the change that it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// The URL of the REST API, such as `https://api.github.com`, or `https://HOST/api/v3` on a server of one's own.
    pub api: String,
    /// The URL of the GraphQL API.
    pub graphql: String,
    /// The URL of the pages, such as `https://github.com`.
    pub server: String,
    /// The repository.
    pub repository: Repository,
    /// The event, such as `pull_request`.
    pub event: String,
    /// What happened, such as `labeled`; empty where the event knows no actions.
    pub action: String,
    /// The run. For `workflow_run`, the one that was watched.
    pub run: Run,
    /// The commit that reports are about: the head of a pull request, not its merge.
    pub head: Option<String>,
    /// The branch of the change.
    pub branch: Option<String>,
    /// The branch that the change is for.
    pub base: Option<String>,
    /// The commit of that branch.
    pub base_commit: Option<String>,
    /// The pull request, where the event names it.
    pub pull: Option<u64>,
    /// The repository that the change comes from, such as `someone/agent`.
    pub source: Option<String>,
    /// Who caused the event.
    pub sender: Option<String>,
    /// The label that was set.
    pub label: Option<String>,
}

/// A repository on GitHub.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repository {
    /// Whose it is.
    pub owner: String,
    /// Its name.
    pub name: String,
}

/// A run of a workflow; the greater, the newer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Run {
    /// Its number, the same in all attempts.
    pub id: u64,
    /// The attempt, from 1.
    pub attempt: u64,
}

/// A job that can't be known.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// A variable is missing.
    #[error("this is no job on GitHub: {0} is not set")]
    Missing(&'static str),
    /// A variable has a value that it never has on GitHub.
    #[error("{0} is `{1}`, which GitHub never writes")]
    Strange(&'static str, String),
    /// The event is no JSON.
    #[error("the event at GITHUB_EVENT_PATH is no JSON")]
    Event(#[from] serde_json::Error),
}

impl Repository {
    /// Returns the repository that is written as `owner/name`; `None` where that is no name.
    pub fn parse(text: &str) -> Option<Self> {
        let is_name = |name: &str| {
            !matches!(name, "" | "." | "..")
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        let (owner, name) = text.split_once('/')?;
        (is_name(owner) && is_name(name)).then(|| Self {
            owner: owner.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Returns `owner/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

impl Job {
    /// Returns the job that these variables and this event, the text of its file, describe.
    ///
    /// # Errors
    /// A variable is missing or strange, the event is no JSON.
    pub fn read<'a>(
        variable: &dyn Fn(&str) -> Option<&'a str>,
        event: Option<&str>,
    ) -> Result<Self, JobError> {
        let known = |name: &'static str| variable(name).ok_or(JobError::Missing(name));
        let strange = |name: &'static str, value: &str| JobError::Strange(name, value.to_owned());
        let url = |name: &'static str, usual: &str| {
            let value = variable(name).unwrap_or(usual);
            let is_url = url::Url::parse(value).is_ok_and(|url| url.has_host());
            let value = value.trim_end_matches('/').to_owned();
            if is_url {
                Ok(value)
            } else {
                Err(strange(name, &value))
            }
        };
        let named = known("GITHUB_REPOSITORY")?;
        let repository =
            Repository::parse(named).ok_or_else(|| strange("GITHUB_REPOSITORY", named))?;
        let event: Value = event
            .map(serde_json::from_str)
            .transpose()?
            .unwrap_or_default();
        let name = known("GITHUB_EVENT_NAME")?.to_owned();
        let seen = Seen { event: &event };
        let own = Run {
            id: number(variable("GITHUB_RUN_ID")),
            attempt: number(variable("GITHUB_RUN_ATTEMPT")).max(1),
        };
        let watched = seen.number("/workflow_run/id").map(|id| Run {
            id,
            attempt: seen.number("/workflow_run/run_attempt").unwrap_or(1),
        });
        let is_pull = event.get("pull_request").is_some();
        let queue = |field: &str| seen.text(&format!("/merge_group/{field}"));
        Ok(Self {
            api: url("GITHUB_API_URL", "https://api.github.com")?,
            graphql: url("GITHUB_GRAPHQL_URL", "https://api.github.com/graphql")?,
            server: url("GITHUB_SERVER_URL", "https://github.com")?,
            repository,
            run: watched.filter(|_run| name == "workflow_run").unwrap_or(own),
            action: seen.text("/action").unwrap_or_default(),
            head: seen
                .commit("/pull_request/head/sha")
                .or_else(|| seen.commit("/workflow_run/head_sha"))
                .or_else(|| seen.commit("/merge_group/head_sha"))
                .or_else(|| {
                    variable("GITHUB_SHA")
                        .filter(|sha| is_commit(sha))
                        .map(str::to_owned)
                }),
            branch: seen
                .text("/pull_request/head/ref")
                .or_else(|| seen.text("/workflow_run/head_branch"))
                .or_else(|| variable("GITHUB_REF_NAME").map(str::to_owned)),
            base: seen
                .text("/pull_request/base/ref")
                .or_else(|| queue("base_ref").map(|full| bare(&full)))
                .or_else(|| variable("GITHUB_BASE_REF").map(str::to_owned)),
            base_commit: seen
                .commit("/pull_request/base/sha")
                .or_else(|| seen.commit("/merge_group/base_sha")),
            pull: seen.number("/pull_request/number"),
            // The repository of a head is gone where the fork was deleted.
            source: seen
                .text("/pull_request/head/repo/full_name")
                .or_else(|| seen.text("/workflow_run/head_repository/full_name"))
                .or_else(|| (!is_pull && name != "workflow_run").then(|| named.to_owned())),
            sender: seen
                .text("/sender/login")
                .or_else(|| variable("GITHUB_ACTOR").map(str::to_owned)),
            label: seen.text("/label/name"),
            event: name,
        })
    }

    /// Returns whether the change comes from another repository: its jobs have no secrets and may not write.
    pub fn is_fork(&self) -> bool {
        let own = self.repository.full_name();
        let source = self.source.as_deref();
        !source.is_some_and(|source| source.eq_ignore_ascii_case(&own))
    }

    /// Returns the event where it must never run the code under test: it holds secrets and may write.
    pub fn forbids_agents(&self) -> Option<&str> {
        forbids_agents(&self.event).then_some(&*self.event)
    }

    /// Returns the page of the run.
    pub fn run_url(&self) -> String {
        format!(
            "{}/{}/actions/runs/{}",
            self.server,
            self.repository.full_name(),
            self.run.id
        )
    }

    /// Returns the page of a commit.
    pub fn commit_url(&self, commit: &str) -> String {
        format!(
            "{}/{}/commit/{commit}",
            self.server,
            self.repository.full_name()
        )
    }
}

/// Returns whether jobs of this event hold secrets although strangers can cause it.
pub fn forbids_agents(event: &str) -> bool {
    matches!(event, "pull_request_target" | "workflow_run")
}

/// An event, read leniently.
struct Seen<'a> {
    event: &'a Value,
}

impl Seen<'_> {
    fn text(&self, pointer: &str) -> Option<String> {
        let text = self.event.pointer(pointer)?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn number(&self, pointer: &str) -> Option<u64> {
        self.event.pointer(pointer)?.as_u64()
    }

    fn commit(&self, pointer: &str) -> Option<String> {
        self.text(pointer).filter(|text| is_commit(text))
    }
}

/// Returns whether a text is the name of a commit.
pub(super) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// Returns a branch without `refs/heads/`.
fn bare(full: &str) -> String {
    full.strip_prefix("refs/heads/").unwrap_or(full).to_owned()
}

fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "1111111111111111111111111111111111111111";
    const MERGE: &str = "2222222222222222222222222222222222222222";

    fn job(event_name: &str, event: &Value) -> Job {
        let text = event.to_string();
        let variable = |name: &str| match name {
            "GITHUB_REPOSITORY" => Some("acme/agent"),
            "GITHUB_EVENT_NAME" => Some(event_name),
            "GITHUB_RUN_ID" => Some("77"),
            "GITHUB_SHA" => Some(MERGE),
            "GITHUB_REF_NAME" => Some("7/merge"),
            _ => None,
        };
        // The names live as long as the test.
        let variable =
            |name: &str| variable(name).map(|value| &*Box::leak(value.to_owned().into_boxed_str()));
        Job::read(&variable, Some(&text)).unwrap()
    }

    #[test]
    fn a_pull_request_is_about_its_head_and_not_its_merge() {
        let event = serde_json::json!({
            "action": "synchronize",
            "pull_request": {
                "number": 7,
                "head": {"ref": "change", "sha": HEAD, "repo": {"full_name": "Acme/agent"}},
                "base": {"ref": "main", "sha": MERGE},
            },
            "sender": {"login": "dev"},
        });
        let job = job("pull_request", &event);
        assert_eq!(job.head.as_deref(), Some(HEAD));
        assert_eq!((job.pull, job.branch.as_deref()), (Some(7), Some("change")));
        assert!(!job.is_fork());
        assert_eq!(job.run, Run { id: 77, attempt: 1 });
        assert_eq!(job.forbids_agents(), None);
        assert_eq!(
            job.run_url(),
            "https://github.com/acme/agent/actions/runs/77"
        );
    }

    #[test]
    fn a_change_of_another_or_a_deleted_repository_is_a_forks() {
        for repo in [serde_json::json!({"full_name": "eve/agent"}), Value::Null] {
            let event = serde_json::json!({"pull_request": {"number": 7, "head": {"sha": HEAD, "repo": repo}}});
            assert!(job("pull_request", &event).is_fork());
        }
    }

    #[test]
    fn a_watched_run_counts_for_its_own_order() {
        let event = serde_json::json!({"workflow_run": {
            "id": 70, "run_attempt": 2, "head_sha": HEAD, "head_branch": "change",
            "head_repository": {"full_name": "eve/agent"}, "pull_requests": [],
        }});
        let job = job("workflow_run", &event);
        assert_eq!(job.run, Run { id: 70, attempt: 2 });
        assert_eq!((job.head.as_deref(), job.pull), (Some(HEAD), None));
        assert!(job.is_fork());
        assert_eq!(job.forbids_agents(), Some("workflow_run"));
    }

    #[test]
    fn a_schedule_is_about_the_commit_that_it_runs_on() {
        let job = job("schedule", &Value::Null);
        assert_eq!(job.head.as_deref(), Some(MERGE));
        assert!(!job.is_fork());
        assert_eq!(job.pull, None);
    }

    #[test]
    fn strange_variables_are_refused() {
        for name in ["acme", "acme/", "a/b/c", "a/..", "a b/c", ""] {
            assert_eq!(Repository::parse(name), None, "{name}");
        }
        let none = |_name: &str| None;
        let error = Job::read(&none, None).unwrap_err().to_string();
        assert_eq!(
            error,
            "this is no job on GitHub: GITHUB_REPOSITORY is not set"
        );
    }
}
