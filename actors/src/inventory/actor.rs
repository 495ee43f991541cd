//! Owns the stock of every sku and the reservations of orders; the only writer of both.
//!
//! Keeps, per sku: `on_hand >= held >= 0`. What it does for orders is in
//! [`holds`](super::holds).

use crate::changeset::{self, Changeset};
use crate::names;
use crate::owner::Owner;
use crate::states::{self, SharedView, StateCache};
use crate::supervisor::{ActorStats, Monitored};
use crate::tables;
use crate::turn::{CommandError, DeleteOrderData, DeleteReply, Fault, Reply, Rollback};
use actix::prelude::*;
use orderly_domain::command::{StockAdjust, StockSet};
use orderly_domain::event::Event;
use orderly_domain::id::Sku;
use orderly_domain::inventory::rules::{self, Change};
use orderly_domain::inventory::{HoldState as State, Reservation, Stock};
use orderly_domain::money::{MOST_ON_HAND, OnHand};
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::Ordinal;
use quick_cache::unsync::Cache;
use std::sync::Arc;

/// The owner of all stock.
pub struct Inventory {
    view: SharedView,
    pub(super) stocks: StateCache<Stock>,
    pub(super) reservations: StateCache<Reservation>,
    /// Where skus are in the store, once a unit that named them was sealed.
    places: Cache<Sku, Ordinal>,
    pub(super) stats: ActorStats,
}

/// Skus whose place is remembered.
const PLACES: usize = 50_000;

impl Inventory {
    /// An owner that reads from `view` and caches about `capacity` bytes of states.
    pub fn new(view: SharedView, capacity: u64, stats: ActorStats) -> Self {
        Self {
            stocks: StateCache::new(view.clone(), capacity / 2),
            reservations: StateCache::new(view.clone(), capacity / 2),
            places: Cache::new(PLACES),
            view,
            stats,
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
        let found = names::find(&self.view.borrow(), tables::SKUS, sku.as_str())?;
        if let Some(ordinal) = found {
            self.places.insert(sku.clone(), ordinal);
        }
        Ok(found)
    }

    pub(super) fn known(&mut self, sku: &Sku) -> Result<(Ordinal, Arc<Stock>), CommandError> {
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
        changeset: &mut Changeset,
    ) -> Arc<Stock> {
        crate::failpoints::hit("inventory", before.sku.as_str());
        let mut after = before.clone();
        for change in changes {
            rules::apply(&mut after, change);
        }
        if rules::fell_low(before, &after) {
            let available = after.available();
            changeset.events.push(Event::StockLow { sku: after.sku.clone(), available });
        }
        let after = self.stocks.stage(ordinal, after);
        changeset.change(changeset::Change::Stock(ordinal, Arc::clone(&after)));
        after
    }

    fn set(&mut self, set: &StockSet) -> Reply<()> {
        let mut changeset = Changeset::default();
        let (ordinal, before) = match self.place(&set.sku)? {
            Some(ordinal) => {
                let stock = self.stocks.get(ordinal)?;
                (ordinal, stock.ok_or(Fault::Inconsistent("a named sku has no stock"))?)
            }
            None => {
                let ordinal = self.view.borrow().next_ordinal(tables::SKUS);
                changeset.names.push((tables::SKUS, names::name(set.sku.as_str()), ordinal));
                let stock = Stock { sku: set.sku.clone(), on_hand: 0, held: 0, low_at: None };
                (ordinal, Arc::new(stock))
            }
        };
        let counted = rules::set(&before, set.on_hand.get())?;
        let marked = set.low_at.map(|low_at| Change::Marked(low_at.get()));
        let after =
            self.change(ordinal, &before, [counted].into_iter().chain(marked), &mut changeset);
        changeset.events.insert(0, changed(&after));
        Ok(((), changeset))
    }

    fn adjust(&mut self, adjust: &StockAdjust) -> Reply<()> {
        let mut changeset = Changeset::default();
        let (ordinal, before) = self.known(&adjust.sku)?;
        let change = rules::adjust(&before, adjust.delta.get(), MOST_ON_HAND)?;
        debug_assert_eq!(OnHand::MOST, MOST_ON_HAND);
        let after = self.change(ordinal, &before, [change], &mut changeset);
        changeset.events.insert(0, changed(&after));
        Ok(((), changeset))
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

impl Monitored for Inventory {
    const OWNER: Owner = Owner::Inventory;

    fn stats(&self) -> &ActorStats {
        &self.stats
    }
}

impl Handler<Rollback> for Inventory {
    type Result = ();

    fn handle(&mut self, rollback: Rollback, _: &mut Self::Context) {
        match rollback {
            Rollback::Staged => {
                self.stocks.discard();
                self.reservations.discard();
            }
            Rollback::All => self.forget(),
        }
    }
}

impl Handler<DeleteOrderData> for Inventory {
    type Result = Reply<DeleteReply>;

    fn handle(
        &mut self,
        DeleteOrderData { order }: DeleteOrderData,
        _: &mut Self::Context,
    ) -> Self::Result {
        self.stats.handled();
        let mut changeset = Changeset::default();
        if let Some(reservation) = self.reservations.get(order)? {
            match reservation.state {
                State::Held { .. } => return Ok((DeleteReply::InUse, changeset)),
                State::Committed | State::Released | State::Expired => {}
            }
            changeset.delete(self.reservations.stage_deleted(order));
        }
        Ok((DeleteReply::Deleted, changeset))
    }
}

/// Sets what is on hand of a sku, which begins to exist if need be.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Set(pub StockSet);

impl Handler<Set> for Inventory {
    type Result = Reply<()>;

    fn handle(&mut self, Set(set): Set, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.set(&set)
    }
}

/// Changes what is on hand of a sku.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Adjust(pub StockAdjust);

impl Handler<Adjust> for Inventory {
    type Result = Reply<()>;

    fn handle(&mut self, Adjust(adjust): Adjust, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.adjust(&adjust)
    }
}
