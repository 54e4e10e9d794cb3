//! Reading the eventlog.

use anyhow::{Context, Result};
use headwater::sync_provider::MemoryBackend;
use headwater::{EventStream, SeqNum, Storage, Store};
use headwater_tests::schema::schema;

use super::world::{Client, appended, converge, created, noted, reach, wait};

fn seqs(store: &Store, since: SeqNum) -> Result<Vec<u64>> {
    Ok(store.events(since).map(|event| Ok(event?.seq.global)).collect::<headwater::Result<_>>()?)
}

fn next(stream: &mut EventStream) -> Result<u64> {
    Ok(wait(stream.next()).context("there is one")??.seq.global)
}

#[test]
fn events_come_in_order_from_a_position_on_and_without_those_of_the_client_alone() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    for chunk in 0..4 {
        store.commit((0..300).map(|number| created(&format!("{chunk}-{number}"))).collect::<Vec<_>>())?;
        store.commit(noted("private"))?;
    }
    assert_eq!(seqs(&store, SeqNum::ROOT)?, (1..=1_200).collect::<Vec<_>>());
    assert_eq!(seqs(&store, SeqNum::global(1_198))?, [1_199, 1_200]);
    assert_eq!(seqs(&store, SeqNum { global: 300, client: 1, generation: 0 })?.first(), Some(&301));
    assert_eq!(seqs(&store, SeqNum::global(1_200))?, [0_u64; 0]);
    assert_eq!(seqs(&store, SeqNum::global(9_999))?, [0_u64; 0], "a position that is not there yet is no damage");
    Ok(())
}

#[test]
fn a_stream_goes_on_with_what_settles_and_ends_with_the_store() -> Result<()> {
    let backend = MemoryBackend::new();
    let (a, b) = (Client::new(&backend)?, Client::new(&backend)?);
    a.store.commit(created("1"))?;
    converge(&backend, &[&a.store, &b.store])?;
    let mut stream = b.store.event_stream(SeqNum::ROOT);
    assert_eq!(next(&mut stream)?, 1);
    b.link.set_online(false);
    b.store.commit(appended("1", "-b"))?;
    a.store.commit(appended("1", "-a"))?;
    reach(&a.store, 2)?;
    b.link.set_online(true);
    // In the order of the log, and not in that of the commits.
    let of_a = wait(stream.next()).context("there is one")??;
    assert_eq!((of_a.seq.global, &of_a.client_id), (2, &a.store.client_id()));
    assert_eq!(next(&mut stream)?, 3);
    b.store.shutdown()?;
    assert!(wait(stream.next()).is_none());
    assert!(wait(stream.next()).is_none(), "it stays ended");
    Ok(())
}

/// A reader keeps the position of the last event that it has worked through.
#[test]
fn a_reader_goes_on_after_a_restart_where_it_was() -> Result<()> {
    let backend = MemoryBackend::new();
    let folder = tempfile::tempdir()?;
    let open = || Client::with(&backend, schema(), |builder| builder.storage(Storage::directory(folder.path())));
    let other = Client::new(&backend)?;
    let mut read = Vec::new();
    let mut position = SeqNum::ROOT;
    for round in 0..4 {
        let client = open()?;
        client.store.commit([created(&format!("{round}a")), created(&format!("{round}b"))])?;
        other.store.commit(created(&format!("{round}c")))?;
        converge(&backend, &[&client.store, &other.store])?;
        // It stops before the end, and not at the end of a group.
        let mut stream = client.store.event_stream(position);
        for _ in 0..2 {
            let event = wait(stream.next()).context("there is one")??;
            position = event.seq;
            read.push(event.id);
        }
        client.store.shutdown()?;
    }
    let log: Vec<_> = other.store.events(SeqNum::ROOT).map(|event| Ok(event?.id)).collect::<headwater::Result<_>>()?;
    assert_eq!(read[..], log[..8]);
    Ok(())
}

#[test]
fn a_stream_does_not_keep_a_store_alive() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    store.commit(created("1"))?;
    let mut stream = store.event_stream(SeqNum::ROOT);
    assert_eq!(next(&mut stream)?, 1);
    let waiting = std::thread::spawn(move || wait(stream.next()).is_none());
    drop(store);
    assert!(waiting.join().expect("no panic"));
    Ok(())
}
