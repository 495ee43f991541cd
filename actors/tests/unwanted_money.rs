//! Captures and authorizations of orders that do not await them: orders that were paid, that were never
//! paid, and that are under review. Through the actors, on a simulated clock and disk.

mod support;

use orderly_actors::tables;
use orderly_domain::order::Status;
use orderly_domain::payment::{MOST_ENDED, Payments};
use orderly_domain::verdict::Verdict;
use serde_json::{Value, json};
use std::time::Duration;
use support::{DAY, Shop, place, said, verdict};

const MINUTE: Duration = Duration::from_secs(60);

/// An order of 500 and what happens to it: callbacks, and in capitals everything else.
async fn after(happens: &[&str]) -> Shop {
    let mut shop = Shop::stocked(&[("tea", 1)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    for text in happens {
        match *text {
            "CANCEL" => drop(shop.run("order.cancel", json!({"order_id": "o-1"})).await),
            "EXPIRES" => shop.pass(120 * MINUTE).await,
            "REFUNDS SUCCEED" => {
                for (currency, amount) in shop.pending_refunds("o-1") {
                    let refund =
                        shop.refunds("o-1").last().expect("a refund was requested").id.clone();
                    let text = format!("refund_succeeded p {amount} {refund} {currency}");
                    shop.run("payment.callback", said("o-1", &text)).await;
                }
            }
            callback => drop(shop.run("payment.callback", said("o-1", callback)).await),
        }
    }
    shop
}

async fn says(shop: &mut Shop, text: &str) -> Verdict {
    shop.run("payment.callback", said("o-1", text)).await.record.verdict
}

// captures without a capture id

#[actix::test]
async fn a_further_capture_for_an_order_that_was_never_paid_is_refunded_too() {
    for (happens, status) in [
        (&["captured p 200", "CANCEL"][..], Status::RefundDue),
        (&["captured p 200", "EXPIRES"], Status::RefundDue),
        (&["EXPIRES", "captured p 200"], Status::RefundDue),
        (&["captured p 200", "CANCEL", "REFUNDS SUCCEED"], Status::Refunded),
        (&["captured p 200", "EXPIRES", "REFUNDS SUCCEED"], Status::Refunded),
    ] {
        let mut shop = after(happens).await;
        assert_eq!(shop.status("o-1"), status, "{happens:?}");
        let asked = shop.count("payment.refund_requested");

        assert_eq!(says(&mut shop, "captured p 50").await, Verdict::Applied, "{happens:?}");

        assert_eq!(shop.order("o-1").paid, 250);
        assert_eq!(shop.count("payment.refund_requested"), asked + 1, "{happens:?}");
        assert_eq!(shop.pending_refunds("o-1").last(), Some(&("EUR", 50)), "{happens:?}");
        shop.check_balance();
    }
}

#[actix::test]
async fn a_further_capture_for_an_order_that_was_paid_is_stale_in_every_later_status() {
    for happens in [
        &["captured p 500"][..],
        &["captured p 500", "refund_succeeded p 100 r-1"],
        &["captured p 500", "refund_succeeded p 500 r-1"],
        &["EXPIRES", "captured p 500", "refund_succeeded p 500 r-1"],
    ] {
        let mut shop = after(happens).await;
        assert_eq!(says(&mut shop, "captured p 50").await, Verdict::Stale, "{happens:?}");
        assert_eq!((shop.order("o-1").paid, shop.pending_refunds("o-1")), (500, Vec::new()));
    }
}

// authorizations

#[actix::test]
async fn an_attempt_that_is_authorized_after_a_void_request_gets_another_void_request() {
    for happens in [&["CANCEL"][..], &["EXPIRES"], &["captured p 200", "CANCEL", "REFUNDS SUCCEED"]]
    {
        let mut shop = after(happens).await;
        let mut asked = 0;
        for (text, verdict, asks) in [
            ("action_required a", Verdict::Applied, true),
            ("action_required a", Verdict::Stale, false),
            ("authorized a 500", Verdict::Applied, true),
            ("authorized a 500", Verdict::Stale, false),
            ("voided a", Verdict::Stale, false),
        ] {
            assert_eq!(says(&mut shop, text).await, verdict, "{happens:?}, {text}");
            asked += usize::from(asks);
            assert_eq!(shop.count("payment.void_requested"), asked, "{happens:?}, {text}");
        }
    }
}

#[actix::test]
async fn an_authorization_of_a_paid_order_is_voided_once_and_an_action_of_the_customer_is_recorded()
{
    let mut shop = after(&["captured p 500"]).await;
    for (text, verdict, asked) in [
        ("action_required a", Verdict::Applied, 0),
        ("authorized a 500", Verdict::Applied, 1),
        ("authorized a 500", Verdict::Stale, 1),
        ("authorized p 500", Verdict::Applied, 1), // all of it is captured
        ("authorized p 500", Verdict::Stale, 1),
        ("authorized p 700 later", Verdict::Applied, 2), // the rest is blocked for nothing
    ] {
        assert_eq!(says(&mut shop, text).await, verdict, "{text}");
        assert_eq!(shop.count("payment.void_requested"), asked, "{text}");
    }
}

// reviews

#[actix::test]
async fn a_capture_beyond_the_total_of_an_order_under_review_has_the_verdict_review() {
    for (happens, text, verdict) in [
        // the net was above the total before
        (&["captured p 600"][..], "captured q 1", Verdict::Review),
        // the capture takes the net above the total
        (&["captured p 500 USD"], "captured q 501", Verdict::Review),
        (&["captured p 600", "refund_succeeded p 200 r-1"], "captured q 101", Verdict::Review),
        // the net stays within the total
        (&["captured p 500 USD"], "captured q 499", Verdict::Applied),
        (&["captured p 500 USD"], "captured q 500", Verdict::Applied),
        (&["captured p 600", "refund_succeeded p 200 r-1"], "captured q 100", Verdict::Applied),
        // any capture in another currency
        (&["captured p 600"], "captured q 1 USD", Verdict::Review),
        (&["captured p 500 USD"], "captured q 1 USD", Verdict::Review),
    ] {
        let mut shop = after(happens).await;
        assert_eq!(says(&mut shop, text).await, verdict, "{happens:?}, {text}");
        assert_eq!(shop.status("o-1"), Status::UnderReview);
        assert!(shop.pending_refunds("o-1").is_empty(), "a person decides on the surplus");
    }
}

#[actix::test]
async fn a_surplus_for_an_order_that_is_refund_due_needs_no_review() {
    let mut shop = after(&["captured p 200", "CANCEL"]).await;
    assert_eq!(says(&mut shop, "captured q 900").await, Verdict::Applied);
    assert_eq!(shop.pending_refunds("o-1"), [("EUR", 200), ("EUR", 900)]);
}

// events whose identities have expired

fn capture(event: &str, attempt: &str, amount: i64) -> Value {
    let mut data = said("o-1", &format!("captured {attempt} {amount}"));
    data["event_id"] = json!(event);
    data
}

/// Sends `data` again when its identity has expired, and returns the verdict.
async fn again_when_expired(shop: &mut Shop, data: Value) -> Verdict {
    assert_eq!(shop.run("payment.callback", data.clone()).await.record.verdict, Verdict::Duplicate);
    shop.pass(40 * DAY).await;
    assert!(shop.sweep_identities().await > 0);
    shop.run("payment.callback", data).await.record.verdict
}

#[actix::test]
async fn a_capture_counts_once_by_its_event_also_after_the_identity_expired() {
    for (happens, status) in [
        // a review may last longer than the retention of identities
        (&[][..], Status::UnderReview),
        (&["CANCEL"], Status::RefundDue),
        (&["CANCEL", "REFUNDS SUCCEED"], Status::Refunded),
    ] {
        let mut shop = after(&["captured p 500 USD"]).await;
        shop.run("payment.callback", capture("e-1", "a", 200)).await;
        for text in happens {
            match *text {
                "CANCEL" => drop(shop.run("order.cancel", json!({"order_id": "o-1"})).await),
                _ => {
                    for refund in shop.refunds("o-1") {
                        let (amount, currency) = (refund.amount, refund.currency.code());
                        let text = format!("refund_succeeded a {amount} {} {currency}", refund.id);
                        shop.run("payment.callback", said("o-1", &text)).await;
                    }
                }
            }
        }
        assert_eq!(shop.status("o-1"), status);

        let again = again_when_expired(&mut shop, capture("e-1", "a", 200)).await;

        assert_eq!((again, shop.order("o-1").paid), (Verdict::Stale, 200), "{happens:?}");
        // another event of the same attempt is another capture
        shop.run("payment.callback", capture("e-2", "a", 30)).await;
        assert_eq!(shop.order("o-1").paid, 230, "{happens:?}");
        shop.check_balance();
    }
}

#[actix::test]
async fn a_capture_counts_once_while_its_order_awaits_the_rest() {
    let mut shop = Shop::stocked(&[("tea", 1)]).await;
    let mut placed = place("o-1", &[("tea", 1, 500)]);
    placed["hold_for"] = json!("90d");
    shop.run("order.place", placed).await;
    shop.run("payment.callback", capture("e-1", "a", 200)).await;

    let again = again_when_expired(&mut shop, capture("e-1", "a", 200)).await;

    assert_eq!((again, shop.order("o-1").paid), (Verdict::Stale, 200));
    assert_eq!(shop.status("o-1"), Status::PartiallyPaid);
}

#[actix::test]
async fn no_number_of_attempts_refuses_money() {
    // Given an order that a thousand attempts failed to pay
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 5_000)])).await;
    for attempt in 0..1_000 {
        shop.run("payment.callback", said("o-1", &format!("failed a-{attempt}"))).await;
    }

    // When captures, refunds and disputes come
    for text in
        ["captured b 5000", "captured c 70", "refund_succeeded b 10 r-1", "dispute_opened b d-1"]
    {
        assert_eq!(says(&mut shop, text).await, Verdict::Applied, "{text}");
    }

    // Then each counts, and only the newest attempts are kept
    let order = shop.order("o-1");
    assert_eq!((order.paid, order.refunded, order.disputed), (5_070, 10, true));
    let payments: Payments = shop.state(tables::ORDERS, "o-1").expect("has payments");
    assert_eq!(payments.attempts.len(), MOST_ENDED + 2);
    assert_eq!(payments.ended.failed, 1_000 - MOST_ENDED as u64);
    assert_eq!(shop.count("command.parked"), 0);
    let known = shop.run("payment.callback", said("o-1", "failed a-999")).await;
    assert_eq!(verdict(&known).0, Verdict::Stale);
    shop.check_balance();
}
