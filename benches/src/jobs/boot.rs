//! Opening a store.

use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::{Result, ensure};
use headwater::{Schema, Storage, Store, params, sql};
use serde::{Deserialize, Serialize};

use crate::child::{Seed, unreachable};
use crate::job::{Job, count};
use crate::measure::Measured;
use crate::model;

/// What an opened store finds of its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is as the last run left it.
    Present,
    /// It is gone, and has to be built from the log.
    Removed,
    /// The app has another schema than the last time, and it has to be built anew.
    SchemaChanged,
}

/// How often a store is opened.
const BOOTS: usize = 5;

/// Opening a store that has data.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Boot {
    events: NonZeroUsize,
    state: State,
    confirmed: bool,
}

impl Default for Boot {
    fn default() -> Self {
        Self { events: count(100_000), state: State::Present, confirmed: true }
    }
}

impl Job for Boot {
    const NAME: &'static str = "boot";
    const ABOUT: &'static str = "opens a store on disk with one row for each event, 5 times";
    const PARAMS: &'static [(&'static str, &'static str)] = &[
        ("events", "how many events, each with a row"),
        ("state", "present: as the last run left it; removed; schema_changed: the state is rebuilt from the log"),
        ("confirmed", "true: all events are settled; false: all are pending"),
    ];

    fn measure(&self) -> Result<Measured> {
        let folder = tempfile::tempdir()?;
        let store = folder.path().join("store");
        let events = self.events.get();
        Seed { folder: store.clone(), rows: events, settled: self.confirmed }.fill()?;
        let mut opened = Measured::default();
        for time in 0..BOOTS {
            if self.state == State::Removed {
                std::fs::remove_file(store.join("state.db"))?;
            }
            let schema = self.schema(time);
            let mut open = None;
            let one = Measured::run(1, |_| {
                open = Some(self.open(&store, &schema)?);
                Ok(())
            })?;
            if let Some(open) = open {
                let rows = open.query(sql::<usize>("SELECT count(*) FROM todos", params![]))?;
                ensure!(rows == [events], "{rows:?} rows of {events}");
                open.shutdown()?;
            }
            opened.waits.extend(one.waits);
            opened.operations += 1;
            opened.total += one.total;
            opened.cpu += one.cpu;
        }
        let per_event = opened.cpu_us() / events as f64;
        Ok(opened.with("cpu_us_per_event", crate::measure::round(per_event)))
    }
}

impl Boot {
    fn schema(&self, time: usize) -> Schema {
        model::schema(self.state == State::SchemaChanged && time.is_multiple_of(2))
    }

    fn open(&self, folder: &Path, schema: &Schema) -> Result<Store> {
        let builder = Store::builder(schema.clone()).storage(Storage::directory(folder));
        let builder = if self.confirmed { builder } else { builder.sync(unreachable()?).start_offline() };
        Ok(builder.open()?)
    }
}
