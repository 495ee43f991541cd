//! Reading the records of a store that goes on.

use std::sync::Arc;

use uuid::Uuid;

use super::records;
use crate::disk::{Disk, Pair, Tree};
use crate::error::Error;
use crate::format::Formats;
use crate::index::{self, Catalog};
use crate::journal::{self, Journal};
use crate::meta::{Incarnations, StoreId, cursor};
use crate::unit::Seq;

/// The number of records that one step reads: at most 1 MiB, since a record has at most 60 KiB.
const AT_ONCE: usize = 16;

/// Which store it is that is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The namespace that the store belongs to.
    pub namespace: String,
    /// The incarnation of its next unit.
    pub incarnation: Uuid,
    /// The formats of the store.
    pub formats: Formats,
}

/// What a step copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// The tree that the records are of. A source reads one tree after the other.
    pub tree: Tree,
    /// The number of records; it may be 0.
    pub records: usize,
}

/// What is read next.
#[derive(Debug)]
enum Stage {
    Pages {
        from: Vec<u8>,
    },
    Segments {
        /// The ids of the segments that are left, the next one last.
        left: Vec<u64>,
        from: Vec<u8>,
    },
    Timers {
        from: Vec<u8>,
    },
    Journal {
        number: u64,
        /// The sequence and the number of the chunk that the copy ends before.
        end: (Seq, u64),
        /// Whether the copy ends there. Otherwise it goes on with what became durable meanwhile.
        is_last: bool,
    },
    Meta,
    End,
}

/// Reads the records of a store. While it exists, the store keeps what it needs: segments that were replaced, and the
/// whole journal.
#[derive(Debug)]
pub struct Source {
    disk: Arc<dyn Disk>,
    journal: Journal,
    description: Description,
    /// The small records at the beginning, the manifest among them. They belong together.
    meta: Vec<Pair>,
    stage: Stage,
    end: Seq,
    /// The segments that the manifest names.
    catalog: Arc<Catalog>,
    /// Keeps the records of the journal.
    _journal_pin: Arc<()>,
}

