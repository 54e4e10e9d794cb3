//! What can be done with todos, on a store alone.

use crate::support::{PATIENCE, texts};
use headwater::sync_provider::HttpSync;
use headwater::{Result, Store};
use headwater_server::Server;
use todo::log::Log;
use todo::model::{Action, INBOX, Model};
use todo::schema::{ListEvent, TodoEvent, schema};
use todo::state::State;

fn model() -> Result<Model> {
    Model::new(Store::builder(schema()).open()?)
}

fn with(todos: &[&str]) -> Result<Model> {
    let mut model = model()?;
    todos.iter().rev().try_for_each(|text| model.apply(Action::Add((*text).to_owned())))?;
    Ok(model)
}

fn id(model: &Model, at: usize) -> String {
    model.todos().get()[at].id.clone()
}

#[test]
fn a_move_is_one_event_whatever_the_place() -> Result<()> {
    for from in 0..4 {
        for to in 0..4 {
            let mut model = with(&["a", "b", "c", "d"])?;
            let before = model.store().events(headwater::SeqNum::ROOT).count();
            let mut expected = texts(&model);
            let moved = expected.remove(from);
            expected.insert(to, moved);
            model.apply(Action::Move { id: id(&model, from), to })?;
            assert_eq!(texts(&model), expected, "from {from} to {to}");
            assert_eq!(model.store().events(headwater::SeqNum::ROOT).count(), before + 1);
        }
    }
    Ok(())
}

#[test]
fn filling_keeps_the_order() -> Result<()> {
    let model = with(&["first"])?;
    model.fill(1_201)?;
    let texts = texts(&model);
    assert_eq!(texts.len(), 1_202);
    assert_eq!((texts[0].as_str(), texts[1].as_str()), ("first", "Todo 1 of 1201"));
    assert_eq!(texts[1_201], "Todo 1201 of 1201");
    Ok(())
}

#[test]
fn a_todo_that_is_added_to_a_deleted_list_brings_it_back() -> Result<()> {
    let model = with(&["a"])?;
    let store = model.store();
    store.commit(ListEvent::Deleted { id: INBOX.into() })?;
    assert_eq!(model.lists().get().len(), 0);
    let (id, list_id, position) = ("x".to_owned(), INBOX.to_owned(), "V".to_owned());
    store.commit(TodoEvent::Created { id, list_id, text: "b".into(), position })?;
    assert_eq!(model.lists().get()[0].total, 2);
    Ok(())
}

#[test]
fn what_is_shown_is_kept_over_a_restart_and_never_sent() -> Result<()> {
    let mut model = with(&["a"])?;
    model.apply(Action::CreateList("Garden".into()))?;
    let garden = model.list_id().to_owned();
    assert_ne!(garden, INBOX);
    let again = Model::new(model.store().clone())?;
    assert_eq!(again.list_id(), garden);
    let names: Vec<_> = model
        .store()
        .events(headwater::SeqNum::ROOT)
        .map(|event| event.map(|event| event.name))
        .collect::<Result<_>>()?;
    assert_eq!(names, ["v1.ListCreated", "v1.TodoCreated", "v1.ListCreated"]);
    Ok(())
}

#[test]
fn two_clients_that_begin_apart_have_one_inbox() -> Result<()> {
    let server = Server::builder().start().expect("starts");
    let open = || -> Result<Model> {
        Model::new(Store::builder(schema()).sync(HttpSync::new(server.url())?).start_offline().open()?)
    };
    let (mut a, mut b) = (open()?, open()?);
    a.apply(Action::Add("of a".into()))?;
    b.apply(Action::Add("of b".into()))?;
    for model in [&mut a, &mut b] {
        model.apply(Action::SetOnline(true))?;
    }
    for model in [&a, &b] {
        let all = |status: &headwater::SyncStatus| status.is_synced && status.upstream_head.global == 4;
        model.store().sync_status_changes().wait_until(PATIENCE, all).expect("in sync");
    }
    assert_eq!(State::of(a.store())?, State::of(b.store())?);
    assert_eq!(a.lists().get().len(), 1);
    assert_eq!(texts(&a).len(), 2);
    Ok(())
}

#[test]
fn the_log_shows_where_a_rebased_event_was() -> Result<()> {
    let server = Server::builder().start().expect("starts");
    let open = || -> Result<Model> {
        let store = Store::builder(schema()).sync(HttpSync::new(server.url())?).start_offline().open()?;
        Model::new(store)
    };
    let (mut a, mut b) = (open()?, open()?);
    b.apply(Action::Add("of b".into()))?;
    let mut log = Log::default();
    log.set_pending(&b.store().pending_events());
    assert_eq!(log.pending()[1].place, "e2'");
    assert_eq!(log.pending()[1].was, None);

    a.apply(Action::SetOnline(true))?;
    let reached =
        |head: u64| move |status: &headwater::SyncStatus| status.is_synced && status.upstream_head.global == head;
    a.store().sync_status_changes().wait_until(PATIENCE, reached(1)).expect("in sync");
    b.apply(Action::SetOnline(true))?;
    let store = b.store().clone();
    let settled = |status: &headwater::SyncStatus| reached(3)(status) && store.pending_events().is_empty();
    b.store().sync_status_changes().wait_until(PATIENCE, settled).expect("in sync");
    for event in b.store().events(headwater::SeqNum::ROOT) {
        log.confirm(&event?);
    }
    log.set_pending(&b.store().pending_events());
    assert_eq!(log.pending(), []);
    let lines: Vec<_> = log.confirmed().map(|line| (&*line.place, &*line.text, line.was.as_deref())).collect();
    let inbox = "v1.ListCreated “Inbox”";
    assert_eq!(lines, [("e1", inbox, None), ("e2", inbox, Some("e1'")), ("e3", "v1.TodoCreated “of b”", Some("e2'"))]);
    Ok(())
}
