//! The model against examples from the contract.

use crate::snapshot::{Snapshot, StockSnapshot};
use crate::{MINUTE, Message, Model, NotificationKind, Settings, Unit, Verdict};
use serde_json::{Value, json};

const NOW: i64 = 1_764_057_600_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

struct Shop(Model);

impl Shop {
    fn stocked(on_hand: i64) -> Self {
        let mut shop = Self(Model::new(Settings::default(), NOW));
        shop.run("s", "stock.set", &json!({"sku": "tea", "on_hand": on_hand}));
        shop
    }

    fn all(&mut self, id: &str, kind: &str, data: &Value) -> Vec<Unit> {
        let body = data.to_string();
        self.0.take_all(&Message::new("test", id, kind, body.as_bytes()))
    }

    fn run(&mut self, id: &str, kind: &str, data: &Value) -> (Verdict, Option<&'static str>) {
        let unit = self.all(id, kind, data).remove(0);
        (unit.verdict, unit.reason)
    }

    fn place(&mut self, order: &str, quantity: i64) -> (Verdict, Option<&'static str>) {
        self.run(order, "order.place", &order_of(order, quantity))
    }

    fn capture(
        &mut self,
        event: &str,
        order: &str,
        amount: i64,
    ) -> (Verdict, Option<&'static str>) {
        self.run(event, "payment.callback", &captured(event, order, amount))
    }

    fn pass(&mut self, micros: i64) -> Vec<Unit> {
        self.0.now += micros;
        self.0.expire_due()
    }

    fn seen(&self) -> Snapshot {
        self.0.snapshot()
    }

    fn status(&self, order: &str) -> &'static str {
        self.seen().orders[order].status
    }

    fn stock(&self) -> (i64, i64) {
        let StockSnapshot { on_hand, held, .. } = self.seen().stock["tea"];
        (on_hand, held)
    }
}

const APPLIED: (Verdict, Option<&str>) = (Verdict::Applied, None);

fn rejected(reason: &'static str) -> (Verdict, Option<&'static str>) {
    (Verdict::Rejected, Some(reason))
}

fn order_of(order: &str, quantity: i64) -> Value {
    json!({
        "order_id": order, "customer": {"id": "ada"}, "currency": "GBP",
        "lines": [{"sku": "tea", "quantity": quantity, "unit_price": 250}],
    })
}

fn captured(event: &str, order: &str, amount: i64) -> Value {
    json!({
        "provider": "p", "event_id": event, "order_id": order, "attempt_id": format!("{order}-1"),
        "kind": "captured", "amount": amount, "currency": "GBP",
        "occurred_at": "2026-01-01T00:00:00Z",
    })
}

#[test]
fn paying_an_order_sells_its_stock_once() {
    let mut shop = Shop::stocked(10);
    assert_eq!(shop.place("o", 4), APPLIED);
    assert_eq!(shop.capture("e", "o", 1_000), APPLIED);
    assert_eq!(shop.capture("e", "o", 1_000), (Verdict::Duplicate, None));
    assert_eq!(shop.capture("e2", "o", 1_000), (Verdict::Stale, None), "the same attempt's money");

    assert_eq!((shop.stock(), shop.status("o")), ((6, 0), "paid"));
    let order = &shop.seen().orders["o"];
    assert_eq!((order.total, order.paid), (1_000, 1_000));
    let confirmed = (NotificationKind::OrderConfirmed.name(), String::new());
    assert_eq!(order.notifications, [confirmed]);
}

#[test]
fn a_capture_before_its_order_waits_for_it() {
    let mut shop = Shop::stocked(10);
    assert_eq!(shop.capture("e", "o", 250), (Verdict::Waiting, None));
    assert_eq!(shop.capture("nobody", "never", 250), (Verdict::Waiting, None));

    let units = shop.all("o", "order.place", &order_of("o", 1));

    assert_eq!(units.len(), 2, "the order, and the callback right after it");
    assert_eq!((shop.status("o"), shop.seen().waiting), ("paid", 1));
    let given_up = shop.pass(7 * DAY);
    assert_eq!(given_up[0].reason, Some("order_never_came"));
    assert_eq!((shop.seen().waiting, shop.seen().parked), (0, 1));
}

#[test]
fn a_parked_callback_uses_up_no_identity() {
    let mut shop = Shop::stocked(10);
    assert_eq!(shop.capture("e", "o", 250), (Verdict::Waiting, None));
    assert_eq!(shop.pass(7 * DAY)[0].reason, Some("order_never_came"));
    assert_eq!(shop.place("o", 1), APPLIED);

    assert_eq!(shop.capture("e", "o", 250), APPLIED);
    assert_eq!(shop.capture("e", "o", 250), (Verdict::Duplicate, None));
}

