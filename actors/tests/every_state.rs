//! Walks every state that an order gets into within some steps: statuses, money, holds, refunds, disputes. From each one the
//! commands of a person, and what the providers answer to them, lead to an end at which the order is deleted after its
//! retention. And `not_allowed` names exactly the commands that are possible.

mod support;

use orderly_actors::tables;
use orderly_domain::inventory::{HoldState, Reservation};
use orderly_domain::order::{Order, Tombstone};
use orderly_domain::payment::{AttemptState, DisputeState, Payments, RefundState, rules};
use orderly_domain::verdict::{Detail, Verdict};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;
use support::{DAY, Shop, place, said, verdict};

const ORDER: &str = "o-1";
/// One unit of tea for this.
const TOTAL: i64 = 500;
const MINUTE: Duration = Duration::from_secs(60);

/// How an order begins.
const BEGINNINGS: &[&str] =
    &["place", "place on authorization", "place for nothing", "place without stock"];

/// What may happen to it.
const STEPS: &[&str] = &[
    "captured a 500 #1",
    "captured a 200 #2",
    "captured b 400 #3 @bank",
    "captured c 70 USD",
    "authorized a 500",
    "expired a",
    "refund_succeeded a 200 r-x",
    "refund_succeeded a 900 r-y",
    "refund_failed a r-x later",
    "refund_failed a r-z",
    "refunds succeed",
    "refunds fail",
    "dispute_opened a d-1",
    "dispute_closed a d-1 lost",
    "15 minutes",
    "to the cap",
    "order.cancel",
    "order.complete",
    "order.capture",
    "order.resolve accept",
    "order.resolve accept 300",
    "order.resolve return",
    "refund.request 100",
    "goods come back",
];

/// How many steps are walked from a beginning. `ORDERLY_TEST_WALK` says another number: 3 takes a minute.
const DEPTH: usize = 2;

/// A person's commands on the way to an end, the likeliest first.
const WAYS_OUT: &[&str] = &[
    "order.complete",
    "order.cancel",
    "order.resolve return",
    "order.resolve accept",
    "refund.request all",
    "order.resolve cancel",
];

type History = Vec<&'static str>;

async fn lived(history: &[&str]) -> Shop {
    let mut shop = Shop::stocked(&[("tea", 1)]).await;
    for step in history {
        happens(&mut shop, step).await;
    }
    shop
}

fn payments(shop: &Shop) -> Payments {
    shop.state(tables::ORDERS, ORDER).unwrap_or_default()
}

async fn happens(shop: &mut Shop, step: &str) -> Verdict {
    let of_order = json!({"order_id": ORDER});
    let mut placed = place(ORDER, &[("tea", 1, TOTAL)]);
    let (kind, data) = match step {
        "place" => ("order.place", placed),
        "place on authorization" => {
            placed["confirm_on"] = json!("authorization");
            ("order.place", placed)
        }
        "place for nothing" => ("order.place", place(ORDER, &[("tea", 1, 0)])),
        "place without stock" => ("order.place", place(ORDER, &[("tea", 2, TOTAL)])),
        "15 minutes" => {
            shop.pass(15 * MINUTE).await;
            return Verdict::Applied;
        }
        "to the cap" => {
            shop.pass(120 * MINUTE).await;
            return Verdict::Applied;
        }
        "refunds succeed" => return answer_refunds(shop, "refund_succeeded").await,
        "refunds fail" => return answer_refunds(shop, "refund_failed").await,
        "goods come back" => ("refund.request", refund("w-0", 0, 1)),
        "refund.request 100" => ("refund.request", refund("w-1", 100, 0)),
        "refund.request all" => {
            let (order, known) = (shop.order(ORDER), payments(shop));
            ("refund.request", refund("w-2", rules::refundable(&known, order.currency), 0))
        }
        _ => match step.split_once(' ') {
            Some(("order.resolve", decision)) => ("order.resolve", resolve(decision)),
            None if step.starts_with("order.") => (step, of_order),
            _ => ("payment.callback", said(ORDER, step)),
        },
    };
    verdict(&shop.run(kind, data).await).0
}

fn refund(id: &str, amount: i64, units: u32) -> Value {
    let restock: Vec<_> = (0..units).map(|_| json!({"sku": "tea", "quantity": 1})).collect();
    json!({"order_id": ORDER, "refund_id": id, "amount": amount, "restock": restock})
}

fn resolve(decision: &str) -> Value {
    let (decision, write_off) = match decision.split_once(' ') {
        Some((decision, amount)) => (decision, amount.parse::<i64>().ok()),
        None => (decision, None),
    };
    json!({"order_id": ORDER, "decision": decision, "write_off": write_off})
}

