//! Full-jitter exponential backoff.
//!
//! The wait before try *n* is drawn evenly from zero to `min(cap, base · 2ⁿ)`. Source: Marc Brooker, "Exponential
//! Backoff and Jitter", AWS Architecture Blog, 2015.

/// The shortest ceiling of a wait, in milliseconds.
pub const BASE_MS: u64 = 250;
/// The longest wait, in milliseconds.
pub const CAP_MS: u64 = 30_000;

/// How often something failed since it last made progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Notes a failure and gives the wait before the next try, in milliseconds.
    ///
    /// `random` is any uniformly drawn number; the wait is between 1 and the ceiling of this try.
    pub fn fail(&mut self, random: u64) -> u64 {
        let ceiling = self.ceiling_ms();
        self.failures = self.failures.saturating_add(1);
        1 + random % ceiling
    }

    /// Forgets the failures: progress was made.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The longest that the next wait can be, in milliseconds.
    #[must_use]
    pub fn ceiling_ms(&self) -> u64 {
        BASE_MS.saturating_mul(1 << self.failures.min(20)).min(CAP_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap_and_falls_back_on_progress() {
        let mut backoff = Backoff::default();
        let ceilings: Vec<u64> = (0..10).map(|_| backoff.fail(u64::MAX - 1)).collect();
        assert!(ceilings.iter().all(|wait| (1..=CAP_MS).contains(wait)));
        assert_eq!(backoff.ceiling_ms(), CAP_MS);
        backoff.reset();
        assert_eq!(backoff.ceiling_ms(), BASE_MS);
    }

    #[test]
    fn jitter_covers_the_whole_range() {
        let waits: Vec<u64> = (0..BASE_MS).map(|random| Backoff::default().fail(random)).collect();
        assert_eq!(waits.first(), Some(&1));
        assert_eq!(waits.last(), Some(&BASE_MS));
    }
}
