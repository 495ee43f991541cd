//! Reading: the place is found, records are read, and what is accepted is applied.

use bytes::Bytes;
use orderly_planted::{Bug, is_planted};

use super::{Node, Now, Output};
use crate::claim::{AtEnd, Claim, Trigger};
use crate::follower::Intake;
use crate::gaps::{self, Gaps};
use crate::id::{Position, Progress};
use crate::reader::{Ignored, Outcome, Reader, Refusal};
use crate::record::{Error, Open, Probe, Record, Tick, Units};
use crate::seek::{Found, From, Past, Seek};

impl Node {
    /// Attaches the reader anew.
    pub(super) fn attach(&mut self, seek: Seek, now: Now) {
        self.reader = None;
        self.gaps = None;
        self.follower.detached();
        (self.ahead, self.deferral.left) = (None, None);
        self.out.push_back(Output::Attach(seek.from()));
        self.seek = Some(seek);
        let serial = self.probe(now);
        if let Some(claim) = &mut self.claim {
            claim.probed(serial);
        }
    }

    /// Looks elsewhere, if nothing comes.
    pub(super) fn wait_for_place(&mut self, now: Now) {
        let is_late = |since| now.monotonic >= since + self.settings.found_within;
        if self.seek.as_ref().is_some_and(|seek| is_late(seek.since)) {
            self.attach(Seek::from_first(self.last, now.monotonic), now);
        } else if self.gaps.is_some_and(|gaps| gaps.is_looking()) && is_late(self.looked) {
            self.attach(Seek::new(self.last, now.monotonic), now);
        }
    }

    /// Appends a probe again that did not come back.
    pub(super) fn wait_for_probe(&mut self, now: Now) {
        if let Some((serial, appended)) = self.awaited
            && now.monotonic >= appended + self.settings.patience.retry_after
        {
            self.awaited = Some((serial, now.monotonic));
            self.append_probe(now);
        }
    }

    /// Says from time to time how far the store has come.
    pub(super) fn announce(&mut self, now: Now) {
        let due = now.monotonic >= self.announced + self.settings.announce_every;
        // an owner too, until the journal has what its store has: others wait for it
        let end = self.journal_end().map_or(0, |end| end.next);
        let has_more = end < self.applied.next();
        if due && self.follower.is_at_end() && (has_more || !self.owns()) {
            self.append_probe(now);
        }
    }

    /// Takes the message at `offset`, the next one that the reader was delivered. `past` is what the store knows of its
    /// places.
    pub fn delivered(&mut self, offset: u64, body: &Bytes, past: &dyn Past, now: Now) {
        if self.ended {
            return;
        }
        let record = match Record::decode(body) {
            Ok(record) => Some(record),
            Err(Error::Foreign) => None,
            Err(error) => return self.refuse(error.into()),
        };
        if self.seek.is_some() {
            if self.is_at_place(offset, record.as_ref(), past, now)
                && let Some(record) = record
            {
                self.take(offset, &record, now);
            }
            return;
        }
        match self.gaps.as_mut().map_or(gaps::Found::Missing, |gaps| gaps.see(offset)) {
            gaps::Found::Known => {}
            gaps::Found::LookAgain(reached) => {
                self.looked = now.monotonic;
                self.out.push_back(Output::Attach(From::Offset(reached)));
            }
            gaps::Found::Missing => self.attach(Seek::new(self.last, now.monotonic), now),
            gaps::Found::Next => {
                let Some(record) = record else { return };
                if self.misses_opening(&record) {
                    self.attach(Seek::new(self.last, now.monotonic), now);
                } else {
                    self.take(offset, &record, now);
                }
            }
        }
    }

