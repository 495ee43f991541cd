//! Tables of the sentences, about an order of 15.00 EUR that holds stock of two skus.

use super::*;
use orderly_domain::command::Command;
use orderly_domain::id::{AttemptId, CartId, DisputeId, Provider, RefundId, Sku};
use orderly_domain::ignored::Ignored;
use orderly_domain::inventory::{Item, Reservation};
use orderly_domain::notification::Channel;
use orderly_domain::order::{ConfirmOn, NewOrder, Order};
use orderly_domain::payment::RefundPart;
use orderly_domain::text::Text;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Shortage;
use rstest::rstest;
use std::time::Duration;

fn order() -> Order {
    let data = br#"{"order_id": "o-1", "customer": {"id": "c-1"}, "currency": "EUR",
        "lines": [{"sku": "tea", "quantity": 3, "unit_price": 500}]}"#;
    let Ok(Command::OrderPlace(place)) = Command::parse(Kind::OrderPlace, data) else {
        panic!("is an order");
    };
    let placed = NewOrder::of_command(place, Duration::from_secs(900), ConfirmOn::Capture)
        .placed(Timestamp::EPOCH);
    Order { version: 1, ..placed.expect("has a total") }
}

fn provider() -> Provider {
    Provider::new("acme").expect("is an id")
}

fn dispute() -> DisputeId {
    DisputeId::new("d-1").expect("is an id")
}

fn sku(id: &str) -> Sku {
    Sku::new(id).expect("is an id")
}

/// One unit of the first sku, two of the second, and so on.
fn reservation(state: HoldState, skus: &[&str]) -> Reservation {
    let items = (1..).zip(skus).map(|(quantity, id)| Item {
        sku: sku(id),
        number: orderly_domain::inventory::SkuNumber(0),
        quantity,
        returned: 0,
    });
    Reservation { items: items.collect(), state }
}

fn sentence(event: &Event, state: HoldState) -> String {
    let (order, reservation) = (order(), reservation(state, &["black", "green"]));
    let context = EventContext {
        order: Some(&order),
        reservation: Some(&reservation),
        ..EventContext::default()
    };
    of_event(event, context)
}

