//! The leader's connection to its backend: one pull and one push at a time, and every wait with a timer.

use super::lane::Lane;
use super::log::Log;
use super::message::{Effect, TransportError};
use super::status::Health;
use super::{Leader, SyncOptions, Trouble};
use crate::{backoff, limits};

/// How long to wait before a backend is asked again that has another log, or that can't read what we send.
pub(super) const HOLD_MS: u64 = 30_000;

/// A direction of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Pull,
    Push,
}

pub(super) struct Link {
    pub(super) options: SyncOptions,
    pub(super) pull: Lane,
    pub(super) push: Lane,
    /// The last page said that there is more.
    pub(super) more: bool,
    /// A pull has to bring what is up to this position before the next push makes sense.
    awaited: u64,
    /// The backend has compared this client's history with its own, and took no offence.
    pub(super) histories_agree: bool,
    /// There is news that the next pull has to bring: it is not to be held.
    urgent: bool,
    /// How long the last pull asked to be held.
    held_ms: u64,
    online: bool,
    /// The backend answered since sync was switched on.
    heard: bool,
    requests: u64,
    random: SplitMix64,
    health: Health,
    since_ms: u64,
}

impl Link {
    pub(super) fn new(options: SyncOptions, seed: u64) -> Self {
        Self {
            options,
            pull: Lane::new(),
            push: Lane::new(),
            more: false,
            awaited: 0,
            histories_agree: false,
            urgent: false,
            held_ms: 0,
            online: true,
            heard: false,
            requests: 0,
            random: SplitMix64(seed),
            health: Health::Connecting,
            since_ms: 0,
        }
    }

    pub(super) fn health(&self) -> (Health, u64, u32) {
        (self.health.clone(), self.since_ms, self.pull.failures().max(self.push.failures()))
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.pull.deadline().into_iter().chain(self.push.deadline()).min()
    }

    pub(super) fn random(&mut self) -> u64 {
        self.random.next()
    }

    /// The lane of a direction, and a random number for it.
    fn lane(&mut self, way: Way) -> (&mut Lane, u64) {
        let random = self.random.next();
        match way {
            Way::Pull => (&mut self.pull, random),
            Way::Push => (&mut self.push, random),
        }
    }

    /// Whether this is the answer that a direction waits for.
    pub(super) fn answers(&mut self, way: Way, request: u64) -> bool {
        self.online && self.lane(way).0.answer(request)
    }

    /// The backend answered as it should.
    pub(super) fn succeed(&mut self, way: Way) {
        self.heard = true;
        self.lane(way).0.succeed();
    }

    pub(super) fn note_idle_reply(&mut self, way: Way, now: u64) {
        let (lane, random) = self.lane(way);
        lane.note_idle_reply(random, now);
    }

    /// What a failed request means: for the health, and for how long to wait, counted from `since`.
    pub(super) fn fail(&mut self, way: Way, error: &TransportError, since: u64) {
        let reason = error.to_string();
        let (trouble, at_least_ms) = match error {
            TransportError::Offline(_) | TransportError::Server(_) | TransportError::NotOurs(_) => {
                (Health::Offline { reason }, 0)
            }
            TransportError::RateLimited { retry_after_ms, .. } => {
                (Health::Refused { reason }, retry_after_ms.unwrap_or(0).min(limits::MAX_RETRY_AFTER_MS))
            }
            TransportError::NeedsAuth(_)
            | TransportError::Forbidden(_)
            | TransportError::Quota(_)
            | TransportError::TooLarge(_) => (Health::Refused { reason }, 0),
        };
        let (lane, random) = self.lane(way);
        lane.fail(trouble, at_least_ms, random, since);
    }

    /// Lets a pull bring what is missing up to a position before the next push.
    pub(super) fn await_pull(&mut self, up_to: u64) {
        self.awaited = up_to;
        self.pull_at_once();
    }

    /// A pull brought all that there was.
    pub(super) fn caught_up(&mut self) {
        (self.awaited, self.urgent) = (0, false);
    }

    /// Gives a pull the time to bring what is missing before the next push.
    pub(super) fn delay_push(&mut self, now: u64) {
        self.pull_at_once();
        if self.push.is_idle() {
            self.push.wait_until(now + backoff::BASE_MS);
        }
    }

    /// There is news: does not wait for the next pull. One that is held is asked anew, so that a poll that died
    /// unnoticed costs nothing.
    fn pull_at_once(&mut self) {
        self.urgent = true;
        if self.pull.trouble().is_none() {
            self.pull.stop_waiting();
        }
        if self.held_ms > 0 {
            self.pull.give_up();
        }
    }

    /// Whether the next pull may be held until there is news.
    pub(super) fn may_hold(&self) -> bool {
        self.options.live_pull && self.heard && !self.more && !self.urgent && self.pull.trouble().is_none()
    }

    /// Whether an answer came so soon that the pull was not held.
    pub(super) fn was_cut_short(&self, now: u64) -> bool {
        self.held_ms > 0 && now < self.pull.sent_at() + self.held_ms / 2
    }

    /// Whether the pull that was answered had asked to be held.
    pub(super) fn was_held(&self) -> bool {
        self.held_ms > 0
    }

    pub(super) fn start_pull(&mut self, held_ms: u64, known_head: u64, now: u64) -> u64 {
        self.requests += 1;
        self.pull.start(self.requests, now + held_ms + self.options.timeout_ms, known_head, now);
        (self.held_ms, self.urgent) = (held_ms, false);
        self.requests
    }

