//! The manifest: which views are valid, and up to which unit. One record, so it is replaced as one.
//!
//! It names only what was durable before it was written. Beside it the store keeps two small records: what store this
//! is (written once), and how far the relay came (a hint: republishing is harmless, so it needs no sync of its own).

use std::sync::Arc;

use uuid::Uuid;

use super::Error;
use super::codec::{Reader, Undecodable, put_signed, put_varint};
use super::disk::{Batch, Disk, Tree};
use super::segment::{IDENTITIES, INDEXES, Segment};
use super::unit::{COUNTERS, Seq, Table, Unit};

/// The version of the records of this file, their first byte. It also grows when a stored state changes its form, so that
/// an older store is refused when it is opened, not when an old state is touched.
const VERSION: u8 = 2;
const MANIFEST: &[u8] = b"manifest";
const STORE: &[u8] = b"store";
const CURSOR: &[u8] = b"cursor";
const BUCKET_SPAN: &[u8] = b"bucket span";

/// What all units together come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Totals {
    /// The next unit's sequence.
    pub(super) next: Seq,
    /// The last unit's time.
    pub(super) clock: i64,
    /// Timers due before this are dealt with.
    pub(super) fired: i64,
    /// The first ordinal of each table that is not used.
    pub(super) ordinals: [u64; Table::ALL.len()],
    pub(super) counters: [i64; COUNTERS],
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            next: Seq::FIRST,
            clock: 0,
            fired: 0,
            ordinals: [0; Table::ALL.len()],
            counters: [0; COUNTERS],
        }
    }
}

impl Totals {
    pub(super) fn apply(&mut self, unit: &Unit) {
        self.next = unit.next;
        self.clock = self.clock.max(unit.at);
        // a timer of its own may lie before those that were dealt with
        self.fired = unit.timers.iter().map(|timer| timer.due).fold(unit.fired, i64::min);
        let named = unit.names.iter().map(|name| (name.table, name.ordinal));
        for (table, ordinal) in named.chain(unit.puts.iter().map(|put| (put.table, put.ordinal))) {
            let next = &mut self.ordinals[table.index()];
            *next = (*next).max(ordinal.0 + 1);
        }
        for &(index, difference) in &unit.counters {
            let counter = &mut self.counters[usize::from(index)];
            *counter = counter.wrapping_add(difference);
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.next.0);
        put_signed(out, self.clock);
        put_signed(out, self.fired);
        for &ordinal in &self.ordinals {
            put_varint(out, ordinal);
        }
        for &counter in &self.counters {
            put_signed(out, counter);
        }
    }

    fn decode(reader: &mut Reader) -> Result<Self, Undecodable> {
        let mut totals = Self {
            next: Seq(reader.varint()?),
            clock: reader.signed()?,
            fired: reader.signed()?,
            ..Self::default()
        };
        for ordinal in &mut totals.ordinals {
            *ordinal = reader.varint()?;
        }
        for counter in &mut totals.counters {
            *counter = reader.signed()?;
        }
        Ok(totals)
    }
}

/// The valid segments of each index, newest first.
///
/// The segments are shared so that the store thread can tell when nobody looks into a replaced one any more.
#[derive(Debug, Clone, Default)]
pub(super) struct Catalog {
    pub(super) lists: [Vec<Arc<Segment>>; INDEXES],
}

impl Catalog {
    pub(super) fn of(&self, index: usize) -> impl Iterator<Item = &Segment> {
        self.lists[index].iter().map(AsRef::as_ref)
    }

    pub(super) fn names(&self, table: Table) -> impl Iterator<Item = &Segment> {
        self.of(table.index())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.lists.iter().flatten()
    }

    /// Takes away the identities of buckets before `bucket`.
    pub(super) fn take_before(&mut self, bucket: i64) -> Vec<Arc<Segment>> {
        self.lists[IDENTITIES].extract_if(.., |segment| segment.bucket < bucket).collect()
    }
}

/// Which views are valid.
#[derive(Debug, Clone, Default)]
pub(super) struct Manifest {
    /// Of the units that the views hold.
    pub(super) totals: Totals,
    pub(super) catalog: Catalog,
    /// The number of the journal's chunk behind those units.
    pub(super) chunk: u64,
    /// The next segment's id.
    pub(super) next_segment: u64,
}

