//! Money counts for one order: a capture is known by its provider, its attempt and its own id, whatever order a callback names.

mod support;

use orderly_actors::counters;
use orderly_actors::states::State;
use orderly_actors::tables;
use orderly_domain::event::Type;
use orderly_domain::order::{Order, Status};
use orderly_domain::payment::{CaptureIdentity, Payments, RefundPart};
use orderly_domain::stored::Stored;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Detail, Verdict};
use std::sync::Arc;
use support::{DAY, Shop, place, said, verdict};

const STALE: (Verdict, Option<&str>) = (Verdict::Stale, None);
const APPLIED: (Verdict, Option<&str>) = (Verdict::Applied, None);

async fn two_orders() -> Shop {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    for order in ["o-1", "o-2"] {
        shop.run("order.place", place(order, &[("tea", 1, 500)])).await;
    }
    shop
}

fn counted_for(order: &str) -> Detail {
    Detail::Text(format!("counted for order {order}"))
}

#[actix::test]
async fn one_capture_does_not_pay_two_orders() {
    let mut shop = two_orders().await;
    let first = shop.run("payment.callback", said("o-1", "captured pi_7 500 #ch_7")).await;
    assert_eq!(verdict(&first), APPLIED);

    let second = shop.run("payment.callback", said("o-2", "captured pi_7 500 #ch_7")).await;

    assert_eq!((verdict(&second), second.record.detail.clone()), (STALE, Some(counted_for("o-1"))));
    assert_eq!((shop.status("o-1"), shop.status("o-2")), (Status::Paid, Status::AwaitingPayment));
    assert_eq!((shop.order("o-2").paid, shop.stock("tea")), (0, (9, 1)));
    // its own second event is stale as always, and needs no detail
    let again = shop.run("payment.callback", said("o-1", "captured pi_7 500 #ch_7")).await;
    assert_eq!((verdict(&again), again.record.detail.clone()), (STALE, None));
}

#[actix::test]
async fn other_money_counts_for_another_order() {
    for text in [
        "captured pi_7 500 #ch_8",
        "captured pi_8 500 #ch_7",
        "captured pi_7 500 #ch_7 @other",
        "captured pi_7 500",
    ] {
        let mut shop = two_orders().await;
        shop.run("payment.callback", said("o-1", "captured pi_7 500 #ch_7")).await;
        let other = shop.run("payment.callback", said("o-2", text)).await;
        assert_eq!((verdict(&other), shop.status("o-2")), (APPLIED, Status::Paid), "{text}");
    }
}

#[actix::test]
async fn one_capture_that_waited_for_two_orders_pays_the_first() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    for order in ["o-1", "o-2"] {
        let waits = shop.run("payment.callback", said(order, "captured pi_7 500 #ch_7")).await;
        assert_eq!(verdict(&waits), (Verdict::Waiting, None));
    }
    for order in ["o-2", "o-1"] {
        shop.run("order.place", place(order, &[("tea", 1, 500)])).await;
    }
    assert_eq!((shop.status("o-2"), shop.status("o-1")), (Status::Paid, Status::AwaitingPayment));
    let last = shop.entries.last().expect("ran");
    assert_eq!((verdict(last), last.record.detail.clone()), (STALE, Some(counted_for("o-2"))));
}

#[actix::test]
async fn money_of_an_order_that_was_deleted_stays_known() {
    let mut shop = Box::pin(a_deleted_order()).await;
    shop.run("order.place", place("o-3", &[("tea", 1, 500)])).await;
    let again = shop.run("payment.callback", said("o-3", "captured pi_7 500 #ch_7")).await;
    assert_eq!((verdict(&again), again.record.detail.clone()), (STALE, Some(counted_for("o-1"))));
    assert_eq!(shop.status("o-3"), Status::AwaitingPayment);
}

async fn a_deleted_order() -> Shop {
    let mut shop = two_orders().await;
    shop.run("payment.callback", said("o-1", "captured pi_7 500 #ch_7")).await;
    shop.run("order.complete", serde_json::json!({"order_id": "o-1"})).await;
    shop.deliver().await;
    shop.pass(200 * DAY).await;
    assert!(shop.state::<Payments>(tables::ORDERS, "o-1").is_none(), "it is deleted");
    shop
}

