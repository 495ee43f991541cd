//! Fills and closes carts; the only writer of carts.

use crate::changeset::{Changeset, NewTimer, TimerKind};
use crate::names::{self, Place};
use crate::outcome::{CommandError, Fault, Reply};
use crate::owner::Owner;
use crate::owner_actor::{owner_actor, replies};
use crate::states::{Rollback, SharedView, StateCache};
use crate::supervisor::ActorStats;
use crate::tables;
use actix::prelude::*;
use orderly_domain::cart::rules::{self, Change, IdleAction, LineRequest, Terms};
use orderly_domain::cart::{Cart, CartStatus};
use orderly_domain::command::{CartAdd, CartClear, CartMerge, CartPut};
use orderly_domain::event::Event;
use orderly_domain::id::{CartId, OrderId};
use orderly_domain::money::Currency;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::Ordinal;
use std::sync::Arc;

/// The owner of all carts.
pub struct CartActor {
    view: SharedView,
    carts: StateCache<Cart>,
    terms: Terms,
    stats: ActorStats,
}

owner_actor!(CartActor, Owner::Cart);

replies! {
    CartActor:
    Put => put,
    Add => add,
    Clear => clear,
    Merge => merge,
    GetForCheckout => get_for_checkout,
    CheckOut => check_out,
    Reopen => reopen,
    GetIdleAction => get_idle_action,
    Expire => expire,
    Delete => delete,
}

/// Sets a line of a cart.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Put {
    /// The command.
    pub put: CartPut,
    /// The unit's time.
    pub now: Timestamp,
}

/// Changes the quantity of a line of a cart.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Add {
    /// The command.
    pub add: CartAdd,
    /// The unit's time.
    pub now: Timestamp,
}

/// Removes every line of a cart.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Clear {
    /// The command.
    pub clear: CartClear,
    /// The unit's time.
    pub now: Timestamp,
}

/// Moves all lines of a cart into another cart.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Merge {
    /// The command.
    pub merge: CartMerge,
    /// The unit's time.
    pub now: Timestamp,
}

/// Asks for a cart that is to become an order. Refused if the cart is closed or empty.
#[derive(Debug, Message)]
#[rtype(result = "Result<Arc<Cart>, CommandError>")]
pub struct GetForCheckout {
    /// The cart.
    pub cart: CartId,
    /// Refused unless the cart has this version.
    pub expected_version: Option<u64>,
}

/// Closes a cart that became an order.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct CheckOut {
    /// The cart.
    pub cart: CartId,
    /// The order.
    pub order: OrderId,
    /// The unit's time.
    pub now: Timestamp,
}

/// Reopens the cart of an order that expired, unless the cart became another order since.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Reopen {
    /// The cart.
    pub cart: CartId,
    /// The order that expired.
    pub order: OrderId,
    /// The unit's time.
    pub now: Timestamp,
}

/// Asks what happens to a cart that no command changes, and when. `None`: the cart was deleted.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<(Arc<Cart>, Timestamp, IdleAction)>, Fault>")]
pub struct GetIdleAction {
    /// The cart.
    pub cart: Ordinal,
}

/// Expires an open cart that no command changed for `carts.expire_after`.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Expire {
    /// The cart.
    pub cart: Ordinal,
    /// The unit's time.
    pub now: Timestamp,
}

/// Deletes a closed cart. The next command with its id begins a new cart.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Delete {
    /// The cart.
    pub cart: Ordinal,
}

impl CartActor {
    /// An owner that reads from `view` and caches about `capacity` bytes of carts.
    pub fn new(view: SharedView, capacity: u64, terms: Terms, stats: ActorStats) -> Self {
        Self { carts: StateCache::new(view.clone(), capacity), view, terms, stats }
    }

    fn roll_back(&mut self, rollback: Rollback) {
        self.carts.roll_back(rollback);
    }

