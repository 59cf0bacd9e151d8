//! The grammar of the commands that show reports, and of what chooses their content.

use camino::Utf8PathBuf;
use clap::{Args as ClapArgs, ValueEnum};

/// Reads an amount of dollars.
pub(super) fn dollars(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(dollars) if (0.0..=1_000_000.0).contains(&dollars) => Ok(dollars),
        Ok(_) | Err(_) => Err("write an amount of dollars, such as 2.50".to_owned()),
    }
}

/// Which baselines run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Only {
    /// Those that failed or were not measured
    Failed,
}

/// How much a gate run covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Profile {
    /// What a pull request needs: the forks of each baseline, kept answers where there are some
    Pr,
    /// Everything, and anew: nightly forks too, whatever changed since --changed-since, no kept answers
    Nightly,
}

/// How much of what agents and models wrote stands in the reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Content {
    /// Names, numbers and places only
    None,
    /// The beginnings of the values that a failure names
    Excerpt,
    /// The values that a failure names
    Full,
}

/// A form that a run is shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// The table that the gate prints
    Terminal,
    /// The comment on a pull request
    Markdown,
    /// `JUnit` XML
    Junit,
    /// rewind-report.json
    Json,
    /// One page without network and script
    Html,
    /// The log of a GitHub job, with annotations
    Github,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Report {
    /// Report, or the folder that holds it
    #[arg(default_value = "rewind-report")]
    pub(super) path: Utf8PathBuf,
    /// What to make of it
    #[arg(long, value_enum, default_value = "terminal")]
    pub(super) format: Format,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<Utf8PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Merge {
    /// Reports, or folders that hold them
    #[arg(required = true, value_name = "DIR")]
    pub(super) paths: Vec<Utf8PathBuf>,
    /// Directory for the merged reports
    #[arg(short, long, value_name = "DIR", default_value = "rewind-report")]
    pub(super) output: Utf8PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Verify {
    /// Report, or the folder that holds it
    #[arg(default_value = "rewind-report")]
    pub(super) path: Utf8PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(super) struct SelfTest {
    /// Directory of the baselines [default: `[gate] baselines`, else baselines]
    #[arg(long, value_name = "DIR")]
    pub(super) baselines: Option<Utf8PathBuf>,
    /// Exit 1 where a smaller share of the decided regressions is caught, such as 0.9
    #[arg(long, value_name = "SHARE")]
    pub(super) min: Option<f64>,
    /// Let the configured judge say what it thinks of worse answers
    #[arg(long)]
    pub(super) live: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Share {
    /// `latest`, an id, the beginning of an id, or a name
    #[arg(default_value = "latest")]
    pub(super) session: String,
    /// Put prompts, answers and tool content into the file
    #[arg(long)]
    pub(super) include_content: bool,
    /// Write the file although it would hold what looks like secrets
    #[arg(long)]
    pub(super) allow_secrets: bool,
    /// File to write
    #[arg(short, long, value_name = "FILE", default_value = "rewind.html")]
    pub(super) output: Utf8PathBuf,
}
