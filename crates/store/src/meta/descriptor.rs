//! The descriptor of a store: its id, formats, tables and bucket span, from the small records. Here a store is created,
//! checked and upgraded.

use uuid::Uuid;

use super::bucket_span;
use super::incarnations::Incarnations;
use super::store_id::{Partition, StoreId};
use super::tables::Tables;
use crate::disk::{Batch, Disk, Tree};
use crate::error::Error;
use crate::format::{FORMAT, Formats, OLDEST_FORMAT};
use crate::schema::Schema;

/// The id, formats, tables and bucket span of a store.
#[derive(Debug)]
pub(crate) struct Descriptor {
    pub(crate) store_id: StoreId,
    pub(crate) incarnations: Incarnations,
    pub(crate) tables: Tables,
    /// The time span of a bucket of identities, in microseconds.
    pub(crate) span: i64,
    /// The formats that this build writes.
    pub(crate) formats: Formats,
    /// The formats that the store had, if they are older.
    pub(crate) upgraded_from: Option<Formats>,
    /// The batch that upgrades the store to this build. It must be durable before anything else is written.
    pub(crate) upgrade: Option<Batch>,
}

/// The formats that this build writes: the store's own, and the one of the schema.
const fn known(schema: &Schema) -> Formats {
    Formats { store: FORMAT, contents: schema.contents }
}

/// Creates a store with one batch, so that a crash leaves all of it or nothing.
pub(crate) fn create(
    disk: &dyn Disk,
    namespace: &str,
    partition: Partition,
    schema: &Schema,
    span: i64,
) -> Result<(), Error> {
    check_is_new(disk)?;
    let store_id =
        StoreId { namespace: namespace.to_owned(), partition, incarnation: Uuid::now_v7() };
    let mut batch = Batch::new(Tree::Meta);
    known(schema).put(&mut batch);
    store_id.put(&mut batch);
    Tables::new(schema).put(&mut batch);
    bucket_span::put(span, &mut batch);
    disk.write(batch)?;
    Ok(disk.sync()?)
}

/// Checks that the disk is empty. A store without a stamp was written by a build that is too old.
fn check_is_new(disk: &dyn Disk) -> Result<(), Error> {
    if disk.scan(Tree::Meta, &[], 1)?.is_empty() {
        return Ok(());
    }
    let found = StoreId::version_without_stamp(disk)?;
    Err(Error::OlderFormat { found, oldest: OLDEST_FORMAT })
}

impl Descriptor {
    /// Reads the descriptor, and checks that this build can open the store. Writes nothing.
    pub(crate) fn read(
        disk: &dyn Disk,
        wanted: Option<(&str, Partition)>,
        schema: &Schema,
    ) -> Result<Self, Error> {
        let Some(found) = Formats::read(disk)? else {
            check_is_new(disk)?;
            return Err(Error::NoStore);
        };
        let formats = known(schema);
        found.check(formats, OLDEST_FORMAT)?;
        let store_id = StoreId::read(disk)?;
        if let Some((namespace, partition)) = wanted {
            if store_id.namespace != namespace {
                let (found, wanted) = (store_id.namespace, namespace.to_owned());
                return Err(Error::WrongNamespace { found, wanted });
            }
            if store_id.partition != partition {
                return Err(Error::WrongPartition { found: store_id.partition, wanted: partition });
            }
        }
        let incarnations = Incarnations::read(disk, &store_id)?;
        let span = bucket_span::read(disk)?;
        let mut tables = Tables::read(disk)?;
        let has_new_tables = tables.extend(schema)?;
        let upgraded_from = Some(found).filter(|found| *found != formats);
        let upgrade = (upgraded_from.is_some() || has_new_tables).then(|| {
            let mut batch = Batch::new(Tree::Meta);
            formats.put(&mut batch);
            if has_new_tables {
                tables.put(&mut batch);
            }
            batch
        });
        Ok(Self { store_id, incarnations, tables, span, formats, upgraded_from, upgrade })
    }
}
