//! The flows: for each command, which owners are asked what, in which order.
//!
//! The rules decide (see [`rules`](orderly_domain::order::rules)); a flow loads what they need, carries out
//! their effects by asking the other owners, and puts the answers together into one changeset.

//!
//! | module | has |
//! |---|---|
//! | `placing` | from a wish to an order that holds its stock, or is rejected |
//! | `paying` | what providers say, early, in time and late |
//! | `refunding` | money that goes back on request, goods with it |
//! | `ending` | cancelled, resolved, completed, lapsed |
//! | `retention` | what is old: carts that nobody touches, settled orders |
//! | `effects` | carrying out what the rules decided |

mod effects;
mod ending;
mod paying;
mod placing;
mod refunding;
mod retention;

use crate::cart::CartActor;
use crate::changeset::Changeset;
use crate::inventory::Inventory;
use crate::names;
use crate::notification::NotificationActor;
use crate::payment::PaymentActor;
use crate::states::{self, SharedView, StateCache};
use crate::tables;
use crate::turn::{CommandError, Fault, Outcome, Reply, Rollback};
use actix::prelude::*;
use orderly_domain::id::OrderId;
use orderly_domain::order::{Order, Tombstone};
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::Ordinal;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

/// The owners that the order actor asks.
#[derive(Clone)]
pub struct OwnerAddrs {
    /// Of carts.
    pub cart: Addr<CartActor>,
    /// Of stock.
    pub inventory: Addr<Inventory>,
    /// Of payments.
    pub payment: Addr<PaymentActor>,
    /// Of notifications.
    pub notification: Addr<NotificationActor>,
}

/// What the shop grants its customers.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long stock is held for an order, unless the order says otherwise.
    pub hold_for: Duration,
    /// How long a hold may last at most, from the placing.
    pub hold_cap: Duration,
    /// What to do with money that comes after the hold ran out.
    pub late_payment: LatePayment,
    /// A settled order is forgotten this long after it last changed, but for its id.
    pub keep_for: Duration,
}

/// What to do with money that comes after the hold ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatePayment {
    /// Hold the stock again if it is there; refund otherwise.
    Rehold,
    /// Refund.
    Refund,
}

/// What the flows share.
pub(super) struct Flows {
    view: SharedView,
    orders: RefCell<StateCache<Order>>,
    owners: OwnerAddrs,
    terms: Terms,
}

/// An order as a flow found it.
struct Found {
    ordinal: Ordinal,
    order: Arc<Order>,
}

impl Flows {
    pub(super) fn new(view: SharedView, capacity: u64, owners: OwnerAddrs, terms: Terms) -> Self {
        let orders = RefCell::new(StateCache::new(view.clone(), capacity));
        Self { view, orders, owners, terms }
    }

    pub(super) fn roll_back(&self, rollback: Rollback) {
        let mut orders = self.orders.borrow_mut();
        match rollback {
            Rollback::Staged => orders.discard(),
            Rollback::All => orders.forget(),
        }
    }

    fn place_of(&self, id: &OrderId) -> Result<Option<Ordinal>, Fault> {
        Ok(names::find(&self.view.borrow(), tables::ORDERS, id.as_str())?)
    }

    fn load(&self, ordinal: Ordinal) -> Result<Option<Arc<Order>>, Fault> {
        Ok(self.orders.borrow_mut().get(ordinal)?)
    }

    /// The order of that id; a place alone (callbacks wait there) is no order.
    fn find(&self, id: &OrderId) -> Result<Option<Found>, Fault> {
        let Some(ordinal) = self.place_of(id)? else {
            return Ok(None);
        };
        Ok(self.load(ordinal)?.map(|order| Found { ordinal, order }))
    }

    /// What stayed of an order that was swept.
    fn tombstone_at(&self, ordinal: Ordinal) -> Result<Option<Tombstone>, Fault> {
        Ok(states::read(&self.view.borrow(), ordinal)?)
    }

    /// What stayed of the order of that id, when it was swept.
    fn tombstone(&self, id: &OrderId) -> Result<Option<(Ordinal, Tombstone)>, Fault> {
        let Some(ordinal) = self.place_of(id)? else {
            return Ok(None);
        };
        Ok(self.tombstone_at(ordinal)?.map(|tombstone| (ordinal, tombstone)))
    }

    /// The reply to a command on an order that is not there: it never was, or it was swept, and then nothing is allowed
    /// that its status did not allow.
    fn missing(&self, id: OrderId) -> Result<Outcome, Fault> {
        Ok(match self.tombstone(&id)? {
            Some((ordinal, tombstone)) => {
                let refusal = Refusal::with(Reason::NotAllowed, tombstone.status.as_str());
                Outcome::refused(refusal).about(id, Some(ordinal))
            }
            None => Outcome::refused(Refusal::new(Reason::OrderNotFound)).about(id, None),
        })
    }
}

fn merge_accepted(changeset: &mut Changeset, reply: Reply<()>) -> Result<(), Fault> {
    let ((), done) = accepted(reply)?;
    changeset.merge(done);
    Ok(())
}

/// A reply that no business rule can refuse here.
fn accepted<T>(reply: Reply<T>) -> Result<(T, Changeset), Fault> {
    match reply {
        Ok(done) => Ok(done),
        Err(CommandError::Fault(fault)) => Err(fault),
        Err(CommandError::Refused(Refusal { reason, detail })) => {
            tracing::error!(%reason, ?detail, "an effect was refused");
            Err(Fault::Inconsistent("an effect that the rules decided was refused"))
        }
    }
}
