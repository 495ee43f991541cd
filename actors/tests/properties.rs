//! Random commands in random order: the books of the shop balance after every step.
//!
//! There are few orders, skus and carts, so that commands are about the same ones. Captures vary in
//! amount, attempt, capture id and currency; messages are delivered again; time passes. The invariants
//! are checked on the states. The money of each order is also counted by the contract alone.

mod support;

use orderly_actors::counters;
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::states::{self, State};
use orderly_actors::tables;
use orderly_domain::cart::{Cart, CartStatus};
use orderly_domain::event::{Event, OrderChange};
use orderly_domain::inventory::{HoldState, Reservation, Stock};
use orderly_domain::notification::Notices;
use orderly_domain::order::{Order, Status};
use orderly_domain::payment::Payments;
use orderly_domain::payment::rules::summary;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use support::{Shop, place};

const SKUS: [&str; 3] = ["cup", "pot", "tea"];
const PRICE: i64 = 100;

/// One thing that happens to the shop.
#[derive(Debug, Clone)]
enum Happens {
    Sent(&'static str, Value),
    /// An earlier message comes again, with its id.
    Again(prop::sample::Index),
    Passes(Duration),
}

fn order() -> impl Strategy<Value = String> {
    (1..5_u8).prop_map(|order| format!("o-{order}"))
}

fn cart() -> impl Strategy<Value = String> {
    (1..3_u8).prop_map(|cart| format!("k-{cart}"))
}

fn sku() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&SKUS[..])
}

/// A callback. Its identity follows from its other fields.
fn callback() -> impl Strategy<Value = Value> {
    let kind = prop_oneof![
        12 => Just("captured"),
        2 => Just("failed"),
        2 => Just("authorized"),
        1 => prop::sample::select(&["action_required", "voided", "expired"][..]),
        2 => Just("refund_succeeded"),
        1 => Just("refund_failed"),
        1 => prop::sample::select(&["dispute_opened", "dispute_closed"][..]),
    ];
    let currency = prop_oneof![9 => Just("EUR"), 1 => Just("USD")];
    let shares = 1..6_i64; // a total is 1 to 6 prices, mostly
    (order(), kind, 1..4_u8, 0..3_u8, shares, currency).prop_map(
        |(order, kind, attempt, part, shares, currency)| {
            let attempt = format!("a-{attempt}");
            let mut said = json!({
                "provider": "acme", "order_id": order, "attempt_id": attempt, "kind": kind,
                "event_id": format!("{order}/{attempt}/{kind}/{part}/{shares}/{currency}"),
                "occurred_at": "2026-01-01T00:00:00Z",
            });
            if matches!(kind, "captured" | "authorized" | "refund_succeeded") {
                said["amount"] = json!(shares * PRICE);
                said["currency"] = json!(currency);
            }
            match kind {
                "captured" if part > 0 => said["capture_id"] = json!(format!("cap-{part}")),
                "refund_succeeded" | "refund_failed" => said["refund_id"] = json!(refund_id(part)),
                "dispute_opened" => said["dispute_id"] = json!(format!("d-{part}")),
                "dispute_closed" => {
                    said["dispute_id"] = json!(format!("d-{part}"));
                    said["outcome"] = json!(if shares < 3 { "won" } else { "lost" });
                }
                _ => {}
            }
            said
        },
    )
}

/// A refund id of a producer or a provider, never one that orderly derives.
fn refund_id(number: u8) -> String {
    format!("p-{number}")
}

fn refund() -> impl Strategy<Value = Value> {
    let restock = prop::option::of((sku(), 1..3_u32));
    (order(), 0..3_u8, 1..6_i64, restock).prop_map(|(order, refund, shares, restock)| {
        let lines = restock.map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity}));
        json!({"order_id": order, "refund_id": refund_id(refund), "amount": shares * PRICE,
               "restock": lines.into_iter().collect::<Vec<_>>()})
    })
}

