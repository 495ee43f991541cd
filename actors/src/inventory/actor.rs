//! Holds stock for orders; the only writer of stock and reservations.
//!
//! Keeps, per sku: `on_hand >= held >= 0`, and of each reservation that it resolves once.
//! A hold takes all lines or none.

use super::rules::{self, Change};
use super::state::{Hold as State, Item, Reservation, Stock};
use crate::clock::Timestamp;
use crate::command::{StockAdjust, StockSet};
use crate::draft::{self, Draft, Hint, HintKind};
use crate::event::{Event, ReleaseReason};
use crate::id::Sku;
use crate::identity;
use crate::money::{Line, MOST_ON_HAND, OnHand};
use crate::owner::{Answer, EndTurn, Fault, Owner, Parting, Stop, Sweep};
use crate::states::{self, Shelf, States};
use crate::store::{Ordinal, Table};
use crate::supervisor::{Vital, Vitals};
use crate::verdict::{Detail, Reason, Refusal};
use actix::prelude::*;
use quick_cache::unsync::Cache;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The owner of all stock.
pub struct Inventory {
    shelf: Shelf,
    stocks: States<Stock>,
    reservations: States<Reservation>,
    /// Where skus are in the store, once a unit that named them was sealed.
    places: Cache<Sku, Ordinal>,
    vitals: Vitals,
}

/// Skus whose place is remembered.
const PLACES: usize = 50_000;

impl Inventory {
    /// An owner that reads from `shelf` and caches about `capacity` bytes of states.
    pub fn new(shelf: Shelf, capacity: u64, vitals: Vitals) -> Self {
        Self {
            stocks: States::new(shelf.clone(), capacity / 2),
            reservations: States::new(shelf.clone(), capacity / 2),
            places: Cache::new(PLACES),
            shelf,
            vitals,
        }
    }

    fn forget(&mut self) {
        self.stocks.forget();
        self.reservations.forget();
        self.places = Cache::new(PLACES);
    }

    fn place(&mut self, sku: &Sku) -> Result<Option<Ordinal>, states::Error> {
        if let Some(ordinal) = self.places.get(sku) {
            return Ok(Some(*ordinal));
        }
        let found = self.shelf.borrow().find(Table::Skus, &identity::of_name(sku.as_str()))?;
        if let Some(ordinal) = found {
            self.places.insert(sku.clone(), ordinal);
        }
        Ok(found)
    }

    fn known(&mut self, sku: &Sku) -> Result<(Ordinal, Arc<Stock>), Stop> {
        let unknown = || Refusal::with(Reason::UnknownSku, sku.as_str());
        let ordinal = self.place(sku)?.ok_or_else(unknown)?;
        let stock = self.stocks.get(ordinal)?.ok_or_else(unknown)?;
        Ok((ordinal, stock))
    }

    /// Changes a sku's stock, and tells when it fell low.
    fn change(
        &mut self,
        ordinal: Ordinal,
        before: &Stock,
        changes: impl IntoIterator<Item = Change>,
        draft: &mut Draft,
    ) -> Arc<Stock> {
        crate::fault::point("inventory", before.sku.as_str());
        let mut after = before.clone();
        for change in changes {
            rules::apply(&mut after, change);
        }
        if rules::fell_low(before, &after) {
            let available = after.available();
            draft.events.push(Event::StockLow { sku: after.sku.clone(), available });
        }
        let after = self.stocks.stage(ordinal, after);
        draft.change(draft::Change::Stock(ordinal, Arc::clone(&after)));
        after
    }

    fn reservation(&mut self, order: Ordinal) -> Result<Arc<Reservation>, Stop> {
        let missing = Fault::Inconsistent("the order has no reservation");
        Ok(self.reservations.get(order)?.ok_or(missing)?)
    }

