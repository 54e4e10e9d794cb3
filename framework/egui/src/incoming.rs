//! Streams that are read frame by frame.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::repaint::Window;

/// A stream that is read frame by frame, without a thread and without waiting.
///
/// When [`Incoming::next`] has found nothing, the window is asked for a frame as soon as there is something.
///
/// ```
/// use headwater::{Schema, SeqNum, Store};
/// use headwater_egui::Incoming;
///
/// # let ctx = egui::Context::default();
/// # let store = Store::builder(Schema::builder().build()).open()?;
/// let mut events = Incoming::new(store.event_stream(SeqNum::ROOT), &ctx);
///
/// // In every frame:
/// while let Some(event) = events.next() {
///     println!("{}", event?.name);
/// }
/// # Ok::<(), headwater::Error>(())
/// ```
pub struct Incoming<S> {
    stream: S,
    waker: Waker,
    ended: bool,
}

impl<S: Stream + Unpin> Incoming<S> {
    /// Reads a stream for the window that is current when this is called; outside of a frame that is the main window.
    pub fn new(stream: S, ctx: &egui::Context) -> Self {
        Self { stream, waker: Window::current(ctx).waker(), ended: false }
    }

    /// The next item that is there. `None` if there is none yet, and after the end.
    #[expect(clippy::should_implement_trait, reason = "an iterator that goes on after `None` would mislead")]
    pub fn next(&mut self) -> Option<S::Item> {
        if self.ended {
            return None;
        }
        match Pin::new(&mut self.stream).poll_next(&mut Context::from_waker(&self.waker)) {
            Poll::Ready(Some(item)) => Some(item),
            Poll::Ready(None) => {
                self.ended = true;
                None
            }
            Poll::Pending => None,
        }
    }

    /// Whether the stream has ended, as far as [`Incoming::next`] has seen.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

impl<S> fmt::Debug for Incoming<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("ended", &self.ended).finish_non_exhaustive()
    }
}
