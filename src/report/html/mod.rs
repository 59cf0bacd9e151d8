//! Runs and sessions as one self-contained HTML file each, of one set of templates.
//!
//! The file loads nothing: its policy lets only the style sheet and the script in it apply, by their hashes. All that
//! people need stands in the markup, escaped by the template engine; the script adds comfort, and reads the data that
//! the file holds beside the markup. What agents and models wrote stands in it as far as the traces hold it.

mod checks;
mod data;
mod intervals;
mod judged;
mod rows;
mod run;
mod session;
mod shared;
mod talk;
mod trend;

use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{
    AutoEscape, Environment, Error, Output, State, UndefinedBehavior, escape_formatter,
};
use serde::Serialize;

use super::run_report::{ReportError, RunReport};
use super::trace::Traces;
use crate::report::escape::plain;
use data::{Data, source, unpack};

pub use run::run_page;
pub use session::{session_page, session_traces};

/// A page that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTML template could not be filled")]
pub struct HtmlError(#[from] Error);

/// What every page has.
#[derive(Serialize)]
struct Document<P> {
    title: String,
    script_source: String,
    style_source: String,
    generator: String,
    data: Vec<Data>,
    page: P,
}

/// Returns the text of a page.
fn fill<P: Serialize>(
    template: &str,
    title: String,
    generator: String,
    data: Vec<Data>,
    page: P,
) -> Result<String, HtmlError> {
    let document = Document {
        title,
        script_source: source(SCRIPT),
        style_source: source(STYLE),
        generator,
        data,
        page,
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_name| AutoEscape::Html);
    environment.set_formatter(format);
    environment.add_filter("ticks", |text: String| {
        text.split('`').map(str::to_owned).collect::<Vec<_>>()
    });
    environment.add_filter("spaced", |name: String| name.replace('_', " "));
    for (name, text) in TEMPLATES {
        environment.add_template(name, text)?;
    }
    // They are our own, and stand in the page byte for byte, as their hashes need it.
    for (name, text) in [("style.css", STYLE), ("page.js", SCRIPT)] {
        let text = format!("{{% raw %}}{text}{{% endraw %}}");
        environment.add_template_owned(name, text)?;
    }
    Ok(environment
        .get_template(template)?
        .render(Serde(&document))?)
}

/// Writes a value: escaped, and without characters that steer the direction of writing or anything else.
fn format(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if value.kind() == ValueKind::String && !value.is_safe() => {
            escape_formatter(out, state, &Value::from(plain(text)))
        }
        Some(_) | None => escape_formatter(out, state, value),
    }
}

/// Returns the result of the run that a page shows; `None` where the text is no page of a run.
///
/// # Errors
/// What it holds is no result, or one of a newer version.
pub fn receipt(page: &str) -> Option<Result<RunReport, ReportError>> {
    unpack(page, RECEIPT).map(|json| RunReport::parse(&json))
}

/// Returns the traces that a page shows.
pub fn traces(page: &str) -> Option<Traces> {
    Traces::parse(&unpack(page, TRACES)?).ok()
}

/// The ids of what a page holds as data.
const RECEIPT: &str = "receipt";
const TRACES: &str = "traces";

/// How many bytes of what was said stand in the markup of a page; the rest is in its data.
const ROOM: usize = 500_000;

const STYLE: &str = include_str!("assets/style.css");
const SCRIPT: &str = concat!(
    include_str!("assets/inflate.js"),
    include_str!("assets/lanes.js"),
    include_str!("assets/page.js")
);

const TEMPLATES: [(&str, &str); 7] = [
    ("page.html", include_str!("../templates/page.html.jinja")),
    ("parts.html", include_str!("../templates/parts.html.jinja")),
    (
        "checks.html",
        include_str!("../templates/checks.html.jinja"),
    ),
    ("trend.html", include_str!("../templates/trend.html.jinja")),
    ("trace.html", include_str!("../templates/trace.html.jinja")),
    ("run.html", include_str!("../templates/run.html.jinja")),
    (
        "session.html",
        include_str!("../templates/session.html.jinja"),
    ),
];

#[cfg(test)]
mod tests;
