//! The flows: for each command, which owners are asked what, in which order.
//!
//! The rules decide (see [`rules`](orderly_domain::order::rules)); a flow loads what they need, carries out
//! their effects by asking the other owners, and puts the answers together into one draft.

//!
//! | module | has |
//! |---|---|
//! | `placing` | from a wish to an order that holds its stock, or is rejected |
//! | `paying` | what providers say, early, in time and late |
//! | `refunding` | money that goes back on request, goods with it |
//! | `ending` | cancelled, resolved, completed, lapsed |
//! | `retiring` | what is old: carts that nobody touches, settled orders |
//! | `effects` | carrying out what the rules decided |

mod effects;
mod ending;
mod paying;
mod placing;
mod refunding;
mod retiring;

use crate::cart::CartActor;
use crate::draft::Draft;
use crate::inventory::Inventory;
use crate::names;
use crate::notification::NotificationActor;
use crate::owner::{Answer, EndTurn, Fault, Outcome, Stop};
use crate::payment::PaymentActor;
use crate::states::{self, Shelf, States};
use actix::prelude::*;
use orderly_domain::id::OrderId;
use orderly_domain::order::{Order, Swept};
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::{Ordinal, Table};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

/// The owners that the order actor asks.
#[derive(Clone)]
pub struct Leaves {
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
    shelf: Shelf,
    orders: RefCell<States<Order>>,
    leaves: Leaves,
    terms: Terms,
}

/// An order as a flow found it.
struct Found {
    ordinal: Ordinal,
    order: Arc<Order>,
}

impl Flows {
    pub(super) fn new(shelf: Shelf, capacity: u64, leaves: Leaves, terms: Terms) -> Self {
        let orders = RefCell::new(States::new(shelf.clone(), capacity));
        Self { shelf, orders, leaves, terms }
    }

    pub(super) fn end(&self, end: EndTurn) {
        let mut orders = self.orders.borrow_mut();
        match end {
            EndTurn::Discard => orders.discard(),
            EndTurn::Forget => orders.forget(),
        }
    }

    fn place_of(&self, id: &OrderId) -> Result<Option<Ordinal>, Fault> {
        Ok(names::find(&self.shelf.borrow(), Table::Orders, id.as_str())?)
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
    fn swept_at(&self, ordinal: Ordinal) -> Result<Option<Swept>, Fault> {
        Ok(states::read(&self.shelf.borrow(), ordinal)?)
    }

    /// What stayed of the order of that id, when it was swept.
    fn swept(&self, id: &OrderId) -> Result<Option<(Ordinal, Swept)>, Fault> {
        let Some(ordinal) = self.place_of(id)? else {
            return Ok(None);
        };
        Ok(self.swept_at(ordinal)?.map(|swept| (ordinal, swept)))
    }

    /// The answer to a command on an order that is not there: it never was, or it was swept, and then nothing is allowed
    /// that its status did not allow.
    fn missing(&self, id: OrderId) -> Result<Outcome, Fault> {
        Ok(match self.swept(&id)? {
            Some((ordinal, swept)) => {
                let refusal = Refusal::with(Reason::NotAllowed, swept.status.as_str());
                Outcome::refused(refusal).about(id, Some(ordinal))
            }
            None => Outcome::refused(Refusal::new(Reason::OrderNotFound)).about(id, None),
        })
    }
}

fn absorb(draft: &mut Draft, answer: Answer<()>) -> Result<(), Fault> {
    let ((), done) = settled(answer)?;
    draft.absorb(done);
    Ok(())
}

/// An answer that no business rule can refuse here.
fn settled<T>(answer: Answer<T>) -> Result<(T, Draft), Fault> {
    match answer {
        Ok(done) => Ok(done),
        Err(Stop::Fault(fault)) => Err(fault),
        Err(Stop::Refused(Refusal { reason, detail })) => {
            tracing::error!(%reason, ?detail, "an effect was refused");
            Err(Fault::Inconsistent("an effect that the rules decided was refused"))
        }
    }
}
