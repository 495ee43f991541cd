//! Holding, selling, releasing and returning the stock of orders.
//!
//! Invariants of each reservation: its hold ends once. A hold takes all lines or none. No more units
//! are returned than were sold.

use super::actor::InventoryActor;
use crate::changeset::{Changeset, NewTimer, TimerKind};
use crate::outcome::{CommandError, Fault, Reply};
use crate::owner_actor::replies;
use actix::prelude::*;
use orderly_domain::command::Restock;
use orderly_domain::event::{Event, ReleaseReason, SkuUnits};
use orderly_domain::id::{RefundId, Sku};
use orderly_domain::inventory::rules::{self, Change};
use orderly_domain::inventory::{HoldState as State, Item, Reservation, SkuNumber, Stock};
use orderly_domain::money::Line;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Detail, Reason, Refusal};
use orderly_store::Ordinal;
use std::collections::BTreeMap;
use std::sync::Arc;

replies! {
    InventoryActor:
    Hold => hold,
    Commit => commit,
    Release => release,
    Extend => extend,
    Freeze => freeze,
    Unfreeze => unfreeze,
    LetStand => let_stand,
    BeginAgain => begin_again,
    ReturnToStock => return_to_stock,
    GetReservation => get_reservation,
}

/// Holds stock for every line of an order, or for none.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Hold {
    /// The order.
    pub order: Ordinal,
    /// Its lines; several lines of a sku count together.
    pub lines: Arc<[Line]>,
    /// The hold expires then, unless it is committed or extended first.
    pub until: Timestamp,
}

/// Sells the stock that is held for an order.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Commit {
    /// The order.
    pub order: Ordinal,
}

/// Releases the stock that is held for an order. Does nothing if its hold has ended.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Release {
    /// The order.
    pub order: Ordinal,
    /// The reason.
    pub reason: ReleaseReason,
}

/// Extends the hold of an order. A hold is extended once.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Extend {
    /// The order.
    pub order: Ordinal,
    /// The hold expires then.
    pub until: Timestamp,
    /// The unit's time.
    pub now: Timestamp,
}

/// Freezes the hold of an order, because a payment attempt is open.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Freeze {
    /// The order.
    pub order: Ordinal,
    /// The hold expires then at the latest.
    pub cap: Timestamp,
    /// The unit's time.
    pub now: Timestamp,
}

/// Unfreezes the hold of an order: the time that was left runs again.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Unfreeze {
    /// The order.
    pub order: Ordinal,
    /// The unit's time.
    pub now: Timestamp,
}

/// Lets the hold of an order stand without an end, because authorizations cover the order.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct LetStand {
    /// The order.
    pub order: Ordinal,
}

/// Lets the hold of an order begin anew.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct BeginAgain {
    /// The order.
    pub order: Ordinal,
    /// The hold expires then.
    pub until: Timestamp,
}

/// Returns sold units to stock; refused when more would be returned than was sold.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct ReturnToStock {
    /// The order.
    pub order: Ordinal,
    /// The refund that they are returned with.
    pub refund: RefundId,
    /// What is returned; several lines of a sku count together.
    pub restock: Vec<Restock>,
}

/// Asks for the reservation of an order.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<Arc<Reservation>>, Fault>")]
pub struct GetReservation {
    /// The order.
    pub order: Ordinal,
}

/// The units of each sku, sorted by sku, so that the order of the lines does not matter.
pub(super) fn units_of(lines: &[Line]) -> BTreeMap<&Sku, u64> {
    let mut units = BTreeMap::new();
    for line in lines {
        *units.entry(&line.sku).or_default() += u64::from(line.quantity.get());
    }
    units
}

impl InventoryActor {
    pub(super) fn reservation(&mut self, order: Ordinal) -> Result<Arc<Reservation>, CommandError> {
        let missing = Fault::Inconsistent("the order has no reservation");
        Ok(self.reservations.get(order)?.ok_or(missing)?)
    }

    pub(super) fn stock_of(&mut self, sku: Ordinal) -> Result<Arc<Stock>, CommandError> {
        let missing = Fault::Inconsistent("a held sku has no stock");
        Ok(self.stocks.get(sku)?.ok_or(missing)?)
    }

    /// Ends the hold of an order: changes the stock of each item, and the reservation to `state`.
    fn resolve(
        &mut self,
        order: Ordinal,
        change: fn(u64) -> Change,
        state: State,
        changeset: &mut Changeset,
    ) -> Result<(), CommandError> {
        let held = self.reservation(order)?;
        for item in held.items.iter() {
            let stock = self.stock_of(Ordinal(item.number.0))?;
            self.change(Ordinal(item.number.0), &stock, [change(item.quantity)], changeset)?;
        }
        changeset.stage(
            &mut self.reservations,
            order,
            Reservation { items: Arc::clone(&held.items), state },
        );
        Ok(())
    }

