//! Refunds: results that providers report, and requests in parts.

use super::*;
use crate::id::{CaptureId, RefundId};
use crate::payment::{MOST_ASKED, Refund, RefundPart};
use rstest::rstest;

const REFUNDED: CallbackEffect =
    CallbackEffect::Refunded { amount: 200, early: false, part: Progress::First };
const AT_ANOTHER: CallbackEffect =
    CallbackEffect::Refunded { amount: 200, early: false, part: Progress::Further };

#[rstest]
#[case(&[], "refund_succeeded a 200 r1", REFUNDED)]
// a refund is its provider's and its attempt's own
#[case(&["refund_succeeded a 200 r1"], "refund_succeeded a 200 r1 @other", AT_ANOTHER)]
#[case(&["refund_succeeded a 200 r1"], "refund_succeeded b 200 r1", AT_ANOTHER)]
#[case(&["captured a 500 USD"], "refund_succeeded a 200 r1 USD", CallbackEffect::RefundedInOtherCurrency { is_too_much: false, part: Progress::First })]
#[case(&["captured a 500 USD"], "refund_succeeded a 501 r1 USD", CallbackEffect::RefundedInOtherCurrency { is_too_much: true, part: Progress::First })]
// it bounced, if it failed later than it succeeded
#[case(&["refund_succeeded a 200 r1 m5"], "refund_failed a r1 m6", CallbackEffect::Bounced { amount: 200, early: true })]
#[case(&["refund_succeeded a 200 r1 m5"], "refund_failed a r1 m5", CallbackEffect::Stale)]
#[case(&["refund_succeeded a 200 r1 m5"], "refund_failed a r1 m4", CallbackEffect::Stale)]
#[case(&["refund_succeeded a 200 r1 m5"], "refund_failed a r1 m6 @other", CallbackEffect::Stale)]
#[case(&["refund_succeeded a 200 r1 m5", "refund_succeeded a 200 r1 m7"], "refund_failed a r1 m6", CallbackEffect::Stale)]
// of its outcomes the one that occurred last decides
#[case(&["refund_succeeded a 200 r1 m2", "refund_failed a r1 m5"], "refund_succeeded a 200 r1 m2", CallbackEffect::Stale)]
#[case(&["refund_succeeded a 200 r1 m2", "refund_failed a r1 m5"], "refund_succeeded a 200 r1 m4", CallbackEffect::Stale)]
#[case(&["refund_succeeded a 200 r1 m2", "refund_failed a r1 m5"], "refund_succeeded a 200 r1 m5", REFUNDED)]
#[case(&["refund_succeeded a 200 r1 m2", "refund_failed a r1 m5"], "refund_succeeded a 200 r1 m6", REFUNDED)]
#[case(&["refund_failed a r1 m5"], "refund_succeeded a 200 r1 m4", CallbackEffect::Stale)]
#[case(&["refund_failed a r1 m5"], "refund_succeeded a 200 r1 m5", REFUNDED)]
#[case(&["refund_succeeded a 200 r1 m5 USD"], "refund_failed a r1 m6", CallbackEffect::BouncedInOtherCurrency)]
#[case(&["refund_succeeded a 200 r1"], "refund_succeeded a 200 r1", CallbackEffect::Stale)]
#[case(&["refund_succeeded a 200 r1"], "refund_succeeded a 200 r2", REFUNDED)]
#[case(&[], "refund_succeeded a 200 r1 USD", CallbackEffect::RefundedInOtherCurrency { is_too_much: true, part: Progress::First })]
#[case(&[], "refund_failed a r1", CallbackEffect::Stale)]
#[case(&["refund_succeeded a 200 r1"], "refund_failed a r1", CallbackEffect::Stale)]
fn refunds(#[case] history: &[&str], #[case] text: &str, #[case] expected: CallbackEffect) {
    assert_eq!(effect(history, text, Phase::Sold), expected);
}

