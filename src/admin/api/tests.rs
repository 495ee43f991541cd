//! The bytes that reads cost, pages of timelines, and a query that panics.

use super::orders::tests::order;
use super::{Backend, Error, routes};
use crate::admin::problem::Problem;
use crate::decode::Decoder;
use actix_web::http::StatusCode;
use actix_web::{App, ResponseError as _, test};
use bytes::Bytes;
use orderly_actors::counters;
use orderly_actors::names;
use orderly_actors::parked::{ABOUT, BODY};
use orderly_actors::simulation::options;
use orderly_actors::states::State;
use orderly_actors::tables;
use orderly_domain::id::{CommandId, OrderId, Source};
use orderly_domain::lists::{Listed, of_order};
use orderly_domain::order::{Order, Status};
use orderly_domain::parked::{Link, Parked, ParkedOfOrder};
use orderly_domain::partition::Partitions;
use orderly_domain::record::{CommandName, Origin, UnitRecord};
use orderly_domain::stored::Stored;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::disk::{self, Batch, Disk, Pair, Tree};
use orderly_store::sim::SimDisk;
use orderly_store::{List, Log, Opened, Ordinal, Posting, PostingChange, UnitBuilder, View, open};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

mod cluster;
mod filters;

const DECODER: Decoder = Decoder { max_command_size: 1024, partitions: Partitions::ONE };

/// A disk that counts the bytes that are read.
#[derive(Debug)]
struct CountingDisk {
    disk: SimDisk,
    bytes: AtomicU64,
}

impl CountingDisk {
    fn count(&self, value: &Bytes) {
        self.bytes.fetch_add(value.len() as u64, Ordering::Relaxed);
    }
}

impl Disk for CountingDisk {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Bytes>, disk::Error> {
        let found = self.disk.get(tree, key)?;
        self.count(found.as_ref().unwrap_or(&Bytes::new()));
        Ok(found)
    }

    fn scan(&self, tree: Tree, from: &[u8], limit: usize) -> Result<Vec<Pair>, disk::Error> {
        let found = self.disk.scan(tree, from, limit)?;
        for (_, value) in &found {
            self.count(value);
        }
        Ok(found)
    }

    fn last(&self, tree: Tree, below: Option<&[u8]>) -> Result<Option<Pair>, disk::Error> {
        let found = self.disk.last(tree, below)?;
        if let Some((_, value)) = &found {
            self.count(value);
        }
        Ok(found)
    }

    fn write(&self, batch: Batch) -> Result<(), disk::Error> {
        self.disk.write(batch)
    }

    fn sync(&self) -> Result<(), disk::Error> {
        self.disk.sync()
    }

    fn bytes(&self) -> Result<u64, disk::Error> {
        self.disk.bytes()
    }
}

/// A store and the routes that read it, without a core.
struct Shop {
    disk: Arc<CountingDisk>,
    view: View,
    log: Log,
    backend: Backend,
}

impl Shop {
    fn new() -> Self {
        let disk = Arc::new(CountingDisk { disk: SimDisk::new(1), bytes: AtomicU64::new(0) });
        let shared: Arc<dyn Disk> = Arc::<CountingDisk>::clone(&disk);
        let Opened { view, log, .. } = open(&shared, &options()).expect("a new store");
        let backend = Backend::default();
        backend.read_from(view.reader());
        Self { disk, view, log, backend }
    }

    /// Seals a unit that touches an order, or none.
    fn seal(&mut self, order: Option<Ordinal>, fill: impl FnOnce(&mut UnitBuilder)) {
        let mut builder = self.view.begin(0);
        fill(&mut builder);
        if let Some(order) = order {
            let last = self.view.last_in_history(tables::ORDERS, order).expect("a read");
            builder.link_history(tables::ORDERS, order, last);
        }
        let record = UnitRecord {
            origin: Origin::Message {
                source: Some(Source::new("shop").expect("a source")),
                id: Some(CommandId::new("c-1").expect("an id")),
                kind: CommandName::from(orderly_domain::command::Kind::OrderPlace),
            },
            trace: None,
            order: None,
            verdict: Verdict::Duplicate,
            reason: None,
            detail: None,
            original: None,
            events: Vec::new(),
            ignored: None,
            operator: None,
            parked: None,
        };
        let mut body = Vec::new();
        record.write(&mut body).expect("a record");
        let unit = builder.seal(0, &body);
        self.view.seal(Arc::clone(&unit));
        self.log.commit(&[unit]).expect("no fault is armed");
    }

