//! The rules of stock and reservations, as pure functions.
//!
//! Invariants: for every sku `on_hand >= held >= 0`. A hold takes all lines or none. No more units are
//! returned than were sold.
//!
//! | module | has |
//! |---|---|
//! | `amend` | how a reservation follows the lines of its order |

mod amend;

pub use amend::{Amendment, amend};

use super::state::{HoldState, Item, Reservation, Stock};
use crate::id::Sku;
use crate::time::Timestamp;
use crate::verdict::{Reason, Refusal, Shortage};
use std::collections::BTreeMap;

/// One change of a sku's stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The units on hand were set to this number.
    Counted(u64),
    /// The threshold of `stock.low` was set to this number.
    Marked(u64),
    /// Units were held.
    Held(u64),
    /// Held units were sold.
    Committed(u64),
    /// Held units were released.
    Released(u64),
    /// Sold units were returned.
    Returned(u64),
}

/// The stock after changes that rules of this module allowed. `first` is the stock before the command in hand, `before`
/// that before these changes: one command may change a sku twice. The version is one more than that of `first`, unless
/// the sku exists and looks as before the command.
pub fn changed(first: &Stock, before: &Stock, changes: impl IntoIterator<Item = Change>) -> Stock {
    let mut after = before.clone();
    for change in changes {
        apply(&mut after, change);
    }
    after.version = first.version;
    if after != *first || first.version == 0 {
        after.version += 1;
    }
    after
}

/// Applies one change, which a rule of this module allowed. The version stays.
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

/// Sets the units on hand. Refused below the held units.
pub fn set(stock: &Stock, on_hand: u64) -> Result<Change, Refusal> {
    if on_hand < stock.held {
        return Err(Refusal::with(Reason::BelowHeld, format!("{} are held", stock.held)));
    }
    Ok(Change::Counted(on_hand))
}

/// Changes the units on hand by `delta`. Refused below the held units, and above `most`.
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

/// Whether all of the wanted units are available. `wanted` are pairs of a stock and a number of units. An error lists
/// every sku that is short.
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

/// Extends a hold to `cap`, which happens once. `None`: the hold is not extended.
pub fn extend(hold: HoldState, cap: Timestamp, now: Timestamp) -> Option<HoldState> {
    match hold {
        HoldState::Held { until: Some(until), extended: false, frozen: None } if cap > until => {
            Some(HoldState::Held { until: Some(cap), extended: true, frozen: None })
        }
        // a frozen hold: when it is unfrozen, all of the time up to the cap is left
        HoldState::Held { until: Some(until), extended: false, frozen: Some(_) } => {
            let frozen = Some(until.since(now));
            Some(HoldState::Held { until: Some(until), extended: true, frozen })
        }
        HoldState::Held { .. }
        | HoldState::Committed
        | HoldState::Released
        | HoldState::Expired => None,
    }
}

/// Freezes a hold: its remaining time stands still, but the hold expires at `cap` at the latest. `None`: the hold is
/// frozen already, stands anyway, or has ended.
pub fn freeze(hold: HoldState, cap: Timestamp, now: Timestamp) -> Option<HoldState> {
    match hold {
        HoldState::Held { until: Some(until), extended, frozen: None } => {
            let frozen = Some(until.since(now));
            Some(HoldState::Held { until: Some(until.max(cap)), extended, frozen })
        }
        HoldState::Held { .. }
        | HoldState::Committed
        | HoldState::Released
        | HoldState::Expired => None,
    }
}

/// Unfreezes a hold: its remaining time runs again, up to the cap. `None`: the hold is not frozen.
pub fn unfreeze(hold: HoldState, now: Timestamp) -> Option<HoldState> {
    match hold {
        HoldState::Held { until: Some(cap), extended, frozen: Some(left) } => {
            let until = Some(now.plus(left).min(cap));
            Some(HoldState::Held { until, extended, frozen: None })
        }
        HoldState::Held { .. }
        | HoldState::Committed
        | HoldState::Released
        | HoldState::Expired => None,
    }
}

/// Lets a hold stand without an end, since authorizations cover the order. `None`: the hold has ended, or stands already.
pub fn stand(hold: HoldState) -> Option<HoldState> {
    match hold {
        HoldState::Held { until: Some(_), .. } => Some(HoldState::STANDING),
        HoldState::Held { until: None, .. }
        | HoldState::Committed
        | HoldState::Released
        | HoldState::Expired => None,
    }
}

/// Lets a hold end at `until`, as if it had begun anew. `None`: the hold has ended.
pub fn begin_again(hold: HoldState, until: Timestamp) -> Option<HoldState> {
    match hold {
        HoldState::Held { .. } => Some(HoldState::held(until)),
        HoldState::Committed | HoldState::Released | HoldState::Expired => None,
    }
}

/// Returns sold units of a reservation to stock. Gives the new items, or every sku of which more would be returned than
/// was sold, with the number that may be returned.
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

/// Whether the available units fell to the threshold of `stock.low` or below it with this change.
pub fn fell_low(before: &Stock, after: &Stock) -> bool {
    after.low_at.is_some_and(|mark| {
        let was_low = before.low_at.is_some_and(|mark| before.available() <= mark);
        after.available() <= mark && !was_low
    })
}

#[cfg(test)]
mod tests;
