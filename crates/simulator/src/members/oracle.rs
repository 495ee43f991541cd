//! What the records of the stream mean, as a plain list: a second and naive reading of the rules, which shares the bytes of the
//! records with the protocol, and nothing else.

use super::stream::Stream;
use bytes::Bytes;
use orderly_journal::{Chain, Charter, Epoch, Nonce, Record};
use std::collections::BTreeSet;

#[derive(Debug, Default)]
pub(crate) struct Accepted {
    pub(crate) epoch: Option<Epoch>,
    pub(crate) charter: Option<Charter>,
    pub(crate) next: u64,
    chain: Option<Chain>,
    /// The index of the opening record in force.
    pub(crate) opened: usize,
    /// Who owned before.
    pub(crate) earlier: BTreeSet<Nonce>,
    read: usize,
}

impl Accepted {
    /// Reads on to the end of the stream. Returns the accepted units with their sequences.
    pub(crate) fn read(&mut self, stream: &Stream) -> Vec<(u64, Bytes)> {
        let mut accepted = Vec::new();
        for entry in &stream.entries[self.read..] {
            let record = Record::decode(&entry.body).expect("members append records");
            self.take(&record, &mut accepted);
            self.read += 1;
        }
        accepted
    }

    fn take(&mut self, record: &Record, accepted: &mut Vec<(u64, Bytes)>) {
        match record {
            Record::Open(open) => {
                let higher = self.epoch.is_none_or(|epoch| open.epoch.number > epoch.number);
                let differs = open.from.next == self.next && Some(open.from.chain) != self.chain;
                let is_of_another = self.charter.is_some_and(|charter| charter != open.charter);
                let unfounded = open.from.next > self.next || differs || is_of_another;
                if higher && (self.epoch.is_none() || !unfounded) {
                    if self.epoch.is_none() {
                        (self.next, self.chain) = (open.from.next, Some(open.from.chain));
                    }
                    self.charter = Some(open.charter);
                    self.earlier.extend(self.epoch.map(|epoch| epoch.nonce));
                    (self.epoch, self.opened) = (Some(open.epoch), self.read);
                }
            }
            Record::Units(units) if Some(units.epoch) == self.epoch && units.first == self.next => {
                for unit in &units.units {
                    accepted.push((self.next, unit.bytes.clone()));
                    self.next += u64::from(unit.span);
                    self.chain = self.chain.map(|chain| chain.then(unit));
                }
            }
            Record::Units(_) | Record::Tick(_) | Record::Close(_) | Record::Probe(_) => {}
        }
    }
}
