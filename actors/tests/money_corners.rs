//! Corners of the money of an order, a row or a test each: what went back of a sold order, results of refunds that come again or
//! name another order, attempts that go on after they ended.

mod support;

use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::tables;
use orderly_domain::order::Status;
use orderly_domain::payment::{AttemptState, MOST_ENDED, Payments, RefundState};
use orderly_domain::verdict::{Detail, Verdict};
use rstest::rstest;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use support::{Shop, place, said, verdict};

const APPLIED: (Verdict, Option<&str>) = (Verdict::Applied, None);
const STALE: (Verdict, Option<&str>) = (Verdict::Stale, None);

/// An order of that total after these steps.
async fn order_of(total: i64, steps: &[&str]) -> Shop {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, total)])).await;
    for step in steps {
        happens(&mut shop, step).await;
    }
    shop
}

/// A command of a person, an answer of the providers, or a callback.
async fn happens(shop: &mut Shop, step: &str) -> Arc<JournalEntry> {
    let decide = |decision: &str| json!({"order_id": "o-1", "decision": decision});
    let words: Vec<_> = step.split(' ').collect();
    match words[..] {
        ["order.cancel" | "order.complete"] => shop.run(step, json!({"order_id": "o-1"})).await,
        ["return"] => shop.run("order.resolve", decide("return")).await,
        ["accept", "without", amount] => {
            let mut accept = decide("accept");
            accept["write_off"] = json!(amount.parse::<i64>().expect("is an amount"));
            shop.run("order.resolve", accept).await
        }
        ["request", id, amount] => {
            let amount: i64 = amount.parse().expect("is an amount");
            let request = json!({"order_id": "o-1", "refund_id": id, "amount": amount});
            shop.run("refund.request", request).await
        }
        ["goods", "come", "back"] => {
            let restock = json!([{"sku": "tea", "quantity": 1}]);
            let request =
                json!({"order_id": "o-1", "refund_id": "w-0", "amount": 0, "restock": restock});
            shop.run("refund.request", request).await
        }
        ["it", "went", "back"] => {
            let pending = shop.refunds("o-1").into_iter();
            let [refund] = &pending
                .filter(|refund| refund.state == RefundState::Requested)
                .collect::<Vec<_>>()[..]
            else {
                panic!("not one refund is pending");
            };
            let attempt = refund.attempt.as_ref().expect("is of an attempt");
            let text = format!("refund_succeeded {attempt} {} {}", refund.amount, refund.id);
            shop.run("payment.callback", said("o-1", &text)).await
        }
        ["it", "bounced"] => {
            let refund = shop.refunds("o-1").pop().expect("there is a refund");
            let attempt = refund.attempt.as_ref().expect("is of an attempt");
            let text = format!("refund_failed {attempt} {} later", refund.id);
            shop.run("payment.callback", said("o-1", &text)).await
        }
        _ => shop.run("payment.callback", said("o-1", step)).await,
    }
}

/// The status of a sold order after money went back.
#[rstest]
// of a free order all money is somebody else's
#[case::free(0, &["captured a 100 #1", "it went back"], Status::Paid)]
#[case::free_and_handed_over(0, &["order.complete", "captured a 100 #1", "it went back"], Status::Completed)]
#[case::free_and_unasked(0, &["captured a 100 #1", "refund_succeeded a 100 r-9"], Status::Paid)]
#[case::free_and_bounced(0, &["captured a 100 #1", "it went back", "it bounced"], Status::Paid)]
#[case::free_and_all_goods_came_back(0, &["goods come back", "captured a 100 #1", "it went back"], Status::Refunded)]
#[case::free_all_goods_and_bounced(0, &["goods come back", "captured a 100 #1", "it went back", "it bounced"], Status::Refunded)]
// the shop let a part go, and that came all the same: it was money of the order
#[case::let_go(500, &["captured a 300 #1", "accept without 200", "captured b 200 #1", "request r-1 200", "it went back"], Status::PartiallyRefunded)]
#[case::let_go_and_bounced(500, &["captured a 300 #1", "accept without 200", "captured b 200 #1", "request r-1 200", "it went back", "it bounced"], Status::Paid)]
#[case::more_than_the_total(500, &["captured a 300 #1", "accept without 200", "captured b 300 #1", "it went back"], Status::Paid)]
#[case::all_that_came(500, &["captured a 300 #1", "accept without 200", "request r-1 300", "it went back"], Status::Refunded)]
#[case::a_surplus(500, &["captured a 500 #1", "captured b 500 #1", "it went back"], Status::Paid)]
#[case::a_part(500, &["captured a 500 #1", "request r-1 100", "it went back"], Status::PartiallyRefunded)]
#[case::all(500, &["captured a 500 #1", "request r-1 500", "it went back"], Status::Refunded)]
#[actix::test]
async fn what_went_back_of_a_sold_order(
    #[case] total: i64,
    #[case] steps: &[&str],
    #[case] expected: Status,
) {
    let mut shop = order_of(total, steps).await;
    assert_eq!(shop.status("o-1"), expected);
    shop.check_balance();
    if expected == Status::Paid {
        assert_eq!(verdict(&happens(&mut shop, "order.complete").await), APPLIED);
    }
}

