//! Stories: what the API shows of an order, and the sentences that are made of it.

use super::tell;
use serde_json::{Value, json};

fn order(status: &str, more: &Value) -> Value {
    let mut order = json!({
        "order_id": "o-1", "status": status, "disputed": false,
        "customer": {"id": "u-1", "email": "u@example.com"}, "currency": "EUR",
        "lines": [{"sku": "tea", "quantity": 2, "unit_price": 500, "name": "Tea"}],
        "adjustments": [{"kind": "shipping", "amount": 250}],
        "total": 1250, "paid": 0, "refunded": 0, "authorized": 0, "confirm_on": "capture",
        "reservation": null, "attempts": [], "refunds": [], "disputes": [],
        "version": 1, "placed_at": "2026-11-29T10:00:00Z", "updated_at": "2026-11-29T10:00:00Z",
    });
    let more = more.as_object().into_iter().flatten();
    order.as_object_mut().expect("an object").extend(more.map(|(k, v)| (k.clone(), v.clone())));
    order
}

/// What is open, of an order without a timeline.
fn open(status: &str, more: &Value) -> String {
    let told = tell(&order(status, more), &[]).expect("a story");
    told.split_once("What is open:\n").expect("the last part").1.to_owned()
}

#[test]
fn a_story_says_what_the_order_is_what_happened_and_what_is_open() {
    let reservation = json!({
        "state": "held", "expires_at": "2026-11-29T10:15:00.5Z", "frozen": false, "lines": [],
    });
    let timeline = [
        json!({
            "at": "2026-11-29T10:00:00.123456Z", "kind": "order.place", "verdict": "applied",
            "source": "web", "command_id": "c-1", "summary": "Placing the order was applied.",
        }),
        json!({
            "at": "2026-11-29T10:00:00.123456Z", "sequence": 7, "kind": "order.placed",
            "summary": "The order was placed: 12.50 EUR are to be paid.", "data": {},
        }),
        json!({
            "at": "2026-11-29T10:01:00Z", "kind": "notification.outcome", "verdict": "applied",
            "summary": "The notification was delivered.",
        }),
        json!({
            "at": "2026-11-29T10:02:00Z", "kind": "parked.dismissed", "verdict": "applied",
            "operator": "anna", "parked_id": "p-7", "summary": "A parked message was dismissed.",
        }),
        json!({
            "at": "2026-11-29T10:03:00Z", "kind": "order.cancel", "verdict": "rejected",
            "source": "page", "command_id": "c-2", "operator": "anna",
            "summary": "Cancelling the order was refused.",
        }),
    ];
    let order = order("awaiting_payment", &json!({ "reservation": reservation }));
    let told = tell(&order, &timeline).expect("a story");
    let expected = "\
Order o-1 of customer u-1 (u@example.com) is awaiting payment.
The total is 12.50 EUR, 0.00 EUR are paid, 0.00 EUR went back.
  2 × tea (Tea) at 5.00 EUR
  shipping: 2.50 EUR

What happened (times in UTC):
2026-11-29 10:00:00  Placing the order was applied. [order.place c-1 from web]
    The order was placed: 12.50 EUR are to be paid.
2026-11-29 10:01:00  The notification was delivered.
2026-11-29 10:02:00  A parked message was dismissed. [p-7, by anna]
2026-11-29 10:03:00  Cancelling the order was refused. [order.cancel c-2 from page, by anna]

What is open:
  12.50 EUR are to be paid. Its stock is held until 2026-11-29 10:15:00; then the order expires.
";
    assert_eq!(told, expected);
}

#[test]
fn what_is_open_follows_from_the_status() {
    for (status, more, expected) in [
        (
            "partially_paid",
            json!({"paid": 1000, "written_off": 50, "reservation": {
                "state": "held", "expires_at": "2026-11-29T12:00:00Z", "frozen": true, "lines": [],
            }}),
            "2.00 EUR are to be paid. Its stock is held while a payment attempt is open, until 2026-11-29 12:00:00 at the latest.",
        ),
        ("awaiting_payment", json!({}), "12.50 EUR are to be paid. No stock is held for it."),
        (
            "awaiting_payment",
            json!({"reservation": {"state": "expired", "frozen": false, "lines": []}}),
            "12.50 EUR are to be paid. Its stock is not held any more.",
        ),
        (
            "authorized",
            json!({"authorized": 1250, "reservation": {"state": "held", "frozen": false, "lines": []}}),
            "12.50 EUR are authorized and not captured: order.capture asks the provider for them.",
        ),
        (
            "under_review",
            json!({}),
            "A person must decide what becomes of it: order.resolve with accept, cancel or return.",
        ),
        (
            "paid",
            json!({}),
            "It is paid and not completed: order.complete says that it was handed over.",
        ),
        (
            "refund_due",
            json!({"paid": 1250, "refunded": 250}),
            "10.00 EUR are to go back to the customer.",
        ),
        ("completed", json!({}), "Nothing is open."),
        (
            "completed",
            json!({"parked": 1}),
            "1 message about it is parked: GET /api/parked?order_id=o-1 shows why.",
        ),
        ("refunded", json!({}), "Nothing is open."),
        ("a_status_of_a_later_build", json!({}), "Nothing is open."),
    ] {
        assert_eq!(open(status, &more), format!("  {expected}\n"), "{status}");
    }
}

