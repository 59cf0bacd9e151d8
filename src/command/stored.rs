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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::command::diff::{self, DiffOptions};
    use crate::command::share::{self, ShareOptions};
    use crate::command::show::{self, ShowOptions};
    use crate::lineage::testing::{self, Talk, fork, research};
    use crate::model::Rung;

    /// A store with one session of two timelines, in a directory of its own.
    fn store() -> (tempfile::TempDir, Context) {
        let dir = tempfile::tempdir().unwrap();
        let cwd = Utf8Path::from_path(dir.path()).unwrap().to_owned();
        let main = testing::timeline("main", vec![research()]);
        let talk = Talk::new("a researcher", "population of Tokyo?")
            .served_from(1, Rung::Exact)
            .uses(
                "web_search",
                serde_json::json!({"q": "Tokyo population", "max": 5}),
                "14 million",
            )
            .live()
            .says("About 14 million.");
        let fixed = fork("fixed", &main, "3", vec![talk]);
        let session = testing::session("research", vec![main, fixed]);
        Store::open(&cwd.join(".rewind"))
            .unwrap()
            .insert(&session)
            .unwrap();
        (
            dir,
            Context {
                cwd,
                ..Context::default()
            },
        )
    }

    fn text(run: impl FnOnce(&mut Vec<u8>) -> Result<crate::exit::Exit, CommandError>) -> String {
        let mut out = Vec::new();
        run(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn show_finds_the_session_and_prints_its_tree_a_step_or_json() {
        let (_dir, context) = store();
        let options = ShowOptions {
            session: "latest".into(),
            ..ShowOptions::default()
        };
        let tree = text(|out| show::run(&options, &context, out));
        assert!(tree.contains("session research"), "{tree}");
        assert!(tree.contains("savings over 1 attempt"), "{tree}");
        let step = ShowOptions {
            step: Some(2),
            ..options.clone()
        };
        assert!(text(|out| show::run(&step, &context, out)).contains("14 million"));
        let json = ShowOptions {
            json: true,
            timeline: Some("fixed".into()),
            ..options.clone()
        };
        let value: Value =
            serde_json::from_str(&text(|out| show::run(&json, &context, out))).unwrap();
        assert_eq!(value["timelines"][0]["label"], "fixed");
        let missing = ShowOptions {
            step: Some(99),
            ..options
        };
        let error = show::run(&missing, &context, &mut Vec::new()).unwrap_err();
        assert_eq!(error.message(), "timeline `main` has no step 99");
        assert_eq!(error.help.as_deref(), Some("its steps are 1 to 5"));
    }

    #[test]
    fn diff_compares_with_the_newest_fork_where_none_is_named() {
        let (_dir, context) = store();
        let options = DiffOptions {
            session: "research".into(),
            left: "main".into(),
            ..DiffOptions::default()
        };
        let shown = text(|out| diff::run(&options, &context, out));
        assert!(shown.starts_with("main → fixed: "), "{shown}");
        let json = DiffOptions {
            json: true,
            ..options.clone()
        };
        let value: Value =
            serde_json::from_str(&text(|out| diff::run(&json, &context, out))).unwrap();
        assert_eq!(value["is_equal"], false);
        let unknown = DiffOptions {
            right: Some("nope".into()),
            ..options
        };
        let error = diff::run(&unknown, &context, &mut Vec::new()).unwrap_err();
        assert_eq!(error.help.as_deref(), Some("its timelines are main, fixed"));
    }

    #[test]
    fn share_writes_one_file() {
        let (_dir, context) = store();
        let options = ShareOptions {
            session: "latest".into(),
            include_content: true,
            output: "debug.html".into(),
            ..ShareOptions::default()
        };
        let shown = text(|out| share::run(&options, &context, out));
        assert!(
            shown.starts_with("wrote debug.html: 2 timelines, "),
            "{shown}"
        );
        let page = std::fs::read_to_string(context.cwd.join("debug.html")).unwrap();
        assert!(page.contains("About 14 million."));
        let nowhere = ShareOptions {
            output: "no/such/dir.html".into(),
            ..options
        };
        assert!(share::run(&nowhere, &context, &mut Vec::new()).is_err());
    }
}
