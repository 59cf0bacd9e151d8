//! Markdown: the comment on a pull request and the summary of a job.
//!
//! Everything that agents or models wrote stands in code that it can't close; names and sentences
//! can't mention people, link or load anything. The text never exceeds [`MAX_BYTES`]: the least
//! important sections go first.

mod page;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::escape;
use super::run_report::RunReport;
pub(super) use page::{Detail, Page, page};

/// The size that the text never exceeds; GitHub takes 65,536 characters.
pub const MAX_BYTES: usize = 60_000;

/// A report that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the Markdown template could not be filled")]
pub struct MarkdownError(#[from] minijinja::Error);

/// Returns a text as a block of code that it can't close.
pub fn markdown_block(text: &str) -> String {
    escape::block(text, "")
}

/// Returns the run as Markdown.
///
/// # Errors
/// The template can't be filled, which would be a fault of this program.
pub fn markdown(report: &RunReport) -> Result<String, MarkdownError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_name| AutoEscape::None);
    environment.add_filter("md", |text: String| escape::markdown(&text));
    environment.add_filter("code", |text: String| escape::code(&text));
    environment.add_filter("cell", |text: String| escape::cell(&text));
    environment.add_filter("block", |text: String| escape::block(&text, ""));
    environment.add_filter("indented", |text: String| {
        text.lines()
            .map(|line| format!("  {line}"))
            .collect::<Vec<_>>()
            .join("\n")
    });
    environment.add_template("report.md", include_str!("../templates/report.md.jinja"))?;
    let template = environment.get_template("report.md")?;
    for detail in DETAILS {
        let text = template.render(Serde(&page(report, detail)))?;
        if text.len() <= MAX_BYTES {
            return Ok(text);
        }
    }
    // Names of forks are not limited where they are made; a shorter page than the last there is not.
    let word = report.verdict;
    Ok(format!(
        "<!-- rewind:gate -->\n## Rewind: {word}\n\nThe report is too long to be shown here; see `report.html`.\n"
    ))
}

/// From everything to next to nothing; the first that fits is taken.
const DETAILS: [Detail; 7] = [
    detail(usize::MAX, 10, true, 1_500),
    detail(100, 5, true, 600),
    detail(100, 3, false, 600),
    detail(100, 2, false, 200),
    detail(50, 0, false, 0),
    detail(10, 0, false, 0),
    detail(0, 0, false, 0),
];

const fn detail(rows: usize, findings: usize, all: bool, values: usize) -> Detail {
    Detail {
        rows,
        findings,
        all,
        values,
    }
}

#[cfg(test)]
mod tests {
    use super::super::run_report::{Content, ForkReport};
    use super::super::testing::report;
    use super::*;
    use crate::gate::Policy;

    #[test]
    fn the_comment_says_the_worst_first() {
        insta::assert_snapshot!(markdown(&report(Content::None)).unwrap());
    }

    #[test]
    fn content_stands_in_code_that_it_cannot_close() {
        let text = markdown(&report(Content::Full)).unwrap();
        insta::assert_snapshot!(text);
        let mut fence: Option<String> = None;
        for line in text.lines().map(str::trim) {
            let ticks: String = line.chars().take_while(|c| *c == '`').collect();
            match &fence {
                None if ticks.len() >= 3 && ticks == line => fence = Some(ticks),
                Some(open) if ticks == *open && ticks == line => fence = None,
                None => assert!(!line.contains("@everyone"), "{line}"),
                Some(_) => {}
            }
        }
        assert_eq!(fence, None);
    }

    #[test]
    fn a_huge_report_fits_and_says_what_is_left_out() {
        let one = report(Content::Full);
        let forks: Vec<ForkReport> = (0..400)
            .flat_map(|number| {
                one.forks.iter().cloned().map(move |mut fork| {
                    fork.evidence.baseline = format!("{}-{number}", fork.evidence.baseline);
                    fork
                })
            })
            .collect();
        let huge = RunReport::new(forks, Policy::default(), Content::Full);
        let text = markdown(&huge).unwrap();
        assert!(text.len() <= MAX_BYTES, "{}", text.len());
        assert!(text.contains("FAIL"));
        assert!(text.contains("more in `rewind-report.json`"));
    }

    #[test]
    fn of_a_thousand_baselines_the_worst_stand_first() {
        let one = report(Content::Full);
        let fork = |was: &str, at: &str, name: String| {
            let fits =
                |fork: &&ForkReport| fork.evidence.baseline == was && fork.evidence.fork == at;
            let mut fork = one.forks.iter().find(fits).unwrap().clone();
            fork.evidence.baseline = name;
            fork
        };
        let mut forks: Vec<ForkReport> = (0..499)
            .map(|number| fork("currency", "last", format!("asks-{number:03}")))
            .collect();
        forks.extend((0..499).map(|number| fork("tokyo", "auto", format!("good-{number:03}"))));
        forks.push(fork("currency", "auto", "x-unmeasured".into()));
        forks.push(fork("broken|copy", "auto", "z-violated".into()));
        let text = markdown(&RunReport::new(forks, Policy::default(), Content::Full)).unwrap();
        assert!(text.len() <= MAX_BYTES, "{}", text.len());
        let at = |name: &str| {
            text.find(name)
                .unwrap_or_else(|| panic!("no {name} in {text}"))
        };
        assert!(at("z-violated") < at("x-unmeasured"), "{text}");
        assert!(at("x-unmeasured") < at("asks-000"), "{text}");
        assert!(at("asks-000") < text.find("good-").unwrap_or(text.len()));
        assert!(at("1 violated") < at("z-violated"), "{text}");
        assert!(text.contains("more in `rewind-report.json`"), "{text}");
    }

    #[test]
    fn nothing_that_is_long_makes_the_comment_too_long() {
        let long = "`x` @y <z> | ".repeat(20_000);
        let changes: [fn(&mut RunReport, &str); 6] = [
            |report, long| report.forks[0].evidence.baseline = long.to_owned(),
            |report, long| report.forks[0].decision.why = long.to_owned(),
            |report, long| report.forks[0].agent_log = long.to_owned(),
            |report, long| report.notes = vec![long.to_owned(); 50],
            |report, long| {
                report.forks[0].evidence.samples[0].replay.divergences[0].remedy = long.to_owned();
            },
            |report, long| {
                let drift = |number| crate::model::Drift::Tool {
                    name: format!("{number}{long}"),
                };
                report.forks[2].evidence.samples[0].replay.drift = (0..50).map(drift).collect();
            },
        ];
        for change in changes {
            let mut report = report(Content::Full);
            change(&mut report, &long);
            let text = markdown(&report).unwrap();
            assert!(text.len() <= MAX_BYTES, "{}", text.len());
            assert!(text.contains("## Rewind: FAIL"));
        }
    }
}
