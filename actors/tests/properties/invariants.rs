//! What must hold after every step: of the states, of the events of a unit, and of a whole history.

use crate::money::{Money, moved};
use crate::support::Shop;
use orderly_actors::counters;
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::states::{self, State};
use orderly_domain::cart::{Cart, CartStatus};
use orderly_domain::command::CallbackKind;
use orderly_domain::event::{Event, OrderChange};
use orderly_domain::id::{AttemptId, Provider};
use orderly_domain::inventory::{HoldState, Reservation, Stock};
use orderly_domain::notification::Notices;
use orderly_domain::order::{Order, Status};
use orderly_domain::payment::Payments;
use orderly_domain::payment::rules::summary;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;
use std::collections::{BTreeMap, BTreeSet};

/// All states of a kind, by the place of their entity.
fn all<S: State>(shop: &Shop) -> BTreeMap<u64, S> {
    let view = shop.sequencer.view().borrow();
    let entities = view.scan(S::TABLE, Ordinal(0), usize::MAX).expect("reads");
    let states = entities.iter().filter_map(|entity| {
        let state = states::read::<S>(&view, entity.ordinal).expect("reads");
        Some((entity.ordinal.0, state?))
    });
    states.collect()
}

/// The invariants of the design, and what the contract says of each status.
pub fn audit(shop: &Shop, money: &Money) {
    let orders = all::<Order>(shop);
    let reservations = all::<Reservation>(shop);
    let payments = all::<Payments>(shop);
    let notices = all::<Notices>(shop);
    let mut held = BTreeMap::<&str, u64>::new();
    for reservation in reservations.values() {
        if let HoldState::Held { .. } = reservation.state {
            for item in reservation.items.iter() {
                *held.entry(item.sku.as_str()).or_default() += item.quantity;
            }
        }
    }
    for (place, reservation) in &reservations {
        let mut units = BTreeMap::<&str, u64>::new();
        for line in orders.get(place).iter().flat_map(|order| order.lines.iter()) {
            *units.entry(line.sku.as_str()).or_default() += u64::from(line.quantity.get());
        }
        let items = reservation.items.iter();
        let items = items.map(|item| (item.sku.as_str(), item.quantity)).collect();
        assert_eq!(units, items, "the stock of an order is that of its lines");
    }
    for stock in all::<Stock>(shop).values() {
        assert!(stock.on_hand >= stock.held, "{stock:?}");
        let sum = held.get(stock.sku.as_str()).copied().unwrap_or_default();
        assert_eq!(stock.held, sum, "{stock:?}");
    }
    let waiting: usize = payments.values().map(|known| known.waiting.len()).sum();
    assert_eq!(counters::waiting(&shop.sequencer.view().borrow()), waiting as u64);
    for status in Status::ALL {
        let count = orders.values().filter(|order| order.status == *status).count();
        let counted = counters::orders(&shop.sequencer.view().borrow(), *status);
        assert_eq!(counted, count as u64, "{status}");
    }
    for (place, order) in &orders {
        let known = payments.get(place);
        assert!(
            known.is_none_or(|known| known.waiting.is_empty()),
            "no callback of an order that exists waits"
        );
        audit_order(order, reservations.get(place), known, money);
        let told: Vec<_> = notices.get(place).into_iter().flat_map(|n| &n.all).collect();
        let once: BTreeSet<_> = told.iter().map(|n| (n.kind, &n.reference)).collect();
        assert_eq!(once.len(), told.len(), "a customer is notified once: {told:?}");
    }
    for cart in all::<Cart>(shop).values() {
        assert_eq!(cart.order.is_some(), cart.status == CartStatus::CheckedOut);
    }
}

