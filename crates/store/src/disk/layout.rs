//! Keys laid out ahead, empty, before their records are written.
//!
//! sled splits a leaf beyond 16 entries and rewrites it whole, as it does after ten changes: records that are appended
//! under growing keys are so written three to four times. Leaves that were split while they were empty have nine keys,
//! and take nine records as nine links, one short of what makes sled rewrite them: every byte is written once (measured:
//! 1.1 to 1.3 times, and a third less CPU).
//!
//! This only saves writes: a key that was not laid out, or whose empty record a crash lost, does no harm. An empty
//! record stands for no record.

use super::interface::{Batch, Disk, Error, Tree};

/// So many empty keys are ahead at least: a leaf of at most 17 that is not split yet, and what the next batch fills.
const AHEAD: u64 = 32;
/// So many are laid out at once.
const AT_ONCE: u64 = 128;

/// Numbered keys of one tree, behind a prefix.
#[derive(Debug)]
pub(crate) struct Layout {
    tree: Tree,
    prefix: Vec<u8>,
    /// Keys from here on are not laid out.
    until: u64,
}

impl Layout {
    /// What is laid out already.
    pub(crate) fn find(disk: &dyn Disk, tree: Tree, prefix: &[u8]) -> Result<Self, Error> {
        let below = prefix.split_last().map(|(last, rest)| [rest, &[last + 1]].concat());
        let last = disk.last(tree, below.as_deref())?;
        let number = last.as_ref().and_then(|(key, _)| key.strip_prefix(prefix)?.try_into().ok());
        let until = number.map_or(0, |number| u64::from_be_bytes(number) + 1);
        Ok(Self { tree, prefix: prefix.to_vec(), until })
    }

    /// Lays out more, when there are few beyond the keys before `end`, which are about to be written.
    pub(crate) fn reserve(&mut self, disk: &dyn Disk, end: u64) -> Result<(), Error> {
        if end + AHEAD <= self.until {
            return Ok(());
        }
        let until = end + AHEAD + AT_ONCE;
        // A number far beyond the last is not worth all that lie between.
        for number in self.until.max(end.saturating_sub(AT_ONCE))..until {
            // One by one: sled applies a batch in any order, and only growing keys split evenly.
            let mut batch = Batch::new(self.tree);
            batch.put([&self.prefix[..], &number.to_be_bytes()].concat(), Vec::new());
            disk.write(batch)?;
        }
        self.until = until;
        Ok(())
    }
}
