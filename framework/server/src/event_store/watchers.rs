//! Who waits for which head.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headwater_core::StoreId;
use tokio::sync::watch;

/// The heads that somebody waits for, by store. For the use of an [`EventStore`](super::EventStore).
#[derive(Clone, Debug, Default)]
pub struct HeadWatchers {
    heads: Arc<Mutex<HashMap<StoreId, watch::Sender<u64>>>>,
}

impl HeadWatchers {
    /// Follows the head of a store.
    #[must_use]
    pub fn watch(&self, store: &StoreId) -> HeadWatch {
        let receiver = self.lock().entry(store.clone()).or_default().subscribe();
        HeadWatch { store: store.clone(), receiver: Some(receiver), watchers: self.clone() }
    }

    /// Tells everybody who follows a store that its head is at least here. It never tells of an older head.
    pub fn notify(&self, store: &StoreId, head: u64) {
        if let Some(sender) = self.lock().get(store) {
            sender.send_if_modified(|known| {
                let moved = head > *known;
                *known = head.max(*known);
                moved
            });
        }
    }

    /// How many stores are followed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether no store is followed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StoreId, watch::Sender<u64>>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows the head of one store. Nothing is kept for it once it is dropped.
#[derive(Debug)]
pub struct HeadWatch {
    store: StoreId,
    receiver: Option<watch::Receiver<u64>>,
    watchers: HeadWatchers,
}

impl HeadWatch {
    /// Waits until the head is known to be after a position.
    pub async fn after(&mut self, position: u64) {
        if let Some(receiver) = &mut self.receiver {
            // The sender lives as long as a receiver does, so that this can't fail.
            let _ = receiver.wait_for(|head| *head > position).await;
        }
    }
}

impl Drop for HeadWatch {
    fn drop(&mut self) {
        self.receiver = None;
        let mut heads = self.watchers.lock();
        if heads.get(&self.store).is_some_and(|sender| sender.receiver_count() == 0) {
            heads.remove(&self.store);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> StoreId {
        StoreId::new("s").expect("a valid name")
    }

    #[tokio::test]
    async fn a_watch_wakes_for_a_newer_head_only() {
        let watchers = HeadWatchers::default();
        let mut watch = watchers.watch(&store());
        watchers.notify(&store(), 3);
        watchers.notify(&store(), 2);
        watch.after(2).await;
        assert_eq!(watch.receiver.as_ref().map(|head| *head.borrow()), Some(3));
    }

    #[test]
    fn nothing_is_kept_for_a_dropped_watch() {
        let watchers = HeadWatchers::default();
        let (first, second) = (watchers.watch(&store()), watchers.watch(&store()));
        drop(first);
        assert_eq!(watchers.len(), 1);
        drop(second);
        assert!(watchers.is_empty());
    }
}
