//! Clients with sessions and a backend, under a random interleaving: whatever happens on the way, all come to the
//! same log, with every event in it once.

use std::collections::{HashMap, HashSet, VecDeque};

use headwater_core::sync_state::{Payload, Upstream};
use headwater_core::{EventId, EventRecord, EventScope, MergeResult, SeqNum};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::replica::{Replica, ids, places};

const CLIENTS: usize = 3;
const SESSIONS: usize = 2;

/// What happens next, and at which client and session.
#[derive(Clone, Copy, Debug)]
enum Step {
    Commit(usize, usize, EventScope),
    /// A session sends what is pending and not sent yet to its leader.
    Send(usize, usize),
    /// A leader takes the next push of a session.
    Take(usize, usize),
    /// A session takes the next message of its leader.
    Receive(usize, usize),
    /// A leader pushes up to so many events; the answer may be lost.
    Push(usize, usize, Answer),
    /// A leader pulls a page of up to so many events.
    Pull(usize, usize),
    /// The backend refuses the first pending event of a leader for good.
    Refuse(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Arrives,
    Lost,
}

fn step() -> impl Strategy<Value = Step> {
    let scope = prop_oneof![2 => Just(EventScope::Synced), 1 => Just(EventScope::ClientOnly)];
    let answer = prop_oneof![3 => Just(Answer::Arrives), 1 => Just(Answer::Lost)];
    let (client, session) = (|| 0..CLIENTS, || 0..SESSIONS);
    prop_oneof![
        6 => (client(), session(), scope).prop_map(|(client, session, scope)| Step::Commit(client, session, scope)),
        6 => (client(), session()).prop_map(|(client, session)| Step::Send(client, session)),
        6 => (client(), session()).prop_map(|(client, session)| Step::Take(client, session)),
        8 => (client(), session()).prop_map(|(client, session)| Step::Receive(client, session)),
        4 => (client(), 1..5_usize, answer).prop_map(|(client, most, answer)| Step::Push(client, most, answer)),
        4 => (client(), 1..5_usize).prop_map(|(client, most)| Step::Pull(client, most)),
        1 => client().prop_map(Step::Refuse),
    ]
}

/// What a leader says to a session, in order.
#[derive(Clone, Debug)]
enum Message {
    Update(Payload),
    Answer(Taken),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Taken {
    Yes,
    /// The log moved between the session's numbering and now.
    Stale,
}

/// Many pushes of a session can be under way. Two rules keep its events in order when the log moves meanwhile:
///
/// - A push says how many movements of the log the session knew when it numbered the events. The leader takes no push
///   that knew fewer than it has sent, even if the numbers happen to fit.
/// - A session that hears of a movement while pushes are under way sends nothing until all of them are answered. Then it
///   sends all that is pending.
struct Session {
    replica: Replica,
    mailbox: VecDeque<Message>,
    outbox: VecDeque<Push>,
    /// The events of each push that is not answered.
    under_way: VecDeque<Vec<EventId>>,
    known_movements: usize,
    waits: bool,
}

struct Push {
    events: Vec<EventRecord>,
    known_movements: usize,
}

struct Client {
    leader: Replica,
    sessions: Vec<Session>,
    /// Movements of the log that each session was told.
    movements: [usize; SESSIONS],
}

#[derive(Default)]
struct Network {
    clients: Vec<Client>,
    log: Vec<EventRecord>,
    /// Of each session, the events in the order in which they were committed, and whether each is refused.
    committed: HashMap<(usize, usize), Vec<(EventId, EventScope)>>,
    refused: HashSet<EventId>,
    next_id: u32,
}

impl Network {
    fn new() -> Self {
        let session = || Session {
            replica: Replica::new(Upstream::Leader),
            mailbox: VecDeque::new(),
            outbox: VecDeque::new(),
            under_way: VecDeque::new(),
            known_movements: 0,
            waits: false,
        };
        let client = || Client {
            leader: Replica::new(Upstream::Backend),
            sessions: std::iter::repeat_with(session).take(SESSIONS).collect(),
            movements: [0; SESSIONS],
        };
        Self { clients: std::iter::repeat_with(client).take(CLIENTS).collect(), ..Self::default() }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Commit(client, session, scope) => {
                self.next_id += 1;
                let id = crate::body(self.next_id, scope).id;
                self.clients[client].sessions[session].replica.commit(self.next_id, scope);
                self.committed.entry((client, session)).or_default().push((id, scope));
            }
            Step::Send(client, session) => self.clients[client].sessions[session].send(),
            Step::Take(client, session) => self.clients[client].take(session),
            Step::Receive(client, session) => self.clients[client].sessions[session].receive(),
            Step::Push(client, most, answer) => self.push(client, most, answer),
            Step::Pull(client, most) => self.pull(client, most),
            Step::Refuse(client) => self.refuse(client),
        }
    }

    /// The backend's compare-and-set: a batch is appended whole if it follows the head.
    fn push(&mut self, client: usize, most: usize, answer: Answer) {
        let batch = self.clients[client].batch(most);
        let head = self.log.len() as u64;
        if batch.first().is_none_or(|first| first.parent.global != head) {
            return;
        }
        let as_upstream = |event: &EventRecord| EventRecord {
            seq: SeqNum::global(event.seq.global),
            parent: SeqNum::global(event.parent.global),
            body: event.body.clone(),
        };
        let batch: Vec<_> = batch.iter().map(as_upstream).collect();
        self.log.extend(batch.iter().cloned());
        let client = &mut self.clients[client];
        if answer == Answer::Arrives && client.leader.state.upstream_head().global == head {
            client.merge(Payload::UpstreamAdvance { events: batch });
        }
    }

