//! A place in a journal that several stores share.

use crate::codec::{Reader, Undecodable};
use crate::unit::Seq;

/// A place in a journal outside the store, right behind a record whose units the store has. The store keeps it with the
/// units, and does not know what the journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The number of the epoch that was in force.
    pub epoch: u64,
    /// The run of the member that opened the epoch.
    pub nonce: [u8; 16],
    /// The sequence of the unit that comes next.
    pub next: Seq,
    /// The running hash over all units before `next`.
    pub chain: [u8; 32],
    /// Where the journal has the record: a hint.
    pub offset: u64,
}

impl Position {
    /// The length of the encoding in bytes.
    pub(crate) const ENCODED: usize = 8 + 16 + 32 + 8;

    /// Appends everything but `next`.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.nonce);
        out.extend_from_slice(&self.chain);
        out.extend_from_slice(&self.offset.to_le_bytes());
    }

    /// Reads what [`encode`](Self::encode) wrote of a position with this `next`.
    pub(crate) fn decode(next: Seq, reader: &mut Reader) -> Result<Self, Undecodable> {
        let (epoch, nonce) = (reader.u64()?, reader.hash()?);
        let mut chain = [0; 32];
        chain[..16].copy_from_slice(&reader.hash()?);
        chain[16..].copy_from_slice(&reader.hash()?);
        Ok(Self { epoch, nonce, next, chain, offset: reader.u64()? })
    }
}
