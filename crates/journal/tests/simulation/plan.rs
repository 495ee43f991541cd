//! The plan of a run, made from its seed: how many members, and how often what goes wrong.

use std::time::Duration;

use fastrand::Rng;
use orderly_journal::claim::Patience;
use orderly_journal::owner::Limits;
use orderly_journal::{Charter, Name, Nonce, Settings};

/// A frequency of n means one in n steps, or one in n cases; 0 means never.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) members: usize,
    pub(crate) steps: u64,
    /// Whether the owner's disk is synced before anything counts as durable.
    pub(crate) sync: bool,
    pub(crate) freeze: u64,
    pub(crate) kill: u64,
    pub(crate) cut_off: u64,
    pub(crate) lost_reader: u64,
    pub(crate) lost_writer: u64,
    pub(crate) claim: u64,
    pub(crate) leave: u64,
    /// The broker gives the commands to another member.
    pub(crate) moved_consumer: u64,
    pub(crate) lost_front: u64,
    /// Power of most of the broker's machines, only with `sync`.
    pub(crate) lost_end: u64,
    /// Among the appends.
    pub(crate) hole: u64,
    /// Among the appends.
    pub(crate) twice: u64,
    /// Slow readers get few records at a time.
    pub(crate) most_delivered: usize,
    record_max: usize,
    enough: usize,
    in_flight: usize,
}

impl Plan {
    pub(crate) fn new(random: &mut Rng) -> Self {
        let sync = random.bool();
        let mut pick = |list: &[u64]| list[random.usize(..list.len())];
        Self {
            members: if pick(&[2, 3]) == 2 { 2 } else { 3 },
            steps: 2_500,
            sync,
            freeze: pick(&[0, 150, 600]),
            kill: pick(&[0, 200, 800]),
            cut_off: pick(&[0, 200, 800]),
            lost_reader: pick(&[0, 60, 300]),
            lost_writer: pick(&[0, 60, 300]),
            claim: pick(&[0, 40, 200, 1_000]),
            leave: pick(&[0, 400, 1_000]),
            moved_consumer: pick(&[0, 200, 1_000]),
            lost_front: pick(&[0, 300]),
            lost_end: if sync { pick(&[0, 500, 1_000]) } else { 0 },
            hole: pick(&[0, 10, 60]),
            twice: pick(&[0, 10, 60]),
            most_delivered: usize::try_from(pick(&[2, 10, 40])).expect("it is small"),
            record_max: usize::try_from(pick(&[100, 1_000])).expect("it is small"),
            enough: usize::try_from(pick(&[1, 50])).expect("it is small"),
            in_flight: usize::try_from(pick(&[1, 4, 8])).expect("it is small"),
        }
    }

    /// Turns all faults off.
    pub(crate) fn calm(&self) -> Self {
        Self {
            freeze: 0,
            kill: 0,
            cut_off: 0,
            lost_reader: 0,
            lost_writer: 0,
            claim: 0,
            leave: 0,
            moved_consumer: 0,
            lost_front: 0,
            lost_end: 0,
            hole: 0,
            twice: 0,
            most_delivered: 1_000,
            ..self.clone()
        }
    }

    pub(crate) fn settings(&self, member: usize, nonce: u64, charter: Charter) -> Settings {
        let mut name = [0; 16];
        name[..8].copy_from_slice(&nonce.to_le_bytes());
        Settings {
            node: Name::from(&*format!("m{member}")),
            nonce: Nonce(name),
            charter,
            takeover_after: Duration::from_secs(5),
            tick_every: Duration::from_millis(500),
            announce_every: Duration::from_secs(2),
            renew_every: Duration::from_secs(3),
            found_within: Duration::from_millis(600),
            patience: Patience {
                hear_for: Duration::from_secs(2),
                yield_for: Duration::from_secs(5),
                retry_after: Duration::from_secs(1),
            },
            limits: Limits {
                record_max: self.record_max,
                enough: self.enough,
                in_flight: self.in_flight,
                resend_after: Duration::from_secs(1),
            },
        }
    }
}
