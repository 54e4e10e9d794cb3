//! Events as they are logged and sent.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::chain::Digest;
use crate::ids::{ClientId, EventId, SessionId};
use crate::seq_num::SeqNum;

/// Whether an event leaves its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EventScope {
    /// It is pushed to the backend and reaches every client of the store.
    Synced,
    /// It reaches every session of its client and goes no further.
    ClientOnly,
}

/// The arguments of an event: the JSON text that was committed, byte for byte. Cheap to clone.
#[derive(Clone)]
pub struct Args(Arc<RawValue>);

impl Args {
    /// Takes a JSON text as it is.
    ///
    /// # Errors
    /// If it is not one JSON value.
    pub fn from_json(json: String) -> Result<Self, serde_json::Error> {
        Ok(Self(RawValue::from_string(json)?.into()))
    }

    /// Encodes a value.
    ///
    /// # Errors
    /// If it can't be written as JSON.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        Ok(Self(serde_json::value::to_raw_value(value)?.into()))
    }

    /// Decodes them.
    ///
    /// # Errors
    /// If they don't fit the type.
    pub fn decode<'de, T: Deserialize<'de>>(&'de self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.json())
    }

    /// The JSON text.
    #[must_use]
    pub fn json(&self) -> &str {
        self.0.get()
    }

    /// The same as a raw JSON value.
    #[must_use]
    pub fn raw(&self) -> &RawValue {
        &self.0
    }
}

impl From<Box<RawValue>> for Args {
    fn from(raw: Box<RawValue>) -> Self {
        Self(raw.into())
    }
}

impl PartialEq for Args {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl Eq for Args {}

impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.json())
    }
}

impl Serialize for Args {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Args {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::from)
    }
}

/// The keys that an event writes, requires and reads, such as `todos/42`. They tell which events depend on which.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// What the event changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<String>,
    /// What must exist for the event to make sense.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// What the event's outcome depends on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<String>,
}

impl Facts {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are, of all kinds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.writes.len() + self.requires.len() + self.reads.len()
    }
}

/// What an event is, wherever it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBody {
    /// Who it is, for ever.
    pub id: EventId,
    /// Its type, such as `v1.TodoCreated`.
    pub name: Arc<str>,
    /// The version of its arguments, from 1.
    pub ver: u32,
    /// Its arguments.
    pub args: Args,
    /// The client that committed it, as that client says.
    pub client_id: ClientId,
    /// The session that committed it, as that client says.
    pub session_id: SessionId,
    /// Whether it leaves its client.
    pub scope: EventScope,
    /// How many events of the same commit and the same scope follow; 0 for the last and for a single event.
    ///
    /// Written like this, whether a batch or a page cuts a group can be seen from the batch alone.
    pub group_rest: u32,
    /// What it touches.
    pub facts: Facts,
}

impl EventBody {
    /// A hash of everything in the body. It does not depend on the position.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self)
    }

    /// Whether it stays on its client.
    #[must_use]
    pub fn is_client_only(&self) -> bool {
        self.scope == EventScope::ClientOnly
    }

    /// Roughly how many bytes it takes on the wire.
    #[must_use]
    pub fn wire_bytes(&self) -> usize {
        let facts = [&self.facts.writes, &self.facts.requires, &self.facts.reads];
        let facts: usize = facts.into_iter().flatten().map(|fact| fact.len() + 3).sum();
        200 + self.name.len() + self.args.json().len() + facts
    }
}

/// An event at its place in an eventlog. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// Where it stands.
    pub seq: SeqNum,
    /// What it was numbered after.
    pub parent: SeqNum,
    /// What it is.
    pub body: Arc<EventBody>,
}

impl EventRecord {
    /// Puts an event behind `head`.
    #[must_use]
    pub fn after(head: &SeqNum, body: Arc<EventBody>) -> Self {
        let (seq, parent) = match body.scope {
            EventScope::Synced => head.next_synced(),
            EventScope::ClientOnly => head.next_client_only(),
        };
        Self { seq, parent, body }
    }

    /// Who it is.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.body.id
    }
}

/// `e4 v1.TodoCreated {"id":"x"}`: position, name and arguments.
impl fmt::Debug for EventRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}", self.seq, self.body.name, self.body.args)
    }
}
