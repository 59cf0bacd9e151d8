//! What a job on GitHub shows of a run: the table in the log, and an annotation at each baseline that
//! does not pass.
//!
//! Source of the commands and their escapes:
//! <https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>.

use super::escape::plain;
use super::run_report::{ForkReport, RunReport};
use super::terminal::{self, Style};
use super::units::excerpt;
use crate::gate::Shown;

/// Returns the run for the log of a job: the table in a group, then the annotations.
pub fn github(report: &RunReport) -> String {
    let mut table = Vec::new();
    // A vector takes everything.
    drop(terminal::gate(report, Style::Plain, &mut table));
    let table = super::escape::log(&String::from_utf8_lossy(&table));
    let title = format!("rewind gate: {} · {}", report.verdict, report.summary());
    let annotations = annotations(report);
    let worst = match report.worst() {
        // A group is folded up, and this should be seen.
        Some(fork) if report.verdict != Shown::Pass => {
            let sentence = format!("{}: {}: {}", report.verdict, fork.name(), fork.decision.why);
            format!(
                "{}\n",
                super::escape::log(&excerpt(&sentence, MESSAGE_CHARS))
            )
        }
        Some(_) | None => String::new(),
    };
    format!(
        "::group::{}\n{table}::endgroup::\n{worst}{annotations}",
        data(&title)
    )
}

/// Returns the annotations alone, worst first; GitHub shows ten of a kind.
pub fn annotations(report: &RunReport) -> String {
    let forks = report.worst_first();
    let mut lines = String::new();
    for fork in forks {
        if let Some(line) = annotation(fork) {
            lines.push_str(&line);
            lines.push('\n');
        }
    }
    lines
}

fn annotation(fork: &ForkReport) -> Option<String> {
    let verdict = fork.decision.verdict;
    let command = match verdict.row().shown {
        Shown::Pass => return None,
        Shown::Fail if fork.evidence.is_gating => "error",
        Shown::Fail | Shown::NotMeasured => "warning",
        Shown::Look => "notice",
    };
    let mut properties = Vec::new();
    if let Some(place) = &fork.place {
        properties.push(format!("file={}", property(&place.file)));
        properties.push(format!("line={}", place.line));
    }
    let title = format!("{}: {}", verdict.row().shown, fork.name());
    properties.push(format!("title={}", property(&title)));
    let message = excerpt(
        &plain(&format!("{}: {}", verdict.row().meaning, fork.decision.why)),
        MESSAGE_CHARS,
    );
    Some(format!(
        "::{command} {}::{}",
        properties.join(","),
        data(&message)
    ))
}

/// Returns a line that the runner shows as an annotation: `notice`, `warning` or `error`.
pub fn annotation_line(level: &str, title: &str, message: &str) -> String {
    format!("::{level} title={}::{}\n", property(title), data(message))
}

/// Returns a text on one line, harmless and not longer than this.
pub fn plain_line(text: &str, chars: usize) -> String {
    excerpt(&super::escape::one_line(text), chars)
}

/// Returns a text as the data of a command.
fn data(text: &str) -> String {
    plain(text)
        .replace("##[", "# #[")
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Returns a text as the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// How long the message of an annotation may be.
const MESSAGE_CHARS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::super::circumstances::Place;
    use super::super::run_report::Content;
    use super::super::testing::report;
    use super::*;

    #[test]
    fn what_does_not_pass_is_annotated_worst_first() {
        let mut report = report(Content::Full);
        report.forks[0].place = Some(Place {
            file: "baselines/a,b:c%/baseline.toml".to_owned(),
            line: 12,
        });
        let lines = annotations(&report);
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(
            lines[0],
            "::error file=baselines/a%2Cb%3Ac%25/baseline.toml,line=12,title=FAIL%3A broken|copy@auto\
             ::did what may never happen: forbidden tool `delete_all_files` was called (step 4)"
        );
        let commands: Vec<&str> = lines
            .iter()
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        assert_eq!(commands, ["::error", "::warning", "::warning", "::notice"]);
    }

    #[test]
    fn nothing_that_was_written_elsewhere_is_a_command() {
        let mut report = report(Content::Full);
        for fork in &mut report.forks {
            fork.evidence.baseline = "x\n::error::y\r::set-output name=a::b".to_owned();
            fork.decision.why = "z\n::add-mask::FAIL ##[command]".to_owned();
            fork.agent_log = "::stop-commands::x\n##[group]a".to_owned();
        }
        let text = github(&report);
        for line in text
            .lines()
            .filter(|line| line.trim_start().starts_with("::"))
        {
            let command = line
                .trim_start_matches(':')
                .split([' ', ':'])
                .next()
                .unwrap();
            assert!(
                ["group", "endgroup", "error", "warning", "notice"].contains(&command),
                "{line}"
            );
        }
        assert!(!text.contains("##["), "{text}");
        let errors = text
            .lines()
            .filter(|line| line.starts_with("::error "))
            .count();
        assert_eq!(errors, 1);
    }
}
