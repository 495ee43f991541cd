//! Addresses and metadata of orders: where they show, when they are stored, and that they are deleted with their order.

mod support;

use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::states::State;
use orderly_actors::tables;
use orderly_domain::event::payload::EventPayload;
use orderly_domain::order::OrderDetails;
use orderly_domain::stored::Stored;
use orderly_domain::verdict::Verdict;
use serde_json::{Value, json};
use support::{DAY, Shop, captured, checkout, line, place, verdict};

fn details() -> Value {
    json!({
        "shipping_address": {"name": "Ada Lovelace", "lines": ["Am Ufer 5"], "country": "DE"},
        "billing_address": {"company": "Analytical", "lines": []},
        "metadata": {"gift": true, "campaign": {"id": 7}},
    })
}

fn with_details(mut data: Value) -> Value {
    let fields = details();
    let fields = fields.as_object().expect("is an object").clone();
    data.as_object_mut().expect("is an object").extend(fields);
    data
}

/// The data of the event of that type, without what every event of an order has.
fn shown(entry: &JournalEntry, kind: &str) -> Value {
    let (_, event) = entry
        .events()
        .find(|(_, event)| event.kind().as_str() == kind)
        .unwrap_or_else(|| panic!("no {kind} among {:?}", entry.record.types()));
    let payload = EventPayload::new(event, entry.context()).expect("has its states");
    let mut data = serde_json::to_value(payload).expect("is JSON");
    for field in ["order_id", "status", "version", "total", "paid", "refunded", "currency", "lines"]
    {
        data.as_object_mut().expect("is an object").remove(field);
    }
    data
}

fn stored(shop: &Shop, order: &str) -> Option<OrderDetails> {
    shop.state(tables::ORDERS, order)
}

#[actix::test]
async fn the_placing_shows_them_and_stores_them_once() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("cart.put", line("k-1", "tea", 1)).await;
    for (kind, data, order) in [
        ("order.place", with_details(place("o-1", &[("tea", 1, 500)])), "o-1"),
        ("cart.checkout", with_details(checkout("k-1", "o-2")), "o-2"),
    ] {
        let placed = shop.run(kind, data).await;
        assert_eq!(shown(&placed, "order.placed"), details(), "{kind}");
        // the journal says the same
        let unit = shop.sequencer.view().borrow().unit(placed.seq).expect("reads");
        let read = JournalEntry::read(&unit.expect("is there")).expect("reads");
        assert_eq!(shown(&read, "order.placed"), details(), "{kind}");

        let kept = stored(&shop, order).expect("has details");
        assert_eq!(
            kept.metadata.expect("has some").as_str(),
            r#"{"campaign":{"id":7},"gift":true}"#
        );

        let paid = shop.run("payment.callback", captured(order, &format!("e-{order}"), 500)).await;
        assert_eq!(shown(&paid, "order.paid"), json!({"late": false}), "{kind}");
        let unit = shop.sequencer.view().borrow().unit(paid.seq).expect("reads").expect("is there");
        let parts: Vec<_> = unit.puts.iter().map(|put| (put.table, put.part)).collect();
        assert!(!parts.contains(&(tables::ORDERS, OrderDetails::PART)), "{kind}: {parts:?}");
    }
    shop.check_balance();
}

#[actix::test]
async fn an_order_without_them_stores_none() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    let placed = shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    assert_eq!(shown(&placed, "order.placed"), json!({}));
    assert_eq!(stored(&shop, "o-1"), None);
}

#[actix::test]
async fn a_rejected_order_keeps_what_it_was_asked_with() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    let rejected = shop.run("order.place", with_details(place("o-1", &[("tea", 11, 500)]))).await;
    assert_eq!(verdict(&rejected), (Verdict::Rejected, Some("out_of_stock")));
    assert!(stored(&shop, "o-1").is_some());
    // only order.placed and order.amended show them
    let shown = shown(&rejected, "order.rejected");
    assert!(shown.get("shipping_address").is_none(), "{shown}");
    shop.check_balance();
}

#[actix::test]
async fn they_are_deleted_with_their_order() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", with_details(place("o-1", &[("tea", 1, 500)]))).await;
    shop.run("order.cancel", json!({"order_id": "o-1"})).await;
    shop.deliver().await;
    shop.pass(89 * DAY).await;
    assert!(stored(&shop, "o-1").is_some());
    shop.pass(2 * DAY).await;
    assert_eq!(stored(&shop, "o-1"), None);
    shop.check_balance();
}

#[actix::test]
async fn details_without_an_order_are_a_violation() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", with_details(place("o-1", &[("tea", 1, 500)]))).await;
    let kept = stored(&shop, "o-1").expect("has details");
    let view = shop.sequencer.view();
    let mut builder = view.borrow().begin(0);
    let ordinal = view.borrow().next_ordinal(tables::ORDERS);
    builder
        .put_with(tables::ORDERS, ordinal, OrderDetails::PART, |out| kept.write(out))
        .expect("encodes");
    let unit = builder.seal(0, &[]);
    view.borrow_mut().seal(unit);
    let audit = orderly_actors::audit::audit(&view.borrow()).expect("reads");
    assert_eq!(audit.violations, ["Ordinal(1) has addresses or metadata, but is no order"]);
}
