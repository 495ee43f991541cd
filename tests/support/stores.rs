//! `orderly store` beside a processor, and a store in which there is some of everything.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use crate::processor::Processor;
use crate::producer::{Producer, Sent, captured, place, stock};
use crate::rabbit::{namespace, shared_url};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs `orderly store` beside a processor, with the configuration of the processor.
pub(crate) fn store(processor: &Processor, arguments: &[&str]) -> Output {
    let bind = format!("127.0.0.1:{}", processor.port());
    let arguments = [&["store"], arguments].concat();
    let mut command = processor.command(&arguments);
    command.env("ORDERLY_ADMIN__BIND", bind).output().expect("orderly runs")
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The JSON of a command that did what it was asked to do, and said nothing else.
pub(crate) fn done(output: &Output) -> Value {
    assert!(output.status.success(), "{}", said(output));
    assert_eq!(said(output), "", "no progress where there is no terminal");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("a number: {value}"))
}

pub(crate) fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status().expect("cp runs");
    assert!(status.success());
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// Everything in a store, as its export has it, in an order of its own: without the incarnation, the format, and when it was
/// exported.
pub(crate) fn contents(processor: &Processor, path: &Path) -> Vec<Value> {
    let output = store(processor, &["export", "--store", text(path)]);
    assert!(output.status.success(), "{}", said(&output));
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let mut lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.pop().expect("the last line")["kind"], "end");
    for key in ["exported_at", "incarnation", "format", "orderly"] {
        lines[0].as_object_mut().expect("an object").remove(key).expect("it is there");
    }
    for key in ["incarnation", "later_incarnations", "format"] {
        lines[0]["stored"].as_object_mut().expect("an object").remove(key).expect("it is there");
    }
    lines[1..].sort_by_cached_key(Value::to_string);
    lines
}

/// Unpacks an archive into a folder.
pub(crate) fn unpack(archive: &Path, into: &Path) {
    let status = Command::new("tar").args(["-C", text(into), "-xzf", text(archive)]).status();
    assert!(status.expect("tar runs").success());
}

/// The archives of stores of earlier builds.
pub(crate) fn released() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/released");
    let archives = files(&folder).into_iter();
    archives.filter(|path| path.extension().is_some_and(|extension| extension == "gz")).collect()
}

/// The commands of a number of orders: each is placed and paid, and every third one is amended afterwards.
pub(crate) fn story(numbers: std::ops::Range<u32>) -> Vec<Sent> {
    let of_order = |number: u32| {
        let order = format!("o-{number:05}");
        let mut all =
            vec![place(&order, &[("tea", 1, 500), ("milk", 2, 250)]), captured(&order, 1000)];
        if number.is_multiple_of(3) {
            let data = json!({"order_id": order, "customer": {"id": format!("u-{number}")}});
            all.push(Sent::new("order.amend", &format!("amend-{order}"), &data));
        }
        all
    };
    numbers.flat_map(of_order).collect()
}

/// The answers of the API about everything in the story.
pub(crate) fn answers(processor: &Processor, orders: u32) -> Map<String, Value> {
    let mut paths: Vec<_> = ["/api/stock", "/api/parked", "/api/audit"].map(String::from).into();
    for number in 0..orders {
        let order = format!("o-{number:05}");
        paths.push(format!("/api/orders/{order}"));
        paths.push(format!("/api/orders/{order}/timeline"));
        paths.push(format!("/api/notifications?order_id={order}"));
    }
    let answer = |path: String| {
        let answer = processor.get(&path).unwrap_or_else(|| panic!("{path} is answered"));
        (path, answer)
    };
    paths.into_iter().map(answer).collect()
}

/// A stopped processor with a store in which there is some of everything, and the answers about it.
pub(crate) async fn stopped(name: &str) -> (Processor, Map<String, Value>) {
    const ORDERS: u32 = 30;
    let (url, namespace) = (shared_url(), namespace(name));
    let mut processor = Processor::new(&url, &namespace);
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    producer.bind("notifications", "#").await;
    let large = vec![b'x'; 300_000];
    producer.publish(&[stock("tea", 1_000), stock("milk", 1_000)]).await;
    producer.publish(&story(0..ORDERS)).await;
    producer.publish(&[Sent::raw("order.place", "large", large)]).await;
    processor.wait(|processor| {
        let delivered = processor.metric("orderly_notifications_total{", "outcome=\"delivered\"");
        processor.metric("orderly_parked{", "") > 0.5
            && delivered > f64::from(ORDERS) - 0.5
            && processor.metric("orderly_outbox_pending", "") < 0.5
    });
    // outcomes of deliveries come in batches of their own
    processor.wait(|processor| {
        let pending = processor.get("/api/notifications?status=pending").expect("a list");
        pending["items"] == json!([])
    });
    let answers = answers(&processor, ORDERS);
    assert_eq!(processor.stop().code(), Some(0));
    (processor, answers)
}
