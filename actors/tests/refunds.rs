//! Refunds, and reviews that a person ends.

mod support;

use orderly_actors::journal_entry::JournalEntry;
use orderly_domain::event::Event;
use orderly_domain::order::Status;
use orderly_domain::payment::RefundState;
use orderly_domain::verdict::{Detail, Verdict};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use support::{Shop, place, said, verdict};

const MINUTE: Duration = Duration::from_secs(60);
const CAP: Duration = Duration::from_secs(2 * 3600);
const APPLIED: (Verdict, Option<&str>) = (Verdict::Applied, None);

/// A paid order of 1500: three teas of ten, in two lines.
async fn paid() -> Shop {
    let mut shop = Shop::stocked(&[("tea", 10), ("cup", 5)]).await;
    shop.run("order.place", place("o-1", &[("tea", 2, 500), ("tea", 1, 500)])).await;
    shop.run("payment.callback", said("o-1", "captured a 1500")).await;
    assert_eq!(shop.status("o-1"), Status::Paid);
    shop
}

/// An order of 500 that is under review after these callbacks.
async fn reviewed(callbacks: &[&str]) -> Shop {
    let mut shop = Shop::stocked(&[("tea", 1)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    for text in callbacks {
        shop.run("payment.callback", said("o-1", text)).await;
    }
    assert_eq!(shop.status("o-1"), Status::UnderReview);
    shop
}

fn refund(id: &str, amount: i64, restock: &[(&str, u32)]) -> Value {
    let lines = restock.iter().map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity}));
    json!({"order_id": "o-1", "refund_id": id, "amount": amount,
           "restock": lines.collect::<Vec<_>>()})
}

async fn resolve(shop: &mut Shop, decision: &str) -> Arc<JournalEntry> {
    shop.run("order.resolve", json!({"order_id": "o-1", "decision": decision})).await
}

fn types(entry: &JournalEntry) -> Vec<&'static str> {
    entry.record.types().into_iter().map(orderly_domain::event::Type::as_str).collect()
}

#[actix::test]
async fn a_refund_is_requested_and_succeeds_and_the_customer_is_notified_of_each() {
    let mut shop = paid().await;

    let asked = shop.run("refund.request", refund("r-1", 500, &[("tea", 1)])).await;
    assert_eq!(verdict(&asked), APPLIED);
    assert_eq!(types(&asked), ["payment.refund_requested", "stock.returned"]);
    assert_eq!((shop.stock("tea"), shop.order("o-1").net()), ((8, 0), 1500));
    assert_eq!(shop.status("o-1"), Status::Paid, "only a refund that succeeded lowers the net");

    for (id, net, status) in
        [("r-1", 1000, Status::PartiallyRefunded), ("r-2", 0, Status::Refunded)]
    {
        if id == "r-2" {
            assert_eq!(verdict(&shop.run("refund.request", refund(id, 1000, &[])).await), APPLIED);
        }
        let amount = if id == "r-1" { 500 } else { 1000 };
        let text = format!("refund_succeeded a {amount} {id}");
        let arrived = shop.run("payment.callback", said("o-1", &text)).await;
        assert_eq!(verdict(&arrived), APPLIED);
        assert!(
            types(&arrived).contains(&"notification.requested"),
            "each refund requests a notification"
        );
        assert_eq!((shop.order("o-1").net(), shop.status("o-1")), (net, status));
    }
    // another event about the same refund
    let again = shop.run("payment.callback", said("o-1", "refund_succeeded a 7 r-1")).await;
    assert_eq!(verdict(&again), (Verdict::Stale, None));
    assert_eq!(shop.order("o-1").refunded, 1500);
}

#[actix::test]
async fn no_more_is_requested_than_was_paid_and_is_not_pending() {
    let mut shop = paid().await;
    let mut asks = async |id, amount| {
        let asked = shop.run("refund.request", refund(id, amount, &[])).await;
        asked.record.reason.map_or("applied", orderly_domain::verdict::Reason::as_str)
    };
    assert_eq!(asks("r-1", 1501).await, "refund_exceeds_paid");
    assert_eq!(asks("r-1", 1000).await, "applied");
    assert_eq!(asks("r-1", 100).await, "refund_exists");
    assert_eq!(asks("r-2", 501).await, "refund_exceeds_paid");
    assert_eq!(asks("r-2", 500).await, "applied");
    assert_eq!(asks("r-3", 1).await, "refund_exceeds_paid");
    let nobody = json!({"order_id": "o-9", "refund_id": "r-1", "amount": 1});
    let nobody = shop.run("refund.request", nobody).await;
    assert_eq!(verdict(&nobody), (Verdict::Rejected, Some("order_not_found")));
}