fn refund(id: &str, state: &str, sent_back: i64) -> Value {
    json!({
        "refund_id": id, "provider": "acme", "amount": 300, "sent_back": sent_back,
        "currency": "EUR", "state": state,
    })
}

fn failed(id: &str, not_settled: i64) -> Value {
    let mut failed = refund(id, "failed", 0);
    failed["not_settled"] = json!(not_settled);
    failed
}

#[test]
fn attempts_refunds_disputes_and_parked_messages_are_open_until_they_end() {
    let attempt = |id: &str, state: &str, void: bool, asked: i64| {
        json!({
            "provider": "acme", "attempt_id": id, "state": state, "authorized": 500,
            "currency": "EUR", "void_requested": true, "void_pending": void,
            "capture_requested": asked,
        })
    };
    let more = json!({
        "attempts": [
            attempt("a-1", "action_required", false, 0), attempt("a-2", "authorized", false, 0),
            attempt("a-3", "authorized", true, 0), attempt("a-4", "authorized", false, 200),
            attempt("a-5", "captured", false, 0), attempt("a-6", "failed", false, 0),
        ],
        "refunds": [
            refund("r-1", "requested", 100), refund("r-2", "failed", 0), refund("r-3", "succeeded", 300),
        ],
        "disputes": [
            {"dispute_id": "d-1", "provider": "acme", "state": "open"},
            {"dispute_id": "d-2", "provider": null, "state": "won"},
        ],
        "parked": 2,
    });
    let expected = "  \
  Payment attempt a-2 at acme is authorized: 5.00 EUR.
  Payment attempt a-3 at acme: the provider was asked to void it.
  Payment attempt a-4 at acme: the provider was asked to capture 2.00 EUR.
  Refund r-1 of 2.00 EUR waits for acme.
  Refund r-2 of 3.00 EUR failed at acme: refund.request with the same id asks again.
  Dispute d-1 at acme is open.
  2 messages about it are parked: GET /api/parked?order_id=o-1 shows why.
";
    assert_eq!(open("completed", &more), expected);
}

#[test]
fn a_refund_that_failed_is_open_until_it_is_settled() {
    let told = |refunds: &[Value]| {
        let why = json!({ "refunds": refunds });
        open("completed", &why)
    };
    assert_eq!(told(&[failed("r-1", 0)]), "  Nothing is open.\n");
    assert_eq!(
        told(&[failed("r-1", 0), failed("r-2", 300)]),
        "  Refund r-2 of 3.00 EUR failed at acme: refund.request with the same id asks again.\n"
    );
    assert_eq!(
        told(&[failed("r-1", 100)]),
        "  Refund r-1 of 3.00 EUR failed at acme: 1.00 EUR of it are not settled, and refund.request with a new id asks for them.\n"
    );
    let due = json!({"paid": 300, "refunds": [failed("r-1", 0)]});
    assert_eq!(
        open("refund_due", &due),
        "  What is left was settled in another way, and is not asked back.\n"
    );
}

#[test]
fn money_in_another_currency_is_told_in_that_currency() {
    let attempt = |captures: &Value| {
        json!({
            "provider": "acme", "attempt_id": "a-1", "state": "captured", "authorized": 0,
            "currency": "USD", "captures": captures,
        })
    };
    let back = json!({
        "refund_id": "r-1", "provider": "acme", "amount": 200, "sent_back": 200,
        "currency": "USD", "state": "succeeded",
    });
    let seven = attempt(&json!([{"amount": 700, "currency": "USD"}]));
    let told = open("refund_due", &json!({"attempts": [seven], "refunds": [back]}));
    assert_eq!(told, "  5.00 USD are to go back to the customer.\n");
    let both = json!({
        "paid": 1250, "attempts": [seven],
        "folded": {"money": [{"currency": "USD", "captured": 50, "refunded": 0}]},
    });
    let told = open("refund_due", &both);
    assert_eq!(told, "  12.50 EUR and 7.50 USD are to go back to the customer.\n");
    let told = open("completed", &json!({"attention": ["7.00 USD came in another currency"]}));
    assert_eq!(told, "  A person must see to it: 7.00 USD came in another currency.\n");
}

#[test]
fn what_a_customer_must_do_is_open_only_while_the_order_expects_money() {
    let attempt = json!({
        "provider": "acme", "attempt_id": "a-1", "state": "action_required", "currency": null,
    });
    let more = json!({ "attempts": [attempt] });
    assert!(open("awaiting_payment", &more).contains("a-1 at acme waits for a step"));
    assert_eq!(open("cancelled", &more), "  Nothing is open.\n");
}

#[test]
fn an_answer_without_what_every_order_has_is_no_story() {
    assert!(tell(&json!({"order_id": "o-1"}), &[]).is_err());
    assert!(tell(&order("paid", &json!({})), &[json!({"at": 1})]).is_err());
}