impl Source {
    /// A source for the store on `disk`, whose manifest names the segments of `catalog`. Only the thread that writes the
    /// store may call this: so no manifest is written meanwhile.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        journal: Journal,
        catalog: Arc<Catalog>,
        journal_pin: Arc<()>,
    ) -> Result<Self, Error> {
        let store_id = StoreId::read(&*disk)?;
        let incarnations = Incarnations::read(&*disk, &store_id)?;
        let description = Description {
            namespace: store_id.namespace,
            incarnation: incarnations.current(),
            formats: Formats::read(&*disk)?.ok_or(Error::NoStore)?,
        };
        // a handful of records
        let meta = disk.scan(Tree::Meta, &[], usize::MAX)?;
        let stage = Stage::Pages { from: Vec::new() };
        Ok(Self {
            description,
            meta,
            stage,
            end: journal.durable(),
            journal,
            disk,
            catalog,
            _journal_pin: journal_pin,
        })
    }

    /// Which store it is.
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// About how many bytes the store takes on its disk.
    pub fn bytes(&self) -> Result<u64, Error> {
        Ok(self.disk.bytes()?)
    }

    /// The copy has every unit below this, and none from there on. It grows until the source is read to its end.
    pub const fn end(&self) -> Seq {
        self.end
    }

    /// Reads some records, at most 1 MiB, and appends them to `out`. `None`: everything is read.
    pub fn step(&mut self, out: &mut Vec<u8>) -> Result<Option<Copied>, Error> {
        let stage = std::mem::replace(&mut self.stage, Stage::End);
        let (next, copied) = match stage {
            Stage::Pages { from } => {
                let (records, next) = self.scan(Tree::Pages, &from, out)?;
                let stage = match next {
                    Some(from) => Stage::Pages { from },
                    None => self.segments(),
                };
                (stage, Copied { tree: Tree::Pages, records })
            }
            Stage::Segments { left, from } => self.segment_step(left, &from, out)?,
            Stage::Timers { from } => {
                let (records, next) = self.scan(Tree::Timers, &from, out)?;
                let stage = match next {
                    Some(from) => Stage::Timers { from },
                    None => Stage::Journal { number: 0, end: self.journal.end(), is_last: false },
                };
                (stage, Copied { tree: Tree::Timers, records })
            }
            Stage::Journal { number, end, is_last } => {
                self.journal_step(number, end, is_last, out)?
            }
            Stage::Meta => (Stage::End, Copied { tree: Tree::Meta, records: self.meta(out)? }),
            Stage::End => return Ok(None),
        };
        self.stage = next;
        Ok(Some(copied))
    }

    /// Reads records of a tree from a key on. Returns how many, and the key to continue from.
    fn scan(
        &self,
        tree: Tree,
        from: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(usize, Option<Vec<u8>>), Error> {
        let found = self.disk.scan(tree, from, AT_ONCE)?;
        let next = found.get(AT_ONCE - 1).map(|(last, _)| after(last));
        Ok((append(found.iter(), out), next))
    }

    /// The stage that reads the segments of the manifest.
    fn segments(&self) -> Stage {
        let mut left: Vec<_> = self.catalog.all().map(|segment| segment.id).collect();
        left.sort_unstable_by(|a, b| b.cmp(a));
        Stage::Segments { left, from: Vec::new() }
    }

    fn segment_step(
        &self,
        mut left: Vec<u64>,
        from: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(Stage, Copied), Error> {
        let copied = |records| Copied { tree: Tree::Index, records };
        let Some(&id) = left.last() else {
            return Ok((Stage::Timers { from: Vec::new() }, copied(0)));
        };
        let first = index::first_key(id);
        let from = if from.is_empty() { &first[..] } else { from };
        let found = self.disk.scan(Tree::Index, from, AT_ONCE)?;
        let of_segment = found.iter().take_while(|(key, _)| index::id_of(key) == Some(id));
        let records = append(of_segment, out);
        let from = if records == AT_ONCE {
            after(&found[AT_ONCE - 1].0)
        } else {
            left.pop();
            Vec::new()
        };
        Ok((Stage::Segments { left, from }, copied(records)))
    }

    fn journal_step(
        &mut self,
        number: u64,
        end: (Seq, u64),
        is_last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(Stage, Copied), Error> {
        let found = self.disk.scan(Tree::Journal, &journal::key(number), AT_ONCE)?;
        let numbers = found.iter().map(|(key, _)| journal::number_of(key));
        let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
        let count = numbers.partition_point(|number| *number < end.1);
        let records = found[..count].iter().filter(|(_, record)| !record.is_empty());
        let copied = Copied { tree: Tree::Journal, records: append(records, out) };
        if count == AT_ONCE {
            let number = numbers[AT_ONCE - 1] + 1;
            return Ok((Stage::Journal { number, end, is_last }, copied));
        }
        self.end = end.0;
        let stage = if is_last {
            Stage::Meta
        } else {
            // what became durable while the rest was copied: the backup is as new as it can be
            Stage::Journal { number: end.1, end: self.journal.end(), is_last: true }
        };
        Ok((stage, copied))
    }

    /// The small records of the beginning, but the cursor of the end: so fewer events are published again.
    fn meta(&self, out: &mut Vec<u8>) -> Result<usize, Error> {
        let mut meta = self.meta.clone();
        if let Some(cursor) = self.disk.get(Tree::Meta, cursor::CURSOR)? {
            match meta.iter_mut().find(|(key, _)| *key == cursor::CURSOR) {
                Some((_, value)) => *value = cursor,
                None => meta.push((bytes::Bytes::from_static(cursor::CURSOR), cursor)),
            }
        }
        Ok(append(meta.iter(), out))
    }
}

fn append<'a>(found: impl Iterator<Item = &'a Pair>, out: &mut Vec<u8>) -> usize {
    found.map(|(key, value)| records::append(key, value, out)).count()
}

/// The least key after this one.
fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}
