//! What a leader makes of the answers to its pulls.

use super::link::Way;
use super::log::{Change, Durability, Log};
use super::message::{Effect, TransportError};
use super::{Leader, Mark, Trouble, check_backend, check_chain, next_chain};
use crate::event::EventRecord;
use crate::protocol::{LogPosition, PullAnswer, PullReply, PullRequest, WireEvent};
use crate::{Chain, limits};

/// Upstream events that wait to be merged in one go, because pending events would have to be rebased for each page.
#[derive(Default)]
pub(super) struct CatchUp {
    events: Vec<EventRecord>,
    /// The chain value after the last of them.
    chain: Option<Chain>,
}

impl CatchUp {
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds the next events. `chain` is the value before them if nothing waits yet.
    fn extend(&mut self, events: Vec<EventRecord>, chain: Chain) {
        let before = self.chain.unwrap_or(chain);
        self.chain = Some(events.iter().fold(before, |chain, event| next_chain(&chain, event)));
        self.events.extend(events);
    }
}

impl<L: Log> Leader<L> {
    pub(super) fn start_pull(&mut self, now: u64) {
        let after = self.known_head();
        let chain = self.catch_up.chain.unwrap_or(self.mark.chain);
        let caught_up = self.caught_up && self.catch_up.is_empty();
        let Some(link) = &mut self.link else { return };
        let wait_ms = if caught_up && link.may_hold() { limits::DEFAULT_POLL_MS } else { 0 };
        let limit = link.page_limit();
        let request = link.start_pull(wait_ms, after, now);
        let pull = PullRequest { after, chain: Some(chain), wait_ms, limit };
        self.effects.push_back(Effect::Pull { request, pull });
    }

    /// The last position that is here, merged or waiting to be.
    fn known_head(&self) -> u64 {
        self.catch_up.events.last().map_or(self.sync.upstream_head().global, |event| event.seq.global)
    }

    pub(super) fn pulled(&mut self, request: u64, result: Result<PullAnswer, TransportError>, now: u64) {
        let Some(link) = &mut self.link else { return };
        if !link.answers(Way::Pull, request) {
            return;
        }
        let reason = match result {
            Ok(PullAnswer::Page(reply)) => return self.page(reply, now),
            Err(error) => return self.pull_failed(&error, now, now),
            Ok(PullAnswer::Diverged { log, common_seq_num }) => {
                format!("its history differs after position {common_seq_num}; its head is {}", log.head)
            }
            Ok(PullAnswer::Truncated { log }) => {
                format!("its log no longer reaches back to position {}; its head is {}", self.known_head(), log.head)
            }
        };
        self.report(Way::Pull, Trouble::Backend(reason), now);
    }

    /// Waits, counted from `since`, and makes do with what came before.
    pub(super) fn pull_failed(&mut self, error: &TransportError, since: u64, now: u64) {
        let Some(link) = &mut self.link else { return };
        link.fail(Way::Pull, error, since);
        link.more = false;
        if let Err(trouble) = self.merge_catch_up(None) {
            self.report(Way::Pull, trouble, now);
        }
    }

    fn page(&mut self, reply: PullReply, now: u64) {
        let PullReply { log, events, remaining } = reply;
        let asked_head = self.link.as_ref().map_or(0, |link| link.pull.known_head());
        let events = match self.news(&log, asked_head, events) {
            Ok(events) => events,
            Err(reason) => return self.report(Way::Pull, Trouble::Backend(reason), now),
        };
        let progress = !events.is_empty();
        self.backend_head = self.backend_head.max(Some(log.head));
        self.catch_up.extend(events, self.mark.chain);
        self.pace(&log, remaining, progress, now);
        if progress && remaining > 0 && self.may_coalesce() {
            return;
        }
        match self.merge_catch_up(Some((&log, remaining == 0))) {
            Ok(()) => self.caught_up |= remaining == 0,
            Err(trouble) => self.report(Way::Pull, trouble, now),
        }
    }

    /// Whether the next page may be waited for before this one is merged. On first contact it may not, so that the log
    /// belongs to a backend as soon as it has an event of it.
    fn may_coalesce(&self) -> bool {
        let rebases = self.synced_pending().next().is_some();
        rebases && self.mark.backend.is_some() && self.catch_up.events.len() < limits::MAX_COALESCED_EVENTS
    }

    /// Decides when to pull again.
    fn pace(&mut self, log: &LogPosition, remaining: u64, progress: bool, now: u64) {
        let known = self.known_head();
        let Some(link) = &mut self.link else { return };
        link.succeed(Way::Pull);
        link.histories_agree = true;
        link.more = remaining > 0 && progress;
        if remaining == 0 {
            link.caught_up();
        }
        // What another answer brought meanwhile is why there is nothing new in this one.
        let overtaken = known > link.pull.known_head();
        let idle = !progress && !overtaken && (remaining > 0 || log.head > known || link.was_cut_short(now));
        if progress || !idle && (link.was_held() || !link.options.live_pull) {
            link.pull.progress();
        }
        if idle {
            link.note_idle_reply(Way::Pull, now);
        } else if !link.options.live_pull && remaining == 0 {
            link.pull.wait_until(now + link.options.poll_interval_ms);
        }
    }

    /// The events of a reply that are not known yet, checked. `asked_head`: the upstream head when it was asked for.
    ///
    /// A held pull often returns what a push has brought meanwhile: what is known already is passed over.
    pub(super) fn news(
        &self,
        log: &LogPosition,
        asked_head: u64,
        events: Vec<WireEvent>,
    ) -> Result<Vec<EventRecord>, String> {
        check_backend(&self.mark, log)?;
        if log.head < asked_head {
            return Err(format!("its head is {}, this client has seen {asked_head}: it lost data", log.head));
        }
        let mut head = self.known_head();
        let mut news = Vec::with_capacity(events.len());
        for event in events {
            if event.seq_num <= head {
                continue;
            }
            let (found, parent) = (event.seq_num, event.parent_seq_num);
            if found != head + 1 || parent != head {
                return Err(format!("it sent position {found} after {parent} where {} was due", head + 1));
            }
            if found > log.head {
                return Err(format!("it sent position {found}, and says that its head is {}", log.head));
            }
            head = found;
            news.push(EventRecord::from(event));
        }
        Ok(news)
    }

    /// Merges what was pulled. `from`: where the backend's log stands, and whether these events reach up to its head.
    pub(super) fn merge_catch_up(&mut self, from: Option<(&LogPosition, bool)>) -> Result<(), Trouble> {
        let CatchUp { events, .. } = std::mem::take(&mut self.catch_up);
        let mut mark = self.mark.clone();
        if let Some((log, _)) = from {
            mark.backend = Some((log.backend_id, log.epoch));
        }
        let in_flight: Vec<_> = self.in_flight_ids().collect();
        let confirms = events.iter().any(|event| in_flight.contains(&event.id()));
        if confirms {
            mark.in_flight = None;
        }
        let at_head = from.and_then(|(log, at_head)| at_head.then_some(log));
        self.advance(events, mark, at_head)?;
        if let Some(link) = self.link.as_mut().filter(|_| confirms) {
            link.push.progress();
        }
        Ok(())
    }

    /// Writes the scalars alone, if they changed.
    pub(super) fn write_mark(&mut self, mark: Mark, at_head: Option<&LogPosition>) -> Result<(), Trouble> {
        check_chain(&mark, at_head)?;
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
        self.log.write(&change).map_err(|error| Trouble::Fault(error.to_string()))?;
        self.mark = mark;
        Ok(())
    }
}