    fn place(&mut self, ordinal: u64) {
        let id = format!("o-{ordinal}");
        let order = Order {
            id: OrderId::new(id.as_str()).expect("an id"),
            status: Status::Paid,
            ..order()
        };
        self.seal(Some(Ordinal(ordinal)), |builder| {
            builder.name(tables::ORDERS, names::name(&id), Ordinal(ordinal));
            let put = |out: &mut Vec<u8>| order.write(out);
            builder.put_with(tables::ORDERS, Ordinal(ordinal), Order::PART, put).expect("an order");
            for Listed { list, rank } in of_order(&order) {
                let posting = Posting { list: List(list), rank, ordinal: Ordinal(ordinal) };
                builder.post(posting, PostingChange::New);
            }
            builder.count(counters::LISTS_BUILT, 1);
        });
    }

    fn park(&mut self, ordinal: u64, body: &[u8]) {
        self.park_of(ordinal, body, None);
    }

    /// Parks a message that names the order `o-x`, if it has a place in the list of that order.
    fn park_of(&mut self, ordinal: u64, body: &[u8], link: Option<Link>) {
        let about = Parked {
            reason: Reason::Malformed,
            command_id: None,
            source: None,
            r#type: None,
            order_id: link.map(|_| "o-x".to_owned()),
            content_type: None,
            received_at: Timestamp::EPOCH,
            attempts: 1,
            detail: None,
            size: body.len() as u64,
            truncated: false,
            provider: None,
            event_id: None,
            cart_id: None,
            sku: None,
            content_encoding: None,
            link,
            trace: None,
        };
        self.seal(None, |builder| {
            let put = |out: &mut Vec<u8>| about.write(out);
            builder.put_with(tables::PARKED, Ordinal(ordinal), ABOUT, put).expect("an item");
            builder.put(tables::PARKED, Ordinal(ordinal), BODY, body);
        });
    }

    fn checkpoint(&mut self) {
        self.view.checkpointed(&self.log.checkpoint().expect("no fault is armed"));
        while self.view.trim() {}
    }

    async fn post(&self, path: &str) -> (StatusCode, Value) {
        self.ask(test::TestRequest::post().uri(path)).await
    }

    /// The answer, and the bytes that were read from the disk for it.
    async fn get(&self, path: &str) -> (StatusCode, Value, u64) {
        let before = self.disk.bytes.load(Ordering::Relaxed);
        let (status, answer) = self.ask(test::TestRequest::get().uri(path)).await;
        (status, answer, self.disk.bytes.load(Ordering::Relaxed) - before)
    }

