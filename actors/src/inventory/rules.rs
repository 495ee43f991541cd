//! What may happen to stock, as pure decisions.
//!
//! Keeps, per sku: `on_hand >= held >= 0`. A hold takes all lines or none.

use super::state::Stock;
use crate::verdict::{Reason, Refusal, Shortage};

/// One change of a sku's stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// On hand is this now.
    Counted(u64),
    /// The mark of `stock.low` is this now.
    Marked(u64),
    /// Units were set aside.
    Held(u64),
    /// Set-aside units were sold.
    Committed(u64),
    /// Set-aside units were given back.
    Released(u64),
}

/// Carries out one change that a decision of this module allowed.
pub fn apply(stock: &mut Stock, change: Change) {
    match change {
        Change::Counted(on_hand) => stock.on_hand = on_hand,
        Change::Marked(low_at) => stock.low_at = Some(low_at),
        Change::Held(units) => stock.held += units,
        Change::Committed(units) => {
            stock.on_hand -= units;
            stock.held -= units;
        }
        Change::Released(units) => stock.held -= units,
    }
    debug_assert!(stock.on_hand >= stock.held, "more held than on hand: {stock:?}");
}

/// On hand was counted.
pub fn set(stock: &Stock, on_hand: u64) -> Result<Change, Refusal> {
    if on_hand < stock.held {
        return Err(Refusal::with(Reason::BelowHeld, format!("{} are held", stock.held)));
    }
    Ok(Change::Counted(on_hand))
}

/// Units came in or went out.
pub fn adjust(stock: &Stock, delta: i64, most: u64) -> Result<Change, Refusal> {
    let below = || Refusal::with(Reason::BelowHeld, format!("{} are held", stock.held));
    let on_hand = stock.on_hand.checked_add_signed(delta).ok_or_else(below)?;
    if on_hand > most {
        return Err(Refusal::with(
            Reason::NotAllowed,
            format!("on hand would be {on_hand}, at most {most} are kept"),
        ));
    }
    set(stock, on_hand)
}

/// An order wants `wanted` units of each stock: all, or what is short.
pub fn hold<'a>(wanted: impl IntoIterator<Item = (&'a Stock, u64)>) -> Result<(), Vec<Shortage>> {
    let short: Vec<_> = wanted
        .into_iter()
        .filter(|(stock, wanted)| stock.available() < *wanted)
        .map(|(stock, wanted)| Shortage {
            sku: stock.sku.clone(),
            wanted,
            available: stock.available(),
        })
        .collect();
    if short.is_empty() { Ok(()) } else { Err(short) }
}

/// Whether available fell to the mark, or below it, just now.
pub fn fell_low(before: &Stock, after: &Stock) -> bool {
    after.low_at.is_some_and(|mark| {
        let was_low = before.low_at.is_some_and(|mark| before.available() <= mark);
        after.available() <= mark && !was_low
    })
}

#[cfg(test)]
mod tests;
