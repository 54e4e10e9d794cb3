//! Repainting when a live query changes.

use std::sync::Arc;
use std::task::{Wake, Waker};

use egui::{Context, ViewportId};
use headwater::LiveQuery;
use headwater::query::Subscription;

/// Repaints a window when a live query changes.
pub trait Repaint {
    /// Asks for a frame after every change, until the subscription is dropped.
    ///
    /// The frame is asked for the window (the viewport) that is current when this is called; outside of a frame that is
    /// the main window. Any thread may make the change.
    fn repaint(&self, ctx: &Context) -> Subscription;
}

impl<T: Send + Sync + 'static> Repaint for LiveQuery<T> {
    fn repaint(&self, ctx: &Context) -> Subscription {
        let window = Window::current(ctx);
        self.subscribe(move |_| window.repaint())
    }
}

/// A window that can be asked for a frame, from any thread.
pub(crate) struct Window {
    ctx: Context,
    viewport: ViewportId,
}

impl Window {
    pub(crate) fn current(ctx: &Context) -> Self {
        Self { ctx: ctx.clone(), viewport: ctx.viewport_id() }
    }

    /// What wakes it wakes up.
    pub(crate) fn waker(self) -> Waker {
        Waker::from(Arc::new(self))
    }

    fn repaint(&self) {
        self.ctx.request_repaint_of(self.viewport);
    }
}

impl Wake for Window {
    fn wake(self: Arc<Self>) {
        self.repaint();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.repaint();
    }
}
