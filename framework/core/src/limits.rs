//! Bounds of everything that could grow without end. Units are in the names.

/// Longest store, client or session id, in characters.
pub const MAX_NAME_CHARS: usize = 64;
/// Longest event name, in bytes.
pub const MAX_EVENT_NAME_BYTES: usize = 128;
/// Largest arguments of one event, encoded, in bytes.
pub const MAX_ARGS_BYTES: usize = 1024 * 1024;
/// Deepest nesting of an event's arguments.
pub const MAX_ARGS_DEPTH: usize = 64;
/// Most facts of one event, of all kinds together.
pub const MAX_FACTS: usize = 256;
/// Longest fact, in bytes.
pub const MAX_FACT_BYTES: usize = 512;
/// Most events of one commit (one group).
pub const MAX_GROUP_EVENTS: usize = 10_000;
/// Largest commit (one group), encoded, in bytes.
pub const MAX_GROUP_BYTES: usize = 4 * 1024 * 1024;
/// Events in one push, unless one group alone has more.
pub const MAX_PUSH_EVENTS: usize = 100;
/// Bytes of events in one push, unless one group alone has more.
pub const MAX_PUSH_BYTES: usize = 1024 * 1024;
/// Largest push body that a backend reads, in bytes, after decompression.
pub const MAX_PUSH_BODY_BYTES: usize = MAX_GROUP_BYTES * 2;
/// Largest reply that a client reads, in bytes, after decompression.
pub const MAX_REPLY_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Most events of one page of a pull, unless one group alone has more.
pub const MAX_PAGE_EVENTS: usize = 1_000;
/// Most bytes of events of one page of a pull, unless one group alone has more.
pub const MAX_PAGE_BYTES: usize = 1024 * 1024;
/// Most bytes of missing events that come with `behind`, unless one group alone has more.
pub const MAX_TAIL_BYTES: usize = 256 * 1024;
/// Longest time that a pull is held, in milliseconds.
pub const MAX_POLL_MS: u64 = 30_000;
/// How long a client asks for its pull to be held, in milliseconds.
pub const DEFAULT_POLL_MS: u64 = 25_000;
/// Most pending events of a client. A commit beyond that is refused.
pub const MAX_PENDING_EVENTS: usize = 1_000_000;
/// Most events of a catch-up that are held in memory while pending events wait to be rebased once.
pub const MAX_COALESCED_EVENTS: usize = 5_000;
/// Most updates that wait in a session's mailbox before the leader stops pulling.
pub const MAX_SESSION_BACKLOG_EVENTS: usize = 20_000;
/// Most confirmed events that stay inside a session's savepoint before its boundary is moved.
pub const MAX_SETTLED_IN_SAVEPOINT: usize = 2_000;
/// The least wait after a local fault, such as a full disk, before sync is tried again, in milliseconds.
pub const FAULT_WAIT_MS: u64 = 1_000;
/// The slowest connection that still counts as one: bytes in a millisecond. Requests may take longer accordingly.
pub const MIN_BYTES_PER_MS: usize = 16;
/// The longest wait that a backend can ask for, in milliseconds.
pub const MAX_RETRY_AFTER_MS: u64 = 3_600_000;
