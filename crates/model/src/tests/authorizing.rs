//! Orders that an authorization confirms, `order.capture`, and voids.

use super::*;

/// A shop with an order of 1000 GBP that is confirmed on authorization.
fn shop() -> Shop {
    let mut shop = Shop::stocked(10);
    let mut order = order_of("o", 4);
    order["confirm_on"] = json!("authorization");
    assert_eq!(shop.run("o", "order.place", &order), APPLIED);
    shop
}

/// The same, authorized by attempt `a`.
fn authorized() -> Shop {
    let mut shop = shop();
    assert_eq!(authorize(&mut shop, "a", 1_000), APPLIED);
    assert_eq!(shop.status("o"), "authorized");
    shop
}

fn authorize(shop: &mut Shop, attempt: &str, amount: i64) -> (Verdict, Option<&'static str>) {
    let second = shop.sent % 60;
    let said = json!({"attempt_id": attempt, "amount": amount,
                      "occurred_at": format!("2026-01-01T00:00:{second:02}Z")});
    shop.hears("authorized", said)
}

fn captures(shop: &mut Shop, attempt: &str, amount: i64, is_final: bool) {
    let said = json!({"attempt_id": attempt, "amount": amount, "final": is_final});
    assert_eq!(shop.hears("captured", said), APPLIED);
}

#[test]
fn an_authorized_total_confirms_the_order_once_and_its_hold_stands() {
    let mut shop = shop();
    assert_eq!(authorize(&mut shop, "a", 600), APPLIED);
    assert_eq!((shop.status("o"), shop.order().authorized), ("awaiting_payment", 600));
    assert_eq!(authorize(&mut shop, "b", 400), APPLIED);
    assert_eq!((shop.status("o"), shop.order().authorized), ("authorized", 1_000));
    assert_eq!(shop.events(), ["order.authorized"]);

    assert!(shop.pass(3 * DAY).is_empty(), "the hold does not expire");
    let hold = shop.order().hold.expect("it holds");
    assert_eq!(
        (hold.state, hold.until, hold.frozen, hold.is_extended),
        ("held", None, None, false)
    );
    captures(&mut shop, "a", 600, false);
    assert_eq!((shop.events(), shop.status("o")), (vec![], "authorized"));
    assert_eq!((shop.order().authorized, shop.order().paid), (400, 600));
    captures(&mut shop, "b", 400, false);
    assert_eq!((shop.events(), shop.status("o")), (vec!["order.paid"], "paid"));
    assert_eq!(shop.stock(), (6, 0));
    let confirmed = (NotificationKind::OrderConfirmed.name(), String::new());
    assert_eq!(shop.order().notifications, [confirmed]);
}

#[test]
fn the_configuration_says_what_confirms_an_order_that_does_not_say_it() {
    let confirm_on = crate::ConfirmOn::Authorization;
    let mut shop = Shop::with(Settings { confirm_on, ..Settings::default() }, 10);
    shop.place("o", 4);
    authorize(&mut shop, "a", 1_000);
    assert_eq!((shop.status("o"), shop.order().confirm_on), ("authorized", "authorization"));

    let mut shop = Shop::with_order();
    authorize(&mut shop, "a", 1_000);
    assert_eq!((shop.status("o"), shop.order().authorized), ("awaiting_payment", 1_000));
    assert!(shop.order().hold.expect("it holds").frozen.is_some());
}

#[test]
fn money_and_authorizations_together_confirm() {
    let mut shop = shop();
    shop.takes("a", 400);
    assert_eq!(shop.status("o"), "partially_paid");
    authorize(&mut shop, "b", 600);
    assert_eq!(shop.status("o"), "authorized");
    let said = json!({"attempt_id": "c", "amount": 600, "currency": "EUR"});
    assert_eq!(shop.hears("authorized", said), APPLIED);
    assert_eq!(shop.order().authorized, 600, "another currency does not count");
}

