//! Random histories, processed by the shop and by the reference model (`orderly-model`), which is
//! written from the contract alone. After every step both must agree on verdicts, reasons, events,
//! money, stock, carts and notifications.
//!
//! ```sh
//! cargo test -p orderly-actors --test life_cycles                 # some hundred histories
//! PROPTEST_CASES=20000 cargo test -p orderly-actors --test life_cycles --release  # a night
//! ```
#![allow(unreachable_pub, reason = "the modules of a test are seen by nobody else")]

#[path = "life_cycles/mod.rs"]
mod life_cycles;
mod support;

use life_cycles::{
    ORDER, Pair, answers_in_two_orders, applied, asking_back, calm_orders, history, money_history,
    placing, placing_two, wild_orders,
};
use orderly_actors::order::LatePayment;
use orderly_domain::command::Kind;
use orderly_domain::event::Type;
use orderly_domain::order::{ConfirmOn, Status};
use orderly_domain::payment::MOST_KEPT;
use orderly_domain::verdict::{Reason, Verdict};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Debug;

/// Histories of an ordinary run, some 15 s of them; `PROPTEST_CASES` sets another number.
const CASES: u32 = 500;
/// How often so many histories are made at most, until each kind of event was among them.
const ROUNDS: usize = 4;

/// Everything that must happen in a run of that many histories: every command applied, every verdict, reason, status and
/// event. What follows is left out, since messages here are well-formed and fresh and no channel is driven.
fn expected() -> BTreeSet<String> {
    const LEFT_OUT: [&str; 7] = [
        "malformed",
        "unknown_type",
        "too_large",
        "deadline",
        "expired_identity",
        "notification.delivered",
        "notification.failed",
    ];
    let commands = Kind::ALL.iter().map(|kind| applied(kind.as_str()));
    let verdicts = Verdict::ALL.iter().map(|verdict| verdict.as_str());
    let reasons = Reason::ALL.iter().map(|reason| reason.as_str());
    let statuses = Status::ALL.iter().map(|status| status.as_str());
    let events = Type::ALL.iter().map(|kind| kind.as_str());
    let names = verdicts.chain(reasons).chain(statuses).chain(events);
    let names = names.filter(|name| !LEFT_OUT.contains(name)).map(str::to_owned);
    commands.chain(names).collect()
}

/// Tries `property` on many values; says which one it fails for, and why.
fn check<T: Debug>(values: impl Strategy<Value = T>, property: impl Fn(T) -> Result<(), String>) {
    check_cases(cases(), values, property);
}

fn check_cases<T: Debug>(
    cases: u32,
    values: impl Strategy<Value = T>,
    property: impl Fn(T) -> Result<(), String>,
) {
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    });
    let checked = runner.run(&values, |value| property(value).map_err(TestCaseError::fail));
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}

fn cases() -> u32 {
    let number = std::env::var("PROPTEST_CASES").ok();
    number.map_or(CASES, |number| number.parse().expect("PROPTEST_CASES is a number"))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    actix::System::new().block_on(future)
}

fn late_payment() -> impl Strategy<Value = LatePayment> {
    prop_oneof![3 => Just(LatePayment::Rehold), 1 => Just(LatePayment::Refund)]
}

fn confirm_on() -> impl Strategy<Value = ConfirmOn> {
    prop_oneof![3 => Just(ConfirmOn::Capture), 1 => Just(ConfirmOn::Authorization)]
}

/// What is folded changes nothing: as much as possible, all but a few, or nothing.
fn payments_kept() -> impl Strategy<Value = usize> {
    prop::sample::select(&[0, 1, 3, MOST_KEPT][..])
}