    /// Most events to ask for: fewer after each failure, so that a page fits through any connection in time.
    pub(super) fn page_limit(&self) -> Option<usize> {
        let failures = self.pull.failures();
        (failures > 0).then(|| limits::MAX_PAGE_EVENTS.checked_shr(2 * failures).unwrap_or(0).max(1))
    }

    pub(super) fn start_push(&mut self, bytes: usize, known_head: u64, now: u64) -> u64 {
        self.requests += 1;
        let deadline = now + self.options.timeout_ms + transfer_ms(bytes);
        self.push.start(self.requests, deadline, known_head, now);
        self.requests
    }

    /// Puts together how the two directions fare. What went wrong with a push is over when nothing is left to push.
    fn note_health(&mut self, to_push: bool, now: u64) {
        let troubles = [self.pull.trouble(), self.push.trouble().filter(|_| to_push)];
        let health = match troubles.into_iter().flatten().max_by_key(|health| severity(health)) {
            _ if !self.online => Health::Paused,
            Some(trouble) => trouble.clone(),
            None if self.heard => Health::Online,
            None => Health::Connecting,
        };
        if self.health != health {
            self.health = health;
            self.since_ms = now;
        }
    }
}

fn severity(health: &Health) -> u8 {
    match health {
        Health::BackendChanged { .. } => 3,
        Health::Fault { .. } => 2,
        Health::Refused { .. } => 1,
        Health::LocalOnly | Health::Paused | Health::Connecting | Health::Online | Health::Offline { .. } => 0,
    }
}

impl<L: Log> Leader<L> {
    /// Does whatever can be done now.
    pub(super) fn drive(&mut self, now: u64) {
        let backlogged = self.is_backlogged();
        let Some(link) = self.link.as_ref().filter(|link| link.online) else {
            return self.note_health(now);
        };
        let pull = link.pull.is_idle() && !backlogged;
        let waits_for_pull = link.more || link.awaited > self.mark.upstream_head || !self.catch_up.is_empty();
        let push = link.push.is_idle() && !waits_for_pull;
        if pull {
            self.start_pull(now);
        }
        if push {
            self.start_push(now);
        }
        self.note_health(now);
    }

    fn note_health(&mut self, now: u64) {
        let to_push = self.synced_pending().next().is_some();
        if let Some(link) = &mut self.link {
            link.note_health(to_push, now);
        }
    }

    pub(super) fn set_online(&mut self, online: bool) {
        let Some(link) = &mut self.link else { return };
        if link.online == online {
            return;
        }
        link.online = online;
        link.heard = false;
        link.more = false;
        link.awaited = 0;
        link.histories_agree = false;
        link.pull.reset();
        link.push.reset();
        self.catch_up.clear();
        if !online {
            self.effects.push_back(Effect::Cancel);
        }
    }

    /// Ends waits that are over. A request without an answer by its deadline has an unknown outcome; the time that it
    /// took counts as waiting.
    pub(super) fn expire(&mut self, now: u64) {
        let Some(link) = &mut self.link else { return };
        let late = || TransportError::Offline("no answer in time".to_owned());
        let (pull, push) = (link.pull.expire(now), link.push.expire(now));
        if push {
            link.fail(Way::Push, &late(), link.push.sent_at());
        }
        if pull {
            let since = link.pull.sent_at();
            self.pull_failed(&late(), since, now);
        }
    }

    /// Something is wrong that is not the connection: says what, and waits with both directions. Nothing changed.
    pub(super) fn report(&mut self, way: Way, trouble: Trouble, now: u64) {
        self.catch_up.clear();
        let Some(link) = &mut self.link else { return };
        link.more = false;
        link.histories_agree &= !matches!(trouble, Trouble::Backend(_));
        let (lane, random) = link.lane(way);
        match trouble {
            Trouble::Backend(reason) => lane.hold(Health::BackendChanged { reason }, now + HOLD_MS),
            Trouble::Fault(reason) => lane.fail(Health::Fault { reason }, limits::FAULT_WAIT_MS, random, now),
        }
        let until = lane.deadline().unwrap_or(now);
        link.pull.wait_until(until);
        link.push.wait_until(until);
    }
}

/// How long so many bytes may take on the slowest connection.
fn transfer_ms(bytes: usize) -> u64 {
    (bytes / limits::MIN_BYTES_PER_MS) as u64
}

/// A small generator of random numbers. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_batch_has_the_time_that_a_slow_connection_needs() {
        let mut link = Link::new(SyncOptions::default(), 1);
        link.start_push(4 * 1024 * 1024, 0, 1_000);
        assert_eq!(link.next_deadline(), Some(1_000 + 15_000 + 262_144));
    }

    #[test]
    fn pages_become_smaller_with_each_failure() {
        let mut link = Link::new(SyncOptions::default(), 1);
        let mut limits = vec![link.page_limit()];
        for _ in 0..40 {
            link.fail(Way::Pull, &TransportError::Offline(String::new()), 0);
            limits.push(link.page_limit());
        }
        assert_eq!(limits[..4], [None, Some(250), Some(62), Some(15)]);
        assert_eq!(limits.last(), Some(&Some(1)));
    }

    #[test]
    fn a_backend_can_not_ask_for_more_than_an_hour() {
        let mut link = Link::new(SyncOptions::default(), 1);
        let error = TransportError::RateLimited { retry_after_ms: Some(u64::MAX), reason: String::new() };
        link.fail(Way::Push, &error, 1_000);
        assert_eq!(link.next_deadline(), Some(1_000 + limits::MAX_RETRY_AFTER_MS));
    }
}