fn resolving() -> impl Strategy<Value = Value> {
    let decision = prop::sample::select(&["accept", "cancel"][..]);
    (order(), decision)
        .prop_map(|(order, decision)| json!({"order_id": order, "decision": decision}))
}

fn amending() -> impl Strategy<Value = Value> {
    let lines = prop::collection::btree_map(sku(), 0..4_u32, 0..3);
    let adjustments = prop::option::of(-3..3_i64);
    (order(), lines, adjustments).prop_map(|(order, lines, adjustments)| {
        let line = |(sku, quantity)| json!({"sku": sku, "quantity": quantity});
        let lines: Vec<_> = lines.into_iter().map(line).collect();
        let mut data = json!({"order_id": order, "lines": lines, "metadata": {}});
        if let Some(shares) = adjustments {
            data["adjustments"] = json!([{"kind": "voucher", "amount": shares * PRICE}]);
        }
        data
    })
}

fn placing() -> impl Strategy<Value = Value> {
    let line = (sku(), 1..4_u32).prop_map(|(sku, quantity)| (sku, quantity, PRICE));
    (order(), prop::collection::vec(line, 1..3)).prop_map(|(order, lines)| place(&order, &lines))
}

fn happens() -> impl Strategy<Value = Happens> {
    let sent = |name: &'static str| move |data| Happens::Sent(name, data);
    let count = (sku(), 0..12_u32, prop::option::of(0..4_u32)).prop_map(
        |(sku, on_hand, low_at)| json!({"sku": sku, "on_hand": on_hand, "low_at": low_at}),
    );
    let adjust = (sku(), -4..5_i32).prop_map(|(sku, delta)| json!({"sku": sku, "delta": delta}));
    let fill = (cart(), sku(), -1..4_i32).prop_map(|(cart, sku, quantity)| {
        json!({"cart_id": cart, "sku": sku, "quantity": quantity, "unit_price": PRICE,
               "currency": "EUR"})
    });
    let checkout = (cart(), order()).prop_map(
        |(cart, order)| json!({"cart_id": cart, "order_id": order, "customer": {"id": "c-1"}}),
    );
    let of_order = || order().prop_map(|order| json!({"order_id": order}));
    prop_oneof![
        2 => count.prop_map(sent("stock.set")),
        1 => adjust.prop_map(sent("stock.adjust")),
        2 => fill.prop_map(sent("cart.add")),
        1 => checkout.prop_map(sent("cart.checkout")),
        4 => placing().prop_map(sent("order.place")),
        8 => callback().prop_map(sent("payment.callback")),
        1 => of_order().prop_map(sent("order.cancel")),
        1 => of_order().prop_map(sent("order.complete")),
        2 => refund().prop_map(sent("refund.request")),
        1 => resolving().prop_map(sent("order.resolve")),
        3 => amending().prop_map(sent("order.amend")),
        3 => any::<prop::sample::Index>().prop_map(Happens::Again),
        2 => (1..40_u64).prop_map(|minutes| Happens::Passes(Duration::from_secs(60 * minutes))),
    ]
}

/// The money that the contract counts: each capture and each refund once, in the order's currency.
#[derive(Default)]
struct Money {
    events: BTreeSet<String>,
    captures: BTreeSet<(String, String)>,
    paid: BTreeMap<String, i64>,
    refunded: BTreeMap<String, i64>,
    refunds: BTreeMap<String, i64>,
    /// Callbacks that wait for their order, by the id of their message.
    waiting: BTreeMap<String, Value>,
}

