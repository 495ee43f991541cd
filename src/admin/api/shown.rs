//! What the API shows of the states in a store that no processor has open: for an export, and for the story of an order.

use super::{Error, carts, notifications, orders, parked, stock, timeline};
use orderly_actors::states;
use orderly_actors::tables;
use orderly_store::{Entity, Reader, Table, Unit};
use serde_json::Value;

/// An entity as the API shows it.
#[derive(Debug)]
pub struct Shown {
    /// What it is, in one word.
    pub kind: &'static str,
    /// What is shown of it.
    pub view: Value,
}

/// What the API shows of an entity with all of its parts. `None`: nothing.
pub fn entity(table: Table, entity: &Entity) -> Result<Option<Shown>, states::Error> {
    let shown = match table {
        tables::ORDERS => match orders::shown(entity) {
            Ok(Some(mut order)) => notifications::shown(entity).map(|notifications| {
                order["notifications"] = notifications;
                Some(("order", order))
            }),
            other => other.map(|_| None),
        },
        tables::CARTS => carts::shown(entity).map(|cart| cart.map(|cart| ("cart", cart))),
        tables::SKUS => stock::shown(entity).map(|stock| stock.map(|stock| ("stock", stock))),
        tables::PARKED => parked::shown(entity).map(|found| found.map(|found| ("parked", found))),
        _ => Ok(None),
    };
    let shown = shown.map_err(state)?;
    Ok(shown.map(|(kind, view)| Shown { kind, view }))
}

/// What a unit did: the items of timelines that it has.
pub fn unit(unit: &Unit) -> Result<Value, states::Error> {
    timeline::shown(unit).map_err(state)
}

/// Why something is not shown.
#[derive(Debug, thiserror::Error)]
pub enum NotShown {
    /// It is not there. The text says what is known about it.
    #[error("{0}")]
    Absent(String),
    /// The store cannot be read.
    #[error("cannot read the store")]
    State(#[from] states::Error),
}

impl From<Error> for NotShown {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(_) | Error::Awaited { .. } | Error::Deleted(_) => {
                Self::Absent(error.to_string())
            }
            other => Self::State(state(other)),
        }
    }
}

/// An order as the API shows it.
pub fn order(reader: &Reader, id: &str) -> Result<Value, NotShown> {
    Ok(orders::of_id(reader, id)?)
}

/// The whole timeline of an order.
pub fn timeline(reader: &Reader, id: &str) -> Result<Vec<Value>, NotShown> {
    Ok(timeline::whole(reader, id)?)
}

/// Views can always be written as JSON, and nothing is looked for: what is left are errors of the store.
fn state(error: Error) -> states::Error {
    match error {
        Error::State(error) => error,
        other => {
            debug_assert!(false, "{other}");
            orderly_store::Error::NoStore.into()
        }
    }
}
