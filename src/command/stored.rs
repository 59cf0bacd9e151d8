//! Finds sessions and timelines by what people type.

use camino::Utf8Path;

use super::{CommandError, Context, store_dir};
use crate::model::{Session, Timeline};
use crate::report::terminal::Style;
use crate::store::Store;

/// Returns the session that `asked` means: `latest`, an id or its beginning, or a name.
///
/// # Errors
/// Usage: there is no store or no such session.
pub(super) fn session(
    store: Option<&Utf8Path>,
    asked: &str,
    context: &Context,
) -> Result<Session, CommandError> {
    let store = Store::open(&store_dir(store, context)).map_err(CommandError::usage)?;
    let id = store.resolve(asked).map_err(CommandError::usage)?;
    store.load(id).map_err(CommandError::usage)
}

/// Returns the timeline with this label.
///
/// # Errors
/// Usage: there is none; the help names those that there are.
pub(super) fn timeline<'a>(
    session: &'a Session,
    label: &str,
) -> Result<&'a Timeline, CommandError> {
    session.timeline(label).ok_or_else(|| {
        let labels: Vec<&str> = session
            .timelines
            .iter()
            .map(|timeline| timeline.label.as_str())
            .collect();
        CommandError::usage(format!(
            "session `{}` has no timeline `{label}`",
            session.name
        ))
        .help(format!("its timelines are {}", labels.join(", ")))
    })
}

/// Returns whether output is coloured: on a terminal, or where `CLICOLOR_FORCE` asks for it, and never
/// where `NO_COLOR` is set.
pub(super) fn style(context: &Context) -> Style {
    let is_forced = context
        .var("CLICOLOR_FORCE")
        .is_some_and(|value| value != "0");
    if context.var("NO_COLOR").is_none() && (context.stdout_is_terminal || is_forced) {
        Style::Colour
    } else {
        Style::Plain
    }
}