impl Money {
    /// Counts the money of a callback, unless the verdict says that the callback changed nothing.
    fn count(&mut self, said: &Value, verdict: Verdict) {
        let text = |field: &str| said[field].as_str().unwrap_or_default().to_owned();
        if matches!(verdict, Verdict::Duplicate | Verdict::Stale) {
            return;
        }
        assert!(moved(verdict), "money is never refused: {verdict}");
        assert!(self.events.insert(text("event_id")), "an event counts once");
        let refund = || {
            [text("order_id"), text("provider"), text("attempt_id"), text("refund_id")].join("/")
        };
        if said["kind"] == "refund_succeeded" {
            let amount = said["amount"].as_i64().filter(|_| said["currency"] == "EUR");
            let known = self.refunds.insert(refund(), amount.unwrap_or_default());
            assert!(known.is_none(), "a refund counts once");
            *self.refunded.entry(text("order_id")).or_default() += amount.unwrap_or_default();
        }
        // a refund that had succeeded bounced
        if said["kind"] == "refund_failed"
            && let Some(amount) = self.refunds.remove(&refund())
        {
            *self.refunded.entry(text("order_id")).or_default() -= amount;
        }
        if said["kind"] != "captured" {
            return;
        }
        let attempt = format!("{}/{}", text("order_id"), text("attempt_id"));
        if said.get("capture_id").is_some() {
            let new = self.captures.insert((attempt, text("capture_id")));
            assert!(new, "a capture id counts once");
        }
        if said["currency"] == "EUR" {
            *self.paid.entry(text("order_id")).or_default() +=
                said["amount"].as_i64().unwrap_or_default();
        }
    }
}

fn moved(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Applied | Verdict::Review)
}

/// All states of a kind, by the place of their entity.
fn all<S: State>(shop: &Shop) -> BTreeMap<u64, S> {
    let view = shop.sequencer.view().borrow();
    let entities = view.scan(S::TABLE, Ordinal(0), usize::MAX).expect("reads");
    let states = entities.iter().filter_map(|entity| {
        let state = states::read::<S>(&view, entity.ordinal).expect("reads");
        Some((entity.ordinal.0, state?))
    });
    states.collect()
}

/// The invariants of the design, and what the contract says of each status.
fn audit(shop: &Shop, money: &Money) {
    let orders = all::<Order>(shop);
    let reservations = all::<Reservation>(shop);
    let payments = all::<Payments>(shop);
    let notices = all::<Notices>(shop);
    let mut held = BTreeMap::<&str, u64>::new();
    for reservation in reservations.values() {
        if let HoldState::Held { .. } = reservation.state {
            for item in reservation.items.iter() {
                *held.entry(item.sku.as_str()).or_default() += item.quantity;
            }
        }
    }
    for (place, reservation) in &reservations {
        let mut units = BTreeMap::<&str, u64>::new();
        for line in orders.get(place).iter().flat_map(|order| order.lines.iter()) {
            *units.entry(line.sku.as_str()).or_default() += u64::from(line.quantity.get());
        }
        let items = reservation.items.iter();
        let items = items.map(|item| (item.sku.as_str(), item.quantity)).collect();
        assert_eq!(units, items, "the stock of an order is that of its lines");
    }
    for stock in all::<Stock>(shop).values() {
        assert!(stock.on_hand >= stock.held, "{stock:?}");
        let sum = held.get(stock.sku.as_str()).copied().unwrap_or_default();
        assert_eq!(stock.held, sum, "{stock:?}");
    }
    let waiting: usize = payments.values().map(|known| known.waiting.len()).sum();
    assert_eq!(counters::waiting(&shop.sequencer.view().borrow()), waiting as u64);
    for status in Status::ALL {
        let count = orders.values().filter(|order| order.status == *status).count();
        let counted = counters::orders(&shop.sequencer.view().borrow(), *status);
        assert_eq!(counted, count as u64, "{status}");
    }
    for (place, order) in &orders {
        let known = payments.get(place);
        assert!(
            known.is_none_or(|known| known.waiting.is_empty()),
            "no callback of an order that exists waits"
        );
        audit_order(order, reservations.get(place), known, money);
        let told: Vec<_> = notices.get(place).into_iter().flat_map(|n| &n.all).collect();
        let once: BTreeSet<_> = told.iter().map(|n| (n.kind, &n.reference)).collect();
        assert_eq!(once.len(), told.len(), "a customer is notified once: {told:?}");
    }
    for cart in all::<Cart>(shop).values() {
        assert_eq!(cart.order.is_some(), cart.status == CartStatus::CheckedOut);
    }
}

