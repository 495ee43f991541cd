//! Writing the items of a store to an empty disk.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use super::item::{About, Item};
use crate::checkpoint::Manifest;
use crate::disk::{Batch, Disk, PreallocatedKeys, Tree};
use crate::error::Error;
use crate::format::{FORMAT, Formats, OLDEST_FORMAT};
use crate::index::{Catalog, Compaction, Entry, IDENTITIES, TimeBuckets, Writer};
use crate::journal::Packer;
use crate::meta::{StoreId, Tables, bucket_span, cursor};
use crate::pages::{self, PageId, Update};
use crate::postings;
use crate::schema::{PageSizes, Schema, Table};
use crate::timers;
use crate::totals::Totals;
use crate::unit::{MAX_VALUE, Ordinal, PARTS, Posting, PostingChange, Seq, Timer, Unit};

/// The number of entries of segments, and of timers, that are held in memory. Few in tests, so that these write more than one
/// segment.
const AT_ONCE: usize = if cfg!(any(test, feature = "simulation")) { 20 } else { 64 << 10 };
/// The bytes of units that are held in memory.
const UNITS_AT_ONCE: usize =
    if cfg!(any(test, feature = "simulation")) { 8 << 10 } else { 4 << 20 };
/// The number of bytes after which the disk is synced. sled frees memory only then.
const SYNC_EVERY: usize = 32 << 20;

/// The kind of record that is named when an item is impossible.
const ITEM: &str = "item of an export";

/// Writes the items of a store. Until [`finish`](Self::finish) the disk has no store.
#[derive(Debug)]
pub struct Import {
    disk: Arc<dyn Disk>,
    about: About,
    tables: Tables,
    sizes: PageSizes,
    buckets: TimeBuckets,
    totals: Totals,
    compaction: Compaction,
    chunk_keys: PreallocatedKeys,
    page_keys: Vec<PreallocatedKeys>,
    /// The page that the last entity is on, and its entities so far.
    page: Option<(PageId, Vec<Update>)>,
    entries: BTreeMap<(usize, i64), Vec<Entry>>,
    /// The number of entries in `entries`.
    count: usize,
    /// The segment of postings, the last posting in it, and what of it is not written yet.
    postings: Option<(postings::Writer, Posting, Batch)>,
    timers: Vec<Timer>,
    /// The batches of timers so far: each has keys of its own.
    batches: u64,
    /// The units that are in no chunk yet, and their bytes.
    units: Vec<Unit>,
    units_bytes: usize,
    /// The number of the next chunk.
    chunk: u64,
    /// The sequence that the next unit may have at least.
    next: Seq,
    unsynced: usize,
}

impl Import {
    /// Begins on an empty disk, for a build with this schema.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] when the disk has any record. [`Error::NewerFormat`] when the items are of a newer build.
    pub fn begin(disk: Arc<dyn Disk>, about: About, schema: &Schema) -> Result<Self, Error> {
        for tree in Tree::ALL {
            if !disk.scan(tree, &[], 1)?.is_empty() {
                return Err(Error::NotEmpty);
            }
        }
        about.formats.check(Formats { store: FORMAT, contents: schema.contents }, OLDEST_FORMAT)?;
        let impossible = || Error::corrupt(ITEM, b"");
        let totals = Totals {
            next: about.next,
            clock: about.clock,
            fired: about.fired,
            ordinals: about.ordinals[..].try_into().map_err(|_| impossible())?,
            counters: about.counters[..].try_into().map_err(|_| impossible())?,
        };
        if about.bucket_span <= 0 || about.next < Seq::FIRST {
            return Err(impossible());
        }
        let tables = Tables::new(schema);
        let buckets = TimeBuckets { span: about.bucket_span, retention: i64::MAX };
        let of_table = |table| PreallocatedKeys::find(&*disk, Tree::Pages, &PageId::prefix(table));
        Ok(Self {
            chunk_keys: PreallocatedKeys::find(&*disk, Tree::Journal, &[])?,
            page_keys: Table::all().map(of_table).collect::<Result<_, _>>()?,
            sizes: tables.page_sizes(),
            compaction: Compaction::new(Catalog::default(), 0, buckets),
            disk,
            about,
            tables,
            buckets,
            totals,
            page: None,
            entries: BTreeMap::new(),
            count: 0,
            postings: None,
            timers: Vec::new(),
            batches: 0,
            units: Vec::new(),
            units_bytes: 0,
            chunk: 0,
            next: Seq::FIRST,
            unsynced: 0,
        })
    }

