//! Backends that fail, come back, or are not the one that a client knows.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use headwater::sync_provider::protocol::{LogPosition, PullAnswer, PullRequest, PushAnswer, PushRequest};
use headwater::sync_provider::{MemoryBackend, MemorySync, ProviderFuture, SyncProvider, TransportError};
use headwater::{Health, Storage, Store, StoreId};
use headwater_tests::schema::schema;

use super::world::{Client, PATIENCE, converge, created, default_id, reach, texts, todos, wait_until};

/// What a [`Switch`] does with requests.
#[derive(Clone)]
enum Way {
    To(MemorySync),
    Fails(TransportError),
    Panics,
}

/// A provider that can be switched between backends and faults.
#[derive(Clone)]
struct Switch(Arc<Mutex<Way>>);

impl Switch {
    fn new(link: &MemorySync) -> Self {
        Self(Arc::new(Mutex::new(Way::To(link.clone()))))
    }

    /// From now on; a pull that is held is cut.
    fn turn(&self, way: Way) {
        let before = std::mem::replace(&mut *self.0.lock().expect("no panic"), way);
        if let Way::To(link) = before {
            link.set_online(false);
            link.set_online(true);
        }
    }

    fn link(&self) -> Result<MemorySync, TransportError> {
        let way = self.0.lock().expect("no panic").clone();
        match way {
            Way::To(link) => Ok(link),
            Way::Fails(error) => Err(error),
            Way::Panics => panic!("as asked"),
        }
    }
}

impl SyncProvider for Switch {
    fn pull<'a>(&'a self, store: &'a StoreId, request: PullRequest) -> ProviderFuture<'a, PullAnswer> {
        Box::pin(async move { self.link()?.pull(store, request).await })
    }

    fn push<'a>(&'a self, store: &'a StoreId, request: PushRequest) -> ProviderFuture<'a, PushAnswer> {
        Box::pin(async move { self.link()?.push(store, request).await })
    }

    fn ping<'a>(&'a self, store: &'a StoreId) -> ProviderFuture<'a, LogPosition> {
        Box::pin(async move { self.link()?.ping(store).await })
    }
}

fn open(switch: &Switch) -> Result<Store> {
    Ok(Store::builder(schema()).sync(switch.clone()).open()?)
}

/// One failed pull must not end the sync, and the status must not say that all is well meanwhile.
#[test]
fn a_backend_that_fails_is_asked_again_and_the_status_tells() -> Result<()> {
    let backend = MemoryBackend::new();
    let other = Client::new(&backend)?;
    let link = backend.provider();
    let switch = Switch::new(&link);
    let store = open(&switch)?;
    store.commit(created("0"))?;
    reach(&store, 1)?;
    let ways = [
        Way::Fails(TransportError::Server("500".into())),
        Way::Fails(TransportError::NotOurs("<html>".into())),
        Way::Fails(TransportError::Offline("no route".into())),
        Way::Fails(TransportError::NeedsAuth("expired".into())),
        Way::Fails(TransportError::RateLimited { retry_after_ms: Some(1), reason: "slowly".into() }),
        Way::Panics,
    ];
    for (round, way) in ways.into_iter().enumerate() {
        let refused = matches!(way, Way::Fails(TransportError::NeedsAuth(_) | TransportError::RateLimited { .. }));
        switch.turn(way);
        let head = backend.head(&default_id());
        other.store.commit(created(&format!("{round} theirs")))?;
        store.commit(created(&format!("{round} mine")))?;
        reach(&other.store, head + 1)?;
        let mut failures = 0;
        let status = wait_until(&store, |status| {
            assert!(!status.is_synced, "it is not: {status:?}");
            failures = failures.max(status.failures);
            let told = matches!(status.health, Health::Refused { .. }) == refused;
            failures >= 2 && told && status.health != Health::Online
        })?;
        assert_eq!(status.pending, 1, "{status:?}");
        switch.turn(Way::To(link.clone()));
        converge(&backend, &[&other.store, &store])?;
    }
    assert_eq!(todos(&store).len(), 13);
    Ok(())
}