fn audit_order(
    order: &Order,
    reservation: Option<&Reservation>,
    payments: Option<&Payments>,
    money: &Money,
) {
    let captured = payments.into_iter().flat_map(|known| &known.attempts);
    let captured = captured.flat_map(|attempt| &attempt.captures);
    let (own, in_other_currencies): (Vec<_>, Vec<_>) =
        captured.partition(|capture| capture.currency == order.currency);
    assert_eq!(order.paid, own.iter().map(|one| one.amount).sum::<i64>());
    let has_other_currency = !in_other_currencies.is_empty();
    let counted =
        |sums: &BTreeMap<String, i64>| sums.get(order.id.as_str()).copied().unwrap_or_default();
    assert_eq!(order.paid, counted(&money.paid), "{order:?}");
    assert_eq!(order.refunded, counted(&money.refunded), "{order:?}");
    assert!(order.net() >= 0);
    let derived = payments.into_iter().flat_map(|known| &known.refunds);
    let derived = derived.filter(|refund| refund.id.as_str().starts_with("r-"));
    let derived = derived.filter(|refund| refund.currency == order.currency);
    let derived: i64 = derived.map(|refund| refund.amount).sum();
    assert!(derived <= order.auto_refunds_requested, "{order:?}");
    // other refunds have lowered the sums that are due, or may be asked back
    let mut all = payments.into_iter().flat_map(|known| &known.refunds);
    let is_plain = order.refunded == 0 && all.all(|one| one.id.as_str().starts_with("r-"));
    assert!(!is_plain || derived == order.auto_refunds_requested, "{order:?}");

    let state = reservation.map(|reservation| reservation.state);
    let held = matches!(state, Some(HoldState::Held { .. }));
    let committed = state == Some(HoldState::Committed);
    match order.status {
        Status::AwaitingPayment => assert!(held && order.paid == 0),
        Status::Authorized => {
            let open = payments.map(|known| summary(known, order.currency).authorized);
            assert!(held && order.net() + open.unwrap_or_default() >= order.total);
        }
        Status::PartiallyPaid => {
            assert!(held && 0 < order.paid && order.net() < order.total);
        }
        Status::UnderReview => assert!(!committed),
        Status::Paid | Status::Completed => {
            assert!(committed && order.net() >= order.total);
            let surplus = order.paid - order.total;
            assert!(
                !is_plain || order.auto_refunds_requested == surplus,
                "exactly the surplus is requested"
            );
        }
        Status::Expired | Status::Cancelled => {
            assert!(!held && !committed && order.net() == 0);
        }
        Status::Rejected => assert!(state.is_none() && order.net() == 0),
        Status::RefundDue => {
            assert!(!held && !committed && (order.net() > 0 || has_other_currency));
            assert!(
                !is_plain || order.auto_refunds_requested == order.net(),
                "exactly the net is requested"
            );
        }
        Status::PartiallyRefunded => assert!(committed && order.refunded > 0),
        Status::Refunded => assert!(!held && (order.refunded > 0 || has_other_currency)),
    }
}

