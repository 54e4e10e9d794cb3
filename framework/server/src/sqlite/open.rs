//! Opening the database, and checking it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::folder::{APPLICATION_ID, Folder};

/// The version of the tables, kept in `user_version`.
const SCHEMA_VERSION: u32 = 1;

/// An event's parent is not kept: in a log it is always the position before.
const SCHEMA: &str = "
    CREATE TABLE stores (
        store_key  INTEGER PRIMARY KEY,
        store_id   TEXT NOT NULL UNIQUE,
        backend_id BLOB NOT NULL,
        epoch      INTEGER NOT NULL,
        head       INTEGER NOT NULL,
        chain      BLOB NOT NULL
    ) STRICT;
    CREATE TABLE events (
        store_key  INTEGER NOT NULL REFERENCES stores,
        seq_num    INTEGER NOT NULL,
        id         BLOB NOT NULL,
        name       TEXT NOT NULL,
        ver        INTEGER NOT NULL,
        args       BLOB NOT NULL,
        client_id  TEXT NOT NULL,
        session_id TEXT NOT NULL,
        group_rest INTEGER NOT NULL,
        facts      TEXT,
        chain      BLOB NOT NULL,
        PRIMARY KEY (store_key, seq_num)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX events_by_id ON events (store_key, id);
    CREATE TABLE claims (
        store_key INTEGER NOT NULL REFERENCES stores,
        client_id TEXT NOT NULL,
        claim     BLOB NOT NULL,
        PRIMARY KEY (store_key, client_id)
    ) STRICT, WITHOUT ROWID;
";

/// Stores whose head is not the last event of their log.
const CHECK_HEADS: &str = "
    SELECT store_id FROM stores AS s
    WHERE head <> coalesce((SELECT max(seq_num) FROM events AS e WHERE e.store_key = s.store_key), 0)
       OR (head > 0 AND chain IS NOT (
            SELECT chain FROM events AS e WHERE e.store_key = s.store_key AND e.seq_num = s.head))
    LIMIT 1
";

/// Why a data folder can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder can't be made, read or written.
    #[error("the data folder {} can't be used: {source}; choose one that this user can write", .path.display())]
    Folder {
        /// The folder or the file in it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There are other things in the folder. Nothing was touched.
    #[error("the folder {} holds other things ({found:?}); choose an empty or new folder for the data", .path.display())]
    ForeignFolder {
        /// The folder.
        path: PathBuf,
        /// One thing that is there.
        found: String,
    },
    /// There is a file in the database's place that is not one. It was not touched.
    #[error("{} is not a database of a Headwater backend, or its start is damaged; it was left as it is", .path.display())]
    ForeignDatabase {
        /// The file.
        path: PathBuf,
    },
    /// Another server has the folder.
    #[error("the data folder {} is in use by another server", .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The database contradicts itself.
    #[error("the database {} is damaged ({detail}); restore it from a backup, or move it away to start anew", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The database was written by a newer version.
    #[error("the database {} has format {found}, this version knows {SCHEMA_VERSION}; use a newer headwater-server", .path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// SQLite did not take a setting that durability depends on.
    #[error("SQLite refused {setting}: it is {found:?}, needed is {expected:?}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        expected: &'static str,
    },
    /// SQLite failed.
    #[error("the database {} can't be opened", .path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The thread that writes can't be started.
    #[error("the writer thread can't be started")]
    Thread(#[source] io::Error),
}

/// Opens the database for the writer, after making or checking it.
pub(super) fn open_writer(folder: &Folder) -> Result<Connection, OpenError> {
    if !folder.has_database() {
        create(folder)?;
    }
    let unclean = folder.was_left_open();
    let path = folder.database();
    let sqlite = |source| damaged_or(&path, source);
    let connection = connect(&path).map_err(sqlite)?;
    check_version(&connection, &path)?;
    expect_pragma(&connection, &path, "journal_mode", "wal", "wal")?;
    expect_pragma(&connection, &path, "synchronous", "FULL", "2")?;
    // 16 MiB of log between checkpoints: fewer fsyncs under load, and a quick recovery all the same.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000).map_err(sqlite)?;
    connection.pragma_update(None, "cache_size", -65_536).map_err(sqlite)?;
    if unclean {
        tracing::warn!(database = %path.display(), "the last server did not shut down; checking the database");
        quick_check(&connection, &path)?;
    }
    check_heads(&connection, &path)?;
    Ok(connection)
}

/// Opens the database for a reader.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Builds a new database beside its place and moves it there when it is complete.
fn create(folder: &Folder) -> Result<(), OpenError> {
    folder.new_draft().map_err(|error| folder.error(error))?;
    let path = folder.draft();
    let build = || {
        let connection = Connection::open(&path)?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.execute_batch(SCHEMA)?;
        connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        connection.close().map_err(|(_, error)| error)
    };
    build().map_err(|source| OpenError::Sqlite { path: path.clone(), source })?;
    folder.publish_draft().map_err(|error| folder.error(error))
}

fn check_version(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let found: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|source| damaged_or(path, source))?;
    match found {
        SCHEMA_VERSION => Ok(()),
        0 => Err(OpenError::Damaged { path: path.to_owned(), detail: "it has no format version".into() }),
        found => Err(OpenError::TooNew { path: path.to_owned(), found }),
    }
}

/// Sets a pragma and checks what SQLite made of it.
fn expect_pragma(
    connection: &Connection,
    path: &Path,
    setting: &'static str,
    value: &str,
    expected: &'static str,
) -> Result<(), OpenError> {
    let set = || -> rusqlite::Result<String> {
        connection.pragma_update_and_check(None, setting, value, |_| Ok(())).or_else(no_row)?;
        connection.pragma_query_value(None, setting, |row| {
            Ok(match row.get_ref(0)? {
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                value => String::from_utf8_lossy(value.as_bytes()?).into_owned(),
            })
        })
    };
    let found = set().map_err(|source| damaged_or(path, source))?;
    if found == expected {
        return Ok(());
    }
    Err(OpenError::Setting { setting, found, expected })
}

/// Some pragmas answer with their new value, some with nothing.
fn no_row(error: rusqlite::Error) -> rusqlite::Result<()> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        error => Err(error),
    }
}

fn quick_check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|source| damaged_or(path, source))?;
    if found == "ok" {
        return Ok(());
    }
    Err(OpenError::Damaged { path: path.to_owned(), detail: found })
}

fn check_heads(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let wrong: Result<String, _> = connection.query_row(CHECK_HEADS, [], |row| row.get(0));
    match wrong {
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(()),
        Err(source) => Err(damaged_or(path, source)),
        Ok(store) => {
            let detail = format!("the head of store {store} is not the end of its log");
            Err(OpenError::Damaged { path: path.to_owned(), detail })
        }
    }
}

fn damaged_or(path: &Path, source: rusqlite::Error) -> OpenError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match source.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => {
            OpenError::Damaged { path: path.to_owned(), detail: source.to_string() }
        }
        _ => OpenError::Sqlite { path: path.to_owned(), source },
    }
}

#[cfg(test)]
mod tests;