impl Manifest {
    pub(super) fn read(disk: &dyn Disk) -> Result<Option<Self>, Error> {
        let Some(record) = disk.get(Tree::Meta, MANIFEST)? else {
            return Ok(None);
        };
        let mut reader = Reader::new(record);
        let corrupt = || Error::undecodable("manifest", MANIFEST);
        Error::check_version("manifest", reader.u8().map_err(corrupt())?, VERSION)?;
        Self::decode(&mut reader).map(Some).map_err(corrupt())
    }

    fn decode(reader: &mut Reader) -> Result<Self, Undecodable> {
        let totals = Totals::decode(reader)?;
        let chunk = reader.varint()?;
        let next_segment = reader.varint()?;
        let mut catalog = Catalog::default();
        for _ in 0..reader.count(6)? {
            let segment = Segment::decode(reader)?;
            catalog.lists[segment.index].push(Arc::new(segment));
        }
        reader.end()?;
        Ok(Self { totals, catalog, chunk, next_segment })
    }

    pub(super) fn write(&self, disk: &dyn Disk) -> Result<(), Error> {
        let mut record = vec![VERSION];
        self.totals.encode(&mut record);
        put_varint(&mut record, self.chunk);
        put_varint(&mut record, self.next_segment);
        put_varint(&mut record, self.catalog.all().count() as u64);
        for segment in self.catalog.all() {
            segment.encode(&mut record);
        }
        let mut batch = Batch::new(Tree::Meta);
        batch.put(MANIFEST, record);
        Ok(disk.write(batch)?)
    }
}

/// What store this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Charter {
    pub(super) namespace: String,
    pub(super) incarnation: Uuid,
}

impl Charter {
    pub(super) fn read(disk: &dyn Disk) -> Result<Option<Self>, Error> {
        let Some(record) = disk.get(Tree::Meta, STORE)? else {
            return Ok(None);
        };
        let mut reader = Reader::new(record);
        let corrupt = || Error::undecodable("store record", STORE);
        Error::check_version("store record", reader.u8().map_err(corrupt())?, VERSION)?;
        let incarnation = Uuid::from_bytes(reader.hash().map_err(corrupt())?);
        let namespace = reader.slice(reader.remaining()).map_err(corrupt())?;
        let namespace = String::from_utf8(namespace.to_vec())
            .map_err(|_| Error::corrupt("store record", STORE))?;
        Ok(Some(Self { namespace, incarnation }))
    }

    pub(super) fn write(&self, disk: &dyn Disk) -> Result<(), Error> {
        let mut record = vec![VERSION];
        record.extend_from_slice(self.incarnation.as_bytes());
        record.extend_from_slice(self.namespace.as_bytes());
        let mut batch = Batch::new(Tree::Meta);
        batch.put(STORE, record);
        Ok(disk.write(batch)?)
    }
}

/// The time that a bucket of identities spans, in microseconds: what the store was made with, else `new` from now on.
pub(super) fn bucket_span(disk: &dyn Disk, new: i64) -> Result<i64, Error> {
    if let Some(record) = disk.get(Tree::Meta, BUCKET_SPAN)? {
        let mut reader = Reader::new(record);
        let corrupt = || Error::undecodable("bucket span", BUCKET_SPAN);
        Error::check_version("bucket span", reader.u8().map_err(corrupt())?, VERSION)?;
        let span = reader.i64().map_err(corrupt())?;
        return Some(span)
            .filter(|&span| span > 0)
            .ok_or_else(|| Error::corrupt("bucket span", BUCKET_SPAN));
    }
    let mut record = vec![VERSION];
    record.extend_from_slice(&new.to_le_bytes());
    let mut batch = Batch::new(Tree::Meta);
    batch.put(BUCKET_SPAN, record);
    disk.write(batch)?;
    disk.sync()?;
    Ok(new)
}

/// How far the relay came: everything before this was published.
pub(super) fn read_cursor(disk: &dyn Disk) -> Result<Option<Seq>, Error> {
    let Some(record) = disk.get(Tree::Meta, CURSOR)? else {
        return Ok(None);
    };
    let mut reader = Reader::new(record);
    let corrupt = || Error::undecodable("cursor", CURSOR);
    Error::check_version("cursor", reader.u8().map_err(corrupt())?, VERSION)?;
    Ok(Some(Seq(reader.u64().map_err(corrupt())?)))
}

pub(super) fn write_cursor(disk: &dyn Disk, cursor: Seq) -> Result<(), Error> {
    let mut record = vec![VERSION];
    record.extend_from_slice(&cursor.0.to_le_bytes());
    let mut batch = Batch::new(Tree::Meta);
    batch.put(CURSOR, record);
    Ok(disk.write(batch)?)
}
