//! Reading single records of any kind, for tests with damaged bytes: whatever a record has, reading it ends, with a value or with
//! an error. Not in release builds.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;

use crate::checkpoint::Manifest;
use crate::codec::Reader;
use crate::disk::simulated::SimDisk;
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;
use crate::format::{Formats, Kind, STAMP};
use crate::index::{self, Entry, IDENTITIES, Segment, Writer};
use crate::journal::{self, Journal};
use crate::meta::{Incarnations, Partition, StoreId, Tables, bucket_span, cursor};
use crate::pages::{self, Page, PageId, Value};
use crate::postings;
use crate::schema::{PageSizes, Table};
use crate::timers;
use crate::unit::{List, Ordinal, Posting, Seq, Unit};

/// The name of every kind of record, and of the stamp of the store's format.
pub const KINDS: [&str; 16] = [
    "format stamp",
    "store id",
    "incarnations",
    "list of tables",
    "bucket span",
    "cursor",
    "manifest",
    "journal chunk",
    "unit",
    "page",
    "spilled piece",
    "segment directory",
    "segment run",
    "segment block",
    "timer bucket",
    "posting block",
];

const TABLE: Table = Table::new(3);
const ORDINAL: Ordinal = Ordinal(6);
const SEGMENT: u64 = 5;
/// Two runs, so that there is a directory.
const ENTRIES: u64 = 8_192 + 3;

fn hash(number: u64) -> [u8; 16] {
    let mut hash = [0x11; 16];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    hash
}

/// A segment, and a disk that has its records.
static SAMPLE: LazyLock<(Segment, SimDisk)> = LazyLock::new(|| {
    let disk = SimDisk::new(1);
    let mut batch = Batch::new(Tree::Index);
    let mut writer = Writer::new(SEGMENT, IDENTITIES, 2, Seq(9_000));
    for number in 0..ENTRIES {
        writer.push(Entry { hash: hash(number), words: [number, number + 1] }, &mut batch);
    }
    let segment = writer.finish(&mut batch);
    disk.write(batch).expect("no fault is armed");
    (segment, disk)
});

/// A disk with the record under this key, and nothing else.
fn holding(tree: Tree, key: &[u8], record: &[u8]) -> Arc<dyn Disk> {
    let disk = SimDisk::new(1);
    put(&disk, tree, key, record);
    Arc::new(disk)
}

fn put(disk: &SimDisk, tree: Tree, key: &[u8], record: &[u8]) {
    let mut batch = Batch::new(tree);
    batch.put(key, record.to_vec());
    disk.write(batch).expect("no fault is armed");
}

/// Reads a record of a kind of [`KINDS`] by the code that opens and reads stores.
pub fn read(kind: &str, record: &[u8]) -> Result<(), Error> {
    let meta = |key: &[u8]| holding(Tree::Meta, key, record);
    match kind {
        "format stamp" => Formats::read(&*meta(STAMP)).map(drop),
        "store id" => StoreId::read(&*meta(b"store")).map(drop),
        "incarnations" => {
            let namespace = "shop".to_owned();
            let store_id =
                StoreId { namespace, partition: Partition::WHOLE, incarnation: uuid::Uuid::nil() };
            Incarnations::read(&*meta(b"incarnations"), &store_id).map(drop)
        }
        "list of tables" => Tables::read(&*meta(b"tables")).map(|tables| {
            tables.page_sizes();
        }),
        "bucket span" => bucket_span::read(&*meta(b"bucket span")).map(drop),
        "cursor" => cursor::read(&*meta(b"cursor")).map(drop),
        "manifest" => Manifest::read(&*meta(b"manifest")).map(drop),
        "journal chunk" => {
            let disk = holding(Tree::Journal, &journal::key(0), record);
            let Some(mut chunk) = Journal::new(disk, (Seq(303), 1)).chunk(0)? else {
                return Ok(());
            };
            while let Some(unit) = chunk.next()? {
                touch(&unit);
            }
            Ok(())
        }
        "unit" => {
            let key = journal::key(0);
            let record = Bytes::copy_from_slice(record);
            let mut reader = Reader::new(Kind::Unit.open(&key, record)?);
            let corrupt = || Error::undecodable(Kind::Unit.name(), &key);
            let unit = Unit::decode(&mut reader).map_err(corrupt())?;
            reader.end().map_err(corrupt())?;
            touch(&unit);
            Ok(())
        }
        "page" => page(record),
        "spilled piece" => {
            let stamp = Seq(300);
            let value = Some(Value::Spilled { stamp, len: record.len().saturating_sub(9) });
            let disk = holding(Tree::Pages, &piece(), record);
            pages::value(&*disk, (TABLE, ORDINAL, 2), value, || Ok(None)).map(drop)
        }
        "segment directory" => segment(u32::MAX, 0, record),
        "segment run" => segment(1, 0, record),
        "segment block" => segment(1, 1, record),
        "timer bucket" => timers::decode(Bytes::copy_from_slice(record), b"bucket").map(drop),
        "posting block" => {
            // the first posting of the golden sample
            let first = Posting { list: List(0x0100_0000_0000_0009), rank: -2, ordinal: ORDINAL };
            let key = postings::key(SEGMENT, first);
            postings::Block::decode(first, &key, Bytes::copy_from_slice(record)).map(drop)
        }
        other => panic!("there is no kind of record {other:?}"),
    }
}

fn piece() -> [u8; 13] {
    let mut key = *b"\x03s\0\0\0\0\0\0\0\x06\x02\0\0";
    key[0] = TABLE.number();
    key
}

/// Reads what a unit has in encoded form.
fn touch(unit: &Unit) {
    let _ = (unit.postings.iter().count(), unit.size(), unit.footprint(), unit.events());
    let _ = unit.used().count();
}

/// Every entity of a page, and its spilled parts, none of which is on the disk.
fn page(record: &[u8]) -> Result<(), Error> {
    let id = PageId::of(&PageSizes::new([(TABLE, 4)]), TABLE, ORDINAL);
    let page = Page::open(id, Some(Bytes::copy_from_slice(record)))?;
    let disk = SimDisk::new(1);
    for (ordinal, stored) in page.entities()? {
        for (part, value) in stored.parts {
            pages::value(&disk, (TABLE, ordinal, part), Some(value), || Ok(None))?;
        }
    }
    Ok(())
}

/// Looks names up in a segment with this record in the place of its own.
fn segment(run: u32, block: u16, record: &[u8]) -> Result<(), Error> {
    let (segment, sample) = &*SAMPLE;
    let disk = sample.copy();
    let mut key = index::first_key(SEGMENT);
    key[8..12].copy_from_slice(&run.to_be_bytes());
    key[12..].copy_from_slice(&block.to_be_bytes());
    put(&disk, Tree::Index, &key, record);
    for number in [0, 8_192, 8_194, ENTRIES] {
        index::find(&disk, std::iter::once(segment), &hash(number))?;
    }
    Ok(())
}
