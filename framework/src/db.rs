//! SQLite: connections, statements, and what a statement touches.
//!
//! **Invariant:** no other module names `rusqlite::Connection`.

mod authorizer;
mod footprint;
mod params;
mod unreported;

pub(crate) use footprint::{Footprint, Touched};
pub use params::Params;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};

use crate::db::authorizer::Authorizer;
use crate::error::{Error, Result};
use crate::schema::{FromRow, Row};

/// How many prepared statements a connection keeps.
const STATEMENT_CACHE: usize = 512;
/// Pages in the WAL before they are copied into the file: 16 MB. A commit changes the same few pages as the last one, so
/// that copying them seldom is copying them less.
const CHECKPOINT_PAGES: usize = 4_000;

/// How many footprints a connection keeps.
const FOOTPRINT_CACHE: usize = 8192;

/// On whose behalf a statement is prepared; it decides what the statement may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// The framework itself: anything.
    Internal,
    /// A materializer: reads and writes of the app's tables.
    Materialize,
    /// A query: reads.
    Read,
}

/// How durable the commits of a database file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Synchronous {
    Normal,
    Full,
}

/// What is known of statements, for each purpose.
type Footprints = [HashMap<Box<str>, Arc<Footprint>>; 3];

/// A connection, with what its statements touch.
pub(crate) struct Db {
    connection: Connection,
    path: Option<PathBuf>,
    authorizer: Authorizer,
    footprints: RefCell<Footprints>,
}

impl Db {
    /// A new database in memory.
    pub(crate) fn in_memory() -> Result<Self> {
        let db = Self::new(Connection::open_in_memory().map_err(Error::sql("open"))?, None)?;
        db.run("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY")?;
        Ok(db)
    }

