//! Finding, making and opening a store.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use rusqlite::{Connection, OpenFlags};

use super::error::{Fault, StoreError};
use super::{Store, schema};

/// The directory of a store.
const DIRECTORY: &str = ".rewind";
/// The database in it.
const DATABASE: &str = "rewind.db";

impl Store {
    /// Returns the nearest `.rewind` at or above `from`; where there is none, the one in `from`.
    pub fn find(from: &Utf8Path) -> Utf8PathBuf {
        from.ancestors()
            .map(|directory| directory.join(DIRECTORY))
            .find(|directory| directory.is_dir())
            .unwrap_or_else(|| from.join(DIRECTORY))
    }

    /// Opens the store in `dir`, making both where they are missing.
    ///
    /// # Errors
    ///
    /// The directory can't be made or written, the database is damaged, of another program or of a
    /// newer version.
    pub fn open(dir: &Utf8Path) -> Result<Self, StoreError> {
        let path = dir.join(DATABASE);
        if !path.is_file() {
            create(dir, &path)?;
        }
        let mut connection = connect(&path)?;
        schema::update(&mut connection, &path)?;
        Ok(Self { connection, path })
    }
}

/// Opens one more connection to the database at `path`.
pub(super) fn connect(path: &Utf8Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path.as_std_path(), flags)
        .map_err(|source| StoreError::of(path, source))?;
    schema::configure(&connection).map_err(|fault| fault.at(path))?;
    Ok(connection)
}

/// Makes the directory and the database, which appears whole: several processes may do so at once.
fn create(dir: &Utf8Path, path: &Utf8Path) -> Result<(), StoreError> {
    let failed = |path: &Utf8Path| {
        let path = path.to_owned();
        |source: io::Error| StoreError::Create { path, source }
    };
    std::fs::create_dir_all(dir).map_err(failed(dir))?;
    let ignore = dir.join(".gitignore");
    if !ignore.exists() {
        std::fs::write(&ignore, "*\n").map_err(failed(&ignore))?;
    }
    let aside = tempfile::Builder::new()
        .prefix(".new-")
        .tempdir_in(dir)
        .map_err(failed(dir))?;
    let draft = aside.path().join(DATABASE);
    let made = Connection::open(&draft)
        .map_err(Fault::Sqlite)
        .and_then(|mut connection| {
            schema::configure(&connection)?;
            schema::create(&mut connection)?;
            connection
                .close()
                .map_err(|(_connection, error)| Fault::Sqlite(error))
        });
    made.map_err(|fault| fault.at(path))?;
    match std::fs::hard_link(&draft, path) {
        Ok(()) => Ok(()),
        // Another process was faster; its database is as good.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // A file system without hard links.
        Err(_no_links) => std::fs::rename(&draft, path).map_err(failed(path)),
    }
}
