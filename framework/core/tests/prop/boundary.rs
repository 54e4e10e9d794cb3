//! One boundary under a random history: the merge against the naive reference, and against itself with other pages.

use std::collections::HashSet;

use headwater_core::sync_state::{Payload, Upstream};
use headwater_core::{EventRecord, EventScope, SeqNum};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::body;
use crate::reference::Reference;
use crate::replica::{Replica, places};

/// What happens at a boundary.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A commit on this side.
    Commit(EventScope),
    /// An event of somebody else upstream.
    Foreign(EventScope),
    /// Upstream accepts the first so many of what is pending.
    Accept(usize),
    /// Upstream has one pending event too, wherever it stands: its numbering was lost, or it was sent by another way.
    AcceptOne(usize),
    /// Up to so many events arrive in one page.
    Page(usize),
    /// A pending event is rejected.
    Remove(usize),
    /// Upstream takes back up to so many events that are not ours and puts others before what it keeps of them.
    TakeBack(usize),
}

fn scope() -> impl Strategy<Value = EventScope> {
    prop_oneof![2 => Just(EventScope::Synced), 1 => Just(EventScope::ClientOnly)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => scope().prop_map(Step::Commit),
        2 => scope().prop_map(Step::Foreign),
        3 => (1..4_usize).prop_map(Step::Accept),
        1 => (0..4_usize).prop_map(Step::AcceptOne),
        4 => (1..5_usize).prop_map(Step::Page),
        1 => (0..4_usize).prop_map(Step::Remove),
        1 => (1..4_usize).prop_map(Step::TakeBack),
    ]
}

struct Boundary {
    upstream: Upstream,
    replica: Replica,
    reference: Reference,
    /// Upstream's log, of which the first `delivered` events have arrived here.
    log: Vec<EventRecord>,
    delivered: usize,
    next_id: u32,
    /// Pages are cut at these lengths instead of at those of the steps, in turn.
    cut_at: Vec<usize>,
}

