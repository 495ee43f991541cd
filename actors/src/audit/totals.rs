//! The totals of an audit: sums over the states that were read, and what is found in each state.

use super::findings::{Findings, Found};
use super::report::{Audit, Counts};
use crate::counters;
use crate::parked;
use crate::states::{self, State, part};
use crate::tables;
use orderly_domain::id::Sku;
use orderly_domain::inventory::{HoldState, Reservation, Stock};
use orderly_domain::order::{Order, OrderDetails, Status, Tombstone};
use orderly_domain::parked::ParkedOfOrder;
use orderly_domain::payment::rules::{self, Attention};
use orderly_domain::payment::{FoldedItem, FoldedSums, Payments};
use orderly_store::{Entity, Ordinal, Table, View};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Sums over the states that are included.
#[derive(Debug, Default)]
pub(super) struct Totals {
    counts: Counts,
    currencies: BTreeMap<&'static str, Account>,
    /// For each sku: the units that live orders hold, minus the units held according to its stock. Differences of 0 are
    /// not kept.
    hold_differences: BTreeMap<Ordinal, i128>,
    /// For each order: its folded attempts, refunds and disputes, minus what its payments say of them. Differences of 0 are
    /// not kept.
    folded_differences: BTreeMap<Ordinal, FoldedSums>,
    /// For each order: the parked messages that name it, minus the count of its list. Differences of 0 are not kept.
    parked_differences: BTreeMap<Ordinal, i128>,
    findings: Findings,
}

/// The money of all orders in one currency.
#[derive(Debug, Default)]
struct Account {
    orders: u64,
    paid: i128,
    refunded: i128,
}

/// Whether a state is included or excluded.
#[derive(Debug, Clone, Copy)]
enum Direction {
    Include,
    Exclude,
}

impl Direction {
    /// No sum falls below 0: a state is excluded only after it was included.
    fn add(self, sum: &mut u64, amount: u64) {
        match self {
            Self::Include => *sum += amount,
            Self::Exclude => *sum -= amount,
        }
    }

    const fn reversed(self) -> Self {
        match self {
            Self::Include => Self::Exclude,
            Self::Exclude => Self::Include,
        }
    }

    fn signed(self, amount: i128) -> i128 {
        match self {
            Self::Include => amount,
            Self::Exclude => -amount,
        }
    }
}

impl Totals {
    /// Adds a state to the sums, and records what is found in it.
    pub(super) fn include(&mut self, table: Table, entity: &Entity) -> Result<(), states::Error> {
        let found = self.add(Direction::Include, table, entity)?;
        self.findings.include((table, entity.ordinal), found);
        Ok(())
    }

    /// Subtracts a state from the sums, and drops what was found in it. `entity` must be as it was when it was included.
    pub(super) fn exclude(&mut self, table: Table, entity: &Entity) -> Result<(), states::Error> {
        let found = self.add(Direction::Exclude, table, entity)?;
        self.findings.exclude((table, entity.ordinal), &found);
        Ok(())
    }

