//! A dry run of a command says what the command then does, and keeps nothing.

mod support;

use orderly_domain::verdict::{Reason, Verdict};
use serde_json::json;
use support::{Shop, captured, inbound, place, stock};

#[actix::test]
async fn a_dry_run_of_a_command_says_what_the_command_then_does_and_keeps_nothing() {
    let mut shop = Shop::open();
    let commands = [
        ("stock.set", "c-1", stock("tea", 3), Verdict::Applied),
        ("stock.set", "c-1", stock("tea", 3), Verdict::Duplicate),
        ("stock.set", "c-1", stock("tea", 4), Verdict::Conflict),
        ("stock.set", "c-2", json!({"sku": "tea"}), Verdict::Invalid),
        ("stock.sett", "c-3", json!({}), Verdict::Invalid),
        ("payment.callback", "c-4", captured("o-1", "e-1", 500), Verdict::Waiting),
        ("order.place", "c-5", place("o-2", &[("tea", 9, 500)]), Verdict::Rejected),
        ("order.place", "c-6", place("o-1", &[("tea", 1, 500)]), Verdict::Applied),
        ("payment.callback", "c-7", captured("o-1", "e-1", 500), Verdict::Duplicate),
        ("payment.callback", "c-8", captured("o-1", "e-2", 1), Verdict::Applied),
        ("order.complete", "c-9", json!({"order_id": "o-1"}), Verdict::Applied),
    ];
    for (kind, id, data, wanted) in commands {
        let message = inbound(kind, id, &data);
        let before = (shop.dump(), shop.timers());
        for _ in 0..2 {
            let tried = shop.sequencer.try_run(&message).await.expect("the store works");
            assert_eq!(tried.record.verdict, wanted, "{kind} {id}");
            assert_eq!((shop.dump(), shop.timers()), before, "{kind} {id}");
        }
        let tried = shop.sequencer.try_run(&message).await.expect("the store works");
        let done = shop.send(kind, id, data).await;
        assert_eq!(tried.record, done.record, "{kind} {id}");
        assert_eq!(tried.seq, done.seq, "{kind} {id}");
    }
    shop.check_balance();
}

#[actix::test]
async fn a_command_that_panics_would_fail_and_the_next_one_is_untouched() {
    let mut shop = Shop::stocked(&[("tea", 3)]).await;
    fail::cfg("order:o-panic", "2*panic").expect("a failpoint");
    let message = inbound("order.place", "c-1", &place("o-panic", &[("tea", 1, 500)]));
    let before = shop.dump();
    let tried = shop.sequencer.try_run(&message).await.expect("the store works");
    assert_eq!(
        (tried.record.verdict, tried.record.reason.map(Reason::as_str)),
        (Verdict::Failed, Some("failed"))
    );
    assert_eq!(shop.dump(), before);
    let done = shop.send("order.place", "c-1", place("o-panic", &[("tea", 1, 500)])).await;
    assert_eq!(done.record.verdict, Verdict::Applied);
    assert_eq!(shop.stock("tea"), (3, 1));
    shop.check_balance();
}
