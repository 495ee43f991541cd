//! The flows, through the actors, on a simulated clock and disk.

mod support;

use orderly_actors::clock::Clock as _;
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::sequencer::{InboundMessage, Step};
use orderly_domain::id::CommandId;
use orderly_domain::order::Status;
use orderly_domain::verdict::Verdict;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use support::{Shop, captured, inbound, place, verdict};

const MINUTE: Duration = Duration::from_secs(60);

#[actix::test]
async fn an_order_is_placed_paid_and_its_stock_sold() {
    let mut shop = Shop::stocked(&[("tea", 10), ("cup", 5)]).await;

    let placed = shop.run("order.place", place("o-1", &[("tea", 2, 500), ("cup", 1, 900)])).await;
    assert_eq!(verdict(&placed), (Verdict::Applied, None));
    assert_eq!(shop.stock("tea"), (10, 2));

    let paid = shop.run("payment.callback", captured("o-1", "e-1", 1900)).await;
    assert_eq!(verdict(&paid), (Verdict::Applied, None));
    assert_eq!(shop.status("o-1"), Status::Paid);
    assert_eq!((shop.stock("tea"), shop.stock("cup")), ((8, 0), (4, 0)));
    assert_eq!(
        shop.event_types(),
        [
            "stock.changed",
            "stock.changed",
            "stock.held",
            "order.placed",
            "payment.recorded",
            "order.paid",
            "stock.committed",
            "notification.requested",
        ]
    );
}

#[actix::test]
async fn the_same_callback_again_changes_nothing_whatever_message_carries_it() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    let first = shop.run("payment.callback", captured("o-1", "e-1", 500)).await;

    let again = shop.run("payment.callback", captured("o-1", "e-1", 500)).await;

    assert_eq!(verdict(&again), (Verdict::Duplicate, None));
    assert_eq!(again.record.original, Some(first.seq.0));
    assert!(again.record.events.is_empty());
    assert_eq!(shop.order("o-1").paid, 500);
}

#[actix::test]
async fn the_same_identity_with_other_data_is_a_conflict_and_parked() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.run("payment.callback", captured("o-1", "e-1", 500)).await;

    let other = shop.run("payment.callback", captured("o-1", "e-1", 499)).await;

    assert_eq!(verdict(&other), (Verdict::Conflict, Some("conflict")));
    assert_eq!(other.record.types().last().map(|t| t.as_str()), Some("command.parked"));
    assert_eq!(shop.order("o-1").paid, 500);
}

#[actix::test]
async fn a_callback_before_its_order_waits_and_is_applied_right_after_the_order() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;

    let early = shop.run("payment.callback", captured("o-1", "e-1", 500)).await;
    assert_eq!(verdict(&early), (Verdict::Waiting, None));

    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    assert_eq!(shop.status("o-1"), Status::Paid);
    assert_eq!(shop.stock("tea"), (9, 0));
}

#[actix::test]
async fn money_for_a_rejected_order_is_refunded() {
    let mut shop = Shop::stocked(&[("tea", 1)]).await;
    shop.run("payment.callback", captured("o-1", "e-1", 1000)).await;

    let placed = shop.run("order.place", place("o-1", &[("tea", 2, 500)])).await;

    assert_eq!(verdict(&placed), (Verdict::Rejected, Some("out_of_stock")));
    assert_eq!(shop.status("o-1"), Status::RefundDue);
    assert!(shop.event_types().ends_with(&["order.refund_due", "payment.refund_requested"]));
    assert_eq!(shop.stock("tea"), (1, 0));
}

#[actix::test]
async fn a_hold_that_runs_out_gives_the_stock_back_and_reopens_the_cart() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    let line = json!({"cart_id": "k-1", "sku": "tea", "quantity": 3, "unit_price": 500,
                      "currency": "EUR"});
    shop.run("cart.put", line.clone()).await;
    let checkout = json!({"cart_id": "k-1", "order_id": "o-1", "customer": {"id": "c-1"},
                          "expected_total": 1500});
    assert_eq!(verdict(&shop.run("cart.checkout", checkout).await), (Verdict::Applied, None));
    assert_eq!(
        verdict(&shop.run("cart.put", line.clone()).await),
        (Verdict::Rejected, Some("cart_closed"))
    );

    shop.pass(14 * MINUTE).await;
    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::AwaitingPayment, (10, 3)));
    shop.pass(MINUTE).await;

    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::Expired, (10, 0)));
    assert_eq!(verdict(&shop.run("cart.put", line).await), (Verdict::Applied, None));
}

#[actix::test]
async fn a_late_payment_holds_the_stock_again_where_there_is_enough() {
    let mut shop = Shop::stocked(&[("tea", 1)]).await;
    for order in ["o-1", "o-2"] {
        shop.run("order.place", place(order, &[("tea", 1, 500)])).await;
        shop.pass(15 * MINUTE).await;
    }

    shop.run("payment.callback", captured("o-1", "e-1", 500)).await;
    shop.run("payment.callback", captured("o-2", "e-2", 500)).await;

    assert_eq!(shop.status("o-1"), Status::Paid);
    assert_eq!(shop.status("o-2"), Status::RefundDue);
    assert_eq!(shop.stock("tea"), (0, 0));
}

#[actix::test]
async fn a_command_applied_in_time_is_a_duplicate_when_delivered_again_past_its_deadline() {
    // Given an order that was placed within its deadline
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    let mut inbound = inbound("order.place", "p-1", &place("o-1", &[("tea", 1, 500)]));
    inbound.deadline = Some(shop.clock.now().plus(MINUTE));
    assert_eq!(verdict(&arrived(&mut shop, &inbound).await), (Verdict::Applied, None));

    // When the same message is delivered again after its deadline, since the process died before its ack
    shop.pass(2 * MINUTE).await;
    let again = arrived(&mut shop, &inbound).await;

    // Then the message is a duplicate, and a new message that is as late is invalid
    assert_eq!(verdict(&again), (Verdict::Duplicate, None));
    inbound.id = CommandId::new("p-2").ok();
    let late = arrived(&mut shop, &inbound).await;
    assert_eq!(verdict(&late), (Verdict::Invalid, Some("deadline")));
}

#[actix::test]
async fn a_message_that_is_not_kept_whole_goes_to_the_dead_letters_at_every_delivery() {
    // Given a message that is too long to be kept whole
    let mut shop = Shop::stocked(&[]).await;
    let mut long = inbound("order.place", "p-1", &json!({}));
    long.raw.body = vec![b'x'; (1 << 20) + 1].into();

    // When the message is delivered twice, as after a crash before the dead letter was confirmed
    for _ in 0..2 {
        let Step::Sealed(sealed) = shop.step(&long).await else {
            panic!("the message is not parked")
        };
        // Then the whole message goes to the dead letters each time
        assert!(sealed.dead_letter);
        shop.keep(*sealed).await;
    }
}

/// Processes a message, and returns its unit.
async fn arrived(shop: &mut Shop, inbound: &InboundMessage) -> Arc<JournalEntry> {
    let Step::Sealed(sealed) = shop.step(inbound).await else { panic!("the message has no unit") };
    shop.keep(*sealed).await
}
