//! The audit: do the books balance? Reads every state, and checks what must hold at every instant.

use crate::clock::Timestamp;
use crate::counters;
use crate::inventory::{HoldState, Reservation, Stock};
use crate::order::{Order, Status, Swept};
use crate::payment::{Attempt, Payments, RefundState};
use crate::states::{self, State};
use crate::store::{self, Entity, Ordinal, Table, View};
use serde::Serialize;
use std::collections::BTreeMap;

/// Violations that are described; of further ones there is only the number.
const DESCRIBED: usize = 100;
/// Entities read at once.
const SCAN: usize = 512;

/// What an audit found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Nothing is violated.
    pub balanced: bool,
    /// What is violated, for a person.
    pub violations: Vec<String>,
    /// What was looked at.
    pub counts: Counts,
}

/// What an audit looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Orders, rejected ones included.
    pub orders: u64,
    /// Orders in each status.
    pub statuses: BTreeMap<&'static str, u64>,
    /// Orders that were forgotten, but for their ids.
    pub swept: u64,
    /// Skus.
    pub skus: u64,
    /// Carts.
    pub carts: u64,
    /// Parked messages.
    pub parked: u64,
    /// Callbacks that wait for their order.
    pub waiting: u64,
    /// Units on hand, over all skus.
    pub on_hand: u64,
    /// Units held for orders.
    pub held: u64,
    /// Units sold: the committed reservations.
    pub sold: u64,
    /// Units of these that came back.
    pub returned: u64,
    /// Captured, by currency, in minor units.
    pub paid: BTreeMap<&'static str, i128>,
    /// Refunded, by currency, in minor units.
    pub refunded: BTreeMap<&'static str, i128>,
}

/// Why the audit could not be made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A state cannot be read.
    #[error(transparent)]
    State(#[from] states::Error),
}

/// Reads everything, and checks it.
pub fn audit(view: &View) -> Result<Audit, Error> {
    let mut auditor = Auditor::default();
    each(view, Table::Orders, |ordinal, entity| auditor.order(ordinal, entity))?;
    each(view, Table::Skus, |ordinal, entity| auditor.sku(ordinal, entity))?;
    each(view, Table::Carts, |_, _| {
        auditor.audit.counts.carts += 1;
        Ok(())
    })?;
    each(view, Table::Parked, |_, entity| {
        let is_message = entity.parts.iter().any(|(part, _)| *part == crate::parked::ABOUT);
        auditor.audit.counts.parked += u64::from(is_message);
        Ok(())
    })?;
    auditor.totals(view);
    let mut audit = auditor.audit;
    audit.balanced = audit.violations.is_empty();
    Ok(audit)
}

fn each(
    view: &View,
    table: Table,
    mut look: impl FnMut(Ordinal, &Entity) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut from = Ordinal(0);
    loop {
        let entities = view.scan(table, from, SCAN)?;
        let Some(last) = entities.last() else {
            return Ok(());
        };
        from = Ordinal(last.ordinal.0 + 1);
        for entity in &entities {
            look(entity.ordinal, entity)?;
        }
    }
}

/// The state of one kind that an entity holds.
pub fn part<S: State>(entity: &Entity) -> Result<Option<S>, states::Error> {
    let part = entity.parts.iter().find(|(part, _)| *part == S::PART);
    part.map(|(_, bytes)| states::decode(entity.ordinal, bytes)).transpose()
}

#[derive(Default)]
struct Auditor {
    audit: Audit,
    undescribed: u64,
    /// Units that live orders hold, by sku.
    held: BTreeMap<Ordinal, u64>,
}

impl Auditor {
    fn violation(&mut self, text: impl FnOnce() -> String) {
        if self.audit.violations.len() < DESCRIBED {
            self.audit.violations.push(text());
        } else {
            self.undescribed += 1;
        }
    }

    fn order(&mut self, ordinal: Ordinal, entity: &Entity) -> Result<(), Error> {
        let payments: Payments = part(entity)?.unwrap_or_default();
        self.audit.counts.waiting += payments.waiting.len() as u64;
        if part::<Swept>(entity)?.is_some() {
            self.audit.counts.swept += 1;
            if entity.parts.len() > 1 {
                self.violation(|| format!("{ordinal:?} was swept, and not all of it is gone"));
            }
        }
        let Some(order) = part::<Order>(entity)? else {
            return Ok(());
        };
        let reservation: Option<Reservation> = part(entity)?;
        self.count(&order);
        self.money(&order, &payments);
        self.stock(ordinal, &order, reservation.as_ref());
        self.hold(&order, &payments, reservation.as_ref());
        Ok(())
    }

    fn count(&mut self, order: &Order) {
        let counts = &mut self.audit.counts;
        counts.orders += 1;
        *counts.statuses.entry(order.status.as_str()).or_default() += 1;
        let currency = order.currency.code();
        *counts.paid.entry(currency).or_default() += i128::from(order.paid);
        *counts.refunded.entry(currency).or_default() += i128::from(order.refunded());
    }

