//! What a reply means. Nothing but a definite answer becomes one.

use headwater_core::leader::TransportError;
use headwater_core::protocol::{LogPosition, Problem, ProblemCode, PullAnswer, PushAnswer};

use super::reply::{Reply, not_ours};

pub(super) fn push(reply: &Reply) -> Result<PushAnswer, TransportError> {
    if let Some(accepted) = reply.success()? {
        return Ok(PushAnswer::Accepted(accepted));
    }
    let problem = reply.problem()?;
    Ok(match problem.code {
        ProblemCode::Behind => PushAnswer::Behind { log: log(&problem)?, tail: problem.tail, more: problem.more },
        ProblemCode::BackendMismatch => PushAnswer::BackendMismatch { log: log(&problem)? },
        ProblemCode::ClientIdTaken => PushAnswer::ClientIdTaken,
        ProblemCode::Rejected => {
            let (Some(id), Some(code)) = (problem.id, problem.reason_code) else {
                return Err(not_ours(problem.status, "that does not say which event is rejected, or why"));
            };
            PushAnswer::Rejected { id, code, reason: problem.detail }
        }
        ProblemCode::Malformed => PushAnswer::Malformed { reason: problem.detail },
        ProblemCode::UnsupportedProtocol => PushAnswer::Malformed { reason: unsupported(&problem) },
        _ => return Err(no_answer(reply, &problem)),
    })
}

pub(super) fn pull(reply: &Reply) -> Result<PullAnswer, TransportError> {
    if let Some(page) = reply.success()? {
        return Ok(PullAnswer::Page(page));
    }
    let problem = reply.problem()?;
    Ok(match problem.code {
        ProblemCode::Diverged => {
            let Some(common_seq_num) = problem.common_seq_num else {
                return Err(not_ours(problem.status, "that does not say where the histories part"));
            };
            PullAnswer::Diverged { log: log(&problem)?, common_seq_num }
        }
        ProblemCode::Truncated => PullAnswer::Truncated { log: log(&problem)? },
        _ => return Err(no_answer(reply, &problem)),
    })
}

pub(super) fn ping(reply: &Reply) -> Result<LogPosition, TransportError> {
    match reply.success()? {
        Some(log) => Ok(log),
        None => Err(no_answer(reply, &reply.problem()?)),
    }
}

fn log(problem: &Problem) -> Result<LogPosition, TransportError> {
    let missing =
        || not_ours(problem.status, &format!("with the problem {:?}, but without the log's position", problem.code));
    problem.log.ok_or_else(missing)
}

fn unsupported(problem: &Problem) -> String {
    format!("{} (it serves the versions {:?}): update the app or the backend", problem.detail, problem.versions)
}

/// Why a problem is no answer to what was asked.
fn no_answer(reply: &Reply, problem: &Problem) -> TransportError {
    let detail = problem.detail.clone();
    match problem.code {
        ProblemCode::Unauthenticated => TransportError::NeedsAuth(detail),
        ProblemCode::Quota => TransportError::Quota(detail),
        ProblemCode::Forbidden => TransportError::Forbidden(detail),
        ProblemCode::TooLarge => TransportError::TooLarge(detail),
        ProblemCode::RateLimited => {
            TransportError::RateLimited { retry_after_ms: reply.retry_after_ms, reason: detail }
        }
        ProblemCode::Internal | ProblemCode::Unavailable => TransportError::Server(detail),
        ProblemCode::UnsupportedProtocol => TransportError::Server(unsupported(problem)),
        ProblemCode::Malformed | ProblemCode::UnsupportedMediaType => {
            TransportError::Server(format!("it can't read the request: {detail}"))
        }
        ProblemCode::NotFound | ProblemCode::MethodNotAllowed => {
            not_ours(problem.status, &format!("({detail}): check the address of the backend"))
        }
        _ => not_ours(problem.status, &format!("with an unexpected problem: {detail}")),
    }
}
