//! A backend's log in memory.

use std::collections::BTreeMap;

use super::{Append, ChainedEvent, PageBounds, PageCut, PageStep, PushDecision, PushView, judge_pull, judge_push};
use crate::protocol::{LogPosition, PullAnswer, PullReply, PullRequest, PushAnswer, PushRequest, WireEvent};
use crate::{BackendId, Chain, Claim, ClientId, EventId};

/// The log of one store, in memory: what a backend decides, with the simplest storage that there is.
///
/// ```
/// use headwater_core::backend::MemoryLog;
/// use headwater_core::protocol::{PullAnswer, PullRequest};
/// use headwater_core::BackendId;
///
/// let log = MemoryLog::new(BackendId::from_bytes([7; 16]));
/// let PullAnswer::Page(page) = log.pull(&PullRequest::default()) else { panic!("it starts at the same root") };
/// assert!(page.events.is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct MemoryLog {
    position: LogPosition,
    events: Vec<ChainedEvent>,
    ids: BTreeMap<EventId, u64>,
    claims: BTreeMap<ClientId, Claim>,
}

impl MemoryLog {
    /// An empty log of epoch 0.
    #[must_use]
    pub fn new(backend_id: BackendId) -> Self {
        let position = LogPosition { backend_id, epoch: 0, head: 0, chain: Chain::ROOT };
        Self { position, events: Vec::new(), ids: BTreeMap::new(), claims: BTreeMap::new() }
    }

    /// Where it stands.
    #[must_use]
    pub fn position(&self) -> LogPosition {
        self.position
    }

    /// All its events; the one at position 1 comes first.
    #[must_use]
    pub fn events(&self) -> &[ChainedEvent] {
        &self.events
    }

    /// The chain value at a position; `None` if the log does not reach that far.
    #[must_use]
    pub fn chain_at(&self, position: u64) -> Option<Chain> {
        if position == 0 {
            return Some(Chain::ROOT);
        }
        let index = usize::try_from(position - 1).ok()?;
        self.events.get(index).map(|chained| chained.chain)
    }

    /// A page of the events after a position, and how many the log has after these.
    #[must_use]
    pub fn page(&self, after: u64, bounds: PageBounds) -> (Vec<WireEvent>, u64) {
        let start = usize::try_from(after).unwrap_or(usize::MAX).min(self.events.len());
        let mut cut = PageCut::new(bounds);
        for chained in &self.events[start..] {
            if cut.add(WireEvent::from(&chained.event)) == PageStep::Full {
                break;
            }
        }
        let page = cut.finish();
        let remaining = (self.events.len() - start - page.len()) as u64;
        (page, remaining)
    }

    /// Answers a pull at once, whatever it asks about waiting.
    #[must_use]
    pub fn pull(&self, request: &PullRequest) -> PullAnswer {
        let log = self.position;
        match judge_pull(&log, request.after, self.chain_at(request.after), request.chain) {
            Err(common_seq_num) => PullAnswer::Diverged { log, common_seq_num },
            Ok(()) => {
                let (events, remaining) = self.page(request.after, PageBounds::pull(request.limit));
                PullAnswer::Page(PullReply { log, events, remaining })
            }
        }
    }

    /// Judges a batch and changes nothing.
    ///
    /// # Errors
    /// The answer, if there is nothing to append.
    pub fn judge(&self, request: &PushRequest) -> Result<Append, PushAnswer> {
        let log = self.position;
        let known: Vec<_> = request.events.iter().map(|event| self.ids.get(&event.id).copied()).collect();
        let claim = self.claims.get(&request.client_id).copied();
        match judge_push(&PushView { log, claim, known: &known }, request) {
            PushDecision::Append(append) => Ok(append),
            PushDecision::Duplicate(reply) => Err(PushAnswer::Accepted(reply)),
            PushDecision::Behind => Err(self.behind(request)),
            PushDecision::BackendMismatch => Err(PushAnswer::BackendMismatch { log }),
            PushDecision::ClientIdTaken => Err(PushAnswer::ClientIdTaken),
            PushDecision::Malformed { reason } => Err(PushAnswer::Malformed { reason }),
        }
    }

    /// Events that don't continue the client's own history are no use to it: then there are none, and it has to pull.
    fn behind(&self, request: &PushRequest) -> PushAnswer {
        let log = self.position;
        if self.chain_at(request.parent) != Some(request.parent_chain) {
            return PushAnswer::Behind { log, tail: Vec::new(), more: true };
        }
        let (tail, remaining) = self.page(request.parent, PageBounds::tail());
        PushAnswer::Behind { log, tail, more: remaining > 0 }
    }

