//! What may happen to a cart, as pure decisions.

use super::state::{Cart, CartLine, CartStatus};
use crate::command::MOST_LINES;
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
    /// A line is this now; one of a new sku goes to the end.
    Line(CartLine),
    /// A line is gone.
    Removed(Sku),
    /// All lines are gone.
    Cleared,
    /// It became this order.
    CheckedOut(OrderId),
    /// Its order lapsed: it is open again.
    Reopened,
    /// The lines of another cart came in: these are all of them now.
    Merged {
        /// All lines.
        lines: Vec<CartLine>,
        /// Their currency.
        currency: Currency,
    },
    /// Nobody touched it for long.
    Expired,
}

/// Carries out one change.
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

/// Refuses a cart that is closed, or has another version than the producer thinks.
pub fn open(cart: &Cart, expected_version: Option<u64>) -> Result<(), Refusal> {
    match cart.status {
        CartStatus::Open => version(cart.version, expected_version),
        CartStatus::CheckedOut | CartStatus::Expired => {
            Err(Refusal::with(Reason::CartClosed, cart.status.as_str()))
        }
    }
}

/// Refuses another version than expected; a cart that is not there has 0.
pub fn version(version: u64, expected: Option<u64>) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != version => {
            Err(Refusal::with(Reason::VersionMismatch, format!("the version is {version}")))
        }
        Some(_) | None => Ok(()),
    }
}

/// What a producer says of a line, whatever the quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRequest {
    /// What to buy.
    pub sku: Sku,
    /// Price of one, in minor units.
    pub unit_price: UnitPrice,
    /// Currency of the price.
    pub currency: Currency,
    /// What it is called.
    pub name: Option<Text>,
}

/// Sets a line to `quantity`; 0 removes it.
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

/// Changes a line's quantity by `difference`; at or below 0 it is removed.
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

/// Moves the lines of `from` into `into`, both open: quantities add up; of a line that `into` has already, its price
/// and name stand. What is answered happens to `into`; `from` is cleared.
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
    /// A cart that was not touched for this long, and up to a tenth longer, expires.
    pub expire_after: Duration,
    /// A closed one is forgotten this long after it closed.
    pub keep_for: Duration,
}

/// What becomes of a cart that is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdleAction {
    /// It is open, and expires.
    Expire,
    /// It is closed, and forgotten.
    Delete,
}

/// In so many steps carts that were touched together expire. More would make as many more records of the store's timers.
const STEPS: u32 = 256;

/// What becomes of a cart that is left alone, and when. Carts that were touched together expire bit by bit, over a tenth
/// of the time: each by a part that follows from its id.
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

/// A cart may become an order when it is open and not empty.
pub fn checkout(cart: &Cart, expected_version: Option<u64>) -> Result<(), Refusal> {
    open(cart, expected_version)?;
    if cart.lines.is_empty() {
        return Err(Refusal::new(Reason::CartEmpty));
    }
    Ok(())
}

/// Its order lapsed: it opens again if it is still that order's.
pub fn reopen(cart: &Cart, order: &OrderId) -> Option<Change> {
    (cart.status == CartStatus::CheckedOut && cart.order.as_ref() == Some(order))
        .then_some(Change::Reopened)
}

#[cfg(test)]
mod tests;