#[actix::test]
async fn a_failed_refund_may_be_requested_again_and_its_goods_are_restocked_once() {
    let mut shop = paid().await;
    let asked = refund("r-1", 500, &[("tea", 1)]);
    shop.run("refund.request", asked.clone()).await;
    assert_eq!(
        verdict(&shop.run("payment.callback", said("o-1", "refund_failed a r-1")).await),
        APPLIED
    );

    let again = shop.run("refund.request", asked).await;

    assert_eq!(verdict(&again), APPLIED);
    assert_eq!(types(&again), ["payment.refund_requested"]);
    assert_eq!((shop.stock("tea"), shop.count("stock.returned")), ((8, 0), 1));
    // the refund may fail or succeed again; once it has succeeded, an earlier failure is stale
    shop.run("payment.callback", said("o-1", "refund_succeeded a 500 r-1")).await;
    let stale = shop.run("payment.callback", said("o-1", "refund_failed a r-1")).await;
    assert_eq!(verdict(&stale), (Verdict::Stale, None));
    assert_eq!(shop.order("o-1").net(), 1000);
}

#[actix::test]
async fn no_more_is_restocked_than_was_sold_and_a_refused_refund_requests_nothing() {
    let mut shop = paid().await;
    let before = shop.dump();
    for (restock, sku, may_come) in [
        (&[("tea", 4)][..], "tea", 3),
        (&[("tea", 2), ("tea", 2)], "tea", 3),
        (&[("tea", 1), ("cup", 1)], "cup", 0),
        (&[("yeti", 1)], "yeti", 0),
    ] {
        let refused = shop.run("refund.request", refund("r-1", 500, restock)).await;
        assert_eq!(verdict(&refused), (Verdict::Rejected, Some("restock_exceeds_sold")));
        let Some(Detail::Shortages(too_many)) = &refused.record.detail else {
            panic!("the detail does not say how much may be restocked");
        };
        assert_eq!((too_many[0].sku.as_str(), too_many[0].available), (sku, may_come));
        assert!(shop.dump().0 == before.0, "nothing is pending, and the id is free");
    }
    for (id, units, expected) in [("r-1", 2, APPLIED), ("r-2", 1, APPLIED)] {
        let asked = shop.run("refund.request", refund(id, 100, &[("tea", units)])).await;
        assert_eq!(verdict(&asked), expected);
    }
    assert_eq!(shop.stock("tea"), (10, 0));
    let refused = shop.run("refund.request", refund("r-3", 100, &[("tea", 1)])).await;
    assert_eq!(verdict(&refused), (Verdict::Rejected, Some("restock_exceeds_sold")));
}

#[actix::test]
async fn goods_that_were_never_sold_are_not_restocked() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.run("order.cancel", json!({"order_id": "o-1"})).await;
    shop.run("payment.callback", said("o-1", "captured a 500")).await;
    shop.run("payment.callback", said("o-1", "captured b 700")).await;
    assert_eq!(shop.status("o-1"), Status::RefundDue);
    assert_eq!(shop.pending_refunds("o-1"), [("EUR", 500), ("EUR", 700)]);
    shop.fail_refunds("o-1").await;

    let refused = shop.run("refund.request", refund("r-1", 100, &[("tea", 1)])).await;
    assert_eq!(verdict(&refused), (Verdict::Rejected, Some("restock_exceeds_sold")));
    assert_eq!(verdict(&shop.run("refund.request", refund("r-1", 100, &[])).await), APPLIED);
}

#[actix::test]
async fn an_order_that_awaits_payment_or_a_review_is_not_refunded_by_a_command() {
    for (callbacks, status) in [
        (&[][..], "awaiting_payment"),
        (&["captured a 200"], "partially_paid"),
        (&["captured a 600"], "under_review"),
    ] {
        let mut shop = Shop::stocked(&[("tea", 1)]).await;
        shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
        for text in callbacks {
            shop.run("payment.callback", said("o-1", text)).await;
        }
        let refused = shop.run("refund.request", refund("r-1", 1, &[])).await;
        assert_eq!(verdict(&refused), (Verdict::Rejected, Some("not_allowed")));
        let Some(Detail::Text(detail)) = &refused.record.detail else { panic!("has no text") };
        assert!(detail.starts_with(&format!("{status}; possible: order.")), "{detail}");
    }
}