#[actix::test]
async fn new_money_for_a_deleted_order_is_parked_for_a_person() {
    let mut shop = Box::pin(a_deleted_order()).await;
    let mut parked = 0;
    for text in [
        "captured pi_7 500 #ch_8",
        "captured pi_8 500 #ch_7",
        "captured pi_7 500 #ch_7 @other",
        "captured pi_9 70 USD #ch_9",
        // without an id nobody can tell whether the money was counted
        "captured pi_7 500",
        "authorized pi_10 500",
    ] {
        let callback = said("o-1", text);
        let entry = shop.run("payment.callback", callback.clone()).await;
        assert_eq!(verdict(&entry), (Verdict::Failed, Some("failed")), "{text}");
        let detail = "order o-1 was deleted; this money is in no book";
        assert_eq!(entry.record.detail, Some(Detail::Text(detail.to_owned())), "{text}");
        assert_eq!(entry.record.types(), [Type::CommandParked], "{text}");
        // the identity of the callback is not used up
        let again = shop.run("payment.callback", callback).await;
        assert_eq!(verdict(&again), (Verdict::Failed, Some("failed")), "{text}");
        parked += 2;
        assert_eq!(counters::parked_in_all(&shop.sequencer.view().borrow()), parked, "{text}");
    }
    shop.check_balance();
}

#[actix::test]
async fn what_came_of_a_refund_of_a_deleted_order_is_parked_unless_it_is_known() {
    // Given an order that was deleted after two refunds: one succeeded, and one failed before it succeeded
    let mut shop = two_orders().await;
    for text in ["captured pi_7 500 #ch_7", "refund_succeeded pi_7 100 r-1"] {
        shop.run("payment.callback", said("o-1", text)).await;
    }
    let request = serde_json::json!({"order_id": "o-1", "refund_id": "r-2", "amount": 400});
    shop.run("refund.request", request.clone()).await;
    shop.run("payment.callback", said("o-1", "refund_failed pi_7 r-2")).await;
    shop.run("refund.request", request).await;
    shop.run("payment.callback", said("o-1", "refund_succeeded pi_7 400 r-2 later")).await;
    shop.run("payment.callback", said("o-2", "captured pi_2 500 #ch_2")).await;
    assert_eq!(shop.status("o-1"), Status::Refunded);
    shop.deliver().await;
    shop.pass(200 * DAY).await;
    assert!(shop.state::<Payments>(tables::ORDERS, "o-1").is_none(), "it is deleted");

    // Then what it knew is stale, and what moved since is parked
    let parked = (Verdict::Failed, Some("failed"));
    for (text, expected, detail) in [
        ("refund_succeeded pi_7 100 r-1", STALE, None),
        ("refund_failed pi_7 r-2", STALE, None),
        ("refund_succeeded pi_7 400 r-2 later", STALE, None),
        ("refund_succeeded pi_2 100 r-1", STALE, Some(belongs_to("o-2"))),
        ("refund_failed pi_2 r-1", STALE, Some(belongs_to("o-2"))),
        ("refund_failed pi_7 r-1 later", parked, Some(in_no_book())),
        ("refund_failed pi_7 r-2 later", parked, Some(in_no_book())),
        ("refund_succeeded pi_7 100 r-1 later", parked, Some(in_no_book())),
        ("refund_succeeded pi_7 9 r-3", parked, Some(in_no_book())),
        ("refund_succeeded pi_9 9 r-1", parked, Some(in_no_book())),
        ("refund_succeeded pi_7 100 r-1 @other", parked, Some(in_no_book())),
    ] {
        let told = shop.run("payment.callback", said("o-1", text)).await;
        assert_eq!((verdict(&told), told.record.detail.clone()), (expected, detail), "{text}");
    }
    assert_eq!(counters::parked_in_all(&shop.sequencer.view().borrow()), 6);
    shop.check_balance();
}

fn in_no_book() -> Detail {
    Detail::Text("order o-1 was deleted; this refund is in no book".to_owned())
}

#[actix::test]
async fn what_else_is_said_of_a_deleted_order_is_stale() {
    let mut shop = Box::pin(a_deleted_order()).await;
    shop.run("order.place", place("o-3", &[("tea", 1, 500)])).await;
    shop.run("payment.callback", said("o-3", "captured pi_2 100 #ch_2")).await;
    for text in [
        "captured pi_7 500 #ch_7",
        // it counted for another order
        "captured pi_2 100 #ch_2",
        "action_required pi_7",
        "failed pi_7",
        "voided pi_7",
        "expired pi_7",
        "dispute_opened pi_7 d-1",
        "dispute_closed pi_7 d-1 lost",
    ] {
        let entry = shop.run("payment.callback", said("o-1", text)).await;
        assert_eq!(verdict(&entry), STALE, "{text}");
        assert_eq!(entry.record.types(), [Type::PaymentRecorded], "{text}");
        let other = (text == "captured pi_2 100 #ch_2").then(|| counted_for("o-3"));
        assert_eq!(entry.record.detail, other, "{text}");
    }
    assert_eq!(counters::parked_in_all(&shop.sequencer.view().borrow()), 0);
}

