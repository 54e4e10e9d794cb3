//! A log in memory that outlives its leader.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::leader::{Change, Log, Mark, Recovered};
use crate::{Chain, ClientId, EventBody, EventRecord, SeqNum};

#[derive(Clone)]
pub(super) struct Disk {
    pub(super) client_id: ClientId,
    pub(super) settled: Vec<EventRecord>,
    pub(super) pending: Vec<Arc<EventBody>>,
    pub(super) rejected: Vec<EventRecord>,
    pub(super) full: bool,
    mark: Mark,
}

impl Disk {
    pub(super) fn new(name: char) -> Self {
        Self {
            client_id: ClientId::new(name.to_ascii_lowercase().to_string()).expect("valid"),
            settled: Vec::new(),
            pending: Vec::new(),
            rejected: Vec::new(),
            full: false,
            mark: Mark { upstream_head: 0, chain: Chain::ROOT, generation: 0, backend: None, in_flight: None },
        }
    }

    pub(super) fn recover(&self) -> Recovered {
        let settled_head = self.settled.last().map_or(SeqNum::ROOT, |event| event.seq);
        Recovered { mark: self.mark.clone(), settled_head, pending: self.pending.clone() }
    }
}

pub(super) struct SharedDisk(pub(super) Rc<RefCell<Disk>>);

impl Log for SharedDisk {
    type Error = &'static str;

    fn write(&mut self, change: &Change<'_>) -> Result<(), &'static str> {
        let mut disk = self.0.borrow_mut();
        if disk.full {
            return Err("the disk is full");
        }
        disk.pending.extend(change.appended.iter().map(|event| event.body.clone()));
        for settled in change.settled {
            disk.pending.retain(|body| body.id != settled.event.id());
            disk.settled.push(settled.event.clone());
        }
        for rejection in change.rejected {
            disk.pending.retain(|body| body.id != rejection.event.id());
            disk.rejected.push(rejection.event.clone());
        }
        if let Some(client_id) = change.client_id {
            disk.client_id = client_id.clone();
            disk.pending.iter_mut().for_each(|body| Arc::make_mut(body).client_id = client_id.clone());
        }
        disk.mark = change.mark.clone();
        Ok(())
    }
}
