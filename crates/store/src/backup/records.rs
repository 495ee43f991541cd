//! The bytes of records in a backup: for each the length of its key (2 bytes), the length of its value (4 bytes), key and
//! value. Numbers are little-endian.

use bytes::Bytes;

use crate::codec::{Reader, Undecodable};
use crate::disk::Pair;
use crate::error::Error;

/// What the bytes of records are called in an error.
pub(super) const PART: &str = "part of a backup";

/// Appends a record. Keys have at most 20 bytes, values at most 60 KiB.
pub(super) fn append(key: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(value);
}

/// Reads the records that [`append`] wrote.
pub(super) fn read(bytes: Bytes) -> Result<Vec<Pair>, Undecodable> {
    let mut reader = Reader::new(bytes);
    let mut records = Vec::new();
    while reader.remaining() > 0 {
        let (key, value) = (reader.u16()?, reader.u32()?);
        records.push((reader.slice(key.into())?, reader.slice(value as usize)?));
    }
    Ok(records)
}

/// The number of records in a part of a backup.
///
/// # Errors
/// [`Error::Corrupt`] when the bytes are no records.
pub fn count(bytes: Bytes) -> Result<u64, Error> {
    let found = read(bytes).map_err(Error::undecodable(PART, &[]))?;
    Ok(found.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Backups are read by every later build: these bytes never change.
    const GOLDEN: &[u8] = b"\x02\0\x03\0\0\0k1one\x01\0\0\0\0\0k";

    #[test]
    fn records_are_written_and_read_as_every_build_does() {
        let mut out = Vec::new();
        append(b"k1", b"one", &mut out);
        append(b"k", b"", &mut out);
        assert_eq!(out, GOLDEN);
        let records = read(Bytes::from_static(GOLDEN)).expect("records");
        let found: Vec<_> = records.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        assert_eq!(found, [(&b"k1"[..], &b"one"[..]), (b"k", b"")]);
    }

    #[test]
    fn records_that_end_early_are_an_error() {
        let whole = [0, 11, GOLDEN.len()];
        for end in (0..GOLDEN.len()).filter(|end| !whole.contains(end)) {
            assert_eq!(read(Bytes::from_static(&GOLDEN[..end])), Err(Undecodable), "{end}");
        }
    }
}