#[actix::test]
async fn a_failure_of_the_same_time_is_known_and_does_not_fail_the_next_try() {
    let mut shop = order_of(500, &["captured a 500 #1", "request r-1 500"]).await;
    assert_eq!(verdict(&happens(&mut shop, "refund_failed a r-1").await), APPLIED);
    happens(&mut shop, "request r-1 500").await;
    for text in ["refund_failed a r-1", "refund_failed a r-1 earlier"] {
        assert_eq!(verdict(&happens(&mut shop, text).await), STALE, "{text}");
        assert_eq!(shop.pending_refunds("o-1"), [("EUR", 500)], "{text}");
    }
    assert_eq!(verdict(&happens(&mut shop, "refund_failed a r-1 later").await), APPLIED);
    assert_eq!(shop.pending_refunds("o-1"), []);
}

#[actix::test]
async fn money_that_came_back_after_the_authorization_was_lost_pays_in_part() {
    let mut shop = Shop::stocked(&[("tea", 1)]).await;
    let mut placing = place("o-1", &[("tea", 1, 500)]);
    placing["confirm_on"] = json!("authorization");
    shop.run("order.place", placing).await;
    for (step, status) in [
        ("authorized a 500", Status::Authorized),
        ("captured a 100 #1", Status::Authorized),
        ("refund_succeeded a 100 r-1", Status::AwaitingPayment),
        ("voided a later", Status::AwaitingPayment),
        ("refund_failed a r-1 later", Status::PartiallyPaid),
    ] {
        happens(&mut shop, step).await;
        assert_eq!(shop.status("o-1"), status, "{step}");
        shop.check_balance();
    }
    assert_eq!(shop.order("o-1").net(), 100);
    // as after every part of the money, the hold goes on to its cap, and then the part is asked back
    shop.pass(Duration::from_secs(30 * 60)).await;
    assert_eq!(shop.status("o-1"), Status::PartiallyPaid);
    shop.pass(Duration::from_secs(2 * 3600)).await;
    assert_eq!(shop.status("o-1"), Status::RefundDue);
    assert_eq!(shop.pending_refunds("o-1"), [("EUR", 100)]);
}

/// An attempt that ended is authorized after all: whether its money is given back.
#[rstest]
#[case::paid(&["captured b 500 #1"], "authorized a 500 later", true)]
#[case::completed(&["captured b 500 #1", "order.complete"], "authorized a 500 later", true)]
#[case::refunded(&["captured b 500 #1", "request r-1 500", "it went back"], "authorized a 500 later", true)]
#[case::cancelled(&["order.cancel"], "authorized a 500 later", true)]
#[case::refund_due(&["captured b 100 #1", "order.cancel"], "authorized a 500 later", true)]
// it was gone when the attempt ended
#[case::before_its_end(&["order.cancel"], "authorized a 500 earlier", false)]
#[case::at_its_end(&["order.cancel"], "authorized a 500", false)]
// the order may need it, and the attempt does not come back to life
#[case::awaited(&[], "authorized a 500 later", false)]
#[case::reviewed(&["captured b 501 #1"], "authorized a 500 later", false)]
#[actix::test]
async fn an_authorization_of_an_attempt_that_ended(
    #[case] steps: &[&str],
    #[case] text: &str,
    #[case] is_voided: bool,
) {
    for end in ["failed a", "voided a", "expired a"] {
        let mut shop = order_of(500, &[&[end], steps].concat()).await;
        let state = |shop: &Shop| -> AttemptState {
            let known: Payments = shop.state(tables::ORDERS, "o-1").expect("has payments");
            known.attempts[0].state
        };
        let (before, status) = (state(&shop), shop.status("o-1"));
        let heard = happens(&mut shop, text).await;
        assert_eq!(verdict(&heard), if is_voided { APPLIED } else { STALE }, "{end}");
        assert_eq!(shop.count("payment.void_requested"), usize::from(is_voided), "{end}");
        assert_eq!((state(&shop), shop.status("o-1")), (before, status), "{end}");
        // once for each authorization
        assert_eq!(verdict(&happens(&mut shop, text).await), STALE, "{end}");
        assert_eq!(shop.count("payment.void_requested"), usize::from(is_voided), "{end}");
        shop.check_balance();
    }
}

