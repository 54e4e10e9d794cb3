//! A server on threads of its own.

use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;

use crate::net;
use crate::server::{Server, ServerError};

/// A server that runs on threads of its own. Dropping it shuts it down.
#[derive(Debug)]
#[must_use = "dropping it shuts the server down"]
pub struct RunningServer {
    address: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl RunningServer {
    pub(crate) fn start(server: Server, listener: TcpListener) -> Result<Self, ServerError> {
        let address = listener.local_addr().map_err(ServerError::Threads)?;
        listener.set_nonblocking(true).map_err(ServerError::Threads)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("headwater-server")
            .enable_all()
            .build()
            .map_err(ServerError::Threads)?;
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(ServerError::Threads)?
        };
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let thread = std::thread::Builder::new()
            .name("headwater-serve".into())
            .spawn(move || runtime.block_on(net::serve(server, listener, stopping)))
            .map_err(ServerError::Threads)?;
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The URL for clients, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers the polls that are held, closes the connections and then the storage, and returns when all is done.
    pub fn shutdown(mut self) {
        self.stop_and_join();
    }

    fn stop_and_join(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the server's thread panicked");
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.stop_and_join();
    }
}
