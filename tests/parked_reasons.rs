//! Invalid messages through decoding and the core: each is parked with its reason and its bytes. (The tests of the core are about
//! valid commands.)

#[path = "../actors/tests/support/mod.rs"]
mod support;

use bytes::Bytes;
use orderly::decode::{CLOUD_EVENT, Decoder};
use orderly_actors::parked;
use orderly_actors::sequencer::Step;
use orderly_broker::{Attribute, HeaderValue, Message, Properties};
use orderly_domain::partition::Partitions;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::Ordinal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::{DAY, Shop};

const DECODER: Decoder = Decoder { max_command_size: 1024, partitions: Partitions::ONE };

/// The reasons that the contract allows for the verdict `invalid`.
const OF_INVALID: [Reason; 6] = [
    Reason::Malformed,
    Reason::UnknownType,
    Reason::Validation,
    Reason::TooLarge,
    Reason::Deadline,
    Reason::ExpiredIdentity,
];

fn plain(kind: &str, body: impl AsRef<[u8]>) -> Message {
    Message {
        routing_key: kind.to_owned(),
        properties: Properties {
            content_type: Some("application/json".to_owned()),
            message_id: Some("m-1".to_owned()),
            kind: Some(kind.to_owned()),
            app_id: Some("shop".to_owned()),
            ..Properties::default()
        },
        body: Bytes::copy_from_slice(body.as_ref()),
        ..Message::default()
    }
}

fn with(mut message: Message, change: impl FnOnce(&mut Properties)) -> Message {
    change(&mut message.properties);
    message
}

fn cloud_event(event: &Value) -> Message {
    let content_type = Some(CLOUD_EVENT.to_owned());
    let properties = Properties { content_type, ..Properties::default() };
    Message { properties, body: event.to_string().into(), ..Message::default() }
}

/// Invalid messages, each with its reason and a part of its detail. `now` is the time of the shop.
fn messages(now: Timestamp) -> Vec<(Message, Reason, &'static str)> {
    let good = r#"{"sku": "tea", "on_hand": 1}"#;
    let old = now.minus(31 * DAY);
    let event = json!({
        "specversion": "1.0", "id": "m-1", "source": "/shop", "type": "stock.set",
        "data": {"sku": "tea", "on_hand": 1},
    });
    let but = |field: &str, value: Value| {
        let mut event = event.clone();
        event[field] = value;
        cloud_event(&event)
    };
    vec![
        (plain("stock.set", "{\"sku\": "), Reason::Malformed, "not JSON"),
        (plain("stock.set", [0xff, 0xfe]), Reason::Malformed, "not JSON"),
        (
            with(plain("stock.set", good), |of| of.message_id = None),
            Reason::Malformed,
            "message_id",
        ),
        (
            with(plain("stock.set", good), |of| of.message_id = Some("x".repeat(256))),
            Reason::Malformed,
            "message_id",
        ),
        (but("id", Value::Null), Reason::Malformed, "id"),
        (but("specversion", json!("0.3")), Reason::Malformed, "specversion"),
        (but("data", Value::Null), Reason::Malformed, "data"),
        (plain("stock.teleport", good), Reason::UnknownType, "stock.teleport"),
        (but("type", json!("stock.teleport")), Reason::UnknownType, "stock.teleport"),
        (plain("stock.set", r#"{"sku": "tea", "on_hand": -1}"#), Reason::Validation, "on_hand"),
        (plain("stock.set", r#"{"sku": "tea", "on_hand": "1"}"#), Reason::Validation, "on_hand"),
        (plain("stock.set", r#"{"sku": "a b", "on_hand": 1}"#), Reason::Validation, "sku"),
        (but("data", json!({"sku": "tea"})), Reason::Validation, "on_hand"),
        (plain("stock.set", "x".repeat(1025)), Reason::TooLarge, "1025 bytes"),
        (
            with(plain("stock.set", good), |of| of.deadline = Some("2020-01-01T00:00:00Z".into())),
            Reason::Deadline,
            "deadline",
        ),
        (
            with(plain("stock.set", good), |of| {
                of.deadline = Some(HeaderValue::Integer(1_577_836_800));
            }),
            Reason::Deadline,
            "deadline was 2020-01-01",
        ),
        (
            with(plain("stock.set", good), |of| of.deadline = Some(HeaderValue::Other("bytes"))),
            Reason::Validation,
            "deadline",
        ),
        (
            with(plain("stock.set", good), |of| {
                of.timestamp = Some(old.micros().unsigned_abs() / 1_000);
            }),
            Reason::ExpiredIdentity,
            "its time",
        ),
        (
            with(plain("stock.set", good), |of| {
                of.cloud_event = vec![(Attribute::Id, "m-1".into())];
            }),
            Reason::Malformed,
            "cloudEvents:specversion",
        ),
        (plain("stock.set", "\u{feff}{}"), Reason::Validation, "sku: is required"),
        (
            with(plain("stock.set", good), |of| {
                of.timestamp = Some(old.micros().unsigned_abs() / 1_000_000);
            }),
            Reason::ExpiredIdentity,
            "its time",
        ),
        (but("time", json!(old)), Reason::ExpiredIdentity, "its time"),
    ]
}

#[actix::test]
async fn an_invalid_message_is_parked_with_its_bytes_and_its_reason() {
    let mut reached = BTreeSet::new();
    let now = Shop::open().sequencer.now();
    for (message, reason, words) in messages(now) {
        let mut shop = Shop::open();

        let Step::Sealed(sealed) = shop.step(&DECODER.decode(&message)).await else {
            panic!("it comes to an end");
        };
        let entry = shop.keep(*sealed).await;

        let record = &entry.record;
        assert_eq!((record.verdict, record.reason), (Verdict::Invalid, Some(reason)));
        let view = shop.sequencer.view().borrow();
        let about = parked::read(&view, Ordinal(0)).expect("reads").expect("it is parked");
        assert_eq!((about.reason, about.truncated), (reason, false));
        let body = parked::body(&view, Ordinal(0)).expect("reads");
        assert_eq!(body, Some(message.body), "{reason}");
        let detail = serde_json::to_string(&about.detail).expect("is JSON");
        assert!(detail.contains(words), "{reason}: {detail} does not say {words:?}");
        reached.insert(reason);
    }
    assert_eq!(reached, BTreeSet::from(OF_INVALID));
}

#[actix::test]
async fn a_message_of_the_largest_size_is_valid() {
    let mut shop = Shop::open();
    let mut body = r#"{"sku": "tea", "on_hand": 1}"#.to_owned();
    body.extend(std::iter::repeat_n(' ', 1024 - body.len()));
    let Step::Sealed(sealed) = shop.step(&DECODER.decode(&plain("stock.set", &body))).await else {
        panic!("it comes to an end");
    };
    assert_eq!(shop.keep(*sealed).await.record.verdict, Verdict::Applied);
    assert_eq!(shop.stock("tea"), (1, 0));
}
