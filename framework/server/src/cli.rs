//! The command line: what the binary does, for binaries of other packages to do the same.

use std::error::Error;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::running::RunningServer;
use crate::server::{Server, ServerBuilder, ServerError, Storage};

/// How a process ends that was told twice to end.
const FORCED: i32 = 130;

/// The sync backend of Headwater.
///
/// It orders the events of each store, keeps them for good, and hands them to the clients that pull. An event is on
/// disk (fsync) before its push is answered.
///
/// There is no authentication yet: whoever reaches the address can read and write every store. That is why it listens
/// on this machine only, unless it is told otherwise.
#[derive(Debug, Parser)]
#[command(name = "headwater-server", version, after_help = AFTER_HELP)]
struct Options {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", env = "HEADWATER_LISTEN", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,

    /// The folder of the database; it is made if it is not there
    #[arg(long, value_name = "FOLDER", env = "HEADWATER_DATA", default_value = "./headwater-data")]
    data: PathBuf,

    /// Keep everything in memory, until the server ends; for trying things out
    #[arg(long)]
    memory: bool,

    /// Listen on an address that others can reach, though nothing asks who they are
    #[arg(long)]
    allow_unauthenticated: bool,

    /// A host name that requests may use, or web pages call from, besides this machine's own; may be repeated
    #[arg(long, value_name = "HOST", env = "HEADWATER_ALLOW_HOST", value_delimiter = ',')]
    allow_host: Vec<String>,

    /// What to log on stderr: error, warn, info, debug, trace, or target=level,…
    #[arg(long, value_name = "FILTER", env = "HEADWATER_LOG", default_value = "info")]
    log: String,
}

const AFTER_HELP: &str = "\
SIGTERM or SIGINT ends the server in order: held polls are answered, pushes finished, the database closed. A second \
signal ends it at once; nothing that was acknowledged is lost by that either.

Examples:
  headwater-server                             on http://127.0.0.1:8787, data in ./headwater-data
  headwater-server --memory --listen 127.0.0.1:0
  curl http://127.0.0.1:8787/v1/stores/my-store";

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(
        "{0} can be reached from other machines, and there is no authentication yet: listen on 127.0.0.1, behind a \
         proxy that asks who is calling, or give --allow-unauthenticated"
    )]
    Exposed(SocketAddr),
    #[error("HEADWATER_LOG or --log can't be read: {0}")]
    Log(#[from] tracing_subscriber::filter::ParseError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("signals can't be waited for: {0}")]
    Signals(#[source] io::Error),
}

/// Runs the server with the arguments of this process, until a signal ends it. What is said on stdout is one line, when
/// it listens; everything else goes to stderr.
#[must_use]
pub fn run() -> ExitCode {
    let options = Options::parse();
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &Options) -> Result<(), CliError> {
    let filter = EnvFilter::try_new(&options.log)?;
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .try_init();
    if !options.listen.ip().is_loopback() && !options.allow_unauthenticated {
        return Err(CliError::Exposed(options.listen));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::Signals)?;
    let mut signals = {
        let _context = runtime.enter();
        Signals::new().map_err(CliError::Signals)?
    };
    let storage = if options.memory { Storage::memory() } else { Storage::sqlite(&options.data) };
    let builder = Server::builder().storage(storage).listen(options.listen);
    let server = options.allow_host.iter().fold(builder, ServerBuilder::allow_host).start()?;
    announce(&server, options);
    runtime.block_on(signals.next());
    tracing::info!("ending; a second signal ends at once");
    runtime.block_on(async move {
        tokio::select! {
            _ = tokio::task::spawn_blocking(move || server.shutdown()) => Ok(()),
            () = signals.next() => std::process::exit(FORCED),
        }
    })
}

fn announce(server: &RunningServer, options: &Options) {
    if options.memory {
        tracing::warn!("everything is kept in memory and is gone when the server ends");
    } else {
        tracing::info!(data = %options.data.display(), "the database is open");
    }
    let mut stdout = io::stdout().lock();
    // Nobody may be reading; the server serves all the same.
    let _ = writeln!(stdout, "listening on {}", server.url()).and_then(|()| stdout.flush());
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
