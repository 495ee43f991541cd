//! Fills and closes carts; the only writer of carts.

use crate::draft::{self, Draft, Hint, HintKind};
use crate::names;
use crate::owner::{Answer, EndTurn, Fault, Owner, Stop};
use crate::states::{Shelf, States};
use crate::supervisor::{Vital, Vitals};
use actix::prelude::*;
use orderly_domain::cart::rules::{self, Change, Fate, Terms, Wish};
use orderly_domain::cart::{Cart, CartStatus};
use orderly_domain::command::{CartAdd, CartClear, CartMerge, CartPut};
use orderly_domain::event::Event;
use orderly_domain::id::{CartId, OrderId};
use orderly_domain::money::Currency;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::{Ordinal, Table};
use std::sync::Arc;

/// The owner of all carts.
pub struct CartActor {
    shelf: Shelf,
    carts: States<Cart>,
    terms: Terms,
    vitals: Vitals,
}

impl CartActor {
    /// An owner that reads from `shelf` and caches about `capacity` bytes of states.
    pub fn new(shelf: Shelf, capacity: u64, terms: Terms, vitals: Vitals) -> Self {
        Self { carts: States::new(shelf.clone(), capacity), shelf, terms, vitals }
    }

    fn place(&self, id: &CartId) -> Result<Option<Ordinal>, Stop> {
        Ok(names::find(&self.shelf.borrow(), Table::Carts, id.as_str())?)
    }

    fn find(&mut self, id: &CartId) -> Result<Option<(Ordinal, Arc<Cart>)>, Stop> {
        let Some(ordinal) = self.place(id)? else {
            return Ok(None);
        };
        Ok(self.carts.get(ordinal)?.map(|cart| (ordinal, cart)))
    }

    fn known(&mut self, id: &CartId) -> Result<(Ordinal, Arc<Cart>), Stop> {
        Ok(self.find(id)?.ok_or_else(|| Refusal::new(Reason::CartNotFound))?)
    }