#[test]
fn an_authorization_that_is_lost_starts_the_hold_anew() {
    for (before, status) in [(0, "awaiting_payment"), (400, "partially_paid")] {
        let mut shop = shop();
        if before > 0 {
            shop.takes("b", before);
        }
        authorize(&mut shop, "a", 1_000 - before);
        shop.pass(3 * DAY);
        assert_eq!(shop.hears("expired", json!({})), APPLIED);

        assert_eq!((shop.status("o"), shop.events()), (status, vec!["order.authorization_lost"]));
        let hold = shop.order().hold.expect("it holds");
        assert_eq!(hold.until, Some(NOW + 3 * DAY + 15 * MINUTE));
        assert!(!hold.is_extended);
        shop.takes("c", 1);
        let hold = shop.order().hold.expect("it holds");
        assert_eq!(hold.until, Some(NOW + 3 * DAY + 120 * MINUTE), "its cap counts from the loss");
        assert_eq!(shop.pass(120 * MINUTE).len(), 1);
        assert_eq!((shop.status("o"), shop.stock()), ("refund_due", (10, 0)));
    }
}

#[test]
fn a_final_capture_that_leaves_the_rest_uncovered_makes_the_order_partly_paid() {
    let mut shop = authorized();
    shop.pass(DAY);
    captures(&mut shop, "a", 700, true);
    assert_eq!((shop.status("o"), shop.events()), ("partially_paid", vec!["order.partially_paid"]));
    let hold = shop.order().hold.expect("it holds");
    assert_eq!((hold.until, hold.is_extended), (Some(NOW + DAY + 120 * MINUTE), true));

    authorize(&mut shop, "b", 300);
    assert_eq!(shop.status("o"), "authorized", "another authorization covers the rest");
}

#[test]
fn an_authorized_order_that_takes_too_much_is_under_review_with_its_hold_at_the_cap() {
    let mut shop = authorized();
    shop.pass(DAY);
    authorize(&mut shop, "b", 200);
    assert_eq!(shop.takes("c", 1_001), REVIEW);
    assert_eq!((shop.status("o"), shop.voids()), ("under_review", vec!["a", "b"]));
    let hold = shop.order().hold.expect("it holds");
    assert_eq!(hold.until, Some(NOW + DAY + 120 * MINUTE));
}

#[test]
fn cancelling_an_authorized_order_voids_it() {
    let mut shop = authorized();
    captures(&mut shop, "a", 100, false);
    assert_eq!(shop.command("order.cancel", json!({})), APPLIED);
    assert_eq!((shop.status("o"), shop.voids()), ("refund_due", vec!["a"]));
    assert_eq!((shop.asked(), shop.stock()), (vec![(1, 1, 1, "a", 100)], (10, 0)));
}

#[test]
fn authorizations_of_an_attempt_add_up() {
    let mut shop = shop();
    let said = |amount: i64, minute: i64, currency: &str| {
        json!({"amount": amount, "currency": currency,
               "occurred_at": format!("2026-01-01T00:{minute:02}:00Z")})
    };
    assert_eq!(shop.hears("authorized", said(300, 1, "GBP")), APPLIED);
    assert_eq!(shop.hears("authorized", said(700, 1, "GBP")), STALE, "the same time");
    assert_eq!(shop.hears("authorized", said(700, 2, "EUR")), STALE, "another currency");
    assert_eq!(shop.hears("authorized", said(700, 2, "GBP")), APPLIED);
    assert_eq!((shop.status("o"), shop.order().authorized), ("authorized", 1_000));

    shop.hears("captured", json!({"amount": 500}));
    assert_eq!(shop.hears("authorized", said(100, 3, "GBP")), APPLIED, "it is not final");
    assert_eq!(shop.order().authorized, 600);
    shop.hears("captured", json!({"amount": 500}));
    assert_eq!((shop.status("o"), shop.voids()), ("paid", vec!["a"]), "of the rest");
    assert_eq!(shop.hears("authorized", said(50, 4, "GBP")), APPLIED);
    assert_eq!(shop.voids(), ["a"], "again");
}

#[test]
fn the_rest_of_a_partly_captured_authorization_is_voided() {
    for (is_final, voids) in [(false, vec!["a"]), (true, vec![])] {
        let mut shop = Shop::with_order();
        authorize(&mut shop, "a", 1_500);
        let said = json!({"amount": 1_000, "final": is_final});
        assert_eq!(shop.hears("captured", said), APPLIED);
        assert_eq!((shop.status("o"), shop.voids()), ("paid", voids));
    }
    let mut shop = Shop::with_order();
    shop.takes("a", 1_000);
    assert_eq!(authorize(&mut shop, "a", 1_000), APPLIED);
    assert_eq!(shop.voids(), [""; 0], "all of it was captured");
}