    fn hold(&mut self, Hold { order, lines, until }: Hold) -> Reply<()> {
        let wanted = units_of(&lines);
        let mut stocks = Vec::with_capacity(wanted.len());
        for (sku, quantity) in wanted {
            let (ordinal, stock) = self.existing(sku)?;
            stocks.push((ordinal, stock, quantity));
        }
        rules::hold(stocks.iter().map(|(_, stock, quantity)| (&**stock, *quantity))).map_err(
            |short| Refusal { reason: Reason::OutOfStock, detail: Some(Detail::Shortages(short)) },
        )?;
        let mut changeset = Changeset::default();
        changeset.events.push(Event::StockHeld { units: None });
        let mut items = Vec::with_capacity(stocks.len());
        for (ordinal, stock, quantity) in stocks {
            self.change(ordinal, &stock, [Change::Held(quantity)], &mut changeset)?;
            items.push(Item {
                sku: stock.sku.clone(),
                number: SkuNumber(ordinal.0),
                quantity,
                returned: 0,
            });
        }
        let state = State::held(until);
        // an order whose hold has ended is held again when it is paid late
        self.reservations.touch(order)?;
        changeset.stage(&mut self.reservations, order, Reservation { items: items.into(), state });
        changeset.timers.push(NewTimer { due: until, kind: TimerKind::Hold, ordinal: order });
        Ok(((), changeset))
    }

    fn commit(&mut self, Commit { order }: Commit) -> Reply<()> {
        let mut changeset = Changeset::default();
        match self.reservation(order)?.state {
            State::Held { .. } => {
                changeset.events.push(Event::StockCommitted);
                self.resolve(order, Change::Committed, State::Committed, &mut changeset)?;
                Ok(((), changeset))
            }
            State::Committed | State::Released | State::Expired => {
                Err(Fault::Inconsistent("the hold to commit has ended before").into())
            }
        }
    }

    fn release(&mut self, Release { order, reason }: Release) -> Reply<()> {
        let mut changeset = Changeset::default();
        let state = match reason {
            ReleaseReason::Cancelled => State::Released,
            ReleaseReason::Expired => State::Expired,
            ReleaseReason::Amended => {
                return Err(Fault::Inconsistent("an amendment ends no hold").into());
            }
        };
        match self.reservation(order)?.state {
            State::Held { .. } => {
                changeset.events.push(Event::StockReleased { reason, units: None });
                self.resolve(order, Change::Released, state, &mut changeset)?;
            }
            // an order under review may have lost its hold at the cap
            State::Committed | State::Released | State::Expired => {}
        }
        Ok(((), changeset))
    }

    /// Changes the time at which the hold of an order ends. Does nothing if the hold has ended.
    fn retime(
        &mut self,
        order: Ordinal,
        retimed: impl FnOnce(State) -> Option<State>,
    ) -> Reply<()> {
        let mut changeset = Changeset::default();
        let held = self.reservation(order)?;
        let Some(state) = retimed(held.state) else {
            return Ok(((), changeset));
        };
        if let State::Held { until: Some(until), .. } = state {
            changeset.timers.push(NewTimer { due: until, kind: TimerKind::Hold, ordinal: order });
        }
        changeset.stage(
            &mut self.reservations,
            order,
            Reservation { items: Arc::clone(&held.items), state },
        );
        Ok(((), changeset))
    }

    fn extend(&mut self, Extend { order, until, now }: Extend) -> Reply<()> {
        self.retime(order, |held| rules::extend(held, until, now))
    }

    fn freeze(&mut self, Freeze { order, cap, now }: Freeze) -> Reply<()> {
        self.retime(order, |held| rules::freeze(held, cap, now))
    }

    fn unfreeze(&mut self, Unfreeze { order, now }: Unfreeze) -> Reply<()> {
        self.retime(order, |held| rules::unfreeze(held, now))
    }

    fn let_stand(&mut self, LetStand { order }: LetStand) -> Reply<()> {
        self.retime(order, rules::stand)
    }

    fn begin_again(&mut self, BeginAgain { order, until }: BeginAgain) -> Reply<()> {
        self.retime(order, |held| rules::begin_again(held, until))
    }

    fn return_to_stock(&mut self, returned: ReturnToStock) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut wanted = BTreeMap::<&Sku, u64>::new();
        for line in &returned.restock {
            *wanted.entry(&line.sku).or_default() += u64::from(line.quantity.get());
        }
        let sold = self.reservations.get(returned.order)?;
        let mut items = rules::take_back(sold.as_deref(), &wanted).map_err(|too_many| {
            let detail = Some(Detail::Shortages(too_many));
            Refusal { reason: Reason::RestockExceedsSold, detail }
        })?;
        let mut items_returned = Vec::with_capacity(wanted.len());
        for item in &mut items {
            let Some(quantity) = wanted.get(&item.sku).copied() else { continue };
            let stock = self.stock_of(Ordinal(item.number.0))?;
            self.change(
                Ordinal(item.number.0),
                &stock,
                [Change::Returned(quantity)],
                &mut changeset,
            )?;
            item.returned += quantity;
            items_returned.push(SkuUnits { sku: item.sku.clone(), quantity });
        }
        let refund_id = Some(returned.refund);
        changeset.events.push(Event::StockReturned { refund_id, items: items_returned });
        let state = State::Committed;
        changeset.stage(
            &mut self.reservations,
            returned.order,
            Reservation { items: items.into(), state },
        );
        Ok(((), changeset))
    }

    fn get_reservation(
        &mut self,
        GetReservation { order }: GetReservation,
    ) -> Result<Option<Arc<Reservation>>, Fault> {
        Ok(self.reservations.get(order)?)
    }
}
