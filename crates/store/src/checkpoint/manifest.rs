//! The manifest: which views are valid, and up to which unit. The manifest is one record, so that it is replaced
//! atomically.
//!
//! Invariant: the manifest names only segments and pages that were durable before the manifest was written.

use std::sync::Arc;

use crate::codec::{Reader, Undecodable, put_varint};
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;
use crate::format::Kind;
use crate::index::{Catalog, Segment};
use crate::position::Position;
use crate::totals::Totals;
use crate::unit::Seq;

pub(crate) const MANIFEST: &[u8] = b"manifest";

/// Which views are valid.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manifest {
    /// The sums over the units that the views hold.
    pub(crate) totals: Totals,
    pub(crate) catalog: Catalog,
    /// The number of the first journal chunk whose units the views do not hold.
    pub(crate) chunk: u64,
    /// The id that the next new segment gets.
    pub(crate) next_segment: u64,
    /// The newest position of the units that the views hold.
    pub(crate) position: Option<Position>,
}

impl Manifest {
    pub(crate) fn read(disk: &dyn Disk) -> Result<Option<Self>, Error> {
        let Some(record) = disk.get(Tree::Meta, MANIFEST)? else {
            return Ok(None);
        };
        let mut reader = Reader::new(Kind::Manifest.open(MANIFEST, record)?);
        Self::decode(&mut reader)
            .map(Some)
            .map_err(Error::undecodable(Kind::Manifest.name(), MANIFEST))
    }

    fn decode(reader: &mut Reader) -> Result<Self, Undecodable> {
        let totals = Totals::decode(reader)?;
        let chunk = reader.varint()?;
        let next_segment = reader.varint()?;
        let mut catalog = Catalog::default();
        for _ in 0..reader.count(6)? {
            let segment = Segment::decode(reader)?;
            catalog.lists[segment.index].push(Arc::new(segment));
        }
        let position = match reader.u8()? {
            0 => None,
            1 => {
                let next = Seq(reader.varint()?);
                Some(Position::decode(next, reader)?)
            }
            _ => return Err(Undecodable),
        };
        reader.end()?;
        if position.is_some_and(|position| position.next > totals.next) {
            return Err(Undecodable);
        }
        Ok(Self { totals, catalog, chunk, next_segment, position })
    }

    pub(crate) fn write(&self, disk: &dyn Disk) -> Result<(), Error> {
        let mut record = vec![Kind::Manifest.version()];
        self.totals.encode(&mut record);
        put_varint(&mut record, self.chunk);
        put_varint(&mut record, self.next_segment);
        put_varint(&mut record, self.catalog.all().count() as u64);
        for segment in self.catalog.all() {
            segment.encode(&mut record);
        }
        record.push(u8::from(self.position.is_some()));
        if let Some(position) = &self.position {
            put_varint(&mut record, position.next.0);
            position.encode(&mut record);
        }
        let mut batch = Batch::new(Tree::Meta);
        batch.put(MANIFEST, record);
        Ok(disk.write(batch)?)
    }
}
