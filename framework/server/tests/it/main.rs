//! The backend through its public surface: storages by one suite, the library over loopback, the binary in a process
//! of its own.

mod binary;
mod conformance;
mod hostile;
mod http;
mod kill;
mod lifecycle;
mod support;
