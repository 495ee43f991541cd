//! The writing half of the store, for the store thread: group commits, checkpoints, retention.
//!
//! A group commit writes the journal's chunks of all waiting units and syncs once. A command waits for nothing else. Units
//! that another journal has already may be appended without a sync: a crash then takes some of the last ones, and the
//! other journal gives them again.
//! Checkpoints, compaction and pruning consist of bounded steps, which the store thread takes between commits.
//!
//! After an error every later call fails with the same error. The content of the disk is then unknown until the store
//! is opened again.

use std::sync::Arc;

use orderly_planted::{Bug, is_planted};

use crate::backup::Source;
use crate::checkpoint::{Checkpoint, Manifest, PendingUnits, Report};
use crate::disk::{Batch, Disk, PreallocatedKeys, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::index::{Compaction, IDENTITIES, POSTINGS, TimeBuckets};
use crate::journal::{self, Chunk, Journal, Packer};
use crate::meta::cursor;
use crate::pages::PageId;
use crate::position::Position;
use crate::schema::{PageSizes, Table};
use crate::timers;
use crate::unit::{EncodedUnit, Seq, Unit};

/// The number of timer records that one step removes.
const TIMERS_AT_ONCE: usize = 256;

/// The result of a group commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Every unit below this is durable.
    pub through: Seq,
    /// The number of bytes that were written to the journal.
    pub bytes: usize,
}

/// The result of a step of pruning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// The number of journal records that were removed.
    pub records: usize,
    /// Whether another step may find more records.
    pub more: bool,
}

/// The sizes and counts of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// The number of bytes that the store occupies on disk.
    pub bytes: u64,
    /// The sequence of the oldest unit in the journal; that of the next unit when the journal is empty.
    pub first: Seq,
    /// The sequence of the next unit.
    pub next: Seq,
    /// The views on disk hold every unit below this.
    pub covered: Seq,
    /// Every event below this was published.
    pub cursor: Seq,
    /// The number of segments of names.
    pub name_segments: usize,
    /// The number of segments of identities.
    pub identity_segments: usize,
    /// The number of known identities: those in segments, and those of units that no checkpoint has written.
    pub identities: u64,
    /// The number of segments of postings.
    pub posting_segments: usize,
    /// The number of postings in segments, removals included. Those of units that no checkpoint has written are not counted.
    pub postings: u64,
}

