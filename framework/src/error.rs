//! What can go wrong, for the whole facade.

use std::path::PathBuf;

use headwater_core::StoreId;

/// The result of what this crate does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong. Each method says which of these it returns.
///
/// An error never shuts a store down, and what failed has changed nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The schema contradicts itself or its SQL does not prepare.
    #[error("the schema is not valid: {0}")]
    Schema(String),
    /// SQLite refused a statement.
    #[error("{source}, in: {sql}")]
    Sql {
        /// The statement, cut after 400 characters.
        sql: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A statement does what it may not do at this place.
    #[error("{what} is not allowed here, in: {sql}")]
    NotAllowed {
        /// What it does.
        what: String,
        /// The statement, cut after 400 characters.
        sql: String,
    },
    /// A row does not fit the type that it is read as.
    #[error("column {column}: {reason}")]
    Row {
        /// Its name, or its number from 0.
        column: String,
        /// What does not fit.
        reason: String,
    },
    /// The materializer of an event failed. The commit changed nothing.
    #[error("event {name} (number {index} of the commit) was not applied")]
    Materialize {
        /// The event's type.
        name: String,
        /// Which event of the commit, from 0.
        index: usize,
        /// Why.
        source: Box<Error>,
    },
    /// The state is not what a replay of the log gives: a materializer is not deterministic.
    #[error(
        "table {table} is not what its events amount to: {reason}; a materializer depends on more than the rows and its event"
    )]
    Diverged {
        /// The first table that differs.
        table: String,
        /// Its first row that differs.
        reason: String,
    },
    /// The arguments of an event can't be written as JSON.
    #[error("the arguments of {name} can't be encoded")]
    Encode {
        /// The event's type.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The arguments of an event don't fit its type.
    #[error("the arguments of {name} (version {ver}) can't be decoded")]
    Decode {
        /// The event's type.
        name: String,
        /// The version of the arguments.
        ver: u32,
        /// Why.
        source: serde_json::Error,
    },
    /// A commit has no events.
    #[error("a commit needs at least one event")]
    EmptyCommit,
    /// The schema has no such event.
    #[error("the schema has no event {name}: add its type with `.event::<…>()`")]
    UnknownEvent {
        /// The event's type.
        name: String,
    },
    /// Something is over a limit of [`headwater_core::limits`].
    #[error("{what} is too large: {found}, the limit is {limit}")]
    TooLarge {
        /// What it is, with its unit.
        what: &'static str,
        /// How large it is.
        found: usize,
        /// How large it may be.
        limit: usize,
    },
    /// The data folder belongs to another store.
    #[error("{path} holds the store {found}, not {expected}: open it under its own store id or choose another folder", path = path.display())]
    WrongStore {
        /// The folder.
        path: PathBuf,
        /// The store that it holds.
        found: StoreId,
        /// The store that was asked for.
        expected: StoreId,
    },
    /// The data folder holds something that is not a Headwater store, or one of a newer format.
    #[error("{path} is not a data folder of this version: {reason}", path = path.display())]
    NotOurs {
        /// The file or folder.
        path: PathBuf,
        /// What is there instead.
        reason: String,
    },
    /// Another process uses the data folder.
    #[error("{path} is in use by another process: close it there or choose another folder", path = path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The eventlog is damaged. It was left untouched.
    #[error("{path} is damaged ({reason}) and was left as it is: restore it from a backup, or move it away and open the store again to get what the backend has", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The file system refused something.
    #[error("{path}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The eventlog could not be written. The commit changed nothing; it may be tried again.
    #[error("the commit could not be saved: {0}")]
    NotSaved(String),
    /// The sync provider can't be set up as asked.
    #[error("sync provider: {0}")]
    Provider(String),
    /// It took longer than asked for.
    #[error("timed out waiting for {0}")]
    Timeout(&'static str),
    /// The store was shut down.
    #[error("the store was shut down")]
    Closed,
    /// An error of the app's own code, such as a materializer.
    #[error(transparent)]
    App(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Wraps an error of the app, to return it from a materializer.
    pub fn app(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::App(error.into())
    }

    /// Passes on what is the disk's or the memory's fault and not the event's: full, unreadable, out of memory.
    pub(crate) fn check_storage(&self) -> Result<()> {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase, OutOfMemory, ReadOnly,
            SystemIoFailure,
        };
        if let Self::Sql { sql, source: rusqlite::Error::SqliteFailure(failure, message) } = self
            && matches!(
                failure.code,
                CannotOpen
                    | DatabaseBusy
                    | DatabaseCorrupt
                    | DatabaseLocked
                    | DiskFull
                    | NotADatabase
                    | OutOfMemory
                    | ReadOnly
                    | SystemIoFailure
            )
        {
            return Err(Self::Sql {
                sql: sql.clone(),
                source: rusqlite::Error::SqliteFailure(*failure, message.clone()),
            });
        }
        Ok(())
    }

    pub(crate) fn sql(sql: &str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Sql { sql: cut(sql), source }
    }
}

pub(crate) fn cut(sql: &str) -> String {
    let mut cut: String = sql.chars().take(400).collect();
    if cut.len() < sql.len() {
        cut.push('…');
    }
    cut
}
