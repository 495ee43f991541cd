//! Members that share a journal, simulated: appends that arrive late, twice or never, a stream that loses its front or its
//! end, members that are frozen, killed, cut off or claim for no reason, clocks apart. No wall clock; all chance comes
//! from one seed, so that what failed once fails again.
//!
//! After every step: what a member applies is what the journal has there by a second, naive reading; no two owners hold
//! different units for one sequence; an epoch has one owner; every ack and every event is of a unit in the journal. At the
//! end, when nothing goes wrong any more, there is an owner within a minute; then every command was done exactly once,
//! on the state that was in front of it, its event was published, and all stores are equal.
//!
//! ```sh
//! cargo test -p orderly-journal --test simulation                                     # some seeds
//! ORDERLY_TEST_SIM_SEED=4711 cargo test -p orderly-journal --test simulation          # one seed again
//! ORDERLY_TEST_SIM_SEEDS=20000 cargo test --release -p orderly-journal --test simulation   # a night
//! ```

#[path = "simulation/mod.rs"]
mod simulation;

use orderly_planted::{Bug, with};
use simulation::{Summary, run};

/// Seeds of an ordinary run.
const SEEDS: u64 = 120;
/// The most seeds in which a planted fault must be found.
const FAULT_SEEDS: u64 = 400;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

#[test]
fn the_promises_hold_whatever_happens() {
    let seeds = match number("ORDERLY_TEST_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("ORDERLY_TEST_SIM_SEEDS").unwrap_or(SEEDS),
    };
    let mut all = Summary::default();
    for seed in seeds.clone() {
        let summary = run(seed).unwrap_or_else(|problem| panic!("{problem}"));
        if seed % 20 == 0 {
            assert_eq!(run(seed), Ok(summary), "seed {seed} ran otherwise the second time");
        }
        all.records += summary.records;
        all.units += summary.units;
        all.take_overs += summary.take_overs;
        all.copies += summary.copies;
        all.lost_ends += summary.lost_ends;
    }
    println!("seeds {seeds:?}: {all:?}");
    if seeds.end - seeds.start >= SEEDS {
        assert!(all.copies > 0 && all.lost_ends > 0, "the plans are too calm: {all:?}");
        assert!(all.take_overs > 3 * SEEDS, "the plans are too calm: {all:?}");
    }
}

#[test]
fn every_planted_bug_is_found() {
    for bug in Bug::ALL.iter().filter(|bug| bug.is_of_members()) {
        let found = with(*bug, || (0..FAULT_SEEDS).find_map(|seed| run(seed).err()));
        let found = found.unwrap_or_else(|| panic!("{bug} was not found"));
        let line = found.lines().find(|line| line.starts_with("seed")).unwrap_or_default();
        println!("{bug}: {line}");
    }
}
