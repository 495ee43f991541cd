//! The version of a sku's stock: it grows with every change that shows, and `stock.set` may expect one.

mod support;

use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::tables;
use orderly_domain::event::payload::EventPayload;
use orderly_domain::inventory::Stock;
use orderly_domain::verdict::{Detail, Verdict};
use serde_json::{Value, json};
use support::{Shop, captured, place, said, verdict};

fn version(shop: &Shop, sku: &str) -> u64 {
    let stock: Option<Stock> = shop.state(tables::SKUS, sku);
    stock.map_or(0, |stock| stock.version)
}

/// Each event of the type: sku, available units, and version.
fn told(entry: &JournalEntry, kind: &str) -> Vec<Value> {
    let events = entry.events().filter(|(_, event)| event.kind().as_str() == kind);
    let data = events.map(|(_, event)| {
        let payload = EventPayload::new(event, entry.context()).expect("has its states");
        let data = serde_json::to_value(payload).expect("is JSON");
        json!([data["sku"], data["available"], data["version"]])
    });
    data.collect()
}

#[actix::test]
async fn the_version_grows_with_every_change_that_shows() {
    let mut shop = Shop::open();
    let set = |on_hand: u64| json!({"sku": "tea", "on_hand": on_hand, "low_at": 4});
    let rows: [(&str, Value, u64); 12] = [
        ("stock.set", set(5), 1),
        ("stock.set", set(5), 1), // the same as before
        ("stock.set", set(6), 2),
        ("stock.adjust", json!({"sku": "tea", "delta": 4}), 3),
        ("order.place", place("o-1", &[("tea", 1, 500)]), 4), // held
        ("order.cancel", json!({"order_id": "o-1"}), 5),      // released
        ("order.place", place("o-2", &[("tea", 1, 500), ("tea", 1, 500)]), 6), // two lines, one change
        ("payment.callback", captured("o-2", "e-1", 1000), 7),                 // sold
        (
            "refund.request",
            json!({"order_id": "o-2", "refund_id": "r-1", "amount": 500, "restock": [{"sku": "tea", "quantity": 1}]}),
            8,
        ),
        ("payment.callback", said("o-2", "refund_succeeded a-e-1 500 r-1"), 8), // money only
        ("order.place", place("o-3", &[("tea", 100, 500)]), 8),                 // refused
        ("order.place", place("free", &[("tea", 1, 0)]), 9), // held and sold in one unit
    ];
    for (kind, data, expected) in rows {
        let said = data.to_string();
        shop.run(kind, data).await;
        assert_eq!(version(&shop, "tea"), expected, "{kind} {said}");
    }
    shop.check_balance();
}

#[actix::test]
async fn events_of_stock_have_its_version() {
    let mut shop = Shop::open();
    let set = json!({"sku": "tea", "on_hand": 5, "low_at": 4});
    let counted = shop.run("stock.set", set).await;
    assert_eq!(told(&counted, "stock.changed"), [json!(["tea", 5, 1])]);
    let low = shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    assert_eq!(told(&low, "stock.low"), [json!(["tea", 4, 2])]);
    let adjusted = shop.run("stock.adjust", json!({"sku": "tea", "delta": 3})).await;
    assert_eq!(told(&adjusted, "stock.changed"), [json!(["tea", 7, 3])]);
}

#[actix::test]
async fn a_count_of_stock_that_has_moved_since_is_refused() {
    let mut shop = Shop::open();
    let set = |on_hand: u64, expected: u64| json!({"sku": "tea", "on_hand": on_hand, "expected_version": expected});
    let rows = [
        (set(5, 1), false, 0), // not there yet
        (set(5, 0), true, 1),
        (set(6, 0), false, 1),
        (set(6, 1), true, 2),
        (set(7, 3), false, 2),
    ];
    for (data, is_applied, version_after) in rows {
        let said = data.to_string();
        let entry = shop.run("stock.set", data).await;
        if is_applied {
            assert_eq!(verdict(&entry), (Verdict::Applied, None), "{said}");
        } else {
            assert_eq!(verdict(&entry), (Verdict::Rejected, Some("version_mismatch")), "{said}");
            let detail = Detail::Text(format!("the version is {version_after}"));
            assert_eq!(entry.record.detail, Some(detail), "{said}");
        }
        assert_eq!(version(&shop, "tea"), version_after, "{said}");
    }
    assert_eq!(shop.stock("tea"), (6, 0));
}