#[test]
fn an_order_without_enough_stock_is_rejected_and_its_money_is_refunded() {
    let mut shop = Shop::stocked(3);
    assert_eq!(shop.place("o", 4), rejected("out_of_stock"));
    assert_eq!(shop.place("p", 3), APPLIED);
    assert_eq!(
        shop.place("q", 1),
        rejected("out_of_stock"),
        "stock held for another order is not available"
    );
    assert_eq!(shop.capture("e", "o", 1_000), APPLIED);

    assert_eq!((shop.stock(), shop.status("o")), ((3, 3), "refund_due"));
    assert_eq!(shop.seen().orders["o"].refunds[0].1, 1_000);
}

#[test]
fn late_money_holds_the_stock_again_or_is_refunded() {
    // Given two orders whose holds ran out, and stock for one
    let mut shop = Shop::stocked(4);
    for order in ["o", "p"] {
        shop.place(order, 2);
    }
    let expired = shop.pass(15 * MINUTE);
    assert_eq!(expired.len(), 2);
    shop.run("less", "stock.adjust", &json!({"sku": "tea", "delta": -2}));

    // When both are paid
    assert_eq!(shop.capture("e", "o", 500), APPLIED);
    assert_eq!(shop.capture("f", "p", 500), APPLIED);

    // Then the first order gets the stock, and the money of the second one is refunded
    assert_eq!(shop.stock(), (0, 0));
    assert_eq!((shop.status("o"), shop.status("p")), ("paid", "refund_due"));
}

#[test]
fn cancelling_gives_the_stock_back_and_is_too_late_once_paid() {
    let mut shop = Shop::stocked(5);
    shop.place("o", 2);
    shop.place("p", 2);
    shop.capture("e", "p", 500);
    let mut cancel =
        |order: &str| shop.run(&format!("c-{order}"), "order.cancel", &json!({"order_id": order}));

    assert_eq!(cancel("o"), APPLIED);
    assert_eq!(cancel("p"), rejected("not_allowed"));
    assert_eq!(cancel("q"), rejected("order_not_found"));
    assert_eq!(shop.stock(), (3, 0));
}

#[test]
fn a_cart_closes_with_its_order_and_opens_when_the_hold_runs_out() {
    let mut shop = Shop::stocked(5);
    let line = json!({
        "cart_id": "c", "sku": "tea", "quantity": 2, "unit_price": 250, "currency": "GBP",
    });
    let checkout = |order: &str| {
        json!({"cart_id": "c", "order_id": order, "customer": {"id": "ada"}, "expected_total": 500,
               "hold_for": "1m"})
    };
    assert_eq!(shop.run("1", "cart.put", &line), APPLIED);
    assert_eq!(shop.run("2", "cart.checkout", &checkout("o")), APPLIED);
    assert_eq!(shop.run("3", "cart.put", &line), rejected("cart_closed"));
    shop.pass(MINUTE);

    assert_eq!(shop.run("4", "cart.checkout", &checkout("p")), APPLIED);
    assert_eq!((shop.status("o"), shop.status("p")), ("expired", "awaiting_payment"));
    assert_eq!(shop.stock(), (5, 2));
}

#[test]
fn an_id_used_again_with_other_data_is_a_conflict_and_parked_once() {
    let mut shop = Shop::stocked(5);
    shop.place("o", 1);
    let other = order_of("o", 2);

    for _ in 0..2 {
        assert_eq!(shop.run("o", "order.place", &other), (Verdict::Conflict, Some("conflict")));
    }
    assert_eq!(shop.run("o2", "order.place", &other), rejected("order_exists"));
    assert_eq!((shop.seen().parked, shop.stock().1), (1, 1));
}

#[test]
fn an_identity_is_forgotten_after_its_retention_and_not_before() {
    let mut shop = Shop::stocked(5);
    let (body, less) = (json!({"sku": "tea", "delta": -1}).to_string(), "less");
    let message = Message::new("test", less, "stock.adjust", body.as_bytes());
    assert_eq!(shop.0.take(&message).verdict, Verdict::Applied);
    shop.0.now += 30 * DAY;
    shop.0.forget_identity(&message);
    assert_eq!(shop.0.take(&message).verdict, Verdict::Duplicate);
    shop.0.now += 1;
    shop.0.forget_identity(&message);
    let old = Message { time: Some(NOW), ..message };
    assert_eq!(shop.0.take(&old).reason, Some("expired_identity"));
    assert_eq!(shop.0.take(&message).verdict, Verdict::Applied);
}