    /// Resolves what is held for an order: each item by `change`, the whole to `state`.
    fn resolve(
        &mut self,
        order: Ordinal,
        change: fn(u64) -> Change,
        state: State,
        draft: &mut Draft,
    ) -> Result<(), Stop> {
        let held = self.reservation(order)?;
        for item in held.items.iter() {
            let stock = self
                .stocks
                .get(item.ordinal)?
                .ok_or(Fault::Inconsistent("a held sku has no stock"))?;
            self.change(item.ordinal, &stock, [change(item.quantity)], draft);
        }
        self.stage(order, Reservation { items: Arc::clone(&held.items), state }, draft);
        Ok(())
    }

    fn stage(&mut self, order: Ordinal, reservation: Reservation, draft: &mut Draft) {
        let reservation = self.reservations.stage(order, reservation);
        draft.change(draft::Change::Reservation(order, reservation));
    }

    fn set(&mut self, set: &StockSet) -> Answer<()> {
        let mut draft = Draft::default();
        let (ordinal, before) = match self.place(&set.sku)? {
            Some(ordinal) => {
                let stock = self.stocks.get(ordinal)?;
                (ordinal, stock.ok_or(Fault::Inconsistent("a named sku has no stock"))?)
            }
            None => {
                let ordinal = self.shelf.borrow().next_ordinal(Table::Skus);
                draft.names.push((Table::Skus, identity::of_name(set.sku.as_str()), ordinal));
                let stock = Stock { sku: set.sku.clone(), on_hand: 0, held: 0, low_at: None };
                (ordinal, Arc::new(stock))
            }
        };
        let counted = rules::set(&before, set.on_hand.get())?;
        let marked = set.low_at.map(|low_at| Change::Marked(low_at.get()));
        let after = self.change(ordinal, &before, [counted].into_iter().chain(marked), &mut draft);
        draft.events.insert(0, changed(&after));
        Ok(((), draft))
    }

    fn adjust(&mut self, adjust: &StockAdjust) -> Answer<()> {
        let mut draft = Draft::default();
        let (ordinal, before) = self.known(&adjust.sku)?;
        let change = rules::adjust(&before, adjust.delta.get(), MOST_ON_HAND)?;
        debug_assert_eq!(OnHand::MOST, MOST_ON_HAND);
        let after = self.change(ordinal, &before, [change], &mut draft);
        draft.events.insert(0, changed(&after));
        Ok(((), draft))
    }

    fn hold(&mut self, hold: &Hold) -> Answer<()> {
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
        let mut draft = Draft::default();
        draft.events.push(Event::StockHeld);
        let mut items = Vec::with_capacity(stocks.len());
        for (ordinal, stock, quantity) in stocks {
            self.change(ordinal, &stock, [Change::Held(quantity)], &mut draft);
            items.push(Item { sku: stock.sku.clone(), ordinal, quantity });
        }
        let state = State::Held { until: hold.until, extended: false };
        self.stage(hold.order, Reservation { items: items.into(), state }, &mut draft);
        draft.hints.push(Hint { due: hold.until, kind: HintKind::Hold, ordinal: hold.order });
        Ok(((), draft))
    }

    fn commit(&mut self, order: Ordinal) -> Answer<()> {
        let mut draft = Draft::default();
        match self.reservation(order)?.state {
            State::Held { .. } => {
                draft.events.push(Event::StockCommitted);
                self.resolve(order, Change::Committed, State::Committed, &mut draft)?;
                Ok(((), draft))
            }
            State::Committed | State::Released | State::Expired => {
                Err(Fault::Inconsistent("the hold to commit was resolved before").into())
            }
        }
    }

    fn release(&mut self, order: Ordinal, reason: ReleaseReason) -> Answer<()> {
        let mut draft = Draft::default();
        let state = match reason {
            ReleaseReason::Cancelled => State::Released,
            ReleaseReason::Expired | ReleaseReason::RefundDue => State::Expired,
        };
        match self.reservation(order)?.state {
            State::Held { .. } => {
                draft.events.push(Event::StockReleased { reason });
                self.resolve(order, Change::Released, state, &mut draft)?;
            }
            // an order under review may have lost its hold at the cap
            State::Committed | State::Released | State::Expired => {}
        }
        Ok(((), draft))
    }

