//! `orderly parked` beside a running process, and `orderly dead` with filters.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::{Value, json};
use std::time::Duration;

/// Runs `orderly` with the configuration of a process. Returns its exit code, standard output as lines of JSON, and standard
/// error.
fn run(
    processor: &Processor,
    arguments: &[&str],
    token: &str,
) -> (Option<i32>, Vec<Value>, String) {
    let output = processor
        .command(arguments)
        .env("ORDERLY_ADMIN__BIND", processor.address().to_string())
        .env("ORDERLY_ADMIN__TOKEN", token)
        .env("USER", "anna")
        .output()
        .expect("orderly runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let lines = text(output.stdout);
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| Value::String(line.to_owned())));
    (output.status.code(), lines.collect(), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_messages_are_listed_corrected_replayed_and_dismissed_at_the_command_line() {
    const TOKEN: &str = "0123456789abcdef";
    let (url, namespace) = (shared_url(), namespace("cli-parked"));
    let mut processor = Processor::new(&url, &namespace)
        .with("RUST_LOG", "off")
        .with("ORDERLY_ADMIN__TOKEN", TOKEN);
    processor.start();
    let ask = |arguments: &[&str]| run(&processor, arguments, TOKEN);
    let producer = Producer::new(&url, &namespace).await;
    let mut poisoned: Value = serde_json::from_slice(&captured("o-1", 700).body).expect("JSON");
    poisoned["amount"] = json!(700.5);
    producer.publish(&[stock("tea", 5), place("o-1", &[("tea", 1, 700)])]).await;
    producer.publish(&[Sent::new("payment.callback", "bad-1", &poisoned)]).await;
    let bad = |id| Sent::new("stock.set", id, &json!({"sku": "tea"}));
    producer.publish(&[bad("bad-2"), bad("bad-3")]).await;
    let mut parked = Vec::new();
    for _ in 0..500 {
        parked = ask(&["parked", "list"]).1;
        if parked.len() == 3 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(parked.len(), 3, "{parked:?}");
    assert_eq!(ask(&["parked", "list", "--limit", "2"]).1, parked[..2]);

    // one message: found by its order, tried, corrected
    let (code, found, _) = ask(&["parked", "list", "--order-id", "o-1"]);
    assert_eq!((code, found.len()), (Some(0), 1));
    let id = found[0]["id"].as_str().expect("an id");
    let (code, verdict, _) = ask(&["parked", "replay", id]);
    assert_eq!((code, &verdict[0]["verdict"]), (Some(1), &json!("invalid")), "it is parked still");
    let (code, shown, _) = ask(&["parked", "show", id]);
    assert_eq!((code, &shown[0]["reason"]), (Some(0), &json!("validation")));
    let (code, body, _) = ask(&["parked", "show", id, "--body"]);
    assert_eq!((code, &body), (Some(0), &vec![poisoned.clone()]), "what the producer sent");
    let file = processor.directory.path().join("data.json");
    let mut corrected = body[0].clone();
    corrected["amount"] = json!(700);
    std::fs::write(&file, corrected.to_string()).expect("a file");
    let edit = ["parked", "replay", id, "--data", file.to_str().expect("UTF-8")];
    let (code, verdict, _) = ask(&[&edit[..], &["--dry-run"]].concat());
    assert_eq!((code, &verdict[0]["verdict"]), (Some(0), &json!("applied")));
    assert_eq!(ask(&["parked", "list"]).1.len(), 3, "nothing was done");
    let (code, verdict, said) = ask(&edit);
    assert_eq!((code, &verdict[0]["verdict"]), (Some(0), &json!("applied")), "{said}");

    assert_eq!(ask(&["parked", "list", "--order-id", "o-1"]).1, [] as [Value; 0]);
    let (code, _, said) = ask(&["parked", "show", id]);
    assert!(code == Some(1) && said.contains("it was replayed at"), "{said}");
    let (_, again, _) = ask(&edit);
    assert_eq!(again, verdict, "asking once more gives the verdict once more");

    // many: their number is confirmed first
    let dismiss = ["parked", "dismiss", "--type", "stock.set"];
    let (code, none, said) = ask(&dismiss);
    assert_eq!((code, none.len()), (Some(1), 0));
    assert!(said.contains("there are 2 such messages: confirm that with --count 2"), "{said}");
    let (code, done, _) = ask(&[&dismiss[..], &["--count", "2"]].concat());
    assert_eq!((code, done), (Some(0), vec![json!({"dismissed": 2})]));
    assert_eq!(ask(&["parked", "list"]).1, [] as [Value; 0]);

    // where only the type was wrong, the right one is enough
    let typo = Sent::new("stock.sett", "typo", &json!({"sku": "tea", "on_hand": 9}));
    producer.publish(&[typo]).await;
    let mut parked = Vec::new();
    for _ in 0..500 {
        parked = ask(&["parked", "list"]).1;
        if !parked.is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let typo = parked[0]["id"].as_str().expect("an id");
    let (code, verdict, said) = ask(&["parked", "replay", typo, "--as-type", "stock.set"]);
    assert_eq!((code, &verdict[0]["verdict"]), (Some(0), &json!("applied")), "{said}");

    // what is wrong is said
    for (arguments, code, what) in [
        (&["parked", "list", "--reason", "late"][..], 1, "there is no \"late\"; there are"),
        (&["parked", "dismiss", "p-1", "--count", "1"], 2, "cannot be used with"),
        (&["parked", "replay", "--data", "x"], 2, "required"),
        // data for many would be ignored
        (&["parked", "replay", "--order-id", "o-1", "--data", "x"], 2, "cannot be used with"),
        (&["parked", "replay", "--count", "1", "--data", "x"], 2, "cannot be used with"),
        (&["parked", "replay", "--count", "1", "--as-type", "x"], 2, "cannot be used with"),
        (&["parked", "replay", "p-99"], 1, "there is no parked message of that id"),
        (&["parked", "replay", id, "--data", "/nowhere"], 1, "cannot read /nowhere"),
        (&["parked", "list", "--url", "http://127.0.0.1:9"], 1, "is `orderly serve` running?"),
        (&["parked", "list", "--url", "nonsense"], 1, "--url"),
    ] {
        let (found, _, said) = ask(arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(what), "{arguments:?}: {said}");
    }
    let (code, _, said) = run(&processor, &["parked", "list"], "fedcba9876543210");
    assert!(code == Some(1) && said.contains("the bearer token is wrong"), "{said}");
    assert_eq!(processor.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_replayed_and_dismissed_by_filter() {
    let (url, namespace) = (shared_url(), namespace("cli-dead"));
    let mut processor = Processor::new(&url, &namespace)
        .with("ORDERLY_PARKED__MAX_COUNT", "1")
        .with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let first = Sent::new("stock.set", "parked", &json!({}));
    let late = |number: i64| {
        let data = json!({"sku": format!("s-{number}"), "on_hand": 1});
        Sent::new("stock.set", &format!("late-{number}"), &data).with_deadline(1)
    };
    let bad =
        |order: &str| Sent::new("order.cancel", order, &json!({"order_id": order, "reason": 1}));
    producer.publish(&[first]).await;
    producer.publish(&[late(1), late(2), bad("o-1"), bad("o-2"), bad("o-3")]).await;
    processor.wait(|processor| processor.metric("orderly_dead_lettered_total", "") > 4.5);
    let ask = |arguments: &[&str]| run(&processor, arguments, "");
    for (filter, number) in [
        (&[][..], 5),
        (&["--reason", "deadline"], 2),
        (&["--type", "order.cancel"], 3),
        (&["--order-id", "o-2"], 1),
        (&["--order-id", "o-2", "--type", "stock.set"], 0),
        (&["--source", "test", "--limit", "4"], 4),
        (&["--source", "nobody"], 0),
    ] {
        let (code, lines, said) = ask(&[&["dead", "list"][..], filter].concat());
        assert_eq!((code, lines.len()), (Some(0), number), "{filter:?}: {said}");
    }

    // dismissed once the number is confirmed
    let dismiss = ["dead", "dismiss", "--type", "order.cancel"];
    for wrong in [&[][..], &["--count", "2"]] {
        let (code, _, said) = ask(&[&dismiss[..], wrong].concat());
        assert!(code == Some(1) && said.contains("there are 3 such dead letters"), "{said}");
    }
    let (code, lines, _) = ask(&[&dismiss[..], &["--count", "3"]].concat());
    assert_eq!((code, &lines[0]), (Some(0), &json!("3 dismissed")));
    // the broker puts the others back when it has closed the connection that looked at them
    let queue = format!("{namespace}.dead");
    for _ in 0..100 {
        if producer.depth(&queue).await == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(producer.depth(&queue).await, 2);

    // replayed: only those that are meant, and those that come again meanwhile are left
    let (code, lines, _) = ask(&["dead", "replay", "--order-id", "o-1"]);
    assert_eq!((code, &lines[0]), (Some(0), &json!("0 published back, 0 left")));
    let (code, lines, _) = ask(&["dead", "replay", "--reason", "deadline"]);
    assert_eq!((code, &lines[0]), (Some(0), &json!("2 published back, 0 left")));
    processor.wait(|processor| processor.metric("orderly_dead_lettered_total", "") > 6.5);
    assert_eq!(processor.stop().code(), Some(0));
}
