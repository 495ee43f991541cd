//! `orderly store` with a store of known content, a store in use, and no store.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin;
use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::{Value, json};
use std::path::Path;

fn store(what: &str, path: &Path) -> std::process::Output {
    Command::new(cargo_bin("orderly"))
        .args(["store", what, "--store"])
        .arg(path)
        .output()
        .expect("orderly runs")
}

fn stats(path: &Path) -> Value {
    let output = store("stats", path);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn cart(cart: &str) -> Sent {
    let data = json!({
        "cart_id": cart, "sku": "tea", "quantity": 1, "unit_price": 100, "currency": "EUR",
    });
    Sent::new("cart.put", &format!("put-{cart}"), &data)
}

/// What is expected of the store that [`Processor`]s fill below.
fn figures(stats: &Value) -> Value {
    let wanted = ["orders", "carts", "skus", "parked", "waiting_callbacks", "identities"];
    wanted.iter().map(|name| ((*name).to_owned(), stats[*name].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_are_those_of_the_entities_that_the_api_shows() {
    let (url, namespace) = (shared_url(), namespace("stats"));
    let mut processor = Processor::new(&url, &namespace).with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    // Given 2 skus, 3 carts, 4 orders (one of them rejected), callbacks for 2 orders that nobody placed, a message
    // that is no command, one that comes twice, and one whose id was used for something else
    let mut commands = vec![stock("tea", 10), stock("milk", 10)];
    commands.extend(["k-1", "k-2", "k-3"].map(cart));
    commands.extend(["o-1", "o-2", "o-3"].map(|order| place(order, &[("tea", 1, 100)])));
    commands.push(place("o-4", &[("tea", 1000, 100)]));
    commands.extend([captured("o-5", 100), captured("o-6", 100)]);
    let identities = commands.len();
    commands.push(Sent::new("order.place", "broken", &json!({})));
    commands.push(stock("tea", 10));
    commands.push(Sent::new("stock.set", "stock-milk", &json!({"sku": "milk", "on_hand": 11})));
    producer.publish(&commands).await;
    processor.wait(|processor| {
        processor.metric("orderly_commands_total{", "") > commands.len() as f64 - 0.5
    });
    let expected = json!({
        "orders": 4, "carts": 3, "skus": 2, "parked": 2, "waiting_callbacks": 2,
        "identities": identities,
    });

    // When the store is in use, the error says so
    let output = store("stats", &processor.store());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(74), "{said}");
    assert!(said.contains("is in use by another process"), "{said}");
    assert!(!said.contains("disk"), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");

    // When the process was killed, and all data is in the journal only
    processor.kill();
    let killed = stats(&processor.store());
    assert_eq!(killed["checkpoint_sequence"], 1, "nothing is in a checkpoint: {killed}");
    assert_eq!(figures(&killed), expected);

    // And when the process was stopped, and all data is in the views
    processor.start();
    assert_eq!(processor.stop().code(), Some(0));
    let stopped = stats(&processor.store());
    assert_eq!(stopped["checkpoint_sequence"], stopped["next_sequence"]);
    assert_eq!(figures(&stopped), expected);
}

#[test]
fn a_directory_without_a_store_is_not_changed() {
    let directory = tempfile::tempdir().expect("a directory");
    for what in ["stats", "verify"] {
        let output = store(what, directory.path());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(74), "{said}");
        assert!(said.contains("there is no store at"), "{said}");
        let entries =
            std::fs::read_dir(directory.path()).expect("the directory can be read").count();
        assert_eq!(entries, 0, "the directory has become a store");
    }
}
