//! The formats of the store so far, and the steps from one to the next.
//!
//! | format | brought |
//! |---|---|
//! | 1, 2 | stores without a stamp; no build of today reads them |
//! | 3 | never released: it exists in tests only, as the format before the first one |
//! | 4 | the stamp, a version of its own for every kind of record, the list of tables |
//! | 5 | more than one incarnation of a store |
//! | 6 | postings: in units, and in segments of their own |
//! | 7 | positions in a journal that several stores share |
//! | 8 | which partition of its namespace a store has |
//!
//! A new format needs a row here, the new version in `kind`, and an arm in [`upgrade`]. Rows and arms are never
//! removed.
//!
//! This is the format of the store's own records. The values in these records have a format of their own, which the
//! caller gives (`Schema::contents`). For the shop that format is `FORMAT` in `crates/domain/src/stored/format.rs`. An
//! upgrade here turns the bytes of one version into those of the next. An upgrade of the shop's records
//! (`Stored::upgrade`) goes from any version to the newest at once.

use bytes::Bytes;

use super::kind::Kind;
use crate::codec::Undecodable;
use crate::unit::HAS_POSTINGS;

/// The format that this build writes.
pub(crate) const FORMAT: u32 = 8;

/// The oldest format that this build can upgrade.
#[cfg(not(any(test, feature = "simulation")))]
pub(crate) const OLDEST_FORMAT: u32 = 4;
/// The oldest format that this build can upgrade. Tests can also upgrade format 3, so that they have an upgrade to
/// test.
#[cfg(any(test, feature = "simulation"))]
pub(crate) const OLDEST_FORMAT: u32 = UNRELEASED as u32;

/// The version of every kind in format 3, which exists in tests only.
#[cfg(any(test, feature = "simulation"))]
pub(crate) const UNRELEASED: u8 = 3;

/// One step of an upgrade: returns the next version and the record in that version. `None`: no build wrote version
/// `found` of this kind.
pub(crate) fn upgrade(
    kind: Kind,
    from: u8,
    record: Bytes,
) -> Option<Result<(u8, Bytes), Undecodable>> {
    match (kind, from) {
        #[cfg(any(test, feature = "simulation"))]
        (kind, UNRELEASED) => Some(Ok((kind.version(), complement(&record).into()))),
        // No release wrote anything older than version 4.
        (Kind::StoreId, 4) => Some(store_id_from_4_to_8(&record)),
        (Kind::Unit, 4) => Some(unit_from_4_to_6(record)),
        (Kind::Chunk, 4) => Some(chunk_from_4_to_7(&record)),
        (Kind::Manifest, 4) => Some(Ok((7, [&record[..], &[NO_POSITION]].concat().into()))),
        _ => {
            drop(record);
            None
        }
    }
}

/// A unit without postings is as it was: version 6 has a further flag, and the postings of units with that flag.
fn unit_from_4_to_6(unit: Bytes) -> Result<(u8, Bytes), Undecodable> {
    match unit.first() {
        Some(flags) if flags & HAS_POSTINGS == 0 => Ok((6, unit)),
        Some(_) | None => Err(Undecodable),
    }
}

/// The length of the id of a store.
const INCARNATION: usize = 16;
/// The number 0, of 1: there were no partitions.
const NO_PARTITION: [u8; 4] = [0, 0, 1, 0];

/// The namespace comes behind the partition.
fn store_id_from_4_to_8(store_id: &[u8]) -> Result<(u8, Bytes), Undecodable> {
    let (incarnation, namespace) = store_id.split_at_checked(INCARNATION).ok_or(Undecodable)?;
    Ok((8, [incarnation, &NO_PARTITION, namespace].concat().into()))
}

/// In place of a position that a chunk or a manifest does not have.
const NO_POSITION: u8 = 0;
/// The length of a chunk's head in version 4, after the byte of the version.
const CHUNK_HEAD_4: usize = 28;

/// The head of a chunk ends with its place in the append: one without a position.
fn chunk_from_4_to_7(chunk: &[u8]) -> Result<(u8, Bytes), Undecodable> {
    let (head, units) = chunk.split_at_checked(CHUNK_HEAD_4).ok_or(Undecodable)?;
    Ok((7, [head, &[NO_POSITION], units].concat().into()))
}

/// The form of version 3: every bit is inverted.
#[cfg(any(test, feature = "simulation"))]
pub(crate) fn complement(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| !byte).collect()
}