/// A refund of 300 that was asked for, after what its provider says: its state, what was sent back of how much.
#[rstest]
#[case(&[], "requested 0/300")]
#[case(&["refund_succeeded a 300 r1 m1"], "succeeded 300/300")]
// shares add up, each by its time
#[case(&["refund_succeeded a 100 r1 m1"], "requested 100/300")]
#[case(&["refund_succeeded a 100 r1 m1", "refund_succeeded a 100 r1 m1"], "requested 100/300")]
#[case(&["refund_succeeded a 100 r1 m1", "refund_succeeded a 200 r1 m2"], "succeeded 300/300")]
#[case(&["refund_succeeded a 200 r1 m2", "refund_succeeded a 100 r1 m1"], "succeeded 300/300")]
#[case(&["refund_succeeded a 200 r1 m1", "refund_succeeded a 200 r1 m2"], "succeeded 400/400")]
// all of it came: nothing more does
#[case(&["refund_succeeded a 300 r1 m1", "refund_succeeded a 100 r1 m2"], "succeeded 300/300")]
// in another currency it is no share of what was asked for
#[case(&["refund_succeeded a 100 r1 m1", "refund_succeeded a 9 r1 m2 USD"], "requested 100/300")]
#[case(&["refund_succeeded a 9 r1 m2 USD"], "succeeded 9/9")]
// what is left fails, and may come all the same
#[case(&["refund_failed a r1 m5"], "failed 0/300")]
#[case(&["refund_succeeded a 100 r1 m1", "refund_failed a r1 m5"], "failed 100/300")]
#[case(&["refund_failed a r1 m5", "refund_succeeded a 100 r1 m1"], "failed 100/300")]
#[case(&["refund_succeeded a 100 r1 m1", "refund_failed a r1 m5", "refund_succeeded a 50 r1 m6"], "requested 150/300")]
#[case(&["refund_succeeded a 100 r1 m1", "refund_succeeded a 200 r1 m3", "refund_failed a r1 m2"], "succeeded 300/300")]
#[case(&["refund_failed a r1 m2", "refund_succeeded a 100 r1 m1", "refund_succeeded a 200 r1 m3"], "succeeded 300/300")]
#[case(&["refund_succeeded a 200 r1 m3", "refund_failed a r1 m2", "refund_succeeded a 100 r1 m1"], "succeeded 300/300")]
// all of it came, and bounced
#[case(&["refund_succeeded a 100 r1 m1", "refund_succeeded a 200 r1 m3", "refund_failed a r1 m5"], "failed 0/300")]
#[case(&["refund_succeeded a 100 r1 m1", "refund_failed a r1 m5", "refund_succeeded a 200 r1 m3"], "failed 0/300")]
#[case(&["refund_succeeded a 300 r1 m1", "refund_succeeded a 300 r1 m4", "refund_failed a r1 m3"], "succeeded 300/300")]
#[case(&["refund_failed a r1 m5", "refund_failed a r1 m2", "refund_succeeded a 300 r1 m4"], "failed 0/300")]
#[case(&["refund_failed a r1 m5", "asked again", "refund_failed a r1 m5"], "requested 0/300")]
#[case(&["refund_failed a r1 m5", "asked again", "refund_failed a r1 m4"], "requested 0/300")]
#[case(&["refund_failed a r1 m5", "asked again", "refund_failed a r1 m6"], "failed 0/300")]
fn what_came_of_a_refund(#[case] history: &[&str], #[case] expected: &str) {
    let mut payments = after(&["captured a 500"]);
    request_of(&mut payments, "1", 300, false);
    for text in history {
        match *text {
            "asked again" => drop(request_of(&mut payments, "1", 300, false)),
            text => drop(take(&mut payments, text)),
        }
    }
    let refund = &payments.refunds[0];
    let said = format!("{} {}/{}", refund.state, refund.sent_back(), refund.amount);
    assert_eq!((said.as_str(), payments.refunds.len()), (expected, 1));
    if refund.currency == euro() {
        let gone = refund.sent_back() + refund.pending();
        assert_eq!(refundable(&payments, euro()), 500 - gone);
    }
}

