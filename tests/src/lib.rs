//! What the tests of Headwater share: a schema, real client processes, a real server.

pub mod client;
pub mod process;
pub mod schema;
