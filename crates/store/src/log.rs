//! The store thread's half: group commits, checkpoints, retention.
//!
//! A group commit writes the journal's chunks of all waiting units and syncs once; nothing else is on a command's way.
//! Checkpoints and the rest are made of bounded steps, which the store thread takes between commits.
//!
//! After any error every call fails with it: what the disk holds is not known any more until the store is opened again.

use std::sync::Arc;

use crate::checkpoint::{Checkpoint, Manifest, PendingUnits, Report};
use crate::disk::{Disk, Layout, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::index::{Compaction, IDENTITIES, TimeBuckets};
use crate::journal::{self, Chunk, Journal, Packer};
use crate::meta::cursor;
use crate::pages::PageId;
use crate::schema::{PageSizes, Table};
use crate::timers;
use crate::unit::{Seq, Unit};

/// Records of timers that a step removes.
const TIMERS_AT_ONCE: usize = 256;

/// What a group commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Every unit below this is durable.
    pub through: Seq,
    /// The bytes of journal that were written.
    pub bytes: usize,
}

/// What a step of pruning did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// How many records of the journal went.
    pub records: usize,
    /// Whether another step may find more.
    pub more: bool,
}

/// Sizes and counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// The bytes that the disk uses.
    pub bytes: u64,
    /// The sequence of the oldest unit in the journal; the next one's when there is none.
    pub first: Seq,
    /// The next unit's sequence.
    pub next: Seq,
    /// Checkpoints hold every unit below this.
    pub covered: Seq,
    /// Everything below this was published.
    pub cursor: Seq,
    /// How many segments of names there are.
    pub name_segments: usize,
    /// How many segments of identities there are.
    pub identity_segments: usize,
    /// How many identities are known: those that the segments hold, and those of units that no checkpoint holds yet.
    pub identities: u64,
}

/// The store thread's half of the store.
#[derive(Debug)]
pub struct Log {
    pub(crate) disk: Arc<dyn Disk>,
    journal: Journal,
    layout: Layout,
    /// Of the pages of each table, by its index.
    layouts: Vec<Layout>,
    sizes: PageSizes,
    /// Published up to here, and as far as that was written.
    cursor: Seq,
    cursor_written: Seq,
    /// What committed units say that no checkpoint holds or is about to hold.
    pending: PendingUnits,
    checkpoint: Option<Checkpoint>,
    /// The manifest on disk says this much.
    covered: Seq,
    /// The manifest on disk says that timers before this are dealt with, and buckets before it may be on disk still.
    fired: Option<i64>,
    pub(crate) compaction: Compaction,
    failed: Option<Error>,
}

