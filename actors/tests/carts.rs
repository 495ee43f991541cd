//! Carts that are merged, expire, open again and are deleted. On a simulated clock, through the actors.

mod support;

use orderly_actors::tables;
use orderly_domain::cart::{Cart, CartStatus};
use orderly_domain::order::Status;
use orderly_domain::verdict::Verdict;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use support::{DAY, Shop, checkout, line, settings, verdict};

const HOUR: Duration = Duration::from_secs(3600);

fn merge(from: &str, into: &str) -> Value {
    json!({"from_cart_id": from, "into_cart_id": into})
}

fn cart(shop: &Shop, id: &str) -> Cart {
    shop.state(tables::CARTS, id).expect("the cart is there")
}

fn quantities(shop: &Shop, id: &str) -> Vec<(String, u32)> {
    let lines = cart(shop, id).lines.into_iter();
    lines.map(|line| (line.sku.to_string(), line.quantity.get())).collect()
}

#[actix::test]
async fn a_guests_cart_is_merged_and_each_cart_has_its_event() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("cart.put", line("guest", "tea", 2)).await;
    shop.run("cart.put", line("k-1", "tea", 3)).await;

    let merged = shop.run("cart.merge", merge("guest", "k-1")).await;

    assert_eq!(verdict(&merged), (Verdict::Applied, None));
    assert_eq!(quantities(&shop, "k-1"), [("tea".to_owned(), 5)]);
    assert_eq!(quantities(&shop, "guest"), []);
    let told: Vec<_> = merged
        .events()
        .map(|(_, event)| {
            let payload =
                orderly_domain::event::payload::EventPayload::new(event, merged.context());
            let data = serde_json::to_value(payload.expect("has its cart")).expect("is JSON");
            (
                event.kind().as_str(),
                data["cart_id"].clone(),
                data["total"].clone(),
                data["version"].clone(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("cart.changed", json!("guest"), json!(0), json!(2)),
            ("cart.changed", json!("k-1"), json!(2500), json!(2)),
        ]
    );
    // and the journal says the same
    let unit = shop.sequencer.view().borrow().unit(merged.seq).expect("reads").expect("is there");
    let read = orderly_actors::journal_entry::JournalEntry::read(&unit).expect("reads");
    assert_eq!(read.carts, merged.carts);
}

#[actix::test]
async fn a_merge_may_begin_a_cart_and_carts_that_cannot_be_merged_are_refused() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("cart.put", line("guest", "tea", 2)).await;
    let refused = |reason| (Verdict::Rejected, Some(reason));

    let missing = shop.run("cart.merge", merge("nobody", "guest")).await;
    assert_eq!(verdict(&missing), refused("cart_not_found"));
    let itself = shop.run("cart.merge", merge("guest", "guest")).await;
    assert_eq!(verdict(&itself), (Verdict::Invalid, Some("validation")));
    let begun = shop.run("cart.merge", merge("guest", "k-1")).await;
    assert_eq!(verdict(&begun), (Verdict::Applied, None));
    assert_eq!((cart(&shop, "k-1").version, cart(&shop, "guest").version), (1, 2));

    let dollars = json!({"cart_id": "guest", "sku": "tea", "quantity": 1, "unit_price": 5, "currency": "USD"});
    shop.run("cart.put", dollars).await;
    let mixed = shop.run("cart.merge", merge("guest", "k-1")).await;
    assert_eq!(verdict(&mixed), refused("currency_mismatch"));

    shop.run("cart.checkout", checkout("k-1", "o-1")).await;
    for (from, into) in [("guest", "k-1"), ("k-1", "guest"), ("k-1", "k-3")] {
        let closed = shop.run("cart.merge", merge(from, into)).await;
        assert_eq!(verdict(&closed), refused("cart_closed"), "{from} into {into}");
    }
    let never: Option<Cart> = shop.state(tables::CARTS, "k-3");
    assert_eq!(never, None, "a refused merge begins no cart");
}

