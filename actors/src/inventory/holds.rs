//! What is held, sold, given back and returned for orders.
//!
//! Keeps, of each reservation: it resolves once; a hold takes all lines or none; no more comes
//! back than was sold.

use super::actor::Inventory;
use crate::changeset::{self, Changeset, NewTimer, TimerKind};
use crate::turn::{CommandError, Fault, Reply};
use actix::prelude::*;
use orderly_domain::command::Restock;
use orderly_domain::event::{Event, ReleaseReason, Returned};
use orderly_domain::id::{RefundId, Sku};
use orderly_domain::inventory::rules::{self, Change};
use orderly_domain::inventory::{HoldState as State, Item, Reservation, SkuNumber};
use orderly_domain::money::Line;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Detail, Reason, Refusal};
use orderly_store::Ordinal;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Inventory {
    fn reservation(&mut self, order: Ordinal) -> Result<Arc<Reservation>, CommandError> {
        let missing = Fault::Inconsistent("the order has no reservation");
        Ok(self.reservations.get(order)?.ok_or(missing)?)
    }

    fn stock_of(
        &mut self,
        sku: Ordinal,
    ) -> Result<Arc<orderly_domain::inventory::Stock>, CommandError> {
        let missing = Fault::Inconsistent("a held sku has no stock");
        Ok(self.stocks.get(sku)?.ok_or(missing)?)
    }

    /// Resolves what is held for an order: each item by `change`, the whole to `state`.
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
            self.change(Ordinal(item.number.0), &stock, [change(item.quantity)], changeset);
        }
        self.stage(order, Reservation { items: Arc::clone(&held.items), state }, changeset);
        Ok(())
    }

    fn stage(&mut self, order: Ordinal, reservation: Reservation, changeset: &mut Changeset) {
        let reservation = self.reservations.stage(order, reservation);
        changeset.change(changeset::Change::Reservation(order, reservation));
    }

    fn hold(&mut self, hold: &Hold) -> Reply<()> {
        // one item a sku, in the order of the skus, whatever the order of the lines
        let mut wanted = BTreeMap::<&Sku, u64>::new();
        for line in hold.lines.iter() {
            *wanted.entry(&line.sku).or_default() += u64::from(line.quantity.get());
        }
        let mut stocks = Vec::with_capacity(wanted.len());
        for (sku, quantity) in wanted {
            let (ordinal, stock) = self.known(sku)?;
            stocks.push((ordinal, stock, quantity));
        }
        rules::hold(stocks.iter().map(|(_, stock, quantity)| (&**stock, *quantity))).map_err(
            |short| Refusal { reason: Reason::OutOfStock, detail: Some(Detail::Shortages(short)) },
        )?;
        let mut changeset = Changeset::default();
        changeset.events.push(Event::StockHeld);
        let mut items = Vec::with_capacity(stocks.len());
        for (ordinal, stock, quantity) in stocks {
            self.change(ordinal, &stock, [Change::Held(quantity)], &mut changeset);
            items.push(Item {
                sku: stock.sku.clone(),
                number: SkuNumber(ordinal.0),
                quantity,
                returned: 0,
            });
        }
        let state = State::held(hold.until);
        self.stage(hold.order, Reservation { items: items.into(), state }, &mut changeset);
        changeset.timers.push(NewTimer {
            due: hold.until,
            kind: TimerKind::Hold,
            ordinal: hold.order,
        });
        Ok(((), changeset))
    }

    fn commit(&mut self, order: Ordinal) -> Reply<()> {
        let mut changeset = Changeset::default();
        match self.reservation(order)?.state {
            State::Held { .. } => {
                changeset.events.push(Event::StockCommitted);
                self.resolve(order, Change::Committed, State::Committed, &mut changeset)?;
                Ok(((), changeset))
            }
            State::Committed | State::Released | State::Expired => {
                Err(Fault::Inconsistent("the hold to commit was resolved before").into())
            }
        }
    }

    fn release(&mut self, order: Ordinal, reason: ReleaseReason) -> Reply<()> {
        let mut changeset = Changeset::default();
        let state = match reason {
            ReleaseReason::Cancelled => State::Released,
            ReleaseReason::Expired => State::Expired,
        };
        match self.reservation(order)?.state {
            State::Held { .. } => {
                changeset.events.push(Event::StockReleased { reason });
                self.resolve(order, Change::Released, state, &mut changeset)?;
            }
            // an order under review may have lost its hold at the cap
            State::Committed | State::Released | State::Expired => {}
        }
        Ok(((), changeset))
    }

    /// Changes until when an order's stock is held, if it still is.
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
        if let State::Held { until, .. } = state {
            changeset.timers.push(NewTimer { due: until, kind: TimerKind::Hold, ordinal: order });
        }
        self.stage(order, Reservation { items: Arc::clone(&held.items), state }, &mut changeset);
        Ok(((), changeset))
    }

    fn take_back(&mut self, take: &TakeBack) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut wanted = BTreeMap::<&Sku, u64>::new();
        for line in &take.restock {
            *wanted.entry(&line.sku).or_default() += u64::from(line.quantity.get());
        }
        let sold = self.reservations.get(take.order)?;
        let mut items = rules::take_back(sold.as_deref(), &wanted).map_err(|too_many| {
            let detail = Some(Detail::Shortages(too_many));
            Refusal { reason: Reason::RestockExceedsSold, detail }
        })?;
        let mut returned = Vec::with_capacity(wanted.len());
        for item in &mut items {
            let Some(quantity) = wanted.get(&item.sku).copied() else { continue };
            let stock = self.stock_of(Ordinal(item.number.0))?;
            self.change(
                Ordinal(item.number.0),
                &stock,
                [Change::Returned(quantity)],
                &mut changeset,
            );
            item.returned += quantity;
            returned.push(Returned { sku: item.sku.clone(), quantity });
        }
        let refund_id = take.refund.clone();
        changeset.events.push(Event::StockReturned { refund_id, items: returned });
        let state = State::Committed;
        self.stage(take.order, Reservation { items: items.into(), state }, &mut changeset);
        Ok(((), changeset))
    }
}

