//! The time span of a bucket of identities. It is written once, when the store is created, since segments have numbers
//! of buckets.

use crate::codec::Reader;
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;
use crate::format::Kind;

pub(crate) const BUCKET_SPAN: &[u8] = b"bucket span";

/// The span in microseconds. It is above 0.
pub(crate) fn read(disk: &dyn Disk) -> Result<i64, Error> {
    let corrupt = || Error::corrupt(Kind::BucketSpan.name(), BUCKET_SPAN);
    let record = disk.get(Tree::Meta, BUCKET_SPAN)?.ok_or_else(corrupt)?;
    let span = Reader::new(Kind::BucketSpan.open(BUCKET_SPAN, record)?).i64();
    span.ok().filter(|&span| span > 0).ok_or_else(corrupt)
}

pub(crate) fn put(span: i64, batch: &mut Batch) {
    let mut record = vec![Kind::BucketSpan.version()];
    record.extend_from_slice(&span.to_le_bytes());
    batch.put(BUCKET_SPAN, record);
}
