//! Receipts: what becomes of an event, also after a restart.

use anyhow::{Context, Result};
use headwater::sync_provider::{Denied, MemoryBackend};
use headwater::{Commit, Durability, Error, Fate, Storage, Store};
use headwater_tests::schema::schema;

use super::world::{Client, PATIENCE, appended, converge, created, noted, reach, texts, wait};

#[test]
fn a_receipt_tells_of_persisting_and_of_confirmation() -> Result<()> {
    let backend = MemoryBackend::new();
    let client = Client::new(&backend)?;
    client.link.set_online(false);
    let receipt = client.store.commit([created("1"), created("2")])?;
    assert!(receipt.is_persisted());
    wait(receipt.persisted())?;
    assert_eq!(receipt.fate(), None);
    let again = client.store.receipt(receipt.event_ids()[1])?.context("is known")?;
    assert!(again.is_persisted());
    client.link.set_online(true);
    for receipt in [&receipt, &again] {
        let Fate::Confirmed { seq } = wait(receipt.confirmed())? else { panic!("{receipt:?}") };
        assert_eq!(seq.global, 2, "that of the last event");
        assert_eq!(receipt.fate(), Some(Fate::Confirmed { seq }));
    }
    let first = client.store.receipt(receipt.event_ids()[0])?.context("is known")?;
    assert!(matches!(first.fate(), Some(Fate::Confirmed { seq }) if seq.global == 1));
    Ok(())
}

#[test]
fn a_deferred_commit_is_persisted_soon() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    for number in 0..100 {
        let commit = Commit::new().with(created(&number.to_string()))?.durability(Durability::Deferred);
        wait(store.commit(commit)?.persisted())?;
    }
    Ok(())
}

#[test]
fn receipts_are_there_again_after_a_restart() -> Result<()> {
    let backend = MemoryBackend::new();
    let folder = tempfile::tempdir()?;
    let open = || Client::with(&backend, schema(), |builder| builder.storage(Storage::directory(folder.path())));
    backend.set_rules(|event| match event.args.json().contains("bad") {
        true => Err(Denied::new("bad", "nothing bad here")),
        false => Ok(()),
    });
    let client = open()?;
    let good = client.store.commit(created("1"))?.event_ids()[0];
    let bad = client.store.commit(created("bad"))?.event_ids()[0];
    let receipt = client.store.receipt(bad)?.context("is known")?;
    assert!(matches!(wait(receipt.confirmed())?, Fate::Rejected { .. }));
    reach(&client.store, 1)?;
    client.link.set_online(false);
    let pending = client.store.commit(created("2"))?.event_ids()[0];
    let private = client.store.commit(noted("n"))?.event_ids()[0];
    client.store.shutdown()?;

    let client = open()?;
    let fate = |id| -> Result<_> { Ok(client.store.receipt(id)?.context("is known")?.wait_confirmed(PATIENCE)) };
    assert!(matches!(fate(good)?, Ok(Fate::Confirmed { seq }) if seq.global == 1));
    assert!(matches!(fate(pending)?, Ok(Fate::Confirmed { seq }) if seq.global == 2));
    let Ok(Fate::Rejected { code, reason }) = fate(bad)? else { panic!("it was refused") };
    assert_eq!((&*code, &*reason), ("bad", "nothing bad here"));
    let error = fate(private)?.expect_err("it never leaves");
    assert!(error.to_string().contains("client-only"), "{error}");
    assert!(client.store.receipt(headwater::EventId::from_bytes([7; 16]))?.is_none());
    Ok(())
}

/// What depends on the refused event is not pushed by the rules of facts; everything else goes on.
#[test]
fn a_rejected_event_is_kept_as_a_dead_letter_and_the_rest_goes_on() -> Result<()> {
    let backend = MemoryBackend::new();
    backend.set_rules(|event| match event.args.json().contains("bad") {
        true => Err(Denied::new("bad", "nothing bad here")),
        false => Ok(()),
    });
    let (a, b) = (Client::new(&backend)?, Client::new(&backend)?);
    reach(&a.store, 0)?;
    a.link.set_online(false);
    let before = a.store.commit(created("1"))?;
    let bad = a.store.commit([created("2"), appended("2", "bad"), created("3")])?;
    let after = a.store.commit(created("4"))?;
    assert_eq!(texts(&a.store), ["1=1", "2=2bad", "3=3", "4=4"]);
    a.link.set_online(true);
    assert!(matches!(wait(bad.confirmed())?, Fate::Rejected { .. }));
    assert!(matches!(wait(before.confirmed())?, Fate::Confirmed { .. }));
    assert!(matches!(wait(after.confirmed())?, Fate::Confirmed { .. }));
    converge(&backend, &[&a.store, &b.store])?;
    assert_eq!(texts(&a.store), ["1=1", "4=4"]);
    let letters = a.store.dead_letters()?;
    assert_eq!(letters.iter().map(|letter| letter.id).collect::<Vec<_>>(), bad.event_ids());
    assert!(letters.iter().all(|letter| letter.code == "bad" && letter.reason == "nothing bad here"));
    assert!(letters[1].args.contains("bad"));
    Ok(())
}

#[test]
fn nothing_is_confirmed_in_a_store_without_a_backend() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    let receipt = store.commit(created("1"))?;
    wait(receipt.persisted())?;
    let error = wait(receipt.confirmed()).expect_err("there is no backend");
    assert!(matches!(error, Error::Provider(_)), "{error}");
    assert_eq!(receipt.fate(), None);
    Ok(())
}

#[test]
fn the_last_synced_event_decides_for_a_commit_that_ends_with_a_client_only_one() -> Result<()> {
    let backend = MemoryBackend::new();
    let client = Client::new(&backend)?;
    let receipt = client.store.commit((created("1"), noted("n")))?;
    assert!(matches!(wait(receipt.confirmed())?, Fate::Confirmed { seq } if seq.global == 1));
    let private = client.store.commit(noted("n"))?;
    assert!(private.is_persisted());
    assert!(matches!(wait(private.confirmed()), Err(Error::Provider(_))));
    Ok(())
}

#[test]
fn whoever_waits_for_a_receipt_is_told_when_the_store_ends() -> Result<()> {
    let backend = MemoryBackend::new();
    let client = Client::new(&backend)?;
    client.link.set_online(false);
    let receipt = client.store.commit(created("1"))?;
    let waiting = std::thread::spawn({
        let receipt = receipt.clone();
        move || wait(receipt.confirmed())
    });
    client.store.shutdown()?;
    assert!(matches!(waiting.join().expect("no panic"), Err(Error::Closed)));
    assert!(matches!(wait(receipt.confirmed()), Err(Error::Closed)));
    wait(receipt.persisted())?;
    Ok(())
}
