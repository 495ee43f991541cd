//! The journal's chunks: whole units, packed, under consecutive numbers.
//!
//! A chunk is one record of at most [`CHUNK`] bytes and holds units of one commit that follow each other. A unit that
//! is longer is a chunk in parts, which counts only when all are there. The journal ends where a chunk is missing, or
//! does not begin where the one before ended.
//!
//! Chunks are numbered, not named by their sequence, so that keys can be laid out ahead (see `layout`). Which chunk has
//! a sequence is found by interpolation, from what was met before.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::chunk::{Chunk, Head, key, number_of};
use crate::codec::Reader;
use crate::disk::{Disk, Tree};
use crate::error::Error;
use crate::unit::Seq;

/// Places of chunks that are remembered.
const REMEMBERED: usize = 8 << 10;

/// Where chunks are, as far as it was met.
#[derive(Debug)]
struct Places {
    /// Numbers by first sequence.
    known: BTreeMap<Seq, u64>,
    /// Behind the last chunk that is durable.
    end: (Seq, u64),
}

/// The journal, for reading. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    places: Arc<Mutex<Places>>,
}

impl Journal {
    /// A journal of which the chunks before `end` are used.
    pub(crate) fn new(disk: Arc<dyn Disk>, end: (Seq, u64)) -> Self {
        let places = Places { known: BTreeMap::new(), end };
        Self { disk, places: Arc::new(Mutex::new(places)) }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sequence behind the last durable unit.
    pub(crate) fn durable(&self) -> Seq {
        self.places().end.0
    }

    fn remember(&self, first: Seq, number: u64) {
        let known = &mut self.places().known;
        if known.len() == REMEMBERED {
            // Every other one: what is left is spread as before.
            let mut keep = false;
            known.retain(|_, _| {
                keep = !keep;
                keep
            });
        }
        known.insert(first, number);
    }

    /// The chunks up to `end` are durable; `firsts` are the new ones.
    pub(crate) fn advance(&self, firsts: &[(Seq, u64)], end: (Seq, u64)) {
        for &(first, number) in firsts {
            self.remember(first, number);
        }
        self.places().end = end;
    }

    fn head(&self, number: u64) -> Result<Option<Head>, Error> {
        let key = key(number);
        match self.disk.get(Tree::Journal, &key)?.filter(|record| !record.is_empty()) {
            Some(record) => Head::read(&key, record).map(|(head, _)| Some(head)),
            None => Ok(None),
        }
    }

    /// The chunk with this number, if it is durable.
    pub(crate) fn durable_chunk(&self, number: u64) -> Result<Option<Chunk>, Error> {
        if number < self.places().end.1 { self.chunk(number) } else { Ok(None) }
    }

    /// The chunk with this number, if all of it is there.
    pub(crate) fn chunk(&self, number: u64) -> Result<Option<Chunk>, Error> {
        let first_key = key(number);
        let found = self.disk.get(Tree::Journal, &first_key)?.filter(|record| !record.is_empty());
        let Some(record) = found else { return Ok(None) };
        let (head, mut rest) = Head::read(&first_key, record)?;
        if head.part != 0 {
            return Ok(None);
        }
        if head.parts > 1 {
            let mut body = rest.rest().to_vec();
            for part in 1..head.parts {
                let part_key = key(number + u64::from(part));
                let found =
                    self.disk.get(Tree::Journal, &part_key)?.filter(|record| !record.is_empty());
                let Some(record) = found else { return Ok(None) };
                let (its_head, mut its_rest) = Head::read(&part_key, record)?;
                if its_head != (Head { part, ..head }) {
                    return Ok(None);
                }
                body.extend_from_slice(&its_rest.rest());
            }
            rest = Reader::new(Bytes::from(body));
        }
        Ok(Some(Chunk { head, number, rest }))
    }

    /// The chunk that has the unit at `seq`, or the first one behind it.
    pub(crate) fn find(&self, seq: Seq) -> Result<Option<Chunk>, Error> {
        let (mut low, mut high) = {
            let places = self.places();
            let low =
                places.known.range(..=seq).next_back().map(|(&first, &number)| (first, number));
            let high = places
                .known
                .range(Seq(seq.0 + 1)..)
                .next()
                .map(|(&first, &number)| (first, number));
            (low, high.unwrap_or(places.end))
        };
        if low.is_none() {
            // Before all that was met: from the oldest chunk on.
            let Some((number, head)) = self.first_from(0)? else {
                return Ok(None);
            };
            if head.first > seq {
                return self.chunk(number);
            }
            low = Some((head.first, number));
        }
        let mut low = low.unwrap_or((Seq::FIRST, 0));
        let mut halve = false;
        while low.1 < high.1 && low.0 <= seq {
            let numbers = high.1 - low.1;
            let ratio = (seq.0 - low.0.0) as f64 / (high.0.0.saturating_sub(low.0.0).max(1)) as f64;
            // Interpolation is right at once where units are alike; halving in turn bounds it where not.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped behind"
            )]
            let guess = if halve { numbers / 2 } else { (ratio * numbers as f64) as u64 };
            halve = !halve;
            let number = low.1 + guess.min(numbers - 1);
            let Some(head) = self.head(number)? else {
                // Pruned here: go on with what is behind.
                match self.first_from(number)?.filter(|(number, _)| *number < high.1) {
                    Some((number, head)) if head.first <= seq => low = (head.first, number),
                    _ => high.1 = number,
                }
                continue;
            };
            let number = number - u64::from(head.part);
            if head.first > seq {
                high = (head.first, number);
            } else if head.next > seq {
                if let Some(chunk) = self.chunk(number)? {
                    self.remember(head.first, number);
                    return Ok(Some(chunk));
                }
                // Some of its parts are pruned.
                low = (head.next, number + u64::from(head.parts));
            } else {
                low = (head.next, number + u64::from(head.parts));
            }
        }
        // It is pruned, or not there yet: what is behind it, if that is durable.
        match self.first_from(low.1)? {
            Some((number, head)) if head.first < self.durable() => self.chunk(number),
            _ => Ok(None),
        }
    }

    /// The first whole chunk's number and head, from a number on.
    pub(crate) fn first_from(&self, number: u64) -> Result<Option<(u64, Head)>, Error> {
        let mut from = number;
        loop {
            let Some((key, record)) = self.disk.scan(Tree::Journal, &key(from), 1)?.pop() else {
                return Ok(None);
            };
            let number = number_of(&key)?;
            if record.is_empty() {
                return Ok(None);
            }
            let (head, _) = Head::read(&key, record)?;
            if head.part == 0 {
                return Ok(Some((number, head)));
            }
            from = number + 1;
        }
    }

    /// Up to `limit` records from the oldest on, with what their heads say.
    pub(crate) fn oldest(&self, limit: usize) -> Result<Vec<(u64, Head)>, Error> {
        let found = self.disk.scan(Tree::Journal, &[], limit)?;
        let used = found.into_iter().filter(|(_, record)| !record.is_empty());
        used.map(|(key, record)| {
            let (head, _) = Head::read(&key, record)?;
            Ok((number_of(&key)?, head))
        })
        .collect()
    }
}
