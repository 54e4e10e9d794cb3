//! Who is told of changes, when and how often.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use super::fixture::Session;
use crate::error::Error;
use crate::params;
use crate::query::deliver::ROUNDS_LIMIT;
use crate::query::graph::lock;
use crate::query::{Query, View, sql};
use crate::schema::{FromRow, Row};

fn texts() -> Query<String> {
    sql("SELECT text FROM todos ORDER BY id", params![])
}

fn count() -> Query<i64> {
    sql("SELECT count(*) FROM todos", params![])
}

#[test]
fn s2_and_s3_all_values_are_in_place_before_any_subscriber_runs() {
    let session = Session::with_rows();
    let (texts, count) = (session.live(texts()), session.live(count()));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let observe = |name: &'static str| {
        let (texts, count, seen) = (texts.clone(), count.clone(), seen.clone());
        move || lock(&seen).push((name, texts.get().len(), count.first()))
    };
    let (first, second, third) = (observe("first"), observe("second"), observe("third"));
    let _first = count.subscribe(move |_| first());
    let _second = texts.subscribe(move |_| second());
    let _third = count.subscribe(move |_| third());
    session.add(3, "owl", None);
    assert_eq!(
        *lock(&seen),
        [("first", 3, Some(3)), ("second", 3, Some(3)), ("third", 3, Some(3))],
        "in order, once each"
    );
}

#[test]
fn s2_what_a_round_delivers_is_of_one_version_even_if_a_subscriber_commits() {
    let session = Session::with_rows();
    let given = Arc::new(Mutex::new(Vec::new()));
    let (inner, log) = (session.clone(), given.clone());
    let (texts, count) = (session.live(texts()), session.live(count()));
    let _texts = texts.subscribe(move |rows| {
        lock(&log).push(rows.len());
        if rows.len() == 3 {
            inner.add(4, "more", None);
        }
    });
    let log = given.clone();
    let _count = count.subscribe(move |rows| lock(&log).push(usize::try_from(rows[0]).expect("a count") * 10));
    session.add(3, "owl", None);
    assert_eq!(*lock(&given), [3, 30, 4, 40]);
}

#[test]
fn s2_a_view_shows_all_queries_as_they_were() {
    let session = Session::with_rows();
    let (texts, count) = (session.live(texts()), session.live(count()));
    let shows = |view: &View| (view.get(&texts).join(" "), view.get(&count)[0]);
    let first = session.graph.view();
    session.write("UPDATE todos SET text = 'x' WHERE id = 1");
    let second = session.graph.view();
    let also_second = session.graph.view();
    session.add(3, "owl", None);
    session.write("UPDATE todos SET text = 'y' WHERE id = 1");
    let now = session.graph.view();
    assert_eq!(shows(&first), ("milk mail".into(), 2));
    assert_eq!(shows(&second), ("x mail".into(), 2));
    assert_eq!(shows(&now), ("y mail owl".into(), 3));
    drop((first, second));
    session.write("DELETE FROM todos");
    assert_eq!(shows(&also_second), ("x mail".into(), 2));
    assert_eq!(shows(&now), ("y mail owl".into(), 3));
    assert_eq!((texts.get().len(), count.one().expect("a row")), (0, 0));
}

#[test]
fn what_views_needed_is_dropped_with_them() {
    let session = Session::with_rows();
    let live = session.live(texts());
    let before = std::sync::Arc::downgrade(&live.get());
    let (view, later) = (session.graph.view(), session.graph.view());
    session.add(3, "owl", None);
    drop(view);
    assert!(before.upgrade().is_some());
    drop(later);
    assert!(before.upgrade().is_none());
    let before = std::sync::Arc::downgrade(&live.get());
    session.add(4, "cat", None);
    assert!(before.upgrade().is_none(), "without a view nothing is kept");
}

#[test]
fn changes_before_a_delivery_come_as_one() {
    let session = Session::with_rows();
    let watched = session.watch(texts());
    let mut touched = crate::db::Touched::default();
    for text in ["x", "y"] {
        session.execute("UPDATE todos SET text = ?1", params![text], &mut touched);
        session.settle(&touched);
    }
    session.graph.deliver();
    assert_eq!(watched.given().iter().map(|rows| rows[0].clone()).collect::<Vec<_>>(), ["y"]);
    session.graph.deliver();
    assert_eq!(watched.calls(), 0);
}