    /// Compares the sums with each other and with the store's counters.
    pub(super) fn close(mut self, view: &View) -> Result<Audit, states::Error> {
        let (mut violations, undescribed, attention) = self.findings.close();
        for (ordinal, difference) in self.hold_differences {
            let stock: Option<Stock> = states::read(view, ordinal)?;
            violations.push(match stock {
                Some(Stock { sku, held, .. }) => {
                    format!("sku {sku}: {held} held, orders hold {}", i128::from(held) + difference)
                }
                None => {
                    format!("orders hold {difference} of a sku that does not exist: {ordinal:?}")
                }
            });
        }
        for (order, difference) in self.folded_differences {
            violations.push(format!("{order:?}: its folded items differ by {difference:?}"));
        }
        for (order, difference) in self.parked_differences {
            violations.push(format!("{order:?}: its parked messages differ by {difference}"));
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
        violations.extend(undescribed);
        let balanced = violations.is_empty();
        Ok(Audit { balanced, violations, attention, counts: self.counts })
    }

    /// Adds the state to the sums or subtracts it. Returns what the state shows by itself.
    fn add(
        &mut self,
        direction: Direction,
        table: Table,
        entity: &Entity,
    ) -> Result<Found, states::Error> {
        let mut found = Found::default();
        if entity.parts.is_empty() {
            return Ok(found);
        }
        match table {
            tables::ORDERS => self.order(direction, entity),
            tables::SKUS => self.sku(direction, entity),
            tables::CARTS => {
                direction.add(&mut self.counts.carts, 1);
                Ok(found)
            }
            tables::PARKED => {
                let about = entity.parts.iter().find(|(part, _)| *part == parked::ABOUT);
                direction.add(&mut self.counts.parked, u64::from(about.is_some()));
                let Some((_, about)) = about else { return Ok(found) };
                if let Some(link) = parked::decode(entity.ordinal, about)?.link {
                    let differences = &mut self.parked_differences;
                    add_difference(differences, Ordinal(link.order), direction.signed(1));
                }
                Ok(found)
            }
            tables::FOLDED => {
                if let Some(item) = part::<FoldedItem>(entity)? {
                    self.fold(direction, Ordinal(item.order), |sums| sums.add(&item.content));
                }
                Ok(found)
            }
            _ => {
                found.violations.push(format!("{table:?} is no table of the shop"));
                Ok(found)
            }
        }
    }

    fn order(&mut self, direction: Direction, entity: &Entity) -> Result<Found, states::Error> {
        let ordinal = entity.ordinal;
        let mut found = Found::default();
        let violations = &mut found.violations;
        let payments: Payments = part(entity)?.unwrap_or_default();
        direction.add(&mut self.counts.waiting, payments.waiting.len() as u64);
        if let Some(list) = part::<ParkedOfOrder>(entity)? {
            let count = direction.signed(-i128::from(list.count));
            add_difference(&mut self.parked_differences, ordinal, count);
        }
        if let Some(folded) = &payments.folded {
            self.fold(direction.reversed(), ordinal, |sums| *sums = folded.sums.clone());
        }
        if part::<Tombstone>(entity)?.is_some() {
            direction.add(&mut self.counts.swept, 1);
            let stay = [Tombstone::PART, ParkedOfOrder::PART];
            if entity.parts.iter().any(|(part, _)| !stay.contains(part)) {
                violations.push(format!("{ordinal:?} was deleted, but it still has parts"));
            }
        }
        let has_details = part::<OrderDetails>(entity)?.is_some();
        let Some(order) = part::<Order>(entity)? else {
            if has_details {
                found
                    .violations
                    .push(format!("{ordinal:?} has addresses or metadata, but is no order"));
            }
            return Ok(found);
        };
        let reservation: Option<Reservation> = part(entity)?;
        self.sum_up(direction, &order, reservation.as_ref());
        money(&order, &payments, violations);
        stock(ordinal, &order, reservation.as_ref(), violations);
        hold(&order, &payments, reservation.as_ref(), violations);
        let texts = attention(&order, &payments).into_iter();
        found.attention = texts.map(|text| format!("order {}: {text}", order.id)).collect();
        Ok(found)
    }

    fn sum_up(&mut self, direction: Direction, order: &Order, reservation: Option<&Reservation>) {
        let counts = &mut self.counts;
        direction.add(&mut counts.orders, 1);
        direction.add(counts.statuses.entry(order.status.as_str()).or_default(), 1);
        let account = self.currencies.entry(order.currency.code()).or_default();
        direction.add(&mut account.orders, 1);
        account.paid += direction.signed(order.paid.into());
        account.refunded += direction.signed(order.refunded.into());
        for item in reservation.iter().flat_map(|reservation| reservation.items.iter()) {
            match reservation.map(|reservation| reservation.state) {
                Some(HoldState::Held { .. }) => {
                    add_difference(
                        &mut self.hold_differences,
                        Ordinal(item.number.0),
                        direction.signed(item.quantity.into()),
                    );
                }
                Some(HoldState::Committed) => {
                    direction.add(&mut self.counts.sold, item.quantity);
                    direction.add(&mut self.counts.returned, item.returned);
                }
                Some(HoldState::Released | HoldState::Expired) | None => {}
            }
        }
    }

    /// Adds sums to the difference of an order.
    fn fold(&mut self, direction: Direction, order: Ordinal, sum: impl FnOnce(&mut FoldedSums)) {
        let mut sums = FoldedSums::default();
        sum(&mut sums);
        let difference = self.folded_differences.entry(order).or_default();
        match direction {
            Direction::Include => difference.add_all(&sums),
            Direction::Exclude => difference.subtract_all(&sums),
        }
        if *difference == FoldedSums::default() {
            self.folded_differences.remove(&order);
        }
    }

    fn sku(&mut self, direction: Direction, entity: &Entity) -> Result<Found, states::Error> {
        let mut found = Found::default();
        let Some(stock) = part::<Stock>(entity)? else {
            return Ok(found);
        };
        direction.add(&mut self.counts.skus, 1);
        direction.add(&mut self.counts.on_hand, stock.on_hand);
        direction.add(&mut self.counts.held, stock.held);
        add_difference(
            &mut self.hold_differences,
            entity.ordinal,
            direction.signed(-i128::from(stock.held)),
        );
        if stock.held > stock.on_hand {
            let Stock { sku, held, on_hand, .. } = stock;
            found.violations.push(format!("sku {sku}: {held} held, {on_hand} on hand"));
        }
        Ok(found)
    }
}

/// Adds `more` to the difference of an entity.
fn add_difference(differences: &mut BTreeMap<Ordinal, i128>, of: Ordinal, more: i128) {
    match differences.entry(of) {
        Entry::Vacant(entry) if more != 0 => drop(entry.insert(more)),
        Entry::Vacant(_) => {}
        Entry::Occupied(entry) if *entry.get() + more == 0 => drop(entry.remove()),
        Entry::Occupied(mut entry) => *entry.get_mut() += more,
    }
}

/// What of an order a person must look at, a text each.
pub fn attention(order: &Order, payments: &Payments) -> Vec<String> {
    let mut found = Vec::new();
    if order.status == Status::UnderReview {
        found.push(format!("under review since {}", order.updated_at));
    }
    found.extend(rules::attention(payments, order.currency).into_iter().map(|one| match one {
        Attention::OtherCurrency(currency, amount) => {
            format!("{} came in another currency", currency.show(amount))
        }
        Attention::TooMuchSentBack(currency, amount) => {
            format!("{} was sent back beyond what was captured", currency.show(amount))
        }
        Attention::RefundFailed(currency, amount) => {
            format!("the refund of {} failed", currency.show(amount))
        }
        Attention::NotAsked(currency, amount) => {
            format!("{} is not asked back yet", currency.show(amount))
        }
    }));
    found
}

fn money(order: &Order, payments: &Payments, violations: &mut Vec<String>) {
    let id = &order.id;
    let captured = rules::captured(payments, order.currency);
    if captured != i128::from(order.paid) {
        violations.push(format!("order {id}: paid {}, captured {captured}", order.paid));
    }
    let refunded = rules::refunded(payments, order.currency);
    if refunded != i128::from(order.refunded) {
        let counted = order.refunded;
        violations.push(format!("order {id}: refunded {counted}, refunds of {refunded}"));
    }
    if order.status == Status::Paid && !order.is_covered() {
        violations.push(format!("order {id}: status paid, net {} of {}", order.net(), order.total));
    }
    let authorized = rules::summary(payments, order.currency).authorized;
    if order.status == Status::Authorized && order.net().saturating_add(authorized) < order.total {
        let (net, total) = (order.net(), order.total);
        violations.push(format!(
            "order {id}: status authorized, net {net} and authorized {authorized} of {total}"
        ));
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
        Status::AwaitingPayment | Status::Authorized | Status::PartiallyPaid => held,
        Status::Paid | Status::Completed | Status::PartiallyRefunded => committed,
        Status::UnderReview => !committed,
        Status::Rejected => state.is_none(),
        Status::Expired | Status::Cancelled => !held && !committed,
        Status::RefundDue | Status::Refunded => !held,
    };
    if !fits {
        let state = state.map_or("none", HoldState::as_str);
        violations.push(format!(
            "order {id} ({ordinal:?}): status {}, reservation {state}",
            order.status
        ));
    }
    if let Some(reservation) = reservation {
        let mut units = BTreeMap::<&Sku, u64>::new();
        for line in order.lines.iter() {
            *units.entry(&line.sku).or_default() += u64::from(line.quantity.get());
        }
        if !units.into_iter().eq(reservation.items.iter().map(|item| (&item.sku, item.quantity))) {
            violations.push(format!("order {id}: its reservation has other units than its lines"));
        }
    }
    for item in reservation.iter().flat_map(|reservation| reservation.items.iter()) {
        let sold = if committed { item.quantity } else { 0 };
        if item.returned > sold {
            let (sku, returned) = (&item.sku, item.returned);
            violations.push(format!("order {id}: {returned} {sku} returned, {sold} sold"));
        }
    }
}

/// A hold stands without an end exactly while the order is authorized. Another is frozen exactly while an attempt is open.
fn hold(
    order: &Order,
    payments: &Payments,
    reservation: Option<&Reservation>,
    violations: &mut Vec<String>,
) {
    let Some(HoldState::Held { until, frozen, .. }) = reservation.map(|held| held.state) else {
        return;
    };
    if until.is_none() != (order.status == Status::Authorized) {
        let end = if until.is_none() { "no end" } else { "an end" };
        violations.push(format!("order {}: status {}, its hold has {end}", order.id, order.status));
    }
    if until.is_none() {
        return;
    }
    if frozen.is_some() != rules::summary(payments, order.currency).is_open {
        let problem = if frozen.is_some() {
            "its hold is frozen, no attempt is open"
        } else {
            "its hold is not frozen, an attempt is open"
        };
        violations.push(format!("order {}: {problem}", order.id));
    }
}
