//! The ordered channel from a leader to a session.
//!
//! It is read by whoever holds the session: a thread that commits and waits for its answer, or else the session's own
//! thread. So an answer takes no detour over another thread.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use headwater_core::leader::ToSession;

#[derive(Default)]
struct Queue {
    messages: VecDeque<ToSession>,
    /// A commit waits, and reads the messages itself.
    committing: bool,
    closed: bool,
}

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Mailbox {
    queue: Mutex<Queue>,
    for_commit: Condvar,
    for_session: Condvar,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message.
    pub(crate) fn push(&self, message: ToSession) {
        let mut queue = self.lock();
        queue.messages.push_back(message);
        let reader = if queue.committing { &self.for_commit } else { &self.for_session };
        // Whoever wakes up takes the lock first.
        drop(queue);
        reader.notify_one();
    }

    /// Throws away what was not read.
    pub(crate) fn clear(&self) {
        self.lock().messages.clear();
    }

    /// Ends the channel. What is in it can still be read.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.for_commit.notify_all();
        self.for_session.notify_all();
    }

    /// The next message, if there is one.
    pub(crate) fn try_next(&self) -> Option<ToSession> {
        self.lock().messages.pop_front()
    }

    /// Puts a message back at the front.
    pub(crate) fn put_back(&self, message: ToSession) {
        self.lock().messages.push_front(message);
    }

    /// Claims the channel for a commit until the guard is dropped.
    pub(crate) fn commit(&self) -> CommitGuard<'_> {
        self.lock().committing = true;
        CommitGuard(self)
    }

    /// Waits until there is something to read and no commit reads it; `false` when the channel has ended.
    pub(crate) fn wait_for_session(&self) -> bool {
        let idle = |queue: &mut Queue| (queue.messages.is_empty() || queue.committing) && !queue.closed;
        let queue = self.for_session.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        !queue.closed || !queue.messages.is_empty()
    }
}

/// A commit's claim on the channel.
pub(crate) struct CommitGuard<'a>(&'a Mailbox);

impl CommitGuard<'_> {
    /// Waits for the next message; `None` when the channel has ended.
    pub(crate) fn next(&self) -> Option<ToSession> {
        let idle = |queue: &mut Queue| queue.messages.is_empty() && !queue.closed;
        let waited = self.0.for_commit.wait_while(self.0.lock(), idle);
        waited.unwrap_or_else(PoisonError::into_inner).messages.pop_front()
    }
}

impl Drop for CommitGuard<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.committing = false;
        if !queue.messages.is_empty() || queue.closed {
            self.0.for_session.notify_one();
        }
    }
}
