//! The leader's connection to its backend: one pull and one push at a time, and every wait with a timer.

use std::collections::VecDeque;

use super::log::Log;
use super::message::{Effect, TransportError};
use super::status::Health;
use super::{Leader, SyncOptions};
use crate::backoff::Backoff;
use crate::limits;

/// So many replies that change nothing, in so many milliseconds, are a loop.
const LOOP_REPLIES: usize = 5;
const LOOP_MS: u64 = 10_000;
/// How long to wait before a backend is asked again that has another log, or that says we are malformed.
const HOLD_MS: u64 = 30_000;

/// What one direction is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    Idle,
    /// Waiting for the answer to a request, until the deadline.
    Busy {
        request: u64,
        deadline: u64,
    },
    /// Waiting before the next try.
    Waiting {
        until: u64,
    },
}

impl Lane {
    fn deadline(self) -> Option<u64> {
        match self {
            Self::Idle => None,
            Self::Busy { deadline, .. } => Some(deadline),
            Self::Waiting { until } => Some(until),
        }
    }

    /// Becomes idle if it waits for the answer to this request.
    pub(super) fn answer(&mut self, request: u64) -> bool {
        let waits = matches!(*self, Self::Busy { request: expected, .. } if expected == request);
        if waits {
            *self = Self::Idle;
        }
        waits
    }
}

pub(super) struct Link {
    pub(super) options: SyncOptions,
    pub(super) pull: Lane,
    pub(super) push: Lane,
    /// The last answer said that there is more.
    pub(super) more: bool,
    /// How long the pull under way asked to be held, and since when.
    pub(super) held_ms: u64,
    pub(super) asked_at: u64,
    online: bool,
    backoff: Backoff,
    requests: u64,
    random: SplitMix64,
    health: Health,
    since_ms: u64,
    idle_replies: VecDeque<u64>,
}

impl Link {
    pub(super) fn new(options: SyncOptions, seed: u64) -> Self {
        Self {
            options,
            pull: Lane::Idle,
            push: Lane::Idle,
            more: false,
            held_ms: 0,
            asked_at: 0,
            online: true,
            backoff: Backoff::default(),
            requests: 0,
            random: SplitMix64(seed),
            health: Health::Connecting,
            since_ms: 0,
            idle_replies: VecDeque::new(),
        }
    }

    pub(super) fn health(&self) -> (Health, u64, u32) {
        (self.health.clone(), self.since_ms, self.backoff.failures())
    }

    pub(super) fn is_online(&self) -> bool {
        self.online
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.pull.deadline().into_iter().chain(self.push.deadline()).min()
    }

    pub(super) fn random(&mut self) -> u64 {
        self.random.next()
    }

    pub(super) fn set_health(&mut self, health: Health, now: u64) {
        if self.health != health {
            self.health = health;
            self.since_ms = now;
        }
    }

    /// The backend answered as it should.
    pub(super) fn succeed(&mut self, progress: bool, now: u64) {
        self.set_health(Health::Online, now);
        if progress {
            self.backoff.reset();
            self.idle_replies.clear();
        }
    }

    /// Notes a reply that changed nothing although it should have. Several in a short time are a loop, which is slowed
    /// down like a failure.
    pub(super) fn note_idle_reply(&mut self, now: u64) -> Option<Lane> {
        self.idle_replies.push_back(now);
        while self.idle_replies.front().is_some_and(|at| at + LOOP_MS < now) {
            self.idle_replies.pop_front();
        }
        if self.idle_replies.len() < LOOP_REPLIES {
            return None;
        }
        let reason = format!("the backend gave {LOOP_REPLIES} answers in a row that change nothing");
        self.set_health(Health::Fault { reason }, now);
        Some(self.wait(0, now))
    }

    fn wait(&mut self, at_least_ms: u64, now: u64) -> Lane {
        let random = self.random();
        let wait_ms = self.backoff.fail(random).max(at_least_ms);
        Lane::Waiting { until: now + wait_ms }
    }

