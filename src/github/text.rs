//! What is told: a run, or that there was none.

use serde::Serialize;

use super::job::Job;
use super::marker::Marker;
use crate::gate::{Shown, Verdict};
use crate::history::{Direction, Past};
use crate::model::ContentId;
use crate::report::{MarkdownError, RunReport, markdown, markdown_code};

/// What is told.
#[derive(Debug, Clone)]
pub enum Subject {
    /// The result of a run.
    Report(Box<RunReport>),
    /// The gate broke: there is no result that can be used.
    Broken(Broken),
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The reason, in words.
    pub why: String,
}

/// What stands below a report.
#[derive(Debug, Clone, Default)]
pub struct Links<'a> {
    /// The page of the whole report.
    pub report: Option<&'a str>,
    /// Whether code of the change itself wrote the report.
    pub is_foreign: bool,
}

/// The conclusion of a check run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// It is good.
    Success,
    /// It is bad.
    Failure,
    /// It says nothing, and holds nobody up.
    Neutral,
    /// Somebody has to do something.
    ActionRequired,
}

impl Subject {
    /// Returns the run in numbers, such as `FAIL · 1 broken, 2 stable`.
    pub fn title(&self) -> String {
        match self {
            Self::Report(report) => format!("{} · {}", report.verdict, report.summary()),
            Self::Broken(_) => "NOT MEASURED · the gate broke".to_owned(),
        }
    }

    /// Returns whether the run ends red.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Report(report) => report.exit != 0,
            Self::Broken(_) => true,
        }
    }

    /// Returns whether something has drifted for the worse, as the history tells.
    pub fn has_drifted(&self) -> bool {
        let is_worse = |past: &Past| {
            let mut drift = past.drift.iter();
            drift.any(|shift| shift.direction == Direction::Lower)
        };
        match self {
            Self::Report(report) => report.history.iter().any(is_worse),
            Self::Broken(_) => false,
        }
    }

    /// Returns whether everything is as it was.
    pub fn is_plain(&self) -> bool {
        let is_plain = |verdict: Verdict| matches!(verdict, Verdict::Unaffected | Verdict::Stable);
        match self {
            Self::Report(report) => report
                .forks
                .iter()
                .all(|fork| is_plain(fork.decision.verdict)),
            Self::Broken(_) => false,
        }
    }

    /// Returns whether the run is good, so that an issue about it can be closed.
    pub fn is_pass(&self) -> bool {
        match self {
            Self::Report(report) => report.verdict == Shown::Pass,
            Self::Broken(_) => false,
        }
    }

    /// Returns the conclusion of its check run: an advisory gate never holds anybody up.
    pub fn conclusion(&self) -> Conclusion {
        match self {
            Self::Broken(_) => Conclusion::ActionRequired,
            Self::Report(report) => match (report.verdict, report.exit) {
                (Shown::Pass, _) => Conclusion::Success,
                (Shown::Look, _) | (Shown::Fail | Shown::NotMeasured, 0) => Conclusion::Neutral,
                (Shown::Fail, _) => Conclusion::Failure,
                (Shown::NotMeasured, _) => Conclusion::ActionRequired,
            },
        }
    }

    /// Returns the hash of what is said, without numbers that change from run to run.
    pub fn state(&self) -> String {
        let mut parts = Vec::new();
        match self {
            Self::Report(report) => {
                parts.push(format!("{} {}", report.verdict.as_str(), report.exit));
                let forks = report.forks.iter();
                parts
                    .extend(forks.map(|fork| format!("{} {}", fork.name(), fork.decision.verdict)));
                for past in &report.history {
                    let drift = past.drift.iter();
                    parts.extend(drift.map(|shift| {
                        format!("{}@{} {} drifted", past.baseline, shift.fork, shift.measure)
                    }));
                }
            }
            Self::Broken(broken) => parts.push(broken.why.clone()),
        }
        ContentId::of_parts(parts.iter().map(String::as_bytes)).short()
    }

    /// Returns what is told as Markdown, below a marker where there is one: what was found, then where from.
    ///
    /// # Errors
    /// The template can't be filled, which would be a fault of this program.
    pub fn text(
        &self,
        marker: Option<&Marker>,
        job: &Job,
        links: &Links<'_>,
    ) -> Result<String, MarkdownError> {
        let said = match self {
            Self::Report(report) => markdown(report)?,
            Self::Broken(broken) => format!(
                "## Rewind: {}\n\n> [!WARNING]\n> {}\n\nNothing was found out about this change. The log of the run says more.\n",
                self.title(),
                markdown_code(&broken.why)
            ),
        };
        let marker = marker
            .map(|marker| format!("{marker}\n"))
            .unwrap_or_default();
        let warning = if links.is_foreign { FOREIGN } else { "" };
        Ok(format!(
            "{marker}{}\n{warning}\n{}\n",
            said.trim_end(),
            foot(job, links)
        ))
    }
}

/// What stands below a report that a fork's own job wrote.
const FOREIGN: &str = "\nThis was measured by a job without secrets that ran the code of the change, so it is the word of the change.\n";

/// Returns where a report comes from. Everything in it is a number, a hash, or an address of our own.
fn foot(job: &Job, links: &Links<'_>) -> String {
    let mut parts = Vec::new();
    if job.run.id > 0 {
        let attempt = match job.run.attempt {
            0 | 1 => String::new(),
            attempt => format!(", attempt {attempt}"),
        };
        parts.push(format!("[run {}{attempt}]({})", job.run.id, job.run_url()));
    }
    if let Some(head) = &job.head {
        let short: String = head.chars().take(12).collect();
        parts.push(format!("head [`{short}`]({})", job.commit_url(head)));
    }
    if let Some(url) = links.report {
        parts.push(format!("[whole report]({url})"));
    }
    format!("<sub>{}</sub>", parts.join(" · "))
}

/// Returns an address that can stand in Markdown; `None` where the text is none.
pub fn address(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok().filter(url::Url::has_host)?;
    let is_web = matches!(url.scheme(), "https" | "http");
    let text = url.to_string().replace('(', "%28").replace(')', "%29");
    is_web.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stays_within_its_brackets() {
        assert_eq!(
            address("https://x.example/a)b <c>").as_deref(),
            Some("https://x.example/a%29b%20%3Cc%3E")
        );
        for bad in ["javascript:alert(1)", "data:text/html,x", "x", ""] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
