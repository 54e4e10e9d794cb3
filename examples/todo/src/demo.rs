//! Two windows in sync.
//!
//! The backend runs in this process. Each window is a process of its own, as it is for two people: neither can hold the
//! other up, and closing one leaves the other open. They end with this process, because they watch their standard input.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use headwater_server::{Server, Storage};

use crate::cli::{Cli, NO_WINDOW};
use crate::headless;

/// The clients, and where their windows stand.
const CLIENTS: [(&str, &str); 2] = [("A", "20,40,720,820"), ("B", "780,40,720,820")];

/// Opens two windows with a backend for them, and returns when both are closed. Where no window can be opened, the
/// scripted session is told instead; `Ok(false)` if its clients differ.
///
/// # Errors
/// If the backend or a window can't be started, or a window ends with an error.
pub fn run(cli: &Cli) -> Result<bool> {
    let temporary = match cli.data {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("can't make a folder for the demo")?),
    };
    let folder = match (&cli.data, &temporary) {
        (Some(folder), _) => folder,
        (None, Some(folder)) => folder.path(),
        (None, None) => unreachable!("one of them is there"),
    };
    let server = Server::builder().storage(Storage::sqlite(folder.join("backend"))).start()?;
    println!("backend at {}, data in {}", server.url(), folder.display());
    let mut windows: Vec<_> =
        CLIENTS.iter().map(|client| open_window(cli, &server.url(), folder, *client)).collect::<Result<_>>()?;
    // Waiting for a process would close its standard input, and so the window.
    let open: Vec<_> = windows.iter_mut().map(|window| window.stdin.take()).collect();
    for (window, (name, _)) in windows.iter_mut().zip(CLIENTS) {
        let status = window.wait().with_context(|| format!("can't wait for window {name}"))?;
        if status.code() == Some(NO_WINDOW.into()) {
            eprintln!("todo: no window can be opened here, so the demo is told");
            return headless::run(&mut std::io::stdout());
        }
        ensure!(status.success(), "window {name} ended with {status}");
    }
    drop(open);
    server.shutdown();
    Ok(true)
}

fn open_window(cli: &Cli, url: &str, folder: &Path, (name, place): (&str, &str)) -> Result<Child> {
    let program = std::env::current_exe().context("can't find this program")?;
    let mut command = Command::new(program);
    command.args(["--end-with-stdin", "--server", url, "--store", &cli.store, "--place", place, "--title"]);
    command.arg(format!("Todo – client {name}")).arg("--data").arg(folder.join(name.to_lowercase()));
    if let Some(count) = cli.fill.filter(|_| name == "A") {
        command.args(["--fill", &count.to_string()]);
    }
    command.stdin(Stdio::piped()).spawn().with_context(|| format!("can't open window {name}"))
}
