//! The values of earlier versions of stored records, as they are read today.

use super::{id, numbers, orders, payments, records, reservations, tombstones};
use orderly_domain::event::Event;
use orderly_domain::inventory::Reservation;
use orderly_domain::order::{ConfirmOn, Order, Tombstone};
use orderly_domain::payment::{EndedAttempts, Payments, RefundPart};
use orderly_domain::record::UnitRecord;

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

/// Version 1 of payments.
pub fn payments_1() -> Vec<(&'static str, Payments)> {
    let of_1 = |mut payments: Payments| {
        for attempt in &mut payments.attempts {
            attempt.authorized_at.clear();
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
    payments().into_iter().map(|(name, payments)| (name, of_1(payments))).collect()
}

/// Version 1 of a unit record.
pub fn records_1() -> Vec<(&'static str, UnitRecord)> {
    let of_1 = |mut record: UnitRecord| {
        record.events.retain(is_of_format_1);
        record.events.iter_mut().for_each(forget_what_was_not_recorded);
        record
    };
    let is_of_1 = |(_, record): &(&str, UnitRecord)| record.events.iter().any(is_of_format_1);
    let has_none = |(name, record): &(&str, UnitRecord)| {
        record.events.is_empty() && !["upgrade", "restored"].contains(name)
    };
    let records = records().into_iter().filter(|record| is_of_1(record) || has_none(record));
    records.map(|(name, record)| (name, of_1(record))).collect()
}

/// Whether format 1 had the variants of `event`.
fn is_of_format_1(event: &Event) -> bool {
    let of_first = |name: &str, variant: &str| numbers::format_of(name, variant) == 1;
    let has_first_change = match event {
        Event::Order { change, .. } => of_first("OrderChange", &numbers::variant(change)),
        _ => true,
    };
    has_first_change && of_first("Event", &numbers::variant(event))
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
