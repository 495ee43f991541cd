//! The whole core, simulated (`orderly-simulator`), alone and as members that share a journal: some seeds, all clean, and the
//! same case twice.
//!
//! ```sh
//! cargo test --workspace --test simulation                        # some seeds
//! ORDERLY_TEST_SIM_SEED=4711 cargo test --workspace --test simulation  # one seed again
//! cargo run --release -- simulate --seeds 10000                   # a night
//! cargo run --release -- simulate --members 3 --commands 100 --seeds 10000
//! ```

use orderly_domain::command::Kind;
use orderly_simulator::{Aged, Case, Summary, run};

/// Seeds of an ordinary run.
const SEEDS: u64 = 50;
/// Steps that a failure shows.
const STEPS: usize = 60;
/// One of this many seeds is run twice.
const TWICE: u64 = 8;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// Runs a case. A failure names the seed and shows the steps before it.
fn clean(case: &Case) -> Summary {
    run(case, STEPS).unwrap_or_else(|violation| {
        panic!(
            "{violation}again: ORDERLY_TEST_SIM_SEED={} cargo test --workspace --test simulation",
            case.seed
        )
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
        let case = Case::of_seed(seed);
        let summary = clean(&case);
        if seed % TWICE == 0 {
            assert_eq!(clean(&case), summary, "seed {seed} ran otherwise the second time");
        }
        all.add(&summary);
    }
    if seeds.end - seeds.start >= SEEDS {
        let Aged { expired_carts, deleted_carts, deleted_orders, expired_callbacks } = all.aged;
        for grown_old in [expired_carts, deleted_carts, deleted_orders, expired_callbacks] {
            assert!(grown_old > 0, "time never got as far: {:?}", all.aged);
        }
        let kinds = Kind::ALL.iter().map(|kind| kind.as_str());
        let never: Vec<_> = kinds.filter(|kind| !all.applied.contains_key(kind)).collect();
        assert!(never.is_empty(), "no producer of the simulator's shop.rs had {never:?} applied");
    }
    println!("seeds {seeds:?}: {all:?}");
}

/// Seeds of an ordinary run with members: half of them with two, half with three.
const SEEDS_OF_MEMBERS: u64 = 16;

#[test]
fn members_that_share_a_journal_agree_whatever_happens() {
    let seeds = match number("ORDERLY_TEST_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("ORDERLY_TEST_SIM_SEEDS").unwrap_or(SEEDS_OF_MEMBERS),
    };
    let mut all = Summary::default();
    for seed in seeds.clone() {
        let members = if seed % 2 == 0 { 3 } else { 2 };
        let case = Case { members, commands: Some(60), ..Case::of_seed(seed) };
        let summary = clean(&case);
        if seed % TWICE == 0 {
            assert_eq!(clean(&case), summary, "seed {seed} ran otherwise the second time");
        }
        all.add(&summary);
    }
    println!("seeds {seeds:?}: {all:?}");
    if seeds.end - seeds.start >= SEEDS_OF_MEMBERS {
        assert!(all.take_overs > 2 * SEEDS_OF_MEMBERS, "the plans are too calm: {all:?}");
        assert!(all.copies > 0 && all.lost_ends > 0, "the plans are too calm: {all:?}");
        assert!(all.crashes > 0 && all.redelivered > 0 && all.repeated_events > 0, "{all:?}");
    }
}
