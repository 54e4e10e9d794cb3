//! Ways to a backend: one suite that each of them has to pass, and what only HTTP can get wrong.

mod batches;
mod cuts;
mod http;
mod stores;
mod suite;

use headwater::sync_provider::{Denied, MemoryBackend, SyncProvider};
use headwater_core::StoreId;
use headwater_core::protocol::WireEvent;
use headwater_server::{RunningServer, Server, Storage, Verdict};

/// The backend that the suite runs against. It denies each event with the name [`FORBIDDEN`].
trait Backend {
    /// A way to it, as a client of its own has one.
    fn provider(&self) -> Box<dyn SyncProvider>;
}

const FORBIDDEN: &str = "v1.Forbidden";

impl Backend for MemoryBackend {
    fn provider(&self) -> Box<dyn SyncProvider> {
        Box::new(self.provider())
    }
}

impl Backend for RunningServer {
    fn provider(&self) -> Box<dyn SyncProvider> {
        Box::new(http::sync(self))
    }
}

fn memory() -> MemoryBackend {
    let backend = MemoryBackend::new();
    backend.set_rules(|event| if &*event.name == FORBIDDEN { Err(Denied::new("no", "not here")) } else { Ok(()) });
    backend
}

fn server() -> RunningServer {
    let rules = |_: &StoreId, event: &WireEvent| {
        if &*event.name == FORBIDDEN { Verdict::deny("no", "not here") } else { Verdict::Allow }
    };
    Server::builder().storage(Storage::memory()).rules(rules).start().expect("a free port on this machine")
}

/// Each test of the suite, against each backend.
macro_rules! conformance {
    ($($test:ident)*) => {
        mod in_memory {
            $(#[tokio::test] async fn $test() { super::suite::$test(&super::memory()).await; })*
        }
        mod over_http {
            $(#[tokio::test] async fn $test() { super::suite::$test(&super::server()).await; })*
        }
    };
}

conformance! {
    a_new_log_is_empty
    what_is_pushed_is_pulled_byte_for_byte
    a_resend_is_a_duplicate
    a_batch_that_is_behind_gets_the_missing_events
    a_batch_of_another_history_gets_no_events
    another_backend_or_epoch_is_a_mismatch
    a_claimed_client_id_stays_its_own
    a_batch_with_a_gap_is_malformed
    a_denied_event_is_rejected_with_its_batch
    pages_are_bounded_and_count_what_remains
    a_group_is_never_split
    the_largest_group_goes_through
    a_pull_of_another_history_diverges
    a_pull_waits_no_longer_than_asked
    a_held_pull_is_woken_by_a_push
    a_held_pull_does_not_delay_a_push
    a_dropped_pull_does_no_harm
    stores_know_nothing_of_each_other
    clients_that_push_at_once_get_one_order
}