    fn extend(&mut self, extend: &Extend) -> Answer<()> {
        let mut draft = Draft::default();
        let held = self.reservation(extend.order)?;
        match held.state {
            State::Held { until, extended: false } if extend.until > until => {
                let state = State::Held { until: extend.until, extended: true };
                let items = Arc::clone(&held.items);
                self.stage(extend.order, Reservation { items, state }, &mut draft);
                draft.hints.push(Hint {
                    due: extend.until,
                    kind: HintKind::Hold,
                    ordinal: extend.order,
                });
            }
            State::Held { .. } | State::Committed | State::Released | State::Expired => {}
        }
        Ok(((), draft))
    }
}

fn changed(stock: &Stock) -> Event {
    Event::StockChanged { sku: stock.sku.clone(), on_hand: stock.on_hand, held: stock.held }
}

impl Actor for Inventory {
    type Context = Context<Self>;
}

impl Supervised for Inventory {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.forget();
    }
}

impl Vital for Inventory {
    const OWNER: Owner = Owner::Inventory;

    fn vitals(&self) -> &Vitals {
        &self.vitals
    }
}

impl Handler<EndTurn> for Inventory {
    type Result = ();

    fn handle(&mut self, end: EndTurn, _: &mut Self::Context) {
        match end {
            EndTurn::Keep => {
                self.stocks.keep();
                self.reservations.keep();
            }
            EndTurn::Discard => {
                self.stocks.discard();
                self.reservations.discard();
            }
            EndTurn::Forget => self.forget(),
        }
    }
}

impl Handler<Sweep> for Inventory {
    type Result = Answer<Parting>;

    fn handle(&mut self, Sweep { order }: Sweep, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        let mut draft = Draft::default();
        if let Some(reservation) = self.reservations.get(order)? {
            match reservation.state {
                State::Held { .. } => return Ok((Parting::Needed, draft)),
                State::Committed | State::Released | State::Expired => {}
            }
            draft.change(self.reservations.stage_gone(order));
        }
        Ok((Parting::Gone, draft))
    }
}

/// Sets what is on hand of a sku, which begins to exist if need be.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Set(pub StockSet);

impl Handler<Set> for Inventory {
    type Result = Answer<()>;

    fn handle(&mut self, Set(set): Set, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.set(&set)
    }
}

/// Changes what is on hand of a sku.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Adjust(pub StockAdjust);

impl Handler<Adjust> for Inventory {
    type Result = Answer<()>;

    fn handle(&mut self, Adjust(adjust): Adjust, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.adjust(&adjust)
    }
}

/// Sets stock aside for every line of an order, or for none.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Hold {
    /// The order.
    pub order: Ordinal,
    /// What it wants; several lines of a sku count together.
    pub lines: Arc<[Line]>,
    /// The hold lapses then, unless committed or extended first.
    pub until: Timestamp,
}

impl Handler<Hold> for Inventory {
    type Result = Answer<()>;

    fn handle(&mut self, hold: Hold, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.hold(&hold)
    }
}

/// Sells what is held for an order.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Commit {
    /// The order.
    pub order: Ordinal,
}

impl Handler<Commit> for Inventory {
    type Result = Answer<()>;

    fn handle(&mut self, commit: Commit, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.commit(commit.order)
    }
}

/// Gives back what is held for an order, if it still is.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Release {
    /// The order.
    pub order: Ordinal,
    /// Why.
    pub reason: ReleaseReason,
}

impl Handler<Release> for Inventory {
    type Result = Answer<()>;

    fn handle(&mut self, release: Release, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.release(release.order, release.reason)
    }
}

/// Holds on for longer; a hold is extended once.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Extend {
    /// The order.
    pub order: Ordinal,
    /// The hold lapses then.
    pub until: Timestamp,
}

impl Handler<Extend> for Inventory {
    type Result = Answer<()>;

    fn handle(&mut self, extend: Extend, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.extend(&extend)
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
        self.vitals.handled();
        Ok(self.reservations.get(look.order)?)
    }
}
