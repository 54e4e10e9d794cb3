//! The endpoint for pulls.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use headwater_core::StoreId;
use headwater_core::backend::{PageBounds, judge_pull};
use headwater_core::limits::MAX_POLL_MS;
use headwater_core::protocol::{Problem, ProblemCode, PullReply, PullRequest};
use tokio::time::{Duration, Instant, sleep_until};

use super::problem::Failure;
use super::{App, Store, live};
use crate::event_store::Page;
use crate::random::jittered;

/// `GET /v1/stores/{store}/pull`: the next events, at once or as soon as there are some.
pub(super) async fn pull(
    State(app): State<App>,
    Store(store): Store,
    query: Result<Query<PullRequest>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(request) = query.map_err(|error| malformed(error.body_text()))?;
    if request.limit == Some(0) {
        return Err(malformed("a limit of 0 events can't make progress"));
    }
    let wait = jittered(Duration::from_millis(request.wait_ms.min(MAX_POLL_MS)));
    let deadline = Instant::now() + wait;
    // Before the first look, so that nothing can come in between unseen.
    let mut watch = app.store.watch(&store);
    loop {
        let page = page(&app, &store, &request).await?;
        let over = Instant::now() >= deadline || app.draining.is_cancelled();
        if !page.events.is_empty() || over {
            let reply = PullReply { log: page.log, events: page.events, remaining: page.remaining };
            return Ok(live(&reply));
        }
        tokio::select! {
            () = watch.after(request.after) => {}
            () = sleep_until(deadline) => {}
            () = app.draining.cancelled() => {}
        }
    }
}

async fn page(app: &App, store: &StoreId, request: &PullRequest) -> Result<Page, Failure> {
    let page = app.store.page(store, request.after, PageBounds::pull(request.limit)).await?;
    let Err(common) = judge_pull(&page.log, request.after, page.chain, request.chain) else {
        return Ok(page);
    };
    let detail = "the history up to this position is not the backend's";
    let problem = Problem::new(ProblemCode::Diverged, detail).at(page.log);
    Err(Problem { common_seq_num: Some(common), ..problem }.into())
}

fn malformed(detail: impl Into<String>) -> Failure {
    Failure::new(ProblemCode::Malformed, detail)
}
