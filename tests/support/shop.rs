//! A whole shop in the process of the test: the pipeline on an in-process broker, and its admin server.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use crate::http::{Answer, ask};
use bytes::Bytes;
use orderly::admin::Condition;
use orderly::config::Config;
use orderly::process::{self, Observed, Processor, memory_broker, open_store};
use orderly_broker::client;
use orderly_broker::memory::{Memory, Subscription};
use orderly_broker::{Confirm, Names};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A shop that runs until it is dropped.
pub(crate) struct Shop {
    pub(crate) observed: Observed,
    broker: Memory,
    names: Names,
    processor: Option<Processor>,
    /// Without a queue a notification would not be delivered.
    _notifications: Subscription,
    runtime: Runtime,
    _directory: TempDir,
}

impl Shop {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// Starts with a changed configuration.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut config = Config::default();
        config.broker.url = "memory:".parse().expect("a URL");
        config.store.path = directory.path().join("store");
        config.admin.bind = SocketAddr::from(([127, 0, 0, 1], 0));
        change(&mut config);
        let runtime = process::runtime().expect("a runtime");
        let (observed, broker, processor) = runtime.block_on(async {
            let observed = Observed::start(&config).expect("an admin server");
            let opened = open_store(&config, &config.store.path).expect("a store");
            let broker = memory_broker(&config);
            let link = broker.link(config.broker.prefetch.get());
            let processor =
                Processor::start(opened, link, None, &config, &observed).expect("a processor");
            (observed, broker, processor)
        });
        let names = Names::new(&config.broker.namespace);
        let shop = Self {
            observed,
            _notifications: broker.subscribe(&names.notifications, "#"),
            broker,
            names,
            processor: Some(processor),
            runtime,
            _directory: directory,
        };
        let is_there = |condition| {
            shop.observed.readiness.reasons().iter().any(|reason| reason.condition == condition)
        };
        wait("readiness", || !is_there(Condition::Starting) && !is_there(Condition::Broker));
        shop
    }

    /// A shop with at least one of everything that the API shows: see [`example`](Self::example).
    pub(crate) fn loaded() -> Self {
        let shop = Self::start();
        shop.load();
        shop
    }

    pub(crate) fn load(&self) {
        self.publish("stock.set", "c-1", &json!({"sku": "tea", "on_hand": 10}));
        let line = json!({"cart_id": "k-1", "sku": "tea", "quantity": 1, "unit_price": 250, "currency": "EUR"});
        self.publish("cart.put", "c-2", &line);
        let place = json!({
            "order_id": "o-1", "customer": {"id": "u-1", "email": "u-1@example.com"}, "currency": "EUR",
            "lines": [{"sku": "tea", "quantity": 2, "unit_price": 250, "name": "Tea"}],
            "shipping_address": {"lines": ["Am Ufer 5"], "country": "DE"}, "metadata": {"channel": "web"},
        });
        self.publish("order.place", "c-3", &place);
        let captured = json!({
            "provider": "acme", "event_id": "e-1", "order_id": "o-1", "attempt_id": "a-1", "kind": "captured",
            "capture_id": "m-1", "amount": 500, "currency": "EUR", "occurred_at": "2026-01-01T00:00:00Z",
        });
        self.publish("payment.callback", "c-4", &captured);
        let refund = json!({
            "order_id": "o-1", "refund_id": "r-1", "amount": 250, "restock": [{"sku": "tea", "quantity": 1}],
        });
        self.publish("refund.request", "c-5", &refund);
        let disputed = json!({
            "provider": "acme", "event_id": "e-2", "order_id": "o-1", "attempt_id": "a-1", "kind": "dispute_opened",
            "dispute_id": "d-1", "occurred_at": "2026-01-02T00:00:00Z",
        });
        self.publish("payment.callback", "c-6", &disputed);
        let early = json!({
            "provider": "acme", "event_id": "e-3", "order_id": "o-2", "attempt_id": "a-1", "kind": "captured",
            "amount": 500, "currency": "EUR", "occurred_at": "2026-01-02T00:00:00Z",
        });
        self.publish("payment.callback", "c-7", &early);
        self.publish("stock.set", "c-8", &json!({"sku": "tea", "on_hand": 7.5}));
        self.wait_for("/api/parked", |list| list["items"][0]["id"] == "p-1");
        self.wait_for("/api/notifications?order_id=o-1", |list| {
            list["items"][0]["status"] == "delivered"
        });
    }

    /// A path of the table with a thing of the loaded shop in the place of its parameter.
    pub(crate) fn example(&self, path: &str) -> String {
        let Some((before, _)) = path.split_once('{') else { return path.to_owned() };
        let id = match before {
            "/api/orders/" => "o-1".to_owned(),
            "/api/carts/" => "k-1".to_owned(),
            "/api/stock/" => "tea".to_owned(),
            "/api/parked/" => "p-1".to_owned(),
            "/page/" => "app.js".to_owned(),
            // there is none in a namespace with one process
            "/api/cluster/copies/" => "01a22bf1-46d3-774e-84fe-a6f25cb5688f".to_owned(),
            "/api/notifications/" => {
                let list = self.get("/api/notifications?order_id=o-1").json();
                list["items"][0]["notification_id"].as_str().expect("an id").to_owned()
            }
            other => panic!("the loaded shop has nothing for {other}: add it to `Shop::load`"),
        };
        let (_, after) = path.split_once('}').expect("the end of the parameter");
        format!("{before}{id}{after}")
    }

    pub(crate) fn publish(&self, kind: &str, id: &str, data: &Value) {
        self.publish_traced(kind, id, data, None);
    }

    /// Publishes a command that belongs to a trace.
    pub(crate) fn publish_traced(&self, kind: &str, id: &str, data: &Value, trace: Option<&str>) {
        let body = Bytes::from(data.to_string());
        let mut message = client::command(&self.names, kind, id, Some("test"), body);
        message.properties.traceparent = trace.map(str::to_owned);
        assert_eq!(self.broker.publish(message), Confirm::Acked);
    }

    /// Every notification from now on.
    pub(crate) fn notifications(&self) -> Subscription {
        self.broker.subscribe(&self.names.notifications, "#")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.observed.server.address()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        ask(self.address(), "GET", path)
    }

    /// Waits until a path answers 200 with what is wanted.
    pub(crate) fn wait_for(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut found = Value::Null;
        wait(path, || {
            let answer = self.get(path);
            found = serde_json::from_str(&answer.body).unwrap_or_default();
            answer.status == 200 && wanted(&found)
        });
        found
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if let Some(mut processor) = self.processor.take() {
            self.runtime.block_on(async {
                processor.handle.clone().stop(Duration::from_secs(5)).await;
                drop(processor.ended().await);
            });
        }
    }
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..1_500 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what}: it did not happen in time");
}
