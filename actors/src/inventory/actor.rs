//! Owns the stock of every sku and the reservations of orders; the only writer of both.
//!
//! Invariant: for every sku `on_hand >= held >= 0`. The requests about orders are in
//! [`holds`](super::holds).

use crate::changeset::Changeset;
use crate::names::{self, Place};
use crate::outcome::{CommandError, DeleteOrderData, DeleteReply, Fault, Reply};
use crate::owner::Owner;
use crate::owner_actor::{owner_actor, replies};
use crate::states::{self, Rollback, SharedView, StateCache};
use crate::supervisor::ActorStats;
use crate::tables;
use actix::prelude::*;
use orderly_domain::command::{StockAdjust, StockSet};
use orderly_domain::event::Event;
use orderly_domain::expected_version;
use orderly_domain::id::Sku;
use orderly_domain::inventory::rules::{self, Change};
use orderly_domain::inventory::{HoldState as State, Reservation, Stock};
use orderly_domain::money::{MOST_ON_HAND, OnHand};
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::Ordinal;
use quick_cache::unsync::Cache;
use std::sync::Arc;

/// The owner of all stock.
pub struct InventoryActor {
    view: SharedView,
    pub(super) stocks: StateCache<Stock>,
    pub(super) reservations: StateCache<Reservation>,
    /// The ordinals of skus that the store knows.
    ordinals: Cache<Sku, Ordinal>,
    pub(super) stats: ActorStats,
}

/// Skus whose ordinals are cached.
const CACHED_ORDINALS: usize = 50_000;

owner_actor!(InventoryActor, Owner::Inventory);

replies! {
    InventoryActor:
    Set => set,
    Adjust => adjust,
    DeleteOrderData => delete_order_data,
}

/// Sets the units on hand of a sku. A sku that is not known yet is created.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Set(pub StockSet);

/// Changes the units on hand of a sku.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Adjust(pub StockAdjust);

impl InventoryActor {
    /// An owner that reads from `view` and caches about so many bytes of stock and of reservations.
    pub fn new(view: SharedView, (stock, reservations): (u64, u64), stats: ActorStats) -> Self {
        Self {
            stocks: StateCache::new(view.clone(), stock),
            reservations: StateCache::new(view.clone(), reservations),
            ordinals: Cache::new(CACHED_ORDINALS),
            view,
            stats,
        }
    }

    fn roll_back(&mut self, rollback: Rollback) {
        self.stocks.roll_back(rollback);
        self.reservations.roll_back(rollback);
        match rollback {
            Rollback::Staged => {}
            Rollback::All => self.ordinals = Cache::new(CACHED_ORDINALS),
        }
    }

    fn ordinal_of(&mut self, sku: &Sku) -> Result<Option<Ordinal>, states::Error> {
        if let Some(ordinal) = self.ordinals.get(sku) {
            return Ok(Some(*ordinal));
        }
        let found = names::find(&self.view.borrow(), tables::SKUS, sku.as_str())?;
        if let Some(ordinal) = found {
            self.ordinals.insert(sku.clone(), ordinal);
        }
        Ok(found)
    }

    /// The stock of a sku; refused when the sku is unknown.
    pub(super) fn existing(&mut self, sku: &Sku) -> Result<(Ordinal, Arc<Stock>), CommandError> {
        let unknown = || Refusal::with(Reason::UnknownSku, sku.as_str());
        let ordinal = self.ordinal_of(sku)?.ok_or_else(unknown)?;
        let stock = self.stocks.get(ordinal)?.ok_or_else(unknown)?;
        Ok((ordinal, stock))
    }

    /// Changes the stock of a sku, and emits `stock.low` if the stock became low.
    pub(super) fn change(
        &mut self,
        ordinal: Ordinal,
        before: &Stock,
        changes: impl IntoIterator<Item = Change>,
        changeset: &mut Changeset,
    ) -> Result<Arc<Stock>, CommandError> {
        crate::failpoints::hit("inventory", before.sku.as_str());
        let first = self.stocks.before_command(ordinal)?;
        let after = rules::changed(first.as_deref().unwrap_or(before), before, changes);
        if rules::fell_low(before, &after) {
            let (sku, available) = (after.sku.clone(), after.available());
            let version = Some(after.version);
            changeset.events.push(Event::StockLow { sku, available, version });
        }
        Ok(changeset.stage(&mut self.stocks, ordinal, after))
    }

    fn set(&mut self, Set(set): Set) -> Reply<()> {
        let mut changeset = Changeset::default();
        let sku = set.sku.as_str();
        let place = changeset.find_or_create(&self.view.borrow(), tables::SKUS, sku)?;
        let before = match place {
            Place::Known(ordinal) => {
                let stock = self.stocks.get(ordinal)?;
                stock.ok_or(Fault::Inconsistent("a named sku has no stock"))?
            }
            Place::New(_) => {
                let sku = set.sku.clone();
                Arc::new(Stock { sku, on_hand: 0, held: 0, low_at: None, version: 0 })
            }
        };
        expected_version::check(before.version, set.expected_version)?;
        let counted = rules::set(&before, set.on_hand.get())?;
        let marked = set.low_at.map(|low_at| Change::Marked(low_at.get()));
        let changes = [counted].into_iter().chain(marked);
        let after = self.change(place.ordinal(), &before, changes, &mut changeset)?;
        changeset.events.insert(0, changed(&after));
        Ok(((), changeset))
    }

    fn adjust(&mut self, Adjust(adjust): Adjust) -> Reply<()> {
        let mut changeset = Changeset::default();
        let (ordinal, before) = self.existing(&adjust.sku)?;
        let change = rules::adjust(&before, adjust.delta.get(), MOST_ON_HAND)?;
        debug_assert_eq!(OnHand::MOST, MOST_ON_HAND);
        let after = self.change(ordinal, &before, [change], &mut changeset)?;
        changeset.events.insert(0, changed(&after));
        Ok(((), changeset))
    }

    fn delete_order_data(&mut self, delete: DeleteOrderData) -> Reply<DeleteReply> {
        let mut changeset = Changeset::default();
        if let Some(reservation) = self.reservations.get(delete.order)? {
            match reservation.state {
                State::Held { .. } => return Ok((DeleteReply::InUse, changeset)),
                State::Committed | State::Released | State::Expired => {}
            }
            changeset.delete(&mut self.reservations, delete.order);
        }
        Ok((DeleteReply::Deleted, changeset))
    }
}

fn changed(stock: &Stock) -> Event {
    let Stock { sku, on_hand, held, version, low_at: _ } = stock;
    Event::StockChanged {
        sku: sku.clone(),
        on_hand: *on_hand,
        held: *held,
        version: Some(*version),
    }
}
