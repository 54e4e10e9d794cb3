//! Real processes under test: clients and servers that are started, spoken to, and killed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command as Spawn, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::client::Command;
use crate::schema::TodoEvent;

/// A client process. It is killed when this is dropped.
pub struct Client {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// The client id that it said.
    pub client_id: String,
}

impl Client {
    /// Starts `program`, the path of `testkit-client`, and waits until its store is open.
    ///
    /// # Errors
    /// If it does not start, with what it said.
    pub fn start(program: &str, data: &Path, args: &[&str]) -> Result<Self> {
        Self::spawn(Spawn::new(program).arg("--data").arg(data).args(args))
    }

    /// The same where no file can grow beyond so many KiB: a full disk.
    ///
    /// # Errors
    /// As [`Client::start`].
    pub fn start_on_a_small_disk(program: &str, data: &Path, kib: u32, args: &[&str]) -> Result<Self> {
        let limited = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
        Self::spawn(Spawn::new("bash").args(["-c", &limited, program, "--data"]).arg(data).args(args))
    }

    fn spawn(command: &mut Spawn) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().context("a pipe")?;
        let mut stdout = BufReader::new(child.stdout.take().context("a pipe")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let Ok(opened) = serde_json::from_str::<Value>(&line) else {
            let output = child.wait_with_output()?;
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        };
        let client_id = opened["open"].as_str().context("the client id")?.to_owned();
        Ok(Self { child, stdin, stdout, client_id })
    }

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    /// If it answers with an error, or has ended.
    pub fn tell(&mut self, command: &Command) -> Result<Value> {
        self.send(command)?;
        self.answer()
    }

    /// Sends a command without waiting.
    ///
    /// # Errors
    /// If it has ended.
    pub fn send(&mut self, command: &Command) -> Result<()> {
        writeln!(self.stdin, "{}", serde_json::to_string(command)?)?;
        Ok(self.stdin.flush()?)
    }

    /// Waits for an answer.
    ///
    /// # Errors
    /// If it answers with an error, or has ended.
    pub fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            bail!("the client has ended");
        }
        let mut reply: Value = serde_json::from_str(&line).with_context(|| format!("an answer, not {line:?}"))?;
        match reply.get("error") {
            Some(error) => bail!("{}", error.as_str().unwrap_or_default()),
            None => Ok(reply["ok"].take()),
        }
    }

    /// Commits events as one group and returns their ids.
    ///
    /// # Errors
    /// What the store says.
    pub fn commit(&mut self, events: &[TodoEvent]) -> Result<Vec<String>> {
        let events = events.iter().map(|event| json!(event)).collect();
        Ok(serde_json::from_value(self.tell(&Command::Commit(events))?)?)
    }

    /// Ends it like a crash: `kill -9`.
    ///
    /// # Errors
    /// If it can't be killed.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends it as an app would.
    ///
    /// # Errors
    /// If it does not end well.
    pub fn shutdown(mut self) -> Result<()> {
        self.tell(&Command::Shutdown)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { bail!("the client ended with {status}") }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server process. It is killed when this is dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub url: String,
}

impl Server {
    /// Starts `program`, the path of `testkit-server`, on `listen` with its data in a folder.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(program: &str, data: &Path, listen: &str) -> Result<Self> {
        let mut child = Spawn::new(program)
            .arg("--data")
            .arg(data)
            .args(["--listen", listen])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("a pipe")?).read_line(&mut line)?;
        let url =
            line.trim().strip_prefix("listening on ").with_context(|| format!("the server said {line:?}"))?.to_owned();
        Ok(Self { child, url })
    }

    /// The address without the scheme, to start another one there.
    #[must_use]
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Ends it like a crash: `kill -9`.
    ///
    /// # Errors
    /// If it can't be killed.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
