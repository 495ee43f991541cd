//! One value of every kind of stored record, and of every shape in it.
//!
//! | module | has |
//! |---|---|
//! | `numbers` | the table of all stored numbers |
//! | `records` | records of units, with every event and every origin |
//! | `former` | the same values as they are read from what earlier versions wrote |
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test uses a part")]

pub mod former;
pub mod numbers;
mod records;

pub(crate) use records::every;
pub use records::{changes, events, origins, records};

use orderly_domain::address::Address;
use orderly_domain::cart::{Cart, CartLine, CartStatus};
use orderly_domain::command::{
    CallbackKind, Command, Customer, DisputeOutcome, Kind, PaymentCallback,
};
use orderly_domain::inventory::{HoldState, Item, Reservation, SkuNumber, Stock};
use orderly_domain::metadata::Metadata;
use orderly_domain::money::{Adjustment, Currency, Line, NonNegativeAmount, Quantity, UnitPrice};
use orderly_domain::notification::{
    Channel, Delivery, Failure, Notice, Notices, NotificationKind, Progress,
};
use orderly_domain::order::{ConfirmOn, Order, OrderDetails, Status, Tombstone};
use orderly_domain::payment::{
    Accepted, Attempt, AttemptState, Capture, CaptureIdentity, CurrencySum, Dispute, DisputeState,
    EndedAttempts, Folded, FoldedCaptures, FoldedContent, FoldedItem, FoldedMoney, FoldedOfAttempt,
    FoldedSums, Payments, Refund, RefundPart, RefundState, Success, Sum, Waiting,
};
use orderly_domain::quarantine::{Deaths, Marker, Quarantined};
use orderly_domain::record::CommandName;
use orderly_domain::text::{ShortText, Text};
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use std::time::Duration;

/// An id, a text, a name: whatever is parsed from a text.
pub fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("is an id")
}

pub fn text(text: &str) -> Option<Text> {
    Text::new(text)
}

pub fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect("is a currency")
}

/// That many seconds and one microsecond after the beginning of 2026.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_767_225_600 + seconds) * 1_000_000 + 1)
}

pub fn trace() -> Option<TraceParent> {
    TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
}

pub fn orders() -> Vec<(&'static str, Order)> {
    let full = Order {
        id: id("o-1"),
        customer: Customer {
            id: id("c-1"),
            email: text("a@example.com"),
            phone: ShortText::new("+49 1"),
        },
        currency: currency("EUR"),
        lines: [
            Line {
                sku: id("tea"),
                quantity: Quantity::new(2).expect("is one"),
                unit_price: UnitPrice::new(500).expect("is one"),
                name: text("Tee, grün"),
            },
            Line {
                sku: id("cup"),
                quantity: Quantity::new(1_000_000).expect("is one"),
                unit_price: UnitPrice::new(0).expect("is one"),
                name: None,
            },
        ]
        .into(),
        adjustments: [Adjustment {
            kind: ShortText::new("discount").expect("is short"),
            amount: -100,
        }]
        .into(),
        total: 900,
        cart: Some(id("k-1")),
        status: Status::PartiallyRefunded,
        version: 7,
        paid: 1_100,
        refunded: 300,
        auto_refunds_requested: 200,
        disputed: true,
        hold_for: Duration::new(900, 5),
        placed_at: at(1),
        updated_at: at(2),
        has_details: true,
        confirm_on: ConfirmOn::Authorization,
        hold_since: at(1_000),
        completed_at: Some(at(2_000)),
        written_off: 50,
        early_refunds: 25,
    };
    let small = Order {
        customer: Customer { id: id("c-2"), email: None, phone: None },
        lines: [].into(),
        adjustments: [].into(),
        total: 0,
        cart: None,
        status: Status::Rejected,
        version: 1,
        paid: 0,
        refunded: 0,
        auto_refunds_requested: 0,
        disputed: false,
        has_details: false,
        confirm_on: ConfirmOn::Capture,
        completed_at: None,
        written_off: 0,
        early_refunds: 0,
        ..full.clone()
    };
    vec![("full", full), ("small", small)]
}

pub fn details() -> Vec<(&'static str, OrderDetails)> {
    let address = Address {
        name: text("Ada Lovelace"),
        company: text("Analytical"),
        lines: vec![text("Am Kupfergraben 5").expect("is short"), text("3. OG").expect("is short")],
        city: text("Köln"),
        region: text("NRW"),
        postal_code: text("50667"),
        country: text("DE"),
    };
    let small = Address {
        name: None,
        company: None,
        lines: Vec::new(),
        city: None,
        region: None,
        postal_code: None,
        country: None,
    };
    let metadata =
        r#"{"weight":1.50,"gift":true,"list":[null,"a\"b",18446744073709551616],"a":{}}"#;
    let full = OrderDetails {
        shipping_address: Some(Box::new(address)),
        billing_address: Some(Box::new(small)),
        metadata: Some(Metadata::new(metadata).expect("is an object")),
    };
    vec![("full", full), ("empty", OrderDetails::default())]
}