    /// Writes an item. Entities, postings and units must come in ascending order, and identities of the same hash the older first.
    pub fn put(&mut self, item: Item) -> Result<(), Error> {
        match item {
            Item::Entity { table, ordinal, history, parts } => {
                self.entity(table, ordinal, history, parts)
            }
            Item::Name(name) => {
                self.check(name.table, name.ordinal)?;
                let entry = Entry { hash: name.hash.0, words: [name.ordinal.0, 0] };
                self.entry((name.table.index(), 0), entry)
            }
            Item::Identity { hash, data, seq, since } => {
                let entry = Entry { hash: hash.0, words: [data, seq.0] };
                self.entry((IDENTITIES, self.buckets.of(since)), entry)
            }
            Item::Posting(posting) => self.posting(posting),
            Item::Timer(timer) => {
                if !self.sizes.has(timer.table) {
                    return Err(Error::corrupt(ITEM, &timer.due.to_be_bytes()));
                }
                self.timers.push(timer);
                if self.timers.len() >= AT_ONCE { self.write_timers() } else { Ok(()) }
            }
            Item::Unit(unit) => self.unit(*unit),
        }
    }

    /// Makes all items durable, and a store of them.
    pub fn finish(mut self) -> Result<(), Error> {
        self.write_page()?;
        self.write_entries()?;
        self.write_postings()?;
        self.write_timers()?;
        self.write_units()?;
        while self.compaction.step(&*self.disk, self.totals.clock)? {}
        self.disk.sync()?;
        let manifest = Manifest {
            totals: self.totals.clone(),
            catalog: self.compaction.catalog().clone(),
            chunk: self.chunk,
            next_segment: self.compaction.next_segment(),
            position: None,
        };
        manifest.write(&*self.disk)?;
        cursor::write(&*self.disk, self.about.cursor)?;
        self.compaction.published();
        while self.compaction.step(&*self.disk, self.totals.clock)? {}
        self.disk.sync()?;
        // with the stamp it is a store
        let (first, later) = self.about.incarnations.parts();
        let (namespace, partition) = (self.about.namespace.clone(), self.about.partition);
        let mut batch = Batch::new(Tree::Meta);
        self.about.formats.put(&mut batch);
        StoreId { namespace, partition, incarnation: first }.put(&mut batch);
        if !later.is_empty() {
            self.about.incarnations.put(&mut batch);
        }
        self.tables.put(&mut batch);
        bucket_span::put(self.about.bucket_span, &mut batch);
        self.disk.write(batch)?;
        Ok(self.disk.sync()?)
    }

    /// Checks that an entity is possible.
    fn check(&self, table: Table, ordinal: Ordinal) -> Result<(), Error> {
        let is_used = ordinal.0 < self.totals.ordinals[table.index()];
        if self.sizes.has(table) && is_used {
            Ok(())
        } else {
            Err(Error::corrupt(ITEM, &ordinal.0.to_be_bytes()))
        }
    }

    fn entity(
        &mut self,
        table: Table,
        ordinal: Ordinal,
        history: Option<Seq>,
        parts: Vec<(u8, bytes::Bytes)>,
    ) -> Result<(), Error> {
        self.check(table, ordinal)?;
        let id = PageId::of(&self.sizes, table, ordinal);
        let follows = match &self.page {
            Some((page, updates)) if *page == id => {
                updates.last().is_none_or(|last| last.ordinal < ordinal)
            }
            Some((page, _)) => *page < id,
            None => true,
        };
        let is_possible =
            |(part, value): &(u8, bytes::Bytes)| *part < PARTS && value.len() <= MAX_VALUE;
        if !follows || !parts.iter().all(is_possible) {
            return Err(Error::corrupt(ITEM, &id.key()));
        }
        if self.page.as_ref().is_some_and(|(page, _)| *page != id) {
            self.write_page()?;
        }
        let parts = parts.into_iter().map(|(part, value)| (part, Some(value))).collect();
        // the page has every unit before the next one
        let seq = Seq(self.about.next.0.saturating_sub(1).max(1));
        let update = Update { ordinal, seq, history, parts };
        self.page.get_or_insert_with(|| (id, Vec::new())).1.push(update);
        Ok(())
    }

