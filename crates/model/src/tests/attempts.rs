//! Attempts that ended, disputes, and what a provider's own ids are.

use super::*;

#[test]
fn declined_attempts_are_counted_and_refuse_no_money() {
    let mut shop = Shop::with_order();
    for attempt in 0..1_000 {
        let kind = ["failed", "voided", "expired"][attempt % 3];
        assert_eq!(shop.hears(kind, json!({"attempt_id": format!("a-{attempt}")})), APPLIED);
    }
    assert_eq!(shop.takes("good", 1_000), APPLIED);

    let order = shop.order();
    assert_eq!((order.status, order.attempts.len()), ("paid", 21));
    assert_eq!(order.attempts[0].id, "a-980", "the newest 20 are kept");
    assert_eq!(order.ended_attempts.values().sum::<i64>(), 980);
    assert_eq!(order.ended_attempts["failed"], 327);
}

#[test]
fn attempts_that_may_still_pay_are_kept() {
    let mut shop = Shop::with_order();
    shop.hears("action_required", json!({"attempt_id": "waits"}));
    shop.takes("paid", 10);
    for attempt in 0..30 {
        shop.hears("failed", json!({"attempt_id": format!("a-{attempt}")}));
    }
    let ids: Vec<_> = shop.order().attempts.iter().map(|one| one.id.clone()).collect();
    assert_eq!((ids[0].as_str(), ids[1].as_str(), ids.len()), ("waits", "paid", 22));
}

#[test]
fn the_same_id_at_another_provider_is_another_one() {
    let mut shop = Shop::with_order();
    for provider in ["p", "q"] {
        let of = |what: Value| {
            let mut what = what;
            what["provider"] = json!(provider);
            what
        };
        assert_eq!(shop.hears("captured", of(json!({"amount": 500, "capture_id": "1"}))), APPLIED);
        let refund = of(json!({"amount": 100, "refund_id": "1"}));
        assert_eq!(shop.hears("refund_succeeded", refund), APPLIED);
        assert_eq!(shop.hears("dispute_opened", of(json!({"dispute_id": "1"}))), APPLIED);
    }
    let order = shop.order();
    assert_eq!((order.paid, order.refunded, order.disputes.len()), (1_000, 200, 2));
    assert_eq!(order.attempts.len(), 2);
}

#[test]
fn a_dispute_is_told_when_it_opens_and_when_it_closes() {
    let mut shop = Shop::with_order();
    let closed = |outcome: &str| json!({"dispute_id": "d", "outcome": outcome});
    assert_eq!(shop.hears("dispute_opened", json!({"dispute_id": "d"})), APPLIED);
    assert_eq!((shop.events(), shop.order().is_disputed), (vec!["order.disputed"], true));
    assert_eq!(shop.hears("dispute_opened", json!({"dispute_id": "d"})), STALE);

    assert_eq!(shop.hears("dispute_closed", closed("lost")), APPLIED);
    assert_eq!(shop.events(), ["order.dispute_closed"]);
    assert_eq!(shop.last.facts, ["outcome lost"]);
    assert!(shop.order().is_disputed);
    assert_eq!(shop.hears("dispute_closed", closed("won")), APPLIED);
    assert!(!shop.order().is_disputed);
    assert_eq!(shop.hears("dispute_closed", closed("lost")), STALE);
    assert_eq!(shop.order().status, "awaiting_payment");
}

#[test]
fn a_void_names_its_provider() {
    let mut shop = Shop::with_order();
    for provider in ["p", "q"] {
        shop.hears("authorized", json!({"provider": provider, "amount": 1_000}));
    }
    shop.command("order.cancel", json!({}));
    let voids: Vec<_> = shop.last.voids_requested.iter().map(|(provider, _)| provider).collect();
    assert_eq!(voids, ["p", "q"]);
}

#[test]
fn only_a_capture_is_news_of_an_attempt_that_is_not_kept() {
    let mut shop = Shop::with_order();
    for attempt in 0..21 {
        shop.hears("failed", json!({"attempt_id": format!("a-{attempt}")}));
    }
    let counted = shop.order();
    assert_eq!((counted.ended_attempts["failed"], counted.attempts.len()), (1, 20));
    let of_first = |more: Value| {
        let mut said = json!({"attempt_id": "a-0", "occurred_at": "2026-01-02T00:00:00Z"});
        said.as_object_mut()
            .expect("is one")
            .append(&mut more.as_object().expect("is one").clone());
        said
    };
    for kind in ["action_required", "authorized", "failed", "voided", "expired"] {
        assert_eq!(shop.hears(kind, of_first(json!({"amount": 100}))), STALE, "{kind}");
        assert_eq!(shop.order(), counted, "{kind}");
    }
    assert_eq!(shop.hears("captured", of_first(json!({"amount": 100}))), APPLIED);
    assert_eq!((shop.order().paid, shop.order().attempts.len()), (100, 21));
    assert_eq!(shop.hears("authorized", of_first(json!({"amount": 900}))), STALE);
}
