//! Sequence numbers and their notation.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where an event stands in a client's eventlog.
///
/// `global` is the position in the backend's total order; `client` counts client-only events after it; `generation`
/// rises with every rebase, so that `e7` before and after a rebase are different claims. Order is
/// `(global, client)`: see [`SeqNum::order`]. Equality compares all three.
///
/// Text form: `e{global}`, then `.{client}` unless 0, then `r{generation}` unless 0.
///
/// ```
/// use headwater_core::SeqNum;
/// let seq: SeqNum = "e5.1r2".parse()?;
/// assert_eq!((seq.global, seq.client, seq.generation), (5, 1, 2));
/// assert_eq!(seq.to_string(), "e5.1r2");
/// # Ok::<(), headwater_core::seq_num::SeqNumError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SeqNum {
    /// Position in the backend's total order; 0 is before the first event.
    pub global: u64,
    /// Number among the client-only events that follow `global`; 0 for a synced event.
    pub client: u32,
    /// How many rebases the numbering has seen.
    pub generation: u32,
}

impl SeqNum {
    /// Before the first event.
    pub const ROOT: Self = Self { global: 0, client: 0, generation: 0 };

    /// The number of a synced event as the backend knows it.
    #[must_use]
    pub const fn global(global: u64) -> Self {
        Self { global, client: 0, generation: 0 }
    }

    /// The same position in another generation.
    #[must_use]
    pub const fn with_generation(self, generation: u32) -> Self {
        Self { generation, ..self }
    }

    /// Compares positions: `(global, client)`, whatever the generation.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        (self.global, self.client).cmp(&(other.global, other.client))
    }

    /// Whether this position is behind `other`, whatever the generation.
    #[must_use]
    pub fn is_after(&self, other: &Self) -> bool {
        self.order(other).is_gt()
    }

    /// The later position of the two; `self` if they are the same.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        if other.is_after(&self) { other } else { self }
    }

    /// The number of the next synced event and its parent. The parent skips client-only events, so that the
    /// backend's sequence has no gaps.
    #[must_use]
    pub fn next_synced(&self) -> (Self, Self) {
        (Self { global: self.global + 1, client: 0, ..*self }, Self { client: 0, ..*self })
    }

    /// The number of the next client-only event and its parent.
    #[must_use]
    pub fn next_client_only(&self) -> (Self, Self) {
        (Self { client: self.client + 1, ..*self }, *self)
    }
}

impl fmt::Display for SeqNum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}", self.global)?;
        if self.client > 0 {
            write!(f, ".{}", self.client)?;
        }
        if self.generation > 0 {
            write!(f, "r{}", self.generation)?;
        }
        Ok(())
    }
}

/// A text that is not a sequence number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a sequence number: expected e5, e5.1, e5r2 or e5.1r2, without leading zeros")]
pub struct SeqNumError(String);

impl FromStr for SeqNum {
    type Err = SeqNumError;

    fn from_str(text: &str) -> Result<Self, SeqNumError> {
        parse(text).ok_or_else(|| SeqNumError(text.chars().take(80).collect()))
    }
}

fn parse(text: &str) -> Option<SeqNum> {
    let rest = text.strip_prefix('e')?;
    let (rest, generation) = match rest.split_once('r') {
        Some((rest, generation)) => (rest, positive(generation)?),
        None => (rest, 0),
    };
    let (global, client) = match rest.split_once('.') {
        Some((global, client)) => (global, positive(client)?),
        None => (rest, 0),
    };
    let global = if global == "0" { 0 } else { decimal(global)? };
    Some(SeqNum { global, client, generation })
}

fn positive(text: &str) -> Option<u32> {
    decimal(text)?.try_into().ok()
}

/// A number above 0 in its one shortest form.
fn decimal(text: &str) -> Option<u64> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    canonical.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_is_strict() {
        for bad in [
            "", "5", "e", "e05", "e5.", "e5.0", "e5r0", "e5r", "e5.1r", "e-1", "e5.1.2", "e5r1r2", "e5r1.2", "E5",
            "e+5", " e5",
        ] {
            assert!(bad.parse::<SeqNum>().is_err(), "{bad:?} was read");
        }
        assert_eq!("e0".parse(), Ok(SeqNum::ROOT));
        assert_eq!(format!("e{}", u64::MAX).parse(), Ok(SeqNum::global(u64::MAX)));
        assert!("e18446744073709551616".parse::<SeqNum>().is_err());
    }

    #[test]
    fn order_ignores_the_generation_and_equality_does_not() {
        let old = SeqNum::global(7);
        let new = old.with_generation(1);
        assert!(old.order(&new).is_eq() && old != new && !new.is_after(&old));
    }

    #[test]
    fn the_parent_of_a_synced_event_skips_client_only_events() {
        let head = SeqNum { global: 5, client: 2, generation: 1 };
        assert_eq!(
            head.next_synced(),
            (SeqNum { global: 6, client: 0, generation: 1 }, SeqNum { global: 5, client: 0, generation: 1 })
        );
        assert_eq!(head.next_client_only(), (SeqNum { global: 5, client: 3, generation: 1 }, head));
    }
}