    /// The cart, or a new one that is not there yet and has version 0.
    fn known_or_new(
        &mut self,
        id: &CartId,
        currency: Currency,
        now: Timestamp,
        draft: &mut Draft,
    ) -> Result<(Ordinal, Arc<Cart>), Stop> {
        let ordinal = match self.place(id)? {
            Some(ordinal) => match self.carts.get(ordinal)? {
                Some(cart) => return Ok((ordinal, cart)),
                // one of that id was swept: the id keeps its place
                None => ordinal,
            },
            None => {
                let ordinal = self.shelf.borrow().next_ordinal(Table::Carts);
                draft.names.push((Table::Carts, names::name(id.as_str()), ordinal));
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
        draft: &mut Draft,
    ) {
        crate::fault::point("cart", before.id.as_str());
        let mut cart = before.clone();
        let cart_id = cart.id.clone();
        // touches leave no hint: one that comes too early leaves the next
        let (event, begins) = match change {
            Change::Line(_) | Change::Removed(_) | Change::Cleared | Change::Merged { .. } => {
                (Event::CartChanged { cart_id }, before.version == 0)
            }
            Change::CheckedOut(_) => (Event::CartCheckedOut { cart_id }, false),
            Change::Reopened => (Event::CartReopened { cart_id }, true),
            Change::Expired => (Event::CartExpired { cart_id }, true),
        };
        draft.events.push(event);
        rules::apply(&mut cart, change, now);
        if begins {
            let (due, _) = rules::fate(&cart, self.terms);
            draft.hints.push(Hint { due, kind: HintKind::Cart, ordinal });
        }
        let cart = self.carts.stage(ordinal, cart);
        draft.change(draft::Change::Cart(ordinal, cart));
    }

    fn fill(
        &mut self,
        id: &CartId,
        wish: Wish,
        expected_version: Option<u64>,
        now: Timestamp,
        quantity: impl FnOnce(&Cart, Wish) -> Result<Change, Refusal>,
    ) -> Answer<()> {
        let mut draft = Draft::default();
        let (ordinal, cart) = self.known_or_new(id, wish.currency, now, &mut draft)?;
        rules::open(&cart, expected_version)?;
        // the currency of an empty cart is that of the line that fills it
        let cart = if cart.lines.is_empty() && cart.currency != wish.currency {
            Arc::new(Cart { currency: wish.currency, ..(*cart).clone() })
        } else {
            cart
        };
        let change = quantity(&cart, wish)?;
        self.change(ordinal, &cart, change, now, &mut draft);
        Ok(((), draft))
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

impl Vital for CartActor {
    const OWNER: Owner = Owner::Cart;

    fn vitals(&self) -> &Vitals {
        &self.vitals
    }
}

impl Handler<EndTurn> for CartActor {
    type Result = ();

    fn handle(&mut self, end: EndTurn, _: &mut Self::Context) {
        match end {
            EndTurn::Discard => self.carts.discard(),
            EndTurn::Forget => self.carts.forget(),
        }
    }
}

/// Sets a line of a cart.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Put {
    /// The command.
    pub put: CartPut,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Put> for CartActor {
    type Result = Answer<()>;

    fn handle(&mut self, Put { put, now }: Put, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        let quantity = put.quantity.get();
        let CartPut { cart_id, sku, unit_price, currency, name, expected_version, .. } = put;
        let wish = Wish { sku, unit_price, currency, name };
        self.fill(&cart_id, wish, expected_version, now, |cart, wish| {
            rules::put(cart, wish, quantity)
        })
    }
}

/// Changes the quantity of a line of a cart.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Add {
    /// The command.
    pub add: CartAdd,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Add> for CartActor {
    type Result = Answer<()>;

    fn handle(&mut self, Add { add, now }: Add, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        let difference = add.quantity.get();
        let CartAdd { cart_id, sku, unit_price, currency, name, expected_version, .. } = add;
        let wish = Wish { sku, unit_price, currency, name };
        self.fill(&cart_id, wish, expected_version, now, |cart, wish| {
            rules::add(cart, wish, difference)
        })
    }
}

/// Takes every line out of a cart.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Clear {
    /// The command.
    pub clear: CartClear,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Clear> for CartActor {
    type Result = Answer<()>;

    fn handle(&mut self, Clear { clear, now }: Clear, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        let (ordinal, cart) = self.known(&clear.cart_id)?;
        rules::open(&cart, clear.expected_version)?;
        let mut draft = Draft::default();
        self.change(ordinal, &cart, Change::Cleared, now, &mut draft);
        Ok(((), draft))
    }
}

/// Moves all lines of a cart into another.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Merge {
    /// The command.
    pub merge: CartMerge,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Merge> for CartActor {
    type Result = Answer<()>;

    fn handle(&mut self, Merge { merge, now }: Merge, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        let CartMerge { from_cart_id, into_cart_id } = merge;
        let (from_place, from) = self.known(&from_cart_id)?;
        let mut draft = Draft::default();
        let (into_place, into) =
            self.known_or_new(&into_cart_id, from.currency, now, &mut draft)?;
        let change = rules::merge(&from, &into)?;
        self.change(from_place, &from, Change::Cleared, now, &mut draft);
        self.change(into_place, &into, change, now, &mut draft);
        Ok(((), draft))
    }
}

/// Asks for a cart as it is, if it may become an order.
#[derive(Debug, Message)]
#[rtype(result = "Result<Arc<Cart>, Stop>")]
pub struct Snapshot {
    /// The cart.
    pub cart: CartId,
    /// Refused unless it has this version.
    pub expected_version: Option<u64>,
}

impl Handler<Snapshot> for CartActor {
    type Result = Result<Arc<Cart>, Stop>;

    fn handle(&mut self, snapshot: Snapshot, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        let (_, cart) = self.known(&snapshot.cart)?;
        rules::checkout(&cart, snapshot.expected_version)?;
        Ok(cart)
    }
}

/// The cart became an order: it is closed.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct CheckOut {
    /// The cart.
    pub cart: CartId,
    /// The order.
    pub order: OrderId,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<CheckOut> for CartActor {
    type Result = Answer<()>;

    fn handle(&mut self, check_out: CheckOut, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        let (ordinal, cart) = self.known(&check_out.cart)?;
        let mut draft = Draft::default();
        let change = Change::CheckedOut(check_out.order);
        self.change(ordinal, &cart, change, check_out.now, &mut draft);
        Ok(((), draft))
    }
}

/// The cart's order lapsed: it opens again, if it is still that order's.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Reopen {
    /// The cart.
    pub cart: CartId,
    /// The order that lapsed.
    pub order: OrderId,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Reopen> for CartActor {
    type Result = Answer<()>;

    fn handle(&mut self, reopen: Reopen, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        let mut draft = Draft::default();
        if let Some((ordinal, cart)) = self.find(&reopen.cart)?
            && let Some(change) = rules::reopen(&cart, &reopen.order)
        {
            self.change(ordinal, &cart, change, reopen.now, &mut draft);
        }
        Ok(((), draft))
    }
}

/// Asks what becomes of a cart when it is left alone, and when. `None`: it is gone already.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<(Arc<Cart>, Timestamp, Fate)>, Fault>")]
pub struct Look {
    /// The cart.
    pub cart: Ordinal,
}

impl Handler<Look> for CartActor {
    type Result = Result<Option<(Arc<Cart>, Timestamp, Fate)>, Fault>;

    fn handle(&mut self, look: Look, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        Ok(self.carts.get(look.cart)?.map(|cart| {
            let (at, fate) = rules::fate(&cart, self.terms);
            (cart, at, fate)
        }))
    }
}

/// Closes an open cart that nobody touched for long.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Expire {
    /// The cart.
    pub cart: Ordinal,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Expire> for CartActor {
    type Result = Answer<()>;

    fn handle(&mut self, expire: Expire, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        let missing = Fault::Inconsistent("the cart that expires is not there");
        let cart = self.carts.get(expire.cart)?.ok_or(missing)?;
        let mut draft = Draft::default();
        self.change(expire.cart, &cart, Change::Expired, expire.now, &mut draft);
        Ok(((), draft))
    }
}

/// Forgets a cart; its id may begin a new one.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Sweep {
    /// The cart.
    pub cart: Ordinal,
}

impl Handler<Sweep> for CartActor {
    type Result = Answer<()>;

    fn handle(&mut self, sweep: Sweep, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        let mut draft = Draft::default();
        draft.change(self.carts.stage_gone(sweep.cart));
        Ok(((), draft))
    }
}