    fn money(&mut self, order: &Order, payments: &Payments) {
        let id = &order.id;
        let captured: i128 = payments
            .attempts
            .iter()
            .flat_map(|attempt| &attempt.captures)
            .filter(|capture| capture.currency == order.currency)
            .map(|capture| i128::from(capture.amount))
            .sum();
        if captured != i128::from(order.paid) {
            self.violation(|| format!("order {id}: paid {}, captured {captured}", order.paid));
        }
        let refunded: i128 = payments
            .refunds
            .iter()
            .filter(|one| one.state == RefundState::Succeeded && one.currency == order.currency)
            .map(|refund| i128::from(refund.amount))
            .sum();
        if refunded != i128::from(order.sent_back) {
            self.violation(|| {
                format!("order {id}: sent back {}, refunds of {refunded}", order.sent_back)
            });
        }
        if !(0..=order.paid).contains(&order.refunded()) {
            self.violation(|| format!("order {id}: {} of {}", order.refunded(), order.paid));
        }
        if order.status == Status::Paid && order.net() < order.total {
            self.violation(|| format!("order {id}: paid with {} of {}", order.net(), order.total));
        }
    }

    fn stock(&mut self, ordinal: Ordinal, order: &Order, reservation: Option<&Reservation>) {
        let id = &order.id;
        let state = reservation.map(|reservation| reservation.state);
        let held = matches!(state, Some(HoldState::Held { .. }));
        let committed = state == Some(HoldState::Committed);
        let fits = match order.status {
            Status::AwaitingPayment | Status::PartiallyPaid => held,
            Status::Paid | Status::Completed | Status::PartiallyRefunded => committed,
            Status::UnderReview => !committed,
            Status::Rejected => state.is_none(),
            Status::Expired | Status::Cancelled => !held && !committed,
            Status::RefundDue | Status::Refunded => !held,
        };
        if !fits {
            let state = state.map_or("no reservation", HoldState::as_str);
            self.violation(|| format!("order {id} ({ordinal:?}): {} with {state}", order.status));
        }
        for item in reservation.iter().flat_map(|reservation| reservation.items.iter()) {
            if held {
                *self.held.entry(item.ordinal).or_default() += item.quantity;
            } else if committed {
                self.audit.counts.sold += item.quantity;
                self.audit.counts.returned += item.returned;
            }
            let sold = if committed { item.quantity } else { 0 };
            if item.returned > sold {
                let (sku, returned) = (&item.sku, item.returned);
                self.violation(|| format!("order {id}: {returned} {sku} came back of {sold} sold"));
            }
        }
    }

    /// The time of a hold stands still exactly while an attempt is open.
    fn hold(&mut self, order: &Order, payments: &Payments, reservation: Option<&Reservation>) {
        let Some(HoldState::Held { frozen, .. }) = reservation.map(|held| held.state) else {
            return;
        };
        if frozen.is_some() != payments.attempts.iter().any(Attempt::is_open) {
            let is = if frozen.is_some() { "stands still" } else { "goes on" };
            self.violation(|| format!("order {}: the time of its hold {is}", order.id));
        }
    }

    fn sku(&mut self, ordinal: Ordinal, entity: &Entity) -> Result<(), Error> {
        let Some(stock) = part::<Stock>(entity)? else {
            return Ok(());
        };
        let sku = &stock.sku;
        self.audit.counts.skus += 1;
        self.audit.counts.on_hand += stock.on_hand;
        self.audit.counts.held += stock.held;
        let held = self.held.remove(&ordinal).unwrap_or(0);
        if held != stock.held {
            self.violation(|| format!("sku {sku}: {} held, orders hold {held}", stock.held));
        }
        if stock.held > stock.on_hand {
            self.violation(|| format!("sku {sku}: {} held of {}", stock.held, stock.on_hand));
        }
        Ok(())
    }

    fn totals(&mut self, view: &View) {
        for (ordinal, held) in std::mem::take(&mut self.held) {
            self.violation(|| {
                format!("orders hold {held} of a sku that is not there: {ordinal:?}")
            });
        }
        for status in Status::ALL {
            let counted = counters::orders(view, *status);
            let found = self.audit.counts.statuses.get(status.as_str()).copied().unwrap_or(0);
            if counted != found {
                self.violation(|| format!("{found} orders are {status}, {counted} are counted"));
            }
        }
        let (waiting, counted) = (self.audit.counts.waiting, counters::waiting(view));
        if waiting != counted {
            self.violation(|| format!("{waiting} callbacks wait, {counted} are counted"));
        }
        if self.undescribed > 0 {
            let more = self.undescribed;
            self.audit.violations.push(format!("and {more} more"));
        }
    }
}

/// The time of the newest unit.
pub fn as_of(view: &View) -> Timestamp {
    Timestamp::from_micros(view.clock())
}
