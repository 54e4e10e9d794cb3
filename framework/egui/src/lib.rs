//! egui binding for Headwater: a window repaints when what it shows has changed, and only then.
//!
//! egui draws a frame when there is input or when somebody asks for one. [`Repaint::repaint`] asks for one whenever a
//! live query changes; [`Incoming`] does so for streams, and [`LiveStatus`] for the status of a store. In a frame, all
//! of them only read what is there: nothing waits.
//!
//! ```
//! use headwater::{Schema, Store, params, sql};
//! use headwater_egui::{LiveStatus, Repaint};
//!
//! # let ctx = egui::Context::default();
//! # let schema = Schema::builder().sql("CREATE TABLE notes (text TEXT) STRICT").build();
//! // Once, with the window's context:
//! let store = Store::builder(schema).open()?;
//! let notes = store.live_query(sql::<String>("SELECT text FROM notes", params![]))?;
//! let _repaint = notes.repaint(&ctx);
//! let mut status = LiveStatus::new(&store, &ctx);
//!
//! // In every frame:
//! # ctx.run_ui(egui::RawInput::default(), |ui| {
//! for note in notes.get().iter() {
//!     ui.label(note);
//! }
//! ui.label(format!("{} pending", status.get().pending));
//! # }).drop_without_applying_deltas();
//! # Ok::<(), headwater::Error>(())
//! ```

mod incoming;
mod repaint;
mod status;

pub use incoming::Incoming;
pub use repaint::Repaint;
pub use status::LiveStatus;