    /// A database file in WAL mode, created if missing.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let db = Self::open_as_it_is(path)?;
        db.enter_wal()?;
        Ok(db)
    }

    /// A database file, created if missing, of which nothing is changed yet.
    pub(crate) fn open_as_it_is(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(Error::sql("open"))?;
        Self::new(connection, Some(path.to_owned()))
    }

    /// Switches to WAL mode, and checks that SQLite took it over.
    pub(crate) fn enter_wal(&self) -> Result<()> {
        let mode: String = self.pragma("journal_mode = WAL")?;
        if mode != "wal" {
            let reason = format!("it can't be in WAL mode, only in {mode} mode");
            return Err(Error::NotOurs { path: self.path.clone().unwrap_or_default(), reason });
        }
        self.set_synchronous(Synchronous::Normal)?;
        self.run(&format!("PRAGMA cell_size_check = ON; PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}"))
    }

    fn new(mut connection: Connection, path: Option<PathBuf>) -> Result<Self> {
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        let authorizer = Authorizer::install(&mut connection).map_err(Error::sql("authorizer"))?;
        let db = Self { connection, path, authorizer, footprints: RefCell::default() };
        db.run("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF")?;
        Ok(db)
    }

    /// The file, unless it is in memory.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Sets how durable commits are, and checks that SQLite took it over.
    pub(crate) fn set_synchronous(&self, synchronous: Synchronous) -> Result<()> {
        let level = match synchronous {
            Synchronous::Normal => 1,
            Synchronous::Full => 2,
        };
        self.run(&format!("PRAGMA synchronous = {level}"))?;
        let found: i64 = self.pragma("synchronous")?;
        assert_eq!(found, level, "SQLite did not take synchronous = {level}");
        Ok(())
    }

    /// The value of a pragma.
    pub(crate) fn pragma<T: FromRow>(&self, pragma: &str) -> Result<T> {
        let sql = format!("PRAGMA {pragma}");
        let mut statement = self.connection.prepare(&sql).map_err(Error::sql(&sql))?;
        let mut rows = statement.query([]).map_err(Error::sql(&sql))?;
        let row = rows.next().map_err(Error::sql(&sql))?;
        row.map_or_else(|| Err(Error::Schema(format!("{sql} gave nothing"))), |row| T::from_row(&Row::new(row, None)))
    }

    /// Runs statements of the framework.
    pub(crate) fn run(&self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql).map_err(Error::sql(sql))
    }

    /// Runs one statement of the framework that takes no parameters, from the cache.
    pub(crate) fn step(&self, sql: &str) -> Result<()> {
        self.execute(sql, crate::params![]).map(drop)
    }

    /// Runs a statement and counts the rows that it changed.
    #[expect(clippy::needless_pass_by_value, reason = "parameters are written in place")]
    pub(crate) fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        let mut statement = self.connection.prepare_cached(sql).map_err(Error::sql(sql))?;
        params.bind(&mut statement).map_err(|error| error.in_sql(sql))?;
        statement.raw_execute().map_err(Error::sql(sql))
    }

    /// Runs a query and reads its rows.
    pub(crate) fn query<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<Vec<T>> {
        let mut rows = Vec::new();
        self.for_each(
            sql,
            params,
            |row| {
                rows.push(T::from_row(row)?);
                Ok(())
            },
            T::COLUMNS,
        )?;
        Ok(rows)
    }

    /// Runs a query and hands over row by row. With `columns`, [`Row::get`] counts in their order.
    #[expect(clippy::needless_pass_by_value, reason = "parameters are written in place")]
    pub(crate) fn for_each(
        &self,
        sql: &str,
        params: impl Params,
        mut each: impl FnMut(&Row<'_>) -> Result<()>,
        columns: Option<&[&str]>,
    ) -> Result<()> {
        let mut statement = self.connection.prepare_cached(sql).map_err(Error::sql(sql))?;
        params.bind(&mut statement).map_err(|error| error.in_sql(sql))?;
        let positions = columns.map(|columns| positions(&statement, columns)).transpose()?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(Error::sql(sql))? {
            each(&Row::new(row, positions.as_deref()))?;
        }
        Ok(())
    }

    /// What a statement reads and writes. It is prepared for `purpose`; what that may not do is refused.
    ///
    /// # Errors
    /// [`Error::NotAllowed`], or [`Error::Sql`] if it doesn't prepare.
    pub(crate) fn footprint(&self, sql: &str, purpose: Purpose) -> Result<Arc<Footprint>> {
        if let Some(known) = self.footprints.borrow()[purpose as usize].get(sql) {
            return Ok(known.clone());
        }
        let prepared = self
            .authorizer
            .recording(purpose, || self.connection.prepare(sql).map(|statement| statement.column_count()));
        let (result, footprint, refused) = prepared;
        if let Some(what) = refused {
            return Err(Error::NotAllowed { what, sql: crate::error::cut(sql) });
        }
        result.map_err(Error::sql(sql))?;
        if purpose == Purpose::Materialize && self.may_roll_back(sql)? {
            let what = "resolving a conflict by ROLLBACK, which undoes other events as well,".to_owned();
            return Err(Error::NotAllowed { what, sql: crate::error::cut(sql) });
        }
        let footprint = Arc::new(self.with_what_is_not_reported(footprint, sql)?);
        let footprints = &mut self.footprints.borrow_mut()[purpose as usize];
        if footprints.len() >= FOOTPRINT_CACHE {
            footprints.clear();
        }
        footprints.insert(sql.into(), footprint.clone());
        Ok(footprint)
    }

    /// Whether a broken constraint or a trigger would roll the whole transaction back: `ON CONFLICT ROLLBACK`,
    /// `RAISE(ROLLBACK, …)`. Such a statement halts with an error and with what SQLite calls `OE_Rollback`.
    fn may_roll_back(&self, sql: &str) -> Result<bool> {
        const ROLLBACK: i64 = 1;
        let explain = format!("EXPLAIN {sql}");
        let mut statement = self.connection.prepare(&explain).map_err(Error::sql(&explain))?;
        let mut steps = statement.raw_query();
        while let Some(step) = steps.next().map_err(Error::sql(&explain))? {
            let step = Row::new(step, None);
            let halts = step.get::<String>(1)?.starts_with("Halt") && step.get::<i64>(2)? != 0;
            if halts && step.get::<i64>(3)? == ROLLBACK {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn with_what_is_not_reported(&self, mut footprint: Footprint, sql: &str) -> Result<Footprint> {
        let schema: Vec<String> =
            self.query("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL", crate::params![])?;
        let replaces = std::iter::once(sql).chain(schema.iter().map(String::as_str)).any(unreported::replaces_rows);
        for (table, columns) in footprint.writes.iter_mut().filter(|(_, columns)| !columns.rows) {
            let generated = "SELECT count(*) FROM pragma_table_xinfo(?1) WHERE hidden IN (2, 3)";
            let generated = self.query::<i64>(generated, crate::params![&**table])?;
            columns.rows = replaces || columns.names.contains("rowid") || generated != [0];
        }
        let virtual_tables = "SELECT lower(name) FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE%'";
        let virtual_tables: Vec<String> = self.query(virtual_tables, crate::params![])?;
        footprint.opaque = footprint.reads.keys().any(|table| unreported::is_opaque(table, &virtual_tables));
        Ok(footprint)
    }

    /// Closes the file; everything is in it then, and nothing beside it.
    pub(crate) fn close(self) -> Result<()> {
        self.connection.close().map_err(|(_, error)| Error::sql("close")(error))
    }

    /// Copies the whole content into another database.
    pub(crate) fn copy_to(&self, target: &mut Self) -> Result<()> {
        let backup =
            rusqlite::backup::Backup::new(&self.connection, &mut target.connection).map_err(Error::sql("backup"))?;
        backup.run_to_completion(i32::MAX, std::time::Duration::ZERO, None).map_err(Error::sql("backup"))
    }
}

fn positions(statement: &rusqlite::Statement<'_>, columns: &[&str]) -> Result<Vec<usize>> {
    let find = |name: &&str| {
        let missing = || Error::Row { column: (*name).to_owned(), reason: "the result has no such column".to_owned() };
        statement.column_index(name).map_err(|_| missing())
    };
    columns.iter().map(find).collect()
}
