//! `order.amend` through the actors: stock and money follow the order in one unit, or nothing changes.

mod support;

use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::tables;
use orderly_domain::event::payload::EventPayload;
use orderly_domain::inventory::Reservation;
use orderly_domain::order::{Order, Status};
use orderly_domain::verdict::{Detail, Verdict};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use support::{DAY, Shop, captured, place, said, verdict};

const MINUTE: Duration = Duration::from_secs(60);

/// Two of tea and one cup, for 1300 in all: 500 and 300 each.
async fn a_shop() -> Shop {
    let mut shop = Shop::stocked(&[("tea", 10), ("cup", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 2, 500), ("cup", 1, 300)])).await;
    shop
}

/// `order.amend` of the order `o-1`, with these fields.
async fn amend(shop: &mut Shop, mut fields: Value) -> Arc<JournalEntry> {
    fields["order_id"] = json!("o-1");
    shop.run("order.amend", fields).await
}

/// New quantities, each a sku and its units.
fn lines(quantities: &[(&str, u32)]) -> Value {
    let line = |(sku, quantity): &(&str, u32)| json!({"sku": sku, "quantity": quantity});
    json!({"lines": quantities.iter().map(line).collect::<Vec<_>>()})
}

/// The events of a unit, each with what tells it apart from others of its type.
fn told(entry: &JournalEntry) -> Vec<String> {
    let events = entry.events().map(|(_, event)| {
        let kind = event.kind().as_str();
        let payload = EventPayload::new(event, entry.context()).expect("has its states");
        let data = serde_json::to_value(payload).expect("is JSON");
        let lines = data["lines"].as_array().into_iter().flatten();
        let lines: Vec<_> = lines
            .map(|line| {
                format!("{} {}", line["quantity"], line["sku"].as_str().unwrap_or_default())
            })
            .collect();
        let mut words = vec![kind.to_owned()];
        words.extend((kind == "order.amended").then(|| format!("{}", data["total"])));
        words.extend((!lines.is_empty()).then(|| lines.join(" ")));
        words.extend(data["reason"].as_str().map(str::to_owned));
        words.extend(data["amount"].as_i64().map(|amount| amount.to_string()));
        words.join(" ")
    });
    events.collect()
}

fn reserved(shop: &Shop) -> Vec<(String, u64, u64)> {
    let reservation: Reservation = shop.state(tables::ORDERS, "o-1").expect("is there");
    let items = reservation.items.iter();
    items.map(|item| (item.sku.to_string(), item.quantity, item.returned)).collect()
}

fn is_unchanged(shop: &Shop, before: &Order) {
    assert_eq!(shop.order("o-1"), *before);
    shop.check_balance();
}

#[actix::test]
async fn before_money_the_hold_follows_up_and_down() {
    let mut shop = a_shop().await;

    let more = amend(&mut shop, lines(&[("tea", 5)])).await;
    assert_eq!(verdict(&more), (Verdict::Applied, None));
    assert_eq!(told(&more), ["order.amended 2800 5 tea 1 cup", "stock.held 3 tea"]);
    assert_eq!((shop.stock("tea"), shop.stock("cup")), ((10, 5), (10, 1)));

    let both = amend(&mut shop, lines(&[("tea", 1), ("cup", 4)])).await;
    assert_eq!(
        told(&both),
        ["order.amended 1700 1 tea 4 cup", "stock.held 3 cup", "stock.released 4 tea amended"]
    );
    assert_eq!((shop.stock("tea"), shop.stock("cup")), ((10, 1), (10, 4)));

    let gone = amend(&mut shop, lines(&[("cup", 0)])).await;
    assert_eq!(told(&gone), ["order.amended 500 1 tea", "stock.released 4 cup amended"]);
    assert_eq!(reserved(&shop), [("tea".to_owned(), 1, 0)]);
    assert_eq!(shop.order("o-1").version, 4, "one version for each amendment");
    shop.check_balance();

    // the hold ends when it would have, and what it holds by now is free again
    shop.pass(14 * MINUTE).await;
    assert_eq!(shop.status("o-1"), Status::AwaitingPayment);
    shop.pass(MINUTE).await;
    assert_eq!(shop.status("o-1"), Status::Expired);
    assert_eq!((shop.stock("tea"), shop.stock("cup")), ((10, 0), (10, 0)));
    shop.check_balance();
}