#[test]
fn a_subscriber_is_told_of_changes_after_it_subscribed() {
    let session = Session::with_rows();
    let live = session.live(texts());
    let mut touched = crate::db::Touched::default();
    session.execute("UPDATE todos SET text = 'x'", params![], &mut touched);
    session.settle(&touched);
    let watched = session.watch(texts());
    session.graph.deliver();
    assert_eq!((watched.calls(), live.get()), (0, watched.live.get()));
}

#[test]
fn a_subscription_ends_when_it_is_dropped() {
    let session = Session::with_rows();
    let live = session.live(texts());
    let calls = Arc::new(AtomicUsize::new(0));
    let later = Arc::new(Mutex::new(None));
    let slot = later.clone();
    let _first = live.subscribe(move |_| drop(lock(&slot).take()));
    let counted = calls.clone();
    *lock(&later) = Some(live.subscribe(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    }));
    session.add(3, "owl", None);
    assert_eq!(calls.load(Ordering::Relaxed), 0, "dropped by the first, in the same round");
    assert_eq!(Arc::strong_count(&calls), 1, "its closure is gone");
}

#[test]
fn a_subscriber_may_drop_itself() {
    let session = Session::with_rows();
    let live = session.live(texts());
    let own = Arc::new(Mutex::new(None));
    let (slot, calls) = (own.clone(), Arc::new(AtomicUsize::new(0)));
    let counted = calls.clone();
    *lock(&own) = Some(live.subscribe(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        drop(lock(&slot).take());
    }));
    session.add(3, "owl", None);
    session.add(4, "cat", None);
    assert_eq!((calls.load(Ordering::Relaxed), Arc::strong_count(&calls)), (1, 1));
}

#[test]
fn a_panicking_subscriber_disturbs_nobody() {
    let session = Session::with_rows();
    let live = session.live(texts());
    let _first = live.subscribe(|_| panic!("a bug of the app"));
    let watched = session.watch(texts());
    session.add(3, "owl", None);
    session.add(4, "cat", None);
    assert_eq!((watched.calls(), live.stats().deliveries), (2, 4));
}

#[test]
fn rows_that_panic_when_they_are_dropped_do_not_end_deliveries() {
    thread_local!(static ARMED: Cell<bool> = const { Cell::new(false) });
    struct Bomb;
    impl FromRow for Bomb {
        const COLUMNS: Option<&'static [&'static str]> = None;

        fn from_row(_: &Row<'_>) -> crate::Result<Self> {
            Ok(Self)
        }
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!ARMED.take(), "a bug of the app");
        }
    }
    let bombs = || sql::<Bomb>("SELECT id FROM todos", params![]);
    let session = Session::with_rows();
    let watched = session.watch(count());
    let live = session.live(bombs());
    ARMED.set(true);
    session.add(3, "old rows are dropped", None);
    assert_eq!((ARMED.get(), watched.calls()), (false, 1));
    drop(live);

    let held = Arc::new(Mutex::new(Some(session.live(bombs()))));
    let dropper = watched.live.subscribe(move |_| {
        drop(lock(&held).take());
        ARMED.set(true);
    });
    catch_unwind(AssertUnwindSafe(|| session.add(4, "the node is dropped", None))).expect_err("it goes off");
    drop(dropper);
    session.add(5, "later", None);
    assert_eq!((watched.live.first(), watched.calls()), (Some(5), 2));
}

#[test]
fn s8_a_commit_in_a_subscriber_is_delivered_after_it_returned() {
    let session = Session::with_rows();
    let trace = Arc::new(Mutex::new(Vec::new()));
    let live = session.live(count());
    let (inner, log) = (session.clone(), trace.clone());
    let shown = live.clone();
    let _subscription = live.subscribe(move |rows| {
        lock(&log).push(format!("in {}", rows[0]));
        if rows[0] < 5 {
            inner.add(rows[0] + 1, "more", None);
            lock(&log).push(format!("shows {}", shown.get()[0]));
        }
        lock(&log).push(format!("out {}", rows[0]));
    });
    session.add(3, "owl", None);
    assert_eq!(lock(&trace).join(", "), "in 3, shows 4, out 3, in 4, shows 5, out 4, in 5, out 5");
}

#[test]
fn s8_an_endless_loop_is_stopped_and_what_follows_works() {
    let session = Session::with_rows();
    let live = session.live(count());
    let inner = session.clone();
    let subscription = live.subscribe(move |rows| inner.add(rows[0] + 1, "more", None));
    session.add(3, "owl", None);
    assert_eq!(live.stats().deliveries, u64::from(ROUNDS_LIMIT) + 1);
    assert_eq!(live.first(), Some(3 + i64::from(ROUNDS_LIMIT) + 1), "values are up to date all the same");
    drop(subscription);
    let watched = session.watch(count());
    session.add(1000, "later", None);
    assert_eq!(watched.calls(), 1);
}

