//! The todo app as a process.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::screen::Screen;

/// Builds the app, once, and returns its path. It is of another package, so that Cargo doesn't do it for this test.
fn path() -> Result<&'static str> {
    static PATH: OnceLock<Result<String, String>> = OnceLock::new();
    PATH.get_or_init(|| build().map_err(|error| format!("{error:#}"))).as_deref().map_err(anyhow::Error::msg)
}

fn build() -> Result<String> {
    let arguments = ["build", "--package", "todo", "--bin", "todo", "--message-format", "json"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output()?;
    ensure!(output.status.success(), "the app does not build:\n{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout)?;
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = artifacts.filter_map(|artifact| artifact["executable"].as_str().map(ToOwned::to_owned));
    programs.next_back().context("Cargo says nothing of an executable")
}

/// The app on a screen. It is killed when this is dropped.
pub(crate) struct Program(Child);

impl Program {
    pub(crate) fn start(screen: &Screen, arguments: &[&str]) -> Result<Self> {
        let mut command = screen.command(path()?);
        command.args(arguments).env_remove("TODO_DATA").env_remove("TODO_SERVER").stdin(Stdio::null());
        Ok(Self(command.spawn()?))
    }

    /// Waits until it has ended, and ended well.
    pub(crate) fn wait(mut self) -> Result<()> {
        let status = self.0.wait()?;
        ensure!(status.success(), "the app ended with {status}");
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It fails if it has ended already. The windows of a demo end with it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// All rows in a data folder, as the app prints them.
pub(crate) fn state(folder: &Path) -> Result<Value> {
    let output = Command::new(path()?).arg("--print-state").arg("--data").arg(folder).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}