#[actix::test]
async fn without_enough_stock_nothing_changes() {
    let mut shop = a_shop().await;
    let before = shop.order("o-1");
    let refused = amend(&mut shop, lines(&[("tea", 11), ("cup", 12)])).await;
    assert_eq!(verdict(&refused), (Verdict::Rejected, Some("out_of_stock")));
    let Some(Detail::Shortages(short)) = &refused.record.detail else {
        panic!("{:?}", refused.record.detail);
    };
    let short: Vec<_> =
        short.iter().map(|one| (one.sku.as_str(), one.wanted, one.available)).collect();
    assert_eq!(short, [("cup", 11, 9), ("tea", 9, 8)], "of what is wanted more");
    assert_eq!((shop.stock("tea"), shop.stock("cup")), ((10, 2), (10, 1)));
    is_unchanged(&shop, &before);

    // what one line gives back does not help another sku
    let refused = amend(&mut shop, lines(&[("tea", 0), ("cup", 12)])).await;
    assert_eq!(verdict(&refused), (Verdict::Rejected, Some("out_of_stock")));
    assert_eq!((shop.stock("tea"), shop.stock("cup")), ((10, 2), (10, 1)));
    is_unchanged(&shop, &before);
}

#[actix::test]
async fn what_does_not_fit_the_order_changes_nothing() {
    let mut shop = a_shop().await;
    let before = shop.order("o-1");
    let rejected = |reason| (Verdict::Rejected, Some(reason));
    let invalid = (Verdict::Invalid, Some("validation"));
    let coupon = json!({"adjustments": [{"kind": "coupon", "amount": -1301}]});
    let mut late = lines(&[("tea", 1)]);
    late["expected_version"] = json!(2);
    for (fields, expected) in [
        (lines(&[("tea", 1), ("pot", 1)]), rejected("unknown_sku")),
        (lines(&[("tea", 0), ("cup", 0)]), rejected("not_allowed")),
        (coupon, invalid),
        (late, rejected("version_mismatch")),
    ] {
        let said = fields.to_string();
        assert_eq!(verdict(&amend(&mut shop, fields).await), expected, "{said}");
        is_unchanged(&shop, &before);
    }
    let nowhere = json!({"order_id": "o-2", "metadata": {}});
    let refused = shop.run("order.amend", nowhere).await;
    assert_eq!(verdict(&refused), rejected("order_not_found"));
}

#[actix::test]
async fn a_total_that_the_money_covers_makes_the_order_paid() {
    let mut shop = a_shop().await;
    shop.run("payment.callback", captured("o-1", "e-1", 900)).await;
    assert_eq!(shop.status("o-1"), Status::PartiallyPaid);

    let still = amend(&mut shop, lines(&[("cup", 0)])).await;
    assert_eq!(told(&still), ["order.amended 1000 2 tea", "stock.released 1 cup amended"]);
    assert_eq!(shop.status("o-1"), Status::PartiallyPaid);

    let paid = amend(&mut shop, lines(&[("tea", 1)])).await;
    assert_eq!(
        told(&paid),
        [
            "order.amended 500 1 tea",
            "order.paid 1 tea",
            "stock.released 1 tea amended",
            "stock.committed 1 tea",
            "notification.requested",
            "payment.refund_requested 400",
        ]
    );
    assert_eq!(shop.status("o-1"), Status::Paid);
    assert_eq!((shop.stock("tea"), shop.stock("cup")), ((9, 0), (10, 0)));
    assert_eq!(shop.pending_refunds("o-1"), [("EUR", 400)]);
    shop.check_balance();
}

#[actix::test]
async fn a_coupon_for_all_of_it_makes_the_order_free() {
    let mut shop = a_shop().await;
    let coupon = json!({"adjustments": [{"kind": "coupon", "amount": -1300}]});
    let free = amend(&mut shop, coupon).await;
    assert_eq!(told(&free)[..2], ["order.amended 0 2 tea 1 cup", "order.paid 2 tea 1 cup"]);
    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::Paid, (8, 0)));
    shop.check_balance();
}

