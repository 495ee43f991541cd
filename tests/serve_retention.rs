//! Retention in a running process: carts, callbacks without an order, settled orders. Every retention is a few seconds here.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn old_data_expires_and_the_ids_of_orders_stay_taken() {
    let (url, namespace) = (shared_url(), namespace("retention"));
    let mut processor = Processor::new(&url, &namespace)
        .with("ORDERLY_CARTS__EXPIRE_AFTER", "1s")
        .with("ORDERLY_ORDERS__WAITING_CALLBACK_RETENTION", "1s")
        .with("ORDERLY_STORE__IDEMPOTENCY_RETENTION", "3s")
        .with("ORDERLY_STORE__HISTORY_RETENTION", "3s")
        .with("ORDERLY_NOTIFICATIONS__CHANNELS", "[]")
        .with("RUST_LOG", "error");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let cart =
        json!({"cart_id": "k-1", "sku": "tea", "quantity": 1, "unit_price": 5, "currency": "EUR"});
    let early = json!({
        "provider": "acme", "event_id": "e-1", "order_id": "o-never", "attempt_id": "a-1", "kind": "failed",
        "occurred_at": "2026-01-01T00:00:00Z",
    });

    // When no other command follows
    producer
        .publish(&[
            stock("tea", 10),
            Sent::new("cart.put", "put", &cart),
            Sent::new("payment.callback", "early", &early),
            place("o-1", &[("tea", 1, 100)]),
            Sent::new("order.cancel", "cancel", &json!({"order_id": "o-1"})),
        ])
        .await;
    processor.wait(|processor| {
        processor.get("/api/orders/o-1").is_some_and(|order| order["status"] == "cancelled")
    });

    // Then the cart expires, the callback is parked, and the order and the cart are deleted
    processor.wait(|processor| {
        processor.get("/api/carts/k-1").is_some_and(|cart| cart["status"] == "expired")
    });
    processor.wait(|processor| {
        let parked = processor.get("/api/parked?reason=order_never_came");
        parked.is_some_and(|list| list["items"][0]["command_id"] == "early")
    });
    processor.wait(|processor| processor.get("/api/orders/o-1").is_none());
    processor.wait(|processor| processor.get("/api/carts/k-1").is_none());
    let (status, told) = processor.problem("/api/orders/o-1");
    assert_eq!(status, 404);
    assert!(told["detail"].as_str().is_some_and(|detail| detail.contains("was deleted")), "{told}");
    let (status, told) = processor.problem("/api/orders/o-2");
    assert_eq!(status, 404);
    assert!(
        !told["detail"].as_str().is_some_and(|detail| detail.contains("was deleted")),
        "{told}"
    );
    assert!(processor.metric("orderly_orders{", "status=\"cancelled\"") < 0.5);
    assert!(processor.metric("orderly_waiting_callbacks", "") < 0.5);

    // and the id of the order stays taken
    let again = json!({
        "order_id": "o-1", "customer": {"id": "c-1"}, "currency": "EUR",
        "lines": [{"sku": "tea", "quantity": 1, "unit_price": 100}],
    });
    producer.publish(&[Sent::new("order.place", "again", &again)]).await;
    processor.wait(|processor| {
        processor.metric("orderly_commands_total{", "type=\"order.place\",verdict=\"rejected\"")
            > 0.5
    });
    assert_eq!(processor.get("/api/audit").expect("the audit")["balanced"], true);
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["counts"]["swept"], 1);
}