#[test]
fn the_shop_does_what_the_contract_says() {
    let seen = RefCell::new(BTreeSet::new());
    let expected = expected();
    let missing = || expected.difference(&seen.borrow()).cloned().collect::<Vec<_>>();
    // the rarest events happen in one history of a few hundred: when chance left one out, further histories are made
    for _ in 0..ROUNDS {
        let histories = (late_payment(), confirm_on(), payments_kept(), history());
        check(histories, |(late_payment, confirm_on, payments_kept, history)| {
            run(async {
                let mut pair = Pair::open(late_payment, confirm_on, payments_kept);
                let lived = pair.live(&history).await;
                seen.borrow_mut().append(&mut pair.seen);
                lived
            })
        });
        if missing().is_empty() || cases() < CASES {
            return;
        }
    }
    panic!("no history reached {:?}", missing());
}

#[test]
fn the_money_of_an_order_with_many_attempts_and_refunds_is_what_the_contract_says() {
    let histories = (confirm_on(), payments_kept(), placing_two(), money_history());
    check_cases(cases() / 4, histories, |(confirm_on, payments_kept, placing, history)| {
        run(async {
            let mut pair = Pair::open(LatePayment::Rehold, confirm_on, payments_kept);
            pair.live(&[]).await?;
            for order in placing {
                pair.send("order.place", order).await?;
            }
            for happens in &history {
                pair.step(happens).await?;
            }
            Ok(())
        })
    });
}

#[test]
fn callbacks_that_stay_within_the_total_come_to_the_same_in_any_order() {
    check(calm_orders(), |[first, second]| {
        let (first, second) = (run(outcome(&first, MOST_KEPT))?, run(outcome(&second, 1))?);
        let is_same =
            ["money", "stock", "authorized"].iter().all(|what| first[*what] == second[*what]);
        if is_same { Ok(()) } else { Err(format!("{first}\n{second}")) }
    });
}

#[test]
fn captures_with_ids_and_refunds_come_to_the_same_money_in_any_order() {
    check(wild_orders(), |[first, second]| {
        let (first, second) = (run(outcome(&first, MOST_KEPT))?, run(outcome(&second, 1))?);
        if first["money"] == second["money"] { Ok(()) } else { Err(format!("{first}\n{second}")) }
    });
}

#[test]
fn what_became_of_a_refund_comes_to_the_same_in_any_order() {
    check(answers_in_two_orders(), |[first, second]| {
        let came = |answers: &[Value], kept| run(answered(answers, kept));
        let (first, second) = (came(&first, MOST_KEPT)?, came(&second, 1)?);
        if first == second { Ok(()) } else { Err(format!("{first}\n{second}")) }
    });
}

/// What is seen of an order that is paid and asked back, after the results of that refund.
async fn answered(answers: &[Value], payments_kept: usize) -> Result<Value, String> {
    let mut pair = Pair::open(LatePayment::Rehold, ConfirmOn::Capture, payments_kept);
    pair.live(&[]).await?;
    pair.send("order.place", placing()).await?;
    for (kind, data) in asking_back() {
        pair.send(kind, data).await?;
    }
    for callback in answers {
        pair.send("payment.callback", callback.clone()).await?;
    }
    Ok(seen(&pair))
}

/// What is seen of an order after its callbacks, in a shop of their own.
async fn outcome(callbacks: &[Value], payments_kept: usize) -> Result<Value, String> {
    let mut pair = Pair::open(LatePayment::Rehold, ConfirmOn::Capture, payments_kept);
    pair.live(&[]).await?;
    pair.send("order.place", placing()).await?;
    for callback in callbacks {
        pair.send("payment.callback", callback.clone()).await?;
    }
    Ok(seen(&pair))
}

/// The money, the stock and the authorizations of the order.
fn seen(pair: &Pair) -> Value {
    let order = pair.shop.order(ORDER);
    let stock = ["cup", "pot"].map(|sku| pair.shop.stock(sku));
    let model = pair.model.order(ORDER).expect("it is placed");
    let refunds = model.refunds.iter().map(|one| json!([one.id, one.state, one.sent_back]));
    json!({
        "money": [order.paid, order.refunded, order.disputed],
        "stock": stock,
        "authorized": model.authorized,
        "status": order.status,
        "refunds": refunds.collect::<Vec<_>>(),
    })
}
