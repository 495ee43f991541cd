//! Records of units: every change of an order, every event and every origin.

use super::{currency, id, numbers, text, trace};
use orderly_domain::command::{CallbackKind, DisputeOutcome, Kind};
use orderly_domain::event::{Event, OrderChange, ReleaseReason, ReviewReason, SkuUnits};
use orderly_domain::ignored::Ignored;
use orderly_domain::notification::{Channel, Failure, NotificationKind};
use orderly_domain::order::{OrderSnapshot, Status};
use orderly_domain::payment::RefundPart;
use orderly_domain::record::{CommandName, Origin, UnitRecord};
use orderly_domain::verdict::{Detail, Reason, Shortage, Verdict};

/// Values of every variant, given as `pattern => values`. A variant that is not named does not compile.
macro_rules! every {
    ($type:ident: $($variant:pat => $values:expr,)*) => {{
        let _: fn(&$type) = |value| match value { $($variant => {})* };
        let mut all: Vec<$type> = Vec::new();
        $(
            let values = Vec::from_iter($values);
            let is_of_variant = |value: &$type| matches!(value, $variant);
            assert!(!values.is_empty() && values.iter().all(is_of_variant), "{}", stringify!($variant));
            all.extend(values);
        )*
        all
    }};
}
pub(crate) use every;

/// Every change of an order.
pub fn changes() -> Vec<OrderChange> {
    every! { OrderChange:
        OrderChange::Placed => [OrderChange::Placed],
        OrderChange::Rejected { .. } => [OrderChange::Rejected {
            reason: Reason::OutOfStock,
            detail: Some(Detail::Shortages(vec![Shortage {
                sku: id("tea"),
                wanted: 5,
                available: 2,
            }])),
        }],
        OrderChange::PartiallyPaid => [OrderChange::PartiallyPaid],
        OrderChange::Paid { .. } => [OrderChange::Paid { late: true }],
        OrderChange::UnderReview { .. } => [
            OrderChange::UnderReview { reason: ReviewReason::OtherCurrency },
        ],
        OrderChange::Expired => [OrderChange::Expired],
        OrderChange::Cancelled { .. } => [
            OrderChange::Cancelled { reason: text("changed my mind") },
        ],
        OrderChange::RefundDue { .. } => [OrderChange::RefundDue { amount: 300 }],
        OrderChange::Refunded => [OrderChange::Refunded],
        OrderChange::PartiallyRefunded => [OrderChange::PartiallyRefunded],
        OrderChange::Completed => [OrderChange::Completed],
        OrderChange::Amended => [OrderChange::Amended],
        OrderChange::Disputed { .. } => [
            OrderChange::Disputed { provider: id("acme"), dispute_id: id("d-1") },
        ],
        OrderChange::DisputeClosed { .. } => [OrderChange::DisputeClosed {
            provider: id("acme"),
            dispute_id: id("d-1"),
            outcome: DisputeOutcome::Won,
        }],
        OrderChange::Authorized => [OrderChange::Authorized],
        OrderChange::AuthorizationLost => [OrderChange::AuthorizationLost],
    }
}

fn units() -> Vec<SkuUnits> {
    vec![SkuUnits { sku: id("tea"), quantity: 2 }]
}

/// Every event.
pub fn events() -> Vec<Event> {
    let snapshot = OrderSnapshot { status: Status::Paid, version: 3, paid: 900, refunded: 100 };
    every! { Event:
        Event::Order { .. } => changes().into_iter().map(|change| Event::Order { change, snapshot }),
        Event::PaymentRecorded { .. } => [Event::PaymentRecorded {
            provider: id("acme"),
            attempt_id: id("a-1"),
            kind: CallbackKind::Captured,
            verdict: Verdict::Applied,
            amount: Some(900),
            currency: Some(currency("EUR")),
            refund_id: Some(id("r-1")),
            dispute_id: Some(id("d-1")),
            outcome: Some(DisputeOutcome::Lost),
        }],
        Event::RefundRequested { .. } => [Event::RefundRequested {
            refund_id: id("r-1"),
            attempt_id: Some(id("a-1")),
            amount: 200,
            currency: currency("EUR"),
            provider: Some(id("acme")),
            capture_id: Some(id("cap-1")),
            part: Some(RefundPart { part: 1, parts: 2, tries: 3 }),
        }],
        Event::VoidRequested { .. } => [
            Event::VoidRequested { attempt_id: id("a-1"), provider: Some(id("acme")) },
        ],
        Event::StockLow { .. } => [Event::StockLow { sku: id("tea"), available: 1, version: Some(6) }],
        Event::StockChanged { .. } => [Event::StockChanged {
            sku: id("tea"),
            on_hand: 9,
            held: 4,
            version: Some(5),
        }],
        Event::StockHeld { .. } => [Event::StockHeld { units: Some(units()) }],
        Event::StockCommitted => [Event::StockCommitted],
        Event::StockReleased { .. } => [
            Event::StockReleased { reason: ReleaseReason::Expired, units: Some(units()) },
        ],
        Event::CartCheckedOut { .. } => [Event::CartCheckedOut { cart_id: id("k-1") }],
        Event::CartReopened { .. } => [Event::CartReopened { cart_id: id("k-2") }],
        Event::CartChanged { .. } => [Event::CartChanged { cart_id: id("k-3") }],
        Event::NotificationRequested { .. } => [Event::NotificationRequested {
            notification_id: "n-1".to_owned(),
            kind: NotificationKind::OrderConfirmed,
        }],
        Event::NotificationDelivered { .. } => [Event::NotificationDelivered {
            notification_id: "n-2".to_owned(),
            kind: NotificationKind::OrderExpired,
            attempts: 2,
            channel: Channel::Webhook,
        }],
        Event::CommandParked { .. } => [Event::CommandParked {
            parked_id: Some("p-1".to_owned()),
            reason: Reason::Validation,
            detail: Some(Detail::Text("sku: is required".to_owned())),
            r#type: Some("stock.set".to_owned()),
            source: Some(id("shop")),
            command_id: Some(id("m-1")),
        }],
        Event::CartExpired { .. } => [Event::CartExpired { cart_id: id("k-4") }],
        Event::NotificationFailed { .. } => [Event::NotificationFailed {
            notification_id: "n-3".to_owned(),
            kind: NotificationKind::OrderCancelled,
            attempts: 9,
            channel: Channel::Amqp,
            problem: Some(Failure::Removed),
        }],
        Event::StockReturned { .. } => [Event::StockReturned {
            refund_id: Some(id("r-1")),
            items: vec![SkuUnits { sku: id("tea"), quantity: 2 }],
        }],
        Event::CaptureRequested { .. } => [Event::CaptureRequested {
            provider: id("acme"),
            attempt_id: id("a-1"),
            amount: 300,
            currency: currency("EUR"),
            capture_request_id: "c-1".to_owned(),
        }],
    }
}

