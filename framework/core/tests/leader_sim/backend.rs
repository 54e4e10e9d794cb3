//! The backend in memory, by the judgement of the real one.

use std::collections::BTreeMap;

use headwater_core::backend::{Append, ChainedEvent, PageBounds, PageCut, PageStep, PushDecision, PushView};
use headwater_core::backend::{judge_pull, judge_push};
use headwater_core::protocol::{LogPosition, PullAnswer, PullReply, PullRequest, PushAnswer, PushRequest, WireEvent};
use headwater_core::{BackendId, Chain, Claim, ClientId, EventId};

/// The name of events that the backend refuses for good.
pub(crate) const BAD: &str = "v1.Bad";

pub(crate) struct Backend {
    pub(crate) log: Vec<ChainedEvent>,
    places: BTreeMap<EventId, u64>,
    claims: BTreeMap<ClientId, Claim>,
    page_events: usize,
    tail_events: usize,
}

impl Backend {
    pub(crate) fn new(page_events: usize, tail_events: usize) -> Self {
        Self { log: Vec::new(), places: BTreeMap::new(), claims: BTreeMap::new(), page_events, tail_events }
    }

    pub(crate) fn position(&self) -> LogPosition {
        LogPosition {
            backend_id: BackendId::from_bytes([7; 16]),
            epoch: 1,
            head: self.log.len() as u64,
            chain: self.log.last().map_or(Chain::ROOT, |last| last.chain),
        }
    }

    pub(crate) fn has(&self, id: EventId) -> bool {
        self.places.contains_key(&id)
    }

    pub(crate) fn push(&mut self, request: &PushRequest) -> PushAnswer {
        let log = self.position();
        let known: Vec<_> = request.events.iter().map(|event| self.places.get(&event.id).copied()).collect();
        let claim = self.claims.get(&request.client_id).copied();
        match judge_push(&PushView { log, claim, known: &known }, request) {
            PushDecision::Append(append) => match request.events.iter().find(|event| &*event.name == BAD) {
                Some(bad) => {
                    PushAnswer::Rejected { id: bad.id, code: "bad".to_owned(), reason: "no such thing".to_owned() }
                }
                None => self.append(request, append),
            },
            PushDecision::Duplicate(reply) => PushAnswer::Accepted(reply),
            PushDecision::Behind => {
                let (tail, rest) = self.page(request.parent, PageBounds { events: self.tail_events, bytes: 1 << 20 });
                PushAnswer::Behind { log, tail, more: rest > 0 }
            }
            PushDecision::BackendMismatch => PushAnswer::BackendMismatch { log },
            PushDecision::ClientIdTaken => PushAnswer::ClientIdTaken,
            PushDecision::Malformed { reason } => PushAnswer::Malformed { reason },
            other => unreachable!("{other:?}"),
        }
    }

    fn append(&mut self, request: &PushRequest, append: Append) -> PushAnswer {
        let reply = append.reply();
        if let Some(claim) = append.new_claim {
            self.claims.insert(request.client_id.clone(), claim);
        }
        for chained in append.events {
            let doubled = self.places.insert(chained.event.id(), chained.event.seq.global);
            assert_eq!(doubled, None, "an event is in the backend's log twice");
            self.log.push(chained);
        }
        PushAnswer::Accepted(reply)
    }

    /// The answer to a pull, or none yet.
    pub(crate) fn pull(&self, request: &PullRequest, over: bool) -> Option<PullAnswer> {
        let log = self.position();
        let here = match request.after {
            0 => Some(Chain::ROOT),
            after => self.log.get(after as usize - 1).map(|chained| chained.chain),
        };
        if let Err(common_seq_num) = judge_pull(&log, request.after, here, request.chain) {
            return Some(PullAnswer::Diverged { log, common_seq_num });
        }
        let (events, remaining) = self.page(request.after, PageBounds { events: self.page_events, bytes: 1 << 20 });
        if events.is_empty() && request.wait_ms > 0 && !over {
            return None;
        }
        Some(PullAnswer::Page(PullReply { log, events, remaining }))
    }

    /// The events after a position that fit, and how many more there are.
    fn page(&self, after: u64, bounds: PageBounds) -> (Vec<WireEvent>, u64) {
        let mut cut = PageCut::new(bounds);
        let after = self.log.len().min(after as usize);
        for chained in &self.log[after..] {
            if cut.add(WireEvent::from(&chained.event)) == PageStep::Full {
                break;
            }
        }
        let page = cut.finish();
        let rest = self.log.len() - after - page.len();
        (page, rest as u64)
    }
}
