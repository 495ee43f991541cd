//! Orders with thousands of captures, refunds, disputes and attempts: no money is refused, every sum is exact, everything
//! that comes again is stale, and what a callback reads and writes does not grow.

mod support;

use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::notification::DueDelivery;
use orderly_actors::sequencer::Settings;
use orderly_actors::simulation::payments as whole;
use orderly_actors::states::State;
use orderly_actors::tables;
use orderly_domain::event::Event;
use orderly_domain::notification::{
    Channel, MOST_DELIVERED, MOST_NOTICES, Notices, NotificationKind, Policy, Sent,
};
use orderly_domain::order::Status;
use orderly_domain::payment::rules::summary;
use orderly_domain::payment::{
    MOST_ASKED, MOST_ENDED, MOST_KEPT, Payments, Refund, RefundState, Sum,
};
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;
use orderly_store::sim::SimDisk;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use support::{DAY, Shop, place, said, stock};

const MANY: usize = 5_000;
/// More than the payments of any order here may take, in bytes.
const BOUND: usize = 16 << 10;
/// More than any unit of a callback here may take, in bytes: it has the payments and the notifications of the order.
const UNIT_BOUND: usize = 64 << 10;

/// An order of that total, in a shop that notifies nobody.
async fn order_of(total: i64) -> Shop {
    let notifications = Policy { channels: Vec::new(), ..Policy::default() };
    let settings = Settings { notifications, ..support::settings() };
    let mut shop = Shop::open_on(Arc::new(SimDisk::new(7)), settings);
    shop.run("stock.set", stock("tea", 10)).await;
    shop.run("order.place", place("o-1", &[("tea", 1, total)])).await;
    shop
}

async fn says(shop: &mut Shop, text: &str) -> Verdict {
    run(shop, said("o-1", text)).await.record.verdict
}

/// Runs a callback, and checks what its unit and the payments of the order take.
async fn run(shop: &mut Shop, data: Value) -> Arc<JournalEntry> {
    let entry = shop.run("payment.callback", data).await;
    let view = shop.sequencer.view().borrow();
    let unit = view.unit(entry.seq).expect("reads").expect("is there");
    assert!(unit.size() < UNIT_BOUND, "a callback writes {} bytes", unit.size());
    let stored = view.read(tables::ORDERS, Ordinal(0), Payments::PART).expect("reads");
    let bytes = stored.map_or(0, |stored| stored.len());
    assert!(bytes < BOUND, "the payments take {bytes} bytes");
    for put in unit.puts.iter().filter(|put| put.table == tables::FOLDED) {
        let bytes = put.value.as_ref().map_or(0, bytes::Bytes::len);
        assert!(bytes < 512, "a folded item takes {bytes} bytes");
    }
    drop(view);
    entry
}

fn payments(shop: &Shop) -> Payments {
    shop.state(tables::ORDERS, "o-1").expect("has payments")
}

fn all(shop: &Shop) -> Payments {
    whole(&shop.sequencer.view().borrow(), Ordinal(0)).expect("reads").expect("has payments")
}

/// Some of the numbers below `MANY`: the first, the last, and some between.
const SOME: [usize; 6] = [0, 1, 49, 2_500, MANY - 2, MANY - 1];

#[actix::test]
async fn captures_of_one_attempt() {
    let mut shop = order_of(10_000).await;
    for number in 0..MANY {
        assert_eq!(says(&mut shop, &format!("captured a 1 #c-{number}")).await, Verdict::Applied);
    }
    assert_eq!(shop.order("o-1").paid, 5_000);
    assert_eq!(shop.status("o-1"), Status::PartiallyPaid);
    let [attempt] = &payments(&shop).attempts[..] else { panic!("it is one attempt") };
    assert_eq!((attempt.captures.len(), attempt.capture_count()), (MOST_KEPT, 5_000));
    for number in SOME {
        let again = format!("captured a 1 #c-{number}");
        assert_eq!(says(&mut shop, &again).await, Verdict::Stale, "{again}");
        shop.run("order.place", place("o-2", &[("tea", 1, 500)])).await;
        let other = run(&mut shop, said("o-2", &again)).await;
        assert_eq!(other.record.verdict, Verdict::Stale, "{again} for another order");
    }
    // all of it is asked back at once
    shop.run("order.cancel", json!({"order_id": "o-1"})).await;
    assert_eq!(shop.pending_refunds("o-1"), [("EUR", 5_000)]);
    shop.check_balance();
}

