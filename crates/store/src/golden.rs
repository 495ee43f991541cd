//! Golden bytes: a record of every kind and version, as the first build of that version wrote the record. The files are
//! in `tests/golden/`.
//!
//! The test reads each record by the rules of the record's version. It writes the record of the current version anew
//! and compares the bytes. A file is never changed or deleted: a new version of a kind gets a file of its own.
//! `ORDERLY_TEST_WRITE_GOLDEN=1` makes this test write the files that do not exist yet.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fs};

use bytes::Bytes;
use uuid::Uuid;

use crate::checkpoint::Manifest;
use crate::codec::Reader;
use crate::disk::simulated::SimDisk;
use crate::disk::{Batch, Disk, Tree};
use crate::format::{FORMAT, Formats, Kind, STAMP, UNRELEASED, complement};
use crate::index::{self, Catalog, Entry, IDENTITIES, POSTINGS, Segment, Writer};
use crate::journal::{self, Chunk, Head, Journal, Packer, Place};
use crate::meta::{Incarnations, Partition, StoreId, Tables, bucket_span, cursor};
use crate::pages::{self, Page, PageId, Update, Value};
use crate::position::Position;
use crate::postings;
use crate::schema::{PageSizes, Schema, Table, TableSpec};
use crate::timers;
use crate::totals::Totals;
use crate::unit::{
    HistoryLink, Identity, IdentityHash, List, Name, NameHash, Ordinal, Posting, PostingChange,
    PostingChanges, Put, Seq, Timer, Unit,
};

const TABLE: Table = Table::new(3);
const SIZES: [(Table, u16); 1] = [(TABLE, 4)];
const ORDINAL: Ordinal = Ordinal(6);

/// Where the sample of a kind is on a disk.
fn place(kind: Kind) -> (Tree, Vec<u8>) {
    match kind {
        Kind::StoreId => (Tree::Meta, b"store".to_vec()),
        Kind::Incarnations => (Tree::Meta, b"incarnations".to_vec()),
        Kind::Tables => (Tree::Meta, b"tables".to_vec()),
        Kind::BucketSpan => (Tree::Meta, b"bucket span".to_vec()),
        Kind::Cursor => (Tree::Meta, b"cursor".to_vec()),
        Kind::Manifest => (Tree::Meta, b"manifest".to_vec()),
        Kind::Chunk | Kind::Unit => (Tree::Journal, 0_u64.to_be_bytes().to_vec()),
        Kind::Page => (Tree::Pages, b"\x03p\0\0\0\0\0\0\0\x01".to_vec()),
        Kind::SpilledPiece => (Tree::Pages, b"\x03s\0\0\0\0\0\0\0\x06\x02\0\0".to_vec()),
        Kind::SegmentDirectory => (Tree::Index, b"\0\0\0\0\0\0\0\x05\xff\xff\xff\xff\0\0".to_vec()),
        Kind::SegmentRun => (Tree::Index, b"\0\0\0\0\0\0\0\x05\0\0\0\x01\0\0".to_vec()),
        Kind::SegmentBlock => (Tree::Index, b"\0\0\0\0\0\0\0\x05\0\0\0\x01\0\x01".to_vec()),
        Kind::TimerBucket => {
            (Tree::Timers, b"\x80\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x09\0\0\0\0".to_vec())
        }
        Kind::PostingBlock => (
            Tree::Index,
            b"\0\0\0\0\0\0\0\x05\x01\0\0\0\0\0\0\x09\x7f\xff\xff\xff\xff\xff\xff\xfe\0\0\0\0\0\0\0\x06"
                .to_vec(),
        ),
    }
}

fn hash(number: u64) -> [u8; 16] {
    let mut hash = [0x11; 16];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    hash
}

