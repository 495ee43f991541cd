//! Finding chunks of the journal, by number or by the sequence of a unit.
//!
//! No index leads from a sequence to the number of its chunk. The number is estimated by interpolation between chunks
//! that were read before, and the estimate is corrected by reading heads of chunks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::chunk::{Chunk, Head, Place, key, number_of};
use crate::codec::Reader;
use crate::disk::{Disk, Tree};
use crate::error::Error;
use crate::unit::Seq;

/// The most chunks whose first sequences are remembered.
const REMEMBERED: usize = 8 << 10;

/// The chunks whose first sequences are known.
#[derive(Debug)]
struct KnownChunks {
    /// The numbers of chunks by their first sequences.
    numbers: BTreeMap<Seq, u64>,
    /// The sequence and the number of the next chunk after the last durable one.
    end: (Seq, u64),
}

/// Reads the journal. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    known_chunks: Arc<Mutex<KnownChunks>>,
}

impl Journal {
    /// A journal whose durable chunks end before `end`, a sequence and a number.
    pub(crate) fn new(disk: Arc<dyn Disk>, end: (Seq, u64)) -> Self {
        let known_chunks = KnownChunks { numbers: BTreeMap::new(), end };
        Self { disk, known_chunks: Arc::new(Mutex::new(known_chunks)) }
    }

    fn known_chunks(&self) -> MutexGuard<'_, KnownChunks> {
        self.known_chunks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every unit below this sequence is durable.
    pub(crate) fn durable(&self) -> Seq {
        self.known_chunks().end.0
    }

    /// The sequence and the number of the next chunk after the last durable one.
    pub(crate) fn end(&self) -> (Seq, u64) {
        self.known_chunks().end
    }

    fn remember(&self, first: Seq, number: u64) {
        let known = &mut self.known_chunks().numbers;
        if known.len() == REMEMBERED {
            // forget every other chunk: the rest is spread over the journal as before
            let mut keep = false;
            known.retain(|_, _| {
                keep = !keep;
                keep
            });
        }
        known.insert(first, number);
    }

    /// Makes the chunks up to `end` visible, since they are durable. `firsts` are the new ones.
    pub(crate) fn advance(&self, firsts: &[(Seq, u64)], end: (Seq, u64)) {
        for &(first, number) in firsts {
            self.remember(first, number);
        }
        self.known_chunks().end = end;
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
        if number < self.known_chunks().end.1 { self.chunk(number) } else { Ok(None) }
    }

    /// The chunk with this number, if all of its parts exist.
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
        Chunk::new(number, head, rest).map(Some)
    }

    /// The chunks of the append that begins with this number and this sequence, if all of them exist.
    pub(crate) fn append_at(&self, number: u64, first: Seq) -> Result<Option<Vec<Chunk>>, Error> {
        let mut chunks: Vec<Chunk> = Vec::new();
        let (mut number, mut first) = (number, first);
        loop {
            let Some(chunk) = self.chunk(number)?.filter(|chunk| chunk.head.first == first) else {
                return Ok(None);
            };
            let place = chunk.head.place;
            if place == Place::Alone && !chunks.is_empty() {
                return Ok(None);
            }
            (number, first) = (chunk.end(), chunk.head.next);
            chunks.push(chunk);
            if place != Place::Continued {
                return Ok(Some(chunks));
            }
        }
    }

    /// The durable chunk that has the unit at `seq`, or else the first durable chunk after `seq`.
    pub(crate) fn find(&self, seq: Seq) -> Result<Option<Chunk>, Error> {
        let (mut low, mut high) = {
            let known_chunks = self.known_chunks();
            let low = known_chunks
                .numbers
                .range(..=seq)
                .next_back()
                .map(|(&first, &number)| (first, number));
            let high = known_chunks
                .numbers
                .range(Seq(seq.0 + 1)..)
                .next()
                .map(|(&first, &number)| (first, number));
            (low, high.unwrap_or(known_chunks.end))
        };
        if low.is_none() {
            // before every known chunk: search from the oldest chunk on
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
            // interpolation finds the chunk at once if units are of similar size; halving every second time bounds the
            // steps if not
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the result is clamped below"
            )]
            let guess = if halve { numbers / 2 } else { (ratio * numbers as f64) as u64 };
            halve = !halve;
            let number = low.1 + guess.min(numbers - 1);
            let Some(head) = self.head(number)? else {
                // no chunk here, it was pruned: go on with the next that exists
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
                // some of the chunk's parts were pruned
                low = (head.next, number + u64::from(head.parts));
            } else {
                low = (head.next, number + u64::from(head.parts));
            }
        }
        // the unit was pruned, or is not durable yet: return the next chunk, if that is durable
        match self.first_from(low.1)? {
            Some((number, head)) if head.first < self.durable() => self.chunk(number),
            _ => Ok(None),
        }
    }

    /// The number and the head of the first whole chunk from `number` on.
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

    /// The oldest `limit` records: their numbers and heads.
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
