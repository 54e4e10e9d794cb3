//! Two real client processes and a real server process over loopback.

use anyhow::Result;
use headwater_tests::client::Command;
use headwater_tests::process::{Client, Server};
use headwater_tests::schema::TodoEvent;
use serde_json::Value;
use tempfile::TempDir;

const CLIENT: &str = env!("CARGO_BIN_EXE_testkit-client");
const SERVER: &str = env!("CARGO_BIN_EXE_testkit-server");

/// A server with its data, and data folders of clients.
struct World {
    folder: TempDir,
    server: Server,
}

impl World {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let server = Server::start(SERVER, &folder.path().join("server"), "127.0.0.1:0")?;
        Ok(Self { folder, server })
    }

    fn client(&self, name: &str, more: &[&str]) -> Result<Client> {
        let args: Vec<_> = ["--server", &self.server.url].into_iter().chain(more.iter().copied()).collect();
        Client::start(CLIENT, &self.folder.path().join(name), &args)
    }

    /// Kills the server and starts it again at the same place.
    fn crash_server(&mut self) -> Result<()> {
        let address = self.server.address().to_owned();
        let data = self.folder.path().join("server");
        let nobody = Server::start(SERVER, &self.folder.path().join("nobody"), "127.0.0.1:0")?;
        std::mem::replace(&mut self.server, nobody).kill()?;
        self.server = Server::start(SERVER, &data, &address)?;
        Ok(())
    }
}

fn created(id: &str) -> TodoEvent {
    TodoEvent::Created { id: id.into(), text: id.into() }
}

fn appended(id: &str, text: &str) -> TodoEvent {
    TodoEvent::TextAppended { id: id.into(), text: text.into() }
}

fn rows(client: &mut Client) -> Result<Value> {
    client.tell(&Command::Rows)
}

/// Waits until both have everything, and compares them.
fn converge(a: &mut Client, b: &mut Client) -> Result<Value> {
    a.tell(&Command::Synced)?;
    b.tell(&Command::Synced)?;
    // What `a` pushed after `b` was synced is pulled by `b` when its head says so.
    for _ in 0..2 {
        a.tell(&Command::Synced)?;
        let head = a.tell(&Command::Status)?["upstream"].as_u64();
        while b.tell(&Command::Synced)?["upstream"].as_u64() < head {}
        let head = b.tell(&Command::Status)?["upstream"].as_u64();
        while a.tell(&Command::Synced)?["upstream"].as_u64() < head {}
    }
    let (rows_a, rows_b) = (rows(a)?, rows(b)?);
    assert_eq!(rows_a, rows_b);
    assert_eq!(a.tell(&Command::Log)?, b.tell(&Command::Log)?);
    Ok(rows_a)
}

#[test]
fn two_clients_see_each_other_online() -> Result<()> {
    let world = World::new()?;
    let (mut a, mut b) = (world.client("a", &[])?, world.client("b", &[])?);
    a.commit(&[created("1")])?;
    b.commit(&[created("2")])?;
    let rows = converge(&mut a, &mut b)?;
    assert_eq!(rows.as_array().map(Vec::len), Some(2));
    Ok(())
}

#[test]
fn both_offline_then_online_converge_with_every_event_once() -> Result<()> {
    let world = World::new()?;
    let (mut a, mut b) = (world.client("a", &[])?, world.client("b", &[])?);
    a.commit(&[created("1")])?;
    converge(&mut a, &mut b)?;
    let mut committed = Vec::new();
    for client in [&mut a, &mut b] {
        client.tell(&Command::Online(false))?;
    }
    for round in 0..10 {
        committed.extend(
            a.commit(&[appended("1", &format!("a{round}")), TodoEvent::Noted { text: "mine".into() }])?
                .into_iter()
                .take(1),
        );
        committed.extend(b.commit(&[appended("1", &format!("b{round}"))])?);
    }
    for client in [&mut b, &mut a] {
        client.tell(&Command::Online(true))?;
    }
    converge(&mut a, &mut b)?;
    let log: Vec<String> = serde_json::from_value(a.tell(&Command::Log)?)?;
    for id in &committed {
        assert_eq!(log.iter().filter(|known| *known == id).count(), 1, "{id}");
    }
    assert_eq!(log.len(), committed.len() + 1);
    Ok(())
}

