//! `orderly store` with a store of known content, a store in use, one whose lists are wrong, and no store.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin;
use orderly_actors::states::State as _;
use orderly_actors::{counters, parked, tables};
use orderly_domain::parked::{Parked, ParkedOfOrder};
use orderly_domain::record::{Origin, UnitRecord};
use orderly_domain::stored::Stored as _;
use orderly_domain::verdict::Verdict;
use orderly_store::{
    Disk, List, Options, Ordinal, Posting, PostingChange, SledDisk, UnitBuilder, View,
};
use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

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

/// Reads the store of a stopped processor, and writes a unit behind the back of its core.
fn write(path: &Path, fill: impl FnOnce(&View, &mut UnitBuilder)) {
    let disk: Arc<dyn Disk> = Arc::new(SledDisk::open(path, 16 << 20).expect("opens"));
    let opened = orderly_store::open(&disk, &Options::new(tables::SCHEMA));
    let mut opened = opened.expect("a store");
    let mut builder = opened.view.begin(0);
    fill(&opened.view, &mut builder);
    let record = UnitRecord {
        origin: Origin::Upgrade,
        trace: None,
        order: None,
        verdict: Verdict::Applied,
        reason: None,
        detail: None,
        original: None,
        events: Vec::new(),
        ignored: None,
        operator: None,
        parked: None,
    };
    let mut body = Vec::new();
    record.write(&mut body).expect("encodes");
    let unit = builder.seal(0, &body);
    opened.view.seal(Arc::clone(&unit));
    opened.log.commit(&[unit]).expect("commits");
    drop((opened, disk));
    SledDisk::wait_until_closed(path).expect("is closed");
}

/// The places of entities in lists.
fn places(view: &View) -> Vec<Posting> {
    let first = Posting { list: List(0), rank: i64::MIN, ordinal: Ordinal(0) };
    let mut all = view.reader().postings().scan(first, usize::MAX).expect("reads");
    all.retain(|posting| posting.list.0 >> 63 == 0); // the others are of units
    all
}

/// Leaves the store as a build without lists would have: neither of orders, nor of the parked messages of an order.
fn without_lists(view: &View, builder: &mut UnitBuilder) {
    for posting in places(view) {
        builder.post(posting, PostingChange::Removed);
    }
    builder.remove(tables::ORDERS, Ordinal(0), ParkedOfOrder::PART);
    for ordinal in (0..view.next_ordinal(tables::PARKED).0).map(Ordinal) {
        // one is the marker of the quarantine
        let Some(about) = parked::read(view, ordinal).expect("reads") else { continue };
        let about = Parked { order_id: None, link: None, ..about };
        let put = |out: &mut Vec<u8>| about.write(out);
        builder.put_with(tables::PARKED, ordinal, parked::ABOUT, put).expect("encodes");
    }
    builder.count(counters::LISTS_BUILT, -1);
    builder.count(counters::PARKED_LINKED, -1);
    builder.count(counters::UPGRADED, -counters::UP_TO_DATE);
}

/// More than one step takes to bring them up to date.
const ORDERS: u64 = 520;
/// See [`ORDERS`].
const PARKED: u64 = 130;

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_are_wrong_are_told_and_a_large_store_without_lists_gets_them_at_the_start() {
    let (url, namespace) = (shared_url(), namespace("lists"));
    let mut processor = Processor::new(&url, &namespace).with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let mut commands = vec![stock("tea", 1_000)];
    commands.extend((0..ORDERS).map(|n| place(&format!("o-{n}"), &[("tea", 1, 100)])));
    let broken = json!({"order_id": "o-0", "amount": 5.0});
    commands.extend(
        (0..PARKED).map(|n| Sent::new("payment.callback", &format!("broken-{n}"), &broken)),
    );
    producer.publish(&commands).await;
    processor.wait(|processor| {
        processor.metric("orderly_commands_total{", "") > commands.len() as f64 - 0.5
    });
    assert_eq!(processor.stop().code(), Some(0));
    let path = processor.store();

    // Given an order that is missing in one list
    write(&path, |view, builder| builder.post(places(view)[0], PostingChange::Removed));
    let output = store("verify", &path);
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((output.status.code(), &told["balanced"]), (Some(1), &json!(false)), "{told}");
    let [violation] = &told["violations"].as_array().expect("texts")[..] else { panic!("{told}") };
    assert!(violation.as_str().expect("a text").contains("is not, and should be, in list"));

    // And no lists at all, since an earlier build wrote the store: that is no violation
    write(&path, without_lists);
    assert_eq!(processor.verify()["balanced"], true);

    // When a processor has started on it
    processor.start();

    // Then everything is in its lists
    let mut found = 0;
    let mut next = Some(String::new());
    while let Some(after) = next {
        let query = format!("/api/orders?status=awaiting_payment&limit=500{after}");
        let page = processor.get(&query).expect("a list");
        found += page["items"].as_array().expect("a list").len();
        next = page["next"].as_str().map(|next| format!("&after={next}"));
    }
    assert_eq!(found as u64, ORDERS);
    assert_eq!(processor.get("/api/orders/o-0").expect("an order")["parked"], PARKED);
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["balanced"], true);
    // and the next start has nothing to do
    write(&path, |view, _| {
        assert!(counters::lists_are_built(view) && counters::parked_are_linked(view));
        assert_eq!(counters::to_upgrade(view), 0);
    });
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
