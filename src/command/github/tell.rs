//! `rewind github comment|check|issue`.

use std::io::Write;

use super::subject::subject;
use super::{TellOptions, api, job, untold};
use crate::command::output::written;
use crate::command::{CommandError, Context};
use crate::exit::Exit;
use crate::gate::Shown;
use crate::github::check_run::{self, Annotation, CheckRun};
use crate::github::comment::{self, When};
use crate::github::{Api, ApiError, Job, Links, Marker, Subject, address, issue as desk, pull_of};
use crate::report::{RunReport, plain_line};

/// What was typed for `comment`.
#[derive(Debug, Clone)]
pub struct CommentOptions {
    /// What it has in common with the others.
    pub tell: TellOptions,
    /// When a comment is written.
    pub when: When,
    /// The pull request; that of the event where it is not given.
    pub pull: Option<u64>,
}

/// What was typed for `check`.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    /// What it has in common with the others.
    pub tell: TellOptions,
    /// The name in the list of checks.
    pub name: String,
}

/// What was typed for `issue`.
#[derive(Debug, Clone)]
pub struct IssueOptions {
    /// What it has in common with the others.
    pub tell: TellOptions,
    /// The label of such issues.
    pub label: String,
    /// The title; by default it says whether the run is red or a baseline has drifted.
    pub title: Option<String>,
}

/// Writes the comment on the pull request of this job.
///
/// # Errors
/// Usage: this is no job on GitHub, the text can't be made.
pub async fn comment(
    options: &CommentOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let job = job(context)?;
    let teller = Teller::new(&options.tell, &job, context);
    let (subject, marker) = (teller.subject(), teller.marker("comment"));
    let draft = comment::Draft {
        body: teller.text(&subject, Some(&marker(&subject)))?,
        marker: marker(&subject),
        is_failure: subject.is_failure(),
        is_plain: subject.is_plain(),
    };
    let told = async {
        let Some(api) = teller.api()? else {
            return Ok(NO_TOKEN.to_owned());
        };
        let pull = match options.pull {
            Some(pull) => Some(pull),
            None => pull_of(&job, &api).await?,
        };
        let Some(pull) = pull else {
            return Ok(format!(
                "no comment: the event {} is about no pull request whose head is {}",
                job.event,
                job.head.as_deref().unwrap_or("known")
            ));
        };
        let me = teller.me(&api).await;
        Ok(
            match comment::tell(&api, pull, &me, &draft, options.when).await? {
                comment::Told::Written(url) => format!("comment written: {url}"),
                comment::Told::Edited(url) => format!("comment brought up to date: {url}"),
                comment::Told::Left(why) => format!("no comment: {why}"),
            },
        )
    };
    teller.end(told.await, "comment", out)
}

/// Writes the check run on the commit of this job.
///
/// # Errors
/// Usage: this is no job on GitHub, the text can't be made.
pub async fn check(
    options: &CheckOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let job = job(context)?;
    let teller = Teller::new(&options.tell, &job, context);
    let subject = teller.subject();
    let check = CheckRun {
        name: options.name.clone(),
        key: options.tell.key.clone(),
        conclusion: subject.conclusion(),
        title: plain_line(&subject.title(), 200),
        summary: teller.text(&subject, None)?,
        annotations: match &subject {
            Subject::Report(report) => annotations(report),
            Subject::Broken(_) => Vec::new(),
        },
    };
    let told = async {
        let Some(api) = teller.api()? else {
            return Ok(NO_TOKEN.to_owned());
        };
        let Some(head) = &job.head else {
            return Ok("no check run: the event names no commit".to_owned());
        };
        let url = check_run::tell(&api, &job, head, &check).await?;
        Ok(format!("check run written: {url}"))
    };
    teller.end(told.await, "check run", out)
}

/// Opens, updates or closes the issue about runs that nobody waits for.
///
/// # Errors
/// Usage: this is no job on GitHub, the text can't be made.
pub async fn issue(
    options: &IssueOptions,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    let job = job(context)?;
    let teller = Teller::new(&options.tell, &job, context);
    let (subject, marker) = (teller.subject(), teller.marker("issue"));
    let draft = desk::Draft {
        body: teller.text(&subject, Some(&marker(&subject)))?,
        marker: marker(&subject),
        title: options.title.clone().unwrap_or_else(|| {
            let is_drift = subject.has_drifted() && !subject.is_failure();
            if is_drift { DRIFTED } else { RED }.to_owned()
        }),
        label: options.label.clone(),
        is_failure: subject.is_failure() || subject.has_drifted(),
        is_pass: subject.is_pass() && !subject.has_drifted(),
        line: format!(
            "{} in [run {}]({}).\n",
            subject.title(),
            job.run.id,
            job.run_url()
        ),
    };
    let told = async {
        let Some(api) = teller.api()? else {
            return Ok(NO_TOKEN.to_owned());
        };
        let me = teller.me(&api).await;
        Ok(match desk::tell(&api, &me, &draft).await? {
            desk::Told::Opened(url) => format!("issue opened: {url}"),
            desk::Told::Updated(url) => format!("issue brought up to date: {url}"),
            desk::Told::Closed(url) => format!("issue closed: {url}"),
            desk::Told::Left(why) => format!("no issue: {why}"),
        })
    };
    teller.end(told.await, "issue", out)
}

