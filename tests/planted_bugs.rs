//! The simulation sees bugs: each of those that are planted on purpose (`orderly-planted`), within a few seeds.

use orderly_planted::{Bug, with};
use orderly_simulator::{Case, Fault, Violation, run, shrink};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The most seeds that a bug may need.
const SEEDS: u64 = 60;
/// Commands of each.
const COMMANDS: u32 = 150;
/// Threads, each with a bug of its own.
const THREADS: usize = 2;

/// Commands of each with members.
const COMMANDS_OF_MEMBERS: u32 = 60;

fn case(seed: u64) -> Case {
    Case { commands: Some(COMMANDS), ..Case::of_seed(seed) }
}

/// A case that can have the bug.
fn case_for(bug: Bug, seed: u64) -> Case {
    if bug.is_of_members() {
        Case { members: 3, commands: Some(COMMANDS_OF_MEMBERS), ..Case::of_seed(seed) }
    } else {
        case(seed)
    }
}

/// The first violation that the simulation finds with the bug.
fn caught(bug: Bug) -> Option<Box<Violation>> {
    with(bug, || (1..=SEEDS).find_map(|seed| run(&case_for(bug, seed), 0).err()))
}

#[test]
fn every_bug_is_caught_and_the_same_run_without_it_is_clean() {
    let next = AtomicUsize::new(0);
    let missed = Mutex::new(Vec::new());
    let work = || {
        while let Some(bug) = Bug::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            let problem = match caught(*bug) {
                None => Some(format!("{bug}: not caught in {SEEDS} seeds")),
                Some(violation) => {
                    let Violation { case, commands, what, place, .. } = &*violation;
                    let (seed, what) = (case.seed, what.lines().next().unwrap_or_default());
                    println!("{bug}: seed {seed}, after {commands} commands: {what} ({place})");
                    let clean = run(case, 0).err();
                    clean.map(|found| format!("{bug}: found without the bug: {found}"))
                }
            };
            let mut missed = missed.lock().unwrap_or_else(PoisonError::into_inner);
            missed.extend(problem);
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let missed = missed.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_violation_is_made_as_small_as_it_can_be() {
    with(Bug::DroppedDedupe, || {
        let found = (1..=SEEDS).find_map(|seed| run(&case(seed), 0).err()).expect("it is caught");
        let smallest = shrink(&found, 300, 40, |_| {});
        let case = &smallest.case;
        // a command and its copy are enough
        let published = case.only.as_ref().map_or(0, std::collections::BTreeSet::len);
        assert!((1..=2).contains(&published), "{smallest}");
        assert!(!case.without.contains(&Fault::Copies), "{smallest}");
        assert!(case.without.len() >= 5, "faults that it does not need are left out: {smallest}");
        assert_eq!(smallest.place, found.place, "it is the same check");
        assert!(!smallest.steps.is_empty(), "the steps are told: {smallest}");
        let again = run(case, 40).expect_err("it fails again");
        assert_eq!(again, smallest, "the smallest case is the whole of it");
    });
}