    /// Judges a batch and appends it if it may be appended.
    pub fn push(&mut self, request: &PushRequest) -> PushAnswer {
        let append = match self.judge(request) {
            Ok(append) => append,
            Err(answer) => return answer,
        };
        let reply = append.reply();
        if let Some(claim) = append.new_claim {
            self.claims.insert(request.client_id.clone(), claim);
        }
        for chained in append.events {
            self.ids.insert(chained.event.id(), chained.event.seq.global);
            self.events.push(chained);
        }
        self.position = append.log;
        PushAnswer::Accepted(reply)
    }

    /// Forgets everything after a position, the way a restored backup does. Claims stay.
    ///
    /// Whoever saw more finds out by the chain, or by the epoch after [`raise_epoch`](Self::raise_epoch).
    pub fn rewind(&mut self, head: u64) {
        let Some(chain) = self.chain_at(head) else { return };
        self.events.truncate(usize::try_from(head).unwrap_or(usize::MAX));
        self.ids.retain(|_, position| *position <= head);
        self.position.head = head;
        self.position.chain = chain;
    }

    /// Says that an operator changed the log by hand.
    pub fn raise_epoch(&mut self) {
        self.position.epoch += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::VERSION;
    use crate::{Args, Facts, SessionId};

    fn batch(log: &MemoryLog, numbers: std::ops::RangeInclusive<u64>) -> PushRequest {
        let client_id = ClientId::new("A").unwrap();
        let event = |seq_num: u64| WireEvent {
            seq_num,
            parent_seq_num: seq_num - 1,
            name: "v1.TodoCreated".into(),
            args: Args::from_json("{}".into()).unwrap(),
            client_id: client_id.clone(),
            session_id: SessionId::new("s").unwrap(),
            id: EventId::from_bytes(u128::from(seq_num).to_le_bytes()),
            ver: 1,
            group: 0,
            facts: Facts::default(),
        };
        let parent = numbers.start() - 1;
        PushRequest {
            protocol: VERSION,
            backend_id: None,
            epoch: None,
            client_id: client_id.clone(),
            claim: Claim::from_bytes([7; 32]),
            parent,
            parent_chain: log.chain_at(parent).unwrap(),
            events: numbers.map(event).collect(),
        }
    }

    fn log_of(count: u64) -> MemoryLog {
        let mut log = MemoryLog::new(BackendId::from_bytes([1; 16]));
        let answer = log.push(&batch(&log, 1..=count));
        assert!(matches!(answer, PushAnswer::Accepted(_)), "{answer:?}");
        log
    }

    #[test]
    fn what_is_pushed_is_pulled() {
        let log = log_of(5);
        let PullAnswer::Page(page) = log.pull(&PullRequest { after: 2, limit: Some(2), ..PullRequest::default() })
        else {
            panic!("the client's history is the log's");
        };
        assert_eq!(page.events.iter().map(|event| event.seq_num).collect::<Vec<_>>(), [3, 4]);
        assert_eq!((page.remaining, page.log), (1, log.position()));
    }

    #[test]
    fn a_batch_that_is_behind_gets_what_it_lacks() {
        let mut log = log_of(3);
        let mut late = batch(&log, 2..=2);
        late.events[0].id = EventId::from_bytes([9; 16]);
        let PushAnswer::Behind { tail, more, .. } = log.push(&late) else { panic!("the head is 3") };
        assert_eq!((tail.iter().map(|event| event.seq_num).collect::<Vec<_>>(), more), (vec![2, 3], false));
        late.parent_chain = Chain::from_bytes([9; 32]);
        let PushAnswer::Behind { tail, more, .. } = log.push(&late) else { panic!("the head is 3") };
        assert!(tail.is_empty() && more, "the tail of another history is no use");
    }

    #[test]
    fn a_resend_is_recognised_until_it_is_forgotten() {
        let mut log = log_of(3);
        let again = batch(&log, 3..=3);
        assert!(matches!(log.push(&again), PushAnswer::Accepted(reply) if reply.duplicate && reply.positions == [3]));
        log.rewind(2);
        assert!(matches!(log.push(&again), PushAnswer::Accepted(reply) if !reply.duplicate && reply.log.head == 3));
    }

    #[test]
    fn a_rewound_log_diverges_from_who_saw_more() {
        let mut log = log_of(3);
        let seen = log.position();
        log.rewind(1);
        let pull = PullRequest { after: seen.head, chain: Some(seen.chain), ..PullRequest::default() };
        assert_eq!(log.pull(&pull), PullAnswer::Diverged { log: log.position(), common_seq_num: 1 });
        log.rewind(7);
        assert_eq!(log.position().head, 1, "there is no way forward");
    }
}
