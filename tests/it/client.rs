//! The client runtime as an app sees it: commits, rebases, restarts, and backends that fail.

mod backend;
mod boot;
mod commit;
mod documents;
mod identity;
mod lifecycle;
mod log;
mod rebase;
mod receipts;
mod unknown;
mod verify;
mod world;
