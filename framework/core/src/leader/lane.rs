//! One direction of the exchange with the backend: what it is doing, and how it fares.

use std::collections::VecDeque;

use super::status::Health;
use crate::backoff::{self, Backoff};

/// So many replies that change nothing, in so many milliseconds, are a loop.
const LOOP_REPLIES: usize = 5;
const LOOP_MS: u64 = 10_000;

/// What a direction is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
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

/// **Invariant:** whatever it waits for, it waits for until a deadline.
pub(super) struct Lane {
    step: Step,
    /// What is wrong with it, since its last success.
    trouble: Option<Health>,
    backoff: Backoff,
    idle_replies: VecDeque<u64>,
    /// The upstream head when the request under way was sent. A backend whose head is before it lost data. It is not
    /// compared with what the other lane has brought meanwhile: answers may overtake each other.
    known_head: u64,
    /// When the last request was sent.
    sent_at: u64,
}

impl Lane {
    pub(super) fn new() -> Self {
        Self {
            step: Step::Idle,
            trouble: None,
            backoff: Backoff::default(),
            idle_replies: VecDeque::new(),
            known_head: 0,
            sent_at: 0,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.step == Step::Idle
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        match self.step {
            Step::Idle => None,
            Step::Busy { deadline, .. } => Some(deadline),
            Step::Waiting { until } => Some(until),
        }
    }

    pub(super) fn trouble(&self) -> Option<&Health> {
        self.trouble.as_ref()
    }

    pub(super) fn failures(&self) -> u32 {
        self.backoff.failures()
    }

    pub(super) fn known_head(&self) -> u64 {
        self.known_head
    }

    pub(super) fn sent_at(&self) -> u64 {
        self.sent_at
    }

    pub(super) fn start(&mut self, request: u64, deadline: u64, known_head: u64, now: u64) {
        self.step = Step::Busy { request, deadline };
        (self.known_head, self.sent_at) = (known_head, now);
    }

    /// Becomes idle if it waits for the answer to this request. All other answers are void.
    pub(super) fn answer(&mut self, request: u64) -> bool {
        let waits = matches!(self.step, Step::Busy { request: expected, .. } if expected == request);
        if waits {
            self.step = Step::Idle;
        }
        waits
    }

    /// Ends a wait that is over. Returns whether it was for an answer.
    pub(super) fn expire(&mut self, now: u64) -> bool {
        let over = self.deadline().is_some_and(|deadline| deadline <= now);
        let unanswered = over && matches!(self.step, Step::Busy { .. });
        if over {
            self.step = Step::Idle;
        }
        unanswered
    }

    /// Gives up the request under way.
    pub(super) fn give_up(&mut self) {
        if matches!(self.step, Step::Busy { .. }) {
            self.step = Step::Idle;
        }
    }

    pub(super) fn wait_until(&mut self, until: u64) {
        self.step = Step::Waiting { until };
    }

    /// Ends a wait that is not for an answer.
    pub(super) fn stop_waiting(&mut self) {
        if matches!(self.step, Step::Waiting { .. }) {
            self.step = Step::Idle;
        }
    }

    /// The backend answered as it should.
    pub(super) fn succeed(&mut self) {
        self.trouble = None;
    }

    /// It came further.
    pub(super) fn progress(&mut self) {
        self.backoff.reset();
        self.idle_replies.clear();
    }

    /// Something is wrong: says what, and waits. What was waited since `since` counts.
    pub(super) fn fail(&mut self, trouble: Health, at_least_ms: u64, random: u64, since: u64) {
        self.trouble = Some(trouble);
        let wait_ms = self.backoff.fail(random).max(at_least_ms);
        self.wait_until(since.saturating_add(wait_ms));
    }

    /// Something is wrong that going on at once can't help.
    pub(super) fn hold(&mut self, trouble: Health, until: u64) {
        self.trouble = Some(trouble);
        self.wait_until(until);
    }

    /// Notes a reply that changed nothing although it should have. Several in a short time are a loop, which is slowed
    /// down like a failure.
    pub(super) fn note_idle_reply(&mut self, random: u64, now: u64) {
        self.idle_replies.push_back(now);
        while self.idle_replies.len() > LOOP_REPLIES || self.idle_replies.front().is_some_and(|at| at + LOOP_MS < now) {
            self.idle_replies.pop_front();
        }
        if self.idle_replies.len() == LOOP_REPLIES {
            let reason = format!("the backend gave {LOOP_REPLIES} answers in a row that change nothing");
            self.fail(Health::Fault { reason }, backoff::BASE_MS, random, now);
        }
    }

    /// As new, for example because sync was switched off or on.
    pub(super) fn reset(&mut self) {
        *self = Self::new();
    }
}
