//! Session folders on disk.

use std::collections::BTreeMap;
use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::*;
use crate::model::{Session, SessionId, Source, StepIndex, StepKind};
use crate::store::fixture::{self, Agent};

struct Place {
    _keep: tempfile::TempDir,
    root: Utf8PathBuf,
}

impl Place {
    fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(keep.path().to_owned()).unwrap();
        Self { _keep: keep, root }
    }

    fn write(&self, name: &str, session: &Session) -> Utf8PathBuf {
        let dir = self.root.join(name);
        write_session(session, &dir).unwrap();
        dir
    }
}

/// Returns all files under `dir` with their bytes.
fn files(dir: &Utf8Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in dir.read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            for (name, bytes) in files(entry.path()) {
                found.insert(format!("{}/{name}", entry.file_name()), bytes);
            }
        } else {
            found.insert(
                entry.file_name().to_owned(),
                fs::read(entry.path()).unwrap(),
            );
        }
    }
    found
}

fn error_of(dir: &Utf8Path) -> String {
    read_session(dir).unwrap_err().to_string()
}

/// Replaces a text in a file, which must hold it.
fn edit(dir: &Utf8Path, name: &str, from: &str, to: &str) {
    let path = dir.join(name);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{name} has no `{from}`:\n{text}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn what_is_read_is_what_was_written() {
    let place = Place::new();
    for mut session in [
        fixture::rich(),
        fixture::session(Agent::new(800).streaming(), 5),
        fixture::session(Agent::new(0), 1),
    ] {
        session.source = Source::Imported("langfuse".to_owned());
        let dir = place.write("session", &session);
        assert_eq!(read_session(&dir).unwrap(), session);
        let again = place.write("again", &read_session(&dir).unwrap());
        assert_eq!(files(&again), files(&dir));
    }
}

#[test]
fn odd_texts_survive() {
    let place = Place::new();
    for text in [
        "",
        "\n",
        "a\r\nb\rc\n",
        "\u{0}\u{7f}\u{85}\u{2028}\u{feff}",
        "'''\"\"\"\\",
        "  leading\n\ttab \n\n",
        "{\"$blob\": 1}",
    ] {
        let mut session = fixture::session(Agent::new(100), 2);
        session.input = Some(text.to_owned());
        session.name = format!("n{text}");
        session.command = vec![text.to_owned()];
        session.timelines[0].outcome.answer = Some(text.to_owned());
        session.timelines[0].label = format!("l{text}");
        let dir = place.write("session", &session);
        assert_eq!(read_session(&dir).unwrap(), session, "{text:?}");
    }
}

#[test]
fn the_folder_has_the_files_of_the_format() {
    let place = Place::new();
    let dir = place.write("session", &fixture::rich());
    let names: Vec<String> = files(&dir).into_keys().collect();
    assert_eq!(names.len(), 7, "{names:?}");
    assert_eq!(names[0], ".gitattributes");
    assert!(names[1].starts_with("blobs/") && names[2].starts_with("blobs/"));
    assert_eq!(
        names[3..],
        [
            "messages.jsonl",
            "session.toml",
            "steps.jsonl",
            "wire.jsonl"
        ]
    );
    let manifest = fs::read_to_string(dir.join("session.toml")).unwrap();
    let first = manifest
        .lines()
        .find(|line| !line.starts_with('#'))
        .unwrap();
    assert_eq!(first, "format = \"1.2\"");
    // Nothing is left beside it.
    let beside: Vec<_> = place.root.read_dir_utf8().unwrap().collect();
    assert_eq!(beside.len(), 1);
}

#[test]
fn recording_an_unchanged_agent_again_touches_only_the_wire_file() {
    let place = Place::new();
    let first = files(&place.write("first", &fixture::session(Agent::new(900).run(1), 6)));
    let second = files(&place.write("second", &fixture::session(Agent::new(900).run(2), 6)));
    let changed: Vec<&String> = first
        .iter()
        .filter(|(name, bytes)| second.get(*name) != Some(*bytes))
        .map(|(name, _bytes)| name)
        .collect();
    assert_eq!(changed, ["wire.jsonl"]);
}

#[test]
fn the_reviewed_files_are_linear_in_the_messages() {
    let place = Place::new();
    for steps in [50, 100, 200] {
        let session = fixture::session(Agent::new(2_048), steps);
        let written = files(&place.write("session", &session));
        let size: usize = written
            .iter()
            .filter(|(name, _bytes)| *name != "wire.jsonl")
            .map(|(_name, bytes)| bytes.len())
            .sum();
        let unique = fixture::unique_message_bytes(&session);
        assert!(
            size * 10 <= unique * 13,
            "{steps} steps: {size} for {unique}"
        );
    }
}

#[test]
fn a_session_takes_the_place_of_another_one() {
    let place = Place::new();
    place.write("session", &fixture::rich());
    let second = fixture::session(Agent::new(100), 2);
    let dir = place.write("session", &second);
    assert_eq!(read_session(&dir).unwrap(), second);
    assert!(!dir.join("blobs").exists());
}

#[test]
fn other_folders_are_not_overwritten() {
    let place = Place::new();
    let dir = place.root.join("src");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("main.rs"), "precious").unwrap();
    let error = write_session(&fixture::rich(), &dir)
        .unwrap_err()
        .to_string();
    assert!(error.contains("src holds `main.rs`"), "{error}");
    assert_eq!(fs::read_to_string(dir.join("main.rs")).unwrap(), "precious");
}