/// A row has a command's data, and whether the data are valid.
#[test]
fn data_are_checked_field_by_field() {
    let line = |quantity: Value| {
        json!({"order_id": "o", "customer": {"id": "ada"}, "currency": "GBP",
               "lines": [{"sku": "tea", "quantity": quantity, "unit_price": 1}]})
    };
    let with = |field: &str, value: Value| {
        let mut data = line(json!(1));
        data[field] = value;
        data
    };
    let dear = json!([{"sku": "tea", "quantity": 2, "unit_price": i64::MAX}]);
    let discount = |amount: i64| json!([{"kind": "voucher", "amount": amount}]);
    for (data, is_valid) in [
        (line(json!(1)), true),
        (line(json!(0)), false),
        (line(json!(1_000_001)), false),
        (line(json!("1")), false),
        (with("order_id", json!("no spaces")), false),
        (with("order_id", json!("x".repeat(129))), false),
        (with("currency", json!("gbp")), false),
        (with("customer", json!(["ada"])), false),
        (with("lines", json!([])), false),
        (with("lines", dear), false),
        (with("adjustments", discount(-1)), true),
        (with("adjustments", discount(-2)), false),
        (with("adjustments", Value::Null), true),
        (with("hold_for", json!("5m")), true),
        (with("hold_for", json!("PT5M")), true),
        (with("hold_for", json!("0s")), false),
        (with("hold_for", json!(5)), false),
        (with("whatever", json!([1])), true),
    ] {
        let verdict = Shop::stocked(9).run("m", "order.place", &data);
        let expected = if is_valid { APPLIED } else { (Verdict::Invalid, Some("validation")) };
        assert_eq!(verdict, expected, "{data}");
    }
}

#[test]
fn an_envelope_is_checked_before_the_data() {
    let body = br#"{"sku": "tea", "delta": 1}"#;
    let good = Message::new("test", "m", "stock.adjust", body);
    let large = vec![b' '; 64 * 1024 + 1];
    for (message, reason) in [
        (Message { id: None, ..good }, "malformed"),
        (Message { source: "", ..good }, "malformed"),
        (Message { kind: "stock.teleport", ..good }, "unknown_type"),
        (Message { body: b"{", ..good }, "malformed"),
        (Message { body: b"[]", ..good }, "validation"),
        (Message { body: &large, ..good }, "too_large"),
        (Message { deadline: Some("tomorrow"), ..good }, "validation"),
        (Message { deadline: Some("2020-01-01T00:00:00Z"), ..good }, "deadline"),
    ] {
        let unit = Shop::stocked(1).0.take(&message);
        assert_eq!((unit.verdict, unit.reason), (Verdict::Invalid, Some(reason)), "{message:?}");
        assert_eq!(unit.events, ["command.parked"]);
    }
}

#[test]
fn messages_with_equal_known_fields_have_the_same_data() {
    let mut shop = Shop::stocked(1);
    let first = captured("e", "o", 1);
    assert_eq!(shop.run("1", "payment.callback", &first).0, Verdict::Waiting);
    for (field, value) in [
        ("final", json!(false)),
        ("capture_id", Value::Null),
        ("occurred_at", json!("2026-01-01T01:00:00+01:00")),
        ("unknown", json!(1)),
    ] {
        let mut again = first.clone();
        again[field] = value;
        let verdict = shop.run("2", "payment.callback", &again).0;
        assert_eq!(verdict, Verdict::Duplicate, "{again}");
    }
}

#[test]
fn a_deleted_order_keeps_its_id() {
    let mut shop = Shop::stocked(1);
    shop.place("o", 1);
    shop.pass(15 * MINUTE);
    shop.pass(90 * DAY);
    shop.0.delete_order("o");
    assert_eq!(shop.run("2", "order.place", &order_of("o", 1)), rejected("order_exists"));
    assert_eq!(shop.run("3", "order.cancel", &json!({"order_id": "o"})), rejected("not_allowed"));
    assert_eq!(shop.capture("e", "o", 250), (Verdict::Stale, None));
}

#[test]
fn snapshots_that_differ_say_where() {
    let mut shop = Shop::stocked(5);
    shop.place("o", 1);
    let model = shop.seen();
    let mut product = model.clone();
    assert!(crate::snapshot::differences(&product, &model).is_empty());

    product.orders.clear();
    product.waiting = 2;
    product.stock.get_mut("tea").expect("is there").held = 3;

    let differences = crate::snapshot::differences(&product, &model);
    assert_eq!(differences.len(), 3);
    assert!(differences[0].starts_with("order o: the processor has None"));
    assert!(differences[1].contains("held: 3"));
    assert_eq!(differences[2], "waiting callbacks: the processor has 2, the model 0");
}
