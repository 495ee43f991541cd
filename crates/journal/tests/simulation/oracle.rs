//! What the records of the stream mean, as a plain list; and everything that was promised to the outside.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use orderly_journal::{Chain, Epoch, Nonce, Record, Unit};

use super::stream::Stream;

/// The accepted units of a stream. A second and naive reading of the rules: it shares the bytes of the records with the
/// crate, and nothing else.
#[derive(Default)]
pub(crate) struct Accepted {
    pub(crate) epoch: Option<Epoch>,
    pub(crate) next: u64,
    chain: Option<Chain>,
    /// The units by their sequence, with the chain in front of each.
    pub(crate) units: BTreeMap<u64, (Chain, Unit)>,
    /// The index of the opening record in force.
    pub(crate) opened: usize,
    /// Who owned before.
    pub(crate) earlier: BTreeSet<Nonce>,
    read: usize,
}

impl Accepted {
    pub(crate) fn read(&mut self, stream: &Stream) {
        for entry in &stream.entries[self.read..] {
            self.take(&Record::decode(&entry.body).expect("members append records"));
            self.read += 1;
        }
    }

    fn take(&mut self, record: &Record) {
        match record {
            Record::Open(open) => {
                let higher = self.epoch.is_none_or(|epoch| open.epoch.number > epoch.number);
                let differs = open.from.next == self.next && Some(open.from.chain) != self.chain;
                let unfounded = self.epoch.is_some() && (open.from.next > self.next || differs);
                if higher && !unfounded {
                    if self.epoch.is_none() {
                        (self.next, self.chain) = (open.from.next, Some(open.from.chain));
                    }
                    self.earlier.extend(self.epoch.map(|epoch| epoch.nonce));
                    (self.epoch, self.opened) = (Some(open.epoch), self.read);
                }
            }
            Record::Units(units) if Some(units.epoch) == self.epoch && units.first == self.next => {
                for unit in &units.units {
                    let chain = self.chain.expect("an epoch is in force");
                    self.units.insert(self.next, (chain, unit.clone()));
                    self.next += u64::from(unit.span);
                    self.chain = Some(chain.then(unit));
                }
            }
            Record::Units(_) | Record::Tick(_) | Record::Close(_) | Record::Probe(_) => {}
        }
    }
}

/// A unit of the simulation: the command that made it, and the state that it was made on.
pub(crate) fn unit(command: u64, state: Chain, span: u32, padding: usize) -> Unit {
    let mut bytes = command.to_le_bytes().to_vec();
    bytes.extend_from_slice(&state.0);
    bytes.resize(bytes.len() + padding, 7);
    Unit { span, bytes: Bytes::from(bytes) }
}

pub(crate) fn command_of(unit: &Unit) -> u64 {
    u64::from_le_bytes(unit.bytes[..8].try_into().expect("eight bytes"))
}

fn state_of(unit: &Unit) -> Chain {
    Chain(unit.bytes[8..40].try_into().expect("32 bytes"))
}

/// What the members told the outside, and the checks of it.
#[derive(Default)]
pub(crate) struct Promises {
    /// The owner of each epoch.
    owners: BTreeMap<u64, Nonce>,
    /// The unit at each sequence that an owner told of as durable.
    pub(crate) durable: BTreeMap<u64, Unit>,
    /// What the journal had before it last lost its end.
    lost: BTreeMap<u64, Unit>,
    pub(crate) acked: BTreeSet<u64>,
    pub(crate) published: BTreeSet<u64>,
    pub(crate) take_overs: u64,
}

impl Promises {
    pub(crate) fn owns(&mut self, epoch: Epoch) {
        let owner = *self.owners.entry(epoch.number).or_insert(epoch.nonce);
        assert_eq!(owner, epoch.nonce, "two owners of epoch {}", epoch.number);
        self.take_overs += 1;
    }

    /// The stream lost its end. If opening records are lost, their numbers may be given once more.
    pub(crate) fn lose_end(&mut self, before: Accepted) {
        self.owners.clear();
        self.lost = before.units.into_iter().map(|(seq, (_, unit))| (seq, unit)).collect();
    }

    /// An owner acts on a unit as durable.
    pub(crate) fn durable(&mut self, seq: u64, unit: &Unit, accepted: &Accepted) {
        let found = accepted.units.get(&seq).map(|(_, unit)| unit);
        assert_eq!(found, Some(unit), "durable at {seq}, and not what the journal has there");
        let known = self.durable.entry(seq).or_insert_with(|| unit.clone());
        assert_eq!(known, unit, "two owners hold different units for sequence {seq}");
    }

    /// Somebody acts on the unit at this sequence as durable. The journal may have lost it, until its owner finds that and
    /// appends it again: from now on it must come back.
    fn act_on(&mut self, seq: u64, accepted: &Accepted) -> Unit {
        let found = accepted.units.get(&seq).map(|(_, unit)| unit);
        let found = found.or_else(|| self.durable.get(&seq)).or_else(|| self.lost.get(&seq));
        let unit = found.unwrap_or_else(|| panic!("{seq} is not durable")).clone();
        let known = self.durable.entry(seq).or_insert_with(|| unit.clone());
        assert_eq!(*known, unit, "two owners hold different units for sequence {seq}");
        unit
    }

    pub(crate) fn acked(&mut self, command: u64, seq: u64, accepted: &Accepted) {
        let unit = self.act_on(seq, accepted);
        assert_eq!(command_of(&unit), command, "command {command} was acknowledged for {seq}");
        self.acked.insert(command);
    }

    pub(crate) fn published(&mut self, seq: u64, accepted: &Accepted) {
        self.act_on(seq, accepted);
        self.published.insert(seq);
    }

    /// Whether everything that was durable is in the journal.
    pub(crate) fn is_kept(&self, accepted: &Accepted) -> bool {
        self.durable.keys().all(|seq| accepted.units.contains_key(seq))
    }
}

/// Checks the accepted units by themselves: each was made on the state in front of it, and no command twice.
pub(crate) fn check(accepted: &Accepted) {
    let mut commands = BTreeSet::new();
    for (seq, (state, unit)) in &accepted.units {
        assert_eq!(state_of(unit), *state, "the unit at {seq} was made on another state");
        let command = command_of(unit);
        assert!(commands.insert(command), "command {command} was done twice, again at {seq}");
    }
}
