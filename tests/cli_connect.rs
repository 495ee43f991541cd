//! `orderly check --connect` and `orderly dead list` beside a real RabbitMQ.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent};
use rabbit::{namespace, shared_url};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

/// Runs `orderly`. Returns its exit code, standard output and standard error.
fn run(processor: &Processor, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = processor.command(arguments).output().expect("orderly runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The outcome of `check --connect`: its exit code, and what it says of `broker`, `topology`, `store` and `webhook`.
fn connect(processor: &Processor) -> (Option<i32>, [String; 4]) {
    let (code, _, said) = run(processor, &["check", "--connect"]);
    let of = |what: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(&format!("{what}: ")));
        line.unwrap_or_else(|| panic!("{what} is missing in: {said}")).to_owned()
    };
    (code, ["broker", "topology", "store", "webhook"].map(of))
}

/// An endpoint that answers every request with this status.
fn endpoint(status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hook?key=hidden", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 4096];
            let read = stream.read(&mut request).expect("a request");
            assert!(request[..read].starts_with(b"HEAD "), "no notification is sent");
            let answer = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).expect("an answer");
        }
    });
    url
}

#[test]
fn all_that_serve_needs_is_tried_and_nothing_is_changed() {
    let (url, namespace) = (shared_url(), namespace("connect"));
    let mut processor = Processor::new(&url, &namespace)
        .with("RUST_LOG", "off")
        .with("ORDERLY_NOTIFICATIONS__CHANNELS", "[\"amqp\", \"webhook\"]")
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__URL", &endpoint(405))
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__SECRET", "0123456789abcdef0123456789abcdef");

    // Given nothing yet, when it is tried twice, then it says so twice: nothing was declared or made
    for _ in 0..2 {
        let (code, [broker, topology, store, webhook]) = connect(&processor);
        assert_eq!(code, Some(0), "{broker}, {topology}, {store}, {webhook}");
        assert!(broker.starts_with("ok, connected to amqp://"), "{broker}");
        assert!(topology.contains("will declare what is missing: "), "{topology}");
        assert!(topology.contains(&format!("{namespace}.commands")), "{topology}");
        assert!(store.contains("`orderly serve` makes it"), "{store}");
        assert!(webhook.starts_with("ok, ") && webhook.contains("405"), "{webhook}");
        assert!(!webhook.contains("hidden"), "{webhook}");
    }

    // Given a processor that verifies only, when something is missing, then that is a failure
    let verifying = Processor::new(&url, &namespace).with("ORDERLY_BROKER__TOPOLOGY", "verify");
    let (code, [_, topology, ..]) = connect(&verifying);
    assert_eq!(code, Some(1));
    assert!(topology.starts_with("FAILED: missing, and broker.topology"), "{topology}");

    // Given a processor that runs, then its queues are there, and its store is in use
    processor.start();
    let (code, [_, topology, store, _]) = connect(&processor);
    assert_eq!(topology, "ok, every exchange and queue is there");
    assert_eq!(code, Some(74), "{store}");
    assert!(store.starts_with("FAILED: ") && store.contains("in use"), "{store}");
    assert_eq!(processor.stop().code(), Some(0));

    // Given that it has ended, then the store can be read
    let (code, [_, _, store, _]) = connect(&processor);
    assert_eq!(code, Some(0));
    assert!(store.starts_with("ok, ") && store.contains("has format"), "{store}");

    // Given nobody at the other end, then each says why
    let processor = processor
        .with("ORDERLY_BROKER__URL", "amqp://guest:guest@127.0.0.1:9/%2f")
        .with("ORDERLY_NOTIFICATIONS__WEBHOOK__URL", "http://127.0.0.1:9/hook?key=hidden");
    let (code, [broker, topology, store, webhook]) = connect(&processor);
    assert_eq!(code, Some(1));
    assert!(broker.starts_with("FAILED: ") && broker.contains("refused"), "{broker}");
    assert!(topology.starts_with("FAILED: not tried"), "{topology}");
    assert!(store.starts_with("ok, "), "{store}");
    assert!(webhook.starts_with("FAILED: ") && webhook.contains("refused"), "{webhook}");
    assert!(!webhook.contains("hidden"), "{webhook}");
}

