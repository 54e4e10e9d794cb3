//! The same writes without Headwater: what they cost in SQLite alone.
//!
//! A file that takes the events, with the layout and the pragmas of the eventlog, and a database in memory that takes
//! the rows.

use std::path::Path;

use anyhow::Result;
use rusqlite::{Connection, params};

use crate::model;

/// The table of a client's eventlog that holds the settled events.
const CREATE_EVENTLOG: &str = "CREATE TABLE eventlog (
    global INTEGER NOT NULL,
    client INTEGER NOT NULL,
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    ver INTEGER NOT NULL,
    args TEXT NOT NULL,
    client_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    group_rest INTEGER NOT NULL,
    facts TEXT NOT NULL,
    check_value BLOB NOT NULL,
    PRIMARY KEY (global, client)
) STRICT, WITHOUT ROWID";
const CREATE_TODOS: &str = "CREATE TABLE todos (
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    completed INTEGER NOT NULL DEFAULT FALSE,
    list_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT";
const INSERT: &str = "INSERT INTO todos (id, text, list_id, created_at) VALUES (?1, ?2, ?3, ?4)";
const SET_TEXT: &str = "UPDATE todos SET text = ?2 WHERE id = ?1";
const SET_COMPLETED: &str = "UPDATE todos SET completed = ?2 WHERE id = ?1";

/// A log and a state, raw.
pub struct Raw {
    log: Connection,
    state: Connection,
    head: i64,
}

impl Raw {
    /// Opens both; the log in a folder or in memory.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn open(folder: Option<&Path>, indexed: bool) -> Result<Self> {
        let log = match folder {
            Some(folder) => Connection::open(folder.join("raw.db"))?,
            None => Connection::open_in_memory()?,
        };
        log.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000")?;
        log.execute_batch(CREATE_EVENTLOG)?;
        let state = Connection::open_in_memory()?;
        state.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF")?;
        state.execute_batch(CREATE_TODOS)?;
        if indexed {
            state.execute_batch(model::CREATE_INDEX)?;
        }
        Ok(Self { log, state, head: 0 })
    }

    /// Commits wait for fsync from now on.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn sync_fully(&self) -> Result<()> {
        Ok(self.log.execute_batch("PRAGMA synchronous = FULL")?)
    }

    /// The rows.
    #[must_use]
    pub fn state(&self) -> &Connection {
        &self.state
    }

    /// Adds todos: one transaction of the log, one of the state.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn create(&mut self, first: usize, count: usize) -> Result<()> {
        let state = self.state.unchecked_transaction()?;
        {
            let mut insert = state.prepare_cached(INSERT)?;
            for number in first..first + count {
                let text = format!("draw the owl, part {number}");
                insert.execute(params![model::id(number), text, model::list_id(number), number as i64])?;
            }
        }
        state.commit()?;
        self.log_events(count, |number| {
            let (id, list) = (model::id(first + number), model::list_id(first + number));
            let text = format!("draw the owl, part {}", first + number);
            format!("{{\"id\":\"{id}\",\"text\":\"{text}\",\"listId\":\"{list}\",\"createdAt\":{number}}}")
        })
    }

    /// Changes the text of a todo.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn set_text(&mut self, number: usize, text: &str) -> Result<()> {
        let id = model::id(number);
        self.state.prepare_cached(SET_TEXT)?.execute(params![id, text])?;
        self.log_events(1, |_| format!("{{\"id\":\"{id}\",\"text\":\"{text}\"}}"))
    }

    /// Completes a todo or opens it again.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn set_completed(&mut self, number: usize, completed: bool) -> Result<()> {
        let id = model::id(number);
        self.state.prepare_cached(SET_COMPLETED)?.execute(params![id, completed])?;
        self.log_events(1, |_| format!("{{\"id\":\"{id}\",\"completed\":{completed}}}"))
    }

    fn log_events(&mut self, count: usize, args: impl Fn(usize) -> String) -> Result<()> {
        let log = self.log.unchecked_transaction()?;
        {
            let mut insert =
                log.prepare_cached("INSERT INTO eventlog VALUES (?1, 0, ?2, ?3, 1, ?4, ?5, ?6, 0, ?7, ?8)")?;
            for number in 0..count {
                self.head += 1;
                let id = scattered(self.head);
                let facts = format!("{{\"writes\":[\"todos/{}\"]}}", model::id(number));
                let check = [id, id].concat();
                let name = "v1.TodoCreated";
                insert.execute(params![self.head, id, name, args(number), "client", "sessn1", facts, check])?;
            }
        }
        Ok(log.commit()?)
    }
}

/// 16 bytes as random as an event's id, without the cost of drawing them.
fn scattered(number: i64) -> [u8; 16] {
    let high = number.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    let low = high.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}