    async fn ask(&self, request: test::TestRequest) -> (StatusCode, Value) {
        let app = test::init_service(
            App::new().configure(|config| routes(self.backend.clone(), DECODER).configure(config)),
        )
        .await;
        let response = test::call_service(&app, request.to_request()).await;
        let status = response.status();
        let body = test::read_body(response).await;
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}

#[actix_web::test]
async fn a_page_of_fifty_of_ten_thousand_reads_about_fifty() {
    let mut shop = Shop::new();
    (0..10_000).for_each(|ordinal| shop.place(ordinal));
    shop.checkpoint();
    let whole = shop.disk.bytes().expect("a size");

    let (status, page, read) = shop.get("/api/orders?sort=oldest&after=0.5000&limit=50").await;

    assert_eq!(status, StatusCode::OK, "{page}");
    let items = page["items"].as_array().expect("a list");
    assert_eq!((items.len(), &items[0]["order_id"]), (50, &Value::from("o-5000")));
    assert_eq!(page["next"], "0.5050");
    // besides the orders a block of each list: one of each status, and a block has 16 KiB
    assert!(read < 13 * (16 << 10) && read < whole / 10, "{read} of {whole} bytes");
}

#[actix_web::test]
async fn a_page_behind_the_end_is_empty_and_the_last() {
    let mut shop = Shop::new();
    (0..3).for_each(|ordinal| shop.place(ordinal));
    for after in ["0.3", "0.5000", "1.0", "9000000000000000000.999999999999999999"] {
        let (status, page, _) = shop.get(&format!("/api/orders?sort=oldest&after={after}")).await;
        assert_eq!(status, StatusCode::OK, "{after}: {page}");
        assert_eq!(page, serde_json::json!({ "items": [], "next": null }), "{after}");
    }
}

#[actix_web::test]
async fn a_filter_that_lets_nothing_pass_does_not_read_the_table() {
    let mut shop = Shop::new();
    (0..5_000).for_each(|ordinal| shop.place(ordinal));
    shop.checkpoint();
    let whole = shop.disk.bytes().expect("a size");

    // a list that has nothing, two lists that have nothing in common, and all orders but those in a list that has all
    let rows = [("status=completed", 50), ("status=paid&customer=c-2", 25), ("disputed=false", 10)];
    for (query, most) in rows {
        let (_, first, read) = shop.get(&format!("/api/orders?{query}")).await;
        assert!(read * most < whole, "{query}: {read} of {whole} bytes");
        assert_eq!(first, serde_json::json!({ "items": [], "next": null }), "{query}");
    }
}

#[actix_web::test]
async fn a_page_of_orders_that_are_not_what_is_asked_for_reads_at_most_two_thousand() {
    // Given a list of orders of which none is what the list says
    let mut shop = Shop::new();
    (0..5_000).for_each(|ordinal| shop.place(ordinal));
    let list = List(orderly_domain::lists::List::Hold.number());
    shop.seal(None, |builder| {
        for ordinal in (0..5_000).map(Ordinal) {
            builder.post(Posting { list, rank: 0, ordinal }, PostingChange::Added);
        }
    });
    // Then pages are empty, and go on
    let (mut pages, mut path) = (0, "/api/holds".to_owned());
    loop {
        let (_, page, _) = shop.get(&path).await;
        assert_eq!(page["items"], Value::Array(Vec::new()));
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/holds?after={next}");
    }
    assert_eq!(pages, 3);
}

#[actix_web::test]
async fn lists_that_are_not_built_yet_are_not_shown() {
    // Given a store whose orders are in no lists
    let mut shop = Shop::new();
    shop.seal(None, |builder| builder.name(tables::ORDERS, names::name("o-0"), Ordinal(0)));
    for path in [
        "/api/orders",
        "/api/holds",
        "/api/refunds",
        "/api/waiting",
        "/api/attention",
        "/api/search?q=x",
    ] {
        assert_eq!(shop.get(path).await.0, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    shop.place(1);
    assert_eq!(shop.get("/api/orders").await.0, StatusCode::OK);
}

#[actix_web::test]
async fn a_list_of_parked_messages_reads_no_bodies() {
    let mut shop = Shop::new();
    let body = vec![b'x'; 1 << 20];
    (0..20).for_each(|ordinal| shop.park(ordinal, &body));
    shop.checkpoint();

    let (_, page, read) = shop.get("/api/parked?reason=malformed").await;
    let (_, one, _) = shop.get("/api/parked/p-7").await;

    let items = page["items"].as_array().expect("a list");
    assert_eq!(items.len(), 20);
    assert!(items.iter().all(|item| item.get("raw").is_none() && item["size"] == 1 << 20));
    assert!(read < 20_000, "{read} bytes");
    assert_eq!(one["text"].as_str().map(str::len), Some(1 << 20));
    assert_eq!(one["id"], "p-7");
}

/// The list of the order `o-x`: these parked messages.
fn list(shop: &mut Shop, ordinals: &[u64]) {
    let at = |place: Option<usize>| place.and_then(|place| ordinals.get(place).copied());
    for (place, ordinal) in ordinals.iter().enumerate() {
        let (previous, next) = (at(place.checked_sub(1)), at(Some(place + 1)));
        shop.park_of(*ordinal, b"{", Some(Link { order: 7, previous, next }));
    }
    let [first, .., last] = *ordinals else { panic!("there are at least two") };
    let list = ParkedOfOrder { count: ordinals.len() as u64, first, last };
    shop.seal(None, |builder| {
        builder.name(tables::ORDERS, names::name("o-x"), Ordinal(7));
        let put = |out: &mut Vec<u8>| list.write(out);
        let encoded = builder.put_with(tables::ORDERS, Ordinal(7), ParkedOfOrder::PART, put);
        encoded.expect("a list");
    });
}

/// The ids of all pages of a list from `after` on, if it is not empty; and the number of pages.
async fn ids(shop: &Shop, path: &str, after: &str) -> (Vec<String>, usize) {
    let first = if after.is_empty() { String::new() } else { format!("&after={after}") };
    let (mut ids, mut pages, mut after) = (Vec::new(), 0, first);
    loop {
        let (status, page, _) = shop.get(&format!("{path}{after}")).await;
        assert_eq!(status, StatusCode::OK, "{path}{after}: {page}");
        let items = page["items"].as_array().expect("a list");
        ids.extend(items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()));
        pages += 1;
        let Some(next) = page["next"].as_str() else { return (ids, pages) };
        after = format!("&after={next}");
    }
}

#[actix_web::test]
async fn the_parked_messages_of_an_order_are_found_without_the_others() {
    let mut shop = Shop::new();
    (0..5_000).for_each(|ordinal| shop.park(ordinal, b"{"));
    list(&mut shop, &[3, 1_000, 1_001, 4_500]);
    shop.checkpoint();
    let whole = shop.disk.bytes().expect("a size");

    let all = ["p-3", "p-1000", "p-1001", "p-4500"];
    let (_, page, read) = shop.get("/api/parked?order_id=o-x").await;
    assert_eq!((page["items"].as_array().map(Vec::len), &page["next"]), (Some(4), &Value::Null));
    assert!(read < whole / 10, "{read} of {whole} bytes");
    for (path, found, pages) in [
        ("/api/parked?order_id=o-x&limit=1", &all[..], 4),
        ("/api/parked?order_id=o-x&limit=3", &all[..], 2),
        ("/api/parked?order_id=o-x&limit=4", &all[..], 1),
        ("/api/parked?order_id=o-x&reason=malformed", &all[..], 1),
        ("/api/parked?order_id=o-x&reason=failed", &[], 1),
        ("/api/parked?order_id=o-x&type=order.cancel", &[], 1),
        ("/api/parked?order_id=o-x&source=shop", &[], 1),
        ("/api/parked?order_id=o-y", &[], 1),
        ("/api/parked?source=shop", &[], 3),
    ] {
        let (ids, count) = ids(&shop, path, "").await;
        assert_eq!(
            (ids, count),
            (found.iter().map(ToString::to_string).collect(), pages),
            "{path}"
        );
    }
    // any `after` will do
    for (after, found) in [(2, &all[..]), (3, &all[1..]), (998, &all[1..]), (4_499, &all[3..])] {
        let path = "/api/parked?order_id=o-x&limit=2";
        assert_eq!(ids(&shop, path, &format!("p-{after}")).await.0, found, "{after}");
    }
}

#[actix_web::test]
async fn the_list_of_an_order_goes_on_behind_a_message_that_is_parked_no_more() {
    let mut shop = Shop::new();
    (0..5_000).for_each(|ordinal| shop.park(ordinal, b"{"));
    list(&mut shop, &[3, 1_000, 4_500]);
    let (_, page, _) = shop.get("/api/parked?order_id=o-x&limit=2").await;
    assert_eq!(page["next"], "p-1000");
    shop.seal(None, |builder| {
        for part in [ABOUT, BODY] {
            builder.remove(tables::PARKED, Ordinal(1_000), part);
        }
    });
    list(&mut shop, &[3, 4_500]);
    let (rest, _) = ids(&shop, "/api/parked?order_id=o-x&limit=2", "p-1000").await;
    assert_eq!(rest, ["p-4500"], "it is found among all messages");
}

#[actix_web::test]
async fn a_timeline_comes_in_pages_that_join_without_a_gap() {
    // Given an order with 1,200 messages, half of them newer than the last checkpoint
    let mut shop = Shop::new();
    shop.place(0);
    for n in 1..1_200 {
        shop.seal(Some(Ordinal(0)), |_| {});
        if n == 600 {
            shop.checkpoint();
        }
    }
    // When its timeline is read at once, and in pages
    let (_, whole, _) = shop.get("/api/orders/o-0/timeline").await;
    let (mut pages, mut after) = (Vec::new(), String::new());
    loop {
        let (_, page, _) = shop.get(&format!("/api/orders/o-0/timeline?limit=500{after}")).await;
        pages.extend(page["items"].as_array().expect("a list").clone());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    // Then the pages have all items, and the single answer is the beginning of them
    assert_eq!(whole.as_array().map(Vec::len), Some(1_000));
    assert_eq!(pages.len(), 1_200);
    assert_eq!(whole.as_array().expect("a list")[..], pages[..1_000]);
    // And a page begins behind its `after`; a page behind the end is empty
    let (_, short, _) = shop.get("/api/orders/o-0/timeline?limit=3&after=1196").await;
    assert_eq!(
        (short["items"].as_array().map(Vec::len), &short["next"]),
        (Some(3), &"1199".into())
    );
    let (_, last, _) = shop.get("/api/orders/o-0/timeline?after=1200").await;
    assert_eq!(last, serde_json::json!({ "items": [], "next": null }));
    for nonsense in ["after=x", "limit=0", "limit=501"] {
        let (status, _, _) = shop.get(&format!("/api/orders/o-0/timeline?{nonsense}")).await;
        assert!(status.is_client_error(), "{nonsense}: {status}");
    }
}

/// A producer in a loop leaves more messages than one answer has. The first ones show how it began.
#[actix_web::test]
async fn a_timeline_of_many_messages_begins_with_the_first_one() {
    let mut shop = Shop::new();
    shop.place(0);
    for n in 1..25_000 {
        shop.seal(Some(Ordinal(0)), |_| {});
        if n % 5_000 == 0 {
            shop.checkpoint();
        }
    }
    let (_, whole, _) = shop.get("/api/orders/o-0/timeline").await;
    let (_, page, _) = shop.get("/api/orders/o-0/timeline?limit=1").await;
    assert_eq!(whole.as_array().map(Vec::len), Some(1_000));
    assert_eq!(whole[0], page["items"][0]);
    assert_eq!(page["next"], "1", "the page begins with the first message of the order");
}

#[actix_web::test]
async fn a_panic_in_a_query_ends_that_request_only() {
    let mut shop = Shop::new();
    shop.place(0);

    let query = |_: &orderly_store::Reader| -> Result<(), Error> { panic!("a bug") };
    let problem: Problem = shop.backend.query(query).await.expect_err("no answer");

    assert_eq!(problem.status_code(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(shop.get("/api/orders/o-0").await.0, StatusCode::OK);
}

#[actix_web::test]
async fn states_are_read_without_a_core_and_nothing_without_a_store() {
    let mut shop = Shop::new();
    shop.place(0);
    assert_eq!(shop.get("/api/orders/o-0").await.0, StatusCode::OK);
    assert_eq!(shop.get("/api/actors").await.0, StatusCode::SERVICE_UNAVAILABLE);
    shop.backend = Backend::default();
    assert_eq!(shop.get("/api/orders/o-0").await.0, StatusCode::SERVICE_UNAVAILABLE);
}
