//! Connections: accepting, time limits, and an orderly end.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::{Router, middleware};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http::Guard;
use crate::server::Server;

/// How long the headers of a request may take, and how long a connection may be idle between requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// How often an HTTP/2 connection is asked whether it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How long connections get to finish at a shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait after the system has no more sockets or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves until stopped; then ends in order: no new connections, polls answered, connections done, storage closed.
pub(crate) async fn serve(server: Server, listener: TcpListener, stop: CancellationToken) {
    let router = guarded(&server, &listener);
    let connections = TaskTracker::new();
    let permits = Arc::new(Semaphore::new(server.max_connections));
    let finish = CancellationToken::new();
    let accepting = async {
        loop {
            let Ok(permit) = permits.clone().acquire_owned().await else {
                return;
            };
            let stream = accept(&listener).await;
            let (router, finish) = (router.clone(), finish.clone());
            connections.spawn(async move {
                serve_connection(stream, router, finish).await;
                drop(permit);
            });
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stop.cancelled() => {}
    }
    drop(listener);
    server.drain();
    finish.cancel();
    connections.close();
    if timeout(DRAIN_TIMEOUT, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "some connections did not finish in time");
    }
    if let Err(error) = server.close().await {
        tracing::error!(%error, "the storage did not close well");
    }
}

/// The router behind the checks that only a listener of one's own can make.
fn guarded(server: &Server, listener: &TcpListener) -> Router {
    match listener.local_addr() {
        Ok(address) => {
            let guard = Guard::new(address, &server.allowed_hosts);
            server.router().layer(middleware::from_fn_with_state(guard, Guard::check))
        }
        Err(error) => {
            tracing::error!(%error, "the listener has no address");
            Router::new()
        }
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "can't accept connections for now");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn serve_connection(stream: TcpStream, router: Router, finish: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY is not set");
    }
    let version = tokio::select! {
        version = timeout(HEADER_TIMEOUT, sniff(&stream)) => version,
        () = finish.cancelled() => return,
    };
    let Ok(Ok(version)) = version else { return };
    let io = TokioIo::new(stream);
    let service = TowerToHyperService::new(router);
    let served = match version {
        Version::Http1 => {
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
            let mut connection = pin!(http.serve_connection(io, service));
            tokio::select! {
                served = &mut connection => served,
                () = finish.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
        Version::Http2 => {
            let mut http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            http.timer(TokioTimer::new()).keep_alive_interval(KEEP_ALIVE).max_concurrent_streams(100);
            let mut connection = pin!(http.serve_connection(io, service));
            tokio::select! {
                served = &mut connection => served,
                () = finish.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Http1,
    Http2,
}

/// Tells the version by the first bytes, and leaves them for the one who serves it.
async fn sniff(stream: &TcpStream) -> io::Result<Version> {
    let mut start = [0; HTTP2_PREFACE.len()];
    loop {
        let read = stream.peek(&mut start).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if start[..read] != HTTP2_PREFACE[..read] {
            return Ok(Version::Http1);
        }
        if read == start.len() {
            return Ok(Version::Http2);
        }
        // A part of the preface: the rest is on its way. Peeking again returns at once, so that it has to pause.
        sleep(Duration::from_millis(5)).await;
    }
}
