//! The eventlog: the one precious file of a client.
//!
//! It holds the settled events with their hash chain, the pending events, the heads, the batch in flight and the dead
//! letters, and moves them in one transaction. Numbers of pending events are not stored: they follow from their order
//! behind the settled head, so that a rebase of a thousand pending events writes none of them. Nor are the last position
//! and the chain value there: the last settled event has both.

mod recent;
mod rows;

use std::collections::HashMap;
use std::path::Path;

use headwater_core::leader::{Change, Durability, InFlight, Log, Mark, Recovered, Settled};
use headwater_core::{BackendId, Chain, Claim, ClientId, EventId, EventRecord, SeqNum, StoreId};

use crate::db::{Db, Synchronous};
use crate::error::{Error, Result};
use crate::params;
use recent::Recent;
use rows::{BodyRow, SettledRow};

/// `HWLG`, so that a file can be told from any other SQLite database.
const APPLICATION_ID: i64 = 0x4857_4C47;
/// The layout of the file.
const FORMAT: i64 = 1;

const CREATE: &str = "
CREATE TABLE client (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    store_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    secret BLOB NOT NULL
) STRICT;
CREATE TABLE mark (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    backend_id BLOB,
    epoch INTEGER,
    in_flight_parent INTEGER,
    in_flight_chain BLOB,
    in_flight_count INTEGER
) STRICT;
CREATE TABLE eventlog (
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
) STRICT, WITHOUT ROWID;
CREATE TABLE pending (
    ordinal INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    ver INTEGER NOT NULL,
    args TEXT NOT NULL,
    client_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    client_only INTEGER NOT NULL,
    group_rest INTEGER NOT NULL,
    facts TEXT NOT NULL,
    check_value BLOB NOT NULL,
    committed_at INTEGER NOT NULL
) STRICT;
CREATE TABLE dead_letter (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    ver INTEGER NOT NULL,
    args TEXT NOT NULL,
    client_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    client_only INTEGER NOT NULL,
    group_rest INTEGER NOT NULL,
    facts TEXT NOT NULL,
    cause BLOB NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
";

/// The eventlog of a client.
pub(crate) struct Eventlog {
    db: Db,
    /// What the log holds.
    written: Option<Mark>,
    /// Where pending events stand in their table.
    ordinals: HashMap<EventId, i64>,
    next_ordinal: i64,
    /// The end of the log, once it is recovered.
    recent: Option<Recent>,
    synchronous: Synchronous,
}

/// Who a client is, as its log says.
pub(crate) struct ClientRow {
    pub(crate) client_id: ClientId,
    pub(crate) claim: Claim,
}

/// Where an event ended up, as the log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    Pending { client_only: bool },
    Settled(SeqNum),
    Dead { code: String, reason: String },
}

impl Eventlog {
    /// A new log in memory.
    pub(crate) fn in_memory(store_id: &StoreId, client_id: &ClientId) -> Result<Self> {
        let log = Self::new(Db::in_memory()?);
        log.create(store_id, client_id)?;
        Ok(log)
    }

    /// The log in a file; a new one if there is none.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::NotOurs`], [`Error::WrongStore`]; the file is left as it is then.
    pub(crate) fn open(path: &Path, store_id: &StoreId, client_id: &ClientId) -> Result<Self> {
        let unclean = path.with_extension("db-wal").metadata().is_ok_and(|wal| wal.len() > 0);
        let log = Self::new(Db::open_as_it_is(path).map_err(|error| unreadable(path, error))?);
        let is_new = log.identify(path, store_id).map_err(|error| unreadable(path, error))?;
        log.db.enter_wal().map_err(|error| unreadable(path, error))?;
        if is_new {
            log.create(store_id, client_id)?;
        }
        if unclean {
            log.check(path)?;
        }
        Ok(log)
    }

    fn new(db: Db) -> Self {
        Self {
            db,
            written: None,
            ordinals: HashMap::new(),
            next_ordinal: 1,
            recent: None,
            synchronous: Synchronous::Normal,
        }
    }