pub fn tombstones() -> Vec<(&'static str, Tombstone)> {
    let completed = Tombstone { status: Status::Completed, id: Some(id("o-1")) };
    vec![("without_id", Tombstone { id: None, ..completed.clone() }), ("completed", completed)]
}

pub fn reservations() -> Vec<(&'static str, Reservation)> {
    let item = |sku, number, quantity, returned| Item {
        sku: id(sku),
        number: SkuNumber(number),
        quantity,
        returned,
    };
    let held = |frozen| HoldState::Held { until: Some(at(900)), extended: true, frozen };
    let of = |state| Reservation {
        items: [item("tea", 3, 2, 0), item("cup", 70_000, 4_000_000_000, 1)].into(),
        state,
    };
    vec![
        ("held", of(held(None))),
        ("frozen", of(held(Some(Duration::from_millis(1_500))))),
        ("standing", of(HoldState::STANDING)),
        ("committed", of(HoldState::Committed)),
        ("released", of(HoldState::Released)),
        ("expired", of(HoldState::Expired)),
    ]
}

pub fn callback() -> PaymentCallback {
    PaymentCallback {
        provider: id("acme"),
        event_id: id("e-1"),
        order_id: id("o-1"),
        attempt_id: id("a-1"),
        kind: CallbackKind::DisputeClosed,
        capture_id: Some(id("cap-1")),
        amount: NonNegativeAmount::new(1_490),
        currency: Some(currency("JPY")),
        refund_id: Some(id("r-1")),
        dispute_id: Some(id("d-1")),
        outcome: Some(DisputeOutcome::Lost),
        r#final: true,
        occurred_at: at(3),
    }
}

pub fn payments() -> Vec<(&'static str, Payments)> {
    let capture =
        |identity| Capture { identity, amount: 500, currency: currency("EUR"), at: at(4) };
    let full = Payments {
        attempts: vec![
            Attempt {
                provider: id("acme"),
                id: id("a-1"),
                state: AttemptState::Captured,
                authorized: 900,
                captures: vec![
                    capture(CaptureIdentity::Capture(id("cap-1"))),
                    capture(CaptureIdentity::Event(id("e-1"))),
                ],
                currency: Some(currency("EUR")),
                closed: true,
                void_requested: false,
                authorized_at: vec![at(4), at(5)],
                capture_requested: 300,
                capture_requests: 2,
                number: 3,
                folded: Some(Box::new(FoldedOfAttempt {
                    captures: vec![FoldedCaptures {
                        currency: currency("EUR"),
                        count: 4_000,
                        sum: Sum(2_000_000),
                    }],
                    refunds: vec![CurrencySum { currency: currency("USD"), sum: Sum(70) }],
                })),
                ended_at: Some(at(6)),
                lapsed: 400,
                untimed: 100,
            },
            Attempt {
                provider: id("other"),
                id: id("a-2"),
                state: AttemptState::ActionRequired,
                authorized: 0,
                captures: Vec::new(),
                currency: None,
                closed: false,
                void_requested: true,
                authorized_at: Vec::new(),
                capture_requested: 0,
                capture_requests: 0,
                number: 70_000,
                folded: None,
                ended_at: None,
                lapsed: 0,
                untimed: 0,
            },
        ],
        refunds: vec![
            Refund {
                id: id("r-1"),
                provider: Some(id("acme")),
                attempt: Some(id("a-1")),
                amount: 200,
                currency: currency("EUR"),
                state: RefundState::Requested,
                restocked: true,
                request: Some(RefundPart { part: 2, parts: 3, tries: 4 }),
                successes: vec![
                    Success { at: at(7), amount: 50 },
                    Success { at: at(8), amount: 100 },
                ],
                early: false,
                failed_at: None,
                bounced_at: None,
            },
            Refund {
                id: id("r-2"),
                provider: None,
                attempt: None,
                amount: 100,
                currency: currency("USD"),
                state: RefundState::Failed,
                restocked: false,
                request: None,
                successes: Vec::new(),
                early: true,
                failed_at: Some(at(30)),
                bounced_at: Some(at(29)),
            },
        ],
        disputes: vec![
            Dispute { id: id("d-1"), state: DisputeState::Lost, provider: Some(id("acme")) },
            Dispute { id: id("d-1"), state: DisputeState::Open, provider: None },
        ],
        waiting: waiting(),
        ended: EndedAttempts { failed: 1_000, voided: 2, expired: 3 },
        accepted: vec![Accepted { currency: currency("USD"), captured: 500, excess: 20 }],
        folded: Some(Box::new(folded())),
        made_good: vec![CurrencySum { currency: currency("USD"), sum: Sum(60) }],
        derived_refunds: 300,
    };
    vec![("full", full), ("empty", Payments::default())]
}

