//! Building units. States and bodies are encoded once, into one buffer for the whole unit.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;

use super::content::{
    COUNTERS, HistoryLink, Identity, IdentityHash, MAX_VALUE, Name, NameHash, Ordinal, PARTS,
    Posting, PostingChange, Put, Seq, Timer, Unit,
};
use super::postings::PostingsBuilder;
use crate::schema::Table;

/// Builds one unit. `View::begin` creates the builder, since it knows the sequence.
///
/// All values share one buffer, so that a unit needs few allocations. The lists are inline as long as they are short.
/// The sealed unit holds exact copies of the lists, without spare capacity.
#[derive(Debug)]
pub struct UnitBuilder {
    seq: Seq,
    at: i64,
    fired: i64,
    identity: Option<Identity>,
    names: SmallVec<[Name; 2]>,
    puts: SmallVec<[Put; 8]>,
    history: Option<HistoryLink>,
    timers: SmallVec<[Timer; 2]>,
    counters: SmallVec<[(u8, i64); 2]>,
    postings: PostingsBuilder,
    buffer: Vec<u8>,
    /// For every put, the end of its value in `buffer`. `None`: the part is removed.
    ends: SmallVec<[Option<usize>; 8]>,
    /// The length of the longest value in bytes.
    longest: usize,
}

/// A value or the body of a unit is longer than [`MAX_VALUE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value of {0} bytes is too long for the store, which takes {MAX_VALUE}")]
pub struct TooLong(
    /// Its length in bytes.
    pub usize,
);

impl UnitBuilder {
    pub(crate) fn new(seq: Seq, at: i64, fired: i64) -> Self {
        Self {
            seq,
            at,
            fired,
            identity: None,
            names: SmallVec::new(),
            puts: SmallVec::new(),
            history: None,
            timers: SmallVec::new(),
            counters: SmallVec::new(),
            postings: PostingsBuilder::new(at),
            buffer: Vec::with_capacity(1024),
            ends: SmallVec::new(),
            longest: 0,
        }
    }

    /// The sequence of the unit.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// The time of the unit, in microseconds since the epoch.
    pub fn at(&self) -> i64 {
        self.at
    }

    /// Records that the unit uses up this identity, with eight bytes of the caller's.
    pub fn identity(&mut self, hash: IdentityHash, data: u64) {
        self.identity = Some(Identity { hash, data });
    }

    /// Gives an id that is new to the store its ordinal.
    pub fn name(&mut self, table: Table, hash: NameHash, ordinal: Ordinal) {
        self.names.push(Name { table, hash, ordinal });
    }

    /// Puts a new value of a part. `encode` appends the value to the buffer that it is given. If `encode` fails, the
    /// builder is as before. A unit with a value that is longer than [`MAX_VALUE`] is refused when it is completed.
    ///
    /// # Panics
    /// If `part` is not below [`PARTS`].
    pub fn put_with<E>(
        &mut self,
        table: Table,
        ordinal: Ordinal,
        part: u8,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        assert!(part < PARTS, "part {part} is out of range");
        let start = self.buffer.len();
        if let Err(error) = encode(&mut self.buffer) {
            self.buffer.truncate(start);
            return Err(error);
        }
        self.longest = self.longest.max(self.buffer.len() - start);
        self.ends.push(Some(self.buffer.len()));
        self.puts.push(Put { table, ordinal, part, value: None });
        Ok(())
    }

    /// Puts this value of a part.
    ///
    /// # Panics
    /// As [`put_with`](Self::put_with).
    pub fn put(&mut self, table: Table, ordinal: Ordinal, part: u8, value: &[u8]) {
        let Ok(()) = self.put_with(table, ordinal, part, |buffer| {
            buffer.extend_from_slice(value);
            Ok::<_, std::convert::Infallible>(())
        });
    }

    /// Removes a part.
    ///
    /// # Panics
    /// If `part` is not below [`PARTS`].
    pub fn remove(&mut self, table: Table, ordinal: Ordinal, part: u8) {
        assert!(part < PARTS, "part {part} is out of range");
        self.ends.push(None);
        self.puts.push(Put { table, ordinal, part, value: None });
    }

    /// Adds the unit to the history of this entity. `previous` is what `View::last_in_history` returned for it.
    pub fn link_history(&mut self, table: Table, ordinal: Ordinal, previous: Option<Seq>) {
        self.history = Some(HistoryLink { table, ordinal, previous });
    }