/// Sets stock aside for every line of an order, or for none.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Hold {
    /// The order.
    pub order: Ordinal,
    /// What it wants; several lines of a sku count together.
    pub lines: Arc<[Line]>,
    /// The hold lapses then, unless committed or extended first.
    pub until: Timestamp,
}

impl Handler<Hold> for Inventory {
    type Result = Reply<()>;

    fn handle(&mut self, hold: Hold, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.hold(&hold)
    }
}

/// Sells what is held for an order.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Commit {
    /// The order.
    pub order: Ordinal,
}

impl Handler<Commit> for Inventory {
    type Result = Reply<()>;

    fn handle(&mut self, commit: Commit, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.commit(commit.order)
    }
}

/// Gives back what is held for an order, if it still is.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Release {
    /// The order.
    pub order: Ordinal,
    /// Why.
    pub reason: ReleaseReason,
}

impl Handler<Release> for Inventory {
    type Result = Reply<()>;

    fn handle(&mut self, release: Release, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.release(release.order, release.reason)
    }
}

/// Holds on for longer; a hold is extended once.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Extend {
    /// The order.
    pub order: Ordinal,
    /// The hold lapses then.
    pub until: Timestamp,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Extend> for Inventory {
    type Result = Reply<()>;

    fn handle(&mut self, extend: Extend, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        let Extend { order, until, now } = extend;
        self.retime(order, |held| rules::extend(held, until, now))
    }
}

/// The hold's time stands still.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Freeze {
    /// The order.
    pub order: Ordinal,
    /// The hold lapses then all the same.
    pub cap: Timestamp,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Freeze> for Inventory {
    type Result = Reply<()>;

    fn handle(&mut self, freeze: Freeze, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        let Freeze { order, cap, now } = freeze;
        self.retime(order, |held| rules::freeze(held, cap, now))
    }
}

/// The time that was left of a frozen hold goes on.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Unfreeze {
    /// The order.
    pub order: Ordinal,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Unfreeze> for Inventory {
    type Result = Reply<()>;

    fn handle(&mut self, unfreeze: Unfreeze, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        let Unfreeze { order, now } = unfreeze;
        self.retime(order, |held| rules::unfreeze(held, now))
    }
}

/// Takes sold units back into stock; refused when more would come back than was sold.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct TakeBack {
    /// The order.
    pub order: Ordinal,
    /// The refund that they come back with.
    pub refund: RefundId,
    /// What comes; several lines of a sku count together.
    pub restock: Vec<Restock>,
}

impl Handler<TakeBack> for Inventory {
    type Result = Reply<()>;

    fn handle(&mut self, take: TakeBack, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.take_back(&take)
    }
}

/// Asks how an order's reservation stands.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<Arc<Reservation>>, Fault>")]
pub struct Look {
    /// The order.
    pub order: Ordinal,
}

impl Handler<Look> for Inventory {
    type Result = Result<Option<Arc<Reservation>>, Fault>;

    fn handle(&mut self, look: Look, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        Ok(self.reservations.get(look.order)?)
    }
}