#[test]
fn a_session_that_cannot_come_back_is_not_written() {
    let place = Place::new();
    let mut session = fixture::session(Agent::new(100), 2);
    session.timelines[0].steps[1].number = StepIndex(7);
    let dir = place.root.join("session");
    let error = write_session(&session, &dir).unwrap_err();
    assert!(matches!(error, FormatError::Lossy { .. }), "{error}");
    assert!(!dir.exists());
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let place = Place::new();
    let dir = place.write("session", &fixture::session(Agent::new(100), 1));
    edit(&dir, "session.toml", "\"1.0\"", "\"2.1\"\nunknown = true");
    let error = error_of(&dir);
    assert!(
        error.ends_with(
            "session/session.toml: format 2.1 is newer than this rewind (1.x); update rewind"
        ),
        "{error}"
    );
    edit(&dir, "session.toml", "\"2.1\"", "\"one\"");
    assert!(error_of(&dir).contains("`one` is no format"));
    edit(&dir, "session.toml", "\"one\"", "\"1.7\"");
    let error = error_of(&dir);
    assert!(
        error.contains("format 1.7 is newer than this rewind (1.2)"),
        "{error}"
    );
    edit(&dir, "session.toml", "unknown = true\n", "");
    assert!(read_session(&dir).is_ok());
}

