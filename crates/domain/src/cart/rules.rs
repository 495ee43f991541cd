//! The rules of carts, as pure functions: each decides on one change of a cart, or refuses it.

use super::state::{Cart, CartLine, CartStatus};
use crate::command::MOST_LINES;
use crate::expected_version;
use crate::id::{OrderId, Sku};
use crate::identity;
use crate::money::{Currency, MOST_UNITS, Quantity, UnitPrice};
use crate::text::Text;
use crate::time::Timestamp;
use crate::verdict::{Reason, Refusal};
use std::time::Duration;

/// One change of a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The line of this sku is replaced. The line of a new sku is appended.
    Line(CartLine),
    /// The line of this sku is removed.
    Removed(Sku),
    /// All lines are removed.
    Cleared,
    /// The cart became this order.
    CheckedOut(OrderId),
    /// The cart is open again, because its order expired.
    Reopened,
    /// The lines of another cart were moved into the cart.
    Merged {
        /// All lines after the merge.
        lines: Vec<CartLine>,
        /// The currency of the lines.
        currency: Currency,
    },
    /// The cart expired, because no command changed it for `carts.expire_after`.
    Expired,
}

/// Applies one change, which a rule of this module allowed, and raises the version.
pub fn apply(cart: &mut Cart, change: Change, now: Timestamp) {
    cart.version += 1;
    cart.updated_at = now;
    match change {
        Change::Line(line) => match cart.lines.iter_mut().find(|old| old.sku == line.sku) {
            Some(old) => *old = line,
            None => cart.lines.push(line),
        },
        Change::Removed(sku) => cart.lines.retain(|line| line.sku != sku),
        Change::Cleared => cart.lines.clear(),
        Change::CheckedOut(order) => {
            cart.status = CartStatus::CheckedOut;
            cart.order = Some(order);
        }
        Change::Reopened => {
            cart.status = CartStatus::Open;
            cart.order = None;
        }
        Change::Merged { lines, currency } => {
            cart.lines = lines;
            cart.currency = currency;
        }
        Change::Expired => cart.status = CartStatus::Expired,
    }
}

/// Refuses a change of a cart that is closed, or has another version than expected.
pub fn open(cart: &Cart, expected: Option<u64>) -> Result<(), Refusal> {
    match cart.status {
        CartStatus::Open => expected_version::check(cart.version, expected),
        CartStatus::CheckedOut | CartStatus::Expired => {
            Err(Refusal::with(Reason::CartClosed, cart.status.as_str()))
        }
    }
}

/// An expired cart, opened again: it is empty, and its version goes on. `None`: the cart has not expired.
pub fn open_again(cart: &Cart) -> Option<Cart> {
    (cart.status == CartStatus::Expired).then(|| Cart {
        id: cart.id.clone(),
        status: CartStatus::Open,
        version: cart.version,
        currency: cart.currency,
        lines: Vec::new(),
        order: None,
        updated_at: cart.updated_at,
    })
}

/// A line as a command describes it, without the quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRequest {
    /// The article.
    pub sku: Sku,
    /// The price of one unit, in minor units.
    pub unit_price: UnitPrice,
    /// Currency of the price.
    pub currency: Currency,
    /// The name of the article.
    pub name: Option<Text>,
}

/// Sets the quantity of a line. 0 removes the line.
pub fn put(cart: &Cart, request: LineRequest, quantity: u32) -> Result<Change, Refusal> {
    if request.currency != cart.currency {
        return Err(Refusal::with(Reason::CurrencyMismatch, cart.currency.code()));
    }
    if quantity > MOST_UNITS {
        return Err(too_many_units());
    }
    let Some(quantity) = Quantity::new(quantity) else {
        return Ok(Change::Removed(request.sku));
    };
    let known = cart.lines.iter().any(|line| line.sku == request.sku);
    if !known && cart.lines.len() == MOST_LINES {
        return Err(too_many_lines());
    }
    Ok(Change::Line(CartLine {
        sku: request.sku,
        quantity,
        unit_price: request.unit_price,
        name: request.name,
    }))
}