#[actix::test]
async fn an_attempt_belongs_to_the_first_order_that_counted_its_money() {
    for first in ["authorized pi_7 500", "captured pi_7 500 #ch_7", "captured pi_7 100"] {
        let mut shop = two_orders().await;
        shop.run("payment.callback", said("o-1", first)).await;

        let second = shop.run("payment.callback", said("o-2", "authorized pi_7 500")).await;

        assert_eq!(
            (verdict(&second), second.record.detail.clone()),
            (STALE, Some(belongs_to("o-1")))
        );
        assert_eq!(shop.state::<Payments>(tables::ORDERS, "o-2"), None, "{first}");
        // what merely names an attempt does not make it the order's own
        shop.run("payment.callback", said("o-1", "action_required pi_8")).await;
        for text in ["authorized pi_8 500", "authorized pi_7 500 @other"] {
            let other = shop.run("payment.callback", said("o-2", text)).await;
            assert_eq!(verdict(&other), APPLIED, "{text}");
        }
        // money is known by itself
        let money = shop.run("payment.callback", said("o-2", "captured pi_7 500 #ch_8")).await;
        assert_eq!((verdict(&money), shop.status("o-2")), (APPLIED, Status::Paid), "{first}");
    }
}

#[actix::test]
async fn one_authorization_does_not_confirm_two_orders() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    for order in ["o-1", "o-2"] {
        let mut placing = place(order, &[("tea", 1, 500)]);
        placing["confirm_on"] = serde_json::json!("authorization");
        shop.run("order.place", placing).await;
        shop.run("payment.callback", said(order, "authorized pi_7 500")).await;
    }
    assert_eq!(
        (shop.status("o-1"), shop.status("o-2")),
        (Status::Authorized, Status::AwaitingPayment)
    );
}

#[actix::test]
async fn an_attempt_of_an_order_that_was_deleted_stays_its_own() {
    let mut shop = Box::pin(a_deleted_order()).await;
    shop.run("order.place", place("o-3", &[("tea", 1, 500)])).await;
    let other = shop.run("payment.callback", said("o-3", "authorized pi_7 500")).await;
    assert_eq!((verdict(&other), other.record.detail.clone()), (STALE, Some(belongs_to("o-1"))));
    shop.run("payment.callback", said("o-3", "authorized pi_9 500")).await;
    let deleted = shop.run("payment.callback", said("o-1", "authorized pi_9 500")).await;
    assert_eq!(
        (verdict(&deleted), deleted.record.detail.clone()),
        (STALE, Some(belongs_to("o-3")))
    );
    let own = shop.run("payment.callback", said("o-1", "authorized pi_7 500")).await;
    assert_eq!(verdict(&own), (Verdict::Failed, Some("failed")), "the order is gone");
}

fn belongs_to(order: &str) -> Detail {
    Detail::Text(format!("the attempt belongs to order {order}"))
}

#[actix::test]
async fn an_attempt_that_is_only_counted_does_not_come_back_to_life() {
    let mut shop = two_orders().await;
    for number in 0..25 {
        shop.run("payment.callback", said("o-1", &format!("failed pi_{number}"))).await;
    }
    let before = shop.state::<Payments>(tables::ORDERS, "o-1").expect("has payments");
    assert_eq!((before.ended.failed, before.attempts.len()), (5, 20));
    for text in ["authorized pi_0 500 later", "action_required pi_1", "voided pi_2 later"] {
        let late = shop.run("payment.callback", said("o-1", text)).await;
        assert_eq!(verdict(&late), STALE, "{text}");
    }
    assert_eq!(shop.state(tables::ORDERS, "o-1"), Some(before));
    let money = shop.run("payment.callback", said("o-1", "captured pi_0 200 #ch_1")).await;
    assert_eq!(verdict(&money), APPLIED, "money counts all the same");
    let rest = shop.run("payment.callback", said("o-1", "authorized pi_0 300 later")).await;
    assert_eq!(verdict(&rest), STALE);
    shop.check_balance();
}

