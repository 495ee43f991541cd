use super::*;
use crate::backup::incoming::{Arrived, Incoming};
use crate::backup::{self, Scratch};
use crate::config::ByteSize;
use orderly_actors::simulation::options;
use orderly_store::sim::SimDisk;
use orderly_store::{Disk, EncodedUnit, Opened, Position, Seq, SledDisk, open};
use std::path::Path;

const POSITION: Position =
    Position { epoch: 3, nonce: [3; 16], next: Seq(0), chain: [7; 32], offset: 40 };

/// A store with some units that were in a journal.
fn sample() -> Opened {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1));
    let mut store = open(&disk, &options()).expect("opens");
    for number in 0..300 {
        let unit = store.view.begin(1_000).seal(number, &[5; 2_000]);
        store.view.seal(Arc::clone(&unit));
        let position = Position { next: unit.next, ..POSITION };
        store.log.append(&[EncodedUnit::new(unit)], Some(position)).expect("appends");
        if number == 200 {
            let report = store.log.checkpoint().expect("a checkpoint");
            store.view.checkpointed(&report);
        }
    }
    store.log.sync().expect("syncs");
    store
}

fn files(store: &mut Opened) -> Files {
    Files::new(store.log.backup().expect("a source"), ByteSize::from_mib(1 << 10))
}

/// All parts of a copy.
async fn parts(copies: &Copies, id: Uuid) -> Vec<Bytes> {
    let mut parts = Vec::new();
    while let Ok(part) = copies.part(id, parts.len() as u64).await {
        parts.push(part);
    }
    parts
}

/// Makes a store of the parts in a folder.
fn store_of(parts: &[Bytes], place: &Path, at: Seq) -> Result<Arrived, backup::Error> {
    let mut incoming = Incoming::begin(Scratch::beside(place, ".copy")?)?;
    let mut archive = tar::Unpacker::default();
    for part in parts {
        archive.push(part);
        while let Some(file) = archive.next_file().expect("an archive") {
            incoming.take(&file)?;
        }
    }
    incoming.finish(&options(), at)
}

#[tokio::test]
async fn a_copy_has_the_units_and_the_positions_of_the_store() {
    let mut store = sample();
    let copies = Copies::default();
    let id = copies.begin(0, files(&mut store)).expect("a thread");
    let parts = parts(&copies, id).await;
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("store");
    let end = store.view.next_seq();
    let at = store.history.unit(Seq(1)).expect("reads").expect("a unit").next;
    let arrived = store_of(&parts, &place, at).expect("a store");
    // Then it is the same store, and not another incarnation of it
    assert_eq!(arrived.incarnation, store.recovery.incarnations.current());
    assert_eq!(Seq(arrived.manifest.end_sequence), end);
    assert_eq!(arrived.position, Some(Position { next: end, ..POSITION }));
    assert_eq!(arrived.known, Some(Position { next: at, ..POSITION }));
    arrived.scratch.finish().expect("moved");
    let disk: Arc<dyn Disk> = Arc::new(SledDisk::open(&place, 1 << 20).expect("opens"));
    let copy = open(&disk, &options()).expect("opens");
    assert_eq!((copy.recovery.replayed, copy.recovery.position), (0, arrived.position));
    let units = |store: &Opened| -> Vec<_> {
        store.history.encoded_units(Seq(1)).map(|unit| unit.expect("reads").bytes).collect()
    };
    assert_eq!(units(&copy), units(&store));
}

#[tokio::test]
async fn a_copy_that_did_not_come_as_it_was_sent_makes_no_store() {
    let mut store = sample();
    let copies = Copies::default();
    let id = copies.begin(0, files(&mut store)).expect("a thread");
    let mut parts = parts(&copies, id).await;
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("store");
    let whole = parts.clone();
    // one byte of the content of the first file
    let mut damaged = parts[0].to_vec();
    damaged[900] ^= 1;
    parts[0] = damaged.into();
    let problem = store_of(&parts, &place, Seq::FIRST).expect_err("it is damaged").to_string();
    assert!(problem.contains("did not come as it was sent"), "{problem}");
    // nor does one whose last part is missing
    let problem = store_of(&whole[..whole.len() - 1], &place, Seq::FIRST).expect_err("incomplete");
    assert!(matches!(problem, backup::Error::Incomplete(_)), "{problem}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is left");
}

#[tokio::test]
async fn a_part_can_be_asked_for_again_until_the_next_one_is() {
    let mut store = sample();
    let copies = Copies::default();
    assert!(!copies.is_busy());
    let id = copies.begin(0, files(&mut store)).expect("a thread");
    assert!(copies.is_busy());
    assert_eq!(copies.part(id, 1).await, Err(Refused::Elsewhere), "parts come in order");
    let first = copies.part(id, 0).await.expect("a part");
    assert_eq!(copies.part(id, 0).await, Ok(first));
    copies.part(id, 1).await.expect("a part");
    assert_eq!(copies.part(id, 0).await, Err(Refused::Elsewhere), "it is not kept");
    assert_eq!(copies.part(Uuid::nil(), 1).await, Err(Refused::Unknown));
    // the last part can be asked for again, and none behind it
    let others = parts(&copies, copies.begin(0, files(&mut store)).expect("a thread")).await;
    assert_eq!(copies.part(id, 1).await, Err(Refused::Unknown), "another copy took its place");
    assert!(!copies.is_busy(), "all of it was given");
    let newest = copies.lock().as_ref().expect("a copy").id;
    let last = others.len() as u64 - 1;
    assert_eq!(copies.part(newest, last).await.as_ref(), Ok(&others[others.len() - 1]));
    assert_eq!(copies.part(newest, last + 1).await, Err(Refused::Elsewhere));
}
