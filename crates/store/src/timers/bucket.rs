//! Buckets of timers on disk.

use crate::codec::{Reader, Undecodable};
use crate::disk::{Batch, Disk, MAX_RECORD, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::schema::Table;
use crate::unit::{Ordinal, Seq, Timer};

/// The time span of a bucket, in microseconds.
pub(crate) const BUCKET: i64 = 10_000_000;
/// The size of a timer on disk, in bytes.
const TIMER: usize = 8 + 1 + 8 + 1;
/// The most timers in one record.
const PER_RECORD: usize = (MAX_RECORD - 1) / TIMER;

pub(crate) fn bucket_of(due: i64) -> i64 {
    due.div_euclid(BUCKET)
}

/// The key of a record: the bucket, the checkpoint that wrote the record, the number of the record within both.
pub(crate) fn key(bucket: i64, covered: Seq, piece: u32) -> [u8; 20] {
    let mut key = [0; 20];
    // with the sign bit inverted, the bytes of signed numbers sort as the numbers do
    key[..8].copy_from_slice(&(bucket ^ i64::MIN).to_be_bytes());
    key[8..16].copy_from_slice(&covered.0.to_be_bytes());
    key[16..].copy_from_slice(&piece.to_be_bytes());
    key
}

pub(crate) fn bucket_of_key(key: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(key.get(..8)?.try_into().ok()?) ^ i64::MIN)
}

pub(crate) fn decode(record: bytes::Bytes, key: &[u8]) -> Result<Vec<Timer>, Error> {
    let mut reader = Reader::new(Kind::TimerBucket.open(key, record)?);
    let mut read = || -> Result<Vec<Timer>, Undecodable> {
        let mut timers = Vec::with_capacity(reader.remaining() / TIMER);
        while reader.remaining() > 0 {
            timers.push(Timer {
                due: reader.i64()?,
                table: Table::from_disk(reader.u8()?)?,
                ordinal: Ordinal(reader.u64()?),
                kind: reader.u8()?,
            });
        }
        Ok(timers)
    };
    read().map_err(Error::undecodable(Kind::TimerBucket.name(), key))
}

/// Adds the timers of a checkpoint to `batch`.
pub(crate) fn write(mut timers: Vec<Timer>, covered: Seq, batch: &mut Batch) {
    timers.sort_unstable();
    timers.dedup();
    for bucket in timers.chunk_by(|a, b| bucket_of(a.due) == bucket_of(b.due)) {
        for (piece, timers) in (0..).zip(bucket.chunks(PER_RECORD)) {
            let mut record = Vec::with_capacity(1 + timers.len() * TIMER);
            record.push(Kind::TimerBucket.version());
            for timer in timers {
                record.extend_from_slice(&timer.due.to_le_bytes());
                record.push(timer.table.number());
                record.extend_from_slice(&timer.ordinal.0.to_le_bytes());
                record.push(timer.kind);
            }
            batch.put(key(bucket_of(timers[0].due), covered, piece), record);
        }
    }
}

/// Removes up to `limit` records of buckets all of whose timers have fired. Returns true when there are no more.
pub(crate) fn remove_fired(disk: &dyn Disk, fired: i64, limit: usize) -> Result<bool, Error> {
    let mut batch = Batch::new(Tree::Timers);
    for (key, _) in disk.scan(Tree::Timers, &[], limit)? {
        if bucket_of_key(&key).is_none_or(|bucket| bucket >= bucket_of(fired)) {
            break;
        }
        batch.remove(key.to_vec());
    }
    let done = batch.changes.len() < limit;
    if !batch.changes.is_empty() {
        disk.write(batch)?;
    }
    Ok(done)
}