    fn find(&mut self, id: &CartId) -> Result<Option<(Ordinal, Arc<Cart>)>, CommandError> {
        let found = names::find(&self.view.borrow(), tables::CARTS, id.as_str())?;
        let Some(ordinal) = found else {
            return Ok(None);
        };
        Ok(self.carts.get(ordinal)?.map(|cart| (ordinal, cart)))
    }

    fn existing(&mut self, id: &CartId) -> Result<(Ordinal, Arc<Cart>), CommandError> {
        Ok(self.find(id)?.ok_or_else(|| Refusal::new(Reason::CartNotFound))?)
    }

    /// The cart, or a new one of version 0, which is not stored yet.
    fn existing_or_new(
        &mut self,
        id: &CartId,
        currency: Currency,
        now: Timestamp,
        changeset: &mut Changeset,
    ) -> Result<(Ordinal, Arc<Cart>), CommandError> {
        let place = changeset.find_or_create(&self.view.borrow(), tables::CARTS, id.as_str())?;
        if let Place::Known(ordinal) = place
            && let Some(cart) = self.carts.get(ordinal)?
        {
            return Ok((ordinal, cart));
        }
        // the id of a deleted cart keeps its ordinal
        let cart = Cart {
            id: id.clone(),
            status: CartStatus::Open,
            version: 0,
            currency,
            lines: Vec::new(),
            order: None,
            updated_at: now,
        };
        Ok((place.ordinal(), Arc::new(cart)))
    }

    fn change(
        &mut self,
        ordinal: Ordinal,
        before: &Cart,
        change: Change,
        now: Timestamp,
        changeset: &mut Changeset,
    ) -> Arc<Cart> {
        crate::failpoints::hit("cart", before.id.as_str());
        let mut cart = before.clone();
        let cart_id = cart.id.clone();
        // one timer for each cart is enough: a timer that fires too early sets the next one
        let (event, sets_timer) = match change {
            Change::Line(_) | Change::Removed(_) | Change::Cleared | Change::Merged { .. } => {
                (Event::CartChanged { cart_id }, before.version == 0)
            }
            Change::CheckedOut(_) => (Event::CartCheckedOut { cart_id }, false),
            Change::Reopened => (Event::CartReopened { cart_id }, true),
            Change::Expired => (Event::CartExpired { cart_id }, true),
        };
        changeset.events.push(event);
        rules::apply(&mut cart, change, now);
        if sets_timer {
            self.set_idle_timer(ordinal, &cart, changeset);
        }
        changeset.stage(&mut self.carts, ordinal, cart)
    }

    fn set_idle_timer(&self, ordinal: Ordinal, cart: &Cart, changeset: &mut Changeset) {
        let (due, _) = rules::idle_action(cart, self.terms);
        changeset.timers.push(NewTimer { due, kind: TimerKind::Cart, ordinal });
    }

    fn change_line(
        &mut self,
        id: &CartId,
        line: LineRequest,
        expected_version: Option<u64>,
        now: Timestamp,
        decide: impl FnOnce(&Cart, LineRequest) -> Result<Change, Refusal>,
    ) -> Reply<()> {
        let mut changeset = Changeset::default();
        let (ordinal, cart) = self.existing_or_new(id, line.currency, now, &mut changeset)?;
        let opened = rules::open_again(&cart).map(Arc::new);
        let opens_again = opened.is_some();
        let cart = opened.unwrap_or(cart);
        rules::open(&cart, expected_version)?;
        // an empty cart takes the currency of its first line
        let cart = if cart.lines.is_empty() && cart.currency != line.currency {
            Arc::new(Cart { currency: line.currency, ..(*cart).clone() })
        } else {
            cart
        };
        let change = decide(&cart, line)?;
        if opens_again {
            changeset.events.push(Event::CartReopened { cart_id: id.clone() });
        }
        let cart = self.change(ordinal, &cart, change, now, &mut changeset);
        if opens_again {
            self.set_idle_timer(ordinal, &cart, &mut changeset);
        }
        Ok(((), changeset))
    }

