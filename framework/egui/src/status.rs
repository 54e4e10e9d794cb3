//! The status of a store, frame by frame.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use headwater::{StatusChanges, Store, SyncStatus};

use crate::repaint::Window;

type Change = Pin<Box<dyn Future<Output = Option<StatusChanges>> + Send>>;

/// The status of a store for a window: read in every frame, it asks for a frame when it changes.
pub struct LiveStatus {
    /// `None` when the store is shut down.
    change: Option<Change>,
    /// To read from; the one in `change` is busy.
    reader: StatusChanges,
    waker: Waker,
}

impl LiveStatus {
    /// The status for the window that is current when this is called; outside of a frame that is the main window.
    #[must_use]
    pub fn new(store: &Store, ctx: &egui::Context) -> Self {
        let mut status = Self {
            change: Some(next_change(store.sync_status_changes())),
            reader: store.sync_status_changes(),
            waker: Window::current(ctx).waker(),
        };
        status.listen();
        status
    }

    /// The status now. A frame that doesn't call this is not repeated when the status changes.
    pub fn get(&mut self) -> SyncStatus {
        self.listen();
        self.reader.current()
    }

    /// Makes sure that the next change wakes the window.
    fn listen(&mut self) {
        while let Some(change) = &mut self.change {
            match change.as_mut().poll(&mut Context::from_waker(&self.waker)) {
                Poll::Pending => return,
                Poll::Ready(changes) => self.change = changes.map(next_change),
            }
        }
    }
}

fn next_change(mut changes: StatusChanges) -> Change {
    Box::pin(async move { changes.changed().await.map(|_| changes) })
}

impl fmt::Debug for LiveStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveStatus").field("status", &self.reader.current()).finish_non_exhaustive()
    }
}
