//! A year of a real wholesaler through the program and a real RabbitMQ, where the data is present: the final stock and money are
//! those that plain arithmetic over the invoices gives.

#[path = "support/online_retail.rs"]
mod online_retail;
#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use online_retail::{Stocked, open, replay, sample};
use processor::Processor;
use producer::{Producer, Sent};
use rabbit::{namespace, shared_url};
use serde_json::Value;
use std::collections::BTreeMap;

/// Every item of a list of the admin API.
fn all(processor: &Processor, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut after = String::new();
    loop {
        let page = processor.get(&format!("{path}?limit=500{after}")).expect("a page");
        items.extend(page["items"].as_array().expect("items").iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return items,
        }
    }
}

async fn balances(stocked: Stocked, seed: u64) {
    let Some(path) = sample() else {
        eprintln!("the sample is not here: nothing is replayed");
        return;
    };
    let invoices = open(&path).expect("the sample can be read");
    let replay = replay(&invoices.all, stocked, seed);
    let (url, namespace) = (shared_url(), namespace("retail"));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let commands: Vec<_> = replay
        .commands
        .iter()
        .map(|command| {
            let id = command.id.as_deref().expect("an id");
            let properties = Sent::new(command.kind, id, &Value::Null).properties;
            let properties = properties.with_app_id(command.source.into());
            Sent { kind: command.kind.to_owned(), properties, body: command.body.clone() }
        })
        .collect();

    producer.publish(&commands).await;
    let sent = commands.len() as f64;
    processor.wait(|processor| {
        let done = processor.metric("orderly_commands_total{", "")
            - processor.metric("orderly_commands_total{", "type=\"internal\"");
        done >= sent - 0.5
    });

    let stock: BTreeMap<_, _> = all(&processor, "/api/stock")
        .into_iter()
        .map(|item| {
            assert_eq!(item["held"], 0, "{item}");
            let sku = item["sku"].as_str().expect("a sku").to_owned();
            (sku, item["on_hand"].as_i64().expect("a number"))
        })
        .collect();
    assert_eq!(stock, replay.expected.stock);
    let orders: BTreeMap<_, _> = all(&processor, "/api/orders")
        .into_iter()
        .map(|order| {
            let id = order["order_id"].as_str().expect("an id").to_owned();
            let status = order["status"].as_str().expect("a status").to_owned();
            (id, (status, order["paid"].as_i64().expect("a number")))
        })
        .collect();
    let expected: BTreeMap<_, _> = replay
        .expected
        .orders
        .iter()
        .map(|(id, (status, paid))| (id.clone(), ((*status).to_owned(), *paid)))
        .collect();
    assert_eq!(orders, expected);
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["counts"]["paid"]["GBP"], replay.expected.paid());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_with_stock_for_every_order_balances() {
    balances(Stocked::Fully, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_with_shortages_balances() {
    balances(Stocked::Shortly, 2).await;
}