/// The events of a unit must agree with each other: an order is paid only with its stock committed, and so on.
fn audit_entry(entry: &JournalEntry) {
    let events = &entry.record.events;
    let has = |wanted: fn(&Event) -> bool| events.iter().any(wanted);
    let paid = has(|e| matches!(e, Event::Order { change: OrderChange::Paid { .. }, .. }));
    assert_eq!(paid, has(|event| matches!(event, Event::StockCommitted)), "{entry:?}");
    let due = has(|e| matches!(e, Event::Order { change: OrderChange::RefundDue { .. }, .. }));
    let asked = has(|event| matches!(event, Event::RefundRequested { .. }));
    assert!(!due || asked, "{entry:?}");
    let amended = has(|e| matches!(e, Event::Order { change: OrderChange::Amended, .. }));
    let back = events.iter().filter(|event| matches!(event, Event::StockReturned { .. })).count();
    assert!(back == 0 || (back == 1 && (asked || amended)), "{entry:?}");
    if !moved(entry.record.verdict) && entry.record.verdict != Verdict::Waiting {
        let changed = !entry.carts.is_empty() || entry.reservation.is_some();
        assert!(!changed, "a unit that is not applied changes nothing: {entry:?}");
    }
}

/// Over the whole history, nothing that may happen once happens twice.
fn audit_history(shop: &Shop) {
    let mut once = BTreeSet::new();
    for entry in &shop.entries {
        let order = entry.record.order.as_ref().map_or("", |order| order.as_str());
        for event in &entry.record.events {
            let what = match event {
                Event::VoidRequested { attempt_id, provider } => {
                    format!("void {order} {provider:?} {attempt_id}")
                }
                Event::StockReturned { refund_id: Some(refund_id), .. } => {
                    format!("back {order} {refund_id}")
                }
                Event::NotificationRequested { notification_id, .. } => notification_id.clone(),
                _ => continue,
            };
            assert!(once.insert(what.clone()), "twice: {what}");
        }
    }
}

