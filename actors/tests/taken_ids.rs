//! An id that is taken: the refusal names the status of the order, and the command that made it.

mod support;

use orderly_actors::journal_entry::JournalEntry;
use orderly_domain::verdict::{Detail, Reason, Verdict};
use rstest::rstest;
use serde_json::json;
use std::sync::Arc;
use support::{DAY, Shop, captured, checkout, line, place, said, settings};

/// The detail of a refusal because the id is taken.
fn detail(entry: &Arc<JournalEntry>) -> &str {
    assert_eq!(entry.record.verdict, Verdict::Rejected);
    assert_eq!(entry.record.reason, Some(Reason::OrderExists));
    match &entry.record.detail {
        Some(Detail::Text(said)) => said,
        other => panic!("the detail is {other:?}"),
    }
}

fn again() -> serde_json::Value {
    place("o-1", &[("tea", 1, 100)])
}

/// A row: what happened to the order, and its status then.
#[rstest]
#[case(9, &[], "awaiting_payment")]
#[case(9, &["captured a 500"], "paid")]
#[case(1, &[], "rejected")]
#[actix::test]
async fn the_status_and_the_command_are_named(
    #[case] on_hand: u64,
    #[case] callbacks: &[&str],
    #[case] status: &str,
) {
    let mut shop = Shop::stocked(&[("tea", on_hand)]).await;
    // a callback that came before its order is older than the order in its history
    shop.send("payment.callback", "early", said("o-1", "action_required a")).await;
    let first = shop.send("order.place", "m-first", place("o-1", &[("tea", 2, 250)])).await;
    for callback in callbacks {
        shop.run("payment.callback", said("o-1", callback)).await;
    }
    let made = format!("{status}; made by order.place \"m-first\" of \"test\" at {}", first.at);
    let placed = shop.run("order.place", again()).await;
    assert_eq!(detail(&placed), made);
    assert_eq!(placed.record.original, Some(first.seq.0));
    assert_eq!(detail(&shop.run("cart.checkout", checkout("k-0", "o-1")).await), made);

    let now = shop.sequencer.now();
    let mut shop = Shop::open_on(Arc::new(shop.disk.crash()), settings());
    shop.clock.step_to(now);
    assert_eq!(detail(&shop.send("order.place", "m-last", again()).await), made);
}

#[actix::test]
async fn an_order_of_a_cart_was_made_by_its_checkout() {
    let mut shop = Shop::stocked(&[("tea", 9)]).await;
    shop.run("cart.put", line("k-1", "tea", 2)).await;
    let first = shop.send("cart.checkout", "m-first", checkout("k-1", "o-1")).await;
    let made = format!("made by cart.checkout \"m-first\" of \"test\" at {}", first.at);
    assert_eq!(
        detail(&shop.run("order.place", again()).await),
        format!("awaiting_payment; {made}")
    );
}

/// Each attempt is in the history of the order; none hides the command from the next one.
#[actix::test]
async fn a_producer_that_tries_for_ever_is_told_each_time() {
    let mut shop = Shop::stocked(&[("tea", 9)]).await;
    let first = shop.send("order.place", "m-first", again()).await;
    for _ in 0..250 {
        let placed = shop.run("order.place", again()).await;
        assert_eq!(placed.record.original, Some(first.seq.0));
        assert!(detail(&placed).contains("m-first"), "{}", detail(&placed));
    }
}

#[actix::test]
async fn what_is_far_back_in_the_history_is_not_looked_for() {
    let mut shop = Shop::stocked(&[("tea", 9)]).await;
    shop.send("order.place", "m-first", again()).await;
    for number in 0..98 {
        shop.run("payment.callback", said("o-1", &format!("action_required a-{number}"))).await;
    }
    assert!(detail(&shop.run("order.place", again()).await).contains("m-first"));
    for number in 100..200 {
        shop.run("payment.callback", said("o-1", &format!("action_required a-{number}"))).await;
    }
    let unknown = "awaiting_payment; which command made it is not known any more";
    assert_eq!(detail(&shop.run("order.place", again()).await), unknown);
}

#[actix::test]
async fn of_a_deleted_order_the_last_status_is_named() {
    let mut shop = Shop::stocked(&[("tea", 9)]).await;
    shop.send("order.place", "m-first", again()).await;
    shop.run("order.cancel", json!({"order_id": "o-1"})).await;
    shop.deliver().await;
    shop.pass(100 * DAY).await;
    assert!(shop.sequencer.retention().orders_deleted > 0);
    let placed = shop.run("order.place", again()).await;
    let begin = "cancelled, and deleted since; ";
    assert!(detail(&placed).starts_with(begin), "{}", detail(&placed));
}

#[actix::test]
async fn an_id_that_only_callbacks_named_is_free() {
    let mut shop = Shop::stocked(&[("tea", 9)]).await;
    shop.send("payment.callback", "early", captured("o-1", "e-1", 100)).await;
    let placed = shop.run("order.place", again()).await;
    assert_eq!(placed.record.verdict, Verdict::Applied);
}
