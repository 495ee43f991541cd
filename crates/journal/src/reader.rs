//! What the journal says: a function of its records in their order, and of nothing else.
//!
//! Every reader that has read the same records has accepted the same units, and agrees on the epoch in force. So does
//! every reader of more records, on that part. Offsets decide nothing.
//!
//! | record | is |
//! |---|---|
//! | `open` with a higher number than the epoch in force | in force from here on, unless the journal contradicts where its member says that it ended |
//! | `open` with an equal or lower number | ignored: the second of two rivals |
//! | `units` of the epoch in force that follow the last accepted ones | accepted |
//! | `units` that begin before that | ignored: appended twice |
//! | `units` that begin after that | ignored: what lies between was lost, and its owner appends it again |
//! | `units`, `tick`, `close` of any other epoch | ignored: their owner was fenced |
//!
//! An opening record of another charter in a journal whose charter is known is of a member that has not read this journal. Every
//! reader of it ignores that record; the member itself is refused as soon as it reads the first opening record that there is.

use orderly_planted::{Bug, is_planted};

use crate::chain::Chain;
use crate::id::{Charter, Epoch, Name, Position, Progress};
use crate::record::{Close, Open, Record, Tick, Units};

/// The epoch in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The epoch.
    pub epoch: Epoch,
    /// Its owner. `None`: nothing that names it was read yet.
    pub node: Option<Name>,
    /// Whether its owner left in good order.
    pub closed: bool,
    /// The epoch before it, as far as it was read.
    pub before: Option<Epoch>,
}

/// What a record did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its epoch is in force from here on.
    Opened,
    /// Its units were accepted.
    Accepted,
    /// The owner lives.
    Ticked,
    /// The owner left.
    Closed,
    /// Nothing: it is a probe.
    Probed,
    /// Nothing: it does not count.
    Ignored(Ignored),
}

/// Why a record does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// An opening record whose number is not higher than that of the epoch in force.
    Rival,
    /// An opening record of a member that had read other records than these: the journal lost them, or they were never
    /// in it.
    Unfounded,
    /// A record of an epoch that is not in force.
    Stale,
    /// Units that were accepted before.
    Duplicate,
    /// Units behind others that are missing.
    Hole,
}

/// Why a reader must not go on. It changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The journal has other units than the store, or than the reader has read.
    #[error("the store and the journal have different units before sequence {next}")]
    Diverged {
        /// Up to which sequence they were compared.
        next: u64,
    },
    /// The journal no longer has the place where the store ends: the store needs a copy of another one.
    #[error(
        "the journal has lost the place where the store ends (it has units from {first} on): copy another member's store"
    )]
    Passed {
        /// The first sequence that the journal has.
        first: u64,
    },
    /// The store has units and was never in this journal, whose oldest records are gone: nobody can tell whether the two go
    /// together.
    #[error(
        "the store has units and was never in this journal, which no longer has its beginning (it has units from {first} on): the \
         store is not replaced. To take part as a new member, move it away"
    )]
    NeverIn {
        /// The first sequence that the journal has.
        first: u64,
    },
    /// The journal is of other data, or of another partition.
    #[error("the journal belongs to another store or partition")]
    AnotherJournal,
    /// The journal is empty, and the store was in a journal.
    #[error("the journal of the store is gone: the stream is empty")]
    Gone,
    /// A record cannot be read.
    #[error(transparent)]
    Unreadable(#[from] crate::record::Error),
}

/// Reads records. See the module.
#[derive(Debug, Clone)]
pub struct Reader {
    charter: Option<Charter>,
    in_force: Option<InForce>,
    progress: Progress,
    cursor: u64,
    highest: u64,
}

impl Reader {
    /// A reader of the whole journal, from its first record on. `charter` is that of the store; a store without one
    /// takes that of the journal.
    pub const fn at_beginning(charter: Option<Charter>) -> Self {
        let progress = Progress { next: 0, chain: Chain([0; 32]) };
        Self { charter, in_force: None, progress, cursor: 0, highest: 0 }
    }

    /// A reader of the records behind the one at `position`.
    pub fn behind(position: &Position, charter: Option<Charter>) -> Self {
        Self {
            in_force: Some(InForce {
                epoch: position.epoch,
                node: None,
                closed: false,
                before: None,
            }),
            progress: Progress { next: position.next, chain: position.chain },
            highest: position.epoch.number,
            ..Self::at_beginning(charter)
        }
    }

    /// The epoch in force. `None`: no opening record was read.
    pub const fn in_force(&self) -> Option<&InForce> {
        self.in_force.as_ref()
    }