/// Wiped, restored from an old backup, of another epoch, or another backend altogether.
#[test]
fn a_backend_that_is_not_the_known_one_gets_nothing_and_takes_nothing() -> Result<()> {
    type Disturb = fn(&MemoryBackend);
    let disturbances: [(&str, Disturb, u64); 3] = [
        ("another log", |backend| backend.replace(&default_id()), 0),
        ("an old backup", |backend| backend.rewind(&default_id(), 1), 1),
        ("another epoch", |backend| backend.raise_epoch(&default_id()), 2),
    ];
    for (what, disturb, head) in disturbances {
        let backend = MemoryBackend::new();
        let folder = tempfile::tempdir()?;
        let open = || Client::with(&backend, schema(), |builder| builder.storage(Storage::directory(folder.path())));
        let client = open()?;
        client.store.commit(created("1"))?;
        client.store.commit(created("2"))?;
        reach(&client.store, 2)?;
        client.link.set_online(false);
        let receipt = client.store.commit(created("3"))?;
        disturb(&backend);
        client.link.set_online(true);
        let changed = |status: &headwater::SyncStatus| {
            assert!(!status.is_synced, "{what}: {status:?}");
            matches!(status.health, Health::BackendChanged { .. })
        };
        wait_until(&client.store, changed)?;
        client.store.commit(created("4"))?;
        assert_eq!(texts(&client.store), ["1=1", "2=2", "3=3", "4=4"], "{what}");
        assert_eq!(receipt.fate(), None);
        client.store.verify()?;
        client.store.shutdown()?;
        let client = open()?;
        wait_until(&client.store, changed)?;
        assert_eq!(texts(&client.store).len(), 4);
        assert_eq!(client.store.sync_status().pending, 2);
        assert_eq!(backend.head(&default_id()), head, "{what}: a stranger got something");
    }
    Ok(())
}

#[test]
fn when_the_known_backend_is_back_all_goes_on() -> Result<()> {
    let (known, stranger) = (MemoryBackend::new(), MemoryBackend::new());
    let theirs = Client::new(&stranger)?;
    theirs.store.commit([created("x"), created("y"), created("z")])?;
    reach(&theirs.store, 3)?;
    let link = known.provider();
    let switch = Switch::new(&link);
    let store = open(&switch)?;
    store.commit(created("1"))?;
    reach(&store, 1)?;
    switch.turn(Way::To(stranger.provider()));
    store.commit(created("2"))?;
    wait_until(&store, |status| matches!(status.health, Health::BackendChanged { .. }))?;
    assert_eq!(texts(&store), ["1=1", "2=2"]);
    switch.turn(Way::To(link));
    // It asks a backend that has changed again in its own time; switching sync off and on is the app's way to say now.
    store.set_online(false)?;
    store.set_online(true)?;
    reach(&store, 2)?;
    assert_eq!(stranger.head(&default_id()), 3);
    converge(&known, &[&store])?;
    Ok(())
}

#[test]
fn while_sync_is_switched_off_nothing_is_exchanged() -> Result<()> {
    let backend = MemoryBackend::new();
    let (a, b) = (Client::new(&backend)?, Client::new(&backend)?);
    a.store.commit(created("1"))?;
    converge(&backend, &[&a.store, &b.store])?;
    a.store.set_online(false)?;
    wait_until(&a.store, |status| status.health == Health::Paused && !status.is_synced)?;
    a.store.commit(created("a"))?;
    b.store.commit(created("b"))?;
    reach(&b.store, 2)?;
    let status = wait_until(&a.store, |status| status.pending == 1)?;
    assert_eq!((status.upstream_head.global, backend.head(&default_id())), (1, 2));
    assert!(status.oldest_pending_age.is_some());
    a.store.set_online(true)?;
    converge(&backend, &[&a.store, &b.store])?;
    assert_eq!(a.store.sync_status().oldest_pending_age, None);
    Ok(())
}

#[test]
fn two_stores_in_one_process_do_not_mix() -> Result<()> {
    let backend = MemoryBackend::new();
    let (one, two) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let open = |id: &'static str, path: &std::path::Path| {
        let storage = Storage::directory(path);
        Client::with(&backend, schema(), |builder| builder.store_id(id).storage(storage))
    };
    let (red, blue) = (open("red", one.path())?, open("blue", two.path())?);
    std::thread::scope(|scope| {
        for (client, name) in [(&red, "red"), (&blue, "blue")] {
            scope.spawn(move || {
                for number in 0..100 {
                    client.store.commit(created(&format!("{name}{number}"))).expect("commits");
                }
            });
        }
    });
    for (client, name) in [(&red, "red"), (&blue, "blue")] {
        reach(&client.store, 100)?;
        assert_eq!(todos(&client.store).len(), 100);
        assert!(todos(&client.store).iter().all(|todo| todo.id.starts_with(name)));
        let log = backend.events(&StoreId::new(name)?);
        assert!(log.len() == 100 && log.iter().all(|event| event.args.json().contains(name)));
        client.store.verify()?;
    }
    assert_ne!(red.store.client_id(), blue.store.client_id());
    Ok(())
}

#[test]
fn answers_that_are_lost_double_nothing() -> Result<()> {
    let backend = MemoryBackend::new();
    let (a, b) = (Client::new(&backend)?, Client::new(&backend)?);
    for round in 0..5 {
        a.link.lose_next_answers(1);
        b.link.lose_next_answers(1);
        let receipts = [
            a.store.commit([created(&format!("{round}a")), created(&format!("{round}A"))])?,
            b.store.commit(created(&format!("{round}b")))?,
        ];
        for receipt in receipts {
            receipt.wait_confirmed(PATIENCE)?;
        }
    }
    converge(&backend, &[&a.store, &b.store])?;
    assert_eq!(backend.head(&default_id()), 15);
    Ok(())
}
