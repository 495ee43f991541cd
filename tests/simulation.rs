//! The whole core, simulated: sequencer, actors, store, acks and relay, on a disk that crashes at any write
//! or sync, under a broker that redelivers, duplicates and reorders, with the invariants of the design checked after
//! every step. One thread, no wall clock; all chance comes from one seed, so that what failed once fails again.
//!
//! ```sh
//! cargo test --test simulation                                  # some seeds
//! ORDERLY_TEST_SIM_SEED=4711 cargo test --test simulation            # one seed again
//! ORDERLY_TEST_SIM_SEEDS=20000 cargo test --release --test simulation  # a night
//! ```

#[path = "simulation/mod.rs"]
mod simulation;

use orderly_domain::command::Kind;
use simulation::{Aged, Summary, Trace, run};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Seeds of an ordinary run.
const SEEDS: u64 = 50;
/// Steps that a failure shows; `ORDERLY_TEST_SIM_STEPS` sets another number.
const STEPS: usize = 60;
/// One of this many seeds is run twice.
const TWICE: u64 = 8;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// Runs a seed. A failure names the seed and shows the steps before it.
fn run_loudly(seed: u64) -> Summary {
    let kept = number("ORDERLY_TEST_SIM_STEPS")
        .map_or(STEPS, |steps| usize::try_from(steps).unwrap_or(STEPS));
    let trace = Trace::new(kept.max(1));
    catch_unwind(AssertUnwindSafe(|| run(seed, &trace))).unwrap_or_else(|panic| {
        eprintln!("the last steps:\n{trace}");
        eprintln!(
            "seed {seed} failed; again: ORDERLY_TEST_SIM_SEED={seed} cargo test --test simulation"
        );
        resume_unwind(panic)
    })
}

#[test]
fn the_invariants_hold_whatever_happens() {
    let seeds = match number("ORDERLY_TEST_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("ORDERLY_TEST_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let mut all = Summary::default();
    for seed in seeds.clone() {
        let summary = run_loudly(seed);
        if seed % TWICE == 0 {
            assert_eq!(run_loudly(seed), summary, "seed {seed} ran otherwise the second time");
        }
        all.units += summary.units;
        all.applied.extend(summary.applied);
        all.events += summary.events;
        all.repeated += summary.repeated;
        all.acks += summary.acks;
        all.crashes += summary.crashes;
        all.aged.expired_carts += summary.aged.expired_carts;
        all.aged.deleted_carts += summary.aged.deleted_carts;
        all.aged.deleted_orders += summary.aged.deleted_orders;
        all.aged.expired_callbacks += summary.aged.expired_callbacks;
    }
    if seeds.end - seeds.start >= SEEDS {
        let Aged { expired_carts, deleted_carts, deleted_orders, expired_callbacks } = all.aged;
        for grown_old in [expired_carts, deleted_carts, deleted_orders, expired_callbacks] {
            assert!(grown_old > 0, "time never got as far: {:?}", all.aged);
        }
        let never: Vec<_> = Kind::ALL.iter().filter(|kind| !all.applied.contains(kind)).collect();
        assert!(never.is_empty(), "no producer of tests/simulation/shop.rs had {never:?} applied");
    }
    println!("seeds {seeds:?}: {all:?}");
}