#[test]
fn the_end_of_the_rest_is_recorded() {
    let mut shop = authorized();
    captures(&mut shop, "a", 400, false);
    assert_eq!(shop.hears("voided", json!({})), APPLIED);
    assert_eq!((shop.status("o"), shop.order().authorized), ("partially_paid", 0));
    assert_eq!(shop.order().attempts[0].state, "captured");
    assert_eq!(shop.hears("voided", json!({})), STALE, "nothing is left");
}

#[test]
fn capturing_asks_the_oldest_attempts_for_what_lacks() {
    let mut shop = shop();
    authorize(&mut shop, "a", 600);
    authorize(&mut shop, "b", 700);
    let asked = |shop: &Shop| -> Vec<(String, i64)> {
        let asked = shop.last.captures_requested.iter();
        asked.map(|(_, attempt, amount, _)| (attempt.clone(), *amount)).collect()
    };
    assert_eq!(shop.command("order.capture", json!({"amount": 100})), APPLIED);
    assert_eq!(asked(&shop), [("a".to_owned(), 100)]);
    assert_eq!(shop.command("order.capture", json!({"amount": 1_201})), NOT_ALLOWED);
    assert_eq!(shop.last.detail, "authorized");
    assert_eq!(shop.command("order.capture", json!({})), APPLIED);
    assert_eq!(asked(&shop), [("a".to_owned(), 500), ("b".to_owned(), 400)]);
    assert_eq!(shop.command("order.capture", json!({})), NOT_ALLOWED, "all was asked for");

    shop.hears("failed", json!({}));
    assert_eq!(shop.status("o"), "awaiting_payment");
    assert_eq!(shop.command("order.capture", json!({})), APPLIED);
    assert_eq!(asked(&shop), [("b".to_owned(), 300)], "what is open and not asked for");
    captures(&mut shop, "b", 700, false);
    assert_eq!(shop.command("order.capture", json!({})), NOT_ALLOWED, "nothing is open");
}

#[test]
fn capturing_is_for_orders_that_await_money() {
    let mut shop = Shop::with_order();
    assert_eq!(shop.command("order.capture", json!({"amount": 1})), NOT_ALLOWED);
    authorize(&mut shop, "a", 1_000);
    assert_eq!(shop.command("order.capture", json!({"amount": 0})), INVALID);
    assert_eq!(shop.command("order.capture", json!({})), APPLIED, "confirmed on capture too");
    shop.takes("a", 1_000);
    assert_eq!(shop.command("order.capture", json!({})), NOT_ALLOWED);
    assert_eq!(shop.last.detail, "paid");
}

#[test]
fn what_failed_to_be_captured_may_be_asked_for_again() {
    let mut shop = authorized();
    let asked =
        |shop: &Shop| shop.last.captures_requested.iter().map(|one| one.2).collect::<Vec<_>>();
    shop.command("order.capture", json!({"amount": 600}));
    assert_eq!(shop.command("order.capture", json!({"amount": 600})), NOT_ALLOWED, "400 are left");
    assert_eq!(shop.command("order.capture", json!({"amount": 600, "again": true})), APPLIED);
    assert_eq!(asked(&shop), [600]);
    assert_eq!(shop.command("order.capture", json!({})), APPLIED);
    assert_eq!(asked(&shop), [400], "of the attempt only the last request counts");
    assert_eq!(shop.command("order.capture", json!({})), NOT_ALLOWED);
    assert_eq!(shop.command("order.capture", json!({"again": true})), APPLIED);
    assert_eq!(asked(&shop), [1_000]);
    let more = json!({"amount": 1_001, "again": true});
    assert_eq!(shop.command("order.capture", more), NOT_ALLOWED, "no more than is open");
    captures(&mut shop, "a", 1_000, false);
    assert_eq!(shop.command("order.capture", json!({"again": true})), NOT_ALLOWED);
}

