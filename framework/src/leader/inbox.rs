//! The requests that wait for a leader, counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SendError, SyncSender, sync_channel};
use std::time::Duration;

use super::Request;

/// Requests that may wait for the leader before a sender has to.
const CAPACITY: usize = 1_024;

/// Where requests go in.
#[derive(Clone)]
pub(super) struct Inbox {
    sender: SyncSender<Request>,
    unserved: Arc<AtomicUsize>,
}

/// Where they come out.
pub(super) struct Requests {
    receiver: Receiver<Request>,
    unserved: Arc<AtomicUsize>,
}

pub(super) fn channel() -> (Inbox, Requests) {
    let (sender, receiver) = sync_channel(CAPACITY);
    let unserved = Arc::<AtomicUsize>::default();
    (Inbox { sender, unserved: unserved.clone() }, Requests { receiver, unserved })
}

impl Inbox {
    /// Adds a request behind all others.
    pub(super) fn send(&self, request: Request) -> Result<(), SendError<Request>> {
        self.unserved.fetch_add(1, Ordering::SeqCst);
        self.sender.send(request).inspect_err(|_| _ = self.unserved.fetch_sub(1, Ordering::SeqCst))
    }

    /// Whether all requests so far are served, so that whoever comes now overtakes none.
    pub(super) fn is_empty(&self) -> bool {
        self.unserved.load(Ordering::SeqCst) == 0
    }
}

impl Requests {
    /// Waits for the next request. [`Self::done`] is called when it is served.
    pub(super) fn next(&self, wait: Duration) -> Result<Request, RecvTimeoutError> {
        self.receiver.recv_timeout(wait)
    }

    /// The last request is served.
    pub(super) fn done(&self) {
        self.unserved.fetch_sub(1, Ordering::SeqCst);
    }
}