    fn create(&self, store_id: &StoreId, client_id: &ClientId) -> Result<()> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(Error::app)?;
        self.db.run("BEGIN IMMEDIATE")?;
        self.db.run(CREATE)?;
        self.db.run(&format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}"))?;
        let insert = "INSERT INTO client VALUES (1, ?1, ?2, ?3)";
        self.db.execute(insert, params![store_id.as_str(), client_id.as_str(), secret.as_slice()])?;
        self.db.run("INSERT INTO mark (id, generation) VALUES (1, 0); COMMIT")
    }

    /// Makes sure that the file is the log of this store, without changing it. `true` if it is empty.
    fn identify(&self, path: &Path, store_id: &StoreId) -> Result<bool> {
        let not_ours = |reason: String| Error::NotOurs { path: path.to_owned(), reason };
        let tables: i64 = self.db.pragma("schema_version")?;
        let application_id: i64 = self.db.pragma("application_id")?;
        if tables == 0 && application_id == 0 {
            return Ok(true);
        }
        if application_id != APPLICATION_ID {
            return Err(not_ours("it is a database of another program".to_owned()));
        }
        let format: i64 = self.db.pragma("user_version")?;
        if format != FORMAT {
            return Err(not_ours(format!(
                "its format is {format}, this version reads {FORMAT}: use the version that wrote it"
            )));
        }
        let found = self.db.query::<String>("SELECT store_id FROM client", params![])?;
        let found = found.first().ok_or_else(|| not_ours("it names no store".to_owned()))?;
        let found = StoreId::new(found).map_err(|error| not_ours(error.to_string()))?;
        if found == *store_id {
            return Ok(false);
        }
        Err(Error::WrongStore { path: path.to_owned(), found, expected: store_id.clone() })
    }

    /// Looks for damage after a shutdown that was not clean.
    fn check(&self, path: &Path) -> Result<()> {
        let damaged = |reason: String| Error::Damaged { path: path.to_owned(), reason };
        let verdict: String = self.db.pragma("quick_check(1)").map_err(|error| damaged(error.to_string()))?;
        if verdict == "ok" { Ok(()) } else { Err(damaged(verdict)) }
    }

    /// Who the client is.
    pub(crate) fn client(&self) -> Result<ClientRow> {
        let rows: Vec<(String, Vec<u8>)> = self.db.query("SELECT client_id, secret FROM client", params![])?;
        let (client_id, secret) =
            rows.into_iter().next().ok_or_else(|| self.damaged("it names no client".to_owned()))?;
        let client_id = ClientId::new(client_id).map_err(|error| self.damaged(error.to_string()))?;
        let secret: [u8; 32] =
            secret.try_into().map_err(|_| self.damaged("the client's secret is not 32 bytes".to_owned()))?;
        Ok(ClientRow { client_id, claim: Claim::of_secret(&secret) })
    }

    /// What a leader starts from. With `synced`, a log that never had a backend becomes pending as a whole.
    pub(crate) fn recover(&mut self, synced: bool) -> Result<Recovered> {
        let mut mark = self.read_mark()?;
        if synced && mark.backend.is_none() && mark.upstream_head > 0 {
            mark = self.adopt(&mark)?;
        }
        let rows: Vec<(i64, BodyRow)> = self.pending_rows()?;
        let mut pending = Vec::with_capacity(rows.len());
        for (ordinal, row) in rows {
            let body = row.body().map_err(|reason| self.damaged(format!("pending event {ordinal}: {reason}")))?;
            self.ordinals.insert(body.id, ordinal);
            self.next_ordinal = ordinal + 1;
            pending.push(std::sync::Arc::new(body));
        }
        self.written = Some(mark.clone());
        let settled_head = self.settled_head()?;
        self.recent = Some(Recent::new(settled_head));
        Ok(Recovered { mark, settled_head, pending })
    }

    /// A log that was local only meets a backend: all of it has yet to be pushed.
    fn adopt(&self, mark: &Mark) -> Result<Mark> {
        let mark = Mark { upstream_head: 0, chain: Chain::ROOT, in_flight: None, ..mark.clone() };
        self.db.run("BEGIN IMMEDIATE")?;
        let mut after = SeqNum::ROOT;
        loop {
            let page = self.read(after, 1_000)?;
            let Some(last) = page.last() else { break };
            after = last.event.seq;
            for (settled, ordinal) in page.iter().zip(self.max_ordinal()? + 1..) {
                self.insert_pending(ordinal, &settled.event)?;
            }
        }
        self.db.run("DELETE FROM eventlog")?;
        self.write_mark(&mark)?;
        self.db.run("COMMIT")?;
        Ok(mark)
    }

    fn max_ordinal(&self) -> Result<i64> {
        let max: Vec<Option<i64>> = self.db.query("SELECT max(ordinal) FROM pending", params![])?;
        Ok(max.first().copied().flatten().unwrap_or(0))
    }

    fn pending_rows(&self) -> Result<Vec<(i64, BodyRow)>> {
        let sql = format!("SELECT {}, client_only, ordinal FROM pending ORDER BY ordinal", rows::COLUMNS);
        let mut rows = Vec::new();
        self.db.for_each(
            &sql,
            params![],
            |row| {
                rows.push((row.get(10)?, BodyRow::read(row, row.get(9)?)?));
                Ok(())
            },
            None,
        )?;
        Ok(rows)
    }

    /// Settled events after a position, in order, at most `limit`. The chain of what comes from the file is checked on the
    /// way.
    pub(crate) fn read(&self, after: SeqNum, limit: usize) -> Result<Vec<Settled>> {
        if let Some(recent) = self.recent.as_ref().and_then(|recent| recent.after(&after, limit)) {
            return Ok(recent);
        }
        if !self.settled_head()?.is_after(&after) {
            return Ok(Vec::new());
        }
        let mut chain = self.chain_at(after.global)?;
        let sql = format!(
            "SELECT {}, global, client FROM eventlog WHERE (global, client) > (?1, ?2) ORDER BY global, client LIMIT ?3",
            rows::COLUMNS
        );
        let mut settled = Vec::new();
        let each = |row: &crate::schema::Row<'_>| {
            let row = SettledRow::read(row)?;
            let next = row.settled(&chain).map_err(|reason| self.damaged(reason))?;
            chain = next.chain;
            settled.push(next);
            Ok(())
        };
        self.db.for_each(&sql, params![after.global, after.client, limit], each, None)?;
        Ok(settled)
    }

    /// The [`check_value`] of the event at a place.
    pub(crate) fn check_at(&self, seq: &SeqNum) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT check_value FROM eventlog WHERE global = ?1 AND client = ?2";
        Ok(self.db.query(sql, params![seq.global, seq.client])?.into_iter().next())
    }

    fn chain_at(&self, global: u64) -> Result<Chain> {
        if global == 0 {
            return Ok(Chain::ROOT);
        }
        let sql = "SELECT check_value FROM eventlog WHERE global = ?1 AND client = 0";
        let found: Vec<Vec<u8>> = self.db.query(sql, params![global])?;
        let bytes = found.into_iter().next().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Chain::from_bytes).ok_or_else(|| self.damaged(format!("position {global} is missing")))
    }

    /// The last settled event.
    pub(crate) fn settled_head(&self) -> Result<SeqNum> {
        let sql = "SELECT global, client FROM eventlog ORDER BY global DESC, client DESC LIMIT 1";
        let found: Vec<(u64, u32)> = self.db.query(sql, params![])?;
        Ok(found.first().map_or(SeqNum::ROOT, |&(global, client)| SeqNum { global, client, generation: 0 }))
    }

    /// Where an event is, if it is known.
    pub(crate) fn whereabouts(&self, id: EventId) -> Result<Option<Whereabouts>> {
        if let Some(ordinal) = self.ordinals.get(&id) {
            let sql = "SELECT client_only FROM pending WHERE ordinal = ?1";
            let found: Vec<bool> = self.db.query(sql, params![*ordinal])?;
            return Ok(Some(Whereabouts::Pending { client_only: found == [true] }));
        }
        let id = id.as_bytes().as_slice();
        let settled: Vec<(u64, u32)> =
            self.db.query("SELECT global, client FROM eventlog WHERE id = ?1", params![id])?;
        if let Some(&(global, client)) = settled.first() {
            return Ok(Some(Whereabouts::Settled(SeqNum { global, client, generation: 0 })));
        }
        let dead: Vec<(String, String)> =
            self.db.query("SELECT code, reason FROM dead_letter WHERE id = ?1", params![id])?;
        Ok(dead.into_iter().next().map(|(code, reason)| Whereabouts::Dead { code, reason }))
    }

    /// Events that the backend refused, oldest first, with code and reason.
    pub(crate) fn dead_letters(&self) -> Result<Vec<rows::DeadLetterRow>> {
        self.db.query("SELECT id, name, args, code, reason FROM dead_letter ORDER BY rowid", params![])
    }

    /// When the oldest pending event was committed, in microseconds since 1970.
    pub(crate) fn oldest_pending(&self) -> Result<Option<i64>> {
        let found: Vec<i64> = self.db.query("SELECT committed_at FROM pending ORDER BY ordinal LIMIT 1", params![])?;
        Ok(found.first().copied())
    }

    fn read_mark(&self) -> Result<Mark> {
        let sql = "SELECT generation, backend_id, epoch, in_flight_parent, in_flight_chain, in_flight_count FROM mark";
        let rows: Vec<rows::MarkRow> = self.db.query(sql, params![])?;
        let row = rows.into_iter().next().ok_or_else(|| self.damaged("it has no mark".to_owned()))?;
        let upstream_head = self.settled_head()?.global;
        let mark = rows::mark(row, upstream_head, self.checked_chain_at(upstream_head)?);
        mark.ok_or_else(|| self.damaged("its mark is not readable".to_owned()))
    }

    /// The chain value at a position, checked against the event there and the value before it.
    fn checked_chain_at(&self, global: u64) -> Result<Chain> {
        let Some(before) = global.checked_sub(1) else { return Ok(Chain::ROOT) };
        let event = self.read(SeqNum { client: u32::MAX, ..SeqNum::global(before) }, 1)?;
        let at = event.first().filter(|settled| settled.event.seq == SeqNum::global(global));
        at.map(|settled| settled.chain).ok_or_else(|| self.damaged(format!("position {global} is missing")))
    }

    fn damaged(&self, reason: String) -> Error {
        Error::Damaged { path: self.db.path().unwrap_or(Path::new(":memory:")).to_owned(), reason }
    }

    fn write_change(&mut self, change: &Change<'_>) -> Result<()> {
        if let Some(client_id) = change.client_id {
            self.change_client_id(client_id)?;
        }
        for (ordinal, event) in (self.next_ordinal..).zip(change.appended) {
            self.insert_pending(ordinal, event)?;
        }
        for settled in change.settled {
            self.remove_pending(settled.event.id())?;
            self.insert_settled(settled)?;
        }
        for rejection in change.rejected {
            self.remove_pending(rejection.event.id())?;
            self.insert_dead(rejection)?;
        }
        if self.written.as_ref().is_none_or(|written| differ_beside_head(written, change.mark)) {
            self.write_mark(change.mark)?;
        }
        Ok(())
    }

    fn insert_pending(&self, ordinal: i64, event: &EventRecord) -> Result<()> {
        let body = &event.body;
        let digest = body.digest();
        let sql = "INSERT INTO pending VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        let params = params![
            ordinal,
            body.id.as_bytes().as_slice(),
            &*body.name,
            body.ver,
            body.args.json(),
            body.client_id.as_str(),
            body.session_id.as_str(),
            body.is_client_only(),
            body.group_rest,
            rows::facts_text(&body.facts)?,
            digest.as_bytes().as_slice(),
            crate::schema::Timestamp::now()
        ];
        self.db.execute(sql, params).map(drop)
    }

    fn insert_settled(&self, settled: &Settled) -> Result<()> {
        let (seq, body) = (settled.event.seq, &settled.event.body);
        let check = check_value(settled);
        let sql = "INSERT INTO eventlog VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let params = params![
            seq.global,
            seq.client,
            body.id.as_bytes().as_slice(),
            &*body.name,
            body.ver,
            body.args.json(),
            body.client_id.as_str(),
            body.session_id.as_str(),
            body.group_rest,
            rows::facts_text(&body.facts)?,
            check.as_slice()
        ];
        self.db.execute(sql, params).map(drop)
    }

    fn insert_dead(&self, rejection: &headwater_core::leader::Rejection) -> Result<()> {
        let body = &rejection.event.body;
        let sql = "INSERT OR REPLACE INTO dead_letter VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        let params = params![
            body.id.as_bytes().as_slice(),
            &*body.name,
            body.ver,
            body.args.json(),
            body.client_id.as_str(),
            body.session_id.as_str(),
            body.is_client_only(),
            body.group_rest,
            rows::facts_text(&body.facts)?,
            rejection.cause.as_bytes().as_slice(),
            rejection.code,
            rejection.reason
        ];
        self.db.execute(sql, params).map(drop)
    }

    fn remove_pending(&self, id: EventId) -> Result<()> {
        let Some(ordinal) = self.ordinals.get(&id) else { return Ok(()) };
        self.db.execute("DELETE FROM pending WHERE ordinal = ?1", params![*ordinal]).map(drop)
    }

    fn change_client_id(&self, client_id: &ClientId) -> Result<()> {
        self.db.execute("UPDATE client SET client_id = ?1", params![client_id.as_str()])?;
        for (ordinal, row) in self.pending_rows()? {
            let mut body = row.body().map_err(|reason| self.damaged(reason))?;
            body.client_id = client_id.clone();
            let sql = "UPDATE pending SET client_id = ?2, check_value = ?3 WHERE ordinal = ?1";
            self.db.execute(sql, params![ordinal, client_id.as_str(), body.digest().as_bytes().as_slice()])?;
        }
        Ok(())
    }

    fn write_mark(&self, mark: &Mark) -> Result<()> {
        let sql = "UPDATE mark SET generation = ?1, backend_id = ?2, epoch = ?3,
            in_flight_parent = ?4, in_flight_chain = ?5, in_flight_count = ?6";
        let backend_id = mark.backend.as_ref().map(|(id, _): &(BackendId, u64)| id.as_bytes().as_slice());
        let in_flight: Option<InFlight> = mark.in_flight;
        let in_flight_chain = in_flight.map(|in_flight| *in_flight.parent_chain.as_bytes());
        let params = params![
            mark.generation,
            backend_id,
            mark.backend.map(|(_, epoch)| epoch),
            in_flight.map(|in_flight| in_flight.parent),
            in_flight_chain.as_ref().map(<[u8; 32]>::as_slice),
            in_flight.map(|in_flight| in_flight.count)
        ];
        self.db.execute(sql, params).map(drop)
    }

    /// Takes over in memory what was written.
    fn note(&mut self, change: &Change<'_>) {
        for event in change.appended {
            self.ordinals.insert(event.id(), self.next_ordinal);
            self.next_ordinal += 1;
        }
        let settled = change.settled.iter().map(|settled| settled.event.id());
        for id in settled.chain(change.rejected.iter().map(|rejection| rejection.event.id())) {
            self.ordinals.remove(&id);
        }
        if let Some(recent) = &mut self.recent {
            change.settled.iter().for_each(|settled| recent.push(settled));
        }
        self.written = Some(change.mark.clone());
    }
}