#[actix::test]
async fn captures_of_one_attempt_without_ids() {
    let mut shop = order_of(10_000).await;
    let capture = |number: usize, attempt: &str| {
        let mut data = said("o-1", &format!("captured {attempt} 1"));
        data["event_id"] = json!(format!("e-{number}"));
        data
    };
    for number in 0..500 {
        let entry = run(&mut shop, capture(number, "a")).await;
        assert_eq!(entry.record.verdict, Verdict::Applied);
    }
    shop.run("order.cancel", json!({"order_id": "o-1"})).await;
    shop.pass(40 * DAY).await;
    assert!(shop.sweep_identities().await > 0);
    // an event is about one capture, whichever attempt it names
    for (number, attempt) in [(0, "a"), (1, "b"), (250, "a"), (499, "b")] {
        let again = run(&mut shop, capture(number, attempt)).await;
        assert_eq!(again.record.verdict, Verdict::Stale, "event {number}, attempt {attempt}");
    }
    assert_eq!(shop.order("o-1").paid, 500);
    shop.check_balance();
}

#[actix::test]
async fn authorizations_of_one_attempt() {
    let mut shop = order_of(10_000).await;
    let authorized = |number: usize| {
        let mut data = said("o-1", "authorized a 1");
        data["occurred_at"] =
            json!(format!("2026-01-01T{:02}:{:02}:00Z", number / 60, number % 60));
        data
    };
    for number in 0..1_000 {
        let entry = run(&mut shop, authorized(number)).await;
        assert_eq!(entry.record.verdict, Verdict::Applied);
    }
    assert_eq!(payments(&shop).attempts[0].authorized, 1_000);
    for number in [0, 1, 500, 999] {
        let again = run(&mut shop, authorized(number)).await;
        assert_eq!(again.record.verdict, Verdict::Stale, "{number}");
    }
}

/// The attempt and the amount of each part of a refund that a unit asks for.
fn asked_of(entry: &JournalEntry) -> Vec<(String, i64)> {
    let asked = entry.record.events.iter().filter_map(|event| match event {
        Event::RefundRequested { attempt_id, amount, .. } => {
            Some((attempt_id.as_ref().expect("of an attempt").to_string(), *amount))
        }
        _ => None,
    });
    asked.collect()
}

fn success_of(refund: &Refund) -> String {
    let attempt = refund.attempt.as_ref().expect("of an attempt");
    format!("refund_succeeded {attempt} {} {}", refund.amount, refund.id)
}

#[actix::test]
async fn attempts_with_money() {
    let mut shop = order_of(10_000).await;
    for number in 0..MANY {
        let captured = format!("captured a-{number} 1 #c");
        assert_eq!(says(&mut shop, &captured).await, Verdict::Applied);
    }
    let kept = payments(&shop);
    assert_eq!((shop.order("o-1").paid, kept.attempts.len()), (5_000, MOST_KEPT));
    let sums = kept.folded.expect("most is folded").sums;
    assert_eq!((sums.attempts, sums.money[0].captured), (4_950, Sum(4_950)));
    for number in SOME {
        let captured = format!("captured a-{number} 1 #c");
        assert_eq!(says(&mut shop, &captured).await, Verdict::Stale, "{number}");
        // another capture of the same attempt counts
        assert_eq!(says(&mut shop, &format!("captured a-{number} 1 #d")).await, Verdict::Applied);
    }
    shop.check_balance();

    // A cancelled order asks each attempt for what it holds, the newest first: in several steps
    let cancelled = shop.run("order.cancel", json!({"order_id": "o-1"})).await;
    let mut asked = asked_of(&cancelled);
    assert_eq!((asked.len(), &*asked[0].0), (MOST_ASKED, "a-4999"));
    let too_much = json!({"order_id": "o-1", "refund_id": "r-1", "amount": 1_003});
    let refused = shop.run("refund.request", too_much).await;
    assert_eq!(support::verdict(&refused), (Verdict::Rejected, Some("refund_exceeds_paid")));
    for step in 1..5 {
        let audit = orderly_actors::audit::audit(&shop.sequencer.view().borrow()).expect("reads");
        let [text] = &audit.attention[..] else { panic!("one thing: {:?}", audit.attention) };
        assert!(text.ends_with("EUR is not asked back yet"), "{text}");
        let rest = json!({"order_id": "o-1", "decision": "return"});
        let resolved = shop.run("order.resolve", rest).await;
        let more = asked_of(&resolved);
        assert_eq!(more.len(), MOST_ASKED, "step {step}");
        asked.extend(more);
    }
    let audit = orderly_actors::audit::audit(&shop.sequencer.view().borrow()).expect("reads");
    assert_eq!(audit.attention, Vec::<String>::new());
    let attempts: BTreeSet<_> = asked.iter().map(|(attempt, _)| attempt).collect();
    assert_eq!((attempts.len(), asked.len()), (MANY, MANY), "each attempt once");
    assert_eq!(asked.iter().map(|(_, amount)| amount).sum::<i64>(), 5_006);
    assert_eq!(asked.iter().filter(|(_, amount)| *amount == 2).count(), SOME.len());
    shop.check_balance();

    // Each answers, in any order
    let refunds = all(&shop).refunds;
    assert_eq!(refunds.len(), MANY);
    for refund in refunds.iter().step_by(2).chain(refunds.iter().skip(1).step_by(2)) {
        assert_eq!(says(&mut shop, &success_of(refund)).await, Verdict::Applied, "{refund:?}");
    }
    for place in SOME {
        let text = success_of(&refunds[place]);
        assert_eq!(says(&mut shop, &text).await, Verdict::Stale, "{text}");
    }
    assert_eq!((shop.status("o-1"), shop.order("o-1").refunded), (Status::Refunded, 5_006));
    shop.check_balance();

    // Nothing of the order is left when it is deleted
    shop.pass(200 * DAY).await;
    assert!(shop.state::<Payments>(tables::ORDERS, "o-1").is_none(), "it is deleted");
    assert_eq!(shop.places(tables::FOLDED), BTreeSet::new());
    shop.check_balance();
}