#[test]
fn how_much_bounced() {
    let mut payments = after(&["captured a 500"]);
    request_of(&mut payments, "1", 300, false);
    take(&mut payments, "refund_succeeded a 100 r1 m1");
    take(&mut payments, "refund_succeeded a 200 r1 m3");
    let bounced = |amount| CallbackEffect::Bounced { amount, early: false };
    for minute in [2, 3] {
        let failed = format!("refund_failed a r1 m{minute}");
        assert_eq!(take(&mut payments, &failed), CallbackEffect::Stale, "a success was later");
    }
    assert_eq!(take(&mut payments, "refund_failed a r1 m4"), bounced(300));
    // a share that is heard of late tells that all had come when it failed
    request_of(&mut payments, "2", 100, false);
    take(&mut payments, "refund_succeeded a 60 r2 m1");
    assert_eq!(take(&mut payments, "refund_failed a r2 m3"), CallbackEffect::RefundFailed);
    assert_eq!(take(&mut payments, "refund_succeeded a 40 r2 m2"), bounced(60));
}

#[test]
fn what_is_left_of_a_part_is_asked_for_again() {
    let mut payments = after(&["captured a 500"]);
    request_of(&mut payments, "1", 300, false);
    take(&mut payments, "refund_succeeded a 100 r1 m1");
    take(&mut payments, "refund_failed a r1 m2");
    assert_eq!(refundable(&payments, euro()), 400);
    assert_eq!(attention(&payments, euro()), [Attention::RefundFailed(euro(), 200)]);
    assert_eq!(request_of(&mut payments, "1", 250, false), "refund_exists");
    assert_eq!(request_of(&mut payments, "1", 200, false), "a 200 1/1 2");
    assert_eq!(refundable(&payments, euro()), 200);
    assert_eq!(take(&mut payments, "refund_succeeded a 200 r1 m3"), {
        CallbackEffect::Refunded { amount: 200, early: false, part: Progress::First }
    });
    assert_eq!((payments.refunds[0].amount, payments.refunds[0].sent_back()), (300, 300));
}

#[test]
fn what_is_known_of_a_failure_stays_known_when_it_is_asked_for_again() {
    let mut payments = after(&["captured a 600", "captured b 400"]);
    request_of(&mut payments, "1", 1000, false);
    take(&mut payments, "refund_failed a r1 m5");
    take(&mut payments, "refund_failed b r1 m5");
    // anew, of one attempt only
    assert_eq!(request_of(&mut payments, "1", 300, false), "b 300 1/1 2");
    for text in ["refund_failed b r1 m4", "refund_succeeded a 600 r1 m4"] {
        assert_eq!(take(&mut payments, text), CallbackEffect::Stale, "{text}");
    }
    assert_eq!(refundable(&payments, euro()), 700);
    // a success answers the new request, whatever its time
    assert_eq!(take(&mut payments, "refund_succeeded b 300 r1 m4"), {
        CallbackEffect::Refunded { amount: 300, early: false, part: Progress::First }
    });
    // the other attempt sends money back after all, though nobody asked
    assert_eq!(take(&mut payments, "refund_succeeded a 9 r1 m7"), {
        CallbackEffect::Refunded { amount: 9, early: false, part: Progress::Further }
    });
}

#[test]
fn a_refund_of_which_only_a_failure_is_known_may_be_asked_for() {
    let mut payments = after(&["captured a 600", "captured b 400"]);
    assert_eq!(take(&mut payments, "refund_failed a r1 m5"), CallbackEffect::Stale);
    assert_eq!((payments.refunds[0].amount, payments.refunds[0].failed_at.is_some()), (0, true));
    assert_eq!(attention(&payments, euro()), []);
    assert_eq!(request_of(&mut payments, "1", 700, false), "b 400 1/2 1, a 300 2/2 1");
    assert_eq!(take(&mut payments, "refund_failed a r1 m4"), CallbackEffect::Stale);
    assert_eq!(payments.refunds.len(), 2);
}

