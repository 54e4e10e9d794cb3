//! Several sessions of one client in one process.

use std::time::Duration;

use anyhow::{Context, Result};
use headwater::{Commit, Durability, SeqNum, Store, params, sql};
use headwater_tests::schema::{Todo, TodoEvent, Ui, schema};

const PATIENCE: Duration = Duration::from_secs(60);

fn rows(store: &Store) -> Vec<Todo> {
    store.query(sql::<Todo>("SELECT * FROM todos ORDER BY id", params![])).expect("reads")
}

/// Waits until a session shows all that is in the log.
fn follow(store: &Store, head: SeqNum) -> Result<()> {
    let shown = |status: &headwater::SyncStatus| status.unpersisted == 0 && !head.is_after(&status.heads.session);
    store.sync_status_changes().wait_until(PATIENCE, shown).map(drop).context("the session did not follow")
}

/// Pushes of one session that are under way while another session moves the log must neither overtake each other nor
/// get lost.
#[test]
fn sessions_that_commit_at_once_keep_every_event_once_and_in_order() -> Result<()> {
    for durability in [Durability::Deferred, Durability::Process] {
        let store = Store::builder(schema()).open()?;
        store.commit(TodoEvent::Created { id: "shared".into(), text: String::new() })?;
        let sessions = [store.clone(), store.new_session()?, store.new_session()?];
        let threads = sessions.clone().into_iter().enumerate().map(|(number, session)| {
            std::thread::spawn(move || -> Result<Vec<headwater::EventId>> {
                let mut ids = Vec::new();
                for step in 0..200 {
                    let appended = TodoEvent::TextAppended { id: "shared".into(), text: format!("{number}:{step} ") };
                    ids.extend(session.commit(Commit::new().with(appended)?.durability(durability))?.event_ids());
                }
                Ok(ids)
            })
        });
        let committed: Vec<Vec<_>> = threads
            .collect::<Vec<_>>()
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect::<Result<_>>()?;
        follow(&sessions[0], SeqNum::global(601))?;
        let log: Vec<_> = store.events(SeqNum::ROOT).map(|event| Ok(event?.id)).collect::<headwater::Result<_>>()?;
        assert_eq!(log.len(), 601);
        for ids in &committed {
            let of_session: Vec<_> = log.iter().filter(|id| ids.contains(id)).copied().collect();
            assert_eq!(of_session, *ids, "a session's events are there once and in its order");
        }
        for session in &sessions {
            follow(session, SeqNum::global(601))?;
            assert_eq!(rows(session), rows(&store));
        }
    }
    Ok(())
}

#[test]
fn a_document_is_shared_and_each_session_keeps_what_it_set() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    let other = store.new_session()?;
    let (a, b) = (store.document::<Ui>()?, other.document::<Ui>()?);
    assert_eq!(a.get()?, Ui::default());
    assert_eq!(store.sync_status().heads.leader, SeqNum::ROOT, "reading wrote an event");
    a.update(|ui| ui.draft = "milk".into())?;
    b.update(|ui| ui.list = Some("inbox".into()))?;
    let expected = Ui { draft: "milk".into(), list: Some("inbox".into()) };
    let head = store.sync_status().heads.leader;
    follow(&store, head)?;
    follow(&other, head)?;
    assert_eq!((a.get()?, b.get()?), (expected.clone(), expected.clone()));
    assert!(a.set(&expected)?.is_none(), "nothing changed, so nothing is committed");
    a.update(|ui| ui.list = None)?;
    assert_eq!(a.get()?.list, None);
    Ok(())
}

#[test]
fn the_same_folder_opened_twice_is_one_client() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let open = || Store::builder(schema()).storage(headwater::Storage::directory(folder.path())).open();
    let (one, two) = (open()?, open()?);
    assert_eq!(one.client_id(), two.client_id());
    one.commit(TodoEvent::Created { id: "1".into(), text: "one".into() })?;
    follow(&two, SeqNum::global(1))?;
    assert_eq!(rows(&two), rows(&one));
    drop(one);
    two.commit(TodoEvent::Created { id: "2".into(), text: "two".into() })?;
    drop(two);
    assert_eq!(rows(&open()?).len(), 2);
    Ok(())
}
