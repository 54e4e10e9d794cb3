//! Rebases.

use std::num::NonZeroUsize;

use anyhow::{Context, Result, ensure};
use headwater::{Store, params, sql};
use serde::{Deserialize, Serialize};

use super::{N, Place};
use crate::child::PATIENCE;
use crate::held_backend::HeldBackend;
use crate::job::{Job, count};
use crate::measure::Measured;
use crate::model::{self, created};

/// Pending events over upstream's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rebase {
    pending: NonZeroUsize,
    upstream: NonZeroUsize,
    storage: Place,
    n: NonZeroUsize,
}

impl Default for Rebase {
    fn default() -> Self {
        Self { pending: count(1_000), upstream: count(100), storage: Place::Disk, n: count(20) }
    }
}

impl Job for Rebase {
    const NAME: &'static str = "rebase";
    const ABOUT: &'static str = "upstream events arrive while others are pending: from their arrival until the session shows all of them, with the pending ones applied again; the backend is in the same process";
    const PARAMS: &'static [(&'static str, &'static str)] = &[
        ("pending", "events that are applied again"),
        ("upstream", "events that arrive before them"),
        ("storage", "memory or disk"),
        N,
    ];

    fn measure(&self) -> Result<Measured> {
        let (_folder, storage) = self.storage.storage()?;
        let backend = HeldBackend::default();
        let store = Store::builder(model::schema(false)).storage(storage).sync(backend.clone()).open()?;
        let (pending, upstream) = (self.pending.get(), self.upstream.get());
        let online = |status: &headwater::SyncStatus| status.heads.backend.is_some();
        store.sync_status_changes().wait_until(PATIENCE, online).context("never online")?;
        (0..pending).try_for_each(|number| store.commit(created(number)).map(drop))?;
        let live = store.live_query(sql::<usize>("SELECT count(*) FROM todos", params![]))?;
        let mut changes = store.sync_status_changes();
        let measured = Measured::run(self.n.get(), |time| {
            let first = pending + time * upstream;
            let events: Vec<_> = (first..first + upstream).map(created).collect();
            backend.publish(&events)?;
            let head = (first + upstream) as u64;
            changes.wait_until(PATIENCE, |status| status.heads.session.global == head).context("never rebased")?;
            Ok(())
        })?;
        let rows = live.get();
        ensure!(*rows == [pending + self.n.get() * upstream], "{rows:?} rows after the last rebase");
        store.shutdown()?;
        let applied = (pending + upstream) * self.n.get();
        let per_event = crate::measure::us(measured.cpu) / applied as f64;
        Ok(measured.with("cpu_us_per_applied_event", crate::measure::round(per_event)))
    }
}
