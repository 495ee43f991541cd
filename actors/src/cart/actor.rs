//! Fills and closes carts; the only writer of carts.

use crate::changeset::{self, Changeset, NewTimer, TimerKind};
use crate::names;
use crate::owner::Owner;
use crate::states::{SharedView, StateCache};
use crate::supervisor::{ActorStats, Monitored};
use crate::tables;
use crate::turn::{CommandError, Fault, Reply, Rollback};
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

impl CartActor {
    /// An owner that reads from `view` and caches about `capacity` bytes of states.
    pub fn new(view: SharedView, capacity: u64, terms: Terms, stats: ActorStats) -> Self {
        Self { carts: StateCache::new(view.clone(), capacity), view, terms, stats }
    }

    fn place(&self, id: &CartId) -> Result<Option<Ordinal>, CommandError> {
        Ok(names::find(&self.view.borrow(), tables::CARTS, id.as_str())?)
    }

    fn find(&mut self, id: &CartId) -> Result<Option<(Ordinal, Arc<Cart>)>, CommandError> {
        let Some(ordinal) = self.place(id)? else {
            return Ok(None);
        };
        Ok(self.carts.get(ordinal)?.map(|cart| (ordinal, cart)))
    }

    fn known(&mut self, id: &CartId) -> Result<(Ordinal, Arc<Cart>), CommandError> {
        Ok(self.find(id)?.ok_or_else(|| Refusal::new(Reason::CartNotFound))?)
    }

    /// The cart, or a new one that is not there yet and has version 0.
    fn known_or_new(
        &mut self,
        id: &CartId,
        currency: Currency,
        now: Timestamp,
        changeset: &mut Changeset,
    ) -> Result<(Ordinal, Arc<Cart>), CommandError> {
        let ordinal = match self.place(id)? {
            Some(ordinal) => match self.carts.get(ordinal)? {
                Some(cart) => return Ok((ordinal, cart)),
                // one of that id was swept: the id keeps its place
                None => ordinal,
            },
            None => {
                let ordinal = self.view.borrow().next_ordinal(tables::CARTS);
                changeset.names.push((tables::CARTS, names::name(id.as_str()), ordinal));
                ordinal
            }
        };
        let cart = Cart {
            id: id.clone(),
            status: CartStatus::Open,
            version: 0,
            currency,
            lines: Vec::new(),
            order: None,
            updated_at: now,
        };
        Ok((ordinal, Arc::new(cart)))
    }

    fn change(
        &mut self,
        ordinal: Ordinal,
        before: &Cart,
        change: Change,
        now: Timestamp,
        changeset: &mut Changeset,
    ) {
        crate::failpoints::hit("cart", before.id.as_str());
        let mut cart = before.clone();
        let cart_id = cart.id.clone();
        // touches leave no timer: one that comes too early leaves the next
        let (event, begins) = match change {
            Change::Line(_) | Change::Removed(_) | Change::Cleared | Change::Merged { .. } => {
                (Event::CartChanged { cart_id }, before.version == 0)
            }
            Change::CheckedOut(_) => (Event::CartCheckedOut { cart_id }, false),
            Change::Reopened => (Event::CartReopened { cart_id }, true),
            Change::Expired => (Event::CartExpired { cart_id }, true),
        };
        changeset.events.push(event);
        rules::apply(&mut cart, change, now);
        if begins {
            let (due, _) = rules::idle_action(&cart, self.terms);
            changeset.timers.push(NewTimer { due, kind: TimerKind::Cart, ordinal });
        }
        let cart = self.carts.stage(ordinal, cart);
        changeset.change(changeset::Change::Cart(ordinal, cart));
    }

    fn fill(
        &mut self,
        id: &CartId,
        line: LineRequest,
        expected_version: Option<u64>,
        now: Timestamp,
        quantity: impl FnOnce(&Cart, LineRequest) -> Result<Change, Refusal>,
    ) -> Reply<()> {
        let mut changeset = Changeset::default();
        let (ordinal, cart) = self.known_or_new(id, line.currency, now, &mut changeset)?;
        rules::open(&cart, expected_version)?;
        // the currency of an empty cart is that of the line that fills it
        let cart = if cart.lines.is_empty() && cart.currency != line.currency {
            Arc::new(Cart { currency: line.currency, ..(*cart).clone() })
        } else {
            cart
        };
        let change = quantity(&cart, line)?;
        self.change(ordinal, &cart, change, now, &mut changeset);
        Ok(((), changeset))
    }
}

impl Actor for CartActor {
    type Context = Context<Self>;
}

impl Supervised for CartActor {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.carts.forget();
    }
}

impl Monitored for CartActor {
    const OWNER: Owner = Owner::Cart;

    fn stats(&self) -> &ActorStats {
        &self.stats
    }
}

impl Handler<Rollback> for CartActor {
    type Result = ();

    fn handle(&mut self, rollback: Rollback, _: &mut Self::Context) {
        match rollback {
            Rollback::Staged => self.carts.discard(),
            Rollback::All => self.carts.forget(),
        }
    }
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

impl Handler<Put> for CartActor {
    type Result = Reply<()>;