#[test]
fn what_a_cluster_needs_is_tried() {
    let (url, namespace) = (shared_url(), namespace("connect-cluster"));
    let mut member = Processor::new(&url, &namespace)
        .with("RUST_LOG", "off")
        .with("ORDERLY_CLUSTER__MODE", "standby")
        .with("ORDERLY_CLUSTER__RETENTION", "64MiB");
    let said = |member: &Processor| {
        let (code, _, said) = run(member, &["check", "--connect"]);
        let lines = said.lines().filter_map(|line| line.split_once(": "));
        let of = |what: &str| {
            let lines = lines.clone().filter(|(name, _)| *name == what);
            lines.map(|(_, told)| told.to_owned()).collect::<Vec<_>>()
        };
        (code, of("node"), of("nodes"), of("journal"))
    };

    // Given no journal yet, then that is said, and none is made
    for _ in 0..2 {
        let (code, node, nodes, journal) = said(&member);
        assert_eq!((code, node.len()), (Some(0), 1), "{node:?}");
        assert!(node[0].contains(" is RabbitMQ "), "{node:?}");
        assert!(nodes[0].contains("net_ticktime"), "{nodes:?}");
        assert!(journal[0].starts_with("ok, there is no stream"), "{journal:?}");
    }

    // Given a member that has made it, then it is as configured, and another configuration differs
    member.spawn();
    member.wait(|member| {
        member.get("/api/cluster").is_some_and(|cluster| cluster["role"] == "owner")
    });
    let (_, _, _, journal) = said(&member);
    assert!(journal[0].starts_with("ok, ") && journal[0].ends_with("as configured"), "{journal:?}");
    assert_eq!(member.stop().code(), Some(0));
    let member = member.with("ORDERLY_CLUSTER__RETENTION", "1GiB");
    let (code, _, _, journal) = said(&member);
    assert_eq!(code, Some(0), "{journal:?}");
    assert!(journal[0].starts_with("warning: the stream"), "{journal:?}");
    assert!(journal[0].contains("x-max-length-bytes"), "{journal:?}");

    // Given one node of several that does not answer, then that one is named
    let two = format!("[\"{url}\", \"amqp://guest:guest@127.0.0.1:9/%2f\"]");
    let member = Processor::in_cluster(&two, &namespace)
        .with("RUST_LOG", "off")
        .with("ORDERLY_CLUSTER__MODE", "standby");
    let (code, node, ..) = said(&member);
    assert_eq!(code, Some(1));
    assert!(node[0].contains(" is RabbitMQ "), "{node:?}");
    assert!(node[1].starts_with("FAILED: 127.0.0.1:9: "), "{node:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_a_line_each() {
    let (url, namespace) = (shared_url(), namespace("dead-list"));
    let mut processor = Processor::new(&url, &namespace)
        .with("ORDERLY_PARKED__MAX_COUNT", "1")
        .with("RUST_LOG", "off");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let note = "line one\nline two ".repeat(40);
    let long = json!({"sku": "tea", "wrong": note});
    let short = json!({"sku": "tea", "wrong": 1});
    // there is room for one parked message: the others are dead-lettered
    let ids = ["parked", "long", "short"];
    let datas = [&short, &long, &short];
    let commands: Vec<_> =
        ids.iter().zip(datas).map(|(id, data)| Sent::new("stock.set", id, data)).collect();
    producer.publish(&commands).await;
    processor.wait(|processor| processor.metric("orderly_dead_lettered_total", "") > 1.5);

    let list = |arguments: &[&str]| -> Vec<Value> {
        let (code, text, said) = run(&processor, arguments);
        assert_eq!(code, Some(0), "{said}");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    };
    let text = |lines: &[Value], id: &str| {
        let line = lines.iter().find(|line| line["id"] == id).expect("a line of each");
        assert_eq!((&line["reason"], &line["type"]), (&json!("validation"), &json!("stock.set")));
        line["text"].as_str().expect("a text").to_owned()
    };
    let lines = list(&["dead", "list"]);
    assert_eq!(lines.len(), 2);
    assert_eq!(text(&lines, "short"), short.to_string());
    let cut: String = long.to_string().chars().take(200).collect();
    assert_eq!(text(&lines, "long"), format!("{cut}…"));
    let whole = list(&["dead", "list", "--whole"]);
    assert_eq!(text(&whole, "long"), long.to_string());
    assert_eq!(list(&["dead", "list", "--limit", "1"]).len(), 1);
    assert_eq!(processor.stop().code(), Some(0));
}