#[actix::test]
async fn refunds_in_the_dashboard() {
    let mut shop = order_of(10_000).await;
    says(&mut shop, "captured a 6000 #1").await;
    says(&mut shop, "captured b 4000 #2").await;
    for number in 0..MANY {
        let text = format!("refund_succeeded a 1 r-{number}");
        assert_eq!(says(&mut shop, &text).await, Verdict::Applied);
    }
    assert_eq!(shop.order("o-1").refunded, 5_000);
    assert_eq!(payments(&shop).refunds.len(), MOST_KEPT);
    for number in SOME {
        let text = format!("refund_succeeded a 1 r-{number}");
        assert_eq!(says(&mut shop, &text).await, Verdict::Stale, "{text}");
        // a failure that is not later than the success
        let text = format!("refund_failed a r-{number}");
        assert_eq!(says(&mut shop, &text).await, Verdict::Stale, "{text}");
    }
    assert_eq!(shop.order("o-1").refunded, 5_000);

    // They bounce, the oldest too, and are requested again
    for (nth, number) in (1..).zip(SOME) {
        let text = format!("refund_failed a r-{number} later");
        assert_eq!(says(&mut shop, &text).await, Verdict::Applied, "{text}");
        assert_eq!(shop.order("o-1").refunded, 5_000 - nth, "{text}");
        assert_eq!(says(&mut shop, &text).await, Verdict::Stale, "{text}");
    }
    let audit = orderly_actors::audit::audit(&shop.sequencer.view().borrow()).expect("reads");
    assert_eq!(audit.attention, ["order o-1: the refund of 0.06 EUR failed"]);
    for number in SOME {
        let id = format!("r-{number}");
        let request = json!({"order_id": "o-1", "refund_id": id, "amount": 1});
        let asked = shop.run("refund.request", request.clone()).await;
        assert_eq!(asked.record.verdict, Verdict::Applied, "{id}");
        let again = shop.run("refund.request", request).await;
        assert_eq!(again.record.verdict, Verdict::Rejected, "{id} is pending");
        let text = format!("refund_succeeded a 1 {id}");
        assert_eq!(says(&mut shop, &text).await, Verdict::Applied, "{text}");
    }
    assert_eq!(shop.order("o-1").refunded, 5_000);
    let told = requested(&shop);
    assert_eq!(told.len(), MANY + 1, "each refund, and the order itself");
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), MANY + 1, "each once");
    // what is left is asked of the attempts that hold it
    let request = json!({"order_id": "o-1", "refund_id": "rest", "amount": 5_000});
    let asked = shop.run("refund.request", request).await;
    assert_eq!(asked.record.verdict, Verdict::Applied);
    let parts = all(&shop).refunds.into_iter().filter(|one| one.state == RefundState::Requested);
    assert_eq!(parts.map(|part| part.amount).collect::<Vec<_>>(), [4_000, 1_000]);
    shop.check_balance();
}