    fn write_page(&mut self) -> Result<(), Error> {
        let Some((id, updates)) = self.page.take() else {
            return Ok(());
        };
        self.page_keys[id.table.index()].reserve(&*self.disk, id.number + 1)?;
        let mut batch = Batch::new(Tree::Pages);
        pages::update(&*self.disk, id, &updates, &mut batch)?;
        self.write(batch)
    }

    fn entry(&mut self, place: (usize, i64), entry: Entry) -> Result<(), Error> {
        self.entries.entry(place).or_default().push(entry);
        self.count += 1;
        if self.count >= AT_ONCE { self.write_entries() } else { Ok(()) }
    }

    fn write_entries(&mut self) -> Result<(), Error> {
        self.count = 0;
        for ((index, bucket), mut entries) in mem::take(&mut self.entries) {
            // of entries with the same hash the newest counts, which is the last
            entries.sort_by_key(|entry| entry.hash);
            let mut batch = Batch::new(Tree::Index);
            let mut writer = Writer::new(self.compaction.next_id(), index, bucket, self.about.next);
            for same in entries.chunk_by(|a, b| a.hash == b.hash) {
                if let Some(&entry) = same.last() {
                    writer.push(entry, &mut batch);
                }
            }
            let segment = writer.finish(&mut batch);
            self.write(batch)?;
            self.compaction.add(segment);
        }
        Ok(())
    }

    fn posting(&mut self, posting: Posting) -> Result<(), Error> {
        let (writer, last, batch) = match &mut self.postings {
            Some((_, last, _)) if *last >= posting => {
                return Err(Error::corrupt(ITEM, &posting.list.0.to_be_bytes()));
            }
            Some(segment) => segment,
            none => {
                let writer = postings::Writer::new(self.compaction.next_id(), self.about.next);
                none.insert((writer, posting, Batch::new(Tree::Index)))
            }
        };
        writer.push(posting, PostingChange::Added, batch);
        *last = posting;
        if batch.changes.is_empty() {
            return Ok(());
        }
        let block = mem::replace(batch, Batch::new(Tree::Index));
        self.write(block)
    }

    fn write_postings(&mut self) -> Result<(), Error> {
        let Some((writer, _, mut batch)) = self.postings.take() else {
            return Ok(());
        };
        let segment = writer.finish(&mut batch);
        self.write(batch)?;
        self.compaction.add(segment);
        Ok(())
    }

    fn write_timers(&mut self) -> Result<(), Error> {
        let mut batch = Batch::new(Tree::Timers);
        timers::write(mem::take(&mut self.timers), Seq(self.batches), &mut batch);
        self.batches += 1;
        self.write(batch)
    }

    fn unit(&mut self, unit: Unit) -> Result<(), Error> {
        if unit.seq < self.next || unit.next > self.about.next {
            return Err(Error::Gap { expected: self.next, found: unit.seq });
        }
        self.next = unit.next;
        self.units_bytes += unit.footprint();
        self.units.push(unit);
        if self.units_bytes >= UNITS_AT_ONCE { self.write_units() } else { Ok(()) }
    }

    fn write_units(&mut self) -> Result<(), Error> {
        self.units_bytes = 0;
        let mut packer = Packer::new(self.chunk, None);
        for unit in mem::take(&mut self.units) {
            packer.push(&unit);
        }
        self.chunk = packer.finish();
        self.chunk_keys.reserve(&*self.disk, self.chunk)?;
        packer.batches.into_iter().try_for_each(|batch| self.write(batch))
    }

    fn write(&mut self, batch: Batch) -> Result<(), Error> {
        if batch.changes.is_empty() {
            return Ok(());
        }
        self.unsynced += batch.size();
        self.disk.write(batch)?;
        if self.unsynced >= SYNC_EVERY {
            self.unsynced = 0;
            self.disk.sync()?;
        }
        Ok(())
    }
}
