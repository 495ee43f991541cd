//! What a run came to, or many.

use crate::consistency::Aged;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a run came to. Those of many runs can be added.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Of the steps of one run, for comparing it with another of the same case; 0 for a run that kept no steps.
    #[serde(skip)]
    pub hash: u64,
    /// Commands that producers made.
    pub commands: u64,
    /// Messages that producers published: commands and their copies.
    pub published: u64,
    /// Messages that the broker delivered again.
    pub redelivered: u64,
    /// Durable units: each is the result of a command, a timer or a delivery of a notification.
    pub units: u64,
    /// The units by verdict.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// The commands that were applied, by type.
    pub applied: BTreeMap<&'static str, u64>,
    /// Events that subscribers received.
    pub events: u64,
    /// Events that they received again.
    pub repeated_events: u64,
    /// Notifications that arrived.
    pub notifications: u64,
    /// Acknowledged deliveries.
    pub acks: u64,
    /// Crashes of the process, with the openings of the store that another crash interrupted.
    pub crashes: u64,
    /// Panics of owners that were planned.
    pub panics: u64,
    /// Audits that came to their end.
    pub audits: u64,
    /// Complete checkpoints.
    pub checkpoints: u64,
    /// Of members: how often one came to own.
    pub take_overs: u64,
    /// Of members: stores that were copied, since the journal had passed them.
    pub copies: u64,
    /// Of members: how often the journal lost its newest records.
    pub lost_ends: u64,
    /// What changed by time alone.
    pub aged: Aged,
}

impl Summary {
    /// Adds what another run came to.
    pub fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.commands, other.commands),
            (&mut self.published, other.published),
            (&mut self.redelivered, other.redelivered),
            (&mut self.units, other.units),
            (&mut self.events, other.events),
            (&mut self.repeated_events, other.repeated_events),
            (&mut self.notifications, other.notifications),
            (&mut self.acks, other.acks),
            (&mut self.crashes, other.crashes),
            (&mut self.panics, other.panics),
            (&mut self.audits, other.audits),
            (&mut self.take_overs, other.take_overs),
            (&mut self.copies, other.copies),
            (&mut self.lost_ends, other.lost_ends),
            (&mut self.checkpoints, other.checkpoints),
            (&mut self.aged.expired_carts, other.aged.expired_carts),
            (&mut self.aged.deleted_carts, other.aged.deleted_carts),
            (&mut self.aged.deleted_orders, other.aged.deleted_orders),
            (&mut self.aged.expired_callbacks, other.aged.expired_callbacks),
        ];
        for (sum, more) in sums {
            *sum += more;
        }
        for (sums, more) in
            [(&mut self.verdicts, &other.verdicts), (&mut self.applied, &other.applied)]
        {
            for (name, count) in more {
                *sums.entry(name).or_default() += count;
            }
        }
    }
}
