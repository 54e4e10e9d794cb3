//! The only place of the backend that draws random bytes.

use headwater_core::BackendId;

use crate::event_store::StoreError;

/// A new backend id.
pub(crate) fn random_backend_id() -> Result<BackendId, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Failed(format!("no random bytes: {error}")))?;
    Ok(BackendId::from_bytes(bytes))
}

/// Shortens a wait by up to a tenth, so that clients that began to wait together don't come back together.
pub(crate) fn jittered(wait: std::time::Duration) -> std::time::Duration {
    let mut bytes = [0; 2];
    // Without random bytes the wait is just not spread.
    let _ = getrandom::fill(&mut bytes);
    wait - wait / 10 * u32::from(u16::from_le_bytes(bytes)) / u32::from(u16::MAX)
}
