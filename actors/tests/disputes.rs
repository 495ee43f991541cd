//! The events of disputes: what subscribers are told when a dispute is opened and when it is closed.

mod support;

use orderly_actors::journal_entry::JournalEntry;
use orderly_domain::event::Type;
use orderly_domain::event::payload::EventPayload;
use orderly_domain::order::Status;
use orderly_domain::verdict::Verdict;
use serde_json::{Value, json};
use support::{Shop, captured, place, said, verdict};

/// The data of the event of that type. `Null`: the unit has none.
fn shown(entry: &JournalEntry, kind: Type) -> Value {
    let event = entry.events().map(|(_, event)| event).find(|event| event.kind() == kind);
    event.map_or(Value::Null, |event| {
        let payload = EventPayload::new(event, entry.context()).expect("has its states");
        serde_json::to_value(payload).expect("is JSON")
    })
}

/// What is said of the dispute in a row, by type of the event: its outcome, or null.
#[actix::test]
async fn a_dispute_is_told_when_it_is_opened_and_when_it_is_closed() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.run("payment.callback", captured("o-1", "e-1", 500)).await;
    let rows = [
        ("dispute_opened a d-1", Some(("order.disputed", Value::Null)), true),
        ("dispute_opened a d-1", None, true), // known
        ("dispute_closed a d-1 lost", Some(("order.dispute_closed", json!("lost"))), true),
        ("dispute_closed a d-1 lost", None, true),
        ("dispute_closed a d-1 won", Some(("order.dispute_closed", json!("won"))), false),
        // the closing overtook the opening
        ("dispute_closed a d-2 won", Some(("order.dispute_closed", json!("won"))), false),
        ("dispute_opened a d-2", None, false),
        ("dispute_opened a d-3", Some(("order.disputed", Value::Null)), true),
    ];
    for (callback, expected, disputed) in rows {
        let before = shop.order("o-1");
        let entry = shop.run("payment.callback", said("o-1", callback)).await;
        let order = shop.order("o-1");
        assert_eq!((order.status, order.disputed), (Status::Paid, disputed), "{callback}");
        let recorded = shown(&entry, Type::PaymentRecorded);
        let Some((kind, outcome)) = expected else {
            assert_eq!(verdict(&entry), (Verdict::Stale, None), "{callback}");
            assert_eq!(order.version, before.version, "{callback}");
            assert_eq!(entry.record.types(), [Type::PaymentRecorded], "{callback}");
            continue;
        };
        assert_eq!(verdict(&entry), (Verdict::Applied, None), "{callback}");
        assert_eq!(order.version, before.version + 1, "{callback}");
        assert_eq!(recorded.get("outcome").unwrap_or(&Value::Null), &outcome, "{callback}");
        let kind = *Type::ALL.iter().find(|one| one.as_str() == kind).expect("is a type");
        let data = shown(&entry, kind);
        assert_eq!(data.get("outcome").unwrap_or(&Value::Null), &outcome, "{callback}");
        assert_eq!((&data["status"], &data["version"]), (&json!("paid"), &json!(order.version)));
        assert_eq!(data["provider"], json!("acme"), "{callback}");
        assert_eq!(data["dispute_id"].as_str(), callback.split(' ').nth(2), "{callback}");
        assert!(kind.published_by_default(), "{callback}");
    }
    shop.check_balance();
}
