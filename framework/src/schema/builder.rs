//! The schema of an app: all that it declares, collected.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use headwater_core::{Args, Digest, EventBody};

use crate::error::{Error, Result};
use crate::schema::{Document, Event, EventDef, Table};
use crate::state::document::DocumentSet;
use crate::state::{StateDb, StateTx};

/// Raised when what the framework itself writes into a state changes, so that older states are rebuilt.
const STATE_FORMAT: u32 = 2;

/// All that an app declares. Cheap to clone.
#[derive(Clone)]
pub struct Schema(Arc<Declared>);

struct Declared {
    statements: Vec<String>,
    events: HashMap<&'static str, Registered>,
    documents: HashSet<&'static str>,
    fingerprint: Digest,
    problems: Vec<String>,
    on_unknown: UnknownEvents,
}

/// What to do with an event that the schema does not know: one of a newer or of another app. It is kept in the log in
/// any case, and materialized when an upgrade brings its declaration.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub enum UnknownEvents {
    /// Log a warning.
    #[default]
    Warn,
    /// Nothing.
    Ignore,
    /// Treat it like an event whose materializer fails.
    Fail,
    /// Call this with its name and version.
    Call(fn(name: &str, ver: u32)),
}

#[derive(Clone, Copy)]
struct Registered {
    def: &'static EventDef,
    apply: fn(&EventDef, usize, &Args, &mut StateTx<'_>) -> Result<()>,
    index: usize,
}

/// Whether an event had an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// Its materializer ran.
    Materialized,
    /// The schema does not know it.
    Unknown,
}

impl Schema {
    /// Starts a schema.
    #[must_use]
    pub fn builder() -> SchemaBuilder {
        SchemaBuilder::default()
    }

    /// Creates everything in an empty database and prepares every statement of every materializer: what happens when
    /// a store is opened. One line in an app's tests, `schema().check()?`, finds a wrong column before any user does.
    ///
    /// # Errors
    /// [`Error::Schema`] that says which declaration is wrong.
    pub fn check(&self) -> Result<()> {
        StateDb::in_memory(self).map(drop)
    }

    /// A hash of all that decides how events become rows. A state with another fingerprint is rebuilt.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        self.0.fingerprint
    }

    /// The published shape of each event type, one line each: `name version fields`. Keep it in a file and compare in
    /// a test, to notice a change that would break events that are already out there.
    #[must_use]
    pub fn shapes(&self) -> String {
        let shapes: BTreeMap<_, _> = self.0.events.values().map(|event| (event.def.name, event.def)).collect();
        shapes.values().fold(String::new(), |mut text, def| {
            let _ = writeln!(text, "{} {} {}", def.name, def.ver, def.shape);
            text
        })
    }

    pub(crate) fn statements(&self) -> &[String] {
        &self.0.statements
    }

    pub(crate) fn problems(&self) -> &[String] {
        &self.0.problems
    }

    pub(crate) fn materializer_statements(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        let events = self.0.events.values();
        events.flat_map(|event| event.def.statements.iter().map(|sql| (event.def.name, *sql)))
    }

    pub(crate) fn knows(&self, def: &EventDef) -> bool {
        self.0.events.get(def.name).is_some_and(|known| known.def.ver == def.ver)
    }

    pub(crate) fn has_document(&self, name: &str) -> bool {
        self.0.documents.contains(name)
    }

    /// Runs the materializer of a logged event.
    pub(crate) fn materialize(&self, body: &EventBody, tx: &mut StateTx<'_>) -> Result<Applied> {
        let known = self.0.events.get(&*body.name).filter(|event| body.ver <= event.def.ver);
        let Some(event) = known else {
            return self.unknown(body);
        };
        let args = upcast(event.def, body)?;
        (event.apply)(event.def, event.index, args.as_ref().unwrap_or(&body.args), tx)?;
        Ok(Applied::Materialized)
    }

    fn unknown(&self, body: &EventBody) -> Result<Applied> {
        match self.0.on_unknown {
            UnknownEvents::Warn => {
                tracing::warn!(name = &*body.name, ver = body.ver, "unknown event kept, not applied");
            }
            UnknownEvents::Ignore => {}
            UnknownEvents::Fail => return Err(Error::UnknownEvent { name: body.name.to_string() }),
            UnknownEvents::Call(callback) => callback(&body.name, body.ver),
        }
        Ok(Applied::Unknown)
    }
}

