//! Finding materializers that are not deterministic.

use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::Result;
use headwater::{Error, Event, Schema, StateTx, Store, params};
use headwater_tests::schema::{TodoEvent, Ui, schema};
use serde::{Deserialize, Serialize};

use super::world::{created, noted};

static CLOCK: AtomicI64 = AtomicI64::new(0);

#[derive(Clone, Event, Serialize, Deserialize)]
enum Timed {
    #[event(name = "v1.Fine", sql = "INSERT INTO fine VALUES (:what)")]
    Fine { what: String },
    #[event(name = "v1.Timed", materialize = timed)]
    Timed { what: String },
}

fn timed(tx: &mut StateTx<'_>, what: &str) -> headwater::Result<()> {
    let now = CLOCK.fetch_add(1, Ordering::SeqCst);
    tx.execute("INSERT INTO timed VALUES (?1, ?2)", params![what, now]).map(drop)
}

#[test]
fn a_materializer_that_reads_a_clock_is_found() -> Result<()> {
    let schema = Schema::builder()
        .sql("CREATE TABLE fine (what TEXT PRIMARY KEY) STRICT, WITHOUT ROWID")
        .sql("CREATE TABLE timed (what TEXT, at INTEGER) STRICT")
        .event::<Timed>()
        .build();
    let store = Store::builder(schema).open()?;
    store.commit(Timed::Fine { what: "a".into() })?;
    store.verify()?;
    store.commit(Timed::Timed { what: "b".into() })?;
    let error = store.verify().expect_err("another time");
    assert!(matches!(&error, Error::Diverged { table, .. } if table == "timed"), "{error}");
    assert!(error.to_string().contains("row 0"), "{error}");
    Ok(())
}

#[test]
fn settled_pending_and_client_only_events_are_all_part_of_it() -> Result<()> {
    let backend = headwater::sync_provider::MemoryBackend::new();
    let client = super::world::Client::new(&backend)?;
    client.store.commit((created("1"), noted("n")))?;
    super::world::reach(&client.store, 1)?;
    client.link.set_online(false);
    client.store.commit([created("2"), TodoEvent::Completed { id: "1".into() }])?;
    client.store.document::<Ui>()?.update(|ui| ui.draft = "x".into())?;
    client.store.verify()?;
    client.store.new_session()?.verify()?;
    client.store.clone().shutdown()?;
    assert!(matches!(client.store.verify(), Err(Error::Closed)));
    Store::builder(schema()).open()?.verify()?;
    Ok(())
}
