//! The state: the rows that the events of a log amount to. A cache; the eventlog is the truth.

mod compare;
pub(crate) mod document;
mod tx;

pub use tx::{EventMeta, StateTx};

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use headwater_core::{EventRecord, SeqNum};

use crate::db::{Db, Footprint, Params, Purpose, Touched};
use crate::error::{Error, Result};
use crate::schema::{Applied, Schema};

const CREATE_HEAD: &str = "CREATE TABLE __headwater_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    fingerprint BLOB NOT NULL,
    head_global INTEGER NOT NULL,
    head_client INTEGER NOT NULL,
    head_check BLOB NOT NULL
) STRICT";

/// A database that holds a state.
pub(crate) struct StateDb {
    db: Db,
    schema: Schema,
}

impl StateDb {
    /// An empty state in memory.
    ///
    /// # Errors
    /// [`Error::Schema`] if the schema isn't valid.
    pub(crate) fn in_memory(schema: &Schema) -> Result<Self> {
        Self::create(Db::in_memory()?, schema)
    }

    /// An empty state in a new file.
    ///
    /// # Errors
    /// [`Error::Schema`] if the schema isn't valid.
    pub(crate) fn create_file(path: &Path, schema: &Schema) -> Result<Self> {
        Self::create(Db::open(path)?, schema)
    }

    /// The state in a file, if it was built by this schema.
    pub(crate) fn open_file(path: &Path, schema: &Schema) -> Result<Option<Self>> {
        let state = Self { db: Db::open(path)?, schema: schema.clone() };
        let found: Vec<Vec<u8>> = state.db.query("SELECT fingerprint FROM __headwater_state", crate::params![])?;
        Ok((found.first().map(Vec::as_slice) == Some(schema.fingerprint().as_bytes())).then_some(state))
    }

    fn create(db: Db, schema: &Schema) -> Result<Self> {
        if let Some(problem) = schema.problems().first() {
            return Err(Error::Schema(problem.clone()));
        }
        db.run("BEGIN")?;
        db.run(CREATE_HEAD)?;
        for statement in schema.statements() {
            db.run(statement).map_err(|error| Error::Schema(error.to_string()))?;
        }
        let insert = "INSERT INTO __headwater_state VALUES (1, ?1, 0, 0, x'')";
        db.execute(insert, crate::params![schema.fingerprint().as_bytes().as_slice()])?;
        db.run("COMMIT")?;
        let state = Self { db, schema: schema.clone() };
        state.check()?;
        Ok(state)
    }

    /// Prepares what the materializers will run.
    fn check(&self) -> Result<()> {
        let deferred = "SELECT name FROM sqlite_schema WHERE sql LIKE '%DEFERRABLE%INITIALLY%DEFERRED%'";
        if let Some(table) = self.db.query::<String>(deferred, crate::params![])?.first() {
            let problem = format!(
                "{table} has a deferred foreign key: it could fail after its event was accepted; make it immediate"
            );
            return Err(Error::Schema(problem));
        }
        for (event, sql) in self.schema.materializer_statements() {
            let prepared = self.db.footprint(sql, Purpose::Materialize);
            prepared.map_err(|error| Error::Schema(format!("the materializer of {event}: {error}")))?;
        }
        Ok(())
    }

    /// Looks for damage.
    ///
    /// # Errors
    /// If there is any.
    pub(crate) fn quick_check(&self) -> Result<()> {
        let Some(path) = self.db.path().filter(|path| path.with_extension("db-wal").exists()) else {
            return Ok(());
        };
        let verdict: String = self.db.pragma("quick_check(1)")?;
        if verdict == "ok" { Ok(()) } else { Err(Error::Damaged { path: path.to_owned(), reason: verdict }) }
    }

    /// Runs `body` in one transaction, whole or not at all.
    pub(crate) fn transaction<T>(&self, body: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        self.db.step("BEGIN IMMEDIATE")?;
        let outcome = body(self).and_then(|value| self.db.step("COMMIT").map(|()| value));
        if outcome.is_err() {
            let _ = self.db.step("ROLLBACK");
        }
        outcome
    }

    /// Writes everything into the file itself and closes it.
    pub(crate) fn close(self) -> Result<()> {
        self.db.close()
    }

    /// A copy in memory.
    pub(crate) fn copy_to_memory(&self) -> Result<Self> {
        let mut db = Db::in_memory()?;
        self.db.copy_to(&mut db)?;
        Ok(Self { db, schema: self.schema.clone() })
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The last event that a state on disk contains, and its check value in the log.
    pub(crate) fn head(&self) -> Result<(SeqNum, Vec<u8>)> {
        let sql = "SELECT head_global, head_client, head_check FROM __headwater_state";
        let rows: Vec<(u64, u32, Vec<u8>)> = self.db.query(sql, crate::params![])?;
        let head = rows.into_iter().next().ok_or_else(|| Error::Schema("the state has no head".to_owned()))?;
        Ok((SeqNum { global: head.0, client: head.1, generation: 0 }, head.2))
    }

    /// Notes the last event that the state contains. In the transaction of the events themselves.
    pub(crate) fn set_head(&self, head: &SeqNum, check: &[u8]) -> Result<()> {
        let sql = "UPDATE __headwater_state SET head_global = ?1, head_client = ?2, head_check = ?3";
        self.db.execute(sql, crate::params![head.global, head.client, check]).map(drop)
    }

    /// Applies a logged event, whole or not at all. What it wrote is added to `touched`.
    ///
    /// # Errors
    /// What the materializer returned; nothing is changed then.
    pub(crate) fn apply(&self, event: &EventRecord, touched: &mut Touched) -> Result<Applied> {
        self.db.step("SAVEPOINT headwater_event")?;
        let outcome = self.run(event, touched, |tx| self.schema.materialize(&event.body, tx));
        if outcome.is_err() {
            self.db.step("ROLLBACK TO headwater_event")?;
        }
        self.db.step("RELEASE headwater_event")?;
        outcome
    }

    /// Applies a logged event like [`Self::apply`], or skips it if its materializer fails, as every client does.
    ///
    /// # Errors
    /// What is the storage's fault and not the event's.
    pub(crate) fn replay(&self, event: &EventRecord) -> Result<()> {
        self.apply(event, &mut Touched::default()).map_or_else(|error| error.check_storage(), |_| Ok(()))
    }

    /// Runs a materializer that is at hand. If it fails, the caller has to undo what it wrote.
    pub(crate) fn run<T>(
        &self,
        event: &EventRecord,
        touched: &mut Touched,
        materialize: impl FnOnce(&mut StateTx<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut tx = StateTx::new(&self.db, event, touched);
        let outcome = catch_unwind(AssertUnwindSafe(|| materialize(&mut tx)));
        outcome.unwrap_or_else(|panic| Err(Error::app(format!("the materializer panicked: {}", panic_text(&*panic)))))
    }

    /// What a query reads.
    pub(crate) fn read_footprint(&self, sql: &str) -> Result<std::sync::Arc<Footprint>> {
        self.db.footprint(sql, Purpose::Read)
    }

    /// Runs a query; see [`Db::query`].
    pub(crate) fn query<T: crate::schema::FromRow>(&self, sql: &str, params: impl Params) -> Result<Vec<T>> {
        self.db.footprint(sql, Purpose::Read)?;
        self.db.query(sql, params)
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}
