//! Comparing a store with the journal, without changing either.
//!
//! Every unit that both have is compared, byte by byte, and the chain where the store ends. So the comparison shows a store and a
//! journal that have gone apart, also when neither of them is damaged.

use super::listen::{Heard, Listener};
use crate::telemetry::causes;
use orderly_broker::rabbit::inspect::{self, Made};
use orderly_broker::rabbit::stream::{self, From, Stored};
use orderly_journal::applied::Applied;
use orderly_journal::reader::Outcome;
use orderly_journal::record::{self, Units};
use orderly_journal::seek::{Found, Seek};
use orderly_journal::{Charter, Progress, Reader, Record, Refusal};
use orderly_member::place::{Places, last_place, progress};
use orderly_store::{self as store, EncodedUnits, History, Seq};
use std::iter::Peekable;
use std::time::Duration;
use tokio::time::timeout;

/// How long the broker may take until it shows the end of the stream, and each further record.
const PATIENCE: Duration = Duration::from_secs(20);
/// A stream in which nothing comes for so long behind its last segment is empty.
const EMPTY: Duration = Duration::from_secs(3);

/// What the comparison found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Both end at the same sequence, with the same units.
    Equal,
    /// The journal has more units: it ends before this sequence.
    Behind(u64),
    /// The store has more units: the journal ends before this sequence.
    Ahead(u64),
    /// Nothing can be compared: the journal begins behind the store, at this sequence.
    Passed(u64),
    /// They have different units, at or before this sequence.
    Diverged(u64),
    /// The journal is of another store.
    AnotherJournal,
    /// There is no journal, or nothing in it.
    Empty,
    /// A record of the journal cannot be read.
    Unreadable(record::Error),
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stream cannot be read.
    #[error("cannot read the stream of the journal: {0}")]
    Stream(String),
    /// The store cannot be read.
    #[error("cannot read the store")]
    Store(#[from] store::Error),
}

/// A store beside the journal.
pub struct Comparison {
    history: History,
    places: Places,
    /// The units of the store, from the first one that was compared on.
    units: Option<Peekable<EncodedUnits>>,
    stored: Option<Progress>,
    charter: Option<Charter>,
    applied: Applied,
    seek: Option<Seek>,
    reader: Option<Reader>,
    is_empty: bool,
    found: Option<Verdict>,
}

impl Comparison {
    /// A comparison with a store that belongs in a journal of this charter, with its last position there.
    pub fn new(
        charter: Charter,
        history: History,
        position: Option<store::Position>,
    ) -> Result<Self, store::Error> {
        let stored = progress(&charter.incarnation, &history, position)?;
        Ok(Self {
            places: Places::of(&history, position),
            history,
            units: None,
            stored,
            // only a store with units says which journal it belongs to
            charter: stored.map(|_| charter),
            applied: stored.map_or_else(Applied::nothing, Applied::through),
            seek: Some(Seek::from_first(last_place(position), Duration::ZERO)),
            reader: None,
            is_empty: true,
            found: None,
        })
    }

    /// The sequence of the unit that the store needs next.
    pub const fn next(&self) -> u64 {
        match self.stored {
            Some(stored) => stored.next,
            None => Seq::FIRST.0,
        }
    }

    /// Takes the next record, from the first one on.
    pub fn see(&mut self, stored: &Stored) -> Result<(), store::Error> {
        if self.found.is_some() {
            return Ok(());
        }
        let record = match Record::decode(&stored.body) {
            Ok(record) => Some(record),
            Err(record::Error::Foreign) => None,
            Err(error) => {
                self.found = Some(Verdict::Unreadable(error));
                return Ok(());
            }
        };
        if !self.is_at_place(stored.offset, record.as_ref()) {
            return Ok(());
        }
        let (Some(record), Some(reader)) = (record, &mut self.reader) else { return Ok(()) };
        self.is_empty &= !matches!(record, Record::Open(_) | Record::Units(_));
        let read = match (reader.read(&record), record) {
            (Err(refusal), _) => Err(refusal),
            (Ok(Outcome::Opened), Record::Open(open)) => self.applied.opened(&open),
            (Ok(Outcome::Accepted), Record::Units(units)) => {
                self.compare(&units)?;
                // it counts them as the store's own: what follows is compared with the journal alone
                self.applied.accept(&units).map(drop)
            }
            (Ok(_), _) => Ok(()),
        };
        if let (Err(refusal), None) = (read, self.found) {
            self.found = Some(refused(refusal));
        }
        Ok(())
    }

    /// Looks for the place where the comparison begins. Returns whether this record is to be read.
    fn is_at_place(&mut self, offset: u64, record: Option<&Record>) -> bool {
        let Some(seek) = &mut self.seek else { return true };
        self.is_empty &= !matches!(record, Some(Record::Open(_) | Record::Units(_)));
        match seek.see(offset, record, &self.places) {
            Found::Place(place) => {
                self.begin(Reader::behind(&place, self.charter), place.next);
                false
            }
            Found::Beginning => {
                self.begin(Reader::at_beginning(self.charter), Seq::FIRST.0);
                true
            }
            Found::NoPlace => {
                self.found = Some(refused(seek.refusal()));
                false
            }
            Found::Nothing | Found::LookFromFirst => false,
        }
    }

