//! `orderly explain`: the same story from a processor at work and from its stopped store.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use processor::Processor;
use producer::{Producer, Sent, captured, place, stock};
use rabbit::{namespace, shared_url};
use serde_json::json;
use std::process::Output;

fn explain(processor: &Processor, arguments: &[&str]) -> Output {
    let bind = format!("127.0.0.1:{}", processor.port());
    let arguments = [&["explain"], arguments].concat();
    let mut command = processor.command(&arguments);
    command.env("ORDERLY_ADMIN__BIND", bind).output().expect("orderly runs")
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    assert_eq!(said(output), "", "nothing on standard error");
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_of_an_order_is_told_from_a_processor_and_from_a_stopped_store() {
    // Given an order that is paid, with a refund that waits for the provider, and one that is not paid, with an id that has to be
    // escaped in a URL; a long timeline, so that it comes in pages
    let (url, namespace) = (shared_url(), namespace("explain"));
    let token = "a-token-for-the-story";
    let mut processor =
        Processor::new(&url, &namespace).with("ORDERLY_NOTIFICATIONS__CHANNELS", "[]");
    processor.start();
    let producer = Producer::new(&url, &namespace).await;
    let odd = "o/2?a=%2F#b";
    let mut commands = vec![
        stock("tea", 10),
        place("o-1", &[("tea", 2, 500)]),
        captured("o-1", 1000),
        Sent::new(
            "refund.request",
            "refund-1",
            &json!({"order_id": "o-1", "refund_id": "r-1", "amount": 300}),
        ),
        place(odd, &[("tea", 1, 500)]),
    ];
    commands.extend((0..600).map(|number| {
        Sent::new("order.complete", &format!("complete-{number}"), &json!({"order_id": odd}))
    }));
    producer.publish(&commands).await;
    let last = |processor: &Processor| {
        processor.metric("orderly_commands_total{", "verdict=\"rejected\"") > 599.5
    };
    processor.wait(last);

    // When its story is told
    let story = told(&explain(&processor, &["o-1"]));
    let odd_story = told(&explain(&processor, &[odd]));

    // Then it says what it is, what came, and what is open
    for sentence in [
        "Order o-1 of customer ",
        " is paid.\n",
        "The total is 10.00 EUR, 10.00 EUR are paid, 0.00 EUR went back.",
        "  2 × tea at 5.00 EUR",
        "Placing the order was applied. [order.place ",
        "    The order was placed: 10.00 EUR are to be paid.",
        "The request for a refund was applied. [refund.request refund-1 from ",
        "  Refund r-1 of 3.00 EUR waits for ",
    ] {
        assert!(story.contains(sentence), "{sentence:?} in\n{story}");
    }
    assert_eq!(odd_story.matches("Completing the order was refused").count(), 600);
    assert!(odd_story.contains("5.00 EUR are to be paid. Its stock is held until "), "{odd_story}");

    // And from elsewhere, with the token of the configuration, it is the same
    let from = format!("http://127.0.0.1:{}", processor.port());
    assert_eq!(told(&explain(&processor, &["o-1", "--url", &from])), story);

    // And an order that nobody placed is told as such
    let unknown = explain(&processor, &["o-3"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(said(&unknown).contains("there is no order of that id"), "{}", said(&unknown));

    // And from the stopped store it is the same
    assert_eq!(processor.stop().code(), Some(0));
    assert_eq!(told(&explain(&processor, &["o-1"])), story);
    assert_eq!(told(&explain(&processor, &[odd])), odd_story);
    let unknown = explain(&processor, &["o-3"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(said(&unknown), "orderly: there is no order of that id\n");
    // wherever that is
    let elsewhere = processor.directory.path().join("elsewhere");
    std::fs::rename(processor.store(), &elsewhere).expect("is moved");
    let path = elsewhere.to_str().expect("UTF-8");
    assert_eq!(told(&explain(&processor, &["o-1", "--store", path])), story);
    std::fs::rename(&elsewhere, processor.store()).expect("is moved back");
    let missing = explain(&processor, &["o-1", "--store", "/nowhere"]);
    assert_eq!(missing.status.code(), Some(74));
    assert_eq!(said(&missing), "orderly: cannot read the store: there is no store at /nowhere\n");

    // And a processor that wants a token gets that of the configuration
    let mut processor = processor.with("ORDERLY_ADMIN__TOKEN", token);
    processor.spawn();
    processor.wait(|processor| processor.get("/readyz").is_some());
    assert_eq!(told(&explain(&processor, &["o-1"])), story);
    let processor = processor.with("ORDERLY_ADMIN__TOKEN", "another-token");
    let refused = explain(&processor, &["o-1"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("cannot ask the processor"), "{}", said(&refused));
}
