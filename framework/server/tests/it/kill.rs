//! `kill -9` under pushing clients: what was acknowledged is there afterwards, once and in one order.

use std::collections::HashMap;
use std::sync::Arc;

use headwater_core::protocol::{Problem, ProblemCode, PushReply, PushRequest, WireEvent};
use headwater_core::{Chain, EventId};
use tokio::sync::Semaphore;

use crate::binary::Process;
use crate::support::{Http, Writer, chain_after};

/// Two clients each share a store, so that they get in each other's way.
const STORES: [&str; 4] = ["a-b", "a-b", "a_b", "a_b"];

/// A client, with what it knows and what it is owed.
struct Client {
    store: &'static str,
    writer: Writer,
    /// Sent, and not answered for sure.
    in_flight: Option<PushRequest>,
    acknowledged: HashMap<EventId, u64>,
}

impl Client {
    fn new(index: usize, store: &'static str) -> Self {
        let writer = Writer::new(&format!("c{index}"));
        Self { store, writer, in_flight: None, acknowledged: HashMap::new() }
    }

    /// Pushes until the server is gone, and counts what is acknowledged.
    async fn run(mut self, http: Http, acknowledged: Arc<Semaphore>) -> Self {
        loop {
            let batch = self.in_flight.take().unwrap_or_else(|| self.writer.batch(&[0, 2, 1, 0]));
            let answer = answer(&http, self.store, &batch).await;
            match answer {
                None => {
                    self.in_flight = Some(batch);
                    return self;
                }
                Some(Ok(reply)) => {
                    let ids = batch.events.iter().map(|event| event.id);
                    self.acknowledged.extend(ids.zip(reply.positions.clone()));
                    self.writer.follow(&reply.log);
                    acknowledged.add_permits(1);
                }
                Some(Err(behind)) => self.catch_up(&behind.tail),
            }
        }
    }

    fn catch_up(&mut self, tail: &[WireEvent]) {
        let new = tail.iter().filter(|event| event.seq_num > self.writer.head).cloned().collect::<Vec<_>>();
        self.writer.chain = chain_after(self.writer.chain, &new);
        self.writer.head += new.len() as u64;
    }
}

/// A definite answer, or nothing.
async fn answer(http: &Http, store: &str, batch: &PushRequest) -> Option<Result<PushReply, Problem>> {
    let response = http.try_push(store, batch).await.ok()?;
    let status = response.status().as_u16();
    let body = response.bytes().await.ok()?;
    if status == 200 {
        return Some(Ok(serde_json::from_slice(&body).expect("a reply")));
    }
    let problem: Problem = serde_json::from_slice(&body).expect("a problem");
    assert_eq!(problem.code, ProblemCode::Behind, "{}", problem.detail);
    Some(Err(problem))
}

/// The whole log of a store, checked link by link.
async fn log(http: &Http, store: &str) -> Vec<WireEvent> {
    let mut events: Vec<WireEvent> = Vec::new();
    loop {
        let page = http.pull(store, events.len() as u64).await;
        events.extend(page.events);
        if page.remaining == 0 {
            assert_eq!(page.log.head, events.len() as u64);
            assert_eq!(page.log.chain, chain_after(Chain::ROOT, &events));
            return events;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_has_lost_no_acknowledged_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut clients: Vec<_> = STORES.into_iter().enumerate().map(|(index, store)| Client::new(index, store)).collect();
    for pushes in [1, 7, 40, 3, 100, 25, 60, 2] {
        let process = Process::on(folder.path());
        let http = Http::new(process.url.clone());
        let acknowledged = Arc::new(Semaphore::new(0));
        let running: Vec<_> =
            clients.drain(..).map(|client| tokio::spawn(client.run(http.clone(), acknowledged.clone()))).collect();
        acknowledged.acquire_many(pushes).await.expect("never closed").forget();
        process.kill();
        for client in running {
            clients.push(client.await.expect("no panic"));
        }
        let process = Process::on(folder.path());
        check(&Http::new(process.url.clone()), &clients).await;
        process.kill();
    }
}

async fn check(http: &Http, clients: &[Client]) {
    for store in ["a-b", "a_b"] {
        let log = log(http, store).await;
        let positions: HashMap<EventId, u64> = log.iter().map(|event| (event.id, event.seq_num)).collect();
        assert_eq!(positions.len(), log.len(), "an event is in the log twice");
        assert!(log.chunks(4).all(|batch| batch.iter().all(|event| event.client_id == batch[0].client_id)), "torn");
        for client in clients.iter().filter(|client| client.store == store) {
            for (id, position) in &client.acknowledged {
                assert_eq!(positions.get(id), Some(position), "an acknowledged event is lost or moved");
            }
        }
    }
}