#[actix::test]
async fn a_cart_that_does_not_exist_has_version_0() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    let put = |version: u64| {
        let mut put = line("k-1", "tea", 1);
        put["expected_version"] = json!(version);
        put
    };
    let mismatch = (Verdict::Rejected, Some("version_mismatch"));
    assert_eq!(verdict(&shop.run("cart.put", put(1)).await), mismatch);
    assert_eq!(verdict(&shop.run("cart.add", put(1)).await), mismatch);
    assert_eq!(verdict(&shop.run("cart.put", put(0)).await), (Verdict::Applied, None));
    assert_eq!(verdict(&shop.run("cart.put", put(0)).await), mismatch);
}

#[actix::test]
async fn a_batch_of_carts_expires_one_by_one() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    for nth in 0..40 {
        shop.run("cart.put", line(&format!("k-{nth}"), "tea", 1)).await;
    }
    shop.pass(719 * HOUR).await;
    assert!(!shop.event_types().contains(&"cart.expired"));

    let mut per_hour = Vec::new();
    for _ in 0..=73 {
        let before = shop.entries.len();
        shop.pass(HOUR).await;
        let types = shop.entries[before..].iter().flat_map(|entry| entry.record.types());
        per_hour.push(types.filter(|kind| kind.as_str() == "cart.expired").count());
    }
    assert_eq!(per_hour.iter().sum::<usize>(), 40, "{per_hour:?}");
    assert!(per_hour.iter().max() <= Some(&5), "{per_hour:?}");
    for nth in 0..40 {
        assert_eq!(cart(&shop, &format!("k-{nth}")).status, CartStatus::Expired);
    }
    assert_eq!(shop.sequencer.retention().carts_expired, 40);
    shop.check_balance();
}

#[actix::test]
async fn a_change_moves_the_expiry_and_a_thousand_changes_leave_one_timer() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    for _ in 0..1000 {
        shop.run("cart.put", line("k-1", "tea", 1)).await;
    }
    assert_eq!(shop.timers(), 1);
    shop.pass(29 * DAY).await;
    shop.run("cart.add", line("k-1", "tea", 1)).await;
    shop.pass(29 * DAY).await;
    assert_eq!(cart(&shop, "k-1").status, CartStatus::Open);
    // the next unit removes the timers that have fired
    shop.run("stock.adjust", json!({"sku": "tea", "delta": 1})).await;
    assert_eq!(shop.timers(), 1, "the timer that fired too early set the next one");
    shop.pass(4 * DAY).await;
    assert_eq!(cart(&shop, "k-1").status, CartStatus::Expired);
}

#[actix::test]
async fn an_expired_cart_is_neither_emptied_nor_merged_nor_checked_out() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("cart.put", line("k-1", "tea", 1)).await;
    shop.pass(33 * DAY).await;
    shop.run("cart.put", line("k-2", "tea", 1)).await;
    for (kind, data) in [
        ("cart.clear", json!({"cart_id": "k-1"})),
        ("cart.checkout", checkout("k-1", "o-1")),
        ("cart.merge", merge("k-1", "k-2")),
        ("cart.merge", merge("k-2", "k-1")),
    ] {
        let refused = shop.run(kind, data).await;
        assert_eq!(verdict(&refused), (Verdict::Rejected, Some("cart_closed")), "{kind}");
    }
}

