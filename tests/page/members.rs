//! The members of a cluster, and making the owner leave.

use super::press;
use crate::browser::Browser;
use crate::http::ask;
use crate::processor::{Processor, free_port};
use crate::rabbit::{namespace, shared_url};
use orderly_domain::time::Timestamp;

fn member(name: &str, namespace: &str) -> Processor {
    started(name, namespace, "1")
}

fn started(name: &str, namespace: &str, partitions: &str) -> Processor {
    let port = free_port();
    let mut member = Processor::new(&shared_url(), namespace)
        .with("ORDERLY_CLUSTER__MODE", "standby")
        .with("ORDERLY_CLUSTER__NODE", name)
        .with("ORDERLY_CLUSTER__PARTITIONS", partitions)
        .with("ORDERLY_CLUSTER__TAKEOVER_AFTER", "1s")
        .with("ORDERLY_CLUSTER__ADVERTISE", &format!("http://127.0.0.1:{port}"));
    member.spawn_on(port);
    member
}

fn role(member: &Processor) -> String {
    let cluster = member.get("/api/cluster").unwrap_or_default();
    cluster["role"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_standby_leads_to_the_owner_which_steps_down_for_it() {
    let namespace = namespace("members");
    let mut members = [member("shop-1", &namespace), member("shop-2", &namespace)];
    for member in &mut members {
        member.wait_until_ready();
    }
    let owner = usize::from(role(&members[1]) == "owner");
    let (owns, stands_by) = (format!("shop-{}", owner + 1), format!("shop-{}", 2 - owner));

    // what a standby shows is as of a moment before
    let as_of = |at: usize| {
        let answer = ask(members[at].address(), "GET", "/api/stock");
        assert_eq!(answer.status, 200);
        answer.header("orderly-as-of").map(|as_of| Timestamp::parse(as_of).expect("a time"))
    };
    assert_eq!(as_of(owner), None);
    assert!(as_of(1 - owner) > Some(Timestamp::from_micros(1_700_000_000_000_000)));

    let browser = Browser::open();
    browser.go(&members[1 - owner].url("/"));
    browser.until_shown("main", &format!("{stands_by} is a standby"));
    browser.until_shown("main", "Changes are made at the owner");
    browser.until_shown(".columns", "The owner counts them.");
    browser.click(&format!("main p a[href^='http://127.0.0.1:{}']", members[owner].port()));
    browser.until_shown("main", &format!("{owns} owns the namespace"));
    press(&browser, "Step down…");
    browser.until_shown("dialog", "a standby takes over at once");
    press(&browser, "Step down");
    assert_eq!(members[owner].ended().code(), Some(76));

    browser.go(&members[1 - owner].url("/"));
    browser.until_shown("main", &format!("{stands_by} owns the namespace"));
    browser.until_shown("main", "There is no standby");
}

#[test]
fn a_member_with_partitions_shows_who_owns_each() {
    let namespace = namespace("parted-members");
    let mut first = started("shop-1", &namespace, "2");
    first.wait(|first| {
        let cluster = first.get("/api/cluster").unwrap_or_default();
        let partitions = cluster["partitions"].as_array().cloned().unwrap_or_default();
        partitions.iter().filter(|partition| partition["role"] == "owner").count() == 2
    });
    let browser = Browser::open();
    browser.go(&first.url("/"));
    browser.until_shown("main", "shop-1 owns 2 of 2 partitions");
    browser.until_shown("main", "There is no standby");
    // when another one comes, then it gets its share
    let mut second = started("shop-2", &namespace, "2");
    second.wait(|second| role(second) == "owner");
    browser.until_shown("main", "shop-1 owns 1 of 2 partitions");
    browser.until_shown("main", "Changes are made at the owner of their partition");
    browser.go(&second.url("/"));
    browser.until_shown("main", "shop-2 owns 1 of 2 partitions");
}
