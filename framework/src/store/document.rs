//! Client documents.

use std::fmt;
use std::marker::PhantomData;

use super::Store;
use crate::error::{Error, Result};
use crate::query::LiveQuery;
use crate::schema::{Document, quoted};
use crate::session::Receipt;
use crate::state::document::{self, DocumentSet};

/// A client document of a store.
///
/// Reading never writes an event. Setting commits a client-only event with the fields that changed, so that two sessions
/// that set different fields don't undo each other.
pub struct DocumentHandle<D> {
    store: Store,
    key: String,
    document: PhantomData<fn() -> D>,
}

impl<D: Document> DocumentHandle<D> {
    pub(super) fn new(store: Store, key: String) -> Result<Self> {
        if !store.0.schema.has_document(D::NAME) {
            return Err(Error::Schema(format!("it has no document {}: add it with `.document::<…>()`", D::NAME)));
        }
        Ok(Self { store, key, document: PhantomData })
    }

    /// The document; its default if it was never set. Stored fields that no longer fit have their default.
    ///
    /// # Errors
    /// [`Error::Closed`], or an error of SQLite.
    pub fn get(&self) -> Result<D> {
        self.store.0.session.with_state(|state| document::read(state, &self.key))
    }

    /// Sets the document: the fields in which it differs from what is there.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn set(&self, document: &D) -> Result<Option<Receipt>> {
        let fields = document::changed_fields(&self.get()?, document)?;
        if fields.is_empty() {
            return Ok(None);
        }
        let set = DocumentSet { document: D::NAME.to_owned(), key: self.key.clone(), fields };
        self.store.commit(set).map(Some)
    }

    /// Changes the document. `None` if nothing changed, so that nothing was committed.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn update(&self, change: impl FnOnce(&mut D)) -> Result<Option<Receipt>> {
        let mut document = self.get()?;
        change(&mut document);
        self.set(&document)
    }

    /// The stored fields as JSON, kept up to date: no row if the document was never set. [`DocumentHandle::get`] reads
    /// it as a value; subscribe to this to know when.
    ///
    /// # Errors
    /// As [`Store::live_query`].
    pub fn live(&self) -> Result<LiveQuery<String>> {
        let sql = format!("SELECT value FROM {} WHERE key = ?1", quoted(D::NAME));
        self.store.live_query(crate::sql::<String>(sql, crate::params![self.key]))
    }
}

impl<D: Document> fmt::Debug for DocumentHandle<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{:?}]", D::NAME, self.key)
    }
}
