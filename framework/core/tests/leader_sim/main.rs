//! Leaders with their sessions, a backend and a network where everything goes wrong, in virtual time, all from a seed.
//!
//! Two phases: faults, then none; then all must be settled within a minute. `HEADWATER_SEED=n` runs one seed and shows
//! its trace if it fails; `HEADWATER_SEEDS=n` runs so many.

mod backend;
mod client;
mod faults;
mod oracle;
mod rng;
mod session;
mod store;
mod trace;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use world::{Counters, World};

const SEEDS: u64 = 3_000;

#[expect(clippy::disallowed_methods, reason = "a person asks for a seed")]
fn asked(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Runs a seed. If it fails, it runs again with a trace, and fails with it.
fn run(seed: u64) -> Counters {
    let mut world = World::new(seed);
    if catch_unwind(AssertUnwindSafe(|| world.run())).is_ok() {
        return world.counters;
    }
    let mut world = World::new(seed);
    let faults = world.faults.clone();
    world.trace = Some(String::new());
    let failure = catch_unwind(AssertUnwindSafe(|| world.run())).expect_err("the same seed fails in the same way");
    let text = failure.downcast_ref::<String>().cloned();
    let reason = text.or_else(|| failure.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
    let trace = world.trace.unwrap_or_default();
    panic!("{trace}\nHEADWATER_SEED={seed} fails: {reason}\nwith {faults:?}");
}

/// Runs every second seed, so that two threads share the work.
fn run_half(first: u64) {
    if let Some(seed) = asked("HEADWATER_SEED") {
        run(seed);
        return;
    }
    let seeds = asked("HEADWATER_SEEDS").unwrap_or(SEEDS);
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in (first..seeds).step_by(2) {
        for (what, count) in run(seed).counts {
            *counts.entry(what).or_default() += count;
        }
    }
    if seeds >= SEEDS {
        check_coverage(&counts);
    }
}

#[test]
fn leaders_converge_whatever_goes_wrong() {
    run_half(0);
}

#[test]
fn leaders_converge_whatever_else_goes_wrong() {
    run_half(1);
}

/// A simulation proves nothing about what never happens in it.
fn check_coverage(counts: &BTreeMap<&'static str, u64>) {
    for what in [
        "answers lost",
        "batches appended",
        "behind",
        "behind with more",
        "client ids taken",
        "copies",
        "crashes",
        "deaths between effects",
        "deaths in a write",
        "dependents rejected",
        "events rejected",
        "failed writes",
        "failures after the deed",
        "handovers",
        "pages to be coalesced",
        "power losses",
        "rebases of a session",
        "resends recognised",
        "stale pushes",
    ] {
        let count = counts.get(what).copied().unwrap_or(0);
        assert!(count >= 50, "{what}: {count} times in {counts:#?}");
    }
}

#[test]
fn a_seed_always_does_the_same() {
    for seed in 0..20 {
        let trace = || {
            let mut world = World::new(seed);
            world.trace = Some(String::new());
            world.run();
            (world.trace, world.counters)
        };
        assert!(trace() == trace(), "seed {seed} does this and that");
    }
}
