//! Money counts for one order: a capture is known by its provider, its attempt and its own id, whatever order a callback names.

mod support;

use orderly_actors::counters;
use orderly_actors::states::State;
use orderly_actors::tables;
use orderly_domain::event::Type;
use orderly_domain::order::Status;
use orderly_domain::payment::{Capture, CaptureIdentity, Payments};
use orderly_domain::stored::Stored;
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
        "refund_succeeded pi_7 500 r-1",
        "refund_failed pi_7 r-1",
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

/// A capture is in the state of an order, and has no name, as an earlier build left it.
fn capture_without_a_name(shop: &mut Shop, order: &str, attempt: &str, id: &str) {
    let view = shop.sequencer.view();
    let name = orderly_actors::names::name(order);
    let ordinal = view.borrow().find(tables::ORDERS, &name).expect("reads").expect("is there");
    let mut payments: Payments = shop.state(tables::ORDERS, order).expect("has payments");
    let known = payments.attempts.iter_mut().find(|one| one.id.as_str() == attempt);
    let known = known.expect("the attempt is there");
    let capture = Capture {
        identity: CaptureIdentity::Capture(id.parse().expect("is an id")),
        ..known.captures[0].clone()
    };
    known.captures = vec![capture];
    let mut builder = view.borrow().begin(0);
    let encoded =
        builder.put_with(tables::ORDERS, ordinal, Payments::PART, |out| payments.write(out));
    encoded.expect("encodes");
    let unit = builder.seal(0, &[]);
    view.borrow_mut().seal(Arc::clone(&unit));
    shop.log.commit(&[unit]).expect("commits");
}

#[actix::test]
async fn a_store_of_an_earlier_build_learns_the_names_of_its_captures() {
    // Given many orders whose captures have no names
    let mut shop = Shop::stocked(&[("tea", 2_000)]).await;
    for number in 0..600 {
        let order = format!("o-{number}");
        shop.run("order.place", place(&order, &[("tea", 1, 500)])).await;
        shop.run("payment.callback", said(&order, &format!("captured a-{number} 500"))).await;
        if number % 3 == 0 {
            capture_without_a_name(&mut shop, &order, &format!("a-{number}"), "ch");
        }
    }
    shop.run("order.place", place("late", &[("tea", 1, 500)])).await;
    assert!(!counters::captures_are_named(&shop.sequencer.view().borrow()));

    // When the store is brought up to date, in several units
    let mut units = 0;
    let mut next = shop.sequencer.captures_to_name();
    while let Some(from) = next {
        let (sealed, rest) = shop.sequencer.name_captures(from).await.expect("the store works");
        shop.keep(sealed).await;
        (units, next) = (units + 1, rest);
    }

    // Then each is known, and the next start has nothing to do
    assert!(units > 1, "one unit takes a part of the orders");
    assert_eq!(shop.sequencer.captures_to_name(), None);
    for number in [0, 300, 597] {
        let text = format!("captured a-{number} 500 #ch");
        let again = shop.run("payment.callback", said("late", &text)).await;
        let expected = Some(counted_for(&format!("o-{number}")));
        assert_eq!((verdict(&again), again.record.detail.clone()), (STALE, expected));
    }
}
