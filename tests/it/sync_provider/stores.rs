//! Whole stores over each way to a backend.

use std::time::Duration;

use headwater::sync_provider::{MemoryBackend, SyncProvider};
use headwater::{Fate, Store, params, sql};
use headwater_server::Server;
use headwater_tests::schema::{Todo, TodoEvent, schema};

use super::batches::store;

const PATIENCE: Duration = Duration::from_secs(60);

fn open(provider: impl SyncProvider) -> Store {
    Store::builder(schema()).store_id(store().as_str()).sync(provider).open().expect("a schema that holds")
}

fn create(client: &Store, id: &str) -> headwater::Receipt {
    client.commit(TodoEvent::Created { id: id.into(), text: id.into() }).expect("a commit that fits")
}

fn confirm(client: &Store, id: &str) {
    let fate = create(client, id).wait_confirmed(PATIENCE).expect("the backend is there");
    assert!(matches!(fate, Fate::Confirmed { .. }), "{fate:?}");
}

/// Waits until a client has nothing to send and as much as the log holds, and tells what it shows.
fn settled(client: &Store, head: u64) -> Vec<Todo> {
    let is_settled = |status: &headwater::SyncStatus| status.is_synced && status.heads.session.global == head;
    let status = client.sync_status_changes().wait_until(PATIENCE, is_settled);
    assert!(status.is_some(), "not settled: {:?}", client.sync_status());
    client.query(sql::<Todo>("SELECT * FROM todos ORDER BY id", params![])).expect("reads")
}

fn check_that_stores_converge(phone: &Store, laptop: &Store) {
    confirm(phone, "a");
    for id in ["b", "c", "d"] {
        create(phone, id);
        create(laptop, &format!("{id}-too"));
    }
    let (on_phone, on_laptop) = (settled(phone, 7), settled(laptop, 7));
    assert_eq!(on_phone.len(), 7);
    assert_eq!(on_phone, on_laptop);
}

#[test]
fn stores_converge_in_memory() {
    let backend = MemoryBackend::new();
    check_that_stores_converge(&open(backend.provider()), &open(backend.provider()));
    assert_eq!(backend.head(&store()), 7);
}

#[test]
fn stores_converge_over_http() {
    let server = Server::builder().start().expect("a free port");
    check_that_stores_converge(&open(super::http::sync(&server)), &open(super::http::sync(&server)));
}

#[test]
fn a_store_goes_on_after_lost_answers_and_a_cut_connection() {
    let backend = MemoryBackend::new();
    let (link, other) = (backend.provider(), open(backend.provider()));
    let client = open(link.clone());
    link.lose_next_answers(1);
    confirm(&client, "a");
    assert_eq!(link.answers_to_lose(), 0);
    link.set_online(false);
    let receipt = create(&client, "b");
    confirm(&other, "c");
    link.set_online(true);
    assert!(matches!(receipt.wait_confirmed(PATIENCE), Ok(Fate::Confirmed { .. })));
    assert_eq!(settled(&client, 3), settled(&other, 3));
    assert_eq!(backend.head(&store()), 3, "nothing is there twice");
}