impl Log for Eventlog {
    type Error = Error;

    fn write(&mut self, change: &Change<'_>) -> Result<()> {
        let synchronous = if change.durability == Durability::Disk { Synchronous::Full } else { Synchronous::Normal };
        if synchronous != self.synchronous {
            self.db.set_synchronous(synchronous)?;
            self.synchronous = synchronous;
        }
        self.db.step("BEGIN IMMEDIATE")?;
        let written = self.write_change(change).and_then(|()| self.db.step("COMMIT"));
        if let Err(error) = written {
            // A failed COMMIT may or may not have ended the transaction; whichever it is, none is open after this.
            let _ = self.db.step("ROLLBACK");
            return Err(error);
        }
        self.note(change);
        Ok(())
    }
}

/// Whether two marks differ in what the `mark` table holds.
fn differ_beside_head(a: &Mark, b: &Mark) -> bool {
    (a.generation, a.backend, a.in_flight) != (b.generation, b.backend, b.in_flight)
}

/// What tells a settled event from all others that could stand at its place, with all that came before it: its chain
/// value; for a client-only event its digest.
pub(crate) fn check_value(settled: &Settled) -> [u8; 32] {
    let body = &settled.event.body;
    if body.is_client_only() { *body.digest().as_bytes() } else { *settled.chain.as_bytes() }
}

/// What SQLite says of a file that it can't read, in our terms.
fn unreadable(path: &Path, error: Error) -> Error {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseCorrupt, NotADatabase};
    match error {
        Error::Sql { source: rusqlite::Error::SqliteFailure(ref failure, _), .. } => match failure.code {
            DatabaseCorrupt | NotADatabase => Error::Damaged { path: path.to_owned(), reason: error.to_string() },
            CannotOpen => Error::Io { path: path.to_owned(), source: std::io::Error::other(error.to_string()) },
            _ => error,
        },
        error => error,
    }
}