/// The writing half of the store. The store thread owns it.
#[derive(Debug)]
pub struct Log {
    pub(crate) disk: Arc<dyn Disk>,
    journal: Journal,
    chunk_keys: PreallocatedKeys,
    /// The preallocated page keys of each table, by the table's index.
    page_keys: Vec<PreallocatedKeys>,
    sizes: PageSizes,
    /// Every event below this was published. `cursor_written` is the last value that was written to disk.
    cursor: Seq,
    cursor_written: Seq,
    /// Appended chunks that are not synced, and not revealed: their first sequences and numbers.
    hidden: Vec<(Seq, u64)>,
    /// Whether units were appended since the last sync.
    unsynced: bool,
    /// The committed units that belong to no checkpoint, not even to the one under way.
    pub(crate) pending: PendingUnits,
    checkpoint: Option<Checkpoint>,
    /// According to the manifest on disk the views hold every unit below this.
    covered: Seq,
    /// The position in the manifest on disk.
    covered_position: Option<Position>,
    /// According to the manifest on disk the timers before this have fired. `Some` while their buckets may still be on
    /// disk.
    fired: Option<i64>,
    pub(crate) compaction: Compaction,
    /// A [`Source`] holds it while it needs the whole journal.
    journal_pin: Arc<()>,
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
        let of_table = |table| PreallocatedKeys::find(&*disk, Tree::Pages, &PageId::prefix(table));
        let page_keys = Table::all().map(of_table).collect::<Result<_, _>>()?;
        Ok(Self {
            chunk_keys: PreallocatedKeys::find(&*disk, Tree::Journal, &[])?,
            page_keys,
            sizes,
            disk,
            journal,
            cursor,
            cursor_written: cursor,
            hidden: Vec::new(),
            unsynced: false,
            covered: manifest.totals.next,
            covered_position: manifest.position,
            pending: PendingUnits::new(
                manifest.totals.clone(),
                manifest.chunk,
                manifest.position,
                buckets,
            ),
            checkpoint: None,
            fired: Some(manifest.totals.fired),
            compaction: Compaction::new(manifest.catalog, manifest.next_segment, buckets),
            journal_pin: Arc::default(),
            failed: None,
        })
    }

    /// Writes a batch of small records, and makes it durable.
    pub(crate) fn write_records(&mut self, batch: Batch) -> Result<(), Error> {
        self.guarded(|log| {
            log.disk.write(batch)?;
            Ok(log.disk.sync()?)
        })
    }

    /// Makes the units durable with one sync. They must follow the last committed unit and each other.
    ///
    /// # Errors
    /// [`Error::Gap`] when a unit does not follow the one before; nothing is written then. Else an error of the disk.
    pub fn commit(&mut self, units: &[Arc<Unit>]) -> Result<Committed, Error> {
        self.check_order(units.iter().map(|unit| &**unit))?;
        self.guarded(|log| {
            let mut packer = Packer::new(log.pending.chunk, None);
            for unit in units {
                packer.push(unit);
            }
            let bytes = log.write_chunks(packer)?;
            for unit in units {
                log.pending.add(unit);
            }
            Ok(Committed { through: log.sync_all()?, bytes })
        })
    }

    /// Writes the units without a sync, with the position behind them in the journal that has them too. They must follow
    /// the last unit and each other. Of the units that were appended since the last sync a crash leaves those of the first
    /// appends: of an append with a position all units or none. They are in the [`History`](crate::History) after
    /// [`sync`](Self::sync) or [`reveal`](Self::reveal). Returns the number of bytes that were written to the journal.
    ///
    /// # Errors
    /// [`Error::Gap`] when a unit does not follow the one before, or the position is not behind the last one; nothing is
    /// written then. Else an error of the disk.
    pub fn append(
        &mut self,
        units: &[EncodedUnit],
        position: Option<Position>,
    ) -> Result<usize, Error> {
        let end = self.check_order(units.iter().map(|encoded| &*encoded.unit))?;
        if let Some(position) = position.filter(|position| position.next != end) {
            return Err(Error::Gap { expected: end, found: position.next });
        }
        self.guarded(|log| {
            let mut packer = Packer::new(log.pending.chunk, position);
            for encoded in units {
                packer.push_encoded(encoded);
            }
            let bytes = log.write_chunks(packer)?;
            for encoded in units {
                log.pending.add(&encoded.unit);
            }
            log.pending.position = position.or(log.pending.position);
            log.unsynced |= !units.is_empty();
            Ok(bytes)
        })
    }

    /// Makes all appended units durable. Returns the sequence of the next unit.
    pub fn sync(&mut self) -> Result<Seq, Error> {
        self.guarded(Self::sync_all)
    }

    /// Shows the appended units to the [`History`](crate::History) before they are synced: they are durable elsewhere.
    pub fn reveal(&mut self) {
        let end = (self.pending.totals.next, self.pending.chunk);
        self.journal.advance(&self.hidden, end);
        self.hidden.clear();
    }

    /// The newest position of all units. Units behind it were committed without one.
    pub const fn position(&self) -> Option<Position> {
        self.pending.position
    }

    /// Whether the newest position is another than that of the views on disk: the next checkpoint keeps it.
    pub fn has_new_position(&self) -> bool {
        self.pending.position != self.covered_position
    }

    /// Forgets the newest position, once the next checkpoint that begins is complete.
    pub(crate) const fn forget_position(&mut self) {
        self.pending.position = None;
    }

    /// Checks that the units follow the last one and each other. Returns the sequence behind them.
    fn check_order<'a>(&self, units: impl Iterator<Item = &'a Unit>) -> Result<Seq, Error> {
        let mut expected = self.pending.totals.next;
        for unit in units {
            if unit.seq != expected {
                return Err(Error::Gap { expected, found: unit.seq });
            }
            expected = unit.next;
        }
        Ok(expected)
    }

    /// Writes the packed chunks. Returns their size in bytes.
    fn write_chunks(&mut self, mut packer: Packer) -> Result<usize, Error> {
        let end = packer.finish();
        self.chunk_keys.reserve(&*self.disk, end)?;
        let mut bytes = 0;
        for batch in packer.batches {
            bytes += batch.size();
            self.disk.write(batch)?;
        }
        self.pending.chunk = end;
        self.hidden.append(&mut packer.firsts);
        Ok(bytes)
    }

    /// Makes everything durable that was written, and shows it. Returns the sequence of the next unit.
    fn sync_all(&mut self) -> Result<Seq, Error> {
        self.write_cursor()?;
        if !is_planted(Bug::CommitWithoutSync) {
            self.disk.sync()?;
        }
        self.unsynced = false;
        self.reveal();
        Ok(self.pending.totals.next)
    }

    /// Notes that every event below `cursor` was published. The next commit or checkpoint writes the cursor to disk.
    pub fn set_cursor(&mut self, cursor: Seq) {
        self.cursor =
            if is_planted(Bug::CursorAheadOfConfirm) { self.pending.totals.next } else { cursor };
    }

    /// The memory of the units that belong to no checkpoint, not even to the one under way, in bytes.
    pub const fn dirty_bytes(&self) -> usize {
        self.pending.bytes
    }

    /// Makes a whole checkpoint of all committed units. (The store thread takes the steps one by one instead.)
    pub fn checkpoint(&mut self) -> Result<Report, Error> {
        loop {
            if let Some(report) = self.checkpoint_step()? {
                return Ok(report);
            }
        }
    }

    /// Takes the next step of a checkpoint, and begins one if none is under way. The last step returns the report. A
    /// step writes about 2 MiB at most.
    pub fn checkpoint_step(&mut self) -> Result<Option<Report>, Error> {
        self.guarded(|log| {
            if log.checkpoint.is_none() && log.unsynced {
                // no view may have what a crash can take from the journal
                log.sync_all()?;
            }
            let checkpoint = match &mut log.checkpoint {
                Some(checkpoint) => checkpoint,
                none => none.insert(Checkpoint::begin(log.pending.take(), log.sizes)),
            };
            let Some(report) =
                checkpoint.step(&*log.disk, &mut log.page_keys, &mut log.compaction)?
            else {
                return Ok(None);
            };
            log.checkpoint = None;
            log.covered = report.covered;
            log.covered_position = report.position;
            log.fired = Some(report.fired);
            log.write_cursor()?;
            Ok(Some(report))
        })
    }

    /// Whether a checkpoint is under way.
    pub const fn is_checkpointing(&self) -> bool {
        self.checkpoint.is_some()
    }

    /// Takes a step of background work: merges small segments, removes segments that no manifest names and buckets
    /// whose timers have fired. Returns whether there may be more to do. While a checkpoint is under way it does
    /// nothing and returns false.
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

    /// Drops the identities that are older than the retention at `now` (microseconds since the epoch), as whole
    /// segments. The next checkpoint makes that durable. Returns how many identities are dropped.
    pub fn expire_identities(&mut self, now: i64) -> Result<u64, Error> {
        let now = if is_planted(Bug::IdentityForgotten) { i64::MAX } else { now };
        self.guarded(|log| Ok(log.compaction.expire(now)))
    }

    /// Removes up to `limit` of the oldest journal records. A record is removed only if all of its units are older than
    /// `older_than` (microseconds since the epoch), the views on disk hold them, and their events were published. The
    /// last unit stays, and so do the units behind the newest position: who goes on in a journal with other members
    /// compares them. While a backup is made, nothing is removed.
    pub fn prune(&mut self, older_than: i64, limit: usize) -> Result<Pruned, Error> {
        if Arc::strong_count(&self.journal_pin) > 1 {
            return Ok(Pruned { records: 0, more: false });
        }
        self.guarded(|log| {
            // publishing again moves the cursor back, and a crash may move it back to the written one: the lower counts
            let until = log.covered.min(log.cursor).min(log.cursor_written);
            // a crash may take the positions that no manifest has
            let until = match log.covered_position {
                Some(position) => until.min(position.next),
                None => until.min(Seq(log.covered.0.saturating_sub(1))),
            };
            let oldest = log.journal.oldest(limit)?;
            let old = oldest
                .iter()
                .take_while(|(_, head)| head.at < older_than && head.next <= until)
                .map(|&(number, _)| number);
            let records = journal::remove(&*log.disk, old)?;
            Ok(Pruned { records, more: records == limit })
        })
    }

    /// Begins a backup. The source is read on another thread, while this log is used as always.
    pub fn backup(&mut self) -> Result<Source, Error> {
        self.guarded(|log| log.source())
    }

    /// Whether the store has a table.
    pub(crate) const fn has(&self, table: Table) -> bool {
        self.sizes.has(table)
    }

    pub(crate) fn source(&self) -> Result<Source, Error> {
        let (disk, journal) = (Arc::clone(&self.disk), self.journal.clone());
        Source::new(disk, journal, self.compaction.valid(), Arc::clone(&self.journal_pin))
    }

    /// The current sizes and counts.
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
            posting_segments: catalog.of(POSTINGS).count(),
            postings: catalog.of(POSTINGS).map(|segment| segment.entries).sum(),
        })
    }

    /// Adds the units of a chunk that is in the journal already. Only opening calls this.
    pub(crate) fn replay(&mut self, chunk: &Chunk, units: &[Arc<Unit>]) {
        for unit in units {
            self.pending.add(unit);
        }
        self.pending.chunk = chunk.end();
        self.pending.position = chunk.position.or(self.pending.position);
        let end = (self.pending.totals.next, chunk.end());
        self.journal.advance(&[(chunk.head.first, chunk.number)], end);
    }

    /// Checks that the store has the tables that a unit of the journal names.
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

    /// Empties the journal records after the last unit. Returns how many. Only opening calls this.
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

    /// Runs `act`. If an earlier call failed, returns its error instead. Keeps an error for later calls.
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