impl Log {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        journal: Journal,
        manifest: Manifest,
        cursor: Seq,
        buckets: TimeBuckets,
        sizes: PageSizes,
    ) -> Result<Self, Error> {
        let of_table = |table| Layout::find(&*disk, Tree::Pages, &PageId::prefix(table));
        let layouts = Table::all().map(of_table).collect::<Result<_, _>>()?;
        Ok(Self {
            layout: Layout::find(&*disk, Tree::Journal, &[])?,
            layouts,
            sizes,
            disk,
            journal,
            cursor,
            cursor_written: cursor,
            covered: manifest.totals.next,
            pending: PendingUnits::new(manifest.totals.clone(), manifest.chunk, buckets),
            checkpoint: None,
            fired: Some(manifest.totals.fired),
            compaction: Compaction::new(manifest.catalog, manifest.next_segment, buckets),
            failed: None,
        })
    }

    /// Makes the units durable, all with one sync. They follow the last ones and each other.
    pub fn commit(&mut self, units: &[Arc<Unit>]) -> Result<Committed, Error> {
        let mut expected = self.pending.totals.next;
        for unit in units {
            if unit.seq != expected {
                return Err(Error::Gap { expected, found: unit.seq });
            }
            expected = unit.next;
        }
        self.guarded(|log| {
            let mut packer = Packer::new(log.pending.chunk);
            for unit in units {
                packer.push(unit);
            }
            let end = packer.finish();
            log.layout.reserve(&*log.disk, end)?;
            let mut bytes = 0;
            for batch in packer.batches {
                bytes += batch.size();
                log.disk.write(batch)?;
            }
            log.write_cursor()?;
            log.disk.sync()?;
            log.pending.chunk = end;
            log.journal.advance(&packer.firsts, (expected, end));
            for unit in units {
                log.pending.add(unit);
            }
            Ok(Committed { through: expected, bytes })
        })
    }

    /// Every event below `cursor` was published. The next commit or checkpoint writes it down.
    pub fn set_cursor(&mut self, cursor: Seq) {
        self.cursor = cursor;
    }

    /// How many bytes of memory the units take that are in no checkpoint, nor in the one under way.
    pub const fn dirty_bytes(&self) -> usize {
        self.pending.bytes
    }

    /// Makes a checkpoint of all that is committed, from begin to end. The store thread takes the steps one by one.
    pub fn checkpoint(&mut self) -> Result<Report, Error> {
        loop {
            if let Some(report) = self.checkpoint_step()? {
                return Ok(report);
            }
        }
    }

    /// Takes the next step of a checkpoint, beginning one if none is under way; the last one gives its report. A step
    /// writes at most about 2 MiB.
    pub fn checkpoint_step(&mut self) -> Result<Option<Report>, Error> {
        self.guarded(|log| {
            let checkpoint = match &mut log.checkpoint {
                Some(checkpoint) => checkpoint,
                none => none.insert(Checkpoint::begin(log.pending.take(), log.sizes)),
            };
            let Some(report) =
                checkpoint.step(&*log.disk, &mut log.layouts, &mut log.compaction)?
            else {
                return Ok(None);
            };
            log.checkpoint = None;
            log.covered = report.covered;
            log.fired = Some(report.fired);
            log.write_cursor()?;
            Ok(Some(report))
        })
    }

    /// Whether a checkpoint is under way.
    pub const fn is_checkpointing(&self) -> bool {
        self.checkpoint.is_some()
    }

    /// Takes a step of background work: merging small segments, removing what no manifest names. Says whether there
    /// may be more to do; nothing is done while a checkpoint is under way.
    pub fn compact(&mut self) -> Result<bool, Error> {
        if self.checkpoint.is_some() {
            return Ok(false);
        }
        self.guarded(|log| {
            if let Some(fired) = log.fired {
                if timers::remove_fired(&*log.disk, fired, TIMERS_AT_ONCE)? {
                    log.fired = None;
                }
                return Ok(true);
            }
            log.compaction.step(&*log.disk, log.pending.totals.clock)
        })
    }

    /// Forgets identities that are older than the retention by `now`, as whole segments, with the next checkpoint.
    /// Says how many go.
    pub fn expire_identities(&mut self, now: i64) -> Result<u64, Error> {
        self.guarded(|log| Ok(log.compaction.expire(now)))
    }

    /// Drops up to `limit` records of the journal whose units are all older than `older_than`, behind the last
    /// checkpoint, and published.
    pub fn prune(&mut self, older_than: i64, limit: usize) -> Result<Pruned, Error> {
        self.guarded(|log| {
            // A republish moves the cursor back: what counts is where it is, and where a crash would put it.
            let behind = log.covered.min(log.cursor).min(log.cursor_written);
            let oldest = log.journal.oldest(limit)?;
            let old = oldest
                .iter()
                .take_while(|(_, head)| head.at < older_than && head.next <= behind)
                .map(|&(number, _)| number);
            let records = journal::remove(&*log.disk, old)?;
            Ok(Pruned { records, more: records == limit })
        })
    }

    /// Sizes and counts, by now.
    pub fn stats(&self) -> Result<Stats, Error> {
        let totals = &self.pending.totals;
        let oldest = self.journal.first_from(0)?;
        let first = oldest.map_or(totals.next, |(_, head)| head.first);
        let catalog = self.compaction.catalog();
        let stored: u64 = catalog.of(IDENTITIES).map(|segment| segment.entries).sum();
        let under_way = self.checkpoint.as_ref().map_or(0, Checkpoint::identities);
        Ok(Stats {
            bytes: self.disk.bytes()?,
            first,
            next: totals.next,
            covered: self.covered,
            cursor: self.cursor,
            name_segments: Table::all().map(|table| catalog.names(table).count()).sum(),
            identity_segments: catalog.of(IDENTITIES).count(),
            identities: stored + under_way + self.pending.identities(),
        })
    }

    /// Takes up a chunk's units, which are in the journal already; for opening.
    pub(crate) fn replay(&mut self, chunk: &Chunk, units: &[Arc<Unit>]) {
        for unit in units {
            self.pending.add(unit);
        }
        self.pending.chunk = chunk.end();
        let end = (self.pending.totals.next, chunk.end());
        self.journal.advance(&[(chunk.head.first, chunk.number)], end);
    }

    /// Checks that the store has the tables that a unit of the journal names; for opening.
    pub(crate) fn check_tables(&self, unit: &Unit) -> Result<(), Error> {
        let names = unit.names.iter().map(|name| name.table);
        let puts = unit.puts.iter().map(|put| put.table);
        let link = unit.history.iter().map(|link| link.table);
        if names.chain(puts).chain(link).all(|table| self.sizes.has(table)) {
            Ok(())
        } else {
            Err(Error::corrupt(Kind::Unit.name(), &unit.seq.0.to_be_bytes()))
        }
    }

    /// Cuts off what is behind the last unit; for opening.
    pub(crate) fn cut(&mut self) -> Result<u64, Error> {
        self.guarded(|log| {
            let removed = journal::cut(&*log.disk, log.pending.chunk)?;
            log.disk.sync()?;
            Ok(removed)
        })
    }

    fn write_cursor(&mut self) -> Result<(), Error> {
        if self.cursor != self.cursor_written {
            cursor::write(&*self.disk, self.cursor)?;
            self.cursor_written = self.cursor;
        }
        Ok(())
    }

    /// Runs `act`, unless a call failed before. Keeps a failure for the calls that follow.
    fn guarded<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let done = act(self);
        if let Err(error) = &done {
            self.failed = Some(error.clone());
        }
        done
    }
}