/// The notifications that were requested, in their order.
fn requested(shop: &Shop) -> Vec<String> {
    let events = shop.entries.iter().flat_map(|entry| &entry.record.events);
    let ids = events.filter_map(|event| match event {
        Event::NotificationRequested { notification_id, .. } => Some(notification_id.clone()),
        _ => None,
    });
    ids.collect()
}

#[actix::test]
async fn notifications_that_nobody_takes() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 10_000)])).await;
    says(&mut shop, "captured a 10000 #1").await;
    for number in 0..500 {
        says(&mut shop, &format!("refund_succeeded a 1 r-{number}")).await;
    }
    // the oldest are given up, and nothing is forgotten
    let notices: Notices = shop.state(tables::ORDERS, "o-1").expect("has notifications");
    assert_eq!((notices.all.len(), notices.dropped), (MOST_NOTICES, 501 - MOST_NOTICES as u64));
    assert_eq!(shop.count("notification.failed"), 501 - MOST_NOTICES);
    assert_eq!(requested(&shop).len(), 501);
    // one that is not kept is delivered after all, and is not requested again
    let gone = requested(&shop)[1].clone();
    let delivery = DueDelivery {
        order: Ordinal(0),
        id: gone,
        kind: NotificationKind::RefundSucceeded,
        reference: "r-0".to_owned(),
        channel: Channel::Amqp,
        attempt: 1,
        trace: None,
        began: shop.sequencer.now(),
        give_up_at: shop.sequencer.now(),
    };
    let told = shop.sequencer.notified(&delivery, Sent::Delivered).await.expect("reads");
    assert!(told.is_none(), "nothing is left to record");
    says(&mut shop, "refund_failed a r-0 later").await;
    assert_eq!(says(&mut shop, "refund_succeeded a 1 r-0 later").await, Verdict::Applied);
    assert_eq!(requested(&shop).len(), 501);
    // of those that are delivered the newest are kept
    shop.deliver().await;
    let notices: Notices = shop.state(tables::ORDERS, "o-1").expect("has notifications");
    assert_eq!((notices.all.len(), notices.dropped), (MOST_DELIVERED, 501 - MOST_DELIVERED as u64));
}

#[actix::test]
async fn refunds_of_attempts_that_are_not_known() {
    let mut shop = order_of(10_000).await;
    says(&mut shop, "captured z 10000 #1").await;
    for number in 0..500 {
        let text = format!("refund_succeeded a-{} 1 r-{number}", number % 100);
        assert_eq!(says(&mut shop, &text).await, Verdict::Applied);
    }
    // their captures come late: each holds what was not refunded of it
    for number in 0..100 {
        says(&mut shop, &format!("captured a-{number} 9 #1")).await;
    }
    assert_eq!((shop.order("o-1").paid, shop.order("o-1").refunded), (10_900, 500));
    let surplus: i64 = shop.pending_refunds("o-1").iter().map(|(_, amount)| amount).sum();
    let asked = all(&shop).refunds.into_iter().filter(|one| one.state == RefundState::Requested);
    let asked: Vec<_> = asked.collect();
    assert!(asked.iter().all(|one| one.amount <= 9), "none above what its attempt holds");
    assert_eq!(asked.iter().map(|one| one.amount).sum::<i64>(), 900, "{surplus}");
    shop.check_balance();
}

#[actix::test]
async fn disputes() {
    let mut shop = order_of(100).await;
    says(&mut shop, "captured a 100 #1").await;
    for number in 0..MANY {
        let opened = format!("dispute_opened a d-{number}");
        assert_eq!(says(&mut shop, &opened).await, Verdict::Applied);
    }
    for number in 0..MANY {
        let outcome = if number % 2 == 0 { "won" } else { "lost" };
        let closed = format!("dispute_closed a d-{number} {outcome}");
        assert_eq!(says(&mut shop, &closed).await, Verdict::Applied);
    }
    assert_eq!(payments(&shop).disputes.len(), MOST_KEPT);
    let folded = |shop: &Shop| {
        let sums = payments(shop).folded.expect("most is folded").sums;
        (sums.open_disputes, sums.won_disputes, sums.lost_disputes)
    };
    assert_eq!((folded(&shop), shop.order("o-1").disputed), ((0, 2_475, 2_475), true));
    for number in SOME {
        let lost = format!("dispute_closed a d-{number} lost");
        for text in [format!("dispute_opened a d-{number}"), lost] {
            assert_eq!(says(&mut shop, &text).await, Verdict::Stale, "{text}");
        }
    }
    for number in (1..MANY).step_by(2) {
        let won = format!("dispute_closed a d-{number} won");
        assert_eq!(says(&mut shop, &won).await, Verdict::Applied, "{won}");
    }
    assert_eq!((folded(&shop), shop.order("o-1").disputed), ((0, 4_950, 0), false));
    shop.check_balance();
}