    fn take(&mut self, offset: u64, record: &Record, now: Now) {
        match self.read(offset, record, now) {
            Ok(()) => self.lead(now),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Whether the record is of an epoch whose opening record was not read, although whoever appends has read it. Where no gap hides
    /// it, the stream may have lost its end, and was filled up to the reader meanwhile: what the reader has read is not what is there
    /// now. So the reader goes back to its last place, once. If the opening record does not come then, it is gone, and the record does
    /// not count.
    fn misses_opening(&mut self, record: &Record) -> bool {
        let epoch = match record {
            Record::Units(units) => units.epoch,
            Record::Tick(tick) => tick.epoch,
            Record::Close(close) => close.epoch,
            Record::Open(_) | Record::Probe(_) => return false,
        };
        let highest = self.reader.as_ref().map_or(u64::MAX, Reader::highest);
        let is_missing = epoch.number > highest.max(self.sought);
        if is_missing {
            self.sought = epoch.number;
        }
        is_missing
    }

    /// Looks for the place, if it is not found. Returns whether this record is to be read.
    fn is_at_place(
        &mut self,
        offset: u64,
        record: Option<&Record>,
        past: &dyn Past,
        now: Now,
    ) -> bool {
        let own_probe = record.is_some_and(|record| self.is_awaited(record));
        let Some(seek) = &mut self.seek else { return false };
        seek.since = now.monotonic;
        // only a store with units says which journal it belongs to
        let charter = self.applied.progress().map(|_| self.settings.charter);
        match seek.see(offset, record, past) {
            Found::Place(place) => {
                self.locate(offset, Reader::behind(&place, charter), now);
                false
            }
            Found::Beginning => {
                self.locate(offset, Reader::at_beginning(charter), now);
                true
            }
            Found::NoPlace => self.refuse_without_place(),
            Found::Nothing if own_probe && seek.from() == From::First => {
                self.refuse_without_place()
            }
            Found::Nothing if !own_probe => false,
            Found::Nothing | Found::LookFromFirst => {
                self.attach(Seek::from_first(self.last, now.monotonic), now);
                false
            }
        }
    }

    /// There is no place for the store in what is left of the journal.
    fn refuse_without_place(&mut self) -> bool {
        let refusal = self.seek.as_ref().map(Seek::refusal);
        let is_unknown = self.last.is_none() && self.applied.next() > crate::applied::FIRST;
        match refusal {
            Some(Refusal::Passed { first }) if is_unknown => {
                self.refuse(Refusal::NeverIn { first });
            }
            Some(refusal) => self.refuse(refusal),
            None => {}
        }
        false
    }

    fn locate(&mut self, offset: u64, reader: Reader, now: Now) {
        self.reader = Some(reader);
        self.gaps = Some(Gaps::behind(offset));
        self.seek = None;
        self.follower.located(now.monotonic);
    }

    /// Whether it is the own probe that must come back, or a later one.
    fn is_awaited(&self, record: &Record) -> bool {
        let Record::Probe(probe) = record else { return false };
        let awaited = self.awaited.is_some_and(|(serial, _)| probe.serial >= serial);
        awaited && probe.nonce == self.settings.nonce
    }

    fn read(&mut self, offset: u64, record: &Record, now: Now) -> Result<(), Refusal> {
        self.members.note(record, now.monotonic);
        let Some(reader) = &mut self.reader else { return Ok(()) };
        let outcome = reader.read(record)?;
        self.hear(record, outcome, now);
        match (record, outcome) {
            (Record::Open(open), Outcome::Opened) => self.opened(open, now),
            (Record::Open(open), _) if open.epoch.nonce == self.settings.nonce => {
                let patience = self.settings.patience;
                let refused =
                    |claim: &mut Claim| claim.refused(open.epoch, now.monotonic, &patience);
                if let Some(step) = self.claim.as_mut().map(refused) {
                    self.step(step, now);
                }
                Ok(())
            }
            (Record::Units(units), outcome) => self.units(offset, units, outcome, now),
            (Record::Close(close), Outcome::Closed) => {
                self.closed(close.epoch, now);
                Ok(())
            }
            (Record::Probe(probe), _) => self.probed(probe, now),
            (Record::Tick(tick), Outcome::Ticked) => {
                self.ticked(offset, tick, now);
                Ok(())
            }
            (Record::Open(_) | Record::Tick(_) | Record::Close(_), _) => Ok(()),
        }
    }

    /// Takes note of a record of the epoch in force.
    fn hear(&mut self, record: &Record, outcome: Outcome, now: Now) {
        let counts = matches!(
            outcome,
            Outcome::Opened
                | Outcome::Accepted
                | Outcome::Ticked
                | Outcome::Ignored(Ignored::Duplicate | Ignored::Hole)
        );
        let (epoch, at, intake) = match record {
            Record::Open(open) => (open.epoch, open.at, None),
            Record::Units(units) => (units.epoch, units.at, None),
            Record::Tick(tick) => {
                let intake = Intake { active: tick.active, paused: tick.paused };
                (tick.epoch, tick.at, Some(intake))
            }
            Record::Close(_) | Record::Probe(_) => return,
        };
        if counts {
            self.follower.hear(epoch.nonce, at, intake, now.monotonic);
        }
    }

    fn opened(&mut self, open: &Open, now: Now) -> Result<(), Refusal> {
        let own = self.settings.charter;
        if (own.partition, own.partitions) != (open.charter.partition, open.charter.partitions) {
            return Err(Refusal::AnotherJournal);
        }
        if self.applied.progress().is_none() {
            self.settings.charter = open.charter;
            self.out.push_back(Output::Adopt(open.charter));
        }
        self.applied.opened(open)?;
        self.deferral.left = None;
        if open.epoch.nonce == self.settings.nonce {
            self.own(open.epoch, now);
        } else {
            self.other_opened(open, now);
        }
        Ok(())
    }

    fn units(
        &mut self,
        offset: u64,
        units: &Units,
        outcome: Outcome,
        now: Now,
    ) -> Result<(), Refusal> {
        let own = self.owner.as_ref().is_some_and(|owner| owner.epoch() == units.epoch);
        let end = units.end;
        let position = Position { epoch: units.epoch, next: end.next, chain: end.chain, offset };
        if outcome == Outcome::Accepted {
            let lacking = self.applied.accept(units)?;
            if end.next == self.applied.next() {
                (self.last, self.renewed) = (Some(position), now.monotonic);
                self.out.push_back(Output::Apply { units: lacking, position });
            }
            let counts = own || is_planted(Bug::OwnWithoutReading);
            if let Some(owner) = self.owner.as_mut().filter(|_| counts) {
                owner.accepted(end.next, now.monotonic);
                self.out.push_back(Output::Durable { next: end.next });
            }
        } else if is_planted(Bug::AppliesIgnored) {
            self.out.push_back(Output::Apply { units: units.units.clone(), position });
        }
        if outcome == Outcome::Ignored(Ignored::Hole)
            && let Some(owner) = self.owner.as_mut().filter(|_| own)
        {
            owner.hole(&self.settings.limits, now.monotonic);
        }
        Ok(())
    }

    /// The place behind a tick is as good as that behind the units before it, and lasts longer: the stream loses its oldest
    /// records.
    fn ticked(&mut self, offset: u64, tick: &Tick, now: Now) {
        let is_due = now.monotonic >= self.renewed + self.settings.renew_every;
        let end = self
            .reader
            .as_ref()
            .and_then(Reader::progress)
            .filter(|end| is_due && (tick.next, tick.chain) == (end.next, Some(end.chain)));
        if let Some(Progress { next, chain }) = end.filter(|end| end.next == self.applied.next()) {
            let position = Position { epoch: tick.epoch, next, chain, offset };
            (self.last, self.renewed) = (Some(position), now.monotonic);
            self.out.push_back(Output::Apply { units: Vec::new(), position });
        }
    }

    fn probed(&mut self, probe: &Probe, now: Now) -> Result<(), Refusal> {
        if probe.nonce != self.settings.nonce {
            return Ok(());
        }
        if self.awaited.is_some_and(|(serial, _)| probe.serial >= serial) {
            self.awaited = None;
            if !self.follower.is_at_end() {
                self.reached_end(now)?;
            }
        }
        self.probe_read(probe.serial, now);
        Ok(())
    }

    /// Everything that was in the journal when the reader attached was read.
    fn reached_end(&mut self, now: Now) -> Result<(), Refusal> {
        let is_empty = self.reader.as_ref().is_some_and(|reader| reader.in_force().is_none());
        if is_empty && self.last.is_some() {
            return Err(Refusal::Gone);
        }
        self.follower.reached_end();
        // others may wait to hear how far this store has come
        if self.is_ahead() {
            self.append_probe(now);
        }
        Ok(())
    }

    /// Where the journal ends, as far as it was read. Of an empty one: what the store begins it with.
    pub(super) fn journal_end(&self) -> Option<Progress> {
        let reader = self.reader.as_ref()?;
        let start = || {
            let incarnation = &self.settings.charter.incarnation;
            let first = crate::applied::FIRST;
            let chain = crate::chain::Chain::start(incarnation, first, &[]);
            Progress { next: first, chain }
        };
        Some(reader.progress().unwrap_or_else(|| self.applied.progress().unwrap_or_else(start)))
    }

    /// Whether the store has units that the journal, read to its end, has not.
    pub(super) fn is_ahead(&self) -> bool {
        let end = self.journal_end().map_or(u64::MAX, |end| end.next);
        let due = match self.owner.as_ref().filter(|_| self.owns()) {
            Some(owner) => owner.first_not_read_back(),
            None => self.applied.next(),
        };
        self.follower.is_at_end() && end < due
    }

    /// What a claim must know at the end of the journal.
    pub(super) fn at_end(&self, now: Now) -> AtEnd {
        let since = now.monotonic.saturating_sub(self.settings.patience.yield_for);
        let furthest = self.members.furthest(self.settings.nonce, since);
        let own = self.journal_end().map_or(0, |end| end.next).max(self.applied.next());
        let highest = self.reader.as_ref().map_or(0, Reader::highest);
        let known = self.last.map_or(0, |place| place.epoch.number);
        let owned = self.owner.as_ref().map_or(0, |owner| owner.epoch().number);
        AtEnd {
            now: now.monotonic,
            heard: self.follower.heard(),
            located: self.follower.located_at(),
            other_is_ahead: furthest.is_some_and(|next| next > own),
            owner_is_paused: self.owner_is_paused(now),
            number: highest.max(known).max(owned).saturating_add(1),
        }
    }

    fn closed(&mut self, epoch: crate::id::Epoch, now: Now) {
        if epoch.nonce == self.settings.nonce {
            self.end(Output::Left);
        } else if self.may_claim() && self.owner.is_none() {
            if self.deferral.is_wanted {
                self.deferral.left = Some(now.monotonic);
            } else {
                self.begin_claim(Trigger::Closed, now);
            }
        }
    }
}