/// The providers answer every request to refund.
async fn answer_refunds(shop: &mut Shop, kind: &str) -> Verdict {
    let mut verdict_of_last = Verdict::Stale;
    for refund in payments(shop).refunds {
        if refund.state == RefundState::Requested {
            let mut data = said(ORDER, &format!("{kind} x later"));
            data["provider"] = json!(refund.provider);
            data["attempt_id"] = json!(refund.attempt);
            data["refund_id"] = json!(refund.id);
            data["amount"] = json!(refund.amount);
            data["currency"] = json!(refund.currency);
            verdict_of_last = verdict(&shop.run("payment.callback", data).await).0;
        }
    }
    verdict_of_last
}

/// The providers answer whatever is open: requests to refund and to void, attempts, disputes.
async fn answer_all(shop: &mut Shop) {
    answer_refunds(shop, "refund_succeeded").await;
    let known = payments(shop);
    for attempt in known.attempts {
        let is_open = match attempt.state {
            AttemptState::ActionRequired => true,
            AttemptState::Authorized => attempt.void_requested,
            AttemptState::Captured
            | AttemptState::Failed
            | AttemptState::Voided
            | AttemptState::Expired => false,
        };
        if is_open {
            let mut data = said(ORDER, &format!("voided {}", attempt.id));
            data["provider"] = json!(attempt.provider);
            shop.run("payment.callback", data).await;
        }
    }
    for dispute in known.disputes.iter().filter(|dispute| dispute.state == DisputeState::Open) {
        let text = format!("dispute_closed a {} won", dispute.id);
        shop.run("payment.callback", said(ORDER, &text)).await;
    }
}

/// What tells one state from another. Of amounts only what decisions depend on.
fn key(shop: &Shop) -> String {
    let order = shop.order(ORDER);
    let known = payments(shop);
    let reservation: Option<Reservation> = shop.state(tables::ORDERS, ORDER);
    let hold = reservation.map(|one| {
        let returned: u64 = one.items.iter().map(|item| item.returned).sum();
        let until = match one.state {
            HoldState::Held { until, extended, frozen } => {
                format!("{} {extended} {}", until.is_some(), frozen.is_some())
            }
            HoldState::Committed | HoldState::Released | HoldState::Expired => String::new(),
        };
        format!("{} {until} {returned}", one.state.as_str())
    });
    let mut attempts: Vec<_> = known
        .attempts
        .iter()
        .map(|one| {
            let open = one.open_amount(order.currency);
            format!("{} {} {open} {}", one.state, one.void_requested, one.capture_requested > 0)
        })
        .collect();
    let mut refunds: Vec<_> = known
        .refunds
        .iter()
        .map(|one| {
            let sent_back = one.sent_back();
            format!("{} {} {sent_back} {}", one.state, one.amount, one.request.is_some())
        })
        .collect();
    attempts.sort_unstable();
    refunds.sort_unstable();
    let disputes: Vec<_> = known.disputes.iter().map(|one| one.state.as_str()).collect();
    let Order { status, paid, refunded, total, written_off, completed_at, confirm_on, .. } = &order;
    let attention = rules::attention(&known, order.currency).len();
    let is_completed = completed_at.is_some();
    format!(
        "{status} {paid}-{refunded} of {total} {written_off} {is_completed} {confirm_on} {hold:?} {attempts:?} \
         {refunds:?} {disputes:?} {attention}"
    )
}

/// Whether the order is deleted when its retention has passed.
async fn ends(history: &[&str], ways: &[&str]) -> bool {
    let mut shop = lived(history).await;
    answer_all(&mut shop).await;
    for way in ways {
        happens(&mut shop, way).await;
        answer_all(&mut shop).await;
    }
    shop.check_balance();
    shop.deliver().await;
    shop.pass(400 * DAY).await;
    shop.state::<Tombstone>(tables::ORDERS, ORDER).is_some()
}

/// A person's way from the state at which `history` ended to an end: at most three commands.
async fn way_out(history: &[&'static str], found: &mut BTreeSet<History>) -> Option<History> {
    let mut candidates: Vec<History> = vec![Vec::new()];
    candidates.extend(found.iter().cloned()); // what helped elsewhere
    for one in WAYS_OUT {
        candidates.push(vec![one]);
    }
    for (one, two) in pairs() {
        candidates.push(vec![one, two]);
    }
    for (one, two) in pairs() {
        candidates.extend(WAYS_OUT.iter().map(|three| vec![one, two, three]));
    }
    for ways in candidates {
        if Box::pin(ends(history, &ways)).await {
            found.insert(ways.clone());
            return Some(ways);
        }
    }
    None
}

fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    WAYS_OUT.iter().flat_map(|one| WAYS_OUT.iter().map(|two| (*one, *two)))
}