fn audit_order(
    order: &Order,
    reservation: Option<&Reservation>,
    payments: Option<&Payments>,
    money: &Money,
) {
    let captured = payments.into_iter().flat_map(|known| &known.attempts);
    let captured = captured.flat_map(|attempt| &attempt.captures);
    let (own, in_other_currencies): (Vec<_>, Vec<_>) =
        captured.partition(|capture| capture.currency == order.currency);
    assert_eq!(order.paid, own.iter().map(|one| one.amount).sum::<i64>());
    let has_other_currency = !in_other_currencies.is_empty();
    let counted =
        |sums: &BTreeMap<String, i64>| sums.get(order.id.as_str()).copied().unwrap_or_default();
    assert_eq!(order.paid, counted(&money.paid), "{order:?}");
    assert_eq!(order.refunded, counted(&money.refunded), "{order:?}");
    assert!(order.net() >= 0);
    let derived = payments.into_iter().flat_map(|known| &known.refunds);
    let derived = derived.filter(|refund| refund.id.as_str().starts_with("r-"));
    let derived = derived.filter(|refund| refund.currency == order.currency);
    let derived: i64 = derived.map(|refund| refund.amount).sum();
    assert!(derived <= order.auto_refunds_requested, "{order:?}");
    // other refunds have lowered the sums that are due, or may be asked back
    let mut all = payments.into_iter().flat_map(|known| &known.refunds);
    let is_plain = order.refunded == 0 && all.all(|one| one.id.as_str().starts_with("r-"));
    assert!(!is_plain || derived == order.auto_refunds_requested, "{order:?}");

    let state = reservation.map(|reservation| reservation.state);
    let held = matches!(state, Some(HoldState::Held { .. }));
    let committed = state == Some(HoldState::Committed);
    match order.status {
        Status::AwaitingPayment => assert!(held && order.paid == 0),
        Status::Authorized => {
            let open = payments.map(|known| summary(known, order.currency).authorized);
            assert!(held && order.net() + open.unwrap_or_default() >= order.total);
        }
        Status::PartiallyPaid => {
            assert!(held && 0 < order.paid && order.net() < order.total);
        }
        Status::UnderReview => assert!(!committed),
        Status::Paid | Status::Completed => {
            // a partly refunded order may be completed
            let is_less = order.status == Status::Completed && order.refunded > 0;
            assert!(committed && (order.net() >= order.total || is_less));
            let surplus = order.paid - order.total;
            assert!(
                !is_plain || order.auto_refunds_requested == surplus,
                "exactly the surplus is requested"
            );
        }
        Status::Expired | Status::Cancelled => {
            assert!(!held && !committed && order.net() == 0);
        }
        Status::Rejected => assert!(state.is_none() && order.net() == 0),
        Status::RefundDue => {
            assert!(!held && !committed && (order.net() > 0 || has_other_currency));
            assert!(
                !is_plain || order.auto_refunds_requested == order.net(),
                "exactly the net is requested"
            );
        }
        Status::PartiallyRefunded => assert!(committed && order.refunded > 0),
        Status::Refunded => assert!(!held && (order.refunded > 0 || has_other_currency)),
    }
}

/// The events of a unit must agree with each other: an order is paid only with its stock committed, and so on.
pub fn audit_entry(entry: &JournalEntry) {
    let events = &entry.record.events;
    let has = |wanted: fn(&Event) -> bool| events.iter().any(wanted);
    let paid = has(|e| matches!(e, Event::Order { change: OrderChange::Paid { .. }, .. }));
    assert_eq!(paid, has(|event| matches!(event, Event::StockCommitted)), "{entry:?}");
    let due = has(|e| matches!(e, Event::Order { change: OrderChange::RefundDue { .. }, .. }));
    let asked = has(|event| matches!(event, Event::RefundRequested { .. }));
    assert!(!due || asked, "{entry:?}");
    let amended = has(|e| matches!(e, Event::Order { change: OrderChange::Amended, .. }));
    let back = events.iter().filter(|event| matches!(event, Event::StockReturned { .. })).count();
    assert!(back == 0 || (back == 1 && (asked || amended)), "{entry:?}");
    if !moved(entry.record.verdict) && entry.record.verdict != Verdict::Waiting {
        let changed = !entry.carts.is_empty() || entry.reservation.is_some();
        assert!(!changed, "a unit that is not applied changes nothing: {entry:?}");
    }
}

/// Over the whole history, nothing that may happen once happens twice. The void of an attempt may be requested once more
/// after each authorization: that may have to be voided too.
pub fn audit_history(shop: &Shop) {
    let mut once = BTreeSet::new();
    for entry in &shop.entries {
        let order = entry.record.order.as_ref().map_or("", |order| order.as_str());
        let void = |provider: &Provider, id: &AttemptId| format!("void {order} {provider} {id}");
        for event in &entry.record.events {
            if let Event::PaymentRecorded { provider, attempt_id, kind, verdict, .. } = event
                && *kind == CallbackKind::Authorized
                && moved(*verdict)
            {
                once.remove(&void(provider, attempt_id));
            }
        }
        for event in &entry.record.events {
            let what = match event {
                Event::VoidRequested { attempt_id, provider } => {
                    void(provider.as_ref().expect("is named"), attempt_id)
                }
                Event::StockReturned { refund_id: Some(refund_id), .. } => {
                    format!("back {order} {refund_id}")
                }
                Event::NotificationRequested { notification_id, .. } => notification_id.clone(),
                _ => continue,
            };
            assert!(once.insert(what.clone()), "twice: {what}");
        }
    }
}
