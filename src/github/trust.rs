//! Whether a commit accepted baselines by label: what its message says, and what GitHub knows of it.
//!
//! ```text
//! Rewind-Accepted-By: mia
//! Rewind-Pull-Request: 7
//! Rewind-Run: 500.1
//! Rewind-Head: 1111111111111111111111111111111111111111
//! Rewind-Baseline: b3:… refunds/late
//! ```
//!
//! A message proves nothing by itself. GitHub has to have signed the commit, the job's bot to be its author, the commit
//! below it to be the one that the label was set for, and the one who set the label to have done so and to be allowed to.

use serde::Deserialize;

use super::api::{Api, segment};
use super::comment::User;
use super::commit::Message;
use super::error::{ApiError, Needs};
use super::job::Run;
use super::label::{Asked, may_write};

/// What the message of a commit that accepted baselines says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Who set the label.
    pub who: String,
    /// On which pull request.
    pub pull: u64,
    /// The run that wrote it.
    pub run: Run,
    /// The commit that the label was set for.
    pub head: String,
    /// The baselines with the hashes of what they became.
    pub baselines: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Commit {
    #[serde(rename = "commit")]
    inner: Message,
    #[serde(default)]
    author: Option<User>,
    parents: Vec<Parent>,
    #[serde(default)]
    files: Vec<File>,
}

#[derive(Deserialize)]
struct Parent {
    sha: String,
}

#[derive(Deserialize)]
struct File {
    filename: String,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "event")]
    kind: String,
    #[serde(default)]
    actor: Option<User>,
    #[serde(default)]
    label: Option<Label>,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

impl Accepted {
    /// Returns what a commit says that grants what was asked for.
    pub fn of(asked: &Asked, run: Run, baselines: Vec<(String, String)>) -> Self {
        Self {
            who: asked.who.clone(),
            pull: asked.pull,
            run,
            head: asked.head.clone(),
            baselines,
        }
    }

    /// Returns the lines at the end of the message.
    pub fn trailers(&self) -> String {
        let mut text = format!(
            "Rewind-Accepted-By: {}\nRewind-Pull-Request: {}\nRewind-Run: {}.{}\nRewind-Head: {}\n",
            self.who, self.pull, self.run.id, self.run.attempt, self.head
        );
        for (name, id) in &self.baselines {
            text.extend([format!("Rewind-Baseline: {id} {name}\n")]);
        }
        text
    }

    /// Returns what the end of a message says; `None` where it says nothing of the kind.
    pub fn parse(message: &str) -> Option<Self> {
        let last = message.trim_end().rsplit("\n\n").next()?;
        let all = |name: &str| {
            let prefix = format!("{name}: ");
            let values: Vec<&str> = last
                .lines()
                .filter_map(|line| line.strip_prefix(&prefix))
                .collect();
            values
        };
        let one = |name: &str| match all(name).as_slice() {
            [value] => Some((*value).to_owned()),
            _ => None,
        };
        let run = one("Rewind-Run")?;
        let (id, attempt) = run.split_once('.')?;
        let baselines = all("Rewind-Baseline").into_iter();
        let baselines = baselines.map(|line| {
            let (id, name) = line.split_once(' ')?;
            Some((name.to_owned(), id.to_owned()))
        });
        Some(Self {
            who: one("Rewind-Accepted-By")?,
            pull: one("Rewind-Pull-Request")?.parse().ok()?,
            run: Run {
                id: id.parse().ok()?,
                attempt: attempt.parse().ok()?,
            },
            head: one("Rewind-Head")?,
            baselines: baselines.collect::<Option<_>>()?,
        })
    }
}

/// Returns what a commit accepted; else why it can't be trusted, in words.
///
/// # Errors
/// GitHub can't be asked.
pub async fn accepted(
    api: &Api,
    commit: &str,
    me: &str,
    label: &str,
) -> Result<Result<Accepted, String>, ApiError> {
    let path = format!("/commits/{}", segment(commit));
    let known: Commit = api.get(&path, "read a commit", Needs::Contents).await?;
    let Some(said) = Accepted::parse(&known.inner.message) else {
        return Ok(Err("it is no commit that accepts baselines".to_owned()));
    };
    let is_signed = known.inner.is_signed();
    let is_mine = known.author.as_ref().is_some_and(|author| author.is(me));
    let is_on_top = matches!(known.parents.as_slice(), [parent] if parent.sha == said.head);
    let is_evidence = |file: &File| file.filename.ends_with("/accepted.json");
    let is_evidence_alone =
        known.files.len() <= said.baselines.len() && known.files.iter().all(is_evidence);
    for (holds, why) in [
        (is_signed, "GitHub did not sign it"),
        (is_mine, "its author is not the job's bot"),
        (
            is_on_top,
            "it does not stand on the commit that the label was set for",
        ),
        (is_evidence_alone, "it changes more than accepted evidence"),
    ] {
        if !holds {
            return Ok(Err(why.to_owned()));
        }
    }
    let path = format!("/issues/{}/events", said.pull);
    let events: Vec<Event> = api
        .list(&path, "read who set labels", Needs::ReadPullRequests)
        .await?;
    let is_set = events.iter().any(|event| {
        event.kind == "labeled"
            && event
                .label
                .as_ref()
                .is_some_and(|known| known.name == label)
            && event
                .actor
                .as_ref()
                .is_some_and(|actor| actor.is(&said.who))
    });
    if !is_set {
        return Ok(Err(format!(
            "{} never set the label `{label}` there",
            said.who
        )));
    }
    if !may_write(api, &said.who).await? {
        return Ok(Err(format!(
            "{} may not write to this repository",
            said.who
        )));
    }
    Ok(Ok(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_accepted_reads_back_from_the_end_of_a_message() {
        let said = Accepted {
            who: "mia".into(),
            pull: 7,
            run: Run {
                id: 500,
                attempt: 2,
            },
            head: "1".repeat(40),
            baselines: vec![
                ("refunds/late".into(), "b3:ab".into()),
                ("a".into(), "b3:cd".into()),
            ],
        };
        let message = format!("Accept\n\nRewind-Accepted-By: eve\n\n{}", said.trailers());
        assert_eq!(Accepted::parse(&message), Some(said.clone()));
        let twice = format!("{message}Rewind-Accepted-By: eve\n");
        assert_eq!(Accepted::parse(&twice), None);
        assert_eq!(Accepted::parse("Accept\n\nx"), None);
    }
}
