//! What is open of an order: what is to come, and what somebody should do.

use super::{Amount, Attempt, FoldedMoney, Order, Refund, Reservation, time};
use orderly_domain::money::Currency;
use orderly_domain::order::Status;

/// A line each.
pub(in super::super) fn next(order: &Order) -> String {
    let status = Status::from_name(&order.status);
    let mut lines = Vec::new();
    lines.extend(status.and_then(|status| of_status(order, status)));
    lines.extend(of_attention(order));
    let expects_money = status.is_some_and(expects_money);
    let attempts = order.attempts.iter();
    lines.extend(attempts.filter_map(|attempt| of_attempt(attempt, order.currency, expects_money)));
    lines.extend(order.refunds.iter().filter_map(|refund| of_refund(refund, &order.refunds)));
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

/// Whether the order waits for money, or a person may still take it.
fn expects_money(status: Status) -> bool {
    match status {
        Status::AwaitingPayment
        | Status::Authorized
        | Status::PartiallyPaid
        | Status::UnderReview => true,
        Status::Rejected
        | Status::Paid
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::RefundDue
        | Status::PartiallyRefunded
        | Status::Refunded => false,
    }
}

fn of_status(order: &Order, status: Status) -> Option<String> {
    let show = |amount: i64| order.currency.show(amount);
    let net = (order.paid - order.refunded).max(0);
    let missing = (order.total - order.written_off - net).max(0);
    match status {
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
        Status::RefundDue if is_settled(order) => {
            Some("What is left was settled in another way, and is not asked back.".to_owned())
        }
        Status::RefundDue => {
            let here = money_here(order);
            let here: Vec<_> =
                here.into_iter().map(|Amount { amount, currency }| currency.show(amount)).collect();
            Some(format!("{} are to go back to the customer.", here.join(" and ")))
        }
        Status::Rejected
        | Status::Completed
        | Status::Expired
        | Status::Cancelled
        | Status::PartiallyRefunded
        | Status::Refunded => None,
    }
}

/// The customer's money that is here, by currency; that of the order's currency first.
fn money_here(order: &Order) -> Vec<Amount> {
    let own = Amount { amount: order.paid - order.refunded, currency: order.currency };
    let mut sums = vec![own];
    let mut add = |amount: i64, currency: Currency| {
        if currency != order.currency {
            match sums.iter_mut().find(|sum| sum.currency == currency) {
                Some(sum) => sum.amount = sum.amount.saturating_add(amount),
                None => sums.push(Amount { amount, currency }),
            }
        }
    };
    for attempt in &order.attempts {
        for Amount { amount, currency } in attempt.captures.iter().chain(&attempt.folded_captures) {
            add(*amount, *currency);
        }
    }
    for refund in &order.refunds {
        add(-refund.sent_back, refund.currency);
    }
    for FoldedMoney { currency, captured, refunded } in
        order.folded.iter().flat_map(|folded| &folded.money)
    {
        add(captured - refunded, *currency);
    }
    sums.retain(|sum| sum.amount > 0);
    if sums.is_empty() { vec![Amount { amount: 0, currency: order.currency }] } else { sums }
}

/// Whether nothing of the money that is here is to be sent back by a provider: a refund failed, and a person settled it.
fn is_settled(order: &Order) -> bool {
    let failed = |refund: &Refund| refund.state == "failed";
    order.refunds.iter().any(failed)
        && order.refunds.iter().all(|refund| refund.state != "requested")
        && order.refunds.iter().all(|refund| refund.not_settled() == 0)
        && order.attention.is_empty()
}

fn of_attention(order: &Order) -> Option<String> {
    let why = order.attention.join("; ");
    (!why.is_empty()).then(|| format!("A person must see to it: {why}."))
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

fn of_attempt(attempt: &Attempt, of_order: Currency, expects_money: bool) -> Option<String> {
    let Attempt { provider, id, state, authorized, .. } = attempt;
    let show = |amount: i64| attempt.currency.unwrap_or(of_order).show(amount);
    let named = format!("Payment attempt {id} at {provider}");
    if attempt.void_pending {
        return Some(format!("{named}: the provider was asked to void it."));
    }
    if attempt.capture_requested > 0 {
        let asked = show(attempt.capture_requested);
        return Some(format!("{named}: the provider was asked to capture {asked}."));
    }
    match state.as_str() {
        "action_required" if expects_money => {
            Some(format!("{named} waits for a step of the customer."))
        }
        "authorized" => Some(format!("{named} is authorized: {}.", show(*authorized))),
        _ => None, // it has ended
    }
}

/// A refund that is pending, or that failed and is not settled. `all` are the order's: a refund may have several parts.
fn of_refund(refund: &Refund, all: &[Refund]) -> Option<String> {
    let Refund { id, provider, currency, .. } = refund;
    let provider = provider.as_deref().unwrap_or("the provider");
    let left = currency.show(refund.left());
    if refund.state == "requested" {
        return Some(format!("Refund {id} of {left} waits for {provider}."));
    }
    if refund.not_settled() == 0 {
        return None; // it arrived, or was settled in another way
    }
    let mut of_id = all.iter().filter(|part| part.id == *id && part.state == "failed");
    let is_whole = of_id.all(|part| part.not_settled() == part.left());
    let what_to_do = if is_whole {
        "refund.request with the same id asks again".to_owned()
    } else {
        let rest = currency.show(refund.not_settled());
        format!("{rest} of it are not settled, and refund.request with a new id asks for them")
    };
    Some(format!("Refund {id} of {left} failed at {provider}: {what_to_do}."))
}
