//! The day: reproducible from its seed, with every kind of message that it promises.

use std::collections::BTreeSet;

use super::*;
use crate::{Expected, Settings};

/// Expectations in which holds last longer than the day, except the short holds that the day asks for.
fn expected() -> Expected {
    let half_a_day = 12 * 60 * orderly_model::MINUTE;
    Expected::new(Settings { hold_for: half_a_day, hold_cap: half_a_day, ..Settings::default() })
}

fn sent(day: Day) -> Vec<Message> {
    day.filter_map(|step| match step {
        Step::Send(message) => Some(message),
        Step::HoldsRunOut => None,
    })
    .collect()
}

#[test]
fn a_seed_gives_one_day_and_another_seed_another() {
    let day: Vec<Step> = Day::new(300, 7).collect();

    assert_eq!(day, Day::new(300, 7).collect::<Vec<_>>());
    assert_ne!(day, Day::new(300, 8).collect::<Vec<_>>());
}

#[test]
fn a_day_has_every_verdict_reason_and_ending() {
    // Given a day of ordinary size
    let mut expected = expected();
    for step in Day::new(5_000, 1) {
        expected.take(&step);
    }

    // When the model has processed the day
    let tally = expected.finish();

    // Then every verdict, reason and ending has occurred
    let verdicts: Vec<String> = tally.verdicts.keys().map(ToString::to_string).collect();
    assert_eq!(
        verdicts,
        [
            "applied",
            "duplicate",
            "stale",
            "waiting",
            "rejected (below_held)",
            "rejected (cart_closed)",
            "rejected (cart_empty)",
            "rejected (cart_not_found)",
            "rejected (not_allowed)",
            "rejected (order_exists)",
            "rejected (order_not_found)",
            "rejected (out_of_stock)",
            "rejected (total_mismatch)",
            "rejected (unknown_sku)",
            "rejected (version_mismatch)",
            "conflict",
            "invalid (deadline)",
            "invalid (malformed)",
            "invalid (too_large)",
            "invalid (unknown_type)",
            "invalid (validation)",
        ]
    );
    let statuses: Vec<&str> = tally.statuses().keys().map(|status| status.name()).collect();
    assert_eq!(
        statuses,
        ["rejected", "awaiting_payment", "paid", "completed", "expired", "cancelled", "refund_due"]
    );
    assert!(tally.waiting > 0 && tally.parked > 0 && tally.refund_due() > 0);
}

#[test]
fn the_time_at_which_a_short_hold_expires_does_not_change_the_results() {
    // Given a day whose short holds expire where the day says
    let steps: Vec<Step> = Day::new(3_000, 2).collect();
    let mut at_the_barrier = expected();
    // and the same day with each short hold expiring at once
    let mut at_once = expected();

    for step in &steps {
        at_the_barrier.take(step);
        at_once.take(step);
        if let Step::Send(message) = step
            && String::from_utf8_lossy(&message.body).contains("hold_for")
        {
            at_once.take(&Step::HoldsRunOut);
        }
    }

    // Then both have the same results
    assert_eq!(at_the_barrier.finish(), at_once.finish());
}

#[test]
fn a_day_has_the_proportions_of_the_sample() {
    // Given the orders of a day
    let orders: Vec<Vec<u64>> = sent(Day::new(5_000, 3))
        .iter()
        .filter(|message| message.kind == "order.place")
        .map(|message| {
            let data: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
            let lines = data["lines"].as_array().unwrap();
            lines.iter().map(|line| line["quantity"].as_u64().unwrap()).collect()
        })
        .collect();

    // Then most orders have one line, some have many, and one has the sample's largest quantity
    let share = |count: usize| count * 100 / orders.len();
    let single = share(orders.iter().filter(|lines| lines.len() == 1).count());
    let long = share(orders.iter().filter(|lines| lines.len() >= 10).count());
    assert!((68..=78).contains(&single), "{single} % have one line");
    assert!((1..=5).contains(&long), "{long} % have ten or more");
    assert!(orders.iter().any(|lines| lines.len() == 265));
    assert!(orders.contains(&vec![80_995]));
}

#[test]
fn a_message_id_is_used_twice_only_on_purpose() {
    let mut seen = BTreeSet::new();
    let repeated: BTreeSet<String> = sent(Day::new(2_000, 4))
        .into_iter()
        .filter_map(|message| Some((message.source, message.id?)))
        .filter(|identity| !seen.insert(identity.clone()))
        .map(|(_, id)| id.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned())
        .collect();

    let meant = ["place", "checkout", "put"];
    assert!(repeated.iter().all(|id| meant.contains(&id.as_str())), "{repeated:?}");
}

#[test]
fn a_day_without_customers_ends() {
    assert!(Day::new(0, 1).count() > 0, "only the first stock of the day");
    assert!(Day::new(1, 1).any(|step| step == Step::HoldsRunOut));
}
