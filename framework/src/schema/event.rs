//! Events and their materializers.

use headwater_core::{Args, EventScope, Facts};

use crate::error::Result;
use crate::state::StateTx;

/// A set of events: an enum with a variant for each type. Derived with `#[derive(Event)]`.
///
/// An event's name and version are its identity on the wire for ever; its arguments are the variant's fields as a
/// JSON object.
pub trait Event: Materialize + Send + Sync + 'static {
    /// The declarations, one for each variant, in their order.
    const DEFS: &'static [EventDef];

    /// Which of [`Event::DEFS`] this is.
    fn def(&self) -> &'static EventDef;

    /// The arguments as JSON.
    ///
    /// # Errors
    /// If a field can't be written as JSON.
    fn encode(&self) -> Result<Args, serde_json::Error>;

    /// Reads the arguments of the event declared at `index` of [`Event::DEFS`], in its newest version.
    ///
    /// # Errors
    /// If they don't fit.
    fn decode(index: usize, args: &Args) -> Result<Self, serde_json::Error>;
}

/// Turns an event into rows.
///
/// A materializer sees the rows as of just before the event, the event itself and nothing else: no clock, no
/// randomness, no store. The same event on the same rows must always have the same outcome.
pub trait Materialize: Sized {
    /// Applies the event.
    ///
    /// # Errors
    /// If it can't be applied. The commit fails then and changes nothing.
    fn materialize(&self, tx: &mut StateTx<'_>) -> Result<()>;

    /// The keys that the event writes, requires and reads.
    fn facts(&self) -> Facts {
        Facts::default()
    }
}

/// The declaration of an event type.
#[derive(Clone, Debug)]
pub struct EventDef {
    /// Its name on the wire, such as `v1.TodoCreated`.
    pub name: &'static str,
    /// The newest version of its arguments, from 1.
    pub ver: u32,
    /// Whether it leaves its client.
    pub scope: EventScope,
    /// What its arguments look like: fields and types. It is compared with the published shapes.
    pub shape: &'static str,
    /// What its materializer does: the generated SQL, or the name and revision of a function written by hand. A
    /// change rebuilds the state.
    pub materializer: &'static str,
    /// The SQL that the materializer runs, to be prepared when a store is opened.
    pub statements: &'static [&'static str],
    /// How arguments of older versions become newer ones, ascending.
    pub upcasts: &'static [Upcast],
}

/// How arguments of one version become those of the next that is known.
#[derive(Clone, Debug)]
pub struct Upcast {
    /// The version that it takes.
    pub from: u32,
    /// The version that it gives.
    pub to: u32,
    /// The change.
    pub with: fn(serde_json::Value) -> Result<serde_json::Value>,
}
