//! The statements: rows to values and back.

use headwater_core::backend::{Append, PageBounds, PageCut, PageStep, PushDecision, PushView, judge_push};
use headwater_core::protocol::{LogPosition, PushRequest, WireEvent};
use headwater_core::{Args, BackendId, Chain, Claim, ClientId, EventId, EventRecord, Facts, SessionId, StoreId};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, params};

use crate::event_store::{Page, StoreError};

/// A row of `stores`.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoreRow {
    pub(super) key: i64,
    pub(super) log: LogPosition,
}

impl StoreRow {
    /// The chain value at a position of a log that has no other than the first and the last.
    pub(super) fn chain_at(&self, position: u64) -> Option<Chain> {
        match position {
            0 => Some(Chain::ROOT),
            _ if position == self.log.head => Some(self.log.chain),
            _ => None,
        }
    }
}

/// What a push comes to.
#[derive(Debug)]
pub(super) enum Judgement {
    Append(Append),
    Behind,
    Definite(LogPosition, PushDecision),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Unavailable("the disk is full".into()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Unavailable("the database is busy".into())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

fn int(number: u64) -> rusqlite::Result<i64> {
    i64::try_from(number).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn uint(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(index)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, number))
}

/// Whether the database answers at all.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?)
}

pub(super) fn find_store(connection: &Connection, store: &StoreId) -> Result<Option<StoreRow>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT store_key, backend_id, epoch, head, chain FROM stores WHERE store_id = ?1")?;
    let read = |row: &Row<'_>| {
        let log = LogPosition {
            backend_id: BackendId::from_bytes(row.get(1)?),
            epoch: uint(row, 2)?,
            head: uint(row, 3)?,
            chain: Chain::from_bytes(row.get(4)?),
        };
        Ok(StoreRow { key: row.get(0)?, log })
    };
    Ok(statement.query_row([store.as_str()], read).optional()?)
}

pub(super) fn create_store(
    connection: &Connection,
    store: &StoreId,
    backend_id: BackendId,
) -> rusqlite::Result<StoreRow> {
    let log = LogPosition { backend_id, epoch: 0, head: 0, chain: Chain::ROOT };
    let mut statement = connection
        .prepare_cached("INSERT INTO stores (store_id, backend_id, epoch, head, chain) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let values =
        params![store.as_str(), log.backend_id.as_bytes(), int(log.epoch)?, int(log.head)?, log.chain.as_bytes()];
    let key = statement.insert(values)?;
    Ok(StoreRow { key, log })
}

/// Judges a push as of now. The store must exist.
pub(super) fn judge(
    connection: &mut Connection,
    store: &StoreId,
    request: &PushRequest,
) -> Result<Judgement, StoreError> {
    let view = connection.transaction()?;
    let row = find_store(&view, store)?.ok_or_else(|| StoreError::Failed("the store is gone".into()))?;
    Ok(judge_at(&view, &row, request)?)
}

/// Judges a push. Whoever appends afterwards must be in the same transaction.
pub(super) fn judge_at(connection: &Connection, row: &StoreRow, request: &PushRequest) -> rusqlite::Result<Judgement> {
    let claim = connection
        .prepare_cached("SELECT claim FROM claims WHERE store_key = ?1 AND client_id = ?2")?
        .query_row(params![row.key, request.client_id.as_str()], |row| row.get(0))
        .optional()?
        .map(Claim::from_bytes);
    let mut by_id = connection.prepare_cached("SELECT seq_num FROM events WHERE store_key = ?1 AND id = ?2")?;
    let mut known = Vec::with_capacity(request.events.len());
    for event in &request.events {
        let found = by_id.query_row(params![row.key, event.id.as_bytes()], |row| uint(row, 0));
        known.push(found.optional()?);
    }
    let view = PushView { log: row.log, claim, known: &known };
    Ok(match judge_push(&view, request) {
        PushDecision::Append(append) => Judgement::Append(append),
        PushDecision::Behind => Judgement::Behind,
        decision => Judgement::Definite(row.log, decision),
    })
}

/// Writes a judged batch.
pub(super) fn append(connection: &Connection, key: i64, client: &ClientId, append: &Append) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO events
            (store_key, seq_num, id, name, ver, args, client_id, session_id, group_rest, facts, chain)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for chained in &append.events {
        let body = &chained.event.body;
        let facts = (!body.facts.is_empty())
            .then(|| serde_json::to_string(&body.facts).expect("lists of strings can be written as JSON"));
        insert.execute(params![
            key,
            int(chained.event.seq.global)?,
            body.id.as_bytes(),
            &*body.name,
            body.ver,
            body.args.json().as_bytes(),
            body.client_id.as_str(),
            body.session_id.as_str(),
            body.group_rest,
            facts,
            chained.chain.as_bytes(),
        ])?;
    }
    connection.prepare_cached("UPDATE stores SET head = ?2, chain = ?3 WHERE store_key = ?1")?.execute(params![
        key,
        int(append.log.head)?,
        append.log.chain.as_bytes()
    ])?;
    if let Some(claim) = append.new_claim {
        connection
            .prepare_cached("INSERT INTO claims (store_key, client_id, claim) VALUES (?1, ?2, ?3)")?
            .execute(params![key, client.as_str(), claim.as_bytes()])?;
    }
    Ok(())
}