    fn pull(&mut self, client: usize, most: usize) {
        let client = &mut self.clients[client];
        let after = client.leader.state.upstream_head().global;
        let page: Vec<_> = self.log.iter().filter(|event| event.seq.global > after).take(most).cloned().collect();
        client.merge(Payload::UpstreamAdvance { events: page });
    }

    fn refuse(&mut self, client: usize) {
        let known: HashSet<_> = ids(&self.log).into_iter().collect();
        let client = &mut self.clients[client];
        let Some(first) = client.batch(1).first().map(EventRecord::id).filter(|id| !known.contains(id)) else {
            return;
        };
        let result = client.leader.remove(&HashSet::from([first])).expect("it is pending");
        client.tell(result, 0..SESSIONS);
        self.refused.insert(first);
    }

    /// With nothing lost any more, all is settled in bounded time.
    fn quiesce(&mut self) {
        for _ in 0..50 {
            for client in 0..CLIENTS {
                for session in 0..SESSIONS {
                    self.step(Step::Send(client, session));
                    self.clients[client].take_all(session);
                    self.clients[client].sessions.iter_mut().for_each(Session::receive_all);
                }
                self.step(Step::Pull(client, usize::MAX));
                self.step(Step::Push(client, usize::MAX, Answer::Arrives));
            }
        }
    }

    fn check(&self) {
        let logged = ids(&self.log);
        for client in &self.clients {
            assert_eq!(client.leader.state.pending().len(), 0, "a leader has pending events");
            let synced = client.leader.applied.iter().filter(|event| !event.body.is_client_only());
            assert_eq!(ids(synced), logged, "a client's log is not the backend's");
            for session in &client.sessions {
                assert_eq!(session.replica.state.pending().len(), 0, "a session has pending events");
                assert_eq!(places(&session.replica.applied), places(&client.leader.applied), "a session differs");
            }
        }
        for (&(client, _), events) in &self.committed {
            let mine: HashSet<_> = events.iter().map(|(id, _)| *id).collect();
            let here = ids(self.clients[client].leader.applied.iter().filter(|event| mine.contains(&event.id())));
            let kept = events.iter().map(|(id, _)| *id).filter(|id| !self.refused.contains(id));
            assert_eq!(here, kept.collect::<Vec<_>>(), "a session's events are lost, doubled or out of order");
        }
    }
}

impl Client {
    /// The first synced events that are pending.
    fn batch(&self, most: usize) -> Vec<EventRecord> {
        let synced = self.leader.state.pending().iter().filter(|event| !event.body.is_client_only());
        synced.take(most).cloned().collect()
    }

    /// The author gets an answer, the other sessions an update.
    fn take(&mut self, session: usize) {
        let Some(push) = self.sessions[session].outbox.pop_front() else { return };
        let known = push.known_movements == self.movements[session];
        let merged = known.then(|| self.leader.merge(Payload::LocalPush { events: push.events }));
        let result = merged.transpose().expect("a session keeps order");
        let taken = result.filter(|result| !matches!(result, MergeResult::Reject { .. }));
        let answer = if taken.is_some() { Taken::Yes } else { Taken::Stale };
        self.sessions[session].mailbox.push_back(Message::Answer(answer));
        if let Some(result) = taken {
            self.tell(result, (0..SESSIONS).filter(|other| *other != session));
        }
    }

    fn take_all(&mut self, session: usize) {
        while !self.sessions[session].outbox.is_empty() {
            self.take(session);
        }
    }

    fn merge(&mut self, payload: Payload) {
        let result = self.leader.merge(payload).expect("the backend keeps order");
        self.tell(result, 0..SESSIONS);
    }

    fn tell(&mut self, result: MergeResult, sessions: impl Iterator<Item = usize>) {
        let payload = match result {
            MergeResult::Advance { new_events, .. } if new_events.is_empty() => return,
            MergeResult::Advance { new_events, .. } => Payload::UpstreamAdvance { events: new_events },
            MergeResult::Rebase { rollback, new_events, .. } => {
                let head = self.leader.state.local_head();
                Payload::UpstreamRebase { rollback, events: new_events, head }
            }
            MergeResult::Reject { .. } => return,
        };
        for session in sessions {
            self.movements[session] += 1;
            self.sessions[session].mailbox.push_back(Message::Update(payload.clone()));
        }
    }
}

impl Session {
    fn send(&mut self) {
        let sent = self.under_way.iter().map(Vec::len).sum();
        let events: Vec<_> = self.replica.state.pending().iter().skip(sent).cloned().collect();
        if !self.waits && !events.is_empty() {
            self.under_way.push_back(ids(&events));
            self.outbox.push_back(Push { events, known_movements: self.known_movements });
        }
    }

    fn receive(&mut self) {
        match self.mailbox.pop_front() {
            Some(Message::Update(payload)) => {
                self.known_movements += 1;
                self.waits = !self.under_way.is_empty();
                self.replica.merge(payload).expect("the leader keeps order");
            }
            Some(Message::Answer(taken)) => self.answered(taken),
            None => {}
        }
    }

    fn answered(&mut self, taken: Taken) {
        let pushed = self.under_way.pop_front().expect("an answer to a push");
        self.waits &= !self.under_way.is_empty();
        if taken == Taken::Yes {
            let events: Vec<_> = self.replica.state.pending().iter().take(pushed.len()).cloned().collect();
            assert_eq!(ids(&events), pushed, "the answer is about other events");
            self.replica.merge(Payload::UpstreamAdvance { events }).expect("they were pushed in order");
        }
    }

    fn receive_all(&mut self) {
        while !self.mailbox.is_empty() {
            self.receive();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_clients_and_sessions_converge(steps in vec(step(), 1..120)) {
        let mut network = Network::new();
        steps.iter().for_each(|step| network.step(*step));
        network.quiesce();
        network.check();
    }
}
