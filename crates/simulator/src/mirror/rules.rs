//! How one state of an entity may follow another.

use super::Change;
use orderly_domain::event::{Event, OrderChange};
use orderly_domain::inventory::{HoldState, Stock};
use orderly_domain::notification::{Notice, Notices};
use orderly_domain::order::{Order, Status};
use orderly_domain::payment::{CaptureIdentity, Payments};
use orderly_domain::record::UnitRecord;
use std::collections::BTreeSet;

/// No more is held than is there, and the version counts the changes that a reader sees.
pub(super) fn check_stock(before: Option<&Stock>, after: &Stock) {
    assert!(after.on_hand >= after.held, "more is held than is there: {after:?}");
    let version = before.map_or(0, |before| before.version);
    let visible = |stock: &Stock| (stock.on_hand, stock.held, stock.low_at);
    let shows = before.is_none_or(|before| visible(before) != visible(after));
    let expected = if shows { version + 1 } else { version };
    assert_eq!(after.version, expected, "a sku's version counts its changes: {after:?}");
}

/// A reservation resolves once; only one that expired is made anew, to be sold at once.
pub(super) fn check_hold(before: Option<HoldState>, after: HoldState) {
    use HoldState::{Committed, Expired, Held, Released};
    let is_legal = match (before, after) {
        // A hold without an end begins anew when authorizations cover the order no more. Sold goods may come back.
        (Some(Held { until: None, .. }), _)
        | (Some(Held { .. }), Held { until: None, .. } | Committed | Released | Expired)
        | (None | Some(Expired | Committed), Committed) => true,
        (Some(Held { extended, .. }), Held { extended: still, .. }) => still || !extended,
        (None, Held { extended, .. }) => !extended,
        _ => false,
    };
    assert!(is_legal, "a reservation went from {before:?} to {after:?}");
}

/// Every capture is counted once: by its id where it has one, which is its attempt's, else by the
/// event that told of it, which is its provider's.
pub(super) fn check_captures(payments: &Payments) {
    let mut seen = BTreeSet::new();
    for attempt in &payments.attempts {
        let (provider, name) = (attempt.provider.as_str(), attempt.id.as_str());
        for capture in &attempt.captures {
            let what = match &capture.identity {
                CaptureIdentity::Capture(id) => (provider, Some(name), id.as_str()),
                CaptureIdentity::Event(id) => (provider, None, id.as_str()),
            };
            assert!(seen.insert(what), "a capture is counted twice: {what:?}");
        }
    }
    let refunds: BTreeSet<_> = payments
        .refunds
        .iter()
        .map(|refund| (refund.id.as_str(), refund.provider.as_ref(), refund.attempt.as_ref()))
        .collect();
    assert_eq!(refunds.len(), payments.refunds.len(), "a refund is at an attempt twice");
}

/// A notification that was requested stays requested, once.
pub(super) fn check_notices(before: Option<&Notices>, after: &Notices) {
    let name = |notice: &Notice| (notice.id.clone(), notice.kind, notice.reference.clone());
    let known: Vec<_> = before.map_or(&[][..], |before| &before.all).iter().map(name).collect();
    let all: Vec<_> = after.all.iter().map(name).collect();
    assert!(all.starts_with(&known), "a notification was forgotten or renamed");
    let kinds: BTreeSet<_> = all.iter().map(|(_, kind, reference)| (kind, reference)).collect();
    assert_eq!(kinds.len(), all.len(), "a notification was requested twice");
}

/// Paid only when covered, and sold in the same unit. An order that was sold and refunded is paid again when the refund bounces.
pub(super) fn check_order(
    before: Option<&Order>,
    after: &Order,
    is_committed: bool,
    change: Change,
) {
    let was = before.map(|before| before.status);
    if after.status == Status::Paid && was != Some(Status::Paid) {
        assert!(after.is_covered(), "{} is paid and not covered", after.id);
        let was_refunded = matches!(was, Some(Status::PartiallyRefunded | Status::Refunded));
        let is_sold = change.is_sold || was_refunded && is_committed;
        assert!(is_sold, "{} is paid and its stock was not sold with it", after.id);
    }
    if let Some(before) = before {
        assert!(after.version > before.version, "the version of {} must grow", after.id);
        assert!(after.paid >= before.paid, "{} lost money", after.id);
        assert_eq!(before.id, after.id, "an id never changes");
        let goods = |order: &Order| (order.lines.clone(), order.adjustments.clone(), order.total);
        assert!(change.is_amended || goods(before) == goods(after), "{} changed unasked", after.id);
    }
}

/// Whether the unit amends its order.
pub(super) fn amends(record: &UnitRecord) -> bool {
    let amended =
        |event: &Event| matches!(event, Event::Order { change: OrderChange::Amended, .. });
    record.events.iter().any(amended)
}
