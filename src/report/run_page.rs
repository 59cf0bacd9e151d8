//! A run as one self-contained HTML file: no network, no script, everything escaped.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::markdown::{Detail, Page, page};
use super::run_report::RunReport;

/// A page that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTML template of a run could not be filled")]
pub struct RunPageError(#[from] minijinja::Error);

/// Returns the page of a run.
///
/// # Errors
/// The template can't be filled, which would be a fault of this program.
pub fn run_page(report: &RunReport) -> Result<String, RunPageError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_name| AutoEscape::Html);
    environment.add_filter("plain", |text: String| super::escape::plain(&text));
    environment.add_template("run.html", include_str!("templates/run.html.jinja"))?;
    let page: Page = page(report, EVERYTHING);
    Ok(environment.get_template("run.html")?.render(Serde(&page))?)
}

/// A page has room for everything.
const EVERYTHING: Detail = Detail {
    rows: usize::MAX,
    findings: usize::MAX,
    all: true,
    values: usize::MAX,
};

#[cfg(test)]
mod tests {
    use super::super::run_report::Content;
    use super::super::testing::{HOSTILE, report};
    use super::*;

    #[test]
    fn the_page_loads_nothing_and_holds_no_markup_of_strangers() {
        let mut report = report(Content::Full);
        report.forks[0].agent_log = HOSTILE.to_owned();
        report.forks[1].decision.why = "<img src=x onerror=alert(1)>\" '".to_owned();
        let page = run_page(&report).unwrap();
        for forbidden in [
            "<script", "<img", "<link", "src=\"", "http:", "https:", "@import", "url(",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains("default-src 'none'"));
        assert!(page.contains("&lt;img src=x"));
        assert!(page.contains("&lt;script&gt;"));
        assert!(!page.contains('\u{1b}'));
    }

    #[test]
    fn the_worst_stands_first_and_open() {
        let page = run_page(&report(Content::None)).unwrap();
        let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}"));
        assert!(place(">FAIL<") < place("did what may never happen"));
        assert!(place("<details open>") < place("❌ Failed"));
        assert!(place("❌ Failed") < place("🚫 Not measured"));
        assert!(place("rewind gate --filter") > 0);
    }
}