/// The events after a position, as one view; `None` if the store does not exist. Every event is checked against the
/// chain on its way out.
pub(super) fn page(
    connection: &mut Connection,
    store: &StoreId,
    after: u64,
    bounds: PageBounds,
) -> Result<Option<Page>, StoreError> {
    let view = connection.transaction()?;
    let Some(row) = find_store(&view, store)? else {
        return Ok(None);
    };
    let log = row.log;
    if after > log.head {
        return Ok(Some(Page { log, chain: None, events: Vec::new(), remaining: 0 }));
    }
    let chain = chain_at(&view, &row, after)?;
    let events = match chain {
        Some(chain) => events_after(&view, &row, after, chain, bounds).map_err(|error| error.of(store))?,
        None => return Err(damaged(store, format!("there is no event {after}"))),
    };
    let remaining = log.head - after - events.len() as u64;
    Ok(Some(Page { log, chain, events, remaining }))
}

fn chain_at(connection: &Connection, row: &StoreRow, position: u64) -> rusqlite::Result<Option<Chain>> {
    if position == 0 || position == row.log.head {
        return Ok(row.chain_at(position));
    }
    let found = connection
        .prepare_cached("SELECT chain FROM events WHERE store_key = ?1 AND seq_num = ?2")?
        .query_row(params![row.key, int(position)?], |row| row.get(0))
        .optional()?;
    Ok(found.map(Chain::from_bytes))
}

enum ReadError {
    Sqlite(rusqlite::Error),
    Damaged(String),
}

impl ReadError {
    fn of(self, store: &StoreId) -> StoreError {
        match self {
            Self::Sqlite(error) => error.into(),
            Self::Damaged(detail) => damaged(store, detail),
        }
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn damaged(store: &StoreId, detail: String) -> StoreError {
    StoreError::Damaged { store: store.clone(), detail }
}

fn events_after(
    connection: &Connection,
    row: &StoreRow,
    after: u64,
    mut chain: Chain,
    bounds: PageBounds,
) -> Result<Vec<WireEvent>, ReadError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq_num, id, name, ver, args, client_id, session_id, group_rest, facts, chain
         FROM events WHERE store_key = ?1 AND seq_num > ?2 ORDER BY seq_num",
    )?;
    let mut rows = statement.query(params![row.key, int(after)?])?;
    let mut cut = PageCut::new(bounds);
    let mut position = after;
    while let Some(row) = rows.next()? {
        position += 1;
        let event = event(row, position)?;
        chain = chain.next(position, &EventRecord::from(event.clone()).body.digest());
        if chain.as_bytes() != &row.get::<_, [u8; 32]>(9)? {
            return Err(ReadError::Damaged(format!("event {position} does not fit the chain")));
        }
        if cut.add(event) == PageStep::Full {
            break;
        }
    }
    Ok(cut.finish())
}

fn event(row: &Row<'_>, position: u64) -> Result<WireEvent, ReadError> {
    let seq_num = uint(row, 0)?;
    let broken = |what: &str| ReadError::Damaged(format!("event {position}: {what}"));
    if seq_num != position {
        return Err(broken("it is missing"));
    }
    let text = |index| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
    let args = String::from_utf8(row.get(4)?).map_err(|_| broken("its arguments are not UTF-8"))?;
    let facts = match row.get_ref(8)?.as_str_or_null().map_err(rusqlite::Error::from)? {
        Some(json) => serde_json::from_str(json).map_err(|_| broken("its facts can't be read"))?,
        None => Facts::default(),
    };
    Ok(WireEvent {
        seq_num,
        parent_seq_num: position - 1,
        name: text(2)?.into(),
        args: Args::from_json(args).map_err(|_| broken("its arguments are not JSON"))?,
        client_id: ClientId::new(text(5)?).map_err(|_| broken("its client id is not valid"))?,
        session_id: SessionId::new(text(6)?).map_err(|_| broken("its session id is not valid"))?,
        id: EventId::from_bytes(row.get(1)?),
        ver: row.get(3)?,
        group: row.get(7)?,
        facts,
    })
}