/// Postings of two lists, in ascending order.
fn postings() -> [(Posting, PostingChange); 4] {
    let of = |list, rank, ordinal| Posting { list: List(list), rank, ordinal: Ordinal(ordinal) };
    let list = 0x0100_0000_0000_0009;
    [
        (of(list, -2, 6), PostingChange::New),
        (of(list, 1_700_000_000_000_000, 6), PostingChange::Removed),
        (of(list, 1_700_000_000_000_000, 7), PostingChange::Added),
        (of(u64::MAX, i64::MAX, u64::MAX), PostingChange::Added),
    ]
}

fn unit() -> Unit {
    Unit {
        seq: Seq(300),
        next: Seq(303),
        at: 1_700_000_000_000_000,
        fired: 1_699_999_999_999_000,
        identity: Some(Identity { hash: IdentityHash([0xab; 16]), data: 77 }),
        names: [Name { table: TABLE, hash: NameHash([0xcd; 16]), ordinal: ORDINAL }].into(),
        puts: [
            Put {
                table: TABLE,
                ordinal: ORDINAL,
                part: 1,
                value: Some(Bytes::from_static(b"one")),
            },
            Put { table: TABLE, ordinal: ORDINAL, part: 15, value: None },
        ]
        .into(),
        history: Some(HistoryLink { table: TABLE, ordinal: ORDINAL, previous: Some(Seq(200)) }),
        timers: [Timer { due: 1_700_000_900_000_000, table: TABLE, ordinal: ORDINAL, kind: 4 }]
            .into(),
        counters: [(63, -5)].into(),
        postings: PostingChanges::of(1_700_000_000_000_000, &postings()),
        body: Bytes::from_static(b"body"),
    }
}

/// Two runs, so that there is a directory; the second has three entries.
fn segment(batch: &mut Batch) -> Segment {
    let mut writer = Writer::new(5, IDENTITIES, 2, Seq(9_000));
    for number in 0..8_192 + 3 {
        writer.push(Entry { hash: hash(number), words: [number, number + 1] }, batch);
    }
    writer.finish(batch)
}

fn position() -> Position {
    let mut chain = [0x33; 32];
    chain[0] = 0x34;
    Position { epoch: 0x0506, nonce: [0x22; 16], next: Seq(303), chain, offset: 0x0708_090a }
}

fn totals() -> Totals {
    let mut totals = Totals::default();
    totals.apply(&unit());
    totals
}

fn manifest(position: Option<Position>) -> Manifest {
    let mut catalog = Catalog::default();
    for (id, index) in [(5, IDENTITIES), (4, TABLE.index())] {
        catalog.lists[index].push(Arc::new(Segment {
            id,
            index,
            bucket: -2,
            until: Seq(300),
            entries: 8_195,
            runs: 2,
        }));
    }
    Manifest { totals: totals(), catalog, chunk: 12, next_segment: 6, position }
}

