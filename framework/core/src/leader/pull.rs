//! What a leader makes of the answers to its pulls.

use super::link::Lane;
use super::log::{Change, Durability, Log};
use super::message::{Effect, TransportError};
use super::{Leader, check_backend};
use crate::event::EventRecord;
use crate::limits;
use crate::protocol::{LogPosition, PullAnswer, PullReply, PullRequest};

impl<L: Log> Leader<L> {
    pub(super) fn start_pull(&mut self, now: u64) {
        let (after, chain) = (self.known_head(), self.known_chain());
        let caught_up = self.caught_up && self.coalesced.is_empty();
        let Some(link) = &mut self.link else { return };
        let live =
            link.options.live_pull && caught_up && !link.more && matches!(link.health().0, super::Health::Online);
        let wait_ms = if live { limits::DEFAULT_POLL_MS } else { 0 };
        let request = link.start_pull(wait_ms, now);
        let pull = PullRequest { after, chain, wait_ms, limit: None };
        self.effects.push_back(Effect::Pull { request, pull });
    }

    /// The last position that is here, merged or waiting to be.
    fn known_head(&self) -> u64 {
        self.coalesced.last().map_or(self.sync.upstream_head().global, |event| event.seq.global)
    }

    /// The chain value there. While pages wait to be merged it is not computed, and the backend can't compare.
    fn known_chain(&self) -> Option<crate::Chain> {
        self.coalesced.is_empty().then_some(self.mark.chain)
    }

    pub(super) fn pulled(&mut self, request: u64, result: Result<PullAnswer, TransportError>, now: u64) {
        let Some(link) = &mut self.link else { return };
        if !link.is_online() || !link.pull.answer(request) {
            return;
        }
        match result {
            Ok(PullAnswer::Page(reply)) => self.page(reply, now),
            Ok(PullAnswer::Diverged { log, common_seq_num }) => {
                let reason = format!("its history differs after position {common_seq_num}; its head is {}", log.head);
                self.backend_changed(reason, now);
            }
            Ok(PullAnswer::Truncated { log }) => {
                let reason = format!(
                    "its log no longer reaches back to position {}; its head is {}",
                    self.known_head(),
                    log.head
                );
                self.backend_changed(reason, now);
            }
            Err(error) => {
                link.pull = link.fail(&error, now);
                link.more = false;
                self.merge_coalesced(None, now);
            }
        }
    }

    fn page(&mut self, reply: PullReply, now: u64) {
        let events = match self.news(&reply.log, reply.events) {
            Ok(events) => events,
            Err(reason) => return self.backend_changed(reason, now),
        };
        let progress = !events.is_empty();
        self.backend_head = Some(reply.log.head);
        self.coalesced.extend(events);
        let Some(link) = &mut self.link else { return };
        link.more = reply.remaining > 0 && progress;
        link.succeed(progress || link.held_ms > 0, now);
        self.pace(&reply.log, reply.remaining, progress, now);
        let rebases = self.sync.pending().iter().any(|event| !event.body.is_client_only());
        if reply.remaining > 0 && rebases && self.coalesced.len() < limits::MAX_COALESCED_EVENTS {
            return;
        }
        let merged = self.merge_coalesced((reply.remaining == 0).then_some(&reply.log), now);
        if merged && reply.remaining == 0 {
            self.caught_up = true;
        }
    }

    /// Decides when to pull again.
    fn pace(&mut self, log: &LogPosition, remaining: u64, progress: bool, now: u64) {
        let known = self.known_head();
        let Some(link) = &mut self.link else { return };
        let early = link.held_ms > 0 && now < link.asked_at + link.held_ms / 2;
        let stuck = !progress && (remaining > 0 || log.head > known || early);
        if let Some(wait) = stuck.then(|| link.note_idle_reply(now)).flatten() {
            link.pull = wait;
        } else if !link.options.live_pull && remaining == 0 {
            link.pull = Lane::Waiting { until: now + link.options.poll_interval_ms };
        }
    }

    /// The events of a reply that are not known yet, checked.
    ///
    /// A held pull often returns what a push has brought meanwhile: what is known already is passed over.
    pub(super) fn news(
        &self,
        log: &LogPosition,
        events: Vec<crate::protocol::WireEvent>,
    ) -> Result<Vec<EventRecord>, String> {
        check_backend(&self.mark, log)?;
        let mut head = self.known_head();
        if log.head < self.sync.upstream_head().global {
            return Err(format!(
                "its head is {}, this client has seen {}: it lost data",
                log.head,
                self.sync.upstream_head()
            ));
        }
        let mut news = Vec::with_capacity(events.len());
        for event in events.into_iter().filter(|event| event.seq_num > head).collect::<Vec<_>>() {
            if event.seq_num != head + 1 {
                return Err(format!("it sent position {} where {} was due", event.seq_num, head + 1));
            }
            head = event.seq_num;
            news.push(EventRecord::from(event));
        }
        Ok(news)
    }

    /// Merges what was pulled. `at_head`: where the backend's log stands, if these events reach up to its head.
    pub(super) fn merge_coalesced(&mut self, at_head: Option<&LogPosition>, now: u64) -> bool {
        let events = std::mem::take(&mut self.coalesced);
        let mut mark = self.mark.clone();
        if let Some(log) = at_head {
            mark.backend = Some((log.backend_id, log.epoch));
        }
        let confirms = |event: &EventRecord| self.in_flight_ids().any(|id| id == event.id());
        if events.iter().any(confirms) {
            mark.in_flight = None;
        }
        let merged =
            if events.is_empty() { self.write_mark(mark, at_head) } else { self.advance(events, mark, at_head) };
        match merged {
            Ok(()) => true,
            Err(error) => {
                self.report(error, now);
                false
            }
        }
    }

    /// Writes the scalars alone, if they changed.
    pub(super) fn write_mark(
        &mut self,
        mark: super::Mark,
        at_head: Option<&LogPosition>,
    ) -> Result<(), super::Trouble> {
        super::check_chain(&mark, at_head)?;
        if mark == self.mark {
            return Ok(());
        }
        let change = Change {
            appended: &[],
            settled: &[],
            rejected: &[],
            client_id: None,
            mark: &mark,
            durability: Durability::Process,
        };
        self.log.write(&change).map_err(|error| super::Trouble::Fault(error.to_string()))?;
        self.mark = mark;
        Ok(())
    }
}
