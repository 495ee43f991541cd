//! The story of an order in plain sentences, made of what the API shows: the order, and its timeline.
//!
//! Only fields that every build shows are required, so that the story can be told of a processor of another build.

use orderly_domain::money::Currency;
use orderly_domain::order::Status;
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
    void_requested: bool,
    #[serde(default)]
    capture_requested: i64,
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
    if let Some(id) = &item.command_id {
        let source = item.source.as_ref().map(|source| format!(" from {source}"));
        let _ = write!(text, " [{} {id}{}]", item.kind, source.unwrap_or_default());
    }
    text + "\n"
}

/// What is to come, and what somebody should do: a line each.
pub(super) fn next(order: &Order) -> String {
    let mut lines = Vec::new();
    lines.extend(of_status(order));
    lines.extend(order.attempts.iter().filter_map(|attempt| of_attempt(attempt, order.currency)));
    lines.extend(order.refunds.iter().filter_map(of_refund));
    lines.extend(order.disputes.iter().filter(|dispute| dispute.state == "open").map(|dispute| {
        let provider = dispute.provider.as_deref().unwrap_or("the provider");
        format!("Dispute {} at {provider} is open.", dispute.id)
    }));
    if order.parked > 0 {
        lines.push(format!(
            "{} about it {} parked: GET /api/parked?order_id={} shows why.",
            if order.parked == 1 {
                "1 message".to_owned()
            } else {
                format!("{} messages", order.parked)
            },
            if order.parked == 1 { "is" } else { "are" },
            order.id
        ));
    }
    if lines.is_empty() {
        lines.push("Nothing is open.".to_owned());
    }
    let lines: Vec<_> = lines.iter().map(|line| format!("  {line}\n")).collect();
    lines.concat()
}

fn of_status(order: &Order) -> Option<String> {
    let show = |amount: i64| order.currency.show(amount);
    let net = (order.paid - order.refunded).max(0);
    let missing = (order.total - order.written_off - net).max(0);
    match Status::from_name(&order.status)? {
        Status::AwaitingPayment | Status::PartiallyPaid => {
            Some(format!("{} are to be paid. {}", show(missing), hold(order.reservation.as_ref())))
        }
        Status::Authorized => Some(format!(
            "{} are authorized and not captured: order.capture asks the provider for them.",
            show(order.authorized)
        )),
        Status::UnderReview => Some(
            "A person must decide what becomes of it: order.resolve with accept, cancel or return."
                .to_owned(),
        ),
        Status::Paid => Some(
            "It is paid and not completed: order.complete says that it was handed over.".to_owned(),
        ),
        Status::RefundDue => Some(format!("{} are to go back to the customer.", show(net))),
        Status::Rejected
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::PartiallyRefunded
        | Status::Refunded => None,
    }
}

fn hold(reservation: Option<&Reservation>) -> String {
    let Some(Reservation { state, expires_at, frozen }) = reservation else {
        return "No stock is held for it.".to_owned();
    };
    match (state.as_str(), expires_at) {
        ("held", Some(until)) if *frozen => format!(
            "Its stock is held while a payment attempt is open, until {} at the latest.",
            time(until)
        ),
        ("held", Some(until)) => {
            format!("Its stock is held until {}; then the order expires.", time(until))
        }
        ("held", None) => "Its stock is held.".to_owned(),
        _ => "Its stock is not held any more.".to_owned(),
    }
}

fn of_attempt(attempt: &Attempt, of_order: Currency) -> Option<String> {
    let Attempt { provider, id, state, authorized, .. } = attempt;
    let show = |amount: i64| attempt.currency.unwrap_or(of_order).show(amount);
    let named = format!("Payment attempt {id} at {provider}");
    if attempt.void_requested && matches!(state.as_str(), "authorized" | "captured") {
        return Some(format!("{named}: the provider was asked to void it."));
    }
    if attempt.capture_requested > 0 {
        let asked = show(attempt.capture_requested);
        return Some(format!("{named}: the provider was asked to capture {asked}."));
    }
    match state.as_str() {
        "action_required" => Some(format!("{named} waits for a step of the customer.")),
        "authorized" => Some(format!("{named} is authorized: {}.", show(*authorized))),
        _ => None, // it has ended
    }
}

fn of_refund(refund: &Refund) -> Option<String> {
    let Refund { id, provider, currency, .. } = refund;
    let provider = provider.as_deref().unwrap_or("the provider");
    let left = currency.show(refund.amount - refund.sent_back);
    match refund.state.as_str() {
        "requested" => Some(format!("Refund {id} of {left} waits for {provider}.")),
        "failed" => Some(format!(
            "Refund {id} of {left} failed at {provider}: refund.request with the same id asks again."
        )),
        _ => None, // it arrived
    }
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