#[actix::test]
async fn a_refund_that_overtook_its_capture_is_not_lost() {
    let mut shop = Shop::stocked(&[("tea", 1)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;

    let early = shop.run("payment.callback", said("o-1", "refund_succeeded a 300 r-1")).await;

    assert_eq!(verdict(&early), (Verdict::Review, None), "nothing was taken yet");
    assert_eq!(types(&early), ["payment.recorded", "notification.requested"]);
    assert_eq!(shop.status("o-1"), Status::AwaitingPayment);
    shop.run("payment.callback", said("o-1", "captured a 500")).await;
    let order = shop.order("o-1");
    assert_eq!((order.paid, order.refunded, order.net()), (500, 300, 200));
    assert_eq!(order.status, Status::PartiallyPaid);
    shop.run("payment.callback", said("o-1", "captured b 300")).await;
    assert_eq!(shop.status("o-1"), Status::Paid);
}

#[actix::test]
async fn a_refund_that_nobody_requested_shows_whole_also_beyond_what_was_paid() {
    let mut shop = paid().await;
    shop.run("payment.callback", said("o-1", "refund_succeeded a 2000 r-9")).await;
    let order = shop.order("o-1");
    assert_eq!((order.paid, order.refunded, order.status), (1500, 2000, Status::Refunded));

    // the other 500 of the refund belong to this capture
    shop.run("payment.callback", said("o-1", "captured b 500")).await;
    let order = shop.order("o-1");
    assert_eq!((order.paid, order.refunded), (2000, 2000));
    assert!(shop.pending_refunds("o-1").is_empty(), "the capture was refunded in advance");
}

#[actix::test]
async fn an_authorization_that_nobody_needs_is_voided_once() {
    let mut shop = paid().await;
    for (text, expected, voided) in [
        ("authorized b 1500", APPLIED, 1),
        ("authorized a 1500", APPLIED, 1), // all of it is captured
        ("action_required c", APPLIED, 1),
        ("authorized c 1500", APPLIED, 2),
        ("voided b", (Verdict::Stale, None), 2),
    ] {
        let entry = shop.run("payment.callback", said("o-1", text)).await;
        assert_eq!((verdict(&entry), shop.count("payment.void_requested")), (expected, voided));
    }
}

#[actix::test]
async fn a_callback_that_waited_for_a_rejected_order_is_applied_right_after_the_order() {
    for (text, told) in [
        ("captured a 500", "payment.refund_requested"),
        ("authorized a 500", "payment.void_requested"),
        ("action_required a", "payment.void_requested"),
        ("captured a 500 USD", "payment.refund_requested"),
    ] {
        let mut shop = Shop::stocked(&[("tea", 0)]).await;
        let early = shop.run("payment.callback", said("o-1", text)).await;
        assert_eq!(verdict(&early), (Verdict::Waiting, None));
        shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
        assert_eq!(shop.event_types().last().copied(), Some(told), "{text}");
    }
}

#[actix::test]
async fn a_review_is_accepted_and_its_surplus_is_refunded() {
    let mut shop = reviewed(&["authorized b 500", "captured a 600"]).await;

    let accepted = resolve(&mut shop, "accept").await;

    assert_eq!(verdict(&accepted), APPLIED);
    assert_eq!(
        types(&accepted),
        ["order.paid", "stock.committed", "notification.requested", "payment.refund_requested"]
    );
    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::Paid, (0, 0)));
    assert_eq!(shop.pending_refunds("o-1"), [("EUR", 100)]);
    assert_eq!(shop.count("payment.void_requested"), 1, "requested when the review began");
    let again = resolve(&mut shop, "cancel").await;
    assert_eq!(verdict(&again), (Verdict::Rejected, Some("not_allowed")));
    let possible = "paid; possible: order.amend, order.complete, refund.request";
    assert_eq!(again.record.detail, Some(possible.into()));
}

#[actix::test]
async fn a_review_past_the_cap_is_accepted_if_there_is_enough_stock() {
    let mut shop = reviewed(&["captured a 600"]).await;
    shop.pass(CAP).await;
    shop.run("order.place", place("o-2", &[("tea", 1, 500)])).await;

    let refused = resolve(&mut shop, "accept").await;
    assert_eq!(verdict(&refused), (Verdict::Rejected, Some("out_of_stock")));
    let Some(Detail::Shortages(short)) = &refused.record.detail else {
        panic!("the detail lists no shortage");
    };
    assert_eq!((short[0].sku.as_str(), short[0].wanted, short[0].available), ("tea", 1, 0));
    assert_eq!(shop.status("o-1"), Status::UnderReview);

    shop.run("order.cancel", json!({"order_id": "o-2"})).await;
    let accepted = resolve(&mut shop, "accept").await;
    assert_eq!(types(&accepted)[..3], ["stock.held", "order.paid", "stock.committed"]);
    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::Paid, (0, 0)));
}

