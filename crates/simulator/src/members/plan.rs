//! What goes wrong in a run with members, and how often. It is made from the seed.

use crate::case::{Case, Fault, Purpose};
use orderly_journal::claim::Patience;
use orderly_journal::owner::Limits;
use orderly_journal::{Charter, Name, Nonce, Settings};
use std::time::Duration;

/// A frequency of n means one in n steps, or one in n cases; 0 means never.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    /// Whether the owner's disk is synced before anything counts as durable.
    pub(crate) sync: bool,
    pub(crate) freeze: u64,
    pub(crate) kill: u64,
    /// Among the starts.
    pub(crate) disk: u64,
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
    /// A wall clock steps.
    pub(crate) clock: u64,
    /// Minutes pass at once.
    pub(crate) jump: u64,
    /// Slow readers get few records at a time.
    pub(crate) most_delivered: usize,
    limits: Limits,
}

impl Faults {
    pub(crate) fn new(case: &Case) -> Self {
        let mut random = case.random(Purpose::Members, 0);
        let sync = random.one_in(2);
        let mut pick = |list: &[u64]| list[random.index(list.len())];
        let mut faults = Self {
            sync,
            freeze: pick(&[0, 150, 600]),
            kill: pick(&[0, 200, 800]),
            disk: pick(&[0, 2, 6]),
            cut_off: pick(&[0, 200, 800]),
            lost_reader: pick(&[0, 60, 300]),
            lost_writer: pick(&[0, 60, 300]),
            claim: pick(&[0, 40, 200, 1_000]),
            leave: pick(&[0, 400, 1_000]),
            moved_consumer: pick(&[0, 200, 1_000]),
            lost_front: pick(&[0, 200]),
            lost_end: if sync { pick(&[0, 300, 600]) } else { 0 },
            hole: pick(&[0, 10, 60]),
            twice: pick(&[0, 10, 60]),
            clock: pick(&[0, 100]),
            jump: pick(&[0, 300]),
            most_delivered: usize::try_from(pick(&[2, 10, 40])).expect("it is small"),
            limits: Limits {
                record_max: usize::try_from(pick(&[500, 8_000])).expect("it is small"),
                enough: usize::try_from(pick(&[1, 500])).expect("it is small"),
                in_flight: usize::try_from(pick(&[1, 4, 8])).expect("it is small"),
                resend_after: Duration::from_secs(1),
            },
        };
        faults.leave_out(case);
        faults
    }

    fn leave_out(&mut self, case: &Case) {
        let of_kind: [(Fault, &mut [&mut u64]); 8] = [
            (Fault::Crashes, &mut [&mut self.kill]),
            (Fault::Disk, &mut [&mut self.disk]),
            (
                Fault::Connections,
                &mut [&mut self.cut_off, &mut self.lost_reader, &mut self.lost_writer],
            ),
            (Fault::Freezes, &mut [&mut self.freeze]),
            (Fault::Claims, &mut [&mut self.claim, &mut self.leave, &mut self.moved_consumer]),
            (Fault::Records, &mut [&mut self.hole, &mut self.twice]),
            (Fault::Retention, &mut [&mut self.lost_front]),
            (Fault::Power, &mut [&mut self.lost_end]),
        ];
        for (fault, frequencies) in of_kind {
            for frequency in frequencies.iter_mut().filter(|_| !case.has(fault)) {
                **frequency = 0;
            }
        }
        if !case.has(Fault::Clock) {
            self.clock = 0;
        }
    }

    /// Turns all faults off.
    pub(crate) fn calm(&self) -> Self {
        Self {
            freeze: 0,
            kill: 0,
            disk: 0,
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
            clock: 0,
            jump: 0,
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
            takeover_after: Duration::from_secs(3),
            tick_every: Duration::from_millis(500),
            announce_every: Duration::from_secs(2),
            renew_every: Duration::from_secs(3),
            found_within: Duration::from_millis(600),
            patience: Patience {
                hear_for: Duration::from_secs(2),
                yield_for: Duration::from_secs(5),
                retry_after: Duration::from_secs(1),
            },
            limits: self.limits,
        }
    }
}
