//! Refunds of orders that have folded most of their payments: the same attempts are asked, in the same parts, as if nothing were
//! folded.

mod support;

use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::sequencer::Settings;
use orderly_actors::simulation::payments;
use orderly_domain::event::Event;
use orderly_domain::payment::MOST_ENDED;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;
use orderly_store::sim::SimDisk;
use serde_json::json;
use std::sync::Arc;
use support::{Shop, place, said, settings, stock};

/// An order of 300 after these callbacks. Its payments keep so many attempts, refunds and disputes.
async fn order_that_keeps(payments_kept: usize, callbacks: &[&str]) -> Shop {
    let settings = Settings { payments_kept, ..settings() };
    let mut shop = Shop::open_on(Arc::new(SimDisk::new(7)), settings);
    shop.run("stock.set", stock("tea", 10)).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 300)])).await;
    for text in callbacks {
        shop.run("payment.callback", said("o-1", text)).await;
    }
    shop
}

/// Part, attempt and amount of each part that is asked for, such as `1 a 50`.
fn parts(entry: &JournalEntry) -> Vec<String> {
    let parts = entry.record.events.iter().filter_map(|event| match event {
        Event::RefundRequested { attempt_id: Some(attempt), amount, part: Some(part), .. } => {
            Some(format!("{} {attempt} {amount}", part.part))
        }
        _ => None,
    });
    parts.collect()
}

async fn request(shop: &mut Shop, amount: i64) -> Vec<String> {
    let request = json!({"order_id": "o-1", "refund_id": "r-1", "amount": amount});
    let asked = shop.run("refund.request", request).await;
    assert_eq!(asked.record.verdict, Verdict::Applied);
    parts(&asked)
}

#[actix::test]
async fn a_refund_that_failed_is_requested_again_of_its_attempt_though_newer_ones_hold_as_much() {
    for kept in [0, 1, 50] {
        let history = ["captured a 100 #1", "captured b 200 #1", "refund_succeeded a 50 r-1"];
        let mut shop = order_that_keeps(kept, &history).await;
        shop.run("payment.callback", said("o-1", "refund_failed a r-1 later")).await;
        assert_eq!(request(&mut shop, 50).await, ["1 a 50"], "{kept} are kept");
        shop.check_balance();
    }
}

#[actix::test]
async fn the_parts_of_a_refund_that_is_made_anew_keep_their_numbers() {
    for kept in [0, 1, 50] {
        let mut shop = order_that_keeps(kept, &["captured a 100 #1", "captured b 200 #1"]).await;
        assert_eq!(request(&mut shop, 100).await, ["1 b 100"]);
        shop.run("payment.callback", said("o-1", "refund_failed b r-1")).await;
        // a surplus that cannot be sent back: the newest attempt holds money from now on
        shop.run("payment.callback", said("o-1", "captured c 100 #1")).await;
        let known = payments(&shop.sequencer.view().borrow(), Ordinal(0)).expect("reads");
        let surplus = known.and_then(|known| known.refunds.last().cloned()).expect("is asked for");
        let failed = format!("refund_failed c {}", surplus.id);
        shop.run("payment.callback", said("o-1", &failed)).await;
        for day in 2..4 {
            let asked = request(&mut shop, 150).await;
            assert_eq!(asked, ["1 c 100", "2 b 50"], "{kept} are kept");
            for text in ["refund_failed b r-1", "refund_failed c r-1"] {
                let mut failed = said("o-1", text);
                failed["occurred_at"] = json!(format!("2026-01-{day:02}T00:00:00Z"));
                shop.run("payment.callback", failed).await;
            }
        }
        shop.check_balance();
    }
}

/// A share of 10 of the refund `r-1`, which occurred at that second.
fn share(second: usize) -> serde_json::Value {
    let mut share = said("o-1", "refund_succeeded a 10 r-1");
    share["occurred_at"] = json!(format!("2026-01-01T00:00:{second:02}Z"));
    share
}

#[actix::test]
async fn a_share_of_a_refund_is_known_however_many_came_after_it() {
    for kept in [0, 1, 50] {
        let mut shop = order_that_keeps(kept, &["captured a 300 #1"]).await;
        request(&mut shop, 290).await;
        // the first is heard of last: it is the oldest of too many at once
        for second in (1..25).chain([0]) {
            let came = shop.run("payment.callback", share(second)).await;
            assert_eq!(came.record.verdict, Verdict::Applied, "{second}");
        }
        assert_eq!(shop.order("o-1").refunded, 250, "{kept} are kept");
        for second in 0..25 {
            let again = shop.run("payment.callback", share(second)).await;
            assert_eq!(again.record.verdict, Verdict::Stale, "{second}, {kept} are kept");
        }
        // a failure is no share: one of the same time counts
        let mut failed = said("o-1", "refund_failed a r-1");
        failed["occurred_at"] = json!("2026-01-01T00:00:25Z");
        shop.run("payment.callback", failed).await;
        // the rest comes, all of it bounces and is asked for again: then none of them is known
        for second in 25..29 {
            shop.run("payment.callback", share(second)).await;
        }
        assert_eq!(shop.order("o-1").refunded, 290);
        shop.run("payment.callback", said("o-1", "refund_failed a r-1 later")).await;
        assert_eq!(shop.order("o-1").refunded, 0);
        request(&mut shop, 290).await;
        let answer = shop.run("payment.callback", share(3)).await;
        assert_eq!(answer.record.verdict, Verdict::Applied, "it answers the new request");
        assert_eq!(shop.order("o-1").refunded, 10);
        shop.check_balance();
    }
}

#[actix::test]
async fn a_refund_id_on_a_callback_of_another_kind_means_nothing() {
    let history = ["captured z 300 #1", "refund_succeeded x 10 r-1", "action_required x"];
    let mut shop = order_that_keeps(0, &history).await;
    for number in 0..MOST_ENDED {
        shop.run("payment.callback", said("o-1", &format!("failed f-{number}"))).await;
    }
    // there are too many now: x, the oldest, is counted and dropped
    shop.run("payment.callback", said("o-1", "failed x r-1")).await;
    let captured = shop.run("payment.callback", said("o-1", "captured x 50 #1")).await;
    assert_eq!(parts(&captured), ["1 x 40", "2 z 10"], "10 of x was sent back");
    shop.check_balance();
}
