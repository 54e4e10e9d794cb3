//! What a store takes of the machine's memory.

use std::num::NonZeroUsize;

use anyhow::{Result, ensure};
use headwater::{Storage, Store, params, sql};
use serde::{Deserialize, Serialize};

use super::ROWS;
use crate::child::Seed;
use crate::job::{Job, count};
use crate::measure::{Measured, Memory, round};
use crate::model;

/// The memory of a process with an open store.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryUse {
    rows: NonZeroUsize,
}

impl Default for MemoryUse {
    fn default() -> Self {
        Self { rows: count(100_000) }
    }
}

impl Job for MemoryUse {
    const NAME: &'static str = "memory";
    const ABOUT: &'static str = "opens a store on disk once and reads how much memory the process has";
    const PARAMS: &'static [(&'static str, &'static str)] = &[ROWS];

    fn measure(&self) -> Result<Measured> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("store");
        let rows = self.rows.get();
        Seed { folder: path.clone(), rows, settled: true }.fill()?;
        let before = Memory::now()?;
        let mut store = None;
        let opened = Measured::run(1, |_| {
            store = Some(Store::builder(model::schema(false)).storage(Storage::directory(&path)).open()?);
            Ok(())
        })?;
        let counted = store.as_ref().map(|store| store.query(sql("SELECT count(*) FROM todos", params![])));
        ensure!(counted.transpose()? == Some(vec![rows]), "rows are missing");
        let after = Memory::now()?;
        let opened = Measured { resident_mb: Some(after.resident_mb), ..opened };
        Ok(opened.with("before_mb", round(before.resident_mb)).with("peak_mb", round(after.peak_mb)))
    }
}