#[test]
fn a_long_chain_that_ends_is_not_a_loop() {
    let session = Session::with_rows();
    let watched = session.watch(count());
    for id in 3..=3 + i64::from(ROUNDS_LIMIT) * 2 {
        session.add(id, "one by one", None);
    }
    assert_eq!(watched.calls(), ROUNDS_LIMIT as usize * 2 + 1);
}

#[test]
fn another_thread_hands_its_changes_to_the_one_that_delivers() {
    let session = Session::with_rows();
    let live = session.live(count());
    let (entered, wait_entered) = mpsc::channel();
    let (leave, wait_leave) = mpsc::channel::<()>();
    let given = Arc::new(Mutex::new(Vec::new()));
    let log = given.clone();
    let _subscription = live.subscribe(move |rows| {
        lock(&log).push((std::thread::current().name().map(str::to_owned), rows[0]));
        entered.send(()).expect("the test waits");
        wait_leave.recv().expect("the test sends");
    });
    std::thread::scope(|scope| {
        let other = session.clone();
        let first = std::thread::Builder::new().name("first".into());
        let first = first.spawn_scoped(scope, move || other.add(3, "owl", None)).expect("a thread");
        wait_entered.recv().expect("the subscriber runs");
        session.add(4, "cat", None);
        assert_eq!(lock(&given).len(), 1, "the commit does not wait for the other's subscriber");
        assert_eq!(live.first(), Some(4), "and its value shows");
        leave.send(()).expect("the subscriber waits");
        wait_entered.recv().expect("the subscriber runs again");
        leave.send(()).expect("the subscriber waits");
        first.join().expect("no panic");
    });
    let by_first = |rows| (Some("first".to_owned()), rows);
    assert_eq!(*lock(&given), [by_first(3), by_first(4)]);
}

mod streams {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use futures_core::Stream;

    use super::*;
    use crate::query::Changes;

    type Polled<T> = Poll<Option<Arc<Vec<T>>>>;

    fn poll<T: Send + Sync + 'static>(stream: &mut Changes<T>) -> Polled<T> {
        Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_slow_reader_sees_the_latest_and_nothing_twice() {
        let session = Session::with_rows();
        let live = session.live(count());
        let (mut slow, mut fast) = (live.changes(), live.changes());
        assert!(poll(&mut slow).is_pending());
        for id in 3..10 {
            session.add(id, "more", None);
            assert_eq!(poll(&mut fast), Poll::Ready(Some(Arc::new(vec![id]))));
        }
        assert_eq!(poll(&mut slow), Poll::Ready(Some(Arc::new(vec![9]))));
        assert!(poll(&mut slow).is_pending() && poll(&mut fast).is_pending());
        session.write("DELETE FROM todos WHERE id = 9");
        session.add(9, "again", None);
        assert!(poll(&mut slow).is_pending(), "there and back again is no change");
        assert_eq!(poll(&mut live.changes()), Poll::Pending, "only what comes after");
    }

    #[test]
    fn they_end_when_the_graph_is_closed() {
        let session = Session::with_rows();
        let live = session.live(count());
        let mut stream = live.changes();
        session.add(3, "owl", None);
        session.graph.close();
        assert_eq!(poll(&mut stream), Poll::Ready(Some(Arc::new(vec![3]))), "what is left is still given");
        assert_eq!(poll(&mut stream), Poll::Ready(None));
        assert_eq!(poll(&mut live.changes()), Poll::Ready(None));
        assert_eq!(live.first(), Some(3));
        assert!(matches!(session.try_live(texts()), Err(Error::Closed)));
    }

    #[test]
    fn a_waiting_reader_is_woken_from_another_thread() {
        let session = Session::with_rows();
        let mut stream = session.live(count()).changes();
        let writer = session.clone();
        let (polled, wait_polled) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            wait_polled.recv().expect("the reader polls");
            writer.add(3, "owl", None);
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let rows = runtime.block_on(poll_fn(|context| {
            let poll = Pin::new(&mut stream).poll_next(context);
            let _ = polled.send(());
            poll
        }));
        assert_eq!(rows, Some(Arc::new(vec![3])));
        thread.join().expect("no panic");
    }
}