    /// What comes behind the accepted units. `None`: no opening record was read, so this is not known.
    pub const fn progress(&self) -> Option<Progress> {
        if self.in_force.is_some() { Some(self.progress) } else { None }
    }

    /// Every event below this was published, as far as the records say.
    pub const fn cursor(&self) -> u64 {
        self.cursor
    }

    /// The highest number of an epoch that was read, in force or not.
    pub const fn highest(&self) -> u64 {
        self.highest
    }

    /// The charter of the journal, if it is known.
    pub const fn charter(&self) -> Option<Charter> {
        self.charter
    }

    /// Whether the record is of the epoch in force.
    fn counts(&self, epoch: Epoch) -> bool {
        self.in_force
            .as_ref()
            .is_some_and(|in_force| in_force.epoch == epoch || is_planted(Bug::NoEpochCheck))
    }

    /// Reads the next record.
    pub fn read(&mut self, record: &Record) -> Result<Outcome, Refusal> {
        match record {
            Record::Open(open) => self.open(open),
            Record::Units(units) => self.units(units),
            Record::Tick(tick) => self.tick(tick),
            Record::Close(close) => Ok(self.close(close)),
            Record::Probe(_) => Ok(Outcome::Probed),
        }
    }

    fn open(&mut self, open: &Open) -> Result<Outcome, Refusal> {
        let number = open.epoch.number;
        self.highest = self.highest.max(number);
        if let Some(in_force) = &self.in_force {
            let equal = number == in_force.epoch.number && is_planted(Bug::EqualEpochTaken);
            if number <= in_force.epoch.number && !equal {
                return Ok(Outcome::Ignored(Ignored::Rival));
            }
            let Progress { next, chain } = self.progress;
            let differs = open.from.next == next && open.from.chain != chain;
            // who has read this journal repeats its charter
            let is_of_another = self.charter.is_some_and(|charter| charter != open.charter);
            if open.from.next > next || differs || is_of_another {
                return Ok(Outcome::Ignored(Ignored::Unfounded));
            }
        }
        self.charter = Some(agreed(self.charter, open.charter)?);
        let before = self.in_force.take().map(|in_force| in_force.epoch);
        if before.is_none() {
            self.progress = open.from;
        }
        let node = Some(open.node.clone());
        self.in_force = Some(InForce { epoch: open.epoch, node, closed: false, before });
        self.cursor = self.cursor.max(open.cursor);
        Ok(Outcome::Opened)
    }

    fn units(&mut self, units: &Units) -> Result<Outcome, Refusal> {
        if !self.counts(units.epoch) {
            return Ok(Outcome::Ignored(Ignored::Stale));
        }
        let Progress { next, chain } = self.progress;
        if units.first < next {
            if units.end.next == next && units.end.chain != chain {
                return Err(Refusal::Diverged { next });
            }
            return Ok(Outcome::Ignored(Ignored::Duplicate));
        }
        if units.first > next && !is_planted(Bug::HoleAccepted) {
            return Ok(Outcome::Ignored(Ignored::Hole));
        }
        if units.first == next && units.front != chain {
            return Err(Refusal::Diverged { next });
        }
        self.progress = units.end;
        self.cursor = self.cursor.max(units.cursor);
        Ok(Outcome::Accepted)
    }

    fn tick(&mut self, tick: &Tick) -> Result<Outcome, Refusal> {
        let Progress { next, chain } = self.progress;
        match &mut self.in_force {
            Some(in_force) if in_force.epoch == tick.epoch => {
                if tick.next == next && tick.chain.is_some_and(|owners| owners != chain) {
                    return Err(Refusal::Diverged { next });
                }
                in_force.node.get_or_insert_with(|| tick.node.clone());
                self.cursor = self.cursor.max(tick.cursor);
                Ok(Outcome::Ticked)
            }
            _ => Ok(Outcome::Ignored(Ignored::Stale)),
        }
    }

    fn close(&mut self, close: &Close) -> Outcome {
        match &mut self.in_force {
            Some(in_force) if in_force.epoch == close.epoch => {
                in_force.closed = true;
                self.cursor = self.cursor.max(close.cursor);
                Outcome::Closed
            }
            _ => Outcome::Ignored(Ignored::Stale),
        }
    }
}

/// Checks the charter of an opening record.
fn agreed(own: Option<Charter>, found: Charter) -> Result<Charter, Refusal> {
    match own {
        Some(own) if own != found => Err(Refusal::AnotherJournal),
        _ => Ok(found),
    }
}

#[cfg(test)]
mod tests;
