//! The files of a backup as a stream, in the form of the program `tar` (POSIX ustar).

use super::File;
use bytes::{Bytes, BytesMut};
use orderly_domain::time::Timestamp;

/// The length of a header, and of what a file is filled up to.
const BLOCK: usize = 512;
/// The longest file that is unpacked, in bytes. It is held in memory.
const LONGEST: usize = 64 << 20;

/// Why a stream cannot be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A header has another form.
    #[error("the stream is no backup")]
    Header,
    /// It ended within a file, or before its mark of the end.
    #[error("the backup ended early")]
    Early,
}

/// A file with its header, filled up to whole blocks.
pub fn pack(file: &File, at: Timestamp) -> [Bytes; 3] {
    let size = file.content.len();
    let header = header(&file.name, size, at.micros() / 1_000_000);
    let padding = vec![0; size.next_multiple_of(BLOCK) - size];
    [header.to_vec().into(), file.content.clone(), padding.into()]
}

/// The mark of the end.
pub fn end() -> Bytes {
    Bytes::from_static(&[0; 2 * BLOCK])
}

/// The places of the fields in a header: name, mode, owner, group, size, time, checksum, type, magic.
fn header(name: &str, size: usize, seconds: i64) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000600\0");
    header[108..116].copy_from_slice(b"0000000\0");
    header[116..124].copy_from_slice(b"0000000\0");
    header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[136..148].copy_from_slice(format!("{:011o}\0", seconds.max(0)).as_bytes());
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum = checksum(&header);
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// The sum of the bytes of a header, where the field of the sum counts as spaces.
fn checksum(header: &[u8; BLOCK]) -> u32 {
    let of_field = |at| (148..156).contains(&at);
    let bytes = header.iter().enumerate();
    bytes.map(|(at, byte)| if of_field(at) { u32::from(b' ') } else { u32::from(*byte) }).sum()
}

/// Unpacks a stream that comes in pieces.
#[derive(Debug, Default)]
pub struct Unpacker {
    rest: BytesMut,
    ended: bool,
}

impl Unpacker {
    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.rest.extend_from_slice(piece);
    }

    /// The next file that came as a whole. `None`: it needs another piece.
    pub fn next_file(&mut self) -> Result<Option<File>, Error> {
        let Some(header) = self.rest.first_chunk::<BLOCK>().filter(|_| !self.ended) else {
            return Ok(None);
        };
        if header.iter().all(|byte| *byte == 0) {
            self.ended = true;
            return Ok(None);
        }
        let (name, size) = read(header).ok_or(Error::Header)?;
        let whole = BLOCK + size.next_multiple_of(BLOCK);
        if self.rest.len() < whole {
            return Ok(None);
        }
        let content = self.rest.split_to(whole).freeze().slice(BLOCK..BLOCK + size);
        Ok(Some(File { name, content }))
    }

    /// The stream has ended.
    pub fn end(&self) -> Result<(), Error> {
        if self.ended { Ok(()) } else { Err(Error::Early) }
    }
}

/// The name and the size in a header.
fn read(header: &[u8; BLOCK]) -> Option<(String, usize)> {
    let text = |from: usize, len: usize| {
        let field = header[from..from + len].split(|byte| *byte == 0).next()?;
        std::str::from_utf8(field).ok().map(str::trim)
    };
    let sum = u32::from_str_radix(text(148, 8)?, 8).ok()?;
    let size = usize::from_str_radix(text(124, 12)?, 8).ok()?;
    let is_file = header[156] == b'0' && header[257..262] == *b"ustar";
    (is_file && sum == checksum(header) && size <= LONGEST)
        .then(|| text(0, 100).map(|name| (name.to_owned(), size)))?
}