#[actix::test]
async fn the_next_line_opens_an_expired_cart_again() {
    for (kind, change) in [("cart.put", 3), ("cart.add", 3), ("cart.put", 0), ("cart.add", -1)] {
        let mut shop = Shop::stocked(&[("tea", 10), ("cup", 10)]).await;
        shop.run("cart.put", line("k-1", "cup", 2)).await;
        shop.pass(33 * DAY).await;
        let expired = cart(&shop, "k-1");
        assert_eq!((expired.status, expired.version), (CartStatus::Expired, 2));
        let dollars = |version: u64| {
            json!({
                "cart_id": "k-1", "sku": "tea", "quantity": change, "unit_price": 5,
                "currency": "USD", "expected_version": version,
            })
        };

        let late = shop.run(kind, dollars(1)).await;
        assert_eq!(verdict(&late), (Verdict::Rejected, Some("version_mismatch")), "{kind}");
        assert_eq!(cart(&shop, "k-1"), expired, "{kind}: it stays as it was");
        let opened = shop.run(kind, dollars(2)).await;

        assert_eq!(verdict(&opened), (Verdict::Applied, None), "{kind}");
        let types: Vec<_> = opened.events().map(|(_, event)| event.kind().as_str()).collect();
        assert_eq!(types, ["cart.reopened", "cart.changed"], "{kind}");
        let found = cart(&shop, "k-1");
        assert_eq!((found.status, found.version), (CartStatus::Open, 3), "{kind}");
        assert_eq!(found.currency.code(), "USD", "{kind}: what it held before is gone");
        let lines = if change == 3 { vec![("tea".to_owned(), 3)] } else { Vec::new() };
        assert_eq!(quantities(&shop, "k-1"), lines, "{kind} {change}");

        // it expires again, counted from now, and is deleted when nobody opens it once more
        shop.pass(29 * DAY).await;
        assert_eq!(cart(&shop, "k-1").status, CartStatus::Open, "{kind}");
        shop.pass(4 * DAY).await;
        assert_eq!(cart(&shop, "k-1").status, CartStatus::Expired, "{kind}");
        shop.pass(91 * DAY).await;
        assert_eq!(shop.state::<Cart>(tables::CARTS, "k-1"), None, "{kind}");
        shop.check_balance();
    }
}

#[actix::test]
async fn a_cart_that_opened_again_expires_counted_from_then() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("cart.put", line("k-1", "tea", 1)).await;
    shop.pass(29 * DAY).await;
    shop.run("cart.checkout", checkout("k-1", "o-1")).await;
    shop.pass(HOUR).await;
    assert_eq!(
        (shop.status("o-1"), cart(&shop, "k-1").status),
        (Status::Expired, CartStatus::Open)
    );

    shop.pass(29 * DAY).await;
    assert_eq!(cart(&shop, "k-1").status, CartStatus::Open);
    shop.pass(4 * DAY).await;
    assert_eq!(cart(&shop, "k-1").status, CartStatus::Expired);
}

#[actix::test]
async fn expiries_survive_a_restart_and_are_caught_up_on() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    for nth in 0..5 {
        shop.run("cart.put", line(&format!("k-{nth}"), "tea", 1)).await;
    }
    let mut shop = Shop::open_on(Arc::new(shop.disk.crash()), settings());
    shop.pass(40 * DAY).await;
    let expired = shop.event_types().iter().filter(|kind| **kind == "cart.expired").count();
    assert_eq!(expired, 5);
}

#[actix::test]
async fn a_closed_cart_is_deleted_and_its_id_may_begin_a_new_cart() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("cart.put", line("k-1", "tea", 1)).await;
    shop.pass(33 * DAY).await;
    let places: BTreeSet<_> = shop.places(tables::CARTS);
    shop.pass(91 * DAY).await;

    let gone: Option<Cart> = shop.state(tables::CARTS, "k-1");
    assert_eq!(gone, None);
    assert_eq!(shop.sequencer.retention().carts_deleted, 1);
    let again = shop.run("cart.clear", json!({"cart_id": "k-1"})).await;
    assert_eq!(verdict(&again), (Verdict::Rejected, Some("cart_not_found")));
    let mut put = line("k-1", "tea", 2);
    put["expected_version"] = json!(0);
    assert_eq!(verdict(&shop.run("cart.put", put).await), (Verdict::Applied, None));
    assert_eq!((cart(&shop, "k-1").version, places), (1, shop.places(tables::CARTS)));
    shop.pass(34 * DAY).await;
    assert_eq!(
        cart(&shop, "k-1").status,
        CartStatus::Expired,
        "the new cart expires by its own last change"
    );
}