    /// What a failed request means: for the health, and for how long to wait.
    pub(super) fn fail(&mut self, error: &TransportError, now: u64) -> Lane {
        let reason = error.to_string();
        let (health, at_least_ms) = match error {
            TransportError::Offline(_) | TransportError::Server(_) | TransportError::NotOurs(_) => {
                (Health::Offline { reason }, 0)
            }
            TransportError::RateLimited { retry_after_ms, .. } => {
                (Health::Refused { reason }, retry_after_ms.unwrap_or(0))
            }
            TransportError::NeedsAuth(_)
            | TransportError::Forbidden(_)
            | TransportError::Quota(_)
            | TransportError::TooLarge(_) => (Health::Refused { reason }, 0),
        };
        self.set_health(health, now);
        self.wait(at_least_ms, now)
    }

    /// Stops exchanging for a while, because going on at once can't help.
    pub(super) fn hold(&mut self, health: Health, now: u64) {
        self.set_health(health, now);
        let until = now + HOLD_MS;
        self.pull = Lane::Waiting { until };
        self.push = Lane::Waiting { until };
    }

    /// Lets a pull bring what is missing before the next push. One that is held returns by itself, because the backend
    /// has news.
    pub(super) fn pull_first(&mut self, now: u64) {
        if matches!(self.pull, Lane::Waiting { .. }) {
            self.pull = Lane::Idle;
        }
        if self.push == Lane::Idle {
            self.push = Lane::Waiting { until: now + crate::backoff::BASE_MS };
        }
    }

    fn busy(&mut self, held_ms: u64, now: u64) -> (u64, Lane) {
        self.requests += 1;
        let deadline = now + held_ms + self.options.timeout_ms;
        (self.requests, Lane::Busy { request: self.requests, deadline })
    }

    pub(super) fn start_pull(&mut self, held_ms: u64, now: u64) -> u64 {
        let (request, lane) = self.busy(held_ms, now);
        self.pull = lane;
        self.held_ms = held_ms;
        self.asked_at = now;
        request
    }

    pub(super) fn start_push(&mut self, now: u64) -> u64 {
        let (request, lane) = self.busy(0, now);
        self.push = lane;
        request
    }
}

impl<L: Log> Leader<L> {
    /// Does whatever can be done now.
    pub(super) fn drive(&mut self, now: u64) {
        let backlogged = self.is_backlogged();
        let Some(link) = self.link.as_ref().filter(|link| link.online) else {
            return;
        };
        let (pull, push) = (link.pull == Lane::Idle && !backlogged, link.push == Lane::Idle && !link.more);
        if pull {
            self.start_pull(now);
        }
        if push && self.coalesced.is_empty() {
            self.start_push(now);
        }
    }

    pub(super) fn set_online(&mut self, online: bool, now: u64) {
        let Some(link) = &mut self.link else { return };
        if link.online == online {
            return;
        }
        link.online = online;
        link.pull = Lane::Idle;
        link.push = Lane::Idle;
        link.more = false;
        link.backoff.reset();
        link.set_health(if online { Health::Connecting } else { Health::Paused }, now);
        self.coalesced.clear();
        if !online {
            self.effects.push_back(Effect::Cancel);
        }
    }

    /// Ends waits that are over. A request without an answer by its deadline has an unknown outcome.
    pub(super) fn expire(&mut self, now: u64) {
        let Some(link) = &mut self.link else { return };
        let late = TransportError::Offline("no answer in time".to_owned());
        let over = |lane: Lane| lane.deadline().is_some_and(|deadline| deadline <= now);
        if over(link.pull) {
            let failed = matches!(link.pull, Lane::Busy { .. });
            link.pull = if failed { link.fail(&late, now) } else { Lane::Idle };
        }
        if over(link.push) {
            let failed = matches!(link.push, Lane::Busy { .. });
            link.push = if failed { link.fail(&late, now) } else { Lane::Idle };
        }
    }

    /// Something of our own is wrong, such as a full disk, or the backend contradicts itself.
    pub(super) fn fault(&mut self, reason: String, now: u64) {
        self.coalesced.clear();
        if let Some(link) = &mut self.link {
            link.set_health(Health::Fault { reason }, now);
            let until = link.wait(limits::FAULT_WAIT_MS, now);
            link.pull = until;
            link.push = until;
        }
    }

    pub(super) fn backend_changed(&mut self, reason: String, now: u64) {
        self.coalesced.clear();
        if let Some(link) = &mut self.link {
            link.hold(Health::BackendChanged { reason }, now);
        }
    }
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