#[actix::test]
async fn once_paid_goods_come_back_and_the_surplus_is_asked_back() {
    let mut shop = a_shop().await;
    shop.run("payment.callback", captured("o-1", "e-1", 1300)).await;
    assert_eq!(shop.stock("tea"), (8, 0));

    let less = amend(&mut shop, lines(&[("tea", 1)])).await;
    assert_eq!(
        told(&less),
        ["order.amended 800 1 tea 1 cup", "stock.returned 1 tea", "payment.refund_requested 500"]
    );
    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::Paid, (9, 0)));
    let amended = shop.order("o-1");
    assert_eq!((amended.total, amended.version), (800, 3), "the version that order.amended tells");
    shop.check_balance();

    let more = amend(&mut shop, lines(&[("tea", 2)])).await;
    assert_eq!(verdict(&more), (Verdict::Rejected, Some("not_allowed")));
    is_unchanged(&shop, &amended);

    // the refund arrives, and nothing is owed any more
    for refund in shop.refunds("o-1") {
        let arrived = said("o-1", &format!("refund_succeeded a-e-1 500 {}", refund.id));
        shop.run("payment.callback", arrived).await;
    }
    assert_eq!(shop.status("o-1"), Status::Paid, "its net is its total");
    shop.run("order.complete", json!({"order_id": "o-1"})).await;
    let late = amend(&mut shop, lines(&[("cup", 0)])).await;
    assert_eq!(verdict(&late), (Verdict::Rejected, Some("not_allowed")));
    shop.check_balance();
}

#[actix::test]
async fn units_that_were_returned_stay_returned() {
    let mut shop = a_shop().await;
    shop.run("payment.callback", captured("o-1", "e-1", 1300)).await;
    let back = json!({
        "order_id": "o-1", "refund_id": "r-1", "amount": 500,
        "restock": [{"sku": "tea", "quantity": 1}],
    });
    shop.run("refund.request", back).await;
    assert_eq!(reserved(&shop), [("cup".to_owned(), 1, 0), ("tea".to_owned(), 2, 1)]);
    let before = shop.order("o-1");

    let refused = amend(&mut shop, lines(&[("tea", 0)])).await;
    assert_eq!(verdict(&refused), (Verdict::Rejected, Some("restock_exceeds_sold")));
    is_unchanged(&shop, &before);

    let less = amend(&mut shop, lines(&[("tea", 1)])).await;
    assert_eq!(verdict(&less), (Verdict::Applied, None));
    assert_eq!(reserved(&shop), [("cup".to_owned(), 1, 0), ("tea".to_owned(), 1, 1)]);
    assert_eq!(shop.stock("tea"), (10, 0));
    let again = json!({
        "order_id": "o-1", "refund_id": "r-2", "amount": 1,
        "restock": [{"sku": "tea", "quantity": 1}],
    });
    let refused = shop.run("refund.request", again).await;
    assert_eq!(verdict(&refused), (Verdict::Rejected, Some("restock_exceeds_sold")));
    shop.check_balance();
}

#[actix::test]
async fn contact_addresses_and_metadata_change_in_every_status_but_rejected() {
    let fields = || {
        json!({
            "customer": {"id": "c-2", "email": "ada@example.com"},
            "shipping_address": {"lines": ["Am Ufer 5"]},
            "metadata": {"gift": true},
        })
    };
    let mut shop = a_shop().await;
    shop.run("payment.callback", captured("o-1", "e-1", 1300)).await;
    shop.run("order.complete", json!({"order_id": "o-1"})).await;
    let changed = amend(&mut shop, fields()).await;
    assert_eq!(told(&changed), ["order.amended 1300 2 tea 1 cup"]);
    let order = shop.order("o-1");
    assert_eq!((order.status, order.customer.id.as_str()), (Status::Completed, "c-2"));

    // what is absent stays, and the event shows all of it
    let other = amend(&mut shop, json!({"metadata": {}, "billing_address": {"lines": []}})).await;
    let (_, event) = other.events().next().expect("is there");
    let payload = EventPayload::new(event, other.context()).expect("has its states");
    let data = serde_json::to_value(payload).expect("is JSON");
    assert_eq!(
        (&data["shipping_address"], &data["billing_address"], &data["metadata"]),
        (&json!({"lines": ["Am Ufer 5"]}), &json!({"lines": []}), &json!({}))
    );

    shop.run("order.place", place("o-2", &[("tea", 100, 1)])).await;
    let mut of_rejected = fields();
    of_rejected["order_id"] = json!("o-2");
    let refused = shop.run("order.amend", of_rejected).await;
    assert_eq!(verdict(&refused), (Verdict::Rejected, Some("not_allowed")));
    shop.check_balance();

    // they are deleted with the order, also when they came by an amendment
    shop.deliver().await;
    shop.pass(95 * DAY).await;
    let kept: Option<orderly_domain::order::OrderDetails> = shop.state(tables::ORDERS, "o-1");
    assert_eq!(kept, None);
    shop.check_balance();
}