#[actix::test]
async fn a_review_without_enough_money_is_not_accepted() {
    let mut shop = reviewed(&["captured a 900 USD", "captured b 499"]).await;

    let refused = resolve(&mut shop, "accept").await;
    assert_eq!(verdict(&refused), (Verdict::Rejected, Some("not_allowed")));
    let possible = "under_review; 4.99 of 5.00 EUR came; possible: order.cancel, order.resolve accept with a \
                    write_off of 1, order.resolve cancel, order.resolve return";
    assert_eq!(refused.record.detail, Some(possible.into()));

    shop.run("payment.callback", said("o-1", "captured c 1")).await;
    let accepted = resolve(&mut shop, "accept").await;
    assert_eq!(verdict(&accepted), APPLIED);
    assert_eq!(accepted.record.detail, Some("accept".into()), "what was decided stays known");
    assert_eq!(shop.status("o-1"), Status::Paid);
}

#[actix::test]
async fn a_cancelled_review_refunds_every_currency() {
    for command in ["order.resolve", "order.cancel"] {
        let mut shop = reviewed(&[
            "captured a 900 USD",
            "captured b 70 JPY",
            "captured c 1 USD",
            "captured d 499",
        ])
        .await;

        let data = json!({"order_id": "o-1", "decision": "cancel"});
        let cancelled = shop.run(command, data).await;

        assert_eq!(
            types(&cancelled)[..4],
            ["order.cancelled", "order.refund_due", "stock.released", "notification.requested"]
        );
        assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::RefundDue, (1, 0)));
        assert_eq!(
            shop.pending_refunds("o-1"),
            [("EUR", 499), ("JPY", 70), ("USD", 1), ("USD", 900)]
        );
        // later captures are refunded too, each under an id of its own
        shop.run("payment.callback", said("o-1", "captured e 5 USD")).await;
        shop.run("payment.callback", said("o-1", "captured f 6")).await;
        assert_eq!(
            shop.pending_refunds("o-1"),
            [("EUR", 499), ("JPY", 70), ("USD", 1), ("USD", 900), ("USD", 5), ("EUR", 6)]
        );
    }
}

#[actix::test]
async fn a_cancelled_review_with_money_in_another_currency_only_is_refund_due_until_it_is_refunded()
{
    let mut shop = reviewed(&["captured a 900 USD"]).await;

    resolve(&mut shop, "cancel").await;

    assert_eq!(shop.status("o-1"), Status::RefundDue);
    assert_eq!(shop.pending_refunds("o-1"), [("USD", 900)]);
    refund_succeeds(&mut shop, 900).await;
}

#[actix::test]
async fn a_closed_order_with_money_in_another_currency_is_refund_due_until_it_is_refunded() {
    for expires in [true, false] {
        let mut shop = Shop::stocked(&[("tea", 1)]).await;
        shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
        if expires {
            shop.pass(15 * MINUTE).await;
        } else {
            shop.run("order.cancel", json!({"order_id": "o-1"})).await;
        }

        let came = shop.run("payment.callback", said("o-1", "captured a 700 USD")).await;

        assert_eq!(verdict(&came), (Verdict::Review, None));
        assert_eq!((shop.status("o-1"), shop.order("o-1").net()), (Status::RefundDue, 0));
        assert_eq!(shop.pending_refunds("o-1"), [("USD", 700)]);
        refund_succeeds(&mut shop, 700).await;
    }
}

/// The only refund of the order succeeds, in dollars. With it no money is due any more.
async fn refund_succeeds(shop: &mut Shop, amount: i64) {
    let told = shop.count("notification.requested");
    let refund = shop.refunds("o-1")[0].id.clone();
    let text = format!("refund_succeeded a {amount} {refund} USD");
    let arrived = shop.run("payment.callback", said("o-1", &text)).await;
    assert_eq!(verdict(&arrived), APPLIED);
    assert_eq!(shop.count("notification.requested"), told + 1);
    assert_eq!((shop.status("o-1"), shop.order("o-1").net()), (Status::Refunded, 0));
}

