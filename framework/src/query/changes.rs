//! Changes of a live query as a stream.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_broadcast::Receiver;
use futures_core::Stream;

use crate::query::node::{AnyNode, Mark, Node};

/// The rows of a live query after each change. See [`LiveQuery::changes`](crate::LiveQuery::changes).
#[must_use = "a stream does nothing until it is polled"]
pub struct Changes<T: Send + Sync + 'static> {
    node: Arc<Node<T>>,
    receiver: Receiver<()>,
    seen: Mark,
}

impl<T: Send + Sync + 'static> Changes<T> {
    pub(crate) fn new(node: Arc<Node<T>>) -> Self {
        let receiver = node.listen();
        let seen = node.shown().mark;
        Self { node, receiver, seen }
    }
}

impl<T: Send + Sync + 'static> Stream for Changes<T> {
    type Item = Arc<Vec<T>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while ready!(Pin::new(&mut self.receiver).poll_next(context)).is_some() {
            let shown = self.node.shown();
            if shown.mark != self.seen {
                self.seen = shown.mark;
                return Poll::Ready(Some(shown.rows));
            }
        }
        Poll::Ready(None)
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Changes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("sql", &self.node.text()).finish_non_exhaustive()
    }
}
