//! Two clients in one process, in sync through a backend in the same process.
//!
//! Both edit while they are offline. When they are back, both show the same, and neither edit is lost.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use headwater::sync_provider::HttpSync;
use headwater::{Event, Schema, Store, Table, nanoid};
use headwater_server::Server;
use serde::{Deserialize, Serialize};

/// More than this takes only a machine that is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, PartialEq, Table)]
#[table(name = "cards")]
struct Card {
    #[column(primary_key)]
    id: String,
    text: String,
    done: bool,
}

#[derive(Clone, Debug, Event, Serialize, Deserialize)]
enum CardEvent {
    #[event(name = "v1.CardAdded", insert(Card))]
    Added { id: String, text: String, done: bool },
    #[event(name = "v1.CardTextChanged", update(Card, key = id))]
    TextChanged { id: String, text: String },
    #[event(name = "v1.CardDone", update(Card, key = id, set(done = true)))]
    Done { id: String },
}

fn main() -> Result<()> {
    let server = Server::builder().start()?;
    println!("backend at {}", server.url());
    let (ann, bob) = (open(&server.url())?, open(&server.url())?);

    let id = nanoid!();
    ann.commit(CardEvent::Added { id: id.clone(), text: "buy milk".into(), done: false })?
        .wait_confirmed(PATIENCE)
        .context("the backend did not confirm")?;
    wait_for_head(&bob, 1)?;
    show("after ann's first card", &ann, &bob)?;

    ann.set_online(false)?;
    bob.set_online(false)?;
    ann.commit(CardEvent::TextChanged { id: id.clone(), text: "buy oat milk".into() })?;
    bob.commit([CardEvent::Done { id }, CardEvent::Added { id: nanoid!(), text: "call mum".into(), done: false }])?;
    show("offline, each with edits of its own", &ann, &bob)?;

    ann.set_online(true)?;
    bob.set_online(true)?;
    wait_for_head(&ann, 4)?;
    wait_for_head(&bob, 4)?;
    show("online again", &ann, &bob)?;

    ensure!(cards(&ann)? == cards(&bob)?, "the two clients differ");
    println!("converged");
    ann.shutdown()?;
    bob.shutdown()?;
    server.shutdown();
    Ok(())
}

fn open(url: &str) -> Result<Store> {
    let schema = Schema::builder().table::<Card>().event::<CardEvent>().build();
    Ok(Store::builder(schema).store_id("two-clients").sync(HttpSync::new(url)?).open()?)
}

/// Waits until a client has everything up to this position of the backend's log, and the backend everything of it.
fn wait_for_head(client: &Store, position: u64) -> Result<()> {
    let reached = client
        .sync_status_changes()
        .wait_until(PATIENCE, |status| status.is_synced && status.upstream_head.global >= position);
    reached.map(drop).with_context(|| format!("{client:?} is not in sync: {:?}", client.sync_status()))
}

fn cards(client: &Store) -> Result<Vec<Card>> {
    Ok(client.query(Card::query().order_by(Card::ID))?)
}

fn show(title: &str, ann: &Store, bob: &Store) -> Result<()> {
    println!("\n{title}");
    for (name, client) in [("ann", ann), ("bob", bob)] {
        let heads = client.sync_status().heads;
        let backend = heads.backend.map_or_else(|| "unknown".to_owned(), |head| format!("e{head}"));
        println!("  {name}  session {}  leader {}  backend {backend}", heads.session, heads.leader);
        for card in cards(client)? {
            println!("    [{}] {}", if card.done { "x" } else { " " }, card.text);
        }
    }
    Ok(())
}