#[actix::test]
async fn money_for_a_closed_order_is_refunded_and_a_surplus_is_reviewed() {
    for expires in [true, false] {
        for (text, expected) in [
            ("captured a 500", Verdict::Applied),
            ("captured a 200", Verdict::Applied),
            ("captured a 501", Verdict::Review),
        ] {
            // the stock cannot be held again, since there will be none
            let mut shop = Shop::stocked(&[("tea", 1)]).await;
            shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
            if expires {
                shop.pass(15 * MINUTE).await;
            } else {
                shop.run("order.cancel", json!({"order_id": "o-1"})).await;
            }
            shop.run("stock.set", json!({"sku": "tea", "on_hand": 0})).await;

            let late = shop.run("payment.callback", said("o-1", text)).await;

            assert_eq!((late.record.verdict, shop.status("o-1")), (expected, Status::RefundDue));
            assert!(types(&late).ends_with(&["order.refund_due", "payment.refund_requested"]));
        }
    }
}

#[actix::test]
async fn ids_of_refunds_that_orderly_makes_are_derived_and_never_collide() {
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut shop = reviewed(&["captured a 900 USD", "captured b 600"]).await;
        shop.run("order.cancel", json!({"order_id": "o-1"})).await;
        for text in ["captured c 600", "captured d 900 USD", "captured e 900 USD"] {
            shop.run("payment.callback", said("o-1", text)).await;
        }
        let made = shop.refunds("o-1").into_iter().map(|refund| refund.id.to_string());
        ids.push(made.collect::<Vec<_>>());
    }
    assert_eq!(ids[0], ids[1]);
    ids[0].sort();
    ids[0].dedup();
    assert_eq!(ids[0].len(), 5);
}

/// The idempotency key of each request to refund.
fn keys(shop: &Shop) -> Vec<(String, u32, u32)> {
    let events = shop.entries.iter().flat_map(|entry| &entry.record.events);
    let keys = events.filter_map(|event| match event {
        Event::RefundRequested { refund_id, part, .. } => {
            let part = part.expect("each has one");
            Some((refund_id.to_string(), part.part, part.tries))
        }
        _ => None,
    });
    keys.collect()
}

/// Every refund that is requested fails, at a time of its own.
async fn all_fail(shop: &mut Shop) {
    for refund in shop.refunds("o-1") {
        if refund.state == RefundState::Requested {
            let attempt = refund.attempt.expect("asks somebody");
            let mut failed = said("o-1", &format!("refund_failed {attempt}"));
            failed["refund_id"] = json!(refund.id);
            failed["occurred_at"] = json!(shop.sequencer.now());
            shop.clock.advance(Duration::from_micros(1));
            shop.run("payment.callback", failed).await;
        }
    }
}

#[actix::test]
async fn no_request_to_refund_has_the_key_of_another() {
    let mut shop = Shop::stocked(&[("tea", 1)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    let give_back = json!({"order_id": "o-1", "decision": "return"});
    for text in ["captured a 500 #1", "captured b 100 #2"] {
        shop.run("payment.callback", said("o-1", text)).await;
    }
    // a refund of two parts is asked for anew with one part: there are fewer refunds than before
    for (kind, data) in [
        ("refund.request", refund("w-1", 600, &[])),
        ("order.resolve", give_back.clone()),
        ("refund.request", refund("w-1", 100, &[])),
        ("order.resolve", give_back),
    ] {
        all_fail(&mut shop).await;
        assert_eq!(verdict(&shop.run(kind, data).await), APPLIED, "{kind}");
    }
    let mut keys = keys(&shop);
    assert_eq!(keys.len(), 6, "{keys:?}");
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 6, "{keys:?}");
}

#[actix::test]
async fn a_refund_that_failed_and_was_settled_another_way_leaves_the_list_of_a_person() {
    let mut shop = paid().await;
    shop.run("refund.request", refund("w-1", 500, &[])).await;
    all_fail(&mut shop).await;
    let attention = |shop: &Shop| {
        let audit = orderly_actors::audit::audit(&shop.sequencer.view().borrow()).expect("reads");
        assert!(audit.balanced, "{:?}", audit.violations);
        audit.attention
    };
    assert_eq!(attention(&shop), ["order o-1: the refund of 5.00 EUR failed"]);
    let decide = |decision: &str| json!({"order_id": "o-1", "decision": decision});
    let refused = shop.run("order.resolve", decide("return")).await;
    assert_eq!(verdict(&refused), (Verdict::Rejected, Some("not_allowed")));
    let Some(Detail::Text(detail)) = &refused.record.detail else { panic!("has a text") };
    assert!(detail.contains("order.resolve accept"), "{detail}");

    let accepted = shop.run("order.resolve", decide("accept")).await;
    assert_eq!(verdict(&accepted), APPLIED);
    assert_eq!((attention(&shop), keys(&shop).len()), (vec![], 1), "nothing is sent twice");
}