fn waiting() -> Vec<Waiting> {
    vec![
        Waiting {
            callback: callback(),
            since: at(5),
            trace: trace(),
            source: id("psp bridge"),
            command_id: id("m-1"),
        },
        Waiting {
            callback: PaymentCallback {
                kind: CallbackKind::Failed,
                capture_id: None,
                amount: None,
                currency: None,
                refund_id: None,
                dispute_id: None,
                outcome: None,
                r#final: false,
                ..callback()
            },
            since: at(6),
            trace: None,
            source: id("s"),
            command_id: id("m-2"),
        },
    ]
}

fn folded() -> Folded {
    let money = FoldedMoney {
        captured: Sum(i128::from(i64::MAX) * 3),
        authorized: Sum(1),
        capturable: Sum(2),
        capture_requested: Sum(3),
        requested: Sum(4),
        refunded: Sum(5),
        failed: Sum(-6),
        ..FoldedMoney::none(currency("EUR"))
    };
    Folded {
        last_attempt: 4_000,
        places: 9_000,
        newest: Some(8_000),
        has_names: true,
        sums: FoldedSums {
            attempts: 10,
            open: 11,
            voidable: 12,
            refunds: 13,
            unnamed: 14,
            open_disputes: 15,
            won_disputes: 16,
            lost_disputes: -17,
            money: vec![money],
        },
        not_asked: vec![CurrencySum { currency: currency("EUR"), sum: Sum(18) }],
    }
}

/// An item of each kind.
pub fn folded_items() -> Vec<(&'static str, FoldedItem)> {
    let (_, full) = payments().remove(0);
    let item = |content| FoldedItem { order: 1, before: None, place: 0, same_id: None, content };
    let sums = vec![CurrencySum { currency: currency("EUR"), sum: Sum(300) }];
    let refund = item(FoldedContent::Refund(full.refunds[0].clone()));
    vec![
        ("attempt", item(FoldedContent::Attempt(full.attempts[0].clone()))),
        ("refund", FoldedItem { before: Some(70_000), place: 9, same_id: Some(3), ..refund }),
        ("dispute", item(FoldedContent::Dispute(full.disputes[0].clone()))),
        ("unknown", item(FoldedContent::RefundsOfUnknownAttempt(sums))),
        ("nothing", item(FoldedContent::Nothing)),
    ]
}

pub fn notices() -> Vec<(&'static str, Notices)> {
    let delivery = |channel, problem, progress| Delivery {
        channel,
        attempts: 3,
        failures: 2,
        began: at(7),
        problem,
        progress,
    };
    let pending = Progress::Pending { not_before: at(8) };
    let full = Notice {
        id: "n-1".to_owned(),
        kind: NotificationKind::RefundSucceeded,
        reference: "r-1".to_owned(),
        requested_at: at(9),
        trace: trace(),
        deliveries: vec![
            delivery(Channel::Amqp, None, Progress::Delivered { at: at(10) }),
            delivery(Channel::Webhook, Some(Failure::Status(503)), pending),
            delivery(Channel::Webhook, Some(Failure::Timeout), Progress::Exhausted { at: at(11) }),
        ],
    };
    let small =
        Notice { reference: String::new(), trace: None, deliveries: Vec::new(), ..full.clone() };
    vec![("full", Notices { all: vec![full, small], dropped: 300 }), ("empty", Notices::default())]
}

pub fn stock() -> Vec<(&'static str, Stock)> {
    let sku = id("tea");
    let full = Stock { sku, on_hand: 1_000_000_000_000, held: 3, low_at: Some(10), version: 300 };
    let small = Stock { on_hand: 0, held: 0, low_at: None, ..full.clone() };
    vec![("full", full), ("small", small)]
}

pub fn carts() -> Vec<(&'static str, Cart)> {
    let line = |sku, name| CartLine {
        sku: id(sku),
        quantity: Quantity::new(3).expect("is one"),
        unit_price: UnitPrice::new(250).expect("is one"),
        name,
    };
    let full = Cart {
        id: id("k-1"),
        status: CartStatus::CheckedOut,
        version: 4,
        currency: currency("CHF"),
        lines: vec![line("tea", text("Tea")), line("cup", None)],
        order: Some(id("o-1")),
        updated_at: at(12),
    };
    let small = Cart { status: CartStatus::Open, lines: Vec::new(), order: None, ..full.clone() };
    vec![("full", full), ("small", small)]
}

pub fn markers() -> Vec<(&'static str, Marker)> {
    let full = Marker {
        alone: Some(Quarantined {
            source: Some(id("shop")),
            id: Some(id("m-1")),
            kind: CommandName::Known(Kind::StockSet),
            trace: trace(),
            attempts: 2,
            content_type: Some("application/json".to_owned()),
            body: b"{\"sku\":\"tea\"}".to_vec(),
            content_encoding: Some("gzip".to_owned()),
        }),
        deaths: vec![Deaths { name: [7; 16], count: 2 }],
        clean: true,
    };
    vec![("full", full), ("empty", Marker::default())]
}

/// The command of `kind` with that data.
pub fn command(kind: &str, data: &str) -> Command {
    let kind = Kind::from_name(kind).expect("is a type");
    Command::parse(kind, data.as_bytes()).expect("is valid")
}
