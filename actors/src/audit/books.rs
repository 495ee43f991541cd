//! The books of an audit: sums over states, from which a state can be taken out again, and what each state violates.

use super::report::{Audit, Counts};
use crate::counters;
use crate::parked;
use crate::states::{self, part};
use crate::tables;
use orderly_domain::inventory::{HoldState, Reservation, Stock};
use orderly_domain::order::{Order, Status, Tombstone};
use orderly_domain::payment::{Attempt, Payments, RefundState};
use orderly_store::{Entity, Ordinal, Table, View};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Entities whose violations are described; of further ones there is only the number.
const DESCRIBED: usize = 100;

/// Sums over the states that were put in.
#[derive(Debug, Default)]
pub(super) struct Books {
    counts: Counts,
    currencies: BTreeMap<&'static str, Account>,
    /// Units that live orders hold of a sku, less those that its stock says are held. Those that agree are not kept.
    unclear: BTreeMap<Ordinal, i128>,
    violations: BTreeMap<(Table, Ordinal), Vec<String>>,
    undescribed: u64,
}

/// The money of all orders in one currency.
#[derive(Debug, Default)]
struct Account {
    orders: u64,
    paid: i128,
    refunded: i128,
}

/// Whether a state is put in or taken out.
#[derive(Debug, Clone, Copy)]
enum Direction {
    In,
    Out,
}

impl Direction {
    /// What is taken out was put in before, so no sum falls below zero.
    fn add(self, sum: &mut u64, amount: u64) {
        match self {
            Self::In => *sum += amount,
            Self::Out => *sum -= amount,
        }
    }

    fn signed(self, amount: i128) -> i128 {
        match self {
            Self::In => amount,
            Self::Out => -amount,
        }
    }
}

impl Books {
    /// Adds what a state says, and notes what it violates.
    pub(super) fn put_in(&mut self, table: Table, entity: &Entity) -> Result<(), states::Error> {
        let violations = self.add(Direction::In, table, entity)?;
        if violations.is_empty() {
            return Ok(());
        }
        if self.violations.len() < DESCRIBED {
            self.violations.insert((table, entity.ordinal), violations);
        } else {
            self.undescribed += 1;
        }
        Ok(())
    }

    /// Takes out what a state said when it was put in.
    pub(super) fn take_out(&mut self, table: Table, entity: &Entity) -> Result<(), states::Error> {
        let violations = self.add(Direction::Out, table, entity)?;
        if !violations.is_empty() && self.violations.remove(&(table, entity.ordinal)).is_none() {
            self.undescribed = self.undescribed.saturating_sub(1);
        }
        Ok(())
    }

    /// Compares the sums with each other and with the store's own.
    pub(super) fn close(mut self, view: &View) -> Result<Audit, states::Error> {
        let mut violations: Vec<_> = self.violations.into_values().flatten().collect();
        for (ordinal, unclear) in self.unclear {
            let stock: Option<Stock> = states::read(view, ordinal)?;
            violations.push(match stock {
                Some(Stock { sku, held, .. }) => {
                    format!("sku {sku}: {held} held, orders hold {}", i128::from(held) + unclear)
                }
                None => format!("orders hold {unclear} of a sku that does not exist: {ordinal:?}"),
            });
        }
        self.counts.statuses.retain(|_, orders| *orders > 0);
        for (currency, account) in self.currencies {
            if account.orders > 0 {
                self.counts.paid.insert(currency, account.paid);
                self.counts.refunded.insert(currency, account.refunded);
            }
        }
        for status in Status::ALL {
            let counted = counters::orders(view, *status);
            let found = self.counts.statuses.get(status.as_str()).copied().unwrap_or(0);
            if counted != found {
                violations.push(format!("{found} orders are {status}, {counted} are counted"));
            }
        }
        let (waiting, counted) = (self.counts.waiting, counters::waiting(view));
        if waiting != counted {
            violations.push(format!("{waiting} callbacks wait, {counted} are counted"));
        }
        if self.undescribed > 0 {
            violations.push(format!("and {} more", self.undescribed));
        }
        Ok(Audit { balanced: violations.is_empty(), violations, counts: self.counts })
    }

    /// Adds to the sums, and says what the state violates on its own.
    fn add(
        &mut self,
        direction: Direction,
        table: Table,
        entity: &Entity,
    ) -> Result<Vec<String>, states::Error> {
        if entity.parts.is_empty() {
            return Ok(Vec::new());
        }
        match table {
            tables::ORDERS => self.order(direction, entity),
            tables::SKUS => self.sku(direction, entity),
            tables::CARTS => {
                direction.add(&mut self.counts.carts, 1);
                Ok(Vec::new())
            }
            tables::PARKED => {
                let is_message = entity.parts.iter().any(|(part, _)| *part == parked::ABOUT);
                direction.add(&mut self.counts.parked, u64::from(is_message));
                Ok(Vec::new())
            }
            _ => Ok(vec![format!("{table:?} is none of the shop's")]),
        }
    }