/// Events are read from the journal again and again: each has the lines of its own time.
#[actix::test]
async fn an_event_shows_the_lines_of_its_time() {
    let mut shop = a_shop().await;
    amend(&mut shop, lines(&[("tea", 1), ("cup", 0)])).await;
    shop.run("payment.callback", captured("o-1", "e-1", 500)).await;
    amend(&mut shop, json!({"metadata": {}})).await;

    let entries: Vec<_> = shop.entries.iter().map(|entry| entry.seq).collect();
    let read = entries.into_iter().flat_map(|seq| {
        let unit = shop.sequencer.view().borrow().unit(seq).expect("reads").expect("is there");
        told(&JournalEntry::read(&unit).expect("reads"))
    });
    let of_order: Vec<_> = read.filter(|event| event.starts_with("order.")).collect();
    assert_eq!(
        of_order,
        [
            "order.placed 2 tea 1 cup",
            "order.amended 500 1 tea",
            "order.paid 1 tea",
            "order.amended 500 1 tea",
        ]
    );
}

#[actix::test]
async fn an_authorized_order_may_only_shrink_and_is_paid_when_its_money_covers_it() {
    let mut shop = Shop::stocked(&[("tea", 10), ("cup", 10)]).await;
    let mut placed = place("o-1", &[("tea", 2, 500), ("cup", 1, 300)]);
    placed["confirm_on"] = json!("authorization");
    shop.run("order.place", placed).await;
    shop.run("payment.callback", said("o-1", "authorized a 1300")).await;
    shop.run("payment.callback", said("o-1", "captured a 800 #c-1")).await;
    assert_eq!(shop.status("o-1"), Status::Authorized);

    let more = amend(&mut shop, lines(&[("tea", 3)])).await;
    assert_eq!(verdict(&more), (Verdict::Rejected, Some("not_allowed")));
    let less = amend(&mut shop, lines(&[("cup", 0)])).await;
    assert_eq!(told(&less), ["order.amended 1000 2 tea", "stock.released 1 cup amended"]);
    assert_eq!(shop.status("o-1"), Status::Authorized);
    let covered = amend(&mut shop, lines(&[("tea", 1)])).await;
    assert_eq!(shop.status("o-1"), Status::Paid);
    assert!(told(&covered).contains(&"payment.refund_requested 300".to_owned()));
    assert!(told(&covered).contains(&"payment.void_requested".to_owned()), "{:?}", told(&covered));
    shop.check_balance();
}

#[actix::test]
async fn what_is_let_go_is_what_is_missing_also_when_the_total_falls() {
    let mut shop = a_shop().await;
    shop.run("payment.callback", said("o-1", "captured a 900 #1")).await;
    let accept = json!({"order_id": "o-1", "decision": "accept", "write_off": 5_000});
    assert_eq!(verdict(&shop.run("order.resolve", accept).await), (Verdict::Applied, None));
    assert_eq!((shop.status("o-1"), shop.order("o-1").written_off), (Status::Paid, 400));

    let discount = json!({"adjustments": [{"kind": "discount", "amount": -300}]});
    assert_eq!(verdict(&amend(&mut shop, discount).await), (Verdict::Applied, None));
    assert_eq!((shop.status("o-1"), shop.order("o-1").written_off), (Status::Paid, 100));
    assert_eq!(shop.pending_refunds("o-1"), [], "no more than the total was paid");

    // what goes back later is missed, also when one of two refunds bounces
    for said_of in
        ["refund_succeeded a 300 r-1", "refund_succeeded a 200 r-2", "refund_failed a r-2 later"]
    {
        shop.run("payment.callback", said("o-1", said_of)).await;
        assert_eq!(shop.status("o-1"), Status::PartiallyRefunded, "{said_of}");
    }
    shop.check_balance();
}