#[test]
fn many_shares_of_one_refund_take_little_room() {
    let mut payments = after(&["captured a 5000"]);
    request_of(&mut payments, "1", 5000, false);
    let mut dropped = Vec::new();
    for minute in 0..59 {
        let heard = callback(&format!("refund_succeeded a 10 r1 m{minute}"));
        let (_, change) = decide(&payments, &heard, euro(), Phase::Sold);
        let change = change.expect("is news");
        dropped.extend(drop_share(&payments, &heard, &change));
        apply(&mut payments, change);
        assert_eq!(has_summed_up(&payments, &heard), minute >= 19);
    }
    let times = dropped.iter().map(|name| match name {
        KnownByName::Share(_, _, _, at) => (at.micros() / 60_000_000) % 60,
        other => panic!("{other:?} is no share"),
    });
    assert_eq!(times.collect::<Vec<_>>(), (0..39).collect::<Vec<_>>(), "known by their names");
    let refund = &payments.refunds[0];
    assert_eq!((refund.sent_back(), refund.successes.len()), (590, 20));
    assert_eq!(take(&mut payments, "refund_succeeded a 10 r1 m58"), CallbackEffect::Stale);
}

/// What is asked for, a part each: `attempt amount part/parts try`. Or why nothing is.
fn request_of(payments: &mut Payments, id: &str, amount: i64, restocks: bool) -> String {
    let id = RefundId::new(id).expect("is an id");
    match request(payments, &id, amount, euro(), restocks) {
        Ok(parts) => parts.iter().map(part).collect::<Vec<_>>().join(", "),
        Err(refusal) => refusal.reason.to_string(),
    }
}

fn part(refund: &Refund) -> String {
    let RefundPart { part, parts, tries } = refund.request.expect("is asked for");
    let attempt = refund.attempt.as_ref().expect("is of an attempt");
    format!("{attempt} {} {part}/{parts} {tries}", refund.pending())
}

#[test]
fn what_is_sent_back_unasked_is_early_unless_the_order_was_sold() {
    for phase in PHASES {
        let expected = CallbackEffect::Refunded {
            amount: 200,
            early: phase != Phase::Sold,
            part: Progress::First,
        };
        assert_eq!(effect(&[], "refund_succeeded a 200 r1", phase), expected, "{phase:?}");
    }
    let mut asked = after(&["captured a 500"]);
    request_of(&mut asked, "1", 200, false);
    let succeeded = callback("refund_succeeded a 200 r1");
    let (effect, _) = decide(&asked, &succeeded, euro(), Phase::Unsold);
    assert_eq!(effect, REFUNDED, "it was asked for");
}

#[test]
fn each_attempt_is_asked_for_the_part_that_it_holds() {
    let mut payments =
        after(&["captured a 600 #1", "captured b 400 #1", "captured b 70 USD", "captured c 9 USD"]);
    let mut ask = |id, amount| request_of(&mut payments, id, amount, false);
    assert_eq!(ask("1", 100), "b 100 1/1 1", "the newest first");
    assert_eq!(ask("2", 500), "b 300 1/2 1, a 200 2/2 1", "none above what it still holds");
    assert_eq!(ask("3", 400), "a 400 1/1 1");
    assert_eq!(ask("4", 1), "refund_exceeds_paid");
    let capture = |place: usize| capture_of(&payments, &payments.refunds[place]);
    assert_eq!(capture(0), None, "it has two captures");
    assert_eq!(capture(2), Some(CaptureId::new("1").expect("is an id")));
}

