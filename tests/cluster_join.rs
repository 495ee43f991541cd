//! A member of a cluster that has not read to the end of the journal.

#[path = "support/processor.rs"]
mod processor;
#[path = "support/producer.rs"]
mod producer;
#[path = "support/rabbit.rs"]
mod rabbit;

use lapin::types::{AMQPValue, FieldTable};
use processor::Processor;
use producer::{Producer, stock};
use rabbit::{namespace, runtime, shared_url};
use std::time::Duration;

/// Longer than a member takes that gets a command and owns.
const A_WHILE: Duration = Duration::from_secs(4);

/// The broker gives the commands to one member, whatever it can do with them.
#[test]
fn a_member_that_cannot_read_the_journal_takes_no_commands_from_the_others() {
    let (runtime, namespace) = (runtime(), namespace("join"));
    let queue = format!("{namespace}.commands");
    let producer = runtime.block_on(Producer::new(&shared_url(), &namespace));
    // Given a journal that cannot be read: the queue is no stream
    let classic = [("x-queue-type".into(), AMQPValue::LongString("classic".into()))];
    let journal = format!("{namespace}.journal");
    runtime.block_on(
        producer.declare(&journal, FieldTable::from(std::collections::BTreeMap::from(classic))),
    );
    let mut member = Processor::new(&shared_url(), &namespace)
        .with("ORDERLY_CLUSTER__MODE", "standby")
        .with("ORDERLY_CLUSTER__TAKEOVER_AFTER", "1s")
        .with("RUST_LOG", "off");
    member.spawn();
    member.wait(|member| member.metric("orderly_broker_connected", "") > 0.5);
    // When a command comes
    runtime.block_on(producer.publish(&[stock("tea", 5)]));
    std::thread::sleep(A_WHILE);
    // Then it waits in the queue for a member that can process it
    assert_eq!(runtime.block_on(producer.depth(&queue)), 1);
    assert_eq!(member.get("/api/cluster").expect("it answers")["role"], "joining");
    assert_eq!(member.problem("/readyz").1["reasons"][0]["reason"], "following");
    // When the journal can be read, then the member owns, and processes it
    runtime.block_on(producer.delete(&journal));
    member.wait_until_ready();
    member.wait(|member| member.metric("orderly_commands_total{", "stock.set") > 0.5);
    assert_eq!(runtime.block_on(producer.depth(&queue)), 0);
    assert_eq!(member.stop().code(), Some(0));
}
