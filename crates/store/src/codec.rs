//! The bytes of stored records: little-endian fixed numbers, LEB128 variable ones, length-prefixed slices.
//!
//! A reader never panics on a damaged record. A record that ends early or holds an impossible value gives an
//! [`Undecodable`]. The caller turns that into [`super::Error::Corrupt`] with the record's key.

use bytes::{Buf, Bytes};

/// A record ended too early or holds an impossible value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Undecodable;

/// Appends `value` in 7-bit groups, least significant first: 1 byte below 128, at most 10.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
}

fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

/// Appends a signed number in zigzag form: small magnitudes of either sign take few bytes.
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Writes a signed number as [`put_signed`] does, to an array with room for 10 bytes from `length` on, and adds its bytes to `length`.
pub(crate) fn write_signed(bytes: &mut [u8], length: &mut usize, value: i64) {
    let mut value = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while value >= 0x80 {
        bytes[*length] = low_byte(value) | 0x80;
        *length += 1;
        value >>= 7;
    }
    bytes[*length] = low_byte(value);
    *length += 1;
}

/// Reads a record from its front. The slices that it returns share the record's buffer.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    rest: Bytes,
}

impl Reader {
    pub(crate) fn new(record: Bytes) -> Self {
        Self { rest: record }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Undecodable> {
        self.rest.try_get_u8().map_err(|_| Undecodable)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Undecodable> {
        self.rest.try_get_u16_le().map_err(|_| Undecodable)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Undecodable> {
        self.rest.try_get_u32_le().map_err(|_| Undecodable)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Undecodable> {
        self.rest.try_get_u64_le().map_err(|_| Undecodable)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Undecodable> {
        self.rest.try_get_i64_le().map_err(|_| Undecodable)
    }

    pub(crate) fn hash(&mut self) -> Result<[u8; 16], Undecodable> {
        let mut hash = [0; 16];
        self.rest.try_copy_to_slice(&mut hash).map_err(|_| Undecodable)?;
        Ok(hash)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, Undecodable> {
        let mut value = 0_u64;
        for (read, &byte) in self.rest.iter().take(10).enumerate() {
            let group = u64::from(byte & 0x7f);
            if read == 9 && group > 1 {
                return Err(Undecodable);
            }
            value |= group << (7 * read);
            if byte & 0x80 == 0 {
                self.rest.advance(read + 1);
                return Ok(value);
            }
        }
        Err(Undecodable)
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Undecodable> {
        let raw = self.varint()?;
        Ok((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    /// Reads the count of a list whose items take at least `each` bytes. A count that the rest of the record cannot
    /// hold is an error, so that a damaged count cannot make the caller allocate memory for it.
    pub(crate) fn count(&mut self, each: usize) -> Result<usize, Undecodable> {
        let count = usize::try_from(self.varint()?).map_err(|_| Undecodable)?;
        match count.checked_mul(each) {
            Some(bytes) if bytes <= self.rest.len() => Ok(count),
            _ => Err(Undecodable),
        }
    }

    /// The rest of the record.
    pub(crate) fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn slice(&mut self, len: usize) -> Result<Bytes, Undecodable> {
        if len > self.rest.len() {
            return Err(Undecodable);
        }
        Ok(self.rest.split_to(len))
    }

    /// Takes the last `len` bytes of the record.
    pub(crate) fn tail(&mut self, len: usize) -> Result<Self, Undecodable> {
        let at = self.rest.len().checked_sub(len).ok_or(Undecodable)?;
        Ok(Self { rest: self.rest.split_off(at) })
    }

    /// Checks that the record ends here. Further bytes would be a field that this version does not know.
    pub(crate) fn end(&self) -> Result<(), Undecodable> {
        if self.rest.is_empty() { Ok(()) } else { Err(Undecodable) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(value: u64, signed: i64) {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            put_signed(&mut out, signed);
            let mut reader = Reader::new(out.into());
            prop_assert_eq!(reader.varint(), Ok(value));
            prop_assert_eq!(reader.signed(), Ok(signed));
            prop_assert_eq!(reader.end(), Ok(()));
        }

        #[test]
        fn nonsense_is_an_error_and_no_panic(bytes: Vec<u8>, len: usize) {
            let mut reader = Reader::new(bytes.into());
            let _ = reader.varint();
            let _ = reader.count(3);
            let _ = reader.slice(len);
            let _ = reader.hash();
        }
    }

    #[test]
    fn a_number_over_64_bits_is_refused() {
        let mut reader = Reader::new(Bytes::from_static(&[
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02,
        ]));
        assert_eq!(reader.varint(), Err(Undecodable));
    }
}
