//! The commands on a store in a temporary folder.

use camino::Utf8PathBuf;
use serde_json::Value;

use super::*;
use crate::store::fixture::{self, Agent};

struct Desk {
    _keep: tempfile::TempDir,
    context: Context,
}

impl Desk {
    fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let cwd = Utf8PathBuf::from_path_buf(keep.path().to_owned()).unwrap();
        let context = Context {
            cwd,
            ..Context::default()
        };
        Self {
            _keep: keep,
            context,
        }
    }

    fn store(&self) -> Store {
        open(None, &self.context).unwrap()
    }

    /// Runs a command and returns what it printed.
    fn run(
        &self,
        command: impl FnOnce(&Context, &mut dyn Write) -> Result<Exit, CommandError>,
    ) -> Result<String, String> {
        let mut out = Vec::new();
        match command(&self.context, &mut out) {
            Ok(exit) => {
                assert_eq!(exit, Exit::Pass);
                Ok(String::from_utf8(out).unwrap())
            }
            Err(error) => Err(error.message()),
        }
    }
}

#[test]
fn the_list_shows_the_newest_session_first() {
    let desk = Desk::new();
    let empty = desk
        .run(|context, out| list(None, false, context, out))
        .unwrap();
    assert!(empty.contains("rewind record"), "{empty}");

    let mut odd = fixture::session(Agent::new(100), 1);
    odd.name = "odd\u{1b}[31m".to_owned();
    desk.store().insert(&fixture::rich()).unwrap();
    desk.store().insert(&odd).unwrap();
    let text = desk
        .run(|context, out| list(None, false, context, out))
        .unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("SESSION"), "{text}");
    assert!(
        lines[1].starts_with(&odd.id.to_string()) && lines[1].contains("odd [31m"),
        "{text}"
    );
    assert!(
        lines[2].ends_with("main, fixed, captured") && lines[2].contains("7500 + 1800"),
        "{text}"
    );

    let json = desk
        .run(|context, out| list(None, true, context, out))
        .unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[1]["name"], "research");
    assert_eq!(json[1]["is_complete"], true);
    assert_eq!(json[1]["timelines"][1]["label"], "fixed");
    assert_eq!(json[0]["timelines"][0]["steps"], 1);
}

#[test]
fn a_session_goes_out_and_comes_back_in() {
    let desk = Desk::new();
    let mut session = fixture::rich();
    session.name = "my research/2".to_owned();
    desk.store().insert(&session).unwrap();
    let said = desk
        .run(|context, out| export(None, "latest", None, context, out))
        .unwrap();
    assert!(said.contains("exported to my-research-2"), "{said}");

    let here = Utf8PathBuf::from("my-research-2");
    let said = desk
        .run(|context, out| import(None, &here, context, out))
        .unwrap();
    assert!(said.contains("is in the store already"), "{said}");
    assert_eq!(desk.store().list().unwrap().len(), 1);

    desk.store().set_name(session.id, "changed").unwrap();
    let said = desk
        .run(|context, out| import(None, &here, context, out))
        .unwrap();
    assert!(said.contains("got a new id"), "{said}");

    desk.run(|context, out| remove(None, "changed", context, out))
        .unwrap();
    let said = desk
        .run(|context, out| import(None, &here, context, out))
        .unwrap();
    assert!(said.contains("imported from my-research-2"), "{said}");
    assert_eq!(desk.store().load(session.id).unwrap(), session);
}

#[test]
fn removed_sessions_give_their_space_back() {
    let desk = Desk::new();
    desk.store()
        .insert(&fixture::session(Agent::new(20_000), 10))
        .unwrap();
    desk.run(|context, out| remove(None, "research", context, out))
        .unwrap();
    let said = desk.run(|context, out| gc(None, context, out)).unwrap();
    let kilobytes: u32 = said.split(' ').next().unwrap().parse().unwrap();
    assert!(kilobytes > 150, "{said}");
}

#[test]
fn sessions_older_than_a_span_are_listed_then_removed() {
    let desk = Desk::new();
    let session = fixture::session(Agent::new(100), 1);
    let named = |name: &str, days: i64| Session {
        id: SessionId::generate(),
        name: name.to_owned(),
        recorded_at: jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days),
        ..session.clone()
    };
    for (name, days) in [("old", 40), ("older", 400), ("new", 1)] {
        desk.store().insert(&named(name, days)).unwrap();
    }
    let month: jiff::Span = "30d".parse().unwrap();
    let dry = desk
        .run(|context, out| remove_older(None, month, true, context, out))
        .unwrap();
    assert!(dry.contains("(old) would be removed"), "{dry}");
    assert_eq!(desk.store().list().unwrap().len(), 3);
    let said = desk
        .run(|context, out| remove_older(None, month, false, context, out))
        .unwrap();
    assert!(
        said.contains("2 of 3 sessions older than 30d; 1 kept"),
        "{said}"
    );
    let left = desk.store().list().unwrap();
    assert_eq!(left[0].name, "new");
    assert_eq!(left.len(), 1);
}

#[test]
fn names_can_be_changed() {
    let desk = Desk::new();
    let session = fixture::session(Agent::new(100), 1);
    desk.store().insert(&session).unwrap();
    desk.run(|context, out| rename(None, "research", "tokyo", context, out))
        .unwrap();
    assert_eq!(desk.store().resolve("tokyo").unwrap(), session.id);
    let error = desk
        .run(|context, out| rename(None, "tokyo", " ", context, out))
        .unwrap_err();
    assert!(error.contains("not empty"), "{error}");
    let error = desk
        .run(|context, out| export(None, "tokio", None, context, out))
        .unwrap_err();
    assert!(error.contains("did you mean `tokyo`"), "{error}");
}
