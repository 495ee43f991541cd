//! The values of earlier versions of stored records, as they are read today.

use super::records::is_of_format;
use super::{
    folded_items, id, markers, notices, numbers, orders, payments, records, reservations,
    tombstones,
};
use orderly_domain::event::Event;
use orderly_domain::inventory::Reservation;
use orderly_domain::notification::Notices;
use orderly_domain::order::{ConfirmOn, Order, Tombstone};
use orderly_domain::payment::{
    Attempt, EndedAttempts, FoldedContent, FoldedItem, Payments, Refund, RefundPart,
};
use orderly_domain::quarantine::Marker;
use orderly_domain::record::UnitRecord;
use std::time::Duration;

/// Version 1 of an order.
pub fn orders_1() -> Vec<(&'static str, Order)> {
    let of_1 = |order: Order| Order {
        confirm_on: ConfirmOn::Capture,
        hold_since: order.placed_at,
        completed_at: None,
        written_off: 0,
        early_refunds: 0,
        has_details: false,
        ..order
    };
    orders().into_iter().map(|(name, order)| (name, of_1(order))).collect()
}

/// Version 1 of a tombstone.
pub fn tombstones_1() -> Vec<(&'static str, Tombstone)> {
    let of_1 = tombstones().into_iter().filter(|(name, _)| *name == "completed");
    of_1.map(|(name, tombstone)| (name, Tombstone { id: None, ..tombstone })).collect()
}

/// Version 1 of a reservation.
pub fn reservations_1() -> Vec<(&'static str, Reservation)> {
    reservations().into_iter().filter(|(name, _)| *name != "standing").collect()
}

/// Version 1 of notices.
pub fn notices_1() -> Vec<(&'static str, Notices)> {
    let of_1 = |notices| Notices { dropped: 0, ..notices };
    notices().into_iter().map(|(name, notices)| (name, of_1(notices))).collect()
}

/// Version 3 of payments.
pub fn payments_3() -> Vec<(&'static str, Payments)> {
    let of_3 = |mut payments: Payments| {
        payments.attempts.iter_mut().for_each(forget_its_end);
        payments.refunds.iter_mut().for_each(forget_its_outcomes);
        Payments { made_good: Vec::new(), derived_refunds: 0, ..payments }
    };
    payments().into_iter().map(|(name, payments)| (name, of_3(payments))).collect()
}

/// Version 1 of a folded payment.
pub fn folded_items_1() -> Vec<(&'static str, FoldedItem)> {
    let of_1 = |mut item: FoldedItem| {
        match &mut item.content {
            FoldedContent::Attempt(attempt) => forget_its_end(attempt),
            FoldedContent::Refund(refund) => forget_its_outcomes(refund),
            _ => {}
        }
        item
    };
    folded_items().into_iter().map(|(name, item)| (name, of_1(item))).collect()
}

fn forget_its_end(attempt: &mut Attempt) {
    (attempt.ended_at, attempt.lapsed, attempt.untimed) = (None, 0, 0);
}

/// Only when it succeeded was known: of one that failed since, it is known that it failed later.
fn forget_its_outcomes(refund: &mut Refund) {
    refund.successes.clear();
    refund.failed_at = refund.failed_at.map(|at| at.plus(Duration::from_micros(1)));
    refund.bounced_at = refund.failed_at;
}

/// Version 2 of payments.
pub fn payments_2() -> Vec<(&'static str, Payments)> {
    let of_2 = |mut payments: Payments| {
        for (number, attempt) in (1..).zip(&mut payments.attempts) {
            (attempt.number, attempt.folded) = (number, None);
        }
        Payments { folded: None, ..payments }
    };
    payments_3().into_iter().map(|(name, payments)| (name, of_2(payments))).collect()
}

/// Version 1 of payments.
pub fn payments_1() -> Vec<(&'static str, Payments)> {
    let of_1 = |mut payments: Payments| {
        for attempt in &mut payments.attempts {
            attempt.authorized_at.clear();
            attempt.untimed = attempt.authorized;
            (attempt.capture_requested, attempt.capture_requests) = (0, 0);
        }
        payments.refunds.retain(|refund| refund.id == id("r-1"));
        for refund in &mut payments.refunds {
            refund.request = Some(RefundPart::ONLY);
        }
        payments.disputes.truncate(1);
        for dispute in &mut payments.disputes {
            dispute.provider = None;
        }
        Payments { ended: EndedAttempts::default(), accepted: Vec::new(), ..payments }
    };
    payments_2().into_iter().map(|(name, payments)| (name, of_1(payments))).collect()
}

/// Version 1 of a unit record.
pub fn records_1() -> Vec<(&'static str, UnitRecord)> {
    let mut records = records_of(1);
    let events = records.iter_mut().flat_map(|(_, record)| &mut record.events);
    events.for_each(forget_what_was_not_recorded);
    records
}

/// Version 2 of a unit record.
pub fn records_2() -> Vec<(&'static str, UnitRecord)> {
    records_of(4)
}

/// Version 3 of a unit record.
pub fn records_3() -> Vec<(&'static str, UnitRecord)> {
    let mut found = records_of(9);
    let full = records().swap_remove(0).1;
    for (_, record) in found.iter_mut().filter(|(name, _)| *name == "full") {
        record.ignored.clone_from(&full.ignored);
    }
    found
}

/// The records whose origins and events a format had, and of the one with all events those events.
fn records_of(format: u32) -> Vec<(&'static str, UnitRecord)> {
    let origin =
        |record: &UnitRecord| numbers::format_of("Origin", &numbers::variant(&record.origin));
    let mut found = records();
    found.retain_mut(|(_, record)| {
        let had_events = !record.events.is_empty();
        record.events.retain(|event| is_of_format(event, format));
        (record.ignored, record.operator, record.parked) = (None, None, None);
        origin(record) <= format && had_events != record.events.is_empty()
    });
    found
}

/// Version 1 of a quarantine marker.
pub fn markers_1() -> Vec<(&'static str, Marker)> {
    let mut markers = markers();
    for alone in markers.iter_mut().filter_map(|(_, marker)| marker.alone.as_mut()) {
        alone.content_encoding = None;
    }
    markers
}

fn forget_what_was_not_recorded(event: &mut Event) {
    match event {
        Event::RefundRequested { provider, capture_id, part, .. } => {
            (*provider, *capture_id, *part) = (None, None, None);
        }
        Event::VoidRequested { provider, .. } => *provider = None,
        Event::StockLow { version, .. } | Event::StockChanged { version, .. } => *version = None,
        Event::StockHeld { units } | Event::StockReleased { units, .. } => *units = None,
        Event::PaymentRecorded { outcome, .. } => *outcome = None,
        _ => {}
    }
}
