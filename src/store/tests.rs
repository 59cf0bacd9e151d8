//! The store on real files.

use std::io::{BufRead as _, BufReader};
use std::sync::Arc;

use camino::Utf8PathBuf;

use super::fixture::{self, Agent};
use super::*;
use crate::model::{Session, SessionId, Status, StepKind, Timeline};

struct Place {
    _keep: tempfile::TempDir,
    dir: Utf8PathBuf,
}

fn place() -> Place {
    let keep = tempfile::tempdir().unwrap();
    let dir = Utf8PathBuf::from_path_buf(keep.path().join(".rewind")).unwrap();
    Place { _keep: keep, dir }
}

/// Writes a session as a run does: call by call.
fn write(store: &Store, session: &Session) {
    store.begin_session(&SessionHead::of(session)).unwrap();
    for timeline in &session.timelines {
        let mut writer = store
            .begin_timeline(session.id, &TimelineHead::of(timeline))
            .unwrap();
        for (_step, call) in timeline.model_steps() {
            writer.put(call).unwrap();
        }
        for exchange in &timeline.ancillary {
            writer.ancillary(exchange).unwrap();
        }
        writer.finish(timeline).unwrap();
    }
}

/// Returns the bytes of the database and its journals.
fn size(dir: &Utf8Path) -> u64 {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("rewind.db"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum()
}

#[test]
fn a_session_comes_back_as_it_was_written() {
    let place = place();
    let session = fixture::rich();
    write(&Store::open(&place.dir).unwrap(), &session);
    let loaded = Store::open(&place.dir).unwrap().load(session.id).unwrap();
    assert_eq!(loaded, session);
}

#[test]
fn a_session_written_at_once_comes_back_too() {
    let place = place();
    let store = Store::open(&place.dir).unwrap();
    let session = fixture::rich();
    store.insert(&session).unwrap();
    assert_eq!(store.load(session.id).unwrap(), session);
    let again = store.insert(&session).unwrap_err().to_string();
    assert!(again.contains("is already in"), "{again}");
}

#[test]
fn the_store_keeps_itself_out_of_git() {
    let place = place();
    Store::open(&place.dir).unwrap();
    let ignore = std::fs::read_to_string(place.dir.join(".gitignore")).unwrap();
    assert_eq!(ignore, "*\n");
    let mut files: Vec<_> = place
        .dir
        .read_dir_utf8()
        .unwrap()
        .map(|file| file.unwrap().file_name().to_owned())
        .collect();
    files.sort();
    assert_eq!(files, [".gitignore", "rewind.db"]);
}

#[test]
fn the_store_of_an_upper_directory_is_found() {
    let place = place();
    let root = place.dir.parent().unwrap();
    let deep = root.join("a/b");
    std::fs::create_dir_all(&deep).unwrap();
    assert_eq!(Store::find(&deep), deep.join(".rewind"));
    Store::open(&place.dir).unwrap();
    assert_eq!(Store::find(&deep), place.dir);
}

#[test]
fn a_growing_context_takes_linear_space() {
    for steps in [50, 100, 200] {
        let place = place();
        let session = fixture::session(Agent::new(2_048), steps);
        write(&Store::open(&place.dir).unwrap(), &session);
        let unique = fixture::unique_message_bytes(&session);
        let size = usize::try_from(size(&place.dir)).unwrap();
        assert!(
            size * 10 <= unique * 15,
            "{steps} steps: {size} for {unique}"
        );
    }
}

#[test]
fn a_run_that_was_cut_off_keeps_its_calls() {
    let place = place();
    let store = Store::open(&place.dir).unwrap();
    let session = fixture::session(Agent::new(500), 4);
    store.begin_session(&SessionHead::of(&session)).unwrap();
    let main = &session.timelines[0];
    let mut writer = store
        .begin_timeline(session.id, &TimelineHead::of(main))
        .unwrap();
    let calls: Vec<_> = main.model_steps().map(|(_step, call)| call).collect();
    writer.put(calls[0]).unwrap();
    writer.put(calls[1]).unwrap();
    let rich = fixture::rich();
    let captured = rich.timelines[2]
        .steps
        .iter()
        .filter_map(|step| step.tool());
    for tool in captured.flat_map(|tool| &tool.captures) {
        writer.tool(tool).unwrap();
    }
    drop(writer);

    let loaded = store.load(session.id).unwrap();
    let main = &loaded.timelines[0];
    assert!(!main.is_complete);
    assert!(
        main.outcome.faults[0].contains("2 recorded calls"),
        "{:?}",
        main.outcome
    );
    let found: Vec<_> = main.model_steps().map(|(_step, call)| call).collect();
    assert_eq!(found, calls[..2]);
    // The second call's tool never answered.
    assert_eq!(main.steps.last().unwrap().status, Status::NoResult);
    let tools = main.steps.iter().filter_map(|step| step.tool());
    assert_eq!(tools.map(|tool| tool.captures.len()).sum::<usize>(), 4);
    assert!(!store.list().unwrap()[0].is_complete());
}

#[test]
fn a_call_put_again_replaces_the_first_version() {
    let place = place();
    let store = Store::open(&place.dir).unwrap();
    let session = fixture::session(Agent::new(500), 2);
    store.begin_session(&SessionHead::of(&session)).unwrap();
    let main = &session.timelines[0];
    let mut writer = store
        .begin_timeline(session.id, &TimelineHead::of(main))
        .unwrap();
    for (_step, call) in main.model_steps() {
        let mut early = Arc::clone(call);
        Arc::make_mut(&mut early).response.output = None;
        writer.put(&early).unwrap();
    }
    // One that the finished timeline does not have.
    let mut stray = Arc::clone(main.steps[0].call().unwrap());
    Arc::make_mut(&mut stray).ordinal = 9;
    writer.put(&stray).unwrap();
    writer.finish(main).unwrap();
    assert_eq!(store.load(session.id).unwrap(), session);
}

#[test]
fn a_taken_label_gets_a_number() {
    let place = place();
    let store = Store::open(&place.dir).unwrap();
    let session = fixture::rich();
    store.insert(&session).unwrap();
    let head = TimelineHead::of(&session.timelines[1]);
    let second = store.begin_timeline(session.id, &head).unwrap();
    let third = store.begin_timeline(session.id, &head).unwrap();
    assert_eq!((second.label(), third.label()), ("fixed-2", "fixed-3"));
}

#[test]
fn sessions_are_found_by_latest_name_and_beginning_of_the_id() {
    let place = place();
    let store = Store::open(&place.dir).unwrap();
    let empty = store.resolve("latest").unwrap_err().to_string();
    assert!(empty.contains("rewind record"), "{empty}");

    let mut ids = Vec::new();
    for name in ["research", "travel", "research"] {
        let mut session = fixture::session(Agent::new(200), 1);
        session.name = name.to_owned();
        store.insert(&session).unwrap();
        ids.push(session.id);
    }
    assert_eq!(store.resolve("latest").unwrap(), ids[2]);
    assert_eq!(store.resolve("research").unwrap(), ids[2]);
    assert_eq!(store.resolve("travel").unwrap(), ids[1]);
    assert_eq!(store.resolve(&ids[0].to_string()).unwrap(), ids[0]);
    let most: String = ids[0].to_string().chars().take(35).collect();
    assert!(matches!(
        store.resolve(&most),
        Ok(id) if id == ids[0]
    ));
    let few: String = ids[0].to_string().chars().take(6).collect();
    let ambiguous = store.resolve(&few).unwrap_err();
    assert!(matches!(&ambiguous, StoreError::Ambiguous { ids, .. } if ids.len() == 3));
    let unknown = store.resolve("resaerch").unwrap_err().to_string();
    assert!(unknown.contains("did you mean `research`"), "{unknown}");
    let other = store.resolve("zzz").unwrap_err().to_string();
    assert!(other.contains("rewind sessions"), "{other}");
    assert!(store.load(SessionId::generate()).is_err());

    store.set_name(ids[1], "voyage").unwrap();
    assert_eq!(store.resolve("voyage").unwrap(), ids[1]);
    assert_eq!(store.load(ids[1]).unwrap().name, "voyage");
    let names: Vec<_> = store
        .list()
        .unwrap()
        .into_iter()
        .map(|one| one.name)
        .collect();
    assert_eq!(names, ["research", "voyage", "research"]);
}

#[test]
fn the_list_tells_steps_models_and_tokens() {
    let place = place();
    let store = Store::open(&place.dir).unwrap();
    let session = fixture::session(Agent::new(200), 3);
    store.insert(&session).unwrap();
    let summary = &store.list().unwrap()[0].timelines[0];
    assert_eq!((summary.label.as_str(), summary.steps), ("main", 5));
    assert_eq!(summary.models, ["gpt-4o-2024-08-06"]);
    assert_eq!((summary.usage.input, summary.usage.output), (1_500, 900));
    assert!(summary.is_complete);
}

#[test]
fn collecting_keeps_what_other_sessions_need() {
    let place = place();
    let store = Store::open(&place.dir).unwrap();
    let kept = fixture::rich();
    let mut removed = fixture::session(Agent::new(50_000), 4);
    removed.name = "big".to_owned();
    store.insert(&kept).unwrap();
    store.insert(&removed).unwrap();
    assert_eq!(store.gc().unwrap().rows, 0);
    store.remove(removed.id).unwrap();
    let reclaimed = store.gc().unwrap();
    assert!(
        reclaimed.rows >= 6 && reclaimed.bytes > 150_000,
        "{reclaimed:?}"
    );
    assert_eq!(store.load(kept.id).unwrap(), kept);
    assert!(store.load(removed.id).is_err());
    assert_eq!(store.list().unwrap().len(), 1);
}

#[test]
fn several_writers_at_once_do_not_disturb_each_other() {
    let place = place();
    let sessions: Vec<Session> = (0..6)
        .map(|run| fixture::session(Agent::new(400).run(run), 8))
        .collect();
    std::thread::scope(|scope| {
        for session in &sessions {
            let dir = &place.dir;
            scope.spawn(move || write(&Store::open(dir).unwrap(), session));
        }
    });
    let store = Store::open(&place.dir).unwrap();
    for session in &sessions {
        assert_eq!(&store.load(session.id).unwrap(), session);
    }
}

#[test]
fn a_newer_store_is_refused_by_name() {
    let place = place();
    let store = Store::open(&place.dir).unwrap();
    store
        .connection
        .pragma_update(None, "user_version", 99)
        .unwrap();
    drop(store);
    let error = Store::open(&place.dir).unwrap_err().to_string();
    assert!(
        error.contains("rewind.db has store format 99") && error.contains("update rewind"),
        "{error}"
    );
}

#[test]
fn other_files_are_not_taken_for_a_store() {
    let place = place();
    std::fs::create_dir_all(&place.dir).unwrap();
    let path = place.dir.join("rewind.db");
    std::fs::write(
        &path,
        "this is no database, only a text that is long enough",
    )
    .unwrap();
    let error = Store::open(&place.dir).unwrap_err();
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error}");

    std::fs::remove_file(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE x (y)").unwrap();
    drop(other);
    let error = Store::open(&place.dir).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");

    // An empty file is what a crash before the first write leaves behind.
    std::fs::write(&path, "").unwrap();
    let store = Store::open(&place.dir).unwrap();
    store.insert(&fixture::rich()).unwrap();
}

#[test]
fn damage_is_told_with_the_path() {
    let place = place();
    let session = fixture::session(Agent::new(2_000), 30);
    Store::open(&place.dir).unwrap().insert(&session).unwrap();
    let path = place.dir.join("rewind.db");
    let whole = std::fs::read(&path).unwrap();

    let mut flipped = whole.clone();
    let at = whole.windows(6).rposition(|six| six == b"census").unwrap();
    flipped[at] = b'C';
    std::fs::write(&path, &flipped).unwrap();
    let error = Store::open(&place.dir)
        .unwrap()
        .load(session.id)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("rewind.db is damaged") && error.contains("does not fit its hash"),
        "{error}"
    );

    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = Store::open(&place.dir)
        .and_then(|store| store.load(session.id))
        .unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[test]
fn a_full_disk_loses_nothing_that_was_recorded() {
    let place = place();
    let store = Store::open(&place.dir).unwrap();
    let session = fixture::session(Agent::new(4_000), 20);
    store.begin_session(&SessionHead::of(&session)).unwrap();
    let main = &session.timelines[0];
    let mut writer = store
        .begin_timeline(session.id, &TimelineHead::of(main))
        .unwrap();
    writer.limit_pages(60);
    let mut written = 0;
    let error = loop {
        let (_step, call) = main.model_steps().nth(written).unwrap();
        match writer.put(call) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(written > 3, "{written}");
    assert_eq!(
        store.load(session.id).unwrap().timelines[0]
            .model_steps()
            .count(),
        written
    );

    // Once there is room again, the run goes on.
    writer.limit_pages(100_000);
    for (_step, call) in main.model_steps().skip(written) {
        writer.put(call).unwrap();
    }
    // A recorder lets go of the bodies that are stored, also of those from before the disk was full.
    writer.finish(&without_bodies(main)).unwrap();
    assert_eq!(store.load(session.id).unwrap(), session);
}

fn without_bodies(timeline: &Timeline) -> Timeline {
    let mut timeline = timeline.clone();
    for step in &mut timeline.steps {
        if let StepKind::Model(call) = &mut step.kind {
            Arc::make_mut(call).exchange.body = None;
        }
    }
    timeline
}

#[test]
fn what_cannot_be_written_is_named() {
    let place = place();
    let file = place.dir.parent().unwrap().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(&file.join(".rewind")).unwrap_err().to_string();
    assert!(
        error.contains("file/.rewind") && error.contains("--store DIR"),
        "{error}"
    );
}

/// The variable that names the store of a recorder without end.
const ENDLESS: &str = "REWIND_TEST_ENDLESS_STORE";

/// Also the process that [`every_call_survives_a_killed_recorder`] kills: then it records without end.
#[test]
fn calls_are_in_the_store_as_soon_as_they_are_put() {
    let place = place();
    let endless = std::env::var_os(ENDLESS).map(|dir| dir.into_string().unwrap());
    let dir = endless.as_ref().map_or(place.dir.as_path(), Utf8Path::new);
    let store = Store::open(dir).unwrap();
    let mut session = fixture::session(Agent::new(100), 1);
    session.name = "killed".to_owned();
    store.begin_session(&SessionHead::of(&session)).unwrap();
    let head = TimelineHead::of(&session.timelines[0]);
    let mut writer = store.begin_timeline(session.id, &head).unwrap();
    let mut agent = Agent::new(2_000);
    for number in 1.. {
        writer.put(&agent.search()).unwrap();
        if endless.is_some() {
            // The first line of the test harness may have no end.
            println!("\nwritten {number}");
            continue;
        }
        let found = store.load(session.id).unwrap();
        assert_eq!(found.timelines[0].model_steps().count(), number);
        if number == 5 {
            break;
        }
    }
}

#[test]
fn every_call_survives_a_killed_recorder() {
    let place = place();
    for least in [1, 10, 60] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "store::tests::calls_are_in_the_store_as_soon_as_they_are_put",
                "--exact",
                "--nocapture",
            ])
            .env(ENDLESS, &place.dir)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let last = format!("written {least}");
        while lines.next().unwrap().unwrap() != last {}
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had said before the end counts too.
        let rest = lines.map_while(Result::ok);
        let written = least + rest.filter(|line| line.starts_with("written")).count();
        let store = Store::open(&place.dir).unwrap();
        let killed = store.load(store.resolve("killed").unwrap()).unwrap();
        let calls: Vec<_> = killed.timelines[0]
            .model_steps()
            .map(|(_step, call)| call)
            .collect();
        assert!(calls.len() >= written, "{} of {written}", calls.len());
        assert!(!killed.timelines[0].is_complete);
        let mut agent = Agent::new(2_000);
        assert!(calls.iter().all(|call| **call == agent.search()));
    }
}
