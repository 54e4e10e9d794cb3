//! The endpoint for pushes.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use headwater_core::StoreId;
use headwater_core::protocol::{Problem, ProblemCode, PushAnswer, PushRequest, VERSION};
use serde::Deserialize;

use super::problem::Failure;
use super::{App, Store, body, live};
use crate::rules::{EventRules, Verdict};

/// `POST /v1/stores/{store}/push`: one batch, whole or not at all.
pub(super) async fn push(State(app): State<App>, Store(store): Store, request: Request) -> Result<Response, Failure> {
    let batch = body::read(request, parse).await?;
    let refused = match &app.rules {
        Some(rules) => refusal(&app, rules, &store, &batch).await?,
        None => None,
    };
    let answer = match refused {
        Some(answer) => answer,
        None => app.store.push(&store, batch).await?,
    };
    Ok(respond(&store, answer))
}

/// The answer without appending, if the batch is not to be appended. The rules see only what would be appended.
async fn refusal(
    app: &App,
    rules: &Arc<dyn EventRules>,
    store: &StoreId,
    batch: &PushRequest,
) -> Result<Option<PushAnswer>, Failure> {
    if let Some(answer) = app.store.probe(store, batch).await? {
        return Ok(Some(answer));
    }
    let (rules, store, events) = (rules.clone(), store.clone(), batch.events.clone());
    let judging = tokio::task::spawn_blocking(move || {
        events.iter().find_map(|event| match rules.judge(&store, event) {
            Verdict::Allow => None,
            Verdict::Deny { code, reason } => Some(PushAnswer::Rejected { id: event.id, code, reason }),
        })
    });
    judging.await.map_err(|_| Failure::new(ProblemCode::Internal, "the rules of the backend met a defect"))
}

fn parse(bytes: &[u8]) -> Result<PushRequest, Failure> {
    #[derive(Deserialize)]
    struct AnyVersion {
        protocol: u32,
    }
    let parsed = serde_json::from_slice::<PushRequest>(bytes);
    let protocol = match &parsed {
        Ok(request) => Some(request.protocol),
        Err(_) => serde_json::from_slice::<AnyVersion>(bytes).ok().map(|any| any.protocol),
    };
    if let Some(other) = protocol.filter(|protocol| *protocol != VERSION) {
        let detail = format!("protocol version {other} is not served, {VERSION} is");
        let problem = Problem::new(ProblemCode::UnsupportedProtocol, detail);
        return Err(Problem { versions: vec![VERSION], ..problem }.into());
    }
    parsed.map_err(|error| {
        let error: String = error.to_string().chars().take(300).collect();
        Failure::new(ProblemCode::Malformed, format!("the body is not a push: {error}"))
    })
}

fn respond(store: &StoreId, answer: PushAnswer) -> Response {
    let problem = match answer {
        PushAnswer::Accepted(reply) => {
            let (head, events, duplicate) = (reply.log.head, reply.positions.len(), reply.duplicate);
            tracing::debug!(%store, head, events, duplicate, "store.push");
            return live(&reply);
        }
        PushAnswer::Behind { log, tail, more } => {
            let detail = "the batch is not numbered after the head; merge the tail and push again";
            Problem { tail, more, ..Problem::new(ProblemCode::Behind, detail).at(log) }
        }
        PushAnswer::BackendMismatch { log } => {
            Problem::new(ProblemCode::BackendMismatch, "this is another log, or another epoch of it").at(log)
        }
        PushAnswer::ClientIdTaken => {
            Problem::new(ProblemCode::ClientIdTaken, "the client id is somebody else's; draw a new one")
        }
        PushAnswer::Rejected { id, code, reason } => {
            let problem = Problem::new(ProblemCode::Rejected, reason);
            Problem { id: Some(id), reason_code: Some(code), ..problem }
        }
        PushAnswer::Malformed { reason } => Problem::new(ProblemCode::Malformed, reason),
        other => {
            tracing::error!(?other, "an answer that this server can't write");
            Problem::new(ProblemCode::Internal, "the backend met a defect of its own")
        }
    };
    tracing::debug!(%store, code = ?problem.code, "store.push refused");
    Failure::from(problem).into_response()
}
