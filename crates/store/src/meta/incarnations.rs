//! The incarnations of a store.
//!
//! An incarnation is the first part of the ids of the store's events. A store begins with one, its own id. A copy of a
//! store that is put back continues at sequences that were used before: it takes a new incarnation, so that no id is
//! used for two events.

use uuid::Uuid;

use super::store_id::StoreId;
use crate::codec::{Reader, Undecodable, put_varint};
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::unit::Seq;

pub(crate) const INCARNATIONS: &[u8] = b"incarnations";

/// The incarnations of a store, and from which sequence each holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incarnations {
    first: Uuid,
    /// Each later incarnation with the first sequence that it holds for, in order.
    later: Vec<(Seq, Uuid)>,
}

impl Incarnations {
    /// The one incarnation of a new store.
    pub const fn new(first: Uuid) -> Self {
        Self { first, later: Vec::new() }
    }

    /// The incarnation of the units that come next.
    pub fn current(&self) -> Uuid {
        self.later.last().map_or(self.first, |(_, incarnation)| *incarnation)
    }

    /// The incarnation of the unit or event with this sequence.
    pub fn at(&self, seq: Seq) -> Uuid {
        let holds = self.later.iter().rev().find(|(from, _)| *from <= seq);
        holds.map_or(self.first, |(_, incarnation)| *incarnation)
    }

    /// Whether the store has, or once had, this incarnation.
    pub fn contains(&self, incarnation: Uuid) -> bool {
        self.first == incarnation || self.later.iter().any(|(_, later)| *later == incarnation)
    }

    /// The incarnations from their parts: the first one, and each later one with the first sequence that it holds for.
    pub const fn from_parts(first: Uuid, later: Vec<(Seq, Uuid)>) -> Self {
        Self { first, later }
    }

    /// The first one, and each later one with the first sequence that it holds for.
    pub fn parts(&self) -> (Uuid, &[(Seq, Uuid)]) {
        (self.first, &self.later)
    }

    /// Begins another incarnation with the unit at `from`.
    pub(crate) fn begin(&mut self, from: Seq, incarnation: Uuid) {
        self.later.push((from, incarnation));
    }

    /// Reads the incarnations of the store with this id. The record is there when the store has more than one.
    pub(crate) fn read(disk: &dyn Disk, store_id: &StoreId) -> Result<Self, Error> {
        let Some(record) = disk.get(Tree::Meta, INCARNATIONS)? else {
            return Ok(Self::new(store_id.incarnation));
        };
        let reader = Reader::new(Kind::Incarnations.open(INCARNATIONS, record)?);
        let later =
            decode(reader).map_err(Error::undecodable(Kind::Incarnations.name(), INCARNATIONS))?;
        Ok(Self { first: store_id.incarnation, later })
    }

    pub(crate) fn put(&self, batch: &mut Batch) {
        let mut record = vec![Kind::Incarnations.version()];
        put_varint(&mut record, self.later.len() as u64);
        for (from, incarnation) in &self.later {
            put_varint(&mut record, from.0);
            record.extend_from_slice(incarnation.as_bytes());
        }
        batch.put(INCARNATIONS, record);
    }
}

fn decode(mut reader: Reader) -> Result<Vec<(Seq, Uuid)>, Undecodable> {
    let count = reader.count(17)?;
    let mut later = Vec::with_capacity(count);
    for _ in 0..count {
        later.push((Seq(reader.varint()?), Uuid::from_bytes(reader.hash()?)));
    }
    reader.end()?;
    Ok(later)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_keeps_the_incarnation_that_it_was_sealed_in() {
        let [first, second, third] = [1, 2, 3].map(|byte| Uuid::from_bytes([byte; 16]));
        let mut incarnations = Incarnations::new(first);
        assert_eq!((incarnations.at(Seq(9)), incarnations.current()), (first, first));
        incarnations.begin(Seq(10), second);
        incarnations.begin(Seq(20), third);
        for (seq, incarnation) in
            [(1, first), (9, first), (10, second), (19, second), (20, third), (99, third)]
        {
            assert_eq!(incarnations.at(Seq(seq)), incarnation, "{seq}");
        }
        assert_eq!(incarnations.current(), third);
        assert!(incarnations.contains(first) && incarnations.contains(second));
        assert!(!incarnations.contains(Uuid::from_bytes([4; 16])));
    }
}
