//! A broker and a process that are lost, as the page tells of them. `orderly serve` with a real `RabbitMQ`.

use crate::browser::Browser;
use crate::processor::Processor;
use crate::rabbit::{Node, namespace};

#[test]
fn a_lost_broker_and_a_lost_process_are_told_and_so_is_their_return() {
    let mut node = Node::start();
    let mut processor = Processor::new(&node.url(), &namespace("page")).with("RUST_LOG", "off");
    processor.start();
    let browser = Browser::open();
    browser.go(&processor.url("/"));
    browser.until_shown("#wrong", "Nothing is wrong.");
    browser.until_shown("#live-state", "Live");

    node.kill();
    browser.until_shown("#wrong li.bad", "No connection to the broker");
    browser.until_shown(".facts", "not connected");
    node.restart();
    browser.until_shown(".facts .good", "connected");
    browser.until("!document.querySelector('#wrong li.bad')");
    browser.until_shown("#wrong", "was lost");

    processor.kill();
    browser.until_shown("#connection", "The connection to orderly was lost");
    browser.until_shown("#connection", "may be out of date");
    browser.until_shown("#live-state", "Not connected");
    processor.start_again();
    browser.until("document.querySelector('#connection').hidden");
    browser.until_shown("#live-state", "Live");
    assert_eq!(
        processor.stop().code(),
        Some(0),
        "an open page does not keep the process from ending"
    );
}