#[test]
fn kill_9_between_commit_and_the_next_start_loses_nothing() -> Result<()> {
    let world = World::new()?;
    let mut client = world.client("a", &["--offline"])?;
    let mut committed = Vec::new();
    for round in 0..20 {
        for step in 0..5 {
            committed.extend(client.commit(&[created(&format!("{round}-{step}"))])?);
        }
        client.kill()?;
        client = world.client("a", &["--offline"])?;
        assert_eq!(rows(&mut client)?.as_array().map(Vec::len), Some(committed.len()));
    }
    client.tell(&Command::Online(true))?;
    client.tell(&Command::Synced)?;
    let log: Vec<String> = serde_json::from_value(client.tell(&Command::Log)?)?;
    assert_eq!(log, committed);
    let mut late = world.client("late", &[])?;
    converge(&mut client, &mut late)?;
    Ok(())
}

#[test]
fn kill_9_while_pushing_confirms_every_event_once() -> Result<()> {
    let world = World::new()?;
    let mut committed = Vec::new();
    for round in 0..20 {
        let mut client = world.client("a", &[])?;
        for step in 0..10 {
            committed.extend(client.commit(&[created(&format!("{round}-{step}"))])?);
        }
        client.kill()?;
    }
    let mut client = world.client("a", &[])?;
    client.tell(&Command::Synced)?;
    let log: Vec<String> = serde_json::from_value(client.tell(&Command::Log)?)?;
    assert_eq!(log, committed);
    Ok(())
}

#[test]
fn a_server_that_crashes_and_comes_back_loses_and_doubles_nothing() -> Result<()> {
    let mut world = World::new()?;
    let (mut a, mut b) = (world.client("a", &[])?, world.client("b", &[])?);
    let mut committed = Vec::new();
    for round in 0..6 {
        for step in 0..5 {
            committed.extend(a.commit(&[created(&format!("a{round}-{step}"))])?);
            committed.extend(b.commit(&[created(&format!("b{round}-{step}"))])?);
        }
        world.crash_server()?;
    }
    converge(&mut a, &mut b)?;
    let mut log: Vec<String> = serde_json::from_value(a.tell(&Command::Log)?)?;
    log.sort();
    committed.sort();
    assert_eq!(log, committed);
    Ok(())
}

#[test]
fn a_second_process_on_a_folder_is_told_so() -> Result<()> {
    let world = World::new()?;
    let first = world.client("a", &[])?;
    let Err(error) = world.client("a", &[]) else { panic!("two processes had one folder") };
    assert!(error.to_string().contains("is in use by another process"), "{error}");
    first.shutdown()?;
    world.client("a", &[])?;
    Ok(())
}

#[test]
fn on_a_full_disk_commits_fail_reads_go_on_and_nothing_is_half_done() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("a");
    Client::start(CLIENT, &data, &[])?.shutdown()?;
    let mut client = Client::start_on_a_small_disk(CLIENT, &data, 300, &[])?;
    let mut committed = Vec::new();
    let refused = loop {
        match client.commit(&[created(&committed.len().to_string()), appended("0", &"x".repeat(1_000))]) {
            Ok(_) => committed.push(()),
            Err(error) => break error,
        }
    };
    assert!(refused.to_string().contains("the commit could not be saved"), "{refused}");
    assert!(!committed.is_empty());
    assert_eq!(rows(&mut client)?.as_array().map(Vec::len), Some(committed.len()));
    client.kill()?;
    let mut client = Client::start(CLIENT, &data, &[])?;
    assert_eq!(rows(&mut client)?.as_array().map(Vec::len), Some(committed.len()));
    client.commit(&[created("room")])?;
    Ok(())
}