/// Adds `difference` to the quantity of a line. A line at or below 0 is removed.
pub fn add(cart: &Cart, request: LineRequest, difference: i32) -> Result<Change, Refusal> {
    let now = cart.lines.iter().find(|line| line.sku == request.sku);
    let now = now.map_or(0, |line| i64::from(line.quantity.get()));
    let then = (now + i64::from(difference)).max(0);
    put(cart, request, u32::try_from(then).unwrap_or(u32::MAX))
}

fn too_many_units() -> Refusal {
    Refusal::with(Reason::NotAllowed, format!("a line has at most {MOST_UNITS} units"))
}

fn too_many_lines() -> Refusal {
    Refusal::with(Reason::NotAllowed, format!("a cart has at most {MOST_LINES} lines"))
}

/// Moves the lines of `from` into `into`; both must be open. The quantities of the same sku are added, and the price
/// and the name in `into` stay. Returns the change of `into`; the caller clears `from`.
pub fn merge(from: &Cart, into: &Cart) -> Result<Change, Refusal> {
    for (field, cart) in [("from_cart_id", from), ("into_cart_id", into)] {
        if cart.status != CartStatus::Open {
            let detail = format!("{field}: {}", cart.status);
            return Err(Refusal::with(Reason::CartClosed, detail));
        }
    }
    // the currency of an empty cart is that of the lines that fill it
    let currency = match (from.lines.is_empty(), into.lines.is_empty()) {
        (_, true) => from.currency,
        (false, false) if from.currency != into.currency => {
            return Err(Refusal::with(Reason::CurrencyMismatch, into.currency.code()));
        }
        (_, false) => into.currency,
    };
    let mut lines = into.lines.clone();
    for line in &from.lines {
        match lines.iter_mut().find(|known| known.sku == line.sku) {
            Some(known) => {
                let sum = known.quantity.get() + line.quantity.get();
                known.quantity = Quantity::new(sum).ok_or_else(too_many_units)?;
            }
            None => lines.push(line.clone()),
        }
    }
    if lines.len() > MOST_LINES {
        return Err(too_many_lines());
    }
    Ok(Change::Merged { lines, currency })
}

/// How long carts are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// A cart expires when no command has changed it for this time. It may take up to a tenth longer.
    pub expire_after: Duration,
    /// A closed cart is deleted this time after it was closed.
    pub keep_for: Duration,
}

/// What happens to a cart that no command changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdleAction {
    /// The cart is open, and expires.
    Expire,
    /// The cart is closed, and is deleted.
    Delete,
}

/// Carts that changed at the same time expire in this many steps. More steps would make more records of timers in the
/// store.
const STEPS: u32 = 256;

/// What happens to a cart that no command changes, and when. Carts that changed at the same time expire one after the
/// other: each gets a delay of up to a tenth of the time, derived from its id.
pub fn idle_action(cart: &Cart, terms: Terms) -> (Timestamp, IdleAction) {
    let Terms { expire_after, keep_for } = terms;
    match cart.status {
        CartStatus::Open => {
            let step = expire_after / 10 / STEPS;
            let later = identity::spread(cart.id.as_str(), step * (STEPS - 1));
            let at = cart.updated_at.plus(expire_after).plus(later);
            (at.rounded_up(step), IdleAction::Expire)
        }
        CartStatus::CheckedOut | CartStatus::Expired => {
            (cart.updated_at.plus(keep_for), IdleAction::Delete)
        }
    }
}

/// Refuses to make an order of a cart that is closed or empty, or has another version than expected.
pub fn checkout(cart: &Cart, expected_version: Option<u64>) -> Result<(), Refusal> {
    open(cart, expected_version)?;
    if cart.lines.is_empty() {
        return Err(Refusal::new(Reason::CartEmpty));
    }
    Ok(())
}

/// Reopens the cart of an order that expired. `None`: the cart does not belong to that order any more.
pub fn reopen(cart: &Cart, order: &OrderId) -> Option<Change> {
    (cart.status == CartStatus::CheckedOut && cart.order.as_ref() == Some(order))
        .then_some(Change::Reopened)
}

#[cfg(test)]
mod tests;
