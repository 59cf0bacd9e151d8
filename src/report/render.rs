//! A run in each format that it is shown in.

use super::html::{self, HtmlError};
use super::run_report::RunReport;
use super::terminal::{self, Style};
use super::trace::Traces;
use super::{JunitError, MarkdownError, github, junit, markdown};

/// A form that a run is shown in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// The table, in colour.
    Terminal,
    /// The comment and the job summary.
    Markdown,
    /// JUnit XML.
    Junit,
    /// The result itself.
    Json,
    /// One page.
    Html,
    /// The log of a GitHub job with annotations.
    Github,
}

/// A form that a run could not be brought into.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The Markdown could not be made.
    #[error(transparent)]
    Markdown(#[from] MarkdownError),
    /// The JUnit file could not be made.
    #[error(transparent)]
    Junit(#[from] JunitError),
    /// The page could not be made.
    #[error(transparent)]
    Page(#[from] HtmlError),
}

impl Format {
    /// The forms that a run writes into its folder, with their file names.
    pub const FILES: [(Self, &'static str); 4] = [
        (Self::Json, "rewind-report.json"),
        (Self::Junit, "junit.xml"),
        (Self::Markdown, "report.md"),
        (Self::Html, "report.html"),
    ];

    /// Returns the run in this form; the same report and traces give the same text. Only the page shows traces.
    ///
    /// # Errors
    /// A template can't be filled, which would be a fault of this program.
    pub fn render(self, report: &RunReport, traces: &Traces) -> Result<String, RenderError> {
        Ok(match self {
            Self::Terminal => {
                let mut out = Vec::new();
                // A vector takes everything.
                drop(terminal::gate(report, Style::Colour, &mut out));
                String::from_utf8_lossy(&out).into_owned()
            }
            Self::Markdown => markdown(report)?,
            Self::Junit => junit(report)?,
            Self::Json => report.to_json(),
            Self::Html => html::run_page(report, traces)?,
            Self::Github => github(report),
        })
    }
}