#[rstest]
#[case(OrderChange::Placed, 0, 0, "The order was placed: 15.00 EUR are to be paid.")]
#[case(OrderChange::PartiallyPaid, 200, 0, "The order is paid in part: 2.00 EUR of 15.00 EUR.")]
#[case(OrderChange::PartiallyPaid, 200, 50, "The order is paid in part: 1.50 EUR of 15.00 EUR.")]
#[case(OrderChange::Paid { late: false }, 1500, 0, "The order is paid: 15.00 EUR.")]
#[case(
    OrderChange::Paid { late: true }, 1500, 0,
    "The order is paid: 15.00 EUR. The money was late, and the stock was held again."
)]
#[case(
    OrderChange::UnderReview { reason: ReviewReason::OverCapture }, 1600, 0,
    "A person must look at the order: 16.00 EUR came, the total is 15.00 EUR."
)]
#[case(
    OrderChange::UnderReview { reason: ReviewReason::OtherCurrency }, 0, 0,
    "A person must look at the order: money came in another currency."
)]
#[case(OrderChange::Expired, 0, 0, "The order expired: it was not paid in time.")]
#[case(OrderChange::Cancelled { reason: None }, 0, 0, "The order was cancelled.")]
#[case(
    OrderChange::Cancelled { reason: Text::new("wrong size") }, 0, 0,
    "The order was cancelled: wrong size."
)]
#[case(OrderChange::RefundDue { amount: 200 }, 200, 0, "The order is to be refunded: 2.00 EUR.")]
#[case(
    OrderChange::RefundDue { amount: 0 }, 0, 0,
    "The order is to be refunded: money in another currency."
)]
#[case(OrderChange::Refunded, 1500, 1500, "All of the order's money went back.")]
#[case(
    OrderChange::PartiallyRefunded,
    1500,
    500,
    "Of the order's money 5.00 EUR went back, 10.00 EUR are left."
)]
#[case(OrderChange::Amended, 0, 0, "The order was changed. Its total is 15.00 EUR.")]
#[case(
    OrderChange::Disputed { provider: provider(), dispute_id: dispute() },
    1500,
    0,
    "Dispute d-1 was opened at acme."
)]
#[case(
    OrderChange::DisputeClosed { provider: provider(), dispute_id: dispute(), outcome: DisputeOutcome::Won },
    1500,
    0,
    "Dispute d-1 at acme was closed: the shop won it."
)]
#[case(
    OrderChange::DisputeClosed { provider: provider(), dispute_id: dispute(), outcome: DisputeOutcome::Lost },
    1500,
    0,
    "Dispute d-1 at acme was closed: the shop lost it."
)]
#[case(OrderChange::Completed, 1500, 0, "The order was handed over to the customer.")]
#[case(
    OrderChange::Rejected {
        reason: Reason::OutOfStock,
        detail: Some(Detail::Shortages(vec![Shortage { sku: sku("tea"), wanted: 3, available: 1 }])),
    },
    0, 0, "The order was rejected: there is not enough stock (3 × tea wanted, 1 available)."
)]
#[case(
    OrderChange::Rejected { reason: Reason::UnknownSku, detail: Some("tea".into()) }, 0, 0,
    "The order was rejected: there is no such article (tea)."
)]
fn an_event_of_an_order_has_its_sentence(
    #[case] change: OrderChange,
    #[case] paid: i64,
    #[case] refunded: i64,
    #[case] expected: &str,
) {
    let snapshot = OrderSnapshot { status: Status::Paid, version: 1, paid, refunded };
    assert_eq!(sentence(&Event::Order { change, snapshot }, HoldState::Committed), expected);
}

/// A callback of 5.00 EUR, about refund r-1 and dispute d-1.
fn recorded(kind: CallbackKind, verdict: Verdict) -> Event {
    Event::PaymentRecorded {
        provider: Provider::new("acme").expect("is an id"),
        attempt_id: AttemptId::new("a-1").expect("is an id"),
        kind,
        verdict,
        amount: Some(500),
        currency: Currency::from_code("EUR"),
        refund_id: RefundId::new("r-1").ok(),
        dispute_id: DisputeId::new("d-1").ok(),
        outcome: (kind == CallbackKind::DisputeClosed).then_some(DisputeOutcome::Lost),
    }
}

#[rstest]
#[case(CallbackKind::ActionRequired, "the customer must take a step")]
#[case(CallbackKind::Authorized, "5.00 EUR are set aside")]
#[case(CallbackKind::Captured, "5.00 EUR were taken")]
#[case(CallbackKind::Failed, "the attempt failed")]
#[case(CallbackKind::Voided, "the attempt was voided")]
#[case(CallbackKind::Expired, "the attempt expired")]
#[case(CallbackKind::RefundSucceeded, "refund r-1 of 5.00 EUR arrived")]
#[case(CallbackKind::RefundFailed, "refund r-1 failed")]
#[case(CallbackKind::DisputeOpened, "dispute d-1 was opened")]
#[case(CallbackKind::DisputeClosed, "dispute d-1 was closed (lost)")]
fn a_callback_has_its_sentence_and_its_remark(#[case] kind: CallbackKind, #[case] expected: &str) {
    for (verdict, more) in [
        (Verdict::Applied, ""),
        (Verdict::Stale, " (out of date: nothing changes)"),
        (Verdict::Waiting, " (waits for the order)"),
        (Verdict::Review, " (a person must look at it)"),
    ] {
        let sentence = sentence(&recorded(kind, verdict), HoldState::Committed);
        assert_eq!(sentence, format!("acme said of attempt a-1: {expected}{more}."));
    }
}

