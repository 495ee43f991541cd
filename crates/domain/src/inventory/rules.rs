//! What may happen to stock and to reservations, as pure decisions.
//!
//! Keeps, per sku: `on_hand >= held >= 0`. A hold takes all lines or none, and no more comes
//! back than was sold.

use super::state::{HoldState, Item, Reservation, Stock};
use crate::id::Sku;
use crate::time::Timestamp;
use crate::verdict::{Reason, Refusal, Shortage};
use std::collections::BTreeMap;

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
    /// Sold units came back.
    Returned(u64),
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
        Change::Returned(units) => stock.on_hand += units,
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

/// A hold goes on until `cap`, once. `None`: it does not.
pub fn extend(hold: HoldState, cap: Timestamp, now: Timestamp) -> Option<HoldState> {
    match hold {
        HoldState::Held { until, extended: false, frozen: None } if cap > until => {
            Some(HoldState::Held { until: cap, extended: true, frozen: None })
        }
        // its time stands still: what goes on later is all that is left until the cap
        HoldState::Held { until, extended: false, frozen: Some(_) } => {
            Some(HoldState::Held { until, extended: true, frozen: Some(until.since(now)) })
        }
        HoldState::Held { .. }
        | HoldState::Committed
        | HoldState::Released
        | HoldState::Expired => None,
    }
}

/// The time of a hold stands still; it lapses at `cap` all the same. `None`: it stood already.
pub fn freeze(hold: HoldState, cap: Timestamp, now: Timestamp) -> Option<HoldState> {
    match hold {
        HoldState::Held { until, extended, frozen: None } => {
            let frozen = Some(until.since(now));
            Some(HoldState::Held { until: until.max(cap), extended, frozen })
        }
        HoldState::Held { frozen: Some(_), .. }
        | HoldState::Committed
        | HoldState::Released
        | HoldState::Expired => None,
    }
}

/// The time that was left of a frozen hold goes on, up to the cap. `None`: it was not frozen.
pub fn unfreeze(hold: HoldState, now: Timestamp) -> Option<HoldState> {
    match hold {
        HoldState::Held { until: cap, extended, frozen: Some(left) } => {
            Some(HoldState::Held { until: now.plus(left).min(cap), extended, frozen: None })
        }
        HoldState::Held { frozen: None, .. }
        | HoldState::Committed
        | HoldState::Released
        | HoldState::Expired => None,
    }
}

/// Units that were sold with a reservation come back: its items as they are now, if no sku comes
/// back more often than it was sold; else those that do, with what may come.
pub fn take_back(
    sold: Option<&Reservation>,
    wanted: &BTreeMap<&Sku, u64>,
) -> Result<Vec<Item>, Vec<Shortage>> {
    let items = sold
        .filter(|reservation| reservation.state == HoldState::Committed)
        .map_or(&[][..], |reservation| &reservation.items);
    let out = |sku: &Sku| {
        let item = items.iter().find(|item| item.sku == *sku);
        item.map_or(0, |item| item.quantity - item.returned)
    };
    let too_many: Vec<_> = wanted
        .iter()
        .map(|(sku, wanted)| Shortage { sku: (*sku).clone(), wanted: *wanted, available: out(sku) })
        .filter(|one| one.wanted > one.available)
        .collect();
    if too_many.is_empty() { Ok(items.to_vec()) } else { Err(too_many) }
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