    fn order(
        &mut self,
        direction: Direction,
        entity: &Entity,
    ) -> Result<Vec<String>, states::Error> {
        let ordinal = entity.ordinal;
        let mut violations = Vec::new();
        let payments: Payments = part(entity)?.unwrap_or_default();
        direction.add(&mut self.counts.waiting, payments.waiting.len() as u64);
        if part::<Tombstone>(entity)?.is_some() {
            direction.add(&mut self.counts.swept, 1);
            if entity.parts.len() > 1 {
                violations.push(format!("{ordinal:?} was deleted, and not all of its parts are"));
            }
        }
        let Some(order) = part::<Order>(entity)? else {
            return Ok(violations);
        };
        let reservation: Option<Reservation> = part(entity)?;
        self.sum_up(direction, &order, reservation.as_ref());
        money(&order, &payments, &mut violations);
        stock(ordinal, &order, reservation.as_ref(), &mut violations);
        hold(&order, &payments, reservation.as_ref(), &mut violations);
        Ok(violations)
    }

    fn sum_up(&mut self, direction: Direction, order: &Order, reservation: Option<&Reservation>) {
        let counts = &mut self.counts;
        direction.add(&mut counts.orders, 1);
        direction.add(counts.statuses.entry(order.status.as_str()).or_default(), 1);
        let account = self.currencies.entry(order.currency.code()).or_default();
        direction.add(&mut account.orders, 1);
        account.paid += direction.signed(order.paid.into());
        account.refunded += direction.signed(order.refunded().into());
        for item in reservation.iter().flat_map(|reservation| reservation.items.iter()) {
            match reservation.map(|reservation| reservation.state) {
                Some(HoldState::Held { .. }) => {
                    self.holds(Ordinal(item.number.0), direction.signed(item.quantity.into()));
                }
                Some(HoldState::Committed) => {
                    direction.add(&mut self.counts.sold, item.quantity);
                    direction.add(&mut self.counts.returned, item.returned);
                }
                Some(HoldState::Released | HoldState::Expired) | None => {}
            }
        }
    }

    /// Orders hold so many units more of a sku, or its stock says that so many fewer are held.
    fn holds(&mut self, sku: Ordinal, more: i128) {
        match self.unclear.entry(sku) {
            Entry::Vacant(entry) if more != 0 => drop(entry.insert(more)),
            Entry::Vacant(_) => {}
            Entry::Occupied(entry) if *entry.get() + more == 0 => drop(entry.remove()),
            Entry::Occupied(mut entry) => *entry.get_mut() += more,
        }
    }

    fn sku(&mut self, direction: Direction, entity: &Entity) -> Result<Vec<String>, states::Error> {
        let Some(stock) = part::<Stock>(entity)? else {
            return Ok(Vec::new());
        };
        direction.add(&mut self.counts.skus, 1);
        direction.add(&mut self.counts.on_hand, stock.on_hand);
        direction.add(&mut self.counts.held, stock.held);
        self.holds(entity.ordinal, direction.signed(-i128::from(stock.held)));
        let mut violations = Vec::new();
        if stock.held > stock.on_hand {
            let Stock { sku, held, on_hand, .. } = stock;
            violations.push(format!("sku {sku}: {held} held of {on_hand}"));
        }
        Ok(violations)
    }
}

fn money(order: &Order, payments: &Payments, violations: &mut Vec<String>) {
    let id = &order.id;
    let captured: i128 = payments
        .attempts
        .iter()
        .flat_map(|attempt| &attempt.captures)
        .filter(|capture| capture.currency == order.currency)
        .map(|capture| i128::from(capture.amount))
        .sum();
    if captured != i128::from(order.paid) {
        violations.push(format!("order {id}: paid {}, captured {captured}", order.paid));
    }
    let refunded: i128 = payments
        .refunds
        .iter()
        .filter(|one| one.state == RefundState::Succeeded && one.currency == order.currency)
        .map(|refund| i128::from(refund.amount))
        .sum();
    if refunded != i128::from(order.refunds_succeeded) {
        let counted = order.refunds_succeeded;
        violations.push(format!("order {id}: refunded {counted}, refunds of {refunded}"));
    }
    if !(0..=order.paid).contains(&order.refunded()) {
        violations.push(format!("order {id}: {} of {}", order.refunded(), order.paid));
    }
    if order.status == Status::Paid && order.net() < order.total {
        violations.push(format!("order {id}: paid with {} of {}", order.net(), order.total));
    }
}

fn stock(
    ordinal: Ordinal,
    order: &Order,
    reservation: Option<&Reservation>,
    violations: &mut Vec<String>,
) {
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
        violations.push(format!("order {id} ({ordinal:?}): {} with {state}", order.status));
    }
    for item in reservation.iter().flat_map(|reservation| reservation.items.iter()) {
        let sold = if committed { item.quantity } else { 0 };
        if item.returned > sold {
            let (sku, returned) = (&item.sku, item.returned);
            violations.push(format!("order {id}: {returned} {sku} came back of {sold} sold"));
        }
    }
}

/// The time of a hold stands still exactly while an attempt is open.
fn hold(
    order: &Order,
    payments: &Payments,
    reservation: Option<&Reservation>,
    violations: &mut Vec<String>,
) {
    let Some(HoldState::Held { frozen, .. }) = reservation.map(|held| held.state) else {
        return;
    };
    if frozen.is_some() != payments.attempts.iter().any(Attempt::is_open) {
        let is = if frozen.is_some() { "stands still" } else { "runs" };
        violations.push(format!("order {}: the time of its hold {is}", order.id));
    }
}
