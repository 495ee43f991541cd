//! What the flows share: the orders, the other owners, and the terms of the shop.

use crate::cart::CartActor;
use crate::failpoints;
use crate::inventory::InventoryActor;
use crate::names;
use crate::notification::NotificationActor;
use crate::outcome::{Fault, Outcome};
use crate::payment::PaymentActor;
use crate::states::{self, Rollback, SharedView, StateCache};
use crate::supervisor::OwnerAddr;
use crate::tables;
use orderly_domain::id::OrderId;
use orderly_domain::order::{ConfirmOn, Order, OrderDetails, Tombstone};
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::Ordinal;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

/// The owners that the order actor asks.
#[derive(Clone)]
pub struct OwnerAddrs {
    /// Of carts.
    pub cart: OwnerAddr<CartActor>,
    /// Of stock.
    pub inventory: OwnerAddr<InventoryActor>,
    /// Of payments.
    pub payment: OwnerAddr<PaymentActor>,
    /// Of notifications.
    pub notification: OwnerAddr<NotificationActor>,
}

/// What the shop grants its customers.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long stock is held for an order, unless the order says otherwise.
    pub hold_for: Duration,
    /// How long a hold may last at most, from the placing.
    pub hold_cap: Duration,
    /// What to do with money that is captured after the hold expired.
    pub late_payment: LatePayment,
    /// What confirms an order, unless the order says otherwise.
    pub confirm_on: ConfirmOn,
    /// A settled order is deleted this long after it last changed. Its id stays taken.
    pub keep_for: Duration,
}

/// What to do with money that comes after the hold expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatePayment {
    /// Hold the stock again if it is there; refund otherwise.
    Rehold,
    /// Refund.
    Refund,
}

/// What the flows share.
pub(in crate::order) struct Flows {
    pub(super) view: SharedView,
    pub(super) orders: RefCell<StateCache<Order>>,
    pub(super) owners: OwnerAddrs,
    pub(super) terms: Terms,
}

/// An order that exists.
pub(super) struct Found {
    pub(super) ordinal: Ordinal,
    pub(super) order: Arc<Order>,
}

impl Flows {
    pub(in crate::order) fn new(
        view: SharedView,
        capacity: u64,
        owners: OwnerAddrs,
        terms: Terms,
    ) -> Self {
        let orders = RefCell::new(StateCache::new(view.clone(), capacity));
        Self { view, orders, owners, terms }
    }

    pub(in crate::order) fn roll_back(&self, rollback: Rollback) {
        self.orders.borrow_mut().roll_back(rollback);
    }

    /// Runs the flow of a command on the order of that id, or refuses the command when there is no
    /// such order.
    pub(super) async fn with_order(
        &self,
        id: OrderId,
        flow: impl AsyncFnOnce(Found) -> Result<Outcome, Fault>,
    ) -> Result<Outcome, Fault> {
        failpoints::hit("order", id.as_str());
        match self.find(&id)? {
            Some(found) => flow(found).await,
            None => self.refuse_missing(id),
        }
    }

    /// Refuses a command on an order that does not exist. Of a deleted order the status is known:
    /// the command is refused as that status refuses it.
    fn refuse_missing(&self, id: OrderId) -> Result<Outcome, Fault> {
        Ok(match self.tombstone(&id)? {
            Some((ordinal, tombstone)) => {
                let detail = format!("{}; nothing is possible", tombstone.status);
                let refusal = Refusal::with(Reason::NotAllowed, detail);
                Outcome::refused(refusal).about(id, Some(ordinal))
            }
            None => Outcome::refused(Refusal::new(Reason::OrderNotFound)).about(id, None),
        })
    }

    pub(super) fn ordinal_of(&self, id: &OrderId) -> Result<Option<Ordinal>, Fault> {
        Ok(names::find(&self.view.borrow(), tables::ORDERS, id.as_str())?)
    }

    pub(super) fn load(&self, ordinal: Ordinal) -> Result<Option<Arc<Order>>, Fault> {
        Ok(self.orders.borrow_mut().get(ordinal)?)
    }

    /// The order with that id. An ordinal without a state is not an order: callbacks may wait for it.
    pub(super) fn find(&self, id: &OrderId) -> Result<Option<Found>, Fault> {
        let Some(ordinal) = self.ordinal_of(id)? else {
            return Ok(None);
        };
        Ok(self.load(ordinal)?.map(|order| Found { ordinal, order }))
    }

    pub(super) fn tombstone_at(&self, ordinal: Ordinal) -> Result<Option<Tombstone>, Fault> {
        Ok(states::read(&self.view.borrow(), ordinal)?)
    }

    /// Addresses and metadata of the order, if it has any, as they were before the command in hand.
    pub(super) fn details(&self, ordinal: Ordinal) -> Result<Option<OrderDetails>, Fault> {
        Ok(states::read(&self.view.borrow(), ordinal)?)
    }

    /// The tombstone of the order of that id, when the order was deleted.
    pub(super) fn tombstone(&self, id: &OrderId) -> Result<Option<(Ordinal, Tombstone)>, Fault> {
        let Some(ordinal) = self.ordinal_of(id)? else {
            return Ok(None);
        };
        Ok(self.tombstone_at(ordinal)?.map(|tombstone| (ordinal, tombstone)))
    }
}