async fn live(history: Vec<Happens>) -> Shop {
    let mut shop = Shop::stocked(&SKUS.map(|sku| (sku, 8))).await;
    let mut money = Money::default();
    let mut sent: Vec<(String, &'static str, Value)> = Vec::new();
    let mut seen = shop.entries.len();
    for happens in history {
        match happens {
            Happens::Passes(span) => shop.pass(span).await,
            Happens::Sent(kind, data) => {
                let id = format!("h-{}", shop.entries.len());
                let verdict = send(&mut shop, &mut money, kind, &id, data.clone()).await;
                // what does not fit its order uses up no identity
                if verdict != Verdict::Invalid {
                    sent.push((id, kind, data));
                }
            }
            Happens::Again(_) if sent.is_empty() => {}
            Happens::Again(index) => {
                let (id, kind, data) = index.get(&sent).clone();
                let before = shop.dump();
                let again = shop.send(kind, &id, data).await;
                assert_eq!(again.record.verdict, Verdict::Duplicate);
                assert!(again.record.original.is_some() && again.record.events.is_empty());
                assert!(shop.dump() == before, "a duplicate changes nothing");
            }
        }
        // callbacks that waited for the order may have followed
        for entry in &shop.entries[seen..] {
            audit_entry(entry);
        }
        seen = shop.entries.len();
        audit(&shop, &money);
        let own = orderly_actors::audit::audit(&shop.sequencer.view().borrow()).expect("reads");
        assert!(own.balanced, "{:?}", own.violations);
    }
    audit_history(&shop);
    shop
}

/// Sends a message, and counts its money and that of the callbacks that waited for it. Returns its verdict.
async fn send(
    shop: &mut Shop,
    money: &mut Money,
    kind: &'static str,
    id: &str,
    data: Value,
) -> Verdict {
    let first = shop.entries.len();
    shop.send(kind, id, data.clone()).await;
    let entries: Vec<Arc<JournalEntry>> = shop.entries[first..].to_vec();
    let (own, waited) = entries.split_first().expect("something was sealed");
    match own.record.verdict {
        Verdict::Waiting => drop(money.waiting.insert(id.to_owned(), data)),
        verdict if kind == "payment.callback" => money.count(&data, verdict),
        _ => {}
    }
    for entry in waited {
        if let orderly_domain::record::Origin::Waited { id, .. } = &entry.record.origin {
            let said = money.waiting.remove(id.as_str()).expect("it waited");
            money.count(&said, entry.record.verdict);
        }
    }
    own.record.verdict
}

fn run<T>(future: impl Future<Output = T>) -> T {
    actix::System::new().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_books_balance_after_every_step(history in prop::collection::vec(happens(), 1..60)) {
        run(live(history));
    }

    #[test]
    fn the_same_history_gives_the_same_states(
        history in prop::collection::vec(happens(), 1..30)
    ) {
        let first = run(live(history.clone())).dump();
        let second = run(live(history)).dump();
        prop_assert!(first == second);
    }

    #[test]
    fn callbacks_of_one_order_come_to_the_same_money_in_any_order(
        order in Just((0..=PAID.len()).collect::<Vec<_>>()).prop_shuffle()
    ) {
        let order = run(counted(&order));
        prop_assert_eq!((order.paid, order.refunded, order.net()), (720, 250, 470));
        prop_assert!(!order.disputed);
    }

    #[test]
    fn distinct_callbacks_give_the_same_money_in_any_order(
        (shares, order) in prop::collection::vec(1..5_i64, 1..6).prop_flat_map(|shares| {
            let order: Vec<_> = (0..=shares.len()).collect();
            (Just(shares), Just(order).prop_shuffle())
        })
    ) {
        let total = 4 * PRICE;
        let paid: i64 = shares.iter().map(|share| share * PRICE).sum();
        let order = run(permuted(&shares, &order));
        prop_assert_eq!(order.paid, paid);
        let known = match order.status {
            Status::PartiallyPaid => paid < total,
            Status::Paid => paid >= total && order.auto_refunds_requested == paid - total,
            Status::UnderReview => paid > total && order.auto_refunds_requested == 0,
            _ => false,
        };
        prop_assert!(known, "{:?}", order);
    }
}

/// Callbacks of a paid order of 4 prices: captures of three attempts, whole and in parts, refunds that
/// were requested or not, attempts that failed, and a dispute.
const PAID: [&str; 14] = [
    "action_required a",
    "authorized a 400",
    "captured a 400 #1",
    "captured b 100 #1",
    "captured b 150 #2 final",
    "captured c 70",
    "captured d 90 USD",
    "failed e",
    "authorized f 400",
    "refund_succeeded a 30 r-1",
    "refund_failed a r-1",
    "refund_succeeded b 220 r-2",
    "dispute_opened a d-1",
    "dispute_closed a d-1 won",
];

/// An order of 4 prices, with its placing (0) and each of `PAID` (from 1) in the order given.
async fn counted(order: &[usize]) -> Order {
    let mut shop = Shop::stocked(&[("tea", 9)]).await;
    for step in order {
        match step.checked_sub(1) {
            None => shop.run("order.place", place("o-1", &[("tea", 4, PRICE)])).await,
            Some(nth) => shop.run("payment.callback", support::said("o-1", PAID[nth])).await,
        };
    }
    let audit = orderly_actors::audit::audit(&shop.sequencer.view().borrow()).expect("reads");
    assert!(audit.balanced, "{:?}", audit.violations);
    audit_history(&shop);
    shop.order("o-1")
}

/// An order of 4 prices, with its placing (0) and each capture (from 1) in the order given.
async fn permuted(shares: &[i64], order: &[usize]) -> Order {
    let mut shop = Shop::stocked(&[("tea", 9)]).await;
    for step in order {
        let (kind, data) = match step.checked_sub(1) {
            None => ("order.place", place("o-1", &[("tea", 4, PRICE)])),
            Some(nth) => {
                let event = format!("e-{nth}");
                let amount = shares[nth] * PRICE;
                let mut said = support::captured("o-1", &event, amount);
                // every other one is a part of one attempt
                if nth % 2 == 1 {
                    said["attempt_id"] = json!("a-parts");
                    said["capture_id"] = json!(format!("c-{nth}"));
                }
                ("payment.callback", said)
            }
        };
        shop.run(kind, data).await;
    }
    shop.state(tables::ORDERS, "o-1").expect("it was placed")
}