fn delivered(attempts: u32) -> Event {
    let (notification_id, kind) = ("n-1".to_owned(), NotificationKind::RefundSucceeded);
    Event::NotificationDelivered { notification_id, kind, attempts, channel: Channel::Webhook }
}

fn given_up(attempts: u32, problem: Failure) -> Event {
    let (notification_id, kind) = ("n-1".to_owned(), NotificationKind::RefundSucceeded);
    let (channel, problem) = (Channel::Webhook, Some(problem));
    Event::NotificationFailed { notification_id, kind, attempts, channel, problem }
}

#[rstest]
#[case(
    Event::RefundRequested {
        refund_id: RefundId::new("r-1").expect("is an id"),
        attempt_id: AttemptId::new("a-1").ok(),
        amount: 500,
        currency: Currency::from_code("EUR").expect("is one"),
        provider: Some(provider()),
        capture_id: None,
        part: Some(RefundPart::ONLY),
    },
    "The payment provider acme is asked to send 5.00 EUR back (refund r-1, of attempt a-1)."
)]
#[case(
    Event::RefundRequested {
        refund_id: RefundId::new("r-1").expect("is an id"),
        attempt_id: AttemptId::new("a-1").ok(),
        amount: 500,
        currency: Currency::from_code("EUR").expect("is one"),
        provider: None,
        capture_id: None,
        part: Some(RefundPart { part: 1, parts: 2, tries: 1 }),
    },
    "The payment provider is asked to send 5.00 EUR back (refund r-1, part 1 of 2, of attempt a-1)."
)]
#[case(
    Event::CaptureRequested {
        provider: provider(),
        attempt_id: AttemptId::new("a-1").expect("is an id"),
        amount: 500,
        currency: Currency::from_code("EUR").expect("is one"),
        capture_request_id: "c-1".to_owned(),
    },
    "The payment provider acme is asked to capture 5.00 EUR of attempt a-1."
)]
#[case(
    Event::VoidRequested {
        attempt_id: AttemptId::new("a-1").expect("is an id"),
        provider: Some(provider()),
    },
    "The payment provider acme is asked to void attempt a-1."
)]
#[case(Event::StockLow { sku: sku("tea"), available: 2, version: Some(4) }, "The stock of tea is low: 2 available.")]
#[case(
    Event::StockChanged { sku: sku("tea"), on_hand: 9, held: 2, version: Some(4) },
    "The stock of tea is 9, of which 2 are held for orders."
)]
#[case(Event::StockHeld { units: None }, "Stock was held: 1 × black, 2 × green.")]
#[case(Event::StockHeld { units: Some(vec![SkuUnits { sku: sku("tea"), quantity: 2 }]) }, "More stock is held: 2 × tea.")]
#[case(Event::StockCommitted, "The stock was sold: 1 × black, 2 × green.")]
#[case(
    Event::StockReleased { reason: ReleaseReason::Expired, units: None },
    "The stock is free again, since the hold expired: 1 × black, 2 × green."
)]
#[case(
    Event::StockReleased { reason: ReleaseReason::Cancelled, units: None },
    "The stock is free again, since the order was cancelled: 1 × black, 2 × green."
)]
#[case(
    Event::StockReleased {
        reason: ReleaseReason::Amended,
        units: Some(vec![SkuUnits { sku: sku("tea"), quantity: 2 }]),
    },
    "The stock is free again, since the order needs less: 2 × tea."
)]
#[case(
    Event::StockReturned {
        refund_id: RefundId::new("r-1").ok(),
        items: vec![SkuUnits { sku: sku("tea"), quantity: 2 }],
    },
    "Goods came back with refund r-1: 2 × tea."
)]
#[case(
    Event::StockReturned {
        refund_id: None,
        items: vec![SkuUnits { sku: sku("tea"), quantity: 2 }],
    },
    "Goods came back, since the order needs less: 2 × tea."
)]
#[case(Event::CartReopened { cart_id: CartId::new("k-1").expect("is an id") }, "Cart k-1 is open again.")]
#[case(
    Event::NotificationRequested {
        notification_id: "n-1".to_owned(),
        kind: NotificationKind::OrderConfirmed,
    },
    "The customer is to be told that the order is confirmed."
)]
#[case(delivered(3), "The customer was told of a refund, through webhook, at attempt 3.")]
#[case(
    given_up(3, Failure::Status(410)),
    "The customer could not be told of a refund, through webhook, in 3 attempts: status 410."
)]
#[case(
    given_up(1, Failure::Timeout),
    "The customer could not be told of a refund, through webhook, in 1 attempt: no answer in time."
)]
#[case(
    Event::CommandParked {
        parked_id: Some("p-1".to_owned()),
        reason: Reason::Conflict,
        detail: None,
        r#type: None,
        source: None,
        command_id: None,
    },
    "A message was parked as p-1: its id had been used with other data."
)]
#[case(
    Event::CommandParked {
        parked_id: None,
        reason: Reason::Conflict,
        detail: None,
        r#type: None,
        source: None,
        command_id: None,
    },
    "A message went to the dead letters of the broker: its id had been used with other data."
)]
fn every_other_event_has_its_sentence(#[case] event: Event, #[case] expected: &str) {
    assert_eq!(sentence(&event, HoldState::Committed), expected);
}

