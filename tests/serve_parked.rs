//! Parked messages over HTTP: found from their order, tried, corrected, replayed and dismissed, with a real RabbitMQ and a real
//! process that may die.

#[path = "support/http.rs"]
mod http;
#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use http::{Answer, ask_with};
use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::{Value, json};
use std::time::Duration;

fn processor(url: &str, namespace: &str) -> Processor {
    let mut processor = Processor::new(url, namespace).with("RUST_LOG", "off");
    processor.start();
    processor
}

/// A request of somebody called anna.
fn ask(processor: &Processor, method: &str, path: &str, body: &str) -> Answer {
    let headers = [("x-operator", "anna"), ("content-type", "application/json")];
    ask_with(processor.address(), method, path, &headers, body)
}

fn items(processor: &Processor, path: &str) -> Vec<Value> {
    processor.get(path).expect("a list")["items"].as_array().expect("items").clone()
}

fn wait_for_parked(processor: &mut Processor, number: usize) {
    processor.wait(|processor| items(processor, "/api/parked?limit=500").len() == number);
}

/// The `kind` and the verdict of each item of a timeline that anna caused.
fn of_anna(processor: &Processor, order: &str) -> Vec<String> {
    let timeline = processor.get(&format!("/api/orders/{order}/timeline")).expect("a timeline");
    let items = timeline.as_array().expect("a list").iter();
    let of_anna = items.filter(|item| item["operator"] == "anna");
    let text = |item: &Value, name: &str| item[name].as_str().expect("a text").to_owned();
    of_anna.map(|item| format!("{} {}", text(item, "kind"), text(item, "verdict"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_callback_is_found_corrected_and_replayed_with_http_alone() {
    let (url, namespace) = (shared_url(), namespace("replay"));
    let mut processor = processor(&url, &namespace);
    let producer = Producer::new(&url, &namespace).await;
    let events = producer.bind("events", "order.paid").await;
    let right: Value = serde_json::from_slice(&captured("o-1", 700).body).expect("JSON");
    let mut poisoned = right.clone();
    poisoned["amount"] = json!(700.5);
    let poisoned = Sent::new("payment.callback", "poisoned", &poisoned);
    let orders =
        [stock("tea", 5), place("o-1", &[("tea", 1, 700)]), place("o-2", &[("tea", 1, 1)])];
    producer.publish(&orders).await;
    producer.publish(&[poisoned, Sent::new("stock.set", "bad", &json!({}))]).await;
    wait_for_parked(&mut processor, 2);

    // Given only the order, the message is found, and what is wrong with it
    assert_eq!(processor.get("/api/orders/o-1").expect("an order")["parked"], 1);
    let timeline = processor.get("/api/orders/o-1/timeline").expect("a timeline");
    let parked = timeline.as_array().expect("a list").last().expect("an item");
    assert_eq!(parked["kind"], "command.parked", "{timeline}");
    let found = items(&processor, "/api/parked?order_id=o-1");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0]["detail"].to_string().contains("700.5"), "{found:?}");
    for (filter, number) in [
        ("order_id=o-2", 0),
        ("type=stock.set", 1),
        ("type=stock.set&order_id=o-1", 0),
        ("reason=validation", 2),
        ("reason=deadline", 0),
        ("source=producer", 0),
    ] {
        let found = items(&processor, &format!("/api/parked?{filter}"));
        assert_eq!(found.len(), number, "{filter}: {found:?}");
    }
    let path = format!("/api/parked/{}", found[0]["id"].as_str().expect("an id"));
    let replay = format!("{path}/replay");

    // When it is replayed as it is, then it stays, with one more attempt
    let answer = ask(&processor, "POST", &replay, "");
    assert_eq!((answer.status, &answer.json()["verdict"]), (200, &json!("invalid")), "{answer:?}");
    assert_eq!(processor.get(&path).expect("it is parked")["attempts"], 2);
    assert_eq!(processor.get("/api/orders/o-1").expect("an order")["status"], "awaiting_payment");

    // When the corrected data are tried, then the answer says what would be, and nothing is
    let edit = json!({ "data": right }).to_string();
    for _ in 0..2 {
        let answer = ask(&processor, "POST", &format!("{replay}?dry_run=true"), &edit).json();
        assert_eq!((&answer["verdict"], &answer["order_id"]), (&json!("applied"), &json!("o-1")));
        let types = answer["events"].as_array().expect("events");
        assert!(types.contains(&json!("order.paid")), "{answer}");
        assert_eq!(
            processor.get("/api/orders/o-1").expect("an order")["status"],
            "awaiting_payment"
        );
    }
    assert_eq!(processor.get(&path).expect("it is parked")["attempts"], 2);
    assert!(producer.try_take(&events).await.is_none());

    // When they are replayed, then the order is paid, the message is gone, and its timeline says who did it
    let answer = ask(&processor, "POST", &replay, &edit);
    let verdict = answer.json();
    assert_eq!((answer.status, &verdict["verdict"]), (200, &json!("applied")), "{answer:?}");
    assert_eq!(processor.get("/api/orders/o-1").expect("an order")["status"], "paid");
    assert_eq!(processor.get("/api/orders/o-1").expect("an order")["parked"], 0);
    assert_eq!(items(&processor, "/api/parked?order_id=o-1"), [] as [Value; 0]);
    let gone = ask(&processor, "GET", &path, "").problem(404);
    assert!(gone["detail"].to_string().contains("replayed"), "{gone}");
    assert_eq!(
        of_anna(&processor, "o-1"),
        ["payment.callback invalid", "payment.callback applied"]
    );
    assert_eq!(producer.take(&events).await.body["subject"], "o-1");

    // and asking again gives the verdict again, also after a restart, while the callback itself is a duplicate
    assert_eq!(processor.stop().code(), Some(0));
    processor.start();
    assert_eq!(ask(&processor, "POST", &replay, &edit).json(), verdict);
    assert_eq!(ask(&processor, "POST", &replay, "").json(), verdict);
    let mut other = right.clone();
    other["amount"] = json!(900);
    for (data, kind) in
        [(&other, "payment.callback"), (&json!({}), "payment.callback"), (&right, "order.cancel")]
    {
        let edit = json!({"data": data, "type": kind}).to_string();
        let told = ask(&processor, "POST", &replay, &edit).problem(409);
        assert!(told["detail"].to_string().contains("with other data"), "{told}");
    }
    assert_eq!(ask(&processor, "DELETE", &path, "").status, 404);
    producer.publish(&[Sent::new("payment.callback", "again", &right)]).await;
    let duplicate = "verdict=\"duplicate\"";
    processor.wait(|processor| processor.metric("orderly_commands_total{", duplicate) > 0.5);
    assert_eq!(processor.get("/api/orders/o-1").expect("an order")["paid"], 700);
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["balanced"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_are_replayed_and_dismissed_by_filter_once_their_number_is_confirmed() {
    let (url, namespace) = (shared_url(), namespace("bulk"));
    let mut processor = processor(&url, &namespace);
    let producer = Producer::new(&url, &namespace).await;
    let late = |number: usize| {
        let data = json!({"sku": format!("s-{number}"), "on_hand": 1});
        Sent::new("stock.set", &format!("late-{number}"), &data).with_deadline(1)
    };
    let bad =
        |number: usize| Sent::new("stock.set", &format!("bad-{number}"), &json!({"wrong": number}));
    let unknown = Sent::new("stock.sett", "unknown", &json!({"sku": "tea", "on_hand": 3}));
    producer.publish(&(0..300).map(late).collect::<Vec<_>>()).await;
    producer.publish(&(0..5).map(bad).collect::<Vec<_>>()).await;
    producer.publish(&[unknown]).await;
    wait_for_parked(&mut processor, 306);

    // Given no number, or a wrong one, then nothing happens, and the answer has the number
    for (method, path) in [
        ("POST", "/api/parked/replay?reason=deadline"),
        ("POST", "/api/parked/replay?reason=deadline&count=299"),
        ("DELETE", "/api/parked?reason=deadline"),
        ("DELETE", "/api/parked?reason=deadline&count=301"),
    ] {
        assert_eq!(ask(&processor, method, path, "").problem(409)["count"], 300, "{method} {path}");
    }
    // Given data, which many messages cannot have, then nothing happens
    for (method, path) in [
        ("POST", "/api/parked/replay?reason=deadline&count=300"),
        ("POST", "/api/parked/replay?dry_run=true"),
        ("DELETE", "/api/parked?reason=deadline&count=300"),
    ] {
        let refused = ask(&processor, method, path, r#"{"data":{"sku":"tea"}}"#).problem(422);
        let said = refused["detail"].as_str().expect("a detail");
        assert!(said.contains("takes no body"), "{method} {path}: {said}");
    }
    // a dry run changes nothing, and needs none
    let tried = ask(&processor, "POST", "/api/parked/replay?dry_run=true", "").json();
    let wanted = json!({
        "replayed": 306, "verdicts": {"applied": 300, "invalid": 6}, "still_parked": 6,
    });
    assert_eq!(tried, wanted);
    assert_eq!(items(&processor, "/api/parked?limit=500").len(), 306);
    assert!(processor.get("/api/stock/s-0").is_none());

    let done = ask(&processor, "POST", "/api/parked/replay?reason=deadline&count=300", "").json();
    assert_eq!(done, json!({"replayed": 300, "verdicts": {"applied": 300}, "still_parked": 0}));
    assert_eq!(processor.get("/api/stock/s-299").expect("a sku")["on_hand"], 1);
    let gone =
        ask(&processor, "DELETE", "/api/parked?type=stock.set&reason=validation&count=5", "");
    assert_eq!(gone.json(), json!({"dismissed": 5}));
    assert_eq!(ask(&processor, "DELETE", "/api/parked?count=5", "").problem(409)["count"], 1);
    let left = items(&processor, "/api/parked");
    assert_eq!((left.len(), &left[0]["type"]), (1, &json!("stock.sett")));
    // what is misspelt dismisses nothing
    ask(&processor, "DELETE", "/api/parked?typ=stock.sett&count=1", "").problem(422);
    // where only the type was wrong, the right one is enough
    let edit = json!({"type": "stock.set"}).to_string();
    let path = format!("/api/parked/{}", left[0]["id"].as_str().expect("an id"));
    let replay = |edit: &str| ask(&processor, "POST", &format!("{path}/replay"), edit);
    let said = replay("{}").problem(422);
    assert_eq!(said["detail"], "the body must have data, a type, or both");
    for null in [json!({"data": null}), json!({"type": null}), json!({"data": {}, "type": null})] {
        replay(&null.to_string()).problem(422);
    }
    let answer = replay(&edit).json();
    assert_eq!((&answer["verdict"], &answer["type"]), (&json!("applied"), &json!("stock.set")));
    assert_eq!(processor.get("/api/stock/tea").expect("a sku")["on_hand"], 3);
    assert_eq!(replay(&edit).json(), answer, "asking once more gives the verdict once more");
    replay(&json!({"type": "stock.adjust"}).to_string()).problem(409);
    assert_eq!(processor.get("/api/audit").expect("an audit")["counts"]["parked"], 0);
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["balanced"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_not_kept_whole_needs_its_data_and_a_dismissal_shows_in_the_timeline() {
    let (url, namespace) = (shared_url(), namespace("truncated"));
    let mut processor = processor(&url, &namespace);
    let producer = Producer::new(&url, &namespace).await;
    let long = json!({"sku": "tea", "on_hand": 4, "note": "x".repeat((1 << 20) + 1)});
    producer.publish(&[stock("tea", 2), place("o-1", &[("tea", 1, 700)])]).await;
    producer.publish(&[Sent::new("stock.set", "long", &long)]).await;
    let cancel = json!({"order_id": "o-1", "reason": 7});
    producer.publish(&[Sent::new("order.cancel", "bad", &cancel)]).await;
    wait_for_parked(&mut processor, 2);
    let path = |filter: &str| {
        let found = items(&processor, &format!("/api/parked?{filter}"));
        format!("/api/parked/{}", found[0]["id"].as_str().expect("an id"))
    };

    let replay = format!("{}/replay", path("reason=too_large"));
    let told = ask(&processor, "POST", &replay, "").problem(409);
    assert!(told["detail"].to_string().contains("beginning"), "{told}");
    let all = ask(&processor, "POST", "/api/parked/replay?reason=too_large&count=1", "").json();
    assert_eq!(all, json!({"replayed": 0, "verdicts": {}, "still_parked": 1}));
    let edit = json!({"data": {"sku": "tea", "on_hand": 4}}).to_string();
    assert_eq!(ask(&processor, "POST", &replay, &edit).json()["verdict"], "applied");
    assert_eq!(processor.get("/api/stock/tea").expect("a sku")["on_hand"], 4);
    for (body, status) in [
        ("{\"data\": 7}", 422),
        ("{\"dato\": {}}", 422),
        ("{}", 422),
        ("[]", 422),
        ("{\"data\":", 400),
    ] {
        assert_eq!(ask(&processor, "POST", &replay, body).status, status, "{body}");
    }

    let bad = path("order_id=o-1");
    assert_eq!(ask(&processor, "DELETE", &bad, "").json(), json!({"dismissed": 1}));
    let gone = ask(&processor, "DELETE", &bad, "").problem(404);
    assert!(gone["detail"].to_string().contains("dismissed"), "{gone}");
    assert_eq!(ask(&processor, "POST", &format!("{bad}/replay"), "").status, 404);
    assert_eq!(of_anna(&processor, "o-1"), ["parked.dismissed applied"]);
    assert_eq!(processor.stop().code(), Some(0));
}

/// The process dies at any moment of a replay. Then the message is parked and its command was not applied, or it is gone and
/// the command was applied; and asking again ends with the command applied once.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_cut_short_is_done_or_not_done() {
    const ROUNDS: u64 = 10;
    let (url, namespace) = (shared_url(), namespace("cut-short"));
    let mut processor = processor(&url, &namespace);
    let producer = Producer::new(&url, &namespace).await;
    producer.publish(&[stock("tea", 1_000)]).await;
    let bad = json!({"sku": "tea", "delta": "one"});
    let bad = |round: u64| Sent::new("stock.adjust", &format!("bad-{round}"), &bad);
    producer.publish(&(0..ROUNDS).map(bad).collect::<Vec<_>>()).await;
    wait_for_parked(&mut processor, usize::try_from(ROUNDS).expect("is small"));
    // a message that was not acknowledged would be delivered, and parked, once more
    assert_eq!(processor.stop().code(), Some(0));
    processor.start();
    let parked = items(&processor, "/api/parked");
    let mut applied_at_once = 0;
    for (round, message) in (0..ROUNDS).zip(&parked) {
        let path = format!("/api/parked/{}", message["id"].as_str().expect("an id"));
        let (replay, edit) =
            (format!("{path}/replay"), json!({"data": {"sku": "tea", "delta": -1}}).to_string());
        let address = processor.address();
        let asking = {
            let (replay, edit) = (replay.clone(), edit.clone());
            std::thread::spawn(move || {
                // the connection may end without an answer
                let headers = [("content-type", "application/json")];
                drop(std::panic::catch_unwind(|| {
                    ask_with(address, "POST", &replay, &headers, &edit)
                }));
            })
        };
        std::thread::sleep(Duration::from_micros(400 * round));
        processor.kill();
        asking.join().expect("it ended");
        processor.start();

        let on_hand = processor.get("/api/stock/tea").expect("a sku")["on_hand"].clone();
        let is_parked = processor.get(&path).is_some();
        let before = json!(1_000 - round);
        let after = json!(999 - round);
        assert_eq!(on_hand, if is_parked { before } else { after.clone() }, "round {round}");
        applied_at_once += u64::from(!is_parked);
        let answer = ask(&processor, "POST", &replay, &edit).json();
        assert_eq!(answer["verdict"], "applied", "round {round}: {answer}");
        assert_eq!(processor.get("/api/stock/tea").expect("a sku")["on_hand"], after);
        assert!(processor.get(&path).is_none());
    }
    eprintln!("{applied_at_once} of {ROUNDS} were durable before the process died");
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["balanced"], true);
}