    fn begin(&mut self, reader: Reader, next: u64) {
        (self.reader, self.seek) = (Some(reader), None);
        self.units = Some(self.history.encoded_units(Seq(next)).peekable());
    }

    /// Compares units with those of the store, as far as it has them and has not pruned them.
    fn compare(&mut self, units: &Units) -> Result<(), store::Error> {
        let mut seq = units.first;
        for unit in &units.units {
            let own = self.own(seq)?;
            if own.is_some_and(|own| own != unit.bytes) && self.found.is_none() {
                self.found = Some(Verdict::Diverged(seq));
            }
            seq += u64::from(unit.span);
        }
        Ok(())
    }

    /// The bytes of the store's unit at a sequence. Sequences must grow from call to call.
    fn own(&mut self, seq: u64) -> Result<Option<bytes::Bytes>, store::Error> {
        let Some(units) = &mut self.units else { return Ok(None) };
        loop {
            match units.peek() {
                None => return Ok(None),
                Some(Err(error)) => return Err(error.clone()),
                Some(Ok(own)) if own.unit.seq.0 < seq => {
                    units.next();
                }
                Some(Ok(own)) => {
                    return Ok((own.unit.seq.0 == seq).then(|| own.bytes.clone()));
                }
            }
        }
    }

    /// What was found, when all records were seen.
    pub fn verdict(&self) -> Verdict {
        if let Some(found) = self.found {
            return found;
        }
        if self.is_empty {
            return Verdict::Empty;
        }
        if let Some(seek) = &self.seek {
            return refused(seek.refusal());
        }
        let Some(end) = self.reader.as_ref().and_then(Reader::progress) else {
            return Verdict::Empty;
        };
        match end.next.cmp(&self.next()) {
            std::cmp::Ordering::Equal => Verdict::Equal,
            std::cmp::Ordering::Greater => Verdict::Behind(end.next),
            std::cmp::Ordering::Less => Verdict::Ahead(end.next),
        }
    }
}

const fn refused(refusal: Refusal) -> Verdict {
    match refusal {
        Refusal::Diverged { next } => Verdict::Diverged(next),
        Refusal::Passed { first } | Refusal::NeverIn { first } => Verdict::Passed(first),
        Refusal::AnotherJournal => Verdict::AnotherJournal,
        Refusal::Gone => Verdict::Empty,
        Refusal::Unreadable(error) => Verdict::Unreadable(error),
    }
}

/// Compares a store with all that is in the stream when this begins. `progress` is told the bytes of each record.
pub async fn compare(
    broker: &orderly_broker::Settings,
    options: &stream::Options,
    mut comparison: Comparison,
    mut progress: impl FnMut(u64),
) -> Result<Verdict, Error> {
    let stream = |problem: String| Error::Stream(problem);
    let made = inspect::stream(broker, options).await;
    if made.map_err(|error| stream(causes(&error)))? == Made::Missing {
        return Ok(Verdict::Empty);
    }
    let mut listener =
        Listener::start(broker, options, From::Last).map_err(|error| stream(error.to_string()))?;
    let compared = async {
        let Some(end) = last_offset(&mut listener).await? else { return Ok(()) };
        listener.attach(From::First);
        let mut seen = None;
        while seen.is_none_or(|seen| seen < end) {
            match next(&mut listener).await? {
                Heard::Attached => {}
                // the same record is not compared twice
                Heard::Lost(_) => {
                    listener.attach(seen.map_or(From::First, |seen: u64| From::Offset(seen + 1)));
                }
                Heard::Records(records) => {
                    for record in records {
                        if seen.is_none_or(|seen| seen < record.offset) {
                            seen = Some(record.offset);
                            progress(record.body.len() as u64);
                            comparison.see(&record)?;
                        }
                    }
                }
            }
        }
        Ok(())
    };
    let compared: Result<(), Error> = compared.await;
    let closed = listener.close().await;
    compared?;
    closed.map_err(|error| stream(error.to_string()))?;
    Ok(comparison.verdict())
}

/// The offset of the last record. `None`: the stream is empty.
async fn last_offset(listener: &mut Listener) -> Result<Option<u64>, Error> {
    loop {
        match next(listener).await? {
            Heard::Attached => break,
            Heard::Lost(problem) => return Err(Error::Stream(problem)),
            Heard::Records(_) => {}
        }
    }
    match timeout(EMPTY, next(listener)).await {
        Ok(Ok(Heard::Records(records))) => Ok(records.last().map(|last| last.offset)),
        Ok(Ok(Heard::Lost(problem))) => Err(Error::Stream(problem)),
        Ok(Ok(Heard::Attached)) => {
            Err(Error::Stream("the connection was made twice at once".to_owned()))
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

async fn next(listener: &mut Listener) -> Result<Heard, Error> {
    let heard = timeout(PATIENCE, listener.next()).await;
    let heard = heard.map_err(|_| {
        let seconds = PATIENCE.as_secs();
        Error::Stream(format!("nothing came for {seconds} s: is the broker there, and the stream?"))
    })?;
    heard.map_err(Error::Stream)
}

#[cfg(test)]
mod tests;