/// Changes a state of an order as no command does: to what an earlier build left.
fn change<S: State + Stored>(shop: &mut Shop, order: &str, change: impl FnOnce(&mut S)) {
    let view = shop.sequencer.view();
    let name = orderly_actors::names::name(order);
    let ordinal = view.borrow().find(tables::ORDERS, &name).expect("reads").expect("is there");
    let mut state: S = shop.state(tables::ORDERS, order).expect("is there");
    change(&mut state);
    let mut builder = view.borrow().begin(0);
    let encoded = builder.put_with(tables::ORDERS, ordinal, S::PART, |out| state.write(out));
    encoded.expect("encodes");
    let unit = builder.seal(0, &[]);
    view.borrow_mut().seal(Arc::clone(&unit));
    shop.log.commit(&[unit]).expect("commits");
}

/// The attempt and the capture of an order have other ids than the index has names for.
fn without_names(shop: &mut Shop, order: &str, attempt: &str) {
    change(shop, order, |payments: &mut Payments| {
        let known = &mut payments.attempts[0];
        known.id = attempt.parse().expect("is an id");
        known.captures[0].identity = CaptureIdentity::Capture("ch".parse().expect("is an id"));
    });
}

/// Brings the store up to date, as a start does. Returns how many units that takes.
async fn upgrade(shop: &mut Shop) -> usize {
    let mut units = 0;
    let mut next = shop.sequencer.to_upgrade();
    while let Some(from) = next {
        let (sealed, rest) = shop.sequencer.upgrade(from).await.expect("the store works");
        shop.keep(sealed).await;
        (units, next) = (units + 1, rest);
    }
    units
}

#[actix::test]
async fn a_store_of_an_earlier_build_learns_the_names_of_its_captures_and_attempts() {
    // Given many orders whose captures and attempts have no names
    let mut shop = Shop::stocked(&[("tea", 2_000)]).await;
    for number in 0..600 {
        let order = format!("o-{number}");
        shop.run("order.place", place(&order, &[("tea", 1, 500)])).await;
        shop.run("payment.callback", said(&order, &format!("captured a-{number} 500"))).await;
        if number % 3 == 0 {
            without_names(&mut shop, &order, &format!("old-{number}"));
        }
    }
    shop.run("order.place", place("late", &[("tea", 1, 500)])).await;
    assert_ne!(counters::to_upgrade(&shop.sequencer.view().borrow()), 0);

    // When the store is brought up to date, in several units
    assert!(upgrade(&mut shop).await > 1, "one unit takes a part of the orders");

    // Then each is known, and the next start has nothing to do
    assert_eq!(shop.sequencer.to_upgrade(), None);
    for number in [0, 300, 597] {
        let order = format!("o-{number}");
        for (text, detail) in [
            (format!("captured old-{number} 500 #ch"), Some(counted_for(&order))),
            (format!("authorized old-{number} 500"), Some(belongs_to(&order))),
        ] {
            let again = shop.run("payment.callback", said("late", &text)).await;
            assert_eq!((verdict(&again), again.record.detail.clone()), (STALE, detail), "{text}");
        }
    }
}

#[actix::test]
async fn orders_of_an_earlier_build_learn_what_was_sent_back_before_they_are_paid() {
    for (history, captured, asked) in [
        // 200 came and went back: all of it is no surplus
        (&["captured a 200 #1", "refund_succeeded a 200 r-1"][..], "captured b 500 #2", 0),
        (&["captured a 200 #1", "refund_succeeded a 200 r-1"], "captured b 530 #2", 30),
        // money of another currency is none of the order's
        (&["captured a 200 USD #1", "refund_succeeded a 200 r-1 USD"], "captured b 500 #2", 0),
    ] {
        let mut shop = two_orders().await;
        for text in history {
            shop.run("payment.callback", said("o-1", text)).await;
        }
        change(&mut shop, "o-1", |payments: &mut Payments| {
            let refund = &mut payments.refunds[0];
            refund.successes[0].at = Timestamp::EPOCH; // its time was not recorded
            (refund.early, refund.request) = (false, Some(RefundPart::ONLY));
        });
        change(&mut shop, "o-1", |order: &mut Order| order.early_refunds = 0);

        upgrade(&mut shop).await;

        shop.run("payment.callback", said("o-1", captured)).await;
        if shop.status("o-1") == Status::UnderReview {
            let accept = serde_json::json!({"order_id": "o-1", "decision": "accept"});
            shop.run("order.resolve", accept).await;
        }
        assert_eq!(shop.status("o-1"), Status::Paid, "{history:?}");
        assert_eq!(shop.order("o-1").auto_refunds_requested, asked, "{history:?}");
        // a refund that bounces is surplus again
        let bounced = shop.run("payment.callback", said("o-1", "refund_failed a r-1")).await;
        assert_eq!(verdict(&bounced), APPLIED);
        assert_eq!(shop.order("o-1").early_refunds, 0, "{history:?}");
        shop.check_balance();
    }
}
