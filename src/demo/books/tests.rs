//! The model against the contract, by hand.

use serde_json::{Value, json};

use super::{super::day::*, *};

/// Enters commands and remembers nothing but the books.
struct Shop(Bookkeeper);

impl Shop {
    fn stocked(on_hand: i64) -> Self {
        let mut shop = Self(Bookkeeper::default());
        shop.tell("s", "stock.set", &json!({ "sku": "tea", "on_hand": on_hand }));
        shop
    }

    fn try_tell(&mut self, id: &str, kind: &'static str, data: &Value) -> Result<Verdict, Error> {
        let message = Message {
            kind,
            id: Some(id.to_owned()),
            source: "test",
            deadline: None,
            body: data.to_string().into_bytes(),
        };
        self.0.enter(&Step::Send(message)).map(|verdict| verdict.expect("a message has a verdict"))
    }

    fn tell(&mut self, id: &str, kind: &'static str, data: &Value) -> Verdict {
        self.try_tell(id, kind, data).expect("modelled")
    }

    fn place(&mut self, order: &str, quantity: i64) -> Verdict {
        self.tell(order, "order.place", &order_of(order, quantity))
    }

    fn capture(&mut self, event: &str, order: &str, amount: i64) -> Verdict {
        self.tell(event, "payment.callback", &captured(event, order, amount))
    }

    fn close(self) -> Books {
        self.0.close()
    }
}

fn order_of(order: &str, quantity: i64) -> Value {
    json!({
        "order_id": order, "customer": { "id": "ada" }, "currency": "GBP",
        "lines": [{ "sku": "tea", "quantity": quantity, "unit_price": 250 }],
    })
}

fn briefly(mut order: Value) -> Value {
    order["hold_for"] = SHORT_HOLD.into();
    order
}

fn captured(event: &str, order: &str, amount: i64) -> Value {
    json!({
        "provider": "p", "event_id": event, "order_id": order, "attempt_id": format!("{order}-1"),
        "kind": "captured", "amount": amount, "currency": "GBP",
        "occurred_at": "2026-01-01T00:00:00Z",
    })
}

fn stock(on_hand: i64, held: i64) -> Stock {
    Stock { on_hand, held }
}

#[test]
fn paying_an_order_takes_its_stock_once() {
    let mut shop = Shop::stocked(10);
    assert_eq!(shop.place("o", 4), Verdict::Applied);
    assert_eq!(shop.capture("e", "o", 1_000), Verdict::Applied);
    assert_eq!(shop.capture("e", "o", 1_000), Verdict::Duplicate);
    assert_eq!(shop.capture("e2", "o", 1_000), Verdict::Stale, "the same attempt's money");

    let books = shop.close();

    assert_eq!(books.stock["tea"], stock(6, 0));
    assert_eq!(books.orders["o"], Account { status: Status::Paid, total: 1_000, paid: 1_000 });
    assert_eq!(books.notifications["order_confirmed"], 1);
}

#[test]
fn money_before_its_order_waits_for_it() {
    let mut shop = Shop::stocked(10);
    assert_eq!(shop.capture("e", "o", 250), Verdict::Waiting);
    assert_eq!(shop.capture("nobody", "never", 250), Verdict::Waiting);
    shop.place("o", 1);

    let books = shop.close();

    assert_eq!(books.orders["o"].status, Status::Paid);
    assert_eq!(books.waiting, 1);
}

#[test]
fn what_is_short_is_refused_whole_and_its_money_is_due_back() {
    let mut shop = Shop::stocked(3);
    assert_eq!(shop.place("o", 4), Verdict::Rejected("out_of_stock"));
    assert_eq!(shop.place("p", 3), Verdict::Applied);
    assert_eq!(
        shop.place("q", 1),
        Verdict::Rejected("out_of_stock"),
        "what is held for another is not there"
    );
    assert_eq!(shop.capture("e", "o", 1_000), Verdict::Applied);

    let books = shop.close();

    assert_eq!(books.stock["tea"], stock(3, 3));
    assert_eq!(books.orders["o"].status, Status::RefundDue);
    assert_eq!(books.refund_due(), 1_000);
}

