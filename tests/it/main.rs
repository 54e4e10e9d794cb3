//! Tests of what can be observed through the public interface.

mod bad_input;
mod client;
mod derive;
mod processes;
mod sessions;
mod sync_provider;