/// A disk with a sample of the kind, written by the code of today.
fn write(kind: Kind) -> SimDisk {
    let disk = SimDisk::new(1);
    let (tree, _) = place(kind);
    let mut batch = Batch::new(tree);
    match kind {
        Kind::StoreId => {
            let partition = Partition { number: 0x0102, of: 0x0304 };
            let incarnation = Uuid::from_bytes([7; 16]);
            StoreId { namespace: "shop".into(), partition, incarnation }.put(&mut batch);
        }
        Kind::Incarnations => {
            let mut incarnations = Incarnations::new(Uuid::from_bytes([7; 16]));
            incarnations.begin(Seq(300), Uuid::from_bytes([8; 16]));
            incarnations.put(&mut batch);
        }
        Kind::Tables => {
            let tables = &[TableSpec { table: TABLE, name: "things", per_page: 260 }];
            Tables::new(&Schema { tables, contents: 1 }).put(&mut batch);
        }
        Kind::BucketSpan => bucket_span::put(324_000_000_000, &mut batch),
        Kind::Cursor => cursor::write(&disk, Seq(0x0102_0304)).expect("no fault is armed"),
        Kind::Manifest => {
            manifest(Some(position())).write(&disk).expect("no fault is armed");
        }
        Kind::Chunk | Kind::Unit => {
            let mut packer = Packer::new(0, Some(position()).filter(|_| kind == Kind::Chunk));
            packer.push(&unit());
            packer.finish();
            packer.batches.into_iter().for_each(|one| disk.write(one).expect("no fault is armed"));
        }
        Kind::Page | Kind::SpilledPiece => {
            let long = Bytes::from(vec![5; if kind == Kind::Page { 0 } else { 61_400 }]);
            let parts = vec![
                (1, Some(Bytes::from_static(b"inline"))),
                (2, Some(long).filter(|long| !long.is_empty())),
            ];
            let update = Update { ordinal: ORDINAL, seq: Seq(300), history: Some(Seq(200)), parts };
            let page = PageId::of(&PageSizes::new(SIZES), TABLE, ORDINAL);
            pages::update(&disk, page, &[update], &mut batch).expect("no fault is armed");
        }
        Kind::SegmentDirectory | Kind::SegmentRun | Kind::SegmentBlock => drop(segment(&mut batch)),
        Kind::PostingBlock => {
            let mut writer = postings::Writer::new(5, Seq(9_000));
            for (posting, change) in postings() {
                writer.push(posting, change, &mut batch);
            }
            writer.finish(&mut batch);
        }
        Kind::TimerBucket => {
            let timer = |due| Timer { due, table: TABLE, ordinal: ORDINAL, kind: 4 };
            timers::write(vec![timer(70_000_001), timer(79_999_999)], Seq(9), &mut batch);
        }
    }
    if !batch.changes.is_empty() {
        disk.write(batch).expect("no fault is armed");
    }
    disk
}

/// What the code of today reads in the sample, in words.
fn read(kind: Kind, disk: &SimDisk) -> String {
    let disk: Arc<dyn Disk> = Arc::new(disk.copy());
    let expected = "the sample is whole";
    match kind {
        Kind::StoreId => format!("{:?}", StoreId::read(&*disk).expect(expected)),
        Kind::Incarnations => {
            let first = Uuid::from_bytes([7; 16]);
            let store_id = StoreId {
                namespace: "shop".into(),
                partition: Partition::WHOLE,
                incarnation: first,
            };
            format!("{:?}", Incarnations::read(&*disk, &store_id).expect(expected))
        }
        Kind::Tables => format!("{:?}", Tables::read(&*disk).expect(expected)),
        Kind::BucketSpan => format!("{:?}", bucket_span::read(&*disk).expect(expected)),
        Kind::Cursor => format!("{:?}", cursor::read(&*disk).expect(expected)),
        Kind::Manifest => {
            let manifest = Manifest::read(&*disk).expect(expected).expect(expected);
            format!("{manifest:?}")
        }
        Kind::Chunk | Kind::Unit => {
            let journal = Journal::new(disk, (Seq(303), 1));
            let mut chunk: Chunk = journal.chunk(0).expect(expected).expect(expected);
            let unit = chunk.next().expect(expected).expect(expected);
            if kind == Kind::Unit {
                return format!("{unit:?}");
            }
            format!("{:?}", (chunk.head, chunk.position))
        }
        Kind::Page | Kind::SpilledPiece => {
            let id = PageId::of(&PageSizes::new(SIZES), TABLE, ORDINAL);
            let record = disk.get(Tree::Pages, &id.key()).expect(expected);
            let entities = Page::open(id, record).expect(expected).entities().expect(expected);
            let spilled = Value::Spilled { stamp: Seq(300), len: 61_400 };
            let value = (kind == Kind::SpilledPiece).then(|| {
                pages::value(&*disk, (TABLE, ORDINAL, 2), Some(spilled), || Ok(None))
                    .expect(expected)
            });
            format!("{entities:?} {value:?}")
        }
        Kind::SegmentDirectory | Kind::SegmentRun | Kind::SegmentBlock => {
            let segment = segment(&mut Batch::new(Tree::Index));
            let look = |number| {
                let segments = [&segment].into_iter();
                index::find(&*disk, segments, &hash(number)).expect(expected)
            };
            format!("{:?}", [0, 8_192, 8_194, 8_195].map(look))
        }
        Kind::PostingBlock => {
            let (tree, key) = place(kind);
            let record = disk.get(tree, &key).expect(expected).expect(expected);
            let (first, _) = postings()[0];
            format!("{:?}", postings::Block::decode(first, &key, record).expect(expected).entries)
        }
        Kind::TimerBucket => {
            let (tree, key) = place(kind);
            let record = disk.get(tree, &key).expect(expected).expect(expected);
            format!("{:?}", timers::decode(record, &key).expect(expected))
        }
    }
}

