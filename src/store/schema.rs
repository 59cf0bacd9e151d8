//! The tables, and how a database of an older version becomes one of this version.
//!
//! ```text
//! session  1─n  timeline  1─n  call ──> content (treatment, output, …)
//!                         1─n  node ──> content (message), node (parent)
//!                         1─n  ancillary
//!                         1─n  tool (a captured call)
//! session  1─n  score (of a timeline, by evaluator and judge)
//! verdict (of judges, by what they were asked)
//! ```
//!
//! A call, a node, an ancillary exchange and a captured tool call have `timeline << 32 | ordinal` as their key: the rows of
//! a timeline are one range of the table and need no index. Rows of `content` are canonical JSON and
//! never change; `hash` holds the first 8 bytes of the BLAKE3 hash of the body.

use camino::Utf8Path;
use rusqlite::{Connection, TransactionBehavior};

use super::error::{Fault, StoreError};

/// Says in a database's header that it is ours ("rwnd").
const APPLICATION_ID: i64 = 0x7277_6e64;

/// The page size in bytes, chosen by measurement: a session of 50 steps with 2 KB each took 153 KB
/// with pages of 512 bytes, 166 KB with 1024, and from 209 to 254 KB with 2048 to 8192, where rows
/// that do not fill their pages waste more.
const PAGE_SIZE: u32 = 512;
/// The number of pages in the write-ahead log at which it is written back: about 4 MB.
const CHECKPOINT_PAGES: u32 = 8192;

/// The numbered migrations: the n-th leads from version n to n + 1. Never changed once released.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE session (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        head TEXT NOT NULL
    );
    CREATE TABLE timeline (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES session (seq) ON DELETE CASCADE,
        label TEXT NOT NULL,
        forked_from TEXT,
        started_at TEXT NOT NULL,
        result TEXT,
        steps TEXT,
        UNIQUE (session, label)
    );
    CREATE TABLE call (
        id INTEGER PRIMARY KEY,
        head INTEGER NOT NULL,
        node INTEGER NOT NULL,
        output INTEGER,
        wire_from INTEGER,
        began_us INTEGER NOT NULL,
        wait_us INTEGER NOT NULL,
        took_us INTEGER NOT NULL,
        usage_input INTEGER,
        usage_cached_input INTEGER,
        usage_cache_write INTEGER,
        usage_output INTEGER,
        usage_reasoning INTEGER,
        fingerprint BLOB,
        body TEXT NOT NULL
    );
    CREATE TABLE ancillary (id INTEGER PRIMARY KEY, content INTEGER NOT NULL);
    CREATE TABLE node (
        id INTEGER PRIMARY KEY,
        parent INTEGER,
        message INTEGER NOT NULL,
        answers TEXT
    );
    CREATE TABLE content (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, body TEXT NOT NULL);
    CREATE INDEX content_by_hash ON content (hash);
",
    "
    CREATE TABLE tool (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
",
    "
    CREATE TABLE verdict (key BLOB PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
",
    "
    CREATE TABLE score (
        session INTEGER NOT NULL REFERENCES session (seq) ON DELETE CASCADE,
        timeline TEXT NOT NULL,
        evaluator TEXT NOT NULL,
        judge TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (session, timeline, evaluator, judge)
    ) WITHOUT ROWID;
",
];

/// The newest version that is known.
#[expect(
    clippy::cast_possible_wrap,
    reason = "there is a handful of migrations"
)]
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Sets the properties of a database that is being made: they hold for its life.
pub(super) fn create(connection: &mut Connection) -> Result<(), Fault> {
    connection.pragma_update(None, "page_size", PAGE_SIZE)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    migrate(connection, 0)
}

/// Sets what holds for one connection.
pub(super) fn configure(connection: &Connection) -> Result<(), Fault> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    Ok(())
}

/// Brings the database to this version, or says why it can't be used.
pub(super) fn update(connection: &mut Connection, path: &Utf8Path) -> Result<(), StoreError> {
    let fault = |fault: rusqlite::Error| StoreError::of(path, fault);
    let found = version(connection).map_err(fault)?;
    if found == VERSION && application(connection).map_err(fault)? == APPLICATION_ID {
        return Ok(());
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(fault)?;
    let is_ours = application(connection).map_err(fault)? == APPLICATION_ID;
    match (is_ours, found) {
        (true, newer) if newer > VERSION => Err(StoreError::Newer {
            path: path.to_owned(),
            found: newer,
            known: VERSION,
        }),
        (true, older) => migrate(connection, older).map_err(|fault| fault.at(path)),
        (false, 0) if tables == 0 => create(connection).map_err(|fault| fault.at(path)),
        (false, _) => Err(StoreError::Foreign {
            path: path.to_owned(),
        }),
    }
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn application(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

/// Runs the migrations behind `from`, unless another process was faster.
fn migrate(connection: &mut Connection, from: i64) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?.max(from);
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", found.max(VERSION))?;
    transaction.commit()?;
    Ok(())
}
