//! A frame is asked for when something has changed, and not otherwise.

use std::time::Duration;

use egui::{Context, RawInput};
use headwater::sync_provider::HttpSync;
use headwater::{Event, Schema, SeqNum, Store, Table, params, sql};
use headwater_egui::{Incoming, LiveStatus, Repaint};
use serde::{Deserialize, Serialize};

/// More than this takes only a machine that is stuck.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, PartialEq, Table)]
#[table(name = "notes")]
struct Note {
    #[column(primary_key)]
    id: i64,
}

#[derive(Debug, Event, Serialize, Deserialize)]
enum NoteEvent {
    #[event(name = "v1.Noted", insert(Note))]
    Noted { id: i64 },
}

fn schema() -> Schema {
    Schema::builder().table::<Note>().event::<NoteEvent>().build()
}

fn store() -> Store {
    Store::builder(schema()).open().expect("opens")
}

/// A window that has drawn all that it was asked for.
fn settled_window() -> Context {
    let ctx = Context::default();
    while wants_frame(&ctx) {
        frame(&ctx);
    }
    ctx
}

fn frame(ctx: &Context) {
    ctx.run_ui(RawInput::default(), |_| ()).drop_without_applying_deltas();
}

fn wants_frame(ctx: &Context) -> bool {
    ctx.has_requested_repaint()
}

/// Until another thread asks for a frame.
fn wait_for_frame(ctx: &Context) {
    let begin = std::time::Instant::now();
    while !wants_frame(ctx) {
        assert!(begin.elapsed() < PATIENCE, "no frame was asked for");
        std::thread::yield_now();
    }
}

#[test]
fn a_change_of_a_live_query_asks_for_a_frame_until_the_subscription_ends() {
    let (store, ctx) = (store(), settled_window());
    let count = store.live_query(sql::<i64>("SELECT count(*) FROM notes", params![])).expect("runs");
    let subscription = count.repaint(&ctx);
    assert!(!wants_frame(&ctx));
    store.commit(NoteEvent::Noted { id: 1 }).expect("commits");
    assert!(wants_frame(&ctx));

    drop(subscription);
    let ctx = settled_window();
    store.commit(NoteEvent::Noted { id: 2 }).expect("commits");
    assert!(!wants_frame(&ctx));
}

#[test]
fn a_commit_that_changes_nothing_of_the_query_asks_for_none() {
    let (store, ctx) = (store(), settled_window());
    let none = store.live_query(sql::<i64>("SELECT id FROM notes WHERE id < 0", params![])).expect("runs");
    let _subscription = none.repaint(&ctx);
    store.commit(NoteEvent::Noted { id: 1 }).expect("commits");
    assert!(!wants_frame(&ctx));
}

#[test]
fn a_change_of_the_status_asks_for_a_frame_once_it_was_read() {
    let backend = HttpSync::new("http://127.0.0.1:1").expect("an address");
    let store = Store::builder(schema()).sync(backend).start_offline().open().expect("opens");
    let ctx = settled_window();
    let mut status = LiveStatus::new(&store, &ctx);
    for id in 1..=3_u8 {
        assert_eq!(status.get().pending, usize::from(id) - 1);
        store.commit(NoteEvent::Noted { id: id.into() }).expect("commits");
        wait_for_frame(&ctx);
        let begin = std::time::Instant::now();
        while status.get().pending != usize::from(id) {
            assert!(begin.elapsed() < PATIENCE, "{status:?}");
            std::thread::yield_now();
        }
        frame(&ctx);
    }
    store.shutdown().expect("ends");
    assert_eq!(status.get().pending, 3, "the last status stays after the end");
}

#[test]
fn a_stream_is_read_as_far_as_it_is_there_and_asks_for_a_frame_when_it_goes_on() {
    let (store, ctx) = (store(), settled_window());
    let mut events = Incoming::new(store.event_stream(SeqNum::ROOT), &ctx);
    let mut next = |ctx: &Context| {
        let begin = std::time::Instant::now();
        loop {
            if let Some(event) = events.next() {
                return event.expect("reads").seq.global;
            }
            assert!(begin.elapsed() < PATIENCE && !events.has_ended());
            wait_for_frame(ctx);
            frame(ctx);
        }
    };
    store.commit([NoteEvent::Noted { id: 1 }, NoteEvent::Noted { id: 2 }]).expect("commits");
    assert_eq!((next(&ctx), next(&ctx)), (1, 2));
    store.commit(NoteEvent::Noted { id: 3 }).expect("commits");
    assert_eq!(next(&ctx), 3);
}

#[test]
fn a_stream_ends_with_its_store() {
    let (store, ctx) = (store(), settled_window());
    let mut events = Incoming::new(store.event_stream(SeqNum::ROOT), &ctx);
    assert!(events.next().is_none());
    store.shutdown().expect("ends");
    let begin = std::time::Instant::now();
    while !events.has_ended() {
        assert!(events.next().is_none());
        assert!(begin.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
}