/// The same of a record of an earlier version, which may lack what came later.
fn read_of_version(version: u32, kind: Kind, of_today: &str) -> String {
    match (kind, version) {
        (Kind::StoreId, 4) => {
            let (namespace, incarnation) = ("shop".to_owned(), Uuid::from_bytes([7; 16]));
            format!("{:?}", StoreId { namespace, partition: Partition::WHOLE, incarnation })
        }
        (Kind::Unit, 4) => format!("{:?}", Unit { postings: PostingChanges::default(), ..unit() }),
        (Kind::Manifest, 4) => format!("{:?}", manifest(None)),
        (Kind::Chunk, 4) => {
            let (first, next, at) = (Seq(300), Seq(303), unit().at);
            let head = Head { first, next, at, parts: 1, part: 0, place: Place::Alone };
            format!("{:?}", (head, None::<Position>))
        }
        _ => of_today.to_owned(),
    }
}

fn file(name: &str, version: u32) -> PathBuf {
    let name = name.replace(' ', "-");
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.v{version}.hex"))
}

fn to_hex(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for line in bytes.chunks(32) {
        for byte in line {
            let _ = write!(hex, "{byte:02x}");
        }
        hex.push('\n');
    }
    hex
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|digit| u8::try_from(digit.to_digit(16).expect("a hexadecimal digit")).expect("small"))
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The bytes that are the kind's own: a chunk's head has a version of its own, and so has the unit behind it.
fn own(kind: Kind, record: &[u8]) -> Vec<u8> {
    let head = if record[0] < 7 { journal::HEAD - 1 } else { journal::HEAD };
    match kind {
        Kind::Chunk => {
            let tail = record.len() - Position::ENCODED;
            [&record[..head], &record[tail..]].concat()
        }
        Kind::Unit => record[head..].to_vec(),
        _ => record.to_vec(),
    }
}

/// A long record is kept by its begin, its length and a sum over all of it.
fn abridged(record: &[u8]) -> Vec<u8> {
    const BEGIN: usize = 512;
    if record.len() <= BEGIN {
        return record.to_vec();
    }
    let sum = record.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    [&record[..BEGIN], &(record.len() as u64).to_le_bytes(), &sum.to_le_bytes()].concat()
}

#[test]
fn every_kind_is_written_as_its_golden_bytes_and_read_from_those_of_every_version() {
    for kind in Kind::ALL {
        let disk = write(kind);
        let (tree, key) = place(kind);
        let written = disk.get(tree, &key).expect("a read").expect("the sample");
        let wanted = read(kind, &disk);
        let current = u32::from(kind.version());
        let newest = file(kind.name(), current);
        // golden bytes never change: a file that exists is not written again
        if env::var_os("ORDERLY_TEST_WRITE_GOLDEN").is_some() && !newest.exists() {
            fs::write(newest, to_hex(&abridged(&written))).expect("is written");
        }
        let mut found = 0;
        for version in 4..=FORMAT {
            let Ok(hex) = fs::read_to_string(file(kind.name(), version)) else {
                continue;
            };
            found = version;
            let golden = from_hex(&hex);
            if version == current {
                let written = abridged(&written);
                let (written, golden) = (own(kind, &written), own(kind, &golden));
                assert_eq!(to_hex(&written), to_hex(&golden), "{}: other bytes", kind.name());
            }
            if golden.len() <= 512 {
                let mut batch = Batch::new(tree);
                batch.put(key.clone(), golden);
                disk.write(batch).expect("no fault is armed");
                let wanted = read_of_version(version, kind, &wanted);
                assert_eq!(read(kind, &disk), wanted, "{} of version {version}", kind.name());
            }
        }
        assert_eq!(found, current, "{}: no golden bytes of its version", kind.name());
    }
}