#[test]
fn late_money_holds_again_or_is_due_back() {
    // Given two orders whose holds ran out, and stock for one
    let mut shop = Shop::stocked(4);
    for order in ["o", "p"] {
        shop.tell(order, "order.place", &briefly(order_of(order, 2)));
    }
    shop.0.enter(&Step::HoldsRunOut).unwrap();
    shop.tell("less", "stock.adjust", &json!({ "sku": "tea", "delta": -2 }));

    // When both are paid
    assert_eq!(shop.capture("e", "o", 500), Verdict::Applied);
    assert_eq!(shop.capture("f", "p", 500), Verdict::Applied);

    // Then the first gets it, the second its money back
    let books = shop.close();
    assert_eq!(books.stock["tea"], stock(0, 0));
    assert_eq!(books.orders["o"].status, Status::Paid);
    assert_eq!(books.orders["p"].status, Status::RefundDue);
    assert_eq!((books.events["order.expired"], books.paid()), (2, 1_000));
}

#[test]
fn cancelling_gives_the_stock_back_and_is_too_late_once_paid() {
    let mut shop = Shop::stocked(5);
    shop.place("o", 2);
    shop.place("p", 2);
    shop.capture("e", "p", 500);
    let cancel = |shop: &mut Shop, order: &str| {
        shop.tell(&format!("c-{order}"), "order.cancel", &json!({ "order_id": order }))
    };

    assert_eq!(cancel(&mut shop, "o"), Verdict::Applied);
    assert_eq!(cancel(&mut shop, "p"), Verdict::Rejected("not_allowed"));
    assert_eq!(cancel(&mut shop, "q"), Verdict::Rejected("order_not_found"));

    assert_eq!(shop.close().stock["tea"], stock(3, 0));
}

#[test]
fn a_cart_closes_with_its_order_and_opens_when_the_hold_runs_out() {
    let mut shop = Shop::stocked(5);
    let line = json!({
        "cart_id": "c", "sku": "tea", "quantity": 2, "unit_price": 250, "currency": "GBP",
    });
    let checkout = |order: &str| json!({ "cart_id": "c", "order_id": order, "customer": { "id": "ada" }, "expected_total": 500 });
    assert_eq!(shop.tell("1", "cart.put", &line), Verdict::Applied);
    assert_eq!(shop.tell("2", "cart.checkout", &briefly(checkout("o"))), Verdict::Applied);
    assert_eq!(shop.tell("3", "cart.put", &line), Verdict::Rejected("cart_closed"));
    shop.0.enter(&Step::HoldsRunOut).unwrap();

    assert_eq!(shop.tell("4", "cart.checkout", &checkout("p")), Verdict::Applied);

    let books = shop.close();
    assert_eq!(books.orders["o"].status, Status::Expired);
    assert_eq!(books.orders["p"].status, Status::AwaitingPayment);
    assert_eq!(books.stock["tea"], stock(5, 2));
}

#[test]
fn an_id_used_again_for_something_else_is_a_conflict_and_parked() {
    let mut shop = Shop::stocked(5);
    shop.place("o", 1);
    let other = order_of("o", 2);

    assert_eq!(shop.tell("o", "order.place", &other), Verdict::Conflict);
    assert_eq!(shop.tell("o2", "order.place", &other), Verdict::Rejected("order_exists"));

    let books = shop.close();
    assert_eq!((books.parked, books.stock["tea"].held), (1, 1));
}

#[test]
fn what_is_not_modelled_is_refused_and_not_guessed() {
    let mut shop = Shop::stocked(5);
    shop.place("o", 1);

    let partial = shop.try_tell("e", "payment.callback", &captured("e", "o", 249));

    let event = "e".to_owned();
    assert_eq!(partial, Err(Error::Amount { event, amount: 249, total: 250 }));
}

#[test]
fn books_that_differ_say_where() {
    let mut shop = Shop::stocked(5);
    shop.place("o", 1);
    let books = shop.close();
    let mut seen = books.clone();
    assert!(books.differences(&seen).is_empty());

    seen.orders.clear();
    seen.waiting = 2;
    seen.stock.get_mut("tea").unwrap().held = 3;

    let differences = books.differences(&seen);
    assert_eq!(differences.len(), 3);
    assert!(differences[0].starts_with("order o: expected"));
    assert!(differences[1].contains("held: 3"));
    assert_eq!(differences[2], "waiting callbacks: expected 0, found 2");
}