#[test]
fn the_sentence_about_a_hold_says_until_when_it_lasts() {
    let held = HoldState::held(Timestamp::from_micros(60_000_000));
    let expected = "Stock is held until 1970-01-01T00:01:00.000000Z: 1 × black, 2 × green.";
    assert_eq!(sentence(&Event::StockHeld { units: None }, held), expected);
}

#[test]
fn only_the_first_of_many_articles_are_named() {
    let reservation = reservation(HoldState::Committed, &["a", "b", "c", "d", "e"]);
    let context = EventContext { reservation: Some(&reservation), ..EventContext::default() };
    let sentence = of_event(&Event::StockCommitted, context);
    assert_eq!(sentence, "The stock was sold: 1 × a, 2 × b, 3 × c, and 2 more articles.");
}

fn record(kind: Kind, verdict: Verdict, why: Option<(Reason, &str)>) -> UnitRecord {
    UnitRecord {
        origin: Origin::Message { source: None, id: None, kind: CommandName::from(kind) },
        trace: None,
        order: None,
        verdict,
        reason: why.map(|(reason, _)| reason),
        detail: why.filter(|(_, detail)| !detail.is_empty()).map(|(_, detail)| detail.into()),
        original: None,
        events: Vec::new(),
        ignored: None,
        operator: None,
        parked: None,
    }
}

#[test]
fn fields_that_are_not_known_are_named() {
    let mut ignored = Ignored::default();
    ignored.add("expectedTotal");
    ignored.add("customer.vip");
    let record =
        UnitRecord { ignored: Some(ignored), ..record(Kind::CartCheckout, Verdict::Applied, None) };
    let expected =
        "Checking out the cart was applied. Ignored, since not known: expectedTotal, customer.vip.";
    assert_eq!(of_unit(&record, None), expected);
}

