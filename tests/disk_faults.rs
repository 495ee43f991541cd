//! Faults of the disk: errors of its calls, damaged and cut files, copies of a store at work. A fault is told, or does no harm: the
//! books are never wrong, and nothing hangs.
//!
//! `scripts/disk-faults` runs the long form (`ORDERLY_DISK_FAULTS=all`): every block of 4 KiB. A number in the place of `all` is that
//! of the damaged places.

#[path = "disk_faults/copies.rs"]
mod copies;
#[path = "disk_faults/damage.rs"]
mod damage;
#[path = "disk_faults/errors.rs"]
mod errors;
#[path = "disk_faults/look.rs"]
mod look;
#[path = "support/preload.rs"]
mod preload;
#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;
#[path = "support/stores.rs"]
mod stores;

/// What the environment asks for, in the place of the short form.
fn wanted() -> Option<String> {
    std::env::var("ORDERLY_DISK_FAULTS").ok().filter(|wanted| !wanted.is_empty())
}

/// Whether the long form is wanted.
fn is_long() -> bool {
    wanted().is_some()
}

/// The number of places that are damaged. `None`: all of them.
fn most_places() -> Option<u64> {
    const FEW: u64 = 24;
    wanted().map_or(Some(FEW), |wanted| wanted.parse().ok())
}