#[test]
fn only_the_parts_that_failed_are_asked_for_again() {
    let mut payments = after(&["captured a 600", "captured b 400"]);
    assert_eq!(request_of(&mut payments, "1", 1000, false), "b 400 1/2 1, a 600 2/2 1");
    assert_eq!(take(&mut payments, "refund_failed b r1"), CallbackEffect::RefundFailed);
    let ask = |payments: &mut Payments, amount| request_of(payments, "1", amount, false);
    assert_eq!(ask(&mut payments, 300), "refund_exists", "400 of it failed");
    assert_eq!(ask(&mut payments, 1000), "b 400 1/2 2", "the other part is pending");
    assert_eq!(ask(&mut payments, 400), "refund_exists", "all of it is pending");
    assert_eq!(take(&mut payments, "refund_failed b r1 m1"), CallbackEffect::RefundFailed);
    assert_eq!(ask(&mut payments, 400), "b 400 1/2 3");
    take(&mut payments, "refund_succeeded b 400 r1 m5");
    take(&mut payments, "refund_succeeded a 600 r1 m5");
    assert_eq!(ask(&mut payments, 400), "refund_exists", "all of it succeeded");
    // it bounces
    take(&mut payments, "refund_failed a r1 m6");
    assert_eq!(ask(&mut payments, 600), "a 600 2/2 2");
}

#[test]
fn a_refund_that_failed_as_a_whole_may_be_asked_for_with_another_amount() {
    let mut payments = after(&["captured a 600", "captured b 400"]);
    assert_eq!(request_of(&mut payments, "1", 1000, false), "b 400 1/2 1, a 600 2/2 1");
    take(&mut payments, "refund_failed a r1");
    take(&mut payments, "refund_failed b r1");
    assert_eq!(request_of(&mut payments, "1", 300, false), "b 300 1/1 2");
    let amounts: Vec<_> = payments.refunds.iter().map(|refund| refund.amount).collect();
    assert_eq!(amounts, [300, 0], "the new part replaces both; of a it is known that it failed");
    // what a sends back after all is behind the part that was asked for, which keeps its number
    take(&mut payments, "refund_succeeded a 9 r1 m7");
    take(&mut payments, "refund_failed b r1 m8");
    assert_eq!(request_of(&mut payments, "1", 300, false), "b 300 1/2 3");
}

#[test]
fn an_id_that_a_provider_used_by_itself_is_taken_until_that_refund_bounces() {
    let mut payments = after(&["captured a 600", "captured b 400 @other"]);
    take(&mut payments, "refund_succeeded a 100 r1 m1");
    assert_eq!(request_of(&mut payments, "1", 400, false), "refund_exists");
    take(&mut payments, "refund_failed a r1 m2");
    assert_eq!(request_of(&mut payments, "1", 100, false), "a 100 1/1 1");
}

#[test]
fn a_part_is_asked_for_again_only_of_an_attempt_that_still_holds_it() {
    let mut payments = after(&["captured a 600", "captured b 400"]);
    assert_eq!(request_of(&mut payments, "1", 1000, false), "b 400 1/2 1, a 600 2/2 1");
    take(&mut payments, "refund_failed b r1");
    take(&mut payments, "refund_succeeded a 600 r1");
    // the provider refunds by itself what it failed to refund before
    take(&mut payments, "refund_succeeded b 300 r2");
    assert_eq!(request_of(&mut payments, "1", 400, false), "refund_exceeds_paid");
    assert_eq!(request_of(&mut payments, "3", 100, false), "b 100 1/1 1");
}

#[test]
fn goods_without_money_are_a_refund_of_nothing() {
    let mut payments = after(&[]);
    assert_eq!(request_of(&mut payments, "1", 0, true), "");
    let refund = &payments.refunds[0];
    assert_eq!((refund.amount, refund.state, refund.restocked), (0, RefundState::Succeeded, true));
    assert_eq!(request_of(&mut payments, "1", 0, true), "refund_exists");
}

