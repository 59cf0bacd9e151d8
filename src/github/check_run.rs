//! A check run on the commit that a change ends with.
//!
//! GitHub shows it beside the job, and with the workflow that ran first, which may be another one; the job itself is
//! a check already. So it is made only where it is asked for.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::api::{Api, query, segment};
use super::error::{ApiError, Needs};
use super::job::Job;
use super::marker::Key;
use super::text::Conclusion;

/// What a check run shows.
#[derive(Debug, Clone)]
pub struct CheckRun {
    /// Its name in the list of checks.
    pub name: String,
    /// Which gate it is of.
    pub key: Key,
    /// How it ends.
    pub conclusion: Conclusion,
    /// Its title.
    pub title: String,
    /// Its text, at most 65,535 characters.
    pub summary: String,
    /// The notes at lines of files, the worst first; the first [`MAX_ANNOTATIONS`] are shown.
    pub annotations: Vec<Annotation>,
}

/// A note at a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Annotation {
    /// The file, relative to the repository.
    pub path: String,
    /// The line.
    pub start_line: u32,
    /// The same line.
    pub end_line: u32,
    /// `failure`, `warning` or `notice`.
    pub annotation_level: &'static str,
    /// The heading.
    pub title: String,
    /// The text.
    pub message: String,
}

#[derive(Deserialize)]
struct Found {
    id: u64,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
}

/// Writes the check run on a commit, or brings the one of the same gate up to date; returns its address.
///
/// # Errors
/// GitHub did not take it.
pub async fn tell(
    api: &Api,
    job: &Job,
    commit: &str,
    check: &CheckRun,
) -> Result<String, ApiError> {
    let external = external_id(&check.key, job);
    let mut body = json!({
        "name": check.name,
        "status": "completed",
        "conclusion": check.conclusion,
        "external_id": external,
        "details_url": job.run_url(),
        "output": { "title": check.title, "summary": check.summary },
    });
    let shown: Vec<&Annotation> = check.annotations.iter().take(MAX_ANNOTATIONS).collect();
    let prefix = format!("{PREFIX}{}:", check.key);
    let found = find(api, commit, check, &prefix).await?;
    if let Some(found) = found {
        // Annotations of a second write are added to those of the first.
        if found.external_id.as_deref() != Some(&external) {
            put(&mut body, "annotations", json!(shown));
        }
        let path = format!("/check-runs/{}", found.id);
        let send = || async {
            api.write::<Found>(
                (Method::PATCH, &path),
                &body,
                "update the check run",
                Needs::Checks,
            )
            .await
        };
        let updated = match send().await {
            Err(error) if error.is_ambiguous() => {
                // Whatever the first one did, its annotations must not stand there twice.
                find(api, commit, check, &external).await?.ok_or(error)
            }
            other => other,
        };
        return updated.map(address);
    }
    if let Some(fields) = body.as_object_mut() {
        fields.insert("head_sha".to_owned(), json!(commit));
    }
    put(&mut body, "annotations", json!(shown));
    let post = || async {
        api.write::<Found>(
            (Method::POST, "/check-runs"),
            &body,
            "write a check run",
            Needs::Checks,
        )
        .await
    };
    let made = match post().await {
        Err(error) if error.is_ambiguous() => match find(api, commit, check, &external).await? {
            Some(found) => Ok(found),
            None => post().await,
        },
        other => other,
    };
    made.map(address)
}

/// Returns the newest check run of a commit with this name that Rewind made.
async fn find(
    api: &Api,
    commit: &str,
    check: &CheckRun,
    prefix: &str,
) -> Result<Option<Found>, ApiError> {
    let pairs = query(&[("check_name", &check.name), ("filter", "latest")]);
    let path = format!("/commits/{}/check-runs?{pairs}", segment(commit));
    let all: Vec<Found> = api
        .list(&path, "read the check runs", Needs::Checks)
        .await?;
    let is_ours = |found: &Found| {
        found
            .external_id
            .as_deref()
            .is_some_and(|id| id.starts_with(prefix))
    };
    Ok(all.into_iter().filter(is_ours).max_by_key(|found| found.id))
}

fn put(body: &mut Value, name: &str, value: Value) {
    if let Some(output) = body.get_mut("output").and_then(Value::as_object_mut) {
        output.insert(name.to_owned(), value);
    }
}

fn address(found: Found) -> String {
    found.html_url.unwrap_or_default()
}

fn external_id(key: &Key, job: &Job) -> String {
    format!("{PREFIX}{key}:{}.{}", job.run.id, job.run.attempt)
}

const PREFIX: &str = "rewind:";

/// How many annotations one request may bring.
pub const MAX_ANNOTATIONS: usize = 50;
