//! How the reservation of an order follows the lines of the order when they change.

use crate::id::Sku;
use crate::inventory::{HoldState, Item, Reservation};
use crate::verdict::Shortage;
use std::collections::BTreeMap;

/// How a reservation changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    /// The items afterwards, sorted by sku.
    pub items: Vec<Item>,
    /// Items that grow, each with its additional units.
    pub more: Vec<(Item, u64)>,
    /// Items that shrink or go, each with the units that it loses.
    pub less: Vec<(Item, u64)>,
}

/// The reservation with these units of each sku. An error lists every sku of which fewer units would be left than were
/// returned before, with the number that may go.
///
/// Whether more units are available is not looked at.
pub fn amend(
    reservation: &Reservation,
    wanted: &BTreeMap<&Sku, u64>,
) -> Result<Amendment, Vec<Shortage>> {
    let is_sold = reservation.state == HoldState::Committed;
    let mut amendment = Amendment { items: Vec::new(), more: Vec::new(), less: Vec::new() };
    let mut too_many = Vec::new();
    for item in reservation.items.iter() {
        let quantity = wanted.get(&item.sku).copied().unwrap_or(0);
        let gone = item.quantity.saturating_sub(quantity);
        if is_sold && quantity < item.returned {
            let available = item.quantity - item.returned;
            too_many.push(Shortage { sku: item.sku.clone(), wanted: gone, available });
        }
        if gone > 0 {
            amendment.less.push((item.clone(), gone));
        }
        if quantity > item.quantity {
            amendment.more.push((item.clone(), quantity - item.quantity));
        }
        if quantity > 0 {
            amendment.items.push(Item { quantity, ..item.clone() });
        }
    }
    if too_many.is_empty() { Ok(amendment) } else { Err(too_many) }
}
