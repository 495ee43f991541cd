//! How the ids of the shop become names in the store.

use orderly_domain::id::{CommandId, Source};
use orderly_domain::identity;
use orderly_store::{self as store, NameHash, Ordinal, Table, View};

/// The ordinal of an entity, and whether the store knows its id already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The store knows the id. (The entity may have no state any more: a deleted entity keeps its ordinal.)
    Known(Ordinal),
    /// The unit of the command in hand makes the id known.
    New(Ordinal),
}

impl Place {
    /// The entity.
    pub const fn ordinal(self) -> Ordinal {
        match self {
            Self::Known(ordinal) | Self::New(ordinal) => ordinal,
        }
    }
}

/// The name of an order, a cart or a sku.
pub fn name(id: &str) -> NameHash {
    NameHash(identity::of_name(id))
}

/// The name of a parked message: the same bytes under the same id are parked once.
pub fn parked_name(source: Option<&Source>, id: Option<&CommandId>, body: &[u8]) -> NameHash {
    let source = source.map_or("", Source::as_str);
    let id = id.map_or("", CommandId::as_str);
    NameHash(identity::of_parked(source, id, body))
}

/// The entity with that id. `None`: the store does not know the id.
pub fn find(view: &View, table: Table, id: &str) -> Result<Option<Ordinal>, store::Error> {
    view.find(table, &name(id))
}