/// Whether a format had the variants of `event`.
pub fn is_of_format(event: &Event, format: u32) -> bool {
    let is_known = |name: &str, variant: &str| numbers::format_of(name, variant) <= format;
    let has_change = match event {
        Event::Order { change, .. } => is_known("OrderChange", &numbers::variant(change)),
        _ => true,
    };
    has_change && is_known("Event", &numbers::variant(event))
}

/// More fields than are named.
fn ignored() -> Ignored {
    let mut ignored = Ignored::default();
    ignored.add("customer.vip");
    (0..21).for_each(|number| ignored.add(&format!("lines[{number}].color")));
    ignored
}

/// Every origin, by a name for its record.
pub fn origins() -> Vec<(&'static str, Origin)> {
    let message = Origin::Message {
        source: Some(id("shop")),
        id: Some(id("m-1")),
        kind: CommandName::Known(Kind::OrderPlace),
    };
    let of_unknown_type = |kind| Origin::Message { source: None, id: None, kind };
    let unknown = CommandName::Other(Some("order.explode".to_owned()));
    let all = every! { Origin:
        Origin::Message { .. } => [
            message, of_unknown_type(unknown), of_unknown_type(CommandName::Other(None)),
        ],
        Origin::HoldTimer => [Origin::HoldTimer],
        Origin::Waited { .. } => [Origin::Waited { source: id("psp"), id: id("m-2") }],
        Origin::Notified(_) => [Origin::Notified(NotificationKind::OrderConfirmed)],
        Origin::Quarantine => [Origin::Quarantine],
        Origin::Operator => [Origin::Operator],
        Origin::Retention => [Origin::Retention],
        Origin::Reminder => [Origin::Reminder],
        Origin::Upgrade => [Origin::Upgrade],
        Origin::Restored => [Origin::Restored],
        Origin::Dismissed => [Origin::Dismissed],
    };
    let names = [
        "small",
        "unknown_type",
        "no_type",
        "hold_timer",
        "waited",
        "notified",
        "isolated",
        "operator",
        "age",
        "reminder",
        "upgrade",
        "restored",
        "dismissed",
    ];
    assert_eq!(names.len(), all.len(), "an origin has no name");
    names.into_iter().zip(all).collect()
}

/// A record with everything that a record can have, one of each origin, and one with each event.
pub fn records() -> Vec<(&'static str, UnitRecord)> {
    let full = UnitRecord {
        origin: origins().swap_remove(0).1,
        trace: trace(),
        order: Some(id("o-1")),
        verdict: Verdict::Conflict,
        reason: Some(Reason::RestockExceedsSold),
        detail: Some(Detail::Text("paid".to_owned())),
        original: Some(1_000_000),
        // committed with format 4: later events have the records below only
        events: events().into_iter().filter(|event| is_of_format(event, 4)).collect(),
        ignored: Some(ignored()),
        operator: Some(id("Anna, on call")),
        parked: Some(7),
    };
    let small = |origin, events| UnitRecord {
        origin,
        trace: None,
        order: None,
        verdict: Verdict::Applied,
        reason: None,
        detail: None,
        original: None,
        events,
        ignored: None,
        operator: None,
        parked: None,
    };
    let of_origins = origins().into_iter().map(|(name, origin)| (name, small(origin, Vec::new())));
    let of_events = events()
        .into_iter()
        .map(|event| (event.kind().as_str(), small(Origin::HoldTimer, vec![event])));
    std::iter::once(("full", full)).chain(of_origins).chain(of_events).collect()
}
