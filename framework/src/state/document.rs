//! Client documents as rows: one client-only event that merges top-level fields into stored JSON.

use headwater_core::{Args, EventScope};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::schema::{Document, Event, EventDef, Materialize, quoted};
use crate::state::{StateDb, StateTx};

/// Sets fields of a document. Fields that it doesn't name stay as they are, so that two sessions that set different
/// fields both win.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DocumentSet {
    pub(crate) document: String,
    pub(crate) key: String,
    pub(crate) fields: Map<String, Value>,
}

pub(crate) fn create_statement(name: &str) -> String {
    format!("CREATE TABLE {} (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT", quoted(name))
}

impl Event for DocumentSet {
    const DEFS: &'static [EventDef] = &[EventDef {
        name: "headwater.DocumentSet",
        ver: 1,
        scope: EventScope::ClientOnly,
        shape: "document: String, key: String, fields: Map",
        materializer: "merge the top-level fields",
        statements: &[],
        upcasts: &[],
    }];

    fn def(&self) -> &'static EventDef {
        &Self::DEFS[0]
    }

    fn encode(&self) -> Result<Args, serde_json::Error> {
        Args::encode(self)
    }

    fn decode(_: usize, args: &Args) -> Result<Self, serde_json::Error> {
        args.decode()
    }
}

impl Materialize for DocumentSet {
    fn materialize(&self, tx: &mut StateTx<'_>) -> Result<()> {
        let table = quoted(&self.document);
        let stored: Option<String> =
            tx.query_first(&format!("SELECT value FROM {table} WHERE key = ?1"), crate::params![self.key])?;
        let mut fields: Map<String, Value> =
            stored.map_or(Ok(Map::new()), |json| serde_json::from_str(&json)).map_err(Error::app)?;
        fields.extend(self.fields.clone());
        let sql = format!("INSERT INTO {table} VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value");
        let json = Value::Object(fields).to_string();
        tx.execute(&sql, crate::params![self.key, json]).map(drop)
    }
}

/// Reads a document: what is stored over the default. Nothing is written.
pub(crate) fn read<D: Document>(state: &StateDb, key: &str) -> Result<D> {
    let sql = format!("SELECT value FROM {} WHERE key = ?1", quoted(D::NAME));
    let stored: Vec<String> = state.query(&sql, crate::params![key])?;
    Ok(stored.first().map_or_else(D::default, |json| over_default(json)))
}

/// What is stored, over the default. Of a value of an older or newer shape, the known fields that fit are taken, one by
/// one.
fn over_default<D: Document>(json: &str) -> D {
    let stored: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
    let Ok(Value::Object(mut merged)) = serde_json::to_value(D::default()) else {
        return D::default();
    };
    let all = merged.iter().chain(&stored).map(|(name, value)| (name.clone(), value.clone())).collect();
    if let Ok(document) = serde_json::from_value(Value::Object(all)) {
        return document;
    }
    for (name, value) in stored {
        let before = merged.insert(name.clone(), value);
        if serde_json::from_value::<D>(Value::Object(merged.clone())).is_ok() {
            continue;
        }
        match before {
            Some(before) => merged.insert(name, before),
            None => merged.remove(&name),
        };
    }
    serde_json::from_value(Value::Object(merged)).unwrap_or_default()
}

/// The fields in which two values of a document differ.
///
/// # Errors
/// If the document is not a struct with named fields.
pub(crate) fn changed_fields<D: Document>(before: &D, after: &D) -> Result<Map<String, Value>> {
    let object = |document: &D| match serde_json::to_value(document).map_err(Error::app)? {
        Value::Object(fields) => Ok(fields),
        other => {
            Err(Error::Schema(format!("the document {} must be a struct with named fields, not {other}", D::NAME)))
        }
    };
    let (before, mut after) = (object(before)?, object(after)?);
    // A field that is left out when it is empty is null, and not as it was before.
    for name in before.keys() {
        after.entry(name.clone()).or_insert(Value::Null);
    }
    after.retain(|name, value| before.get(name) != Some(value));
    Ok(after)
}