#[rstest]
#[case(Kind::OrderPlace, Verdict::Applied, None, "Placing the order was applied.")]
#[case(
    Kind::PaymentCallback,
    Verdict::Duplicate,
    None,
    "A payment callback had come before, and changed nothing."
)]
#[case(
    Kind::PaymentCallback,
    Verdict::Stale,
    None,
    "A payment callback was out of date, and changed nothing."
)]
#[case(
    Kind::PaymentCallback,
    Verdict::Waiting,
    None,
    "A payment callback waits for the order to be placed."
)]
#[case(
    Kind::OrderCancel, Verdict::Rejected, Some((Reason::NotAllowed, "partially_refunded")),
    "Cancelling the order was refused: that is not allowed now (the order is partially refunded)."
)]
#[case(
    Kind::RefundRequest, Verdict::Rejected, Some((Reason::RefundExists, "requested")),
    "The request for a refund was refused: a refund with that id exists already (requested)."
)]
#[case(
    Kind::PaymentCallback,
    Verdict::Review,
    None,
    "A payment callback was recorded, and a person must look at it."
)]
#[case(
    Kind::OrderPlace, Verdict::Conflict, Some((Reason::Conflict, "")),
    "Placing the order was parked: its id had been used with other data."
)]
#[case(
    Kind::OrderPlace, Verdict::Invalid, Some((Reason::Validation, "lines: must have 1 to 500")),
    "Placing the order was parked as not valid: a value in the message is wrong (lines: must have 1 to 500)."
)]
#[case(
    Kind::PaymentCallback, Verdict::Failed, Some((Reason::WaitingFull, "")),
    "A payment callback was parked: too many callbacks wait for their orders already."
)]
fn a_unit_of_a_command_has_its_sentence(
    #[case] kind: Kind,
    #[case] verdict: Verdict,
    #[case] why: Option<(Reason, &str)>,
    #[case] expected: &str,
) {
    assert_eq!(of_unit(&record(kind, verdict, why), None), expected);
}

#[rstest]
#[case(Origin::HoldTimer, None, "The time for which stock was held ran out.")]
#[case(Origin::Operator, None, "An operator had a notification sent again.")]
#[case(Origin::Retention, None, "A retention period ended.")]
#[case(
    Origin::Retention,
    Some(Reason::OrderNeverCame),
    "A payment callback was parked: its order was never placed."
)]
fn a_unit_without_a_command_has_its_sentence(
    #[case] origin: Origin,
    #[case] reason: Option<Reason>,
    #[case] expected: &str,
) {
    let verdict = if reason.is_some() { Verdict::Failed } else { Verdict::Applied };
    let record = UnitRecord { origin, reason, ..record(Kind::OrderPlace, verdict, None) };
    assert_eq!(of_unit(&record, None), expected);
}

/// An attempt that failed for the second time, and is tried again after a minute.
fn retried() -> Delivery {
    Delivery {
        attempts: 2,
        failures: 2,
        problem: Some(Failure::Status(503)),
        progress: Progress::Pending { not_before: Timestamp::from_micros(60_000_000) },
        ..Delivery::new(Channel::Webhook, Timestamp::EPOCH)
    }
}

#[rstest]
#[case(
    Some(delivered(3)),
    None,
    "The notification of a refund was delivered, through webhook, at attempt 3."
)]
#[case(
    None,
    Some(retried()),
    "The delivery of the notification of a refund failed, through webhook, at attempt 2: status 503. \
     The next attempt is due at 1970-01-01T00:01:00.000000Z."
)]
#[case(
    None,
    None,
    "The delivery of the notification of a refund failed. The delivery is tried again."
)]
#[case(
    Some(given_up(1, Failure::Status(410))),
    None,
    "The delivery of the notification of a refund failed, through webhook, after 1 attempt: status 410. \
     The delivery is given up."
)]
#[case(
    Some(given_up(0, Failure::Removed)),
    None,
    "The delivery of the notification of a refund failed, through webhook, after 0 attempts: the channel is not configured any more. \
     The delivery is given up."
)]
fn an_attempt_to_deliver_has_its_sentence(
    #[case] event: Option<Event>,
    #[case] retried: Option<Delivery>,
    #[case] expected: &str,
) {
    let record = UnitRecord {
        origin: Origin::Notified(NotificationKind::RefundSucceeded),
        events: event.into_iter().collect(),
        ..record(Kind::OrderPlace, Verdict::Applied, None)
    };
    assert_eq!(of_unit(&record, retried.as_ref()), expected);
}
