//! The story of an order in plain sentences, made of what the API shows: the order, and its timeline.
//!
//! Only fields that every build shows are required, so that the story can be told of a processor of another build.

mod open;

pub(super) use self::open::next;

use orderly_domain::money::Currency;
use serde::Deserialize;
use std::fmt::Write as _;

/// An order as the API shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Order {
    #[serde(rename = "order_id")]
    id: String,
    status: String,
    #[serde(default)]
    disputed: bool,
    customer: Customer,
    currency: Currency,
    lines: Vec<Line>,
    #[serde(default)]
    adjustments: Vec<Adjustment>,
    total: i64,
    paid: i64,
    refunded: i64,
    #[serde(default)]
    authorized: i64,
    #[serde(default)]
    written_off: i64,
    reservation: Option<Reservation>,
    #[serde(default)]
    attempts: Vec<Attempt>,
    #[serde(default)]
    refunds: Vec<Refund>,
    #[serde(default)]
    disputes: Vec<Dispute>,
    folded: Option<Folded>,
    /// Why a person must look at it.
    #[serde(default)]
    attention: Vec<String>,
    /// Messages about the order that are parked.
    #[serde(default)]
    parked: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct Customer {
    id: String,
    email: Option<String>,
    phone: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Line {
    sku: String,
    quantity: u64,
    unit_price: i64,
    name: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Adjustment {
    kind: String,
    amount: i64,
}

#[derive(Debug, Clone, Deserialize)]
struct Reservation {
    state: String,
    expires_at: Option<String>,
    #[serde(default)]
    frozen: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct Attempt {
    provider: String,
    #[serde(rename = "attempt_id")]
    id: String,
    state: String,
    #[serde(default)]
    authorized: i64,
    currency: Option<Currency>,
    #[serde(default)]
    void_pending: bool,
    #[serde(default)]
    capture_requested: i64,
    #[serde(default)]
    captures: Vec<Amount>,
    #[serde(default)]
    folded_captures: Vec<Amount>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Amount {
    amount: i64,
    currency: Currency,
}

/// The sums of older attempts and refunds.
#[derive(Debug, Clone, Deserialize)]
struct Folded {
    money: Vec<FoldedMoney>,
}

#[derive(Debug, Clone, Deserialize)]
struct FoldedMoney {
    currency: Currency,
    captured: i64,
    refunded: i64,
}

#[derive(Debug, Clone, Deserialize)]
struct Refund {
    #[serde(rename = "refund_id")]
    id: String,
    provider: Option<String>,
    amount: i64,
    #[serde(default)]
    sent_back: i64,
    currency: Currency,
    state: String,
    /// What of a refund that failed is not settled. An earlier build does not tell it.
    not_settled: Option<i64>,
}

impl Refund {
    fn left(&self) -> i64 {
        self.amount - self.sent_back
    }

    fn not_settled(&self) -> i64 {
        match self.state.as_str() {
            "failed" => self.not_settled.unwrap_or(self.left()),
            _ => 0,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
struct Dispute {
    #[serde(rename = "dispute_id")]
    id: String,
    provider: Option<String>,
    state: String,
}

/// An item of the timeline: what came, which has a verdict, and then the events that it caused.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Item {
    at: String,
    kind: String,
    verdict: Option<String>,
    source: Option<String>,
    command_id: Option<String>,
    /// The parked message that was replayed or dismissed.
    parked_id: Option<String>,
    /// Who acted.
    operator: Option<String>,
    summary: String,
}

/// What the order is.
pub(super) fn order(order: &Order) -> String {
    let Order { currency, total, .. } = order;
    let mut text = format!(
        "Order {} of customer {} is {}{}.\n",
        order.id,
        customer(&order.customer),
        words(&order.status),
        if order.disputed { ", and disputed" } else { "" }
    );
    let mut money = vec![
        format!("The total is {}", currency.show(*total)),
        format!("{} are paid", currency.show(order.paid)),
        format!("{} went back", currency.show(order.refunded)),
    ];
    if order.authorized > 0 {
        money.push(format!("{} are authorized", currency.show(order.authorized)));
    }
    if order.written_off > 0 {
        money.push(format!("{} were let go", currency.show(order.written_off)));
    }
    let _ = writeln!(text, "{}.", money.join(", "));
    for Line { sku, quantity, unit_price, name } in &order.lines {
        let name = name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let _ = writeln!(text, "  {quantity} × {sku}{name} at {}", currency.show(*unit_price));
    }
    for Adjustment { kind, amount } in &order.adjustments {
        let _ = writeln!(text, "  {kind}: {}", currency.show(*amount));
    }
    text
}

fn customer(customer: &Customer) -> String {
    let reached: Vec<_> = [&customer.email, &customer.phone].into_iter().flatten().collect();
    if reached.is_empty() {
        return customer.id.clone();
    }
    let reached: Vec<_> = reached.into_iter().map(String::as_str).collect();
    format!("{} ({})", customer.id, reached.join(", "))
}

/// What happened: an item of the timeline.
pub(super) fn item(item: &Item) -> String {
    if item.verdict.is_none() {
        return format!("    {}\n", item.summary);
    }
    let mut text = format!("{}  {}", time(&item.at), item.summary);
    let command = item.command_id.as_ref().map(|id| {
        let source = item.source.as_ref().map(|source| format!(" from {source}"));
        format!("{} {id}{}", item.kind, source.unwrap_or_default())
    });
    let operator = item.operator.as_ref().map(|name| format!("by {name}"));
    let named: Vec<_> = [command, item.parked_id.clone(), operator].into_iter().flatten().collect();
    if !named.is_empty() {
        let _ = write!(text, " [{}]", named.join(", "));
    }
    text + "\n"
}

/// The status as a person says it.
fn words(status: &str) -> String {
    status.replace('_', " ")
}

/// A time in seconds, as in the API but easier to read.
fn time(at: &str) -> String {
    let seconds = at.get(..19).unwrap_or(at);
    seconds.replacen('T', " ", 1)
}
