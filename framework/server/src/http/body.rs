//! Reading bodies that nobody vouches for: limits on type, size and time, before and after decompression.

use std::io::{self, Read};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use headwater_core::limits::MAX_PUSH_BODY_BYTES;
use headwater_core::protocol::ProblemCode;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout, timeout_at};

use super::problem::Failure;

/// How long a body may take, however small.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);
/// A body that comes at least this fast gets more time.
const MIN_BYTES_PER_SECOND: usize = 16 * 1024;
/// Larger bodies are decoded on a thread that may block.
const MAX_INLINE_BYTES: usize = 64 * 1024;
/// How much of a body that is too large is read, so that the client gets to read the answer.
const MAX_DISCARDED_BYTES: usize = 2 * MAX_PUSH_BODY_BYTES;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);
/// Largest window of a zstd frame, as a power of two: it is memory that the sender chooses.
const MAX_ZSTD_WINDOW_LOG: u32 = 23;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

/// Reads a JSON body and decodes it.
pub(super) async fn read<T, F>(request: Request, decode: F) -> Result<T, Failure>
where
    T: Send + 'static,
    F: FnOnce(&[u8]) -> Result<T, Failure> + Send + 'static,
{
    let (parts, mut body) = request.into_parts();
    check_type(&parts.headers)?;
    let encoding = encoding(&parts.headers)?;
    let bytes = match collect(&mut body, declared_bytes(&parts.headers), BODY_TIMEOUT).await {
        Err(failure) if failure.code() == ProblemCode::TooLarge => {
            discard(&mut body).await;
            return Err(failure);
        }
        collected => collected?,
    };
    let small = bytes.len() <= MAX_INLINE_BYTES && encoding == Encoding::Identity;
    let work = move || decode(&inflate(bytes, encoding)?);
    if small {
        return work();
    }
    let decoded = tokio::task::spawn_blocking(work).await;
    let defect = |_| Failure::new(ProblemCode::Internal, "the body could not be decoded");
    decoded.map_err(defect)?
}

fn check_type(headers: &HeaderMap) -> Result<(), Failure> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Failure::new(ProblemCode::UnsupportedMediaType, "the body must be application/json"))
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Failure> {
    let unknown = || Failure::new(ProblemCode::UnsupportedMediaType, "the body may be encoded with gzip or zstd, once");
    let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
    let Some(value) = values.next() else {
        return Ok(Encoding::Identity);
    };
    let name = value.to_str().map_err(|_| unknown())?.trim().to_ascii_lowercase();
    match (name.as_str(), values.next()) {
        ("identity", None) => Ok(Encoding::Identity),
        ("gzip", None) => Ok(Encoding::Gzip),
        ("zstd", None) => Ok(Encoding::Zstd),
        _ => Err(unknown()),
    }
}

fn declared_bytes(headers: &HeaderMap) -> usize {
    let value = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// Reads the body as it comes over the wire.
async fn collect(body: &mut Body, declared: usize, patience: Duration) -> Result<Vec<u8>, Failure> {
    if declared > MAX_PUSH_BODY_BYTES {
        return Err(too_large());
    }
    let start = Instant::now();
    let mut bytes = Vec::with_capacity(declared.min(MAX_INLINE_BYTES));
    loop {
        let earned = Duration::from_secs((bytes.len() / MIN_BYTES_PER_SECOND) as u64);
        let chunk = timeout_at(start + patience + earned, next_chunk(body)).await;
        let chunk = chunk.map_err(|_| Failure::new(ProblemCode::Malformed, "the body came too slowly"))?;
        let chunk = chunk.map_err(|_| Failure::new(ProblemCode::Malformed, "the body ended early"))?;
        let Some(chunk) = chunk else { return Ok(bytes) };
        if bytes.len() + chunk.len() > MAX_PUSH_BODY_BYTES {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
}

async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, axum::Error> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Reads on for a moment: closing a connection that still has bytes to read takes the answer away from the client.
async fn discard(body: &mut Body) {
    let reading = async {
        let mut left = MAX_DISCARDED_BYTES;
        while let Ok(Some(chunk)) = next_chunk(body).await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    let _ = timeout(DISCARD_TIMEOUT, reading).await;
}

fn inflate(bytes: Vec<u8>, encoding: Encoding) -> Result<Vec<u8>, Failure> {
    let broken = |_: io::Error| Failure::new(ProblemCode::Malformed, "the body's compression can't be read");
    match encoding {
        Encoding::Identity => Ok(bytes),
        Encoding::Gzip => read_bounded(flate2::read::MultiGzDecoder::new(&*bytes)),
        Encoding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(&*bytes).map_err(broken)?;
            decoder.window_log_max(MAX_ZSTD_WINDOW_LOG).map_err(broken)?;
            read_bounded(decoder)
        }
    }
}

fn read_bounded(decoder: impl Read) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = decoder.take(MAX_PUSH_BODY_BYTES as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|_| Failure::new(ProblemCode::Malformed, "the body's compression can't be read"))?;
    if bytes.len() > MAX_PUSH_BODY_BYTES {
        return Err(too_large());
    }
    Ok(bytes)
}

fn too_large() -> Failure {
    Failure::new(ProblemCode::TooLarge, format!("the body has more than {MAX_PUSH_BODY_BYTES} bytes, decompressed"))
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use super::*;

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let zeros = vec![b' '; 4 * MAX_PUSH_BODY_BYTES];
        let bomb = zstd::stream::encode_all(&*zeros, 3).expect("zeros can be compressed");
        let problem = inflate(bomb, Encoding::Zstd).expect_err("it is too large");
        assert_eq!(problem.code(), ProblemCode::TooLarge);
    }

    struct Never;

    impl futures_core::Stream for Never {
        type Item = io::Result<Bytes>;

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_given_up() {
        let mut body = Body::from_stream(Never);
        let failure = collect(&mut body, 10, Duration::ZERO).await.expect_err("nothing comes");
        assert_eq!(failure.code(), ProblemCode::Malformed);
    }

    #[test]
    fn a_window_that_the_sender_chose_too_large_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("a valid level");
        encoder.window_log(27).expect("a valid window");
        io::Write::write_all(&mut encoder, &[b' '; 1_000]).expect("writing to memory");
        let frame = encoder.finish().expect("writing to memory");
        assert!(inflate(frame, Encoding::Zstd).is_err());
    }
}
