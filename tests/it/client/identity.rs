//! Clients that have the same id, by chance or because one is a copy of the other.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::Result;
use headwater::sync_provider::MemoryBackend;
use headwater::{Durability, Event, Schema, StateTx, Storage, params, sql};
use headwater_tests::schema::schema;
use serde::{Deserialize, Serialize};

use super::world::{Client, converge, created, default_id, noted, notes, reach, texts, todos, wait_until};

/// There are 64 ids of one character: that none of 40 clients collide happens once in a million times. A client that
/// takes a taken one may draw a taken one again.
#[test]
fn clients_whose_ids_collide_draw_others_and_nothing_is_doubled_or_lost() -> Result<()> {
    let backend = MemoryBackend::new();
    let mut clients = Vec::new();
    for number in 0..40 {
        let client = Client::with(&backend, schema(), |builder| builder.client_id_chars(1).start_offline())?;
        client.store.commit((created(&format!("{number:02}-a")), noted("mine")))?;
        client.store.commit(created(&format!("{number:02}-b")))?;
        clients.push(client);
    }
    let drawn: HashSet<_> = clients.iter().map(|client| client.store.client_id()).collect();
    clients.iter().try_for_each(|client| client.store.set_online(true))?;
    // While the ids are changing.
    clients[0].store.commit(created("last"))?;
    converge(&backend, &clients.iter().map(|client| &client.store).collect::<Vec<_>>())?;
    assert_eq!(backend.head(&default_id()), 40 * 2 + 1);
    assert_eq!(todos(&clients[0].store).len(), 40 * 2 + 1);
    let ids: HashSet<_> = clients.iter().map(|client| client.store.client_id()).collect();
    assert_eq!(ids.len(), clients.len(), "two clients still have the same id");
    assert!(drawn.len() < ids.len(), "no ids have collided, so that this test shows nothing");
    for client in &clients {
        assert_eq!(notes(&client.store), ["mine"]);
    }
    let authors: HashSet<_> = backend.events(&default_id()).iter().map(|event| event.client_id.clone()).collect();
    assert!(authors.is_subset(&ids), "an event has an id that nobody has");
    Ok(())
}

/// What a materializer is told of the author must be the same everywhere, also for what was on its way when the id
/// changed.
#[test]
fn events_under_way_while_the_id_changes_are_shown_under_the_new_one() -> Result<()> {
    #[derive(Clone, Event, Serialize, Deserialize)]
    enum Written {
        #[event(name = "v1.Written", materialize = written)]
        Written { what: String },
    }
    fn written(tx: &mut StateTx<'_>, what: &str) -> headwater::Result<()> {
        let author = tx.event().client_id().to_string();
        tx.execute("INSERT INTO written VALUES (?1, ?2)", params![what, author]).map(drop)
    }
    let schema =
        || Schema::builder().sql("CREATE TABLE written (what TEXT, author TEXT) STRICT").event::<Written>().build();
    let backend = MemoryBackend::new();
    let mut clients = Vec::new();
    for number in 0..20 {
        let client = Client::with(&backend, schema(), |builder| {
            builder.client_id_chars(1).start_offline().durability(Durability::Deferred)
        })?;
        client.store.commit(Written::Written { what: format!("{number} before") })?;
        clients.push(client);
    }
    for client in &clients {
        client.store.set_online(true)?;
        for number in 0..20 {
            client.store.commit(Written::Written { what: number.to_string() })?;
        }
    }
    for client in &clients {
        wait_until(&client.store, |status| status.pending == 0 && status.unpersisted == 0)?;
    }
    let log: Vec<_> = backend.events(&default_id()).iter().map(|event| event.client_id.to_string()).collect();
    assert_eq!(log.len(), 420);
    for client in &clients {
        reach(&client.store, 420)?;
        assert_eq!(client.store.query(sql::<String>("SELECT author FROM written ORDER BY rowid", params![]))?, log);
        client.store.verify()?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

#[test]
fn a_copied_data_folder_becomes_a_client_of_its_own_and_nothing_is_lost() -> Result<()> {
    let backend = MemoryBackend::new();
    let (original, copied) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let open = |path: &Path| Client::with(&backend, schema(), |builder| builder.storage(Storage::directory(path)));
    let client = open(original.path())?;
    client.store.commit(created("1"))?;
    reach(&client.store, 1)?;
    client.link.set_online(false);
    // Pending in both: pushed by whoever comes first, and recognised by the other.
    client.store.commit((created("2"), noted("mine")))?;
    client.store.shutdown()?;
    copy(original.path(), copied.path())?;
    let (a, b) = (open(original.path())?, open(copied.path())?);
    for round in 0..10 {
        a.store.commit(created(&format!("a{round}")))?;
        b.store.commit(created(&format!("b{round}")))?;
    }
    converge(&backend, &[&a.store, &b.store])?;
    assert_eq!(backend.head(&default_id()), 22);
    assert_eq!((notes(&a.store), notes(&b.store)), (vec!["mine".to_owned()], vec!["mine".to_owned()]));
    wait_until(&a.store, |_| a.store.client_id() != b.store.client_id())?;
    // And both go on.
    a.store.commit(created("last a"))?;
    b.store.commit(created("last b"))?;
    converge(&backend, &[&a.store, &b.store])?;
    assert_eq!(texts(&a.store).len(), 24);
    Ok(())
}
