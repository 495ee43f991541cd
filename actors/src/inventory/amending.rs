//! The stock of an order follows the lines of the order when they change, all or nothing.

use super::actor::InventoryActor;
use super::holds::units_of;
use crate::changeset::Changeset;
use crate::outcome::{CommandError, Fault, Reply};
use crate::owner_actor::replies;
use actix::prelude::*;
use orderly_domain::event::{Event, ReleaseReason, SkuUnits};
use orderly_domain::inventory::rules::{self, Amendment, Change};
use orderly_domain::inventory::{HoldState as State, Item, Reservation};
use orderly_domain::money::Line;
use orderly_domain::verdict::{Detail, Reason, Refusal, Shortage};
use orderly_store::Ordinal;
use std::sync::Arc;

replies! {
    InventoryActor:
    Amend => amend,
}

/// Holds what the new lines of an order need more, and gives back what they need no more: held units are released, sold
/// units are returned to stock. Refused when too little is available, or when fewer units would be left than were returned
/// before. Sold units never become more.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Amend {
    /// The order.
    pub order: Ordinal,
    /// Its new lines; several lines of a sku count together.
    pub lines: Arc<[Line]>,
}

impl InventoryActor {
    fn amend(&mut self, Amend { order, lines }: Amend) -> Reply<()> {
        let before = self.reservation(order)?;
        let Amendment { items, more, less } = rules::amend(&before, &units_of(&lines))
            .map_err(|too_many| refused(Reason::RestockExceedsSold, too_many))?;
        let mut changeset = Changeset::default();
        let units = |changes: &[(Item, u64)]| -> Vec<_> {
            let units = changes.iter();
            units
                .map(|(item, quantity)| SkuUnits { sku: item.sku.clone(), quantity: *quantity })
                .collect()
        };
        match before.state {
            State::Held { .. } => {
                if !more.is_empty() {
                    changeset.events.push(Event::StockHeld { units: Some(units(&more)) });
                    self.hold_more(&more, &mut changeset)?;
                }
                if !less.is_empty() {
                    let reason = ReleaseReason::Amended;
                    let units = Some(units(&less));
                    changeset.events.push(Event::StockReleased { reason, units });
                    self.give_back(&less, Change::Released, &mut changeset)?;
                }
            }
            State::Committed if more.is_empty() => {
                if !less.is_empty() {
                    let items = units(&less);
                    changeset.events.push(Event::StockReturned { refund_id: None, items });
                    self.give_back(&less, Change::Returned, &mut changeset)?;
                }
            }
            State::Committed | State::Released | State::Expired => {
                return Err(Fault::Inconsistent("the amended order cannot hold stock").into());
            }
        }
        let after = Reservation { items: items.into(), state: before.state };
        changeset.stage(&mut self.reservations, order, after);
        Ok(((), changeset))
    }

    fn hold_more(
        &mut self,
        more: &[(Item, u64)],
        changeset: &mut Changeset,
    ) -> Result<(), CommandError> {
        let mut stocks = Vec::with_capacity(more.len());
        for (item, quantity) in more {
            let ordinal = Ordinal(item.number.0);
            stocks.push((ordinal, self.stock_of(ordinal)?, *quantity));
        }
        rules::hold(stocks.iter().map(|(_, stock, quantity)| (&**stock, *quantity)))
            .map_err(|short| refused(Reason::OutOfStock, short))?;
        for (ordinal, stock, quantity) in stocks {
            self.change(ordinal, &stock, [Change::Held(quantity)], changeset)?;
        }
        Ok(())
    }

    fn give_back(
        &mut self,
        less: &[(Item, u64)],
        change: fn(u64) -> Change,
        changeset: &mut Changeset,
    ) -> Result<(), CommandError> {
        for (item, quantity) in less {
            let ordinal = Ordinal(item.number.0);
            let stock = self.stock_of(ordinal)?;
            self.change(ordinal, &stock, [change(*quantity)], changeset)?;
        }
        Ok(())
    }
}

fn refused(reason: Reason, shortages: Vec<Shortage>) -> Refusal {
    Refusal { reason, detail: Some(Detail::Shortages(shortages)) }
}