    /// Sets a timer. A timer in the past is set to the unit's own time, and so is due at once.
    pub fn timer(&mut self, due: i64, table: Table, ordinal: Ordinal, kind: u8) {
        self.timers.push(Timer { due: due.max(self.at), table, ordinal, kind });
    }

    /// Adds `difference` to a counter of the store.
    ///
    /// # Panics
    /// If `index` is not below [`COUNTERS`].
    pub fn count(&mut self, index: u8, difference: i64) {
        assert!(usize::from(index) < COUNTERS, "counter {index} is out of range");
        self.counters.push((index, difference));
    }

    /// Adds or removes a posting. A unit may change a posting only once.
    pub fn post(&mut self, posting: Posting, change: PostingChange) {
        self.postings.push(posting, change);
    }

    /// Completes the unit. `encode` appends the body, which holds `events` events.
    ///
    /// # Errors
    /// That of `encode`; [`TooLong`] if the body or a value is longer than [`MAX_VALUE`].
    pub fn seal_with<E: From<TooLong>>(
        mut self,
        events: u64,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Arc<Unit>, E> {
        let start = self.buffer.len();
        encode(&mut self.buffer)?;
        let longest = self.longest.max(self.buffer.len() - start);
        if longest > MAX_VALUE {
            return Err(TooLong(longest).into());
        }
        let end_of_body = self.buffer.len();
        self.postings.append(&mut self.buffer);
        let buffer = Bytes::copy_from_slice(&self.buffer);
        let mut from = 0;
        for (put, end) in self.puts.iter_mut().zip(self.ends) {
            if let Some(end) = end {
                put.value = Some(buffer.slice(from..end));
                from = end;
            }
        }
        Ok(Arc::new(Unit {
            seq: self.seq,
            next: self.seq.plus(events + 1),
            at: self.at,
            fired: self.fired,
            identity: self.identity,
            names: self.names.into_boxed_slice(),
            puts: self.puts.into_boxed_slice(),
            history: self.history,
            timers: self.timers.into_boxed_slice(),
            counters: self.counters.into_boxed_slice(),
            postings: self.postings.finish(buffer.slice(end_of_body..)),
            body: buffer.slice(start..end_of_body),
        }))
    }

    /// Completes the unit with a body that is encoded already.
    ///
    /// # Errors
    /// [`TooLong`] if the body or a value is longer than [`MAX_VALUE`].
    pub fn try_seal(self, events: u64, body: &[u8]) -> Result<Arc<Unit>, TooLong> {
        self.seal_with(events, |buffer| {
            buffer.extend_from_slice(body);
            Ok(())
        })
    }

    /// The same for a unit whose values and body are known to be short.
    ///
    /// # Panics
    /// If the body or a value is longer than [`MAX_VALUE`].
    pub fn seal(self, events: u64, body: &[u8]) -> Arc<Unit> {
        self.try_seal(events, body).unwrap_or_else(|error| panic!("{error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::content::{MAX_VALUE, Ordinal, Seq};
    use super::{TooLong, UnitBuilder};
    use crate::schema::Table;

    const LONGEST: &[u8] = &[7; MAX_VALUE];
    const TOO_LONG: &[u8] = &[7; MAX_VALUE + 1];

    fn unit(value: &[u8], body: &[u8]) -> Result<usize, TooLong> {
        let mut builder = UnitBuilder::new(Seq::FIRST, 0, 0);
        builder.put(Table::new(0), Ordinal(0), 0, b"first");
        builder.put(Table::new(0), Ordinal(1), 0, value);
        builder.put(Table::new(0), Ordinal(2), 0, b"last");
        builder.try_seal(0, body).map(|unit| unit.size())
    }

    #[test]
    fn a_unit_with_the_longest_value_and_body_is_sealed() {
        assert!(unit(LONGEST, LONGEST).expect("is sealed") > 2 * MAX_VALUE);
    }

    #[test]
    fn a_unit_with_a_longer_value_or_body_is_refused() {
        let refused = Err(TooLong(MAX_VALUE + 1));
        assert_eq!(unit(TOO_LONG, b"short"), refused);
        assert_eq!(unit(b"short", TOO_LONG), refused);
    }
}