#[test]
fn the_stamp_is_written_as_its_golden_bytes() {
    let disk = SimDisk::new(1);
    let mut batch = Batch::new(Tree::Meta);
    Formats { store: 4, contents: 0x0102_0304 }.put(&mut batch);
    disk.write(batch).expect("no fault is armed");
    let record = disk.get(Tree::Meta, STAMP).expect("a read").expect("the stamp");
    assert_eq!(to_hex(&record), "040400000004030201\n");
}

#[test]
fn the_format_grows_with_every_version_and_every_version_has_a_step() {
    assert!(Kind::ALL.iter().all(|kind| u32::from(kind.version()) <= FORMAT));
    for kind in Kind::ALL {
        // From the oldest version on, each step leads to the next one.
        let old = [&[UNRELEASED], &complement(b"content")[..]].concat();
        let opened = kind.open(b"key", old.into()).expect("every step is there");
        if kind.version() == UNRELEASED + 1 {
            assert_eq!(opened, &b"content"[..]);
        }
        for unknown in [0, 1, 2, kind.version() + 1, 255] {
            let refused = kind.open(b"key", vec![unknown, 1, 2, 3].into());
            assert!(refused.is_err(), "{} of version {unknown}", kind.name());
        }
        assert!(kind.open(b"key", Bytes::new()).is_err());
    }
}

#[test]
fn stored_numbers_and_names_stay_as_they_are() {
    assert_eq!(IDENTITIES, 16, "the index of identities");
    assert_eq!(POSTINGS, 17, "the index of postings");
    let trees = Tree::ALL.map(Tree::name);
    assert_eq!(trees, ["meta", "journal", "pages", "index", "timers"]);
    assert_eq!(PageId::prefix(TABLE), [3, b'p'], "the mark of pages");
    assert_eq!(pages::piece_key(TABLE, ORDINAL, 2, 1)[..2], [3, b's'], "the mark of pieces");
    assert_eq!(journal::HEAD, 30, "a chunk's head");
    assert_eq!([Place::Alone, Place::Continued, Place::Last].map(|place| place as u8), [0, 1, 2]);
    // The flags of a unit: 1 an identity, 2 a history link, whose table is in the upper four bits, 4 postings.
    let flags = |unit: &Unit| {
        let mut bytes = Vec::new();
        unit.encode(&mut bytes);
        bytes[1]
    };
    let all = unit();
    assert_eq!(flags(&all), 0b0011_0111);
    let both = Unit { postings: PostingChanges::default(), ..all.clone() };
    assert_eq!(flags(&both), 0b0011_0011);
    assert_eq!(flags(&Unit { identity: None, ..both.clone() }), 0b0011_0010);
    assert_eq!(flags(&Unit { history: None, ..both.clone() }), 0b0001);
    // A flag that no version has is refused.
    let mut bytes = Vec::new();
    both.encode(&mut bytes);
    bytes[1] |= 0b1000;
    assert!(Unit::decode(&mut Reader::new(Bytes::from(bytes).slice(1..))).is_err());
    // And so is one that came later than the version of the unit.
    let mut bytes = Vec::new();
    all.encode(&mut bytes);
    bytes[0] = 4;
    assert!(Kind::Unit.open(b"key", bytes.into()).is_err());
}