#[actix::test]
async fn an_authorization_of_an_attempt_that_ended_and_is_only_counted() {
    let mut shop = order_of(500, &["authorized f-0 500"]).await;
    for number in 0..=MOST_ENDED {
        happens(&mut shop, &format!("failed f-{number} later")).await;
    }
    let known: Payments = shop.state(tables::ORDERS, "o-1").expect("has payments");
    assert_eq!(known.ended.failed, 1);
    happens(&mut shop, "order.cancel").await;
    for (text, expected, voids) in [
        ("authorized f-0 500", STALE, 0),
        ("authorized f-0 500 later", APPLIED, 1),
        ("authorized f-0 500 later", STALE, 1),
    ] {
        assert_eq!(verdict(&happens(&mut shop, text).await), expected, "{text}");
        assert_eq!(shop.count("payment.void_requested"), voids, "{text}");
    }
    shop.check_balance();
}

#[actix::test]
async fn what_was_captured_before_the_end_of_an_attempt_takes_nothing_of_what_is_authorized_later()
{
    for history in [
        ["authorized a 200 earlier", "captured a 200 #1 earlier", "voided a"],
        ["voided a", "captured a 200 #1 earlier", "authorized a 200 earlier"],
        ["captured a 200 #1 earlier", "voided a", "authorized a 200 earlier"],
    ] {
        let mut shop = Shop::stocked(&[("tea", 1)]).await;
        let mut placing = place("o-1", &[("tea", 1, 500)]);
        placing["confirm_on"] = json!("authorization");
        shop.run("order.place", placing).await;
        for step in history {
            happens(&mut shop, step).await;
        }
        happens(&mut shop, "authorized a 300 later").await;
        assert_eq!(shop.status("o-1"), Status::Authorized, "{history:?}: 200 and 300 are all");
        let asked = shop.run("order.capture", json!({"order_id": "o-1"})).await;
        assert_eq!(verdict(&asked), APPLIED);
        happens(&mut shop, "captured a 299 #2 later").await;
        let known: Payments = shop.state(tables::ORDERS, "o-1").expect("has payments");
        let euro = shop.order("o-1").currency;
        assert_eq!(known.attempts[0].open_amount(euro), 1, "{history:?}: what comes later counts");
        shop.check_balance();
    }
}

/// Two orders: `o-1` was paid by the attempt `pi`.
async fn two_orders() -> Shop {
    let mut shop = Box::pin(order_of(500, &["captured pi 500 #1"])).await;
    shop.run("order.place", place("o-2", &[("tea", 1, 500)])).await;
    shop
}

#[actix::test]
async fn what_happens_to_the_money_of_one_order_changes_no_other() {
    let mut shop = two_orders().await;
    for text in [
        "refund_succeeded pi 100 r-1",
        "refund_failed pi r-1",
        "dispute_opened pi d-1",
        "dispute_closed pi d-1 lost",
    ] {
        let other = shop.run("payment.callback", said("o-2", text)).await;
        let detail = Detail::Text("the attempt belongs to order o-1".to_owned());
        assert_eq!((verdict(&other), other.record.detail.clone()), (STALE, Some(detail)), "{text}");
        assert_eq!(shop.state::<Payments>(tables::ORDERS, "o-2"), None, "{text}");
        assert!(!shop.order("o-2").disputed);
    }
    for (text, disputed) in
        [("refund_succeeded pi 100 r-1", false), ("dispute_opened pi d-1", true)]
    {
        assert_eq!(verdict(&happens(&mut shop, text).await), APPLIED, "{text}");
        assert_eq!((shop.order("o-1").refunded, shop.order("o-1").disputed), (100, disputed));
    }
}

#[actix::test]
async fn an_order_with_money_of_an_attempt_hears_what_happens_to_it() {
    let mut shop = two_orders().await;
    // a capture is known by itself
    shop.run("payment.callback", said("o-2", "captured pi 200 #2")).await;
    let heard = shop.run("payment.callback", said("o-2", "refund_succeeded pi 50 r-2")).await;
    assert_eq!((verdict(&heard), shop.order("o-2").refunded), (APPLIED, 50));
    // what it heard of before the attempt belonged to the other order goes on
    let early = shop.run("payment.callback", said("o-2", "refund_succeeded px 10 r-3")).await;
    assert_eq!((verdict(&early), shop.order("o-2").refunded), (APPLIED, 60));
    shop.run("payment.callback", said("o-2", "dispute_opened px d-2")).await;
    happens(&mut shop, "captured px 500 #1").await;
    let bounced = shop.run("payment.callback", said("o-2", "refund_failed px r-3 later")).await;
    assert_eq!((verdict(&bounced), shop.order("o-2").refunded), (APPLIED, 50));
    let closed = shop.run("payment.callback", said("o-2", "dispute_closed px d-2 won")).await;
    assert_eq!((verdict(&closed), shop.order("o-2").disputed), (APPLIED, false));
    // a failure that was recorded is no money
    shop.run("payment.callback", said("o-2", "refund_failed py r-4")).await;
    happens(&mut shop, "captured py 500 #1").await;
    let other = shop.run("payment.callback", said("o-2", "refund_succeeded py 9 r-4")).await;
    assert_eq!((verdict(&other), shop.order("o-2").refunded), (STALE, 50));
    shop.check_balance();
}
