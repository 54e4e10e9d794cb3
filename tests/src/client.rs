//! A client as a process: it takes one JSON command a line and answers with one JSON line.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use headwater::sync_provider::HttpSync;
use headwater::{Durability, Health, Storage, Store, params, sql};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::schema::{Todo, TodoEvent, schema};

/// How a client process is started.
#[derive(Debug, Parser)]
pub struct Options {
    /// The data folder.
    #[arg(long)]
    pub data: PathBuf,
    /// The backend.
    #[arg(long)]
    pub server: Option<String>,
    /// The store.
    #[arg(long, default_value = "test")]
    pub store: String,
    /// Open with sync switched off.
    #[arg(long)]
    pub offline: bool,
    /// Commits wait for the disk.
    #[arg(long)]
    pub disk: bool,
}

/// What a client process can be told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Command {
    /// Commit one event for each, in one commit.
    Commit(Vec<Value>),
    /// The todos, by id.
    Rows,
    /// The ids of the settled events.
    Log,
    /// The heads and the health.
    Status,
    /// Switch sync.
    Online(bool),
    /// Wait until everything is synced.
    Synced,
    /// Shut the store down and end.
    Shutdown,
}

/// Runs a client process until its input ends.
///
/// # Errors
/// If the store can't be opened, or the input can't be read.
pub fn run() -> Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .init();
    let options = Options::parse();
    let mut builder = Store::builder(schema()).store_id(options.store).storage(Storage::directory(options.data));
    if let Some(server) = &options.server {
        builder = builder.sync(HttpSync::new(server)?);
    }
    if options.offline {
        builder = builder.start_offline();
    }
    if options.disk {
        builder = builder.durability(Durability::Disk);
    }
    let store = builder.open()?;
    answer(&json!({ "open": store.client_id().to_string() }))?;
    for line in std::io::stdin().lock().lines() {
        let command: Command = serde_json::from_str(&line?).context("a command")?;
        if matches!(command, Command::Shutdown) {
            store.shutdown()?;
            return answer(&json!({ "ok": null }));
        }
        let reply = match carry_out(&store, command) {
            Ok(value) => json!({ "ok": value }),
            Err(error) => json!({ "error": format!("{error:#}") }),
        };
        answer(&reply)?;
    }
    Ok(())
}

fn answer(reply: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{reply}")?;
    Ok(out.flush()?)
}

fn carry_out(store: &Store, command: Command) -> Result<Value> {
    Ok(match command {
        Command::Commit(events) => {
            let events = events.into_iter().map(serde_json::from_value::<TodoEvent>).collect::<Result<Vec<_>, _>>()?;
            let receipt = store.commit(events)?;
            json!(receipt.event_ids())
        }
        Command::Rows => json!(store.query(sql::<Todo>("SELECT * FROM todos ORDER BY id", params![]))?),
        Command::Log => {
            let ids = store.events(headwater::SeqNum::ROOT).map(|event| Ok(event?.id.to_string()));
            json!(ids.collect::<headwater::Result<Vec<_>>>()?)
        }
        Command::Status => status(store),
        Command::Online(online) => {
            store.set_online(online)?;
            Value::Null
        }
        Command::Synced => {
            let synced = store.sync_status_changes().wait_until(Duration::from_secs(60), |status| status.is_synced);
            synced.with_context(|| format!("not synced: {:?}", store.sync_status()))?;
            status(store)
        }
        Command::Shutdown => Value::Null,
    })
}

fn status(store: &Store) -> Value {
    let status = store.sync_status();
    json!({
        "session": status.heads.session.to_string(),
        "leader": status.heads.leader.to_string(),
        "upstream": status.upstream_head.global,
        "backend": status.heads.backend,
        "pending": status.pending,
        "unpersisted": status.unpersisted,
        "synced": status.is_synced,
        "online": status.health == Health::Online,
    })
}