    fn put(&mut self, Put { put, now }: Put) -> Reply<()> {
        let quantity = put.quantity.get();
        let CartPut { cart_id, sku, unit_price, currency, name, expected_version, .. } = put;
        let line = LineRequest { sku, unit_price, currency, name };
        self.change_line(&cart_id, line, expected_version, now, |cart, line| {
            rules::put(cart, line, quantity)
        })
    }

    fn add(&mut self, Add { add, now }: Add) -> Reply<()> {
        let difference = add.quantity.get();
        let CartAdd { cart_id, sku, unit_price, currency, name, expected_version, .. } = add;
        let line = LineRequest { sku, unit_price, currency, name };
        self.change_line(&cart_id, line, expected_version, now, |cart, line| {
            rules::add(cart, line, difference)
        })
    }

    fn clear(&mut self, Clear { clear, now }: Clear) -> Reply<()> {
        let (ordinal, cart) = self.existing(&clear.cart_id)?;
        rules::open(&cart, clear.expected_version)?;
        let mut changeset = Changeset::default();
        self.change(ordinal, &cart, Change::Cleared, now, &mut changeset);
        Ok(((), changeset))
    }

    fn merge(&mut self, Merge { merge, now }: Merge) -> Reply<()> {
        let CartMerge { from_cart_id, into_cart_id } = merge;
        let (from_ordinal, from) = self.existing(&from_cart_id)?;
        let mut changeset = Changeset::default();
        let (into_ordinal, into) =
            self.existing_or_new(&into_cart_id, from.currency, now, &mut changeset)?;
        let change = rules::merge(&from, &into)?;
        self.change(from_ordinal, &from, Change::Cleared, now, &mut changeset);
        self.change(into_ordinal, &into, change, now, &mut changeset);
        Ok(((), changeset))
    }

    fn get_for_checkout(
        &mut self,
        GetForCheckout { cart: id, expected_version }: GetForCheckout,
    ) -> Result<Arc<Cart>, CommandError> {
        let (_, cart) = self.existing(&id)?;
        rules::checkout(&cart, expected_version)?;
        Ok(cart)
    }

    fn check_out(&mut self, CheckOut { cart, order, now }: CheckOut) -> Reply<()> {
        let (ordinal, cart) = self.existing(&cart)?;
        let mut changeset = Changeset::default();
        self.change(ordinal, &cart, Change::CheckedOut(order), now, &mut changeset);
        Ok(((), changeset))
    }

    fn reopen(&mut self, Reopen { cart, order, now }: Reopen) -> Reply<()> {
        let mut changeset = Changeset::default();
        if let Some((ordinal, cart)) = self.find(&cart)?
            && let Some(change) = rules::reopen(&cart, &order)
        {
            self.change(ordinal, &cart, change, now, &mut changeset);
        }
        Ok(((), changeset))
    }

    fn get_idle_action(
        &mut self,
        GetIdleAction { cart }: GetIdleAction,
    ) -> Result<Option<(Arc<Cart>, Timestamp, IdleAction)>, Fault> {
        Ok(self.carts.get(cart)?.map(|cart| {
            let (at, action) = rules::idle_action(&cart, self.terms);
            (cart, at, action)
        }))
    }

    fn expire(&mut self, Expire { cart: ordinal, now }: Expire) -> Reply<()> {
        let missing = Fault::Inconsistent("the cart that expires does not exist");
        let cart = self.carts.get(ordinal)?.ok_or(missing)?;
        let mut changeset = Changeset::default();
        self.change(ordinal, &cart, Change::Expired, now, &mut changeset);
        Ok(((), changeset))
    }

    #[expect(clippy::unnecessary_wraps, reason = "every owner replies with a result")]
    fn delete(&mut self, Delete { cart }: Delete) -> Reply<()> {
        let mut changeset = Changeset::default();
        changeset.delete(&mut self.carts, cart);
        Ok(((), changeset))
    }
}