/// File, text, its replacement, and what is said then.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    (
        "steps.jsonl",
        "\"step\":2",
        "\"step\":3",
        ":2: expected step 2 of `main`, found 3",
    ),
    (
        "steps.jsonl",
        "\"extends\":1",
        "\"extends\":9",
        ":3: step 9 is no model step before this one",
    ),
    (
        "steps.jsonl",
        "\"extends\":1",
        "\"extends\":3",
        ":3: step 3 is no model step before this one",
    ),
    (
        "steps.jsonl",
        "\"extends\":1",
        "\"extends\":2",
        ":3: step 2 is no model step before this one",
    ),
    (
        "steps.jsonl",
        "\"called_by\":1",
        "\"called_by\":2",
        ":2: step 2 is no model step",
    ),
    (
        "steps.jsonl",
        "\"seen_by\":3",
        "\"seen_by\":99",
        ":2: step 99 is no model step",
    ),
    (
        "steps.jsonl",
        "\"parent\":1",
        "\"parent\":2",
        ":2: `parent`: 2 is no other step of `main`",
    ),
    (
        "steps.jsonl",
        "\"timeline\":\"main\"",
        "\"timeline\":\"x\"",
        ":1: `x` is no timeline of session.toml",
    ),
    (
        "steps.jsonl",
        "\"output\":\"b3:",
        "\"output\":\"b3:f",
        ":1: no message has the id",
    ),
    (
        "steps.jsonl",
        "\"request\":\"b3:",
        "\"request\":\"b3:f",
        ":1: no request has the id",
    ),
    (
        "steps.jsonl",
        "\"lane\"",
        "\"lame\"",
        ":1: unknown field `lame`",
    ),
    (
        "messages.jsonl",
        "You research",
        "You reserach",
        ":1: the content does not fit its id",
    ),
    (
        "messages.jsonl",
        "\"message\"",
        "\"massage\"",
        ":1: unknown field `massage`",
    ),
    (
        "messages.jsonl",
        "{\"id\"",
        "{id",
        ":1: expected a JSON object on one line: key must be a string, at column 2",
    ),
    (
        "wire.jsonl",
        "\"step\":3",
        "\"step\":30",
        ":3: wire.jsonl has no line for this step",
    ),
    (
        "wire.jsonl",
        "\"recorded_at\"",
        "\"recorded\"",
        ":1: unknown field `recorded`",
    ),
    (
        "wire.jsonl",
        "\"events\"",
        "\"event\"",
        ":2: `body`: the encoded body is malformed",
    ),
    (
        "session.toml",
        "steps = 5",
        "steps = 6",
        "`main` has 6 steps in session.toml, but 5 here",
    ),
];

#[test]
fn faults_are_told_with_file_and_line() {
    let place = Place::new();
    for (name, from, to, expected) in FAULTS {
        let session = fixture::session(Agent::new(200).streaming(), 3);
        let dir = place.write("session", &session);
        edit(&dir, name, from, to);
        let error = error_of(&dir);
        assert!(error.contains(expected), "{name} {to}: {error}");
        let file = if expected.contains("in session.toml") {
            "steps.jsonl"
        } else {
            name
        };
        let place_named = error.contains(file) || expected.contains(WIRE);
        assert!(place_named, "{error}");
    }
}

#[test]
fn missing_and_damaged_files_are_named() {
    let place = Place::new();
    let error = error_of(&place.root.join("nowhere"));
    assert!(
        error.contains("nowhere/session.toml is not there"),
        "{error}"
    );
    for name in ["messages.jsonl", "steps.jsonl", "wire.jsonl"] {
        let dir = place.write("session", &fixture::rich());
        fs::remove_file(dir.join(name)).unwrap();
        assert!(error_of(&dir).contains(name));
    }
    let dir = place.write("session", &fixture::rich());
    for entry in dir.join("blobs").read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        let whole = fs::read(entry.path()).unwrap();
        fs::write(entry.path(), b"other").unwrap();
        assert!(error_of(&dir).contains("does not fit its hash"));
        fs::write(entry.path(), whole).unwrap();
    }
    fs::write(dir.join("wire.jsonl"), b"\xff\n").unwrap();
    assert!(error_of(&dir).contains("wire.jsonl"));
}