#[test]
fn an_authorization_that_ended_is_not_open_in_whatever_order_it_is_heard_of() {
    const ALL: [&str; 3] = ["authorized", "captured", "voided"];
    for (one, two, three) in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)] {
        let mut shop = shop();
        for kind in [one, two, three].map(|nth| ALL[nth]) {
            let hour = match kind {
                "authorized" => 1,
                "captured" => 2,
                _ => 3,
            };
            let amount = if kind == "authorized" { 1_000 } else { 400 };
            let said = json!({"amount": amount, "capture_id": "c",
                              "occurred_at": format!("2026-01-01T{hour:02}:00:00Z")});
            shop.hears(kind, said);
        }
        let order = shop.order();
        assert_eq!((order.status, order.paid, order.authorized), ("partially_paid", 400, 0));
        // it may be authorized once more after that
        if !order.attempts[0].is_final {
            let said = json!({"amount": 600, "occurred_at": "2026-01-01T04:00:00Z"});
            assert_eq!(shop.hears("authorized", said), APPLIED);
        }
    }
}

#[test]
fn an_end_that_is_known_ends_nothing_that_was_authorized_since() {
    let mut shop = shop();
    let at = |hour: u8| json!(format!("2026-01-01T{hour:02}:00:00Z"));
    shop.hears("failed", json!({"occurred_at": at(2)}));
    shop.hears("captured", json!({"amount": 200, "capture_id": "c"}));
    shop.hears("authorized", json!({"amount": 500, "occurred_at": at(3)}));
    let before = shop.order();
    assert_eq!(before.authorized, 500, "what was captured before the end takes nothing of it");
    for hour in [1, 2] {
        assert_eq!(shop.hears("failed", json!({"occurred_at": at(hour)})), STALE);
        assert_eq!(shop.order(), before);
    }
}

#[test]
fn the_end_of_an_attempt_is_remembered_by_an_order_that_awaits_no_money() {
    let mut shop = Shop::with_order();
    shop.takes("b", 1_000);
    let version = shop.order().version;
    assert_eq!(shop.hears("voided", json!({"occurred_at": "2026-01-01T03:00:00Z"})), STALE);
    assert_eq!((shop.order().version, shop.order().attempts[1].state), (version + 1, "voided"));
    let earlier = json!({"amount": 1_000, "occurred_at": "2026-01-01T01:00:00Z"});
    assert_eq!(shop.hears("authorized", earlier), STALE);
    assert_eq!(shop.voids(), [""; 0], "it ended");
}

#[test]
fn an_attempt_belongs_to_the_first_order_that_counted_its_money() {
    for first in ["authorized", "captured"] {
        let mut shop = Shop::stocked(10);
        shop.place("o", 2);
        shop.place("p", 2);
        assert_eq!(shop.hears(first, json!({"amount": 500, "capture_id": "c"})), APPLIED);
        let of_p = |attempt: &str| json!({"order_id": "p", "attempt_id": attempt, "amount": 500});
        assert_eq!(shop.hears("authorized", of_p("a")), STALE, "{first}");
        assert_eq!(shop.last.detail, "the attempt belongs to order o");
        assert!(shop.seen().orders["p"].attempts.is_empty());
        let other = json!({"order_id": "p", "provider": "q", "amount": 500});
        assert_eq!(shop.hears("authorized", other), APPLIED, "that of another provider");
        assert_eq!(shop.hears("authorized", of_p("b")), APPLIED);
        // money is known by itself
        let money = json!({"order_id": "p", "amount": 500, "capture_id": "d"});
        assert_eq!(shop.hears("captured", money), APPLIED);
        assert_eq!(shop.status("p"), "paid");
    }
}

#[test]
fn an_attempt_of_another_order_is_stale_for_a_deleted_one() {
    let mut shop = Shop::with_order();
    shop.takes("b", 1_000);
    shop.command("order.complete", json!({}));
    shop.pass(90 * DAY);
    shop.model.delete_order("o");
    shop.place("p", 2);
    shop.hears("authorized", json!({"order_id": "p", "amount": 500}));
    assert_eq!(shop.hears("authorized", json!({"amount": 500})), STALE);
    assert_eq!(shop.last.detail, "the attempt belongs to order p");
    let failed = (Verdict::Failed, Some("failed"));
    assert_eq!(shop.hears("authorized", json!({"attempt_id": "b", "amount": 500})), failed);
    assert_eq!(shop.hears("authorized", json!({"attempt_id": "c", "amount": 500})), failed);
    let of_deleted = json!({"order_id": "p", "attempt_id": "b", "amount": 500});
    assert_eq!(shop.hears("authorized", of_deleted), STALE);
    assert_eq!(shop.last.detail, "the attempt belongs to order o");
}