/// The commands that the refusal of a command names as possible.
async fn named(history: &[&str]) -> Option<BTreeSet<String>> {
    for command in ["order.complete", "order.cancel"] {
        let mut shop = lived(history).await;
        let refused = shop.run(command, json!({"order_id": ORDER})).await;
        if verdict(&refused) != (Verdict::Rejected, Some("not_allowed")) {
            continue;
        }
        let Some(Detail::Text(detail)) = &refused.record.detail else { panic!("has no text") };
        let (status, possible) = detail.split_once("; ").expect("names the status");
        assert_eq!(status, shop.status(ORDER).as_str());
        let commands = possible.strip_prefix("possible: ").map(|all| all.split(", "));
        assert!(commands.is_some() || possible == "nothing is possible", "{detail}");
        return Some(commands.into_iter().flatten().map(str::to_owned).collect());
    }
    None
}

/// The commands that are possible: those that are not refused with `not_allowed`, each tried in a shop of its own.
async fn possible(history: &[&str], named: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut commands = vec![
        ("order.cancel".to_owned(), "order.cancel", json!({"order_id": ORDER})),
        ("order.complete".to_owned(), "order.complete", json!({"order_id": ORDER})),
        ("order.amend".to_owned(), "order.amend", json!({"order_id": ORDER, "adjustments": []})),
        ("order.capture".to_owned(), "order.capture", json!({"order_id": ORDER, "amount": 1})),
        (
            "order.capture with again".to_owned(),
            "order.capture",
            json!({"order_id": ORDER, "amount": 1, "again": true}),
        ),
        ("refund.request".to_owned(), "refund.request", refund("w-9", 1, 0)),
        ("refund.request".to_owned(), "refund.request", refund("w-9", 0, 1)),
    ];
    for decision in ["accept", "cancel", "return"] {
        let name = format!("order.resolve {decision}");
        commands.push((name, "order.resolve", resolve(decision)));
    }
    for name in named {
        if let Some((_, amount)) = name.split_once(" with a write_off of ") {
            let data = resolve(&format!("accept {amount}"));
            commands.push((name.clone(), "order.resolve", data));
            // a unit less is not enough
            let less = amount.parse::<i64>().expect("is an amount") - 1;
            if less > 0 {
                let mut shop = lived(history).await;
                let less = shop.run("order.resolve", resolve(&format!("accept {less}"))).await;
                assert_eq!(verdict(&less), (Verdict::Rejected, Some("not_allowed")));
            }
        }
    }
    for (name, kind, data) in commands {
        let mut shop = lived(history).await;
        let (said, reason) = verdict(&shop.run(kind, data).await);
        let is_possible = match said {
            Verdict::Applied => true,
            // the stock of an order under review may be gone
            Verdict::Rejected => reason == Some("out_of_stock"),
            _ => panic!("{name}: {said}"),
        };
        if is_possible {
            found.insert(name);
        }
    }
    // what may be asked for is not asked for again
    if found.contains("order.capture") {
        found.remove("order.capture with again");
    }
    found
}

#[actix::test]
async fn from_every_state_a_person_gets_to_an_end_and_not_allowed_names_what_is_possible() {
    let depth = std::env::var("ORDERLY_TEST_WALK").map(|text| text.parse().expect("is a number"));
    let depth = depth.unwrap_or(DEPTH);
    let mut walked = BTreeMap::<String, History>::new();
    let mut next: VecDeque<History> = BEGINNINGS.iter().map(|begin| vec![*begin]).collect();
    let (mut found, mut statuses, mut problems) = (BTreeSet::new(), BTreeSet::new(), String::new());
    while let Some(history) = next.pop_front() {
        let shop = lived(&history).await;
        shop.check_balance();
        let key = key(&shop);
        if walked.contains_key(&key) {
            continue;
        }
        statuses.insert(shop.status(ORDER));
        walked.insert(key.clone(), history.clone());
        if Box::pin(way_out(&history, &mut found)).await.is_none() {
            let _ = writeln!(problems, "no way out of {key}\n  after {history:?}");
        }
        if let Some(named) = Box::pin(named(&history)).await {
            let possible = Box::pin(possible(&history, &named)).await;
            if named != possible {
                let _ = writeln!(
                    problems,
                    "{key}\n  after {history:?}\n  named {named:?}\n  possible {possible:?}"
                );
            }
        }
        if history.len() <= depth {
            next.extend(STEPS.iter().map(|step| [&history[..], &[*step]].concat()));
        }
    }
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(statuses.len(), 12, "every status is reached: {statuses:?}");
    println!("{} states, {} ways out: {found:?}", walked.len(), found.len());
}