/// What a command tells with.
struct Teller<'a> {
    options: &'a TellOptions,
    job: &'a Job,
    context: &'a Context,
    report_url: Option<String>,
}

impl<'a> Teller<'a> {
    fn new(options: &'a TellOptions, job: &'a Job, context: &'a Context) -> Self {
        Self {
            options,
            job,
            context,
            report_url: options.report_url.as_deref().and_then(address),
        }
    }

    fn subject(&self) -> Subject {
        subject(&self.options.path, self.is_foreign(), self.context)
    }

    /// Returns whether a job of the change itself wrote the report, and this one only reads it.
    fn is_foreign(&self) -> bool {
        self.job.event == "workflow_run"
    }

    fn marker(&self, kind: &'static str) -> impl Fn(&Subject) -> Marker {
        move |subject| Marker {
            kind: kind.to_owned(),
            key: self.options.key.clone(),
            run: self.job.run,
            state: subject.state(),
        }
    }

    fn text(&self, subject: &Subject, marker: Option<&Marker>) -> Result<String, CommandError> {
        let links = Links {
            report: self.report_url.as_deref(),
            is_foreign: self.is_foreign() && self.job.is_fork(),
        };
        subject
            .text(marker, self.job, &links)
            .map_err(CommandError::usage)
    }

    fn api(&self) -> Result<Option<Api>, ApiError> {
        api(self.job, self.options.max_wait, self.context)
    }

    async fn me(&self, api: &Api) -> String {
        match &self.options.author {
            Some(author) => author.clone(),
            None => api.viewer().await,
        }
    }

    /// Says what became of it, and ends as the options say.
    fn end(
        &self,
        told: Result<String, ApiError>,
        what: &str,
        out: &mut dyn Write,
    ) -> Result<Exit, CommandError> {
        let (text, exit) = match told {
            Ok(text) if text == NO_TOKEN => self.untold(NO_TOKEN),
            Ok(text) => (format!("rewind: {text}\n"), Exit::Pass),
            Err(error) => {
                let help = error.help(self.job.is_fork());
                let help = help
                    .map(|help| format!("\nhelp: {help}"))
                    .unwrap_or_default();
                self.untold(&format!("the {what} could not be written: {error}{help}"))
            }
        };
        written(out.write_all(text.as_bytes())).map(|_| exit)
    }

    fn untold(&self, what: &str) -> (String, Exit) {
        untold(what, self.job, self.options.strict, self.context)
    }
}

/// Returns the notes at the lines where baselines are defined, the worst first.
fn annotations(report: &RunReport) -> Vec<Annotation> {
    let forks = report.worst_first().into_iter();
    let notes = forks.filter_map(|fork| {
        let place = fork.place.as_ref()?;
        let row = fork.decision.verdict.row();
        let annotation_level = match row.shown {
            Shown::Pass => return None,
            Shown::Fail if fork.evidence.is_gating => "failure",
            Shown::Fail | Shown::NotMeasured => "warning",
            Shown::Look => "notice",
        };
        Some(Annotation {
            path: place.file.clone(),
            start_line: place.line,
            end_line: place.line,
            annotation_level,
            title: plain_line(&format!("{}: {}", row.shown, fork.name()), 200),
            message: plain_line(&format!("{}: {}", row.meaning, fork.decision.why), 1_000),
        })
    });
    notes.collect()
}

/// The title of the issue about a red run.
const RED: &str = "Rewind: the nightly run is red";

/// The title of the issue about a run that is not red, but whose history shows a drift.
const DRIFTED: &str = "Rewind: a baseline has drifted";

/// What is said where there is no token.
const NO_TOKEN: &str = "nothing was told on GitHub: GITHUB_TOKEN is not set; give the step `env: { GITHUB_TOKEN: \"${{ github.token }}\" }`";