    fn handle(&mut self, Put { put, now }: Put, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        let quantity = put.quantity.get();
        let CartPut { cart_id, sku, unit_price, currency, name, expected_version, .. } = put;
        let line = LineRequest { sku, unit_price, currency, name };
        self.fill(&cart_id, line, expected_version, now, |cart, line| {
            rules::put(cart, line, quantity)
        })
    }
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

impl Handler<Add> for CartActor {
    type Result = Reply<()>;

    fn handle(&mut self, Add { add, now }: Add, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        let difference = add.quantity.get();
        let CartAdd { cart_id, sku, unit_price, currency, name, expected_version, .. } = add;
        let line = LineRequest { sku, unit_price, currency, name };
        self.fill(&cart_id, line, expected_version, now, |cart, line| {
            rules::add(cart, line, difference)
        })
    }
}

/// Takes every line out of a cart.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Clear {
    /// The command.
    pub clear: CartClear,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Clear> for CartActor {
    type Result = Reply<()>;

    fn handle(&mut self, Clear { clear, now }: Clear, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        let (ordinal, cart) = self.known(&clear.cart_id)?;
        rules::open(&cart, clear.expected_version)?;
        let mut changeset = Changeset::default();
        self.change(ordinal, &cart, Change::Cleared, now, &mut changeset);
        Ok(((), changeset))
    }
}

/// Moves all lines of a cart into another.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Merge {
    /// The command.
    pub merge: CartMerge,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Merge> for CartActor {
    type Result = Reply<()>;

    fn handle(&mut self, Merge { merge, now }: Merge, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        let CartMerge { from_cart_id, into_cart_id } = merge;
        let (from_place, from) = self.known(&from_cart_id)?;
        let mut changeset = Changeset::default();
        let (into_place, into) =
            self.known_or_new(&into_cart_id, from.currency, now, &mut changeset)?;
        let change = rules::merge(&from, &into)?;
        self.change(from_place, &from, Change::Cleared, now, &mut changeset);
        self.change(into_place, &into, change, now, &mut changeset);
        Ok(((), changeset))
    }
}

/// Asks for a cart as it is, if it may become an order.
#[derive(Debug, Message)]
#[rtype(result = "Result<Arc<Cart>, CommandError>")]
pub struct Snapshot {
    /// The cart.
    pub cart: CartId,
    /// Refused unless it has this version.
    pub expected_version: Option<u64>,
}

impl Handler<Snapshot> for CartActor {
    type Result = Result<Arc<Cart>, CommandError>;

    fn handle(&mut self, snapshot: Snapshot, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        let (_, cart) = self.known(&snapshot.cart)?;
        rules::checkout(&cart, snapshot.expected_version)?;
        Ok(cart)
    }
}

/// The cart became an order: it is closed.
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

impl Handler<CheckOut> for CartActor {
    type Result = Reply<()>;

    fn handle(&mut self, check_out: CheckOut, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        let (ordinal, cart) = self.known(&check_out.cart)?;
        let mut changeset = Changeset::default();
        let change = Change::CheckedOut(check_out.order);
        self.change(ordinal, &cart, change, check_out.now, &mut changeset);
        Ok(((), changeset))
    }
}

/// The cart's order lapsed: it opens again, if it is still that order's.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Reopen {
    /// The cart.
    pub cart: CartId,
    /// The order that lapsed.
    pub order: OrderId,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Reopen> for CartActor {
    type Result = Reply<()>;

    fn handle(&mut self, reopen: Reopen, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        let mut changeset = Changeset::default();
        if let Some((ordinal, cart)) = self.find(&reopen.cart)?
            && let Some(change) = rules::reopen(&cart, &reopen.order)
        {
            self.change(ordinal, &cart, change, reopen.now, &mut changeset);
        }
        Ok(((), changeset))
    }
}

/// Asks what becomes of a cart when it is left alone, and when. `None`: it is gone already.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<(Arc<Cart>, Timestamp, IdleAction)>, Fault>")]
pub struct Look {
    /// The cart.
    pub cart: Ordinal,
}

impl Handler<Look> for CartActor {
    type Result = Result<Option<(Arc<Cart>, Timestamp, IdleAction)>, Fault>;

    fn handle(&mut self, look: Look, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        Ok(self.carts.get(look.cart)?.map(|cart| {
            let (at, idle_action) = rules::idle_action(&cart, self.terms);
            (cart, at, idle_action)
        }))
    }
}

/// Closes an open cart that nobody touched for long.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Expire {
    /// The cart.
    pub cart: Ordinal,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Expire> for CartActor {
    type Result = Reply<()>;

    fn handle(&mut self, expire: Expire, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        let missing = Fault::Inconsistent("the cart that expires is not there");
        let cart = self.carts.get(expire.cart)?.ok_or(missing)?;
        let mut changeset = Changeset::default();
        self.change(expire.cart, &cart, Change::Expired, expire.now, &mut changeset);
        Ok(((), changeset))
    }
}

/// Forgets a cart; its id may begin a new one.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Delete {
    /// The cart.
    pub cart: Ordinal,
}

impl Handler<Delete> for CartActor {
    type Result = Reply<()>;

    fn handle(&mut self, delete: Delete, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        let mut changeset = Changeset::default();
        changeset.delete(self.carts.stage_deleted(delete.cart));
        Ok(((), changeset))
    }
}
