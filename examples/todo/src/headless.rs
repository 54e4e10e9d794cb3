//! The demo without windows: a scripted session of two clients, told in event notation.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use headwater::sync_provider::HttpSync;
use headwater::{Health, InitialSync, LoggedEvent, SeqNum, Storage, Store, SyncStatus};
use headwater_server::Server;

use crate::log::{notation, trail};
use crate::model::{Action, Model};
use crate::schema::schema;
use crate::state::State;

/// More than this takes only a machine that is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tells the story. `Ok(false)` if the two clients are not the same in the end.
///
/// # Errors
/// If a client or the backend can't be started, or does not go on.
pub fn run(out: &mut impl Write) -> Result<bool> {
    let server = Server::builder().start()?;
    let folder = tempfile::tempdir()?;
    let mut story = Story::begin(out, &server.url(), folder.path())?;
    story.tell()?;
    let states = [State::of(story.a.store())?, State::of(story.b.store())?];
    let synced = [story.a.store(), story.b.store()].iter().all(|store| store.sync_status().is_synced);
    let converged = verdict(out, &states, synced)?;
    server.shutdown();
    Ok(converged)
}

/// Says whether two clients are the same, and if not, in what they differ.
///
/// # Errors
/// If it can't be written.
pub fn verdict(out: &mut impl Write, [a, b]: &[State; 2], synced: bool) -> Result<bool> {
    let differences = a.differences(b);
    if synced && differences.is_empty() {
        writeln!(out, "\nBoth show the same:\n\n{a}\nconverged")?;
        return Ok(true);
    }
    writeln!(out, "\nNOT converged{}", if synced { "" } else { ": not in sync" })?;
    for line in differences {
        writeln!(out, "  {line}")?;
    }
    Ok(false)
}

struct Story<'a, W> {
    out: &'a mut W,
    a: Model,
    b: Model,
    /// Events that were committed so far, by both.
    events: u64,
    step: u32,
}

impl<'a, W: Write> Story<'a, W> {
    /// Two clients with folders of their own. The second finds the list that the first has made.
    fn begin(out: &'a mut W, url: &str, folder: &Path) -> Result<Self> {
        let open = |name: &str| -> Result<Model> {
            let store = Store::builder(schema())
                .store_id("story")
                .storage(Storage::directory(folder.join(name)))
                .sync(HttpSync::new(url)?)
                .initial_sync(InitialSync::Blocking { timeout: PATIENCE })
                .open()?;
            Ok(Model::new(store)?)
        };
        let a = open("a")?;
        wait(&a, "A", 1)?;
        let b = open("b")?;
        writeln!(out, "Two clients, A and B, and a backend at {url}. ' marks what the backend has not confirmed.")?;
        Ok(Self { out, a, b, events: 1, step: 0 })
    }

    fn tell(&mut self) -> Result<()> {
        let milk = self.both_online()?;
        self.offline_with_a_conflict(&milk)?;
        self.online_again()
    }

    /// Returns the id of the todo that is fought over later.
    fn both_online(&mut self) -> Result<String> {
        self.act("A", Action::Add("buy milk".into()))?;
        self.act("A", Action::Add("draw the owl".into()))?;
        self.wait_for_both()?;
        self.show("A adds two todos")?;
        let milk = find(&self.a, "buy milk")?;
        self.act("B", Action::Edit { id: milk.clone(), text: "buy oat milk".into() })?;
        self.wait_for_both()?;
        self.show("B edits one of them")?;
        Ok(milk)
    }

    fn offline_with_a_conflict(&mut self, milk: &str) -> Result<()> {
        self.set_online("A", false)?;
        self.set_online("B", false)?;
        let owl = find(&self.a, "draw the owl")?;
        self.act("A", Action::Edit { id: milk.to_owned(), text: "buy two cartons of oat milk".into() })?;
        self.act("A", Action::SetCompleted { id: owl.clone(), completed: true })?;
        self.show("both go offline; A edits the milk and completes the owl")?;
        self.act("B", Action::Edit { id: milk.to_owned(), text: "buy soy milk".into() })?;
        self.act("B", Action::Edit { id: owl, text: "draw the rest of the owl".into() })?;
        self.act("B", Action::Add("call mum".into()))?;
        self.show("B edits the milk too, and the owl, and adds a todo")
    }

    fn online_again(&mut self) -> Result<()> {
        let of_b = self.b.store().pending_events().len() as u64;
        self.set_online("A", true)?;
        wait(&self.a, "A", self.events - of_b)?;
        self.show("A goes online: what it did is confirmed")?;
        self.set_online("B", true)?;
        self.wait_for_both()?;
        self.show("B goes online: what it did is rebased behind it, and confirmed")
    }

    fn client(&mut self, name: &str) -> &mut Model {
        if name == "A" { &mut self.a } else { &mut self.b }
    }

    /// An action that commits one event.
    fn act(&mut self, name: &str, action: Action) -> Result<()> {
        self.client(name).apply(action)?;
        self.events += 1;
        Ok(())
    }

    fn set_online(&mut self, name: &str, online: bool) -> Result<()> {
        self.client(name).apply(Action::SetOnline(online))?;
        let offline = |status: &SyncStatus| online || status.health == Health::Paused;
        let store = self.client(name).store().clone();
        store.sync_status_changes().wait_until(PATIENCE, offline).map(drop).context("it does not go offline")
    }

    /// Until both have all that was committed, and so has the backend.
    fn wait_for_both(&mut self) -> Result<()> {
        wait(&self.a, "A", self.events)?;
        wait(&self.b, "B", self.events)
    }

    fn show(&mut self, title: &str) -> Result<()> {
        self.step += 1;
        writeln!(self.out, "\n{}. {title}", self.step)?;
        for (name, model) in [("A", &self.a), ("B", &self.b)] {
            let store = model.store();
            let confirmed: Vec<LoggedEvent> = store.events(SeqNum::ROOT).collect::<headwater::Result<_>>()?;
            writeln!(self.out, "   {name}: {}", trail(&confirmed, &store.pending_events()))?;
            writeln!(self.out, "      {}", heads(&store.sync_status()))?;
        }
        Ok(())
    }
}

/// The three heads.
fn heads(status: &SyncStatus) -> String {
    let heads = status.heads;
    let place = |seq: SeqNum| notation(seq, seq.global > status.upstream_head.global);
    let backend = heads.backend.map_or_else(|| "unknown".to_owned(), |head| format!("e{head}"));
    format!("session {}  leader {}  backend {backend}", place(heads.session), place(heads.leader))
}

/// Until the client has all up to this position, and the backend has all of the client.
fn wait(model: &Model, name: &str, position: u64) -> Result<()> {
    let settled = || model.store().pending_events().is_empty();
    let reached = |status: &SyncStatus| status.is_synced && status.upstream_head.global >= position && settled();
    let Some(_) = model.store().sync_status_changes().wait_until(PATIENCE, reached) else {
        bail!("{name} does not get to e{position}: {:?}", model.store().sync_status());
    };
    Ok(())
}

fn find(model: &Model, text: &str) -> Result<String> {
    let todos = model.todos().get();
    let todo = todos.iter().find(|todo| todo.text == text).with_context(|| format!("there is no {text:?}"))?;
    Ok(todo.id.clone())
}