impl Boundary {
    fn new(upstream: Upstream, cut_at: &[usize]) -> Self {
        Self {
            upstream,
            replica: Replica::new(upstream),
            reference: Reference::new(upstream),
            log: Vec::new(),
            delivered: 0,
            next_id: 0,
            cut_at: cut_at.to_vec(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Commit(scope) => {
                let id = self.fresh();
                self.replica.commit(id, scope);
                self.reference.commit(body(id, scope).id, scope);
            }
            Step::Foreign(scope) => {
                let id = self.fresh();
                self.append(&body(id, self.crossing(scope)));
            }
            Step::Accept(count) => {
                let waiting = self.not_in_log();
                waiting.iter().take(count).for_each(|event| self.append(&event.body));
            }
            Step::AcceptOne(index) => {
                if let Some(event) = self.not_in_log().get(index) {
                    self.append(&event.body);
                }
            }
            Step::Page(count) => self.deliver(count),
            Step::Remove(index) => self.remove(index),
            Step::TakeBack(count) => self.take_back(count),
        }
        assert_eq!(self.reference.places(), places(&self.replica.applied));
        let pending: Vec<_> = self.replica.state.pending().iter().map(EventRecord::id).collect();
        assert_eq!(self.reference.pending(), pending);
    }

    fn fresh(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    fn crossing(&self, scope: EventScope) -> EventScope {
        if self.upstream == Upstream::Backend { EventScope::Synced } else { scope }
    }

    fn append(&mut self, body: &std::sync::Arc<headwater_core::EventBody>) {
        let head = self.log.last().map_or(SeqNum::ROOT, |event| event.seq);
        self.log.push(EventRecord::after(&head, body.clone()));
    }

    /// What is pending, may cross and is not upstream yet.
    fn not_in_log(&self) -> Vec<EventRecord> {
        let known: HashSet<_> = self.log.iter().map(EventRecord::id).collect();
        let crosses = |event: &&EventRecord| self.upstream == Upstream::Leader || !event.body.is_client_only();
        let pending = self.replica.state.pending().iter().filter(crosses);
        pending.filter(|event| !known.contains(&event.id())).cloned().collect()
    }

    fn deliver(&mut self, count: usize) {
        let mut rest = count.min(self.log.len() - self.delivered);
        while rest > 0 {
            let most = if self.cut_at.is_empty() { rest } else { self.cut_at[0] };
            if !self.cut_at.is_empty() {
                self.cut_at.rotate_left(1);
            }
            let page = self.log[self.delivered..][..most.min(rest)].to_vec();
            page.iter().for_each(|event| self.reference.deliver(event));
            self.delivered += page.len();
            rest -= page.len();
            self.replica.merge(Payload::UpstreamAdvance { events: page }).expect("upstream's next events");
        }
    }

    fn remove(&mut self, index: usize) {
        if let Some(event) = self.not_in_log().get(index) {
            self.replica.remove(&HashSet::from([event.id()])).expect("it is pending");
            self.reference.remove(event.id());
        }
    }

    /// Only a leader does that: the events of its own clients are numbered again behind one more of the backend's.
    fn take_back(&mut self, count: usize) {
        if self.upstream == Upstream::Backend {
            return;
        }
        self.deliver(usize::MAX);
        let kept = self.log.len() - count.min(self.log.len());
        let rollback = self.log.split_off(kept);
        let generation = self.replica.state.local_head().generation + 1;
        let id = self.fresh();
        self.append(&body(id, EventScope::Synced));
        rollback.iter().for_each(|event| self.append(&event.body));
        let events = self.log[kept..].iter_mut().skip(1);
        events.for_each(|event| event.seq = event.seq.with_generation(generation));
        let events = self.log[kept..].to_vec();
        self.delivered = self.log.len();
        self.reference.take_back(rollback.len());
        events.iter().for_each(|event| self.reference.deliver(event));
        let head = events.last().expect("at least one").seq;
        self.replica.merge(Payload::UpstreamRebase { rollback, events, head }).expect("the tail of what came");
    }
}

fn run(upstream: Upstream, steps: &[Step], cut_at: &[usize]) -> Boundary {
    let mut boundary = Boundary::new(upstream, cut_at);
    steps.iter().for_each(|step| boundary.step(*step));
    boundary.deliver(usize::MAX);
    boundary
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_merge_equals_the_reference_at_the_backend(steps in vec(step(), 1..60)) {
        run(Upstream::Backend, &steps, &[]);
    }

    #[test]
    fn the_merge_equals_the_reference_at_the_leader(steps in vec(step(), 1..60)) {
        run(Upstream::Leader, &steps, &[]);
    }

    #[test]
    fn the_size_of_pages_changes_nothing(
        steps in vec(step(), 1..60),
        cut_at in vec(1..5_usize, 1..4),
        at_leader in any::<bool>(),
    ) {
        let upstream = if at_leader { Upstream::Leader } else { Upstream::Backend };
        let whole = run(upstream, &steps, &[]);
        let cut = run(upstream, &steps, &cut_at);
        prop_assert_eq!(places(&whole.replica.applied), places(&cut.replica.applied));
        prop_assert_eq!(whole.reference.pending(), cut.reference.pending());
        let (whole, cut) = (whole.replica.state, cut.replica.state);
        prop_assert!(whole.settled_head().order(&cut.settled_head()).is_eq());
        prop_assert!(whole.local_head().order(&cut.local_head()).is_eq());
        prop_assert_eq!(whole.upstream_head().global, cut.upstream_head().global);
    }

    #[test]
    fn the_size_of_local_pushes_changes_nothing(scopes in vec(scope(), 1..30), cut in vec(1..5_usize, 30)) {
        let mut one_by_one = Replica::new(Upstream::Backend);
        for (id, scope) in (1..).zip(&scopes) {
            one_by_one.commit(id, *scope);
        }
        let mut events = one_by_one.applied.clone();
        let mut in_batches = Replica::new(Upstream::Backend);
        for size in cut {
            let batch = events.drain(..size.min(events.len())).collect();
            in_batches.merge(Payload::LocalPush { events: batch }).expect("in order");
        }
        let rest = Payload::LocalPush { events };
        in_batches.merge(rest).expect("in order");
        prop_assert_eq!(one_by_one.state, in_batches.state);
    }
}
