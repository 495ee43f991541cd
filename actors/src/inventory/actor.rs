//! Owns the stock of every sku and the reservations of orders; the only writer of both.
//!
//! Keeps, per sku: `on_hand >= held >= 0`. What it does for orders is in
//! [`holds`](super::holds).

use crate::draft::{self, Draft};
use crate::names;
use crate::owner::{Answer, EndTurn, Fault, Owner, Parting, Stop, Sweep};
use crate::states::{self, Shelf, States};
use crate::supervisor::{Vital, Vitals};
use actix::prelude::*;
use orderly_domain::command::{StockAdjust, StockSet};
use orderly_domain::event::Event;
use orderly_domain::id::Sku;
use orderly_domain::inventory::rules::{self, Change};
use orderly_domain::inventory::{HoldState as State, Reservation, Stock};
use orderly_domain::money::{MOST_ON_HAND, OnHand};
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::{Ordinal, Table};
use quick_cache::unsync::Cache;
use std::sync::Arc;

/// The owner of all stock.
pub struct Inventory {
    shelf: Shelf,
    pub(super) stocks: States<Stock>,
    pub(super) reservations: States<Reservation>,
    /// Where skus are in the store, once a unit that named them was sealed.
    places: Cache<Sku, Ordinal>,
    pub(super) vitals: Vitals,
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
        let found = names::find(&self.shelf.borrow(), Table::Skus, sku.as_str())?;
        if let Some(ordinal) = found {
            self.places.insert(sku.clone(), ordinal);
        }
        Ok(found)
    }

    pub(super) fn known(&mut self, sku: &Sku) -> Result<(Ordinal, Arc<Stock>), Stop> {
        let unknown = || Refusal::with(Reason::UnknownSku, sku.as_str());
        let ordinal = self.place(sku)?.ok_or_else(unknown)?;
        let stock = self.stocks.get(ordinal)?.ok_or_else(unknown)?;
        Ok((ordinal, stock))
    }

    /// Changes a sku's stock, and tells when it fell low.
    pub(super) fn change(
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

    fn set(&mut self, set: &StockSet) -> Answer<()> {
        let mut draft = Draft::default();
        let (ordinal, before) = match self.place(&set.sku)? {
            Some(ordinal) => {
                let stock = self.stocks.get(ordinal)?;
                (ordinal, stock.ok_or(Fault::Inconsistent("a named sku has no stock"))?)
            }
            None => {
                let ordinal = self.shelf.borrow().next_ordinal(Table::Skus);
                draft.names.push((Table::Skus, names::name(set.sku.as_str()), ordinal));
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
