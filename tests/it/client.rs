//! The client runtime as an app sees it: commits, rebases, restarts, and backends that fail.

mod commit;
mod rebase;
mod receipts;
mod world;
