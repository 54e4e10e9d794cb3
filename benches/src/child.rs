//! Other processes: this binary again, in another role.
//!
//! A child prints lines and ends when its input ends, so that none outlives its parent.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use headwater::sync_provider::HttpSync;
use headwater::{Durability, InitialSync, Storage, Store, params, sql};
use headwater_server::Server;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::measure::{cpu_time, shared_clock, us};
use crate::model;

/// The hidden subcommand that makes a process a child.
pub const SUBCOMMAND: &str = "__child";

/// How long a child may take to do its part.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A process in another role.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts this binary in a role, with parameters for it.
    ///
    /// # Errors
    /// If it can't be started.
    pub fn start(role: &str, params: &impl Serialize) -> Result<Self> {
        let binary = std::env::current_exe().context("the path of this binary")?;
        let mut command = Command::new(binary);
        command.args([SUBCOMMAND, role, &serde_json::to_string(params)?]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("a child process")?;
        let (input, output) = (child.stdin.take(), child.stdout.take().context("a child without output")?);
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    /// Waits for the next line of the child.
    ///
    /// # Errors
    /// If it ends or says something else.
    pub fn read<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("a child process ended too early");
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// Tells the child to answer: its CPU time so far, in microseconds.
    ///
    /// # Errors
    /// If it has ended.
    pub fn cpu_us(&mut self) -> Result<f64> {
        let input = self.input.as_mut().context("a child without input")?;
        writeln!(input, "cpu")?;
        self.read()
    }

    /// Ends the child and waits until it has.
    ///
    /// # Errors
    /// If it failed.
    pub fn finish(mut self) -> Result<()> {
        drop(self.input.take());
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { bail!("a child process failed: {status}") }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.input.take().is_some() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// What a child does.
///
/// # Errors
/// Whatever goes wrong.
pub fn main(role: &str, params: &str) -> Result<()> {
    match role {
        Seed::ROLE => serde_json::from_str::<Seed>(params)?.run(),
        Backend::ROLE => serde_json::from_str::<Backend>(params)?.run(),
        Watcher::ROLE => serde_json::from_str::<Watcher>(params)?.run(),
        _ => bail!("there is no role {role:?}"),
    }
}

fn say(value: &impl Serialize) -> Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{}", serde_json::to_string(value)?)?;
    Ok(output.flush()?)
}

/// Gives the CPU time whenever the parent asks, until the parent is done.
fn serve_questions() -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        if line? == "cpu" {
            say(&us(cpu_time()))?;
        }
    }
    Ok(())
}

/// Fills a data folder, in a process of its own, so that its memory is not the measured one's.
#[derive(Serialize, Deserialize)]
pub struct Seed {
    /// The data folder.
    pub folder: PathBuf,
    /// How many todos.
    pub rows: usize,
    /// Without a backend all of it is settled; with one that is never reached, all of it stays pending.
    pub settled: bool,
}

impl Seed {
    const ROLE: &str = "seed";

    /// Fills it, and returns when that is done.
    ///
    /// # Errors
    /// If the child failed.
    pub fn fill(&self) -> Result<()> {
        Process::start(Self::ROLE, self)?.finish()
    }

    fn run(&self) -> Result<()> {
        let builder = Store::builder(model::schema(false)).storage(Storage::directory(&self.folder));
        let builder = if self.settled { builder } else { builder.sync(unreachable()?).start_offline() };
        let store = builder.durability(Durability::Deferred).open()?;
        model::fill(&store, self.rows)?;
        Ok(store.shutdown()?)
    }
}

/// A provider for stores that stay offline.
///
/// # Errors
/// If it can't be made.
pub fn unreachable() -> Result<HttpSync> {
    Ok(HttpSync::new("http://127.0.0.1:9")?)
}

/// A server on a free port, which it prints as its URL.
#[derive(Serialize, Deserialize)]
pub struct Backend {
    /// Where it keeps its logs.
    pub folder: PathBuf,
}

impl Backend {
    const ROLE: &str = "backend";

    /// Starts it, and gives its URL.
    ///
    /// # Errors
    /// If the child failed.
    pub fn start(&self) -> Result<(Process, String)> {
        let mut process = Process::start(Self::ROLE, self)?;
        let url = process.read()?;
        Ok((process, url))
    }

    fn run(&self) -> Result<()> {
        let storage = headwater_server::Storage::sqlite(&self.folder);
        let server = Server::builder().storage(storage).listen("127.0.0.1:0").start()?;
        say(&server.url())?;
        serve_questions()?;
        server.shutdown();
        Ok(())
    }
}

/// A client that prints the time whenever its live query shows another text of the todo 0.
#[derive(Serialize, Deserialize)]
pub struct Watcher {
    /// The backend.
    pub url: String,
    /// Its data folder.
    pub folder: PathBuf,
    /// How many todos there are before it begins.
    pub rows: usize,
}

/// What a watcher saw, and when on the clock of all processes, in nanoseconds.
#[derive(Serialize, Deserialize)]
pub struct Sighting {
    /// The text.
    pub text: String,
    /// The time.
    pub at_ns: u64,
}

impl Watcher {
    const ROLE: &str = "watcher";

    /// Starts it, and waits until it has all todos.
    ///
    /// # Errors
    /// If the child failed.
    pub fn start(&self) -> Result<Process> {
        let mut process = Process::start(Self::ROLE, self)?;
        process.read::<String>()?;
        Ok(process)
    }

    fn run(&self) -> Result<()> {
        let store = Store::builder(model::schema(false))
            .storage(Storage::directory(&self.folder))
            .sync(HttpSync::new(&self.url)?)
            .initial_sync(InitialSync::Blocking { timeout: PATIENCE })
            .open()?;
        let rows = self.rows as u64;
        store
            .sync_status_changes()
            .wait_until(PATIENCE, |status| status.heads.session.global >= rows)
            .context("not all todos arrived")?;
        let text = sql::<String>("SELECT text FROM todos WHERE id = ?1", params![model::id(0)]);
        let live = store.live_query(text)?;
        let _subscription = live.subscribe(|texts| {
            let at_ns = u64::try_from(shared_clock().as_nanos()).unwrap_or(u64::MAX);
            for text in texts.iter() {
                // The parent notices what is missing.
                let _ = say(&Sighting { text: text.clone(), at_ns });
            }
        });
        say(&"ready")?;
        serve_questions()?;
        Ok(store.shutdown()?)
    }
}