/// Lifts arguments of an older version; `None` if they are of the newest.
fn upcast(def: &EventDef, body: &EventBody) -> Result<Option<Args>> {
    if body.ver == def.ver {
        return Ok(None);
    }
    let decode_error = |source| Error::Decode { name: body.name.to_string(), ver: body.ver, source };
    let mut args: serde_json::Value = body.args.decode().map_err(decode_error)?;
    let mut ver = body.ver;
    while ver < def.ver {
        let step = def.upcasts.iter().find(|upcast| upcast.from == ver);
        let step = step.ok_or_else(|| Error::UnknownEvent { name: format!("{} version {ver}", def.name) })?;
        args = (step.with)(args)?;
        ver = step.to;
    }
    Args::encode(&args).map(Some).map_err(decode_error)
}

fn apply<E: Event>(def: &EventDef, index: usize, args: &Args, tx: &mut StateTx<'_>) -> Result<()> {
    let decode_error = |source| Error::Decode { name: def.name.to_owned(), ver: def.ver, source };
    E::decode(index, args).map_err(decode_error)?.materialize(tx)
}

/// Collects what an app declares.
#[derive(Default)]
pub struct SchemaBuilder {
    statements: Vec<String>,
    events: Vec<Registered>,
    documents: HashSet<&'static str>,
    tables: HashSet<String>,
    problems: Vec<String>,
    on_unknown: UnknownEvents,
}

impl SchemaBuilder {
    /// Adds a table. Tables are created in the order in which they are added.
    #[must_use]
    pub fn table<T: Table>(mut self) -> Self {
        self.note_table(T::DEF.name);
        self.statements.extend(T::DEF.create_statements());
        self
    }

    /// Adds the events of an enum.
    #[must_use]
    pub fn event<E: Event>(mut self) -> Self {
        let events = E::DEFS.iter().enumerate();
        self.events.extend(events.map(|(index, def)| Registered { def, apply: apply::<E>, index }));
        self
    }

    /// Adds a client document.
    #[must_use]
    pub fn document<D: Document>(mut self) -> Self {
        self.note_table(D::NAME);
        self.documents.insert(D::NAME);
        self.statements.push(crate::state::document::create_statement(D::NAME));
        self
    }

    /// Adds one statement that creates something beside the tables: a view, a trigger, an FTS5 table.
    #[must_use]
    pub fn sql(mut self, statement: impl Into<String>) -> Self {
        self.statements.push(statement.into());
        self
    }

    /// What to do with events that the schema doesn't know.
    #[must_use]
    pub fn unknown_events(mut self, on_unknown: UnknownEvents) -> Self {
        self.on_unknown = on_unknown;
        self
    }

    /// The schema. Whether it is valid is found when it is checked or a store is opened with it.
    #[must_use]
    pub fn build(mut self) -> Schema {
        if !self.documents.is_empty() {
            self = self.event::<DocumentSet>();
        }
        let fingerprint = self.fingerprint();
        let mut events = HashMap::new();
        for event in self.events {
            if events.insert(event.def.name, event).is_some() {
                self.problems.push(format!("two events are named {}", event.def.name));
            }
        }
        Schema(Arc::new(Declared {
            statements: self.statements,
            events,
            documents: self.documents,
            fingerprint,
            problems: self.problems,
            on_unknown: self.on_unknown,
        }))
    }

    fn note_table(&mut self, name: &str) {
        if !self.tables.insert(name.to_lowercase()) {
            self.problems.push(format!("two tables are named {name}"));
        }
    }

    fn fingerprint(&self) -> Digest {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&STATE_FORMAT.to_le_bytes());
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        self.statements.iter().for_each(|statement| part(statement));
        let events: BTreeMap<_, _> = self.events.iter().map(|event| (event.def.name, event.def)).collect();
        for def in events.values() {
            [def.name, &def.ver.to_string(), def.shape, def.materializer].into_iter().for_each(&mut part);
        }
        Digest::from_bytes(*hasher.finalize().as_bytes())
    }
}
