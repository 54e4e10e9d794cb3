//! The thread that talks to the backend: a small tokio runtime of the framework's own.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use headwater_core::StoreId;
use headwater_core::leader::{Input, TransportError};
use headwater_core::protocol::{PullRequest, PushRequest};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, JoinSet};
use tracing::Instrument as _;

use super::inbox::Inbox;
use crate::error::{Error, Result};
use crate::leader::Request;
use crate::sync_provider::SyncProvider;

enum Job {
    Pull(u64, PullRequest),
    Push(u64, PushRequest),
    Cancel,
}

impl Job {
    /// Whether an earlier one is of no use any more.
    fn voids(&self, earlier: &Self) -> bool {
        matches!(self, Self::Cancel) || std::mem::discriminant(self) == std::mem::discriminant(earlier)
    }
}

/// The way to the thread, which ends when this is dropped. Unbounded, because a leader has at most one pull and one
/// push under way.
pub(super) struct Net(UnboundedSender<Job>);

impl Net {
    pub(super) fn start(provider: Arc<dyn SyncProvider>, store: StoreId, inbox: Inbox) -> Result<Self> {
        let io = |source| Error::Io { path: "headwater-net".into(), source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io)?;
        let (sender, jobs) = unbounded_channel();
        let run = move || runtime.block_on(serve(provider, store, inbox, jobs));
        std::thread::Builder::new().name("headwater-net".to_owned()).spawn(run).map_err(io)?;
        Ok(Self(sender))
    }

    /// The thread lives as long as this sender, so that sending can't fail; should it have panicked, the leader's
    /// deadlines notice that no answer comes.
    fn send(&self, job: Job) {
        let _ = self.0.send(job);
    }

    pub(super) fn pull(&self, request: u64, pull: PullRequest) {
        self.send(Job::Pull(request, pull));
    }

    pub(super) fn push(&self, request: u64, push: PushRequest) {
        self.send(Job::Push(request, push));
    }

    pub(super) fn cancel(&self) {
        self.send(Job::Cancel);
    }
}

async fn serve(provider: Arc<dyn SyncProvider>, store: StoreId, inbox: Inbox, mut jobs: UnboundedReceiver<Job>) {
    let Some(mut waiting) = connect(&*provider, &store, &mut jobs).await else { return };
    let mut tasks = JoinSet::new();
    let mut under_way: [Option<AbortHandle>; 2] = [None, None];
    loop {
        let job = match waiting.pop_front() {
            Some(job) => Some(job),
            None => tokio::select! {
                job = jobs.recv() => job,
                Some(_) = tasks.join_next() => continue,
            },
        };
        let (provider, store, inbox) = (provider.clone(), store.clone(), inbox.clone());
        let (lane, task) = match job {
            None => return,
            Some(Job::Cancel) => {
                tasks.abort_all();
                continue;
            }
            Some(Job::Pull(request, pull)) => {
                let pulled = async move {
                    let result = guarded(async { provider.pull(&store, pull).await }).await;
                    deliver(&inbox, Input::Pulled { request, result });
                };
                (0, tasks.spawn(pulled.instrument(tracing::debug_span!("leader.pull", request))))
            }
            Some(Job::Push(request, push)) => {
                let pushed = async move {
                    let result = guarded(async { provider.push(&store, push).await }).await;
                    deliver(&inbox, Input::Pushed { request, result });
                };
                (1, tasks.spawn(pushed.instrument(tracing::debug_span!("leader.push", request))))
            }
        };
        // The leader has given the one before up.
        if let Some(before) = under_way[lane].replace(task) {
            before.abort();
        }
    }
}

/// Lets the provider connect, and returns what was asked for meanwhile; `None` if nobody is there to ask any more.
async fn connect(
    provider: &dyn SyncProvider,
    store: &StoreId,
    jobs: &mut UnboundedReceiver<Job>,
) -> Option<VecDeque<Job>> {
    let mut connecting = pin!(guarded(async { provider.connect(store).await }));
    let mut waiting = VecDeque::new();
    loop {
        tokio::select! {
            connected = &mut connecting => {
                if let Err(error) = connected {
                    tracing::debug!(%error, "not connected yet");
                }
                return Some(waiting);
            }
            job = jobs.recv() => {
                let job = job?;
                waiting.retain(|before| !job.voids(before));
                waiting.push_back(job);
            }
        }
    }
}

/// The leader takes whatever comes, so this waits for a moment at most. A leader that is gone needs no answer.
fn deliver(inbox: &Inbox, input: Input) {
    let _ = inbox.send(Request::Input(input));
}

/// A provider that panics has failed, and nothing else.
async fn guarded<T: Send>(
    request: impl Future<Output = Result<T, TransportError>> + Send,
) -> Result<T, TransportError> {
    let caught = CatchUnwind(Box::pin(request)).await;
    caught.unwrap_or_else(|panic| Err(TransportError::Offline(format!("the sync provider panicked: {panic}"))))
}

struct CatchUnwind<F>(std::pin::Pin<Box<F>>);

impl<F: Future> Future for CatchUnwind<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        let poll = std::panic::AssertUnwindSafe(|| self.0.as_mut().poll(context));
        match std::panic::catch_unwind(poll) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => std::task::Poll::Ready(Err(crate::state::panic_text(&*panic).to_owned())),
        }
    }
}