#[actix::test]
async fn attempts_that_wait_for_the_customer() {
    let mut shop = order_of(100).await;
    for number in 0..1_000 {
        let waits = format!("action_required a-{number}");
        assert_eq!(says(&mut shop, &waits).await, Verdict::Applied);
        assert_eq!(says(&mut shop, &waits).await, Verdict::Stale);
    }
    shop.check_balance(); // the hold is frozen
    for number in 0..1_000 {
        assert_eq!(says(&mut shop, &format!("failed a-{number}")).await, Verdict::Applied);
        if number % 100 == 0 {
            shop.check_balance();
        }
    }
    let known = payments(&shop);
    assert_eq!(known.attempts.len(), MOST_ENDED);
    assert_eq!(known.ended.failed, 1_000 - MOST_ENDED as u64);
    assert_eq!(known.folded.expect("some were folded").sums.attempts, 0);
}

#[actix::test]
async fn authorized_attempts() {
    let mut shop = order_of(100_000).await;
    for number in 0..MOST_ASKED + 100 {
        let authorized = format!("authorized a-{number} 10");
        assert_eq!(says(&mut shop, &authorized).await, Verdict::Applied);
    }
    // those that are too many are released at once
    assert_eq!(shop.count("payment.void_requested"), 100);
    assert_eq!(summary(&payments(&shop), shop.order("o-1").currency).authorized, 10_000);
    shop.check_balance();
    for (number, count) in [(0, 100), (700, 99), (900, 98)] {
        let text = format!("captured a-{number} 10 #1");
        assert_eq!(says(&mut shop, &text).await, Verdict::Applied);
        assert_eq!(says(&mut shop, &format!("authorized b-{count} 10")).await, Verdict::Applied);
        assert_eq!(shop.count("payment.void_requested"), 100, "there is room again");
    }
    shop.run("order.cancel", json!({"order_id": "o-1"})).await;
    assert_eq!(shop.count("payment.void_requested"), MOST_ASKED + 100, "each is asked once");
    shop.check_balance();
}

#[actix::test]
async fn declined_attempts() {
    let mut shop = order_of(100).await;
    for number in 0..10_000 {
        assert_eq!(says(&mut shop, &format!("failed a-{number}")).await, Verdict::Applied);
    }
    assert_eq!(says(&mut shop, "captured b 100 #1").await, Verdict::Applied);
    assert_eq!(shop.status("o-1"), Status::Paid);
    assert_eq!(payments(&shop).ended.failed, 10_000 - MOST_ENDED as u64);
    assert_eq!(shop.places(tables::FOLDED), BTreeSet::new(), "they are counted alone");
}

#[actix::test]
async fn other_currencies_of_more_attempts_than_one_step_asks() {
    let mut shop = order_of(100).await;
    for number in 0..900 {
        for currency in ["USD", "CHF"] {
            let captured = format!("captured {currency}-{number} 1 {currency} #c");
            assert_eq!(says(&mut shop, &captured).await, Verdict::Review);
        }
    }
    let cancelled = shop.run("order.cancel", json!({"order_id": "o-1"})).await;
    let mut asked = asked_of(&cancelled);
    assert_eq!(asked.len(), MOST_ASKED);
    let rest = json!({"order_id": "o-1", "decision": "return"});
    let resolved = shop.run("order.resolve", rest).await;
    asked.extend(asked_of(&resolved));
    assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), 1_800, "each attempt once");
    shop.check_balance();
}

#[actix::test]
async fn a_restart_in_between_changes_nothing() {
    let mut shop = order_of(10_000).await;
    for number in 0..200 {
        says(&mut shop, &format!("captured a-{number} 1 #c")).await;
        says(&mut shop, &format!("refund_succeeded a-{number} 1 r-{number}")).await;
    }
    let before = all(&shop);
    let disk = Arc::new(shop.disk.copy());
    let mut shop = Shop::open_on(disk, support::settings());
    assert_eq!(all(&shop), before);
    for number in [0, 100, 199] {
        let again = said("o-1", &format!("captured a-{number} 1 #c"));
        let id = format!("again-{number}");
        let again = shop.send("payment.callback", &id, again).await;
        assert_eq!(again.record.verdict, Verdict::Stale);
    }
    shop.check_balance();
}
