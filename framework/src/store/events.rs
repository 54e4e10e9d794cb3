//! Reading the eventlog.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures_core::Stream;
use headwater_core::{ClientId, EventId, EventRecord, SeqNum, SessionId};
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::leader::LogReader;

/// Events read at once.
const PAGE: usize = 500;

/// An event of the log: at its final place, unless it comes from
/// [`Store::pending_events`](crate::Store::pending_events).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedEvent {
    /// Where it stands.
    pub seq: SeqNum,
    /// Who it is.
    pub id: EventId,
    /// Its type.
    pub name: String,
    /// The version of its arguments.
    pub ver: u32,
    /// The client that committed it, as that client says.
    pub client_id: ClientId,
    /// The session that committed it, as that client says.
    pub session_id: SessionId,
    /// Its arguments as JSON.
    pub args: headwater_core::Args,
}

impl LoggedEvent {
    pub(super) fn new(event: &EventRecord) -> Self {
        let body = &*event.body;
        Self {
            seq: event.seq,
            id: body.id,
            name: body.name.to_string(),
            ver: body.ver,
            client_id: body.client_id.clone(),
            session_id: body.session_id.clone(),
            args: body.args.clone(),
        }
    }

    /// The arguments as a value.
    ///
    /// # Errors
    /// [`Error::Decode`] if they don't fit.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T> {
        self.args.decode().map_err(|source| Error::Decode { name: self.name.clone(), ver: self.ver, source })
    }
}

/// Reads pages and hands out events.
struct Pages {
    log: LogReader,
    after: SeqNum,
    page: VecDeque<LoggedEvent>,
}

impl Pages {
    async fn next(&mut self) -> Result<Option<LoggedEvent>> {
        loop {
            if let Some(event) = self.page.pop_front() {
                return Ok(Some(event));
            }
            let page = self.log.read(self.after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(None) };
            self.after = last.event.seq;
            let synced = page.iter().map(|settled| &settled.event).filter(|event| !event.body.is_client_only());
            self.page.extend(synced.map(LoggedEvent::new));
        }
    }
}

/// The events of [`Store::events`](crate::Store::events).
pub struct Events {
    pages: Pages,
    ended: bool,
}

impl Events {
    pub(super) fn new(log: LogReader, after: SeqNum) -> Self {
        Self { pages: Pages { log, after, page: VecDeque::new() }, ended: false }
    }
}

impl Iterator for Events {
    type Item = Result<LoggedEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = crate::blocking::wait(self.pages.next(), std::time::Duration::MAX);
        let next = next.unwrap_or(Err(Error::Closed)).transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

type Step = Pin<Box<dyn Future<Output = (Pages, Result<Option<LoggedEvent>>)> + Send>>;

/// The events of [`Store::event_stream`](crate::Store::event_stream). It ends when the store is shut down.
pub struct EventStream {
    step: Step,
}

impl EventStream {
    pub(super) fn new(log: LogReader, after: SeqNum) -> Self {
        Self { step: Box::pin(step(Pages { log, after, page: VecDeque::new() })) }
    }

    /// The next event; `None` when the store is shut down.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the log is.
    pub async fn next(&mut self) -> Option<Result<LoggedEvent>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

/// Waits until there is another event.
async fn step(mut pages: Pages) -> (Pages, Result<Option<LoggedEvent>>) {
    let mut published = pages.log.published();
    loop {
        let settled = published.borrow_and_update().settled_head;
        match pages.next().await {
            Ok(None) => {}
            found => return (pages, found),
        }
        let moved = pin!(published.wait_for(|published| published.settled_head.is_after(&settled)));
        if moved.await.is_err() {
            return (pages, Ok(None));
        }
    }
}

impl Stream for EventStream {
    type Item = Result<LoggedEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Poll::Ready((pages, event)) = self.step.as_mut().poll(context) else {
            return Poll::Pending;
        };
        self.step = Box::pin(step(pages));
        Poll::Ready(match event {
            Err(Error::Closed) => None,
            event => event.transpose(),
        })
    }
}
