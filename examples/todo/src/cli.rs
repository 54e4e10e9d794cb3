//! The command line.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use headwater::sync_provider::HttpSync;
use headwater::{Storage, Store};

use crate::model::Model;
use crate::schema::schema;
use crate::state::State;
use crate::{app, demo, headless};

/// The exit code if the clients differ.
pub const DIFFERENT: u8 = 1;
/// The exit code if it could not start.
pub const NOT_STARTED: u8 = 2;
/// The exit code if there is no display that can show a window.
pub const NO_WINDOW: u8 = 3;

/// A todo app that works offline and stays in sync.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "todo",
    version,
    after_help = "\
Examples:
  todo                                        for yourself, on this machine alone
  todo --demo                                 two windows in sync, with a backend of their own
  todo --server http://127.0.0.1:8787         in sync with others; start the backend with `headwater-server`

Exit codes: 0 all is well, 1 the two clients of --headless differ, 2 it could not start,
3 no window can be opened here."
)]
pub struct Cli {
    /// Two clients with a backend in this process: two windows, or a scripted session where there is no display.
    #[arg(long, conflicts_with = "server")]
    pub demo: bool,

    /// The demo without windows: create, edit, go offline, conflict, go online, converge. Exits with 0 only if both
    /// clients are the same in the end.
    #[arg(long, conflicts_with_all = ["server", "data", "fill", "print_state"])]
    pub headless: bool,

    /// The folder for the data. It is made if it is not there. With --demo it holds a folder for each of the clients
    /// and one for the backend.
    #[arg(long, value_name = "DIR", env = "TODO_DATA")]
    pub data: Option<PathBuf>,

    /// The address of a backend, such as http://127.0.0.1:8787.
    #[arg(long, value_name = "URL", env = "TODO_SERVER")]
    pub server: Option<String>,

    /// The id of the store. Clients with the same id at the same backend share their todos.
    #[arg(long, value_name = "ID", default_value = "todos")]
    pub store: String,

    /// Adds this many todos at the start.
    #[arg(long, value_name = "N")]
    pub fill: Option<usize>,

    /// Prints what is in the data folder, and opens no window. As JSON, all rows of all tables.
    #[arg(long, conflicts_with = "demo")]
    pub print_state: bool,

    /// The title of the window.
    #[arg(long, value_name = "TEXT", hide = true)]
    pub title: Option<String>,

    /// Where the window stands.
    #[arg(long, value_name = "X,Y,W,H", hide = true, value_delimiter = ',', allow_hyphen_values = true)]
    pub place: Option<Vec<f32>>,

    /// Ends when standard input does.
    #[arg(long, hide = true)]
    pub end_with_stdin: bool,
}

/// Does what the command line says. `Ok(false)`: the two clients of the scripted session differ.
///
/// # Errors
/// Why it could not start.
pub fn run(cli: &Cli) -> Result<bool> {
    if cli.headless || (cli.demo && !has_display()) {
        return headless::run(&mut std::io::stdout());
    }
    if cli.demo {
        return demo::run(cli);
    }
    let store = open_store(cli)?;
    if cli.print_state {
        println!("{}", serde_json::to_string_pretty(&State::of(&store)?)?);
        return Ok(true);
    }
    let model = Model::new(store)?;
    if let Some(count) = cli.fill {
        model.fill(count)?;
    }
    app::run(cli, model).map(|()| true)
}

/// Opens the store that the command line names.
fn open_store(cli: &Cli) -> Result<Store> {
    let folder = cli.data.clone().map_or_else(default_folder, Ok)?;
    open(&folder, &cli.store, cli.server.as_deref(), cli.print_state)
}

/// Opens a store in a folder; offline if it is only to be read.
///
/// # Errors
/// If the folder, the id or the address can't be used; says which.
pub fn open(folder: &Path, store_id: &str, server: Option<&str>, offline: bool) -> Result<Store> {
    let mut builder = Store::builder(schema()).store_id(store_id).storage(Storage::directory(folder));
    if let Some(url) = server {
        builder = builder.sync(HttpSync::new(url).with_context(|| format!("--server {url}"))?);
    }
    if offline {
        builder = builder.start_offline();
    }
    builder.open().with_context(|| format!("can't open the todos in {}", folder.display()))
}

/// `~/.local/share/headwater-todo`, as the desktop's conventions have it.
fn default_folder() -> Result<PathBuf> {
    let data = std::env::var_os("XDG_DATA_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || std::env::home_dir().map(|home| home.join(".local").join("share"));
    let folder = data.or_else(home).context("there is no home folder: say where with --data DIR")?;
    Ok(folder.join("headwater-todo"))
}

/// Whether a window can be opened, as far as the environment tells.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}
