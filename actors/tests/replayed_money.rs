//! However often a callback comes, is parked and is replayed, its money counts once.

mod support;

use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::parked;
use orderly_actors::sequencer::{InboundMessage, Replay};
use orderly_actors::tables;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::Arc;
use support::{Shop, inbound, place};

/// A callback about the event `e-1`, with other fields where they are given.
fn captured(other: &Value) -> Value {
    let mut data = json!({
        "provider": "acme", "event_id": "e-1", "order_id": "o-1", "attempt_id": "a-1", "kind": "captured",
        "amount": 500, "currency": "EUR", "occurred_at": "2026-01-01T00:00:00Z",
    });
    for (name, value) in other.as_object().into_iter().flatten() {
        data[name] = value.clone();
    }
    data
}

fn callback(id: &str, data: &Value) -> InboundMessage {
    inbound("payment.callback", id, data)
}

/// The place of the only parked message.
fn the_parked(shop: &Shop) -> Ordinal {
    let view = shop.sequencer.view().borrow();
    let places = (0..view.next_ordinal(tables::PARKED).0).map(Ordinal);
    let parked = places.filter(|place| parked::read(&view, *place).expect("reads").is_some());
    let [only] = parked.collect::<Vec<_>>()[..] else { panic!("not one is parked") };
    only
}

async fn replay(
    shop: &mut Shop,
    parked: Ordinal,
    inbound: InboundMessage,
    edited: bool,
) -> Option<Arc<JournalEntry>> {
    let replay = Replay { parked, inbound, edited };
    let sealed = shop.sequencer.replay(&replay).await.expect("the store works")?;
    Some(shop.keep(sealed).await)
}

/// The first callback has a text for its amount. It is corrected and replayed, and everything comes again in every way.
#[rstest]
#[case::without_capture_id(json!({}))]
#[case::with_capture_id(json!({"capture_id": "m-1"}))]
#[actix::test]
async fn a_corrected_callback_counts_once(#[case] fields: Value) {
    let mut shop = Shop::stocked(&[("tea", 5)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    let right = captured(&fields);
    let mut wrong = right.clone();
    wrong["amount"] = json!("500");
    shop.send("payment.callback", "x-1", wrong.clone()).await;
    let at = the_parked(&shop);

    let first = replay(&mut shop, at, callback("x-1", &right), true).await.expect("it was parked");
    assert_eq!(first.record.verdict, Verdict::Applied);
    // a second replay of it finds nothing to replay
    assert!(replay(&mut shop, at, callback("x-1", &right), true).await.is_none());
    // the broker delivers the wrong message again: parked again, corrected again
    shop.send("payment.callback", "x-1", wrong).await;
    assert_eq!(the_parked(&shop), at);
    let second = replay(&mut shop, at, callback("x-1", &right), true).await.expect("it was parked");
    assert_eq!(
        (second.record.verdict, second.record.original),
        (Verdict::Duplicate, Some(first.seq.0))
    );
    // the provider says the same in a new message
    let told = shop.send("payment.callback", "x-2", right.clone()).await;
    assert_eq!(told.record.verdict, Verdict::Duplicate);
    assert_eq!(shop.order("o-1").paid, 500);
    shop.check_balance();
}

/// The same event with another amount is a conflict. Its replay runs under an identity of its own, but it is not other money.
#[rstest]
#[case::without_capture_id(json!({}), json!({"amount": 700}))]
#[case::with_the_same_capture(json!({"capture_id": "m-1"}), json!({"capture_id": "m-1", "amount": 700}))]
#[case::for_another_order(json!({"capture_id": "m-1"}), json!({"capture_id": "m-1", "order_id": "o-2"}))]
#[actix::test]
async fn a_conflict_about_known_money_is_stale_when_it_is_replayed(
    #[case] first: Value,
    #[case] other: Value,
) {
    let mut shop = Shop::stocked(&[("tea", 5)]).await;
    for order in ["o-1", "o-2"] {
        shop.run("order.place", place(order, &[("tea", 1, 500)])).await;
    }
    shop.send("payment.callback", "x-1", captured(&first)).await;
    let other = captured(&other);
    let conflict = shop.send("payment.callback", "x-2", other.clone()).await;
    assert_eq!(conflict.record.verdict, Verdict::Conflict);
    let at = the_parked(&shop);
    let replayed =
        replay(&mut shop, at, callback("x-2", &other), false).await.expect("it was parked");
    assert_eq!(replayed.record.verdict, Verdict::Stale);
    assert_eq!((shop.order("o-1").paid, shop.order("o-2").paid), (500, 0));
    shop.check_balance();
}

/// Another capture in the place of the first one is other money: a person decided so. It counts once as well.
#[actix::test]
async fn a_conflict_about_other_money_counts_once() {
    let mut shop = Shop::stocked(&[("tea", 5)]).await;
    shop.run("order.place", place("o-1", &[("tea", 2, 500)])).await;
    shop.send("payment.callback", "x-1", captured(&json!({"capture_id": "m-1"}))).await;
    let other = captured(&json!({"capture_id": "m-2"}));
    for (round, wanted) in
        [Verdict::Applied, Verdict::Duplicate, Verdict::Duplicate].into_iter().enumerate()
    {
        let conflict = shop.send("payment.callback", "x-2", other.clone()).await;
        assert_eq!(conflict.record.verdict, Verdict::Conflict, "round {round}");
        let at = the_parked(&shop);
        let replayed = replay(&mut shop, at, callback("x-2", &other), false).await;
        assert_eq!(replayed.expect("it was parked").record.verdict, wanted, "round {round}");
        assert!(replay(&mut shop, at, callback("x-2", &other), false).await.is_none());
        assert_eq!(shop.order("o-1").paid, 1000, "round {round}");
    }
    shop.check_balance();
}