#[test]
fn a_requested_refund_fails_once_and_may_still_succeed() {
    let mut payments = after(&["captured a 500"]);
    request_of(&mut payments, "1", 150, false);
    for (text, expected, state) in [
        ("refund_failed a r1", CallbackEffect::RefundFailed, RefundState::Failed),
        ("refund_failed a r1", CallbackEffect::Stale, RefundState::Failed),
        ("refund_succeeded a 200 r1", REFUNDED, RefundState::Succeeded),
        ("refund_succeeded a 200 r1", CallbackEffect::Stale, RefundState::Succeeded),
        ("refund_failed a r1", CallbackEffect::Stale, RefundState::Succeeded),
    ] {
        let (effect, change) = decide(&payments, &callback(text), euro(), Phase::Sold);
        if let Some(change) = change {
            apply(&mut payments, change);
        }
        assert_eq!(effect, expected, "{text}");
        assert_eq!(payments.refunds.len(), 1);
        assert_eq!(payments.refunds[0].state, state);
    }
    assert_eq!(payments.refunds[0].amount, 200, "what arrived counts, not what was asked for");
}

#[test]
fn what_is_pending_is_not_there_to_be_asked_back_again() {
    let mut payments = after(&["captured a 500", "captured b 70 USD"]);
    let mut ask = |id, amount| request_of(&mut payments, id, amount, false);
    assert_eq!(ask("1", 501), "refund_exceeds_paid");
    assert_eq!(ask("1", 300), "a 300 1/1 1");
    assert_eq!(ask("1", 1), "refund_exists");
    assert_eq!(ask("2", 201), "refund_exceeds_paid");
    assert_eq!(ask("2", 200), "a 200 1/1 1");
    assert_eq!(ask("3", 1), "refund_exceeds_paid");
}

#[test]
fn a_failed_refund_may_be_asked_for_again_and_restocks_once() {
    let mut payments = after(&["captured a 500"]);
    assert_eq!(request_of(&mut payments, "1", 300, true), "a 300 1/1 1");
    let one = RefundId::new("1").expect("is an id");
    for tries in 2..4 {
        take(&mut payments, &format!("refund_failed a r1 m{tries}"));
        assert!(was_restocked(&payments, &one));
        assert_eq!(request_of(&mut payments, "1", 400, false), format!("a 400 1/1 {tries}"));
        assert!(payments.refunds[0].restocked);
    }
    take(&mut payments, "refund_succeeded a 400 r1");
    assert_eq!(request_of(&mut payments, "1", 1, true), "refund_exists");
    assert_eq!((payments.refunds.len(), refundable(&payments, euro())), (1, 100));
}

#[test]
fn more_went_back_than_came_and_nothing_is_left_to_ask_for() {
    let payments = after(&["captured a 500", "refund_succeeded a 700 r1"]);
    assert_eq!(refundable(&payments, euro()), 0);
}

#[test]
fn money_in_other_currencies_is_asked_back_once_in_each() {
    let mut payments = after(&["captured a 500", "captured b 70 USD", "captured c 5 USD"]);
    let dollars = Currency::from_code("USD").expect("is a currency");
    let all = refundable_other_currencies(&payments, euro());
    assert_eq!(all, [OtherCurrency { currency: dollars, captured: 75, amount: 75 }]);

    let id = RefundId::new("r").expect("is an id");
    let parts = request_by_itself(&mut payments, &id, (75, dollars), MOST_ASKED);
    assert_eq!(parts.iter().map(part).collect::<Vec<_>>(), ["c 5 1/2 1", "b 70 2/2 1"]);
    assert_eq!(refundable_other_currencies(&payments, euro()), []);

    let (_, change) = decide(&payments, &callback("captured d 9 USD"), euro(), Phase::Sold);
    apply(&mut payments, change.expect("is news"));
    let more = refundable_other_currencies(&payments, euro());
    assert_eq!(more, [OtherCurrency { currency: dollars, captured: 84, amount: 9 }]);
}
