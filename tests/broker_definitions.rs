//! `deploy/rabbitmq/definitions.json` beside a real `RabbitMQ`: it is what orderly declares, and all that
//! `broker.topology = "verify"` needs. The users and permissions of docs/operations.md are enough, and are no more than that.
//!
//! With `ORDERLY_TEST_WRITE_DEFINITIONS=1` the file is written anew, as orderly declares it.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{Node, exclusive_node, runtime};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The virtual host and the namespace of the file.
const NAME: &str = "orderly";

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/rabbitmq/definitions.json")
}

fn definitions() -> Value {
    let text = std::fs::read_to_string(file()).expect("it is there");
    serde_json::from_str(&text).expect("JSON")
}

/// Imports definitions as docs/operations.md says.
fn import(node: &Node, definitions: &Value) {
    let copy = node.directory().join("definitions.json");
    std::fs::write(&copy, definitions.to_string()).expect("it is written");
    node.ctl(&["import_definitions", copy.to_str().expect("UTF-8")]);
}

/// The URL of the node for a user and a virtual host.
fn url(node: &Node, user: &str, vhost: &str) -> String {
    format!("amqp://{user}@127.0.0.1:{}/{vhost}", node.port())
}

/// Runs the lines of docs/operations.md that begin with `rabbitmqctl` and are below a heading.
fn documented(node: &Node, heading: &str) {
    let page = include_str!("../docs/operations.md");
    let part = page.split(&format!("\n### {heading}\n")).nth(1).expect("the heading is there");
    let part = part.split("\n#").next().expect("its text");
    let commands = part.lines().filter_map(|line| line.strip_prefix("rabbitmqctl "));
    // the test itself goes on as guest
    let commands: Vec<_> = commands.filter(|command| *command != "delete_user guest").collect();
    assert!(commands.len() >= 3, "{commands:?}");
    for command in commands {
        let words = command.split_whitespace().map(|word| word.trim_matches('\''));
        node.ctl(&words.collect::<Vec<_>>());
    }
}

/// What orderly declares in the default virtual host, in the form of the file.
fn declared(node: &Node) -> Value {
    let mut processor = Processor::new(&node.url(), NAME).with("RUST_LOG", "off");
    processor.start();
    assert_eq!(processor.stop().code(), Some(0));
    let exported = node.directory().join("exported.json");
    node.ctl(&["export_definitions", exported.to_str().expect("UTF-8")]);
    let exported = std::fs::read_to_string(exported).expect("it was written");
    let exported: Value = serde_json::from_str(&exported).expect("JSON");
    let shape = definitions();
    let part = |name: &str| {
        // later versions of RabbitMQ export more members, which describe and decide nothing
        let members: Vec<_> = shape[name][0].as_object().expect("an object").keys().collect();
        let items = exported[name].as_array().expect("a list").iter();
        let ours = items.filter(|item| item["vhost"] == "/");
        let mut ours: Vec<Value> = ours
            .map(|item| {
                let kept = members.iter().map(|member| ((*member).clone(), item[*member].clone()));
                let mut kept: serde_json::Map<_, _> = kept.collect();
                kept.insert("vhost".to_owned(), json!(NAME));
                Value::Object(kept)
            })
            .collect();
        ours.sort_by_key(|item| (item["name"].to_string(), item["source"].to_string()));
        ours
    };
    json!({
        "vhosts": [{"name": NAME}], "exchanges": part("exchanges"), "queues": part("queues"), "bindings": part("bindings"),
    })
}

#[test]
fn the_definitions_are_what_orderly_declares_and_enough_to_verify() {
    let node = exclusive_node();

    // The file is what orderly declares
    let declared = declared(&node);
    if std::env::var_os("ORDERLY_TEST_WRITE_DEFINITIONS").is_some() {
        std::fs::write(file(), format!("{declared:#}\n")).expect("it is written");
    }
    assert_eq!(definitions(), declared);

    // Given a file that lacks a queue, and the users of the guide
    let mut lacking = definitions();
    let queues = lacking["queues"].as_array_mut().expect("a list");
    queues.retain(|queue| queue["name"] != "orderly.retry.30s");
    import(&node, &lacking);
    documented(&node, "Users and permissions");
    let mut processor = Processor::new(&url(&node, "orderly:CHANGE-ME-1", NAME), NAME)
        .with("ORDERLY_BROKER__TOPOLOGY", "verify")
        .with("RUST_LOG", "off");

    // Then the check and the process name it
    let check = processor.command(&["check", "--connect"]).output().expect("orderly runs");
    let said = String::from_utf8_lossy(&check.stderr);
    assert_eq!(check.status.code(), Some(1), "{said}");
    let missing = r#"missing, and broker.topology is "verify": queue orderly.retry.30s"#;
    assert!(said.lines().any(|line| line.ends_with(missing)), "{said}");
    processor.spawn();
    processor.wait(|processor| {
        let answers = std::net::TcpStream::connect(processor.address()).is_ok();
        answers && {
            let (status, ready) = processor.problem("/readyz");
            assert_eq!(status, 503, "{ready}");
            ready.to_string().contains("queue orderly.retry.30s")
        }
    });

    // When the whole file is imported, then it goes on by itself, and a shop works with the rights of the guide
    import(&node, &definitions());
    processor.wait_until_ready();
    assert_eq!(processor.get("/readyz").expect("ready")["status"], "ready");
    runtime().block_on(async {
        let subscriber = Producer::new(&url(&node, "warehouse:CHANGE-ME-3", NAME), NAME).await;
        let events = subscriber.bind_as("warehouse.events", "events", "#").await;
        let told = subscriber.bind_as("warehouse.told", "notifications", "#").await;
        let shop = Producer::new(&url(&node, "shop:CHANGE-ME-2", NAME), NAME).await;
        let replies = shop.reply_queue_as("shop.replies").await;
        let last = captured("o-1", 700).replying(&replies);
        shop.publish(&[stock("tea", 5), place("o-1", &[("tea", 1, 700)]), last]).await;
        assert_eq!(shop.take(&replies).await.body["verdict"], "applied");
        assert_eq!(subscriber.take(&events).await.routing_key, "order.placed");
        assert_eq!(subscriber.take(&events).await.routing_key, "order.paid");
        assert_eq!(subscriber.take(&told).await.routing_key, "order_confirmed");
        // the retry queues, the mark and the dead letters may be written to, and nobody else may read commands
        let poison = Sent::raw("no.such.type", "poison", b"{}".to_vec());
        shop.publish(&[poison]).await;
        for (who, queue) in [(&shop, "orderly.commands"), (&subscriber, "orderly.dead")] {
            assert!(who.may_not_read(queue).await, "{queue}");
        }
    });
    processor.wait(|processor| processor.metric("orderly_parked{", "unknown_type") > 0.5);
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(processor.verify()["balanced"], json!(true));
}