#[test]
fn a_file_cut_off_anywhere_is_an_error_and_never_another_session() {
    let place = Place::new();
    let session = fixture::session(Agent::new(60), 3);
    let dir = place.write("session", &session);
    for name in ["messages.jsonl", "steps.jsonl", "wire.jsonl"] {
        let path = dir.join(name);
        let whole = fs::read(&path).unwrap();
        for length in (0..whole.len()).step_by(7) {
            fs::write(&path, &whole[..length]).unwrap();
            match read_session(&dir) {
                // The end of the last line alone may be missing without harm.
                Ok(read) => assert!(
                    read == session && length + 1 == whole.len(),
                    "{name} at {length}"
                ),
                Err(error) => assert!(error.to_string().contains(".jsonl"), "{error}"),
            }
        }
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn a_message_changed_by_hand_needs_its_new_id_only() {
    let place = Place::new();
    let session = fixture::session(Agent::new(200), 3);
    let dir = place.write("session", &session);
    edit(&dir, "messages.jsonl", "How many live", "How few live");
    let error = error_of(&dir);
    let mut ids = error.split('`').filter(|part| part.starts_with("b3:"));
    let (old, new) = (ids.next().unwrap(), ids.next().unwrap());
    for name in ["messages.jsonl", "steps.jsonl"] {
        let text = fs::read_to_string(dir.join(name)).unwrap();
        fs::write(dir.join(name), text.replace(old, new)).unwrap();
    }
    let read = read_session(&dir).unwrap();
    let StepKind::Model(call) = &read.timelines[0].steps[0].kind else {
        panic!("the first step calls the model");
    };
    assert!(
        call.request.thread.messages()[0]
            .plain_text()
            .starts_with("How few")
    );
}

#[test]
fn lines_have_sorted_keys_and_messages_stand_once() {
    let place = Place::new();
    let dir = place.write("session", &fixture::session(Agent::new(300), 20));
    for name in ["messages.jsonl", "steps.jsonl", "wire.jsonl"] {
        for line in fs::read_to_string(dir.join(name)).unwrap().lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            assert_eq!(value.to_string(), line);
        }
    }
    let text = fs::read_to_string(dir.join("messages.jsonl")).unwrap();
    assert_eq!(text.matches("How many live").count(), 1);
}

#[test]
fn ids_and_times_stand_in_the_wire_file_alone() {
    let place = Place::new();
    let session = fixture::session(Agent::new(300), 3);
    let dir = place.write("session", &session);
    for (name, bytes) in files(&dir) {
        let text = String::from_utf8(bytes).unwrap();
        for volatile in [
            &session.id.to_string(),
            "chatcmpl-r0",
            "call_r0",
            "_us\"",
            "recorded_at",
        ] {
            assert_eq!(
                text.contains(volatile),
                name == "wire.jsonl",
                "{name}: {volatile}"
            );
        }
    }
    assert_ne!(session.id, SessionId::generate());
}

/// Returns what of `value` does not fit the definition `name` of the published schema.
fn misfits(name: &str, value: &Value) -> Vec<String> {
    let mut schema: Value =
        serde_json::from_str(include_str!("../../../schemas/session-1.schema.json")).unwrap();
    schema["$ref"] = Value::from(format!("#/$defs/{}", name.replace(' ', "%20")));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{name}: {error} in {value}"))
        .collect()
}

#[test]
fn written_files_fit_the_published_schema() {
    let place = Place::new();
    let mut imported = fixture::session(Agent::new(300).streaming(), 3);
    imported.source = Source::Imported("langfuse".to_owned());
    for session in [fixture::rich(), imported] {
        let dir = place.write("session", &session);
        let manifest = fs::read_to_string(dir.join(SESSION)).unwrap();
        let manifest: Value = toml::from_str(&manifest).unwrap();
        assert_eq!(misfits(SESSION, &manifest), Vec::<String>::new());
        for name in [MESSAGES, STEPS, WIRE] {
            let text = fs::read_to_string(dir.join(name)).unwrap();
            for (number, line) in text.lines().enumerate() {
                let definition = if name == WIRE && number == 0 {
                    "wire.jsonl head"
                } else {
                    name
                };
                let value = serde_json::from_str(line).unwrap();
                assert_eq!(misfits(definition, &value), Vec::<String>::new());
            }
        }
    }
    let wrong =
        serde_json::json!({"timeline": "main", "step": 0, "lane": 1, "agent": "a", "tool": {}});
    assert_eq!(misfits(STEPS, &wrong).len(), 2);
}
