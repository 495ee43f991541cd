//! What the processor did and how it stands, in the model's plain data. Only words change here; nothing is decided.

use orderly_domain::cart::Cart;
use orderly_domain::event::{Event, OrderChange, Type};
use orderly_domain::id::{AttemptId, OrderId, Provider};
use orderly_domain::ignored::Ignored;
use orderly_domain::inventory::{HoldState, Reservation, Stock};
use orderly_domain::notification::Notices;
use orderly_domain::order::{Order, OrderDetails};
use orderly_domain::payment::{Attempt, CaptureIdentity, EndedAttempts, Payments, Refund};
use orderly_domain::record::UnitRecord;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Reason;
use orderly_model::Unit;
use orderly_model::snapshot::{
    AttemptSnapshot, CartSnapshot, HoldSnapshot, OrderSnapshot, RefundSnapshot, StockSnapshot,
};
use orderly_model::unit::RefundRequested;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

fn ignored(record: &UnitRecord) -> Vec<String> {
    let mut names: Vec<_> = record.ignored.iter().flat_map(Ignored::texts).collect();
    names.sort_unstable();
    names
}

/// What a unit of the processor came to.
pub fn unit(record: &UnitRecord) -> Unit {
    let mut unit = Unit {
        order: record.order.as_ref().map(|id| id.as_str().to_owned()),
        verdict: record.verdict.as_str().parse().expect("the model has every verdict"),
        reason: record.reason.map(Reason::as_str),
        detail: json!(record.detail),
        ignored: ignored(record),
        events: record.types().into_iter().map(Type::as_str).collect(),
        ..Unit::default()
    };
    for event in &record.events {
        match event {
            Event::Order { change: OrderChange::Paid { late }, .. } => {
                unit.facts.push(format!("late {late}"));
            }
            Event::Order { change: OrderChange::RefundDue { amount }, .. } => {
                unit.facts.push(format!("due {amount}"));
            }
            Event::Order { change: OrderChange::DisputeClosed { outcome, .. }, .. } => {
                unit.facts.push(format!("outcome {outcome}"));
            }
            Event::StockLow { sku, available, .. } => {
                unit.facts.push(format!("low {sku} {available}"));
            }
            Event::RefundRequested {
                provider,
                attempt_id,
                capture_id,
                part,
                amount,
                currency,
                ..
            } => {
                let part = part.expect("every request is for a part");
                unit.refunds_requested.push(RefundRequested {
                    part: part.part.into(),
                    parts: part.parts.into(),
                    tries: part.tries.into(),
                    provider: provider.as_ref().map_or("", Provider::as_str).to_owned(),
                    attempt: attempt_id.as_ref().map_or("", AttemptId::as_str).to_owned(),
                    capture: capture_id.as_ref().map(|id| id.as_str().to_owned()),
                    amount: *amount,
                    currency: currency.code().to_owned(),
                });
            }
            Event::VoidRequested { provider, attempt_id } => {
                let provider = provider.as_ref().map_or("", Provider::as_str);
                unit.voids_requested.push((provider.to_owned(), attempt_id.as_str().to_owned()));
            }
            Event::CaptureRequested { provider, attempt_id, amount, currency, .. } => {
                let (provider, attempt) = (provider.as_str(), attempt_id.as_str());
                let asked = (provider.to_owned(), attempt.to_owned(), *amount);
                let (provider, attempt, amount) = asked;
                let currency = currency.code().to_owned();
                unit.captures_requested.push((provider, attempt, amount, currency));
            }
            _ => {}
        }
    }
    unit
}

/// An order, with what its four owners have of it.
pub fn order(
    (order, details): (&Order, Option<&OrderDetails>),
    payments: Option<&Payments>,
    reservation: Option<&Reservation>,
    notices: Option<&Notices>,
) -> OrderSnapshot {
    let items = reservation.iter().flat_map(|reservation| reservation.items.iter());
    let returned = items.filter(|item| item.returned > 0);
    let refunds = payments.iter().flat_map(|payments| &payments.refunds);
    let mut refunds: Vec<_> = refunds.map(refund).collect();
    refunds.sort_unstable();
    let lines = order.lines.iter().map(|line| {
        let (quantity, price) = (line.quantity.get(), line.unit_price.get());
        (line.sku.as_str().to_owned(), i64::from(quantity), price)
    });
    let attempts = payments.iter().flat_map(|payments| &payments.attempts);
    let open = attempts.clone().map(|attempt| attempt.open_amount(order.currency));
    let disputes = payments.iter().flat_map(|payments| &payments.disputes);
    let notices = notices.iter().flat_map(|notices| &notices.all);
    OrderSnapshot {
        status: order.status.as_str(),
        is_disputed: order.disputed,
        currency: order.currency.code().to_owned(),
        total: order.total,
        paid: order.paid,
        refunded: order.refunded,
        authorized: open.sum(),
        written_off: order.written_off,
        version: order.version.cast_signed(),
        updated_at: order.updated_at.micros(),
        completed_at: order.completed_at.map(Timestamp::micros),
        confirm_on: order.confirm_on.as_str(),
        lines: lines.collect(),
        details: contact(order, details),
        hold: reservation.map(|reservation| hold(reservation.state)),
        returned: returned
            .map(|item| (item.sku.as_str().to_owned(), item.returned.cast_signed()))
            .collect(),
        ended_attempts: payments.map(|one| ended_attempts(&one.ended)).unwrap_or_default(),
        attempts: attempts.map(attempt).collect(),
        refunds,
        disputes: disputes
            .map(|dispute| {
                let provider = dispute.provider.as_ref().map_or("", Provider::as_str);
                (provider.to_owned(), dispute.id.as_str().to_owned(), dispute.state.as_str())
            })
            .collect(),
        notifications: notices
            .map(|notice| (notice.kind.as_str(), notice.reference.clone()))
            .collect(),
    }
}

/// Customer, addresses and metadata, as they were sent.
fn contact(order: &Order, details: Option<&OrderDetails>) -> Map<String, Value> {
    let none = OrderDetails::default();
    let OrderDetails { shipping_address, billing_address, metadata } = details.unwrap_or(&none);
    let fields = [
        ("customer", json!(order.customer)),
        ("shipping_address", json!(shipping_address)),
        ("billing_address", json!(billing_address)),
        ("metadata", json!(metadata)),
    ];
    let given = fields.into_iter().map(|(name, value)| (name, without_nulls(value)));
    let given = given.filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>().into()
        }
        other => other,
    }
}

fn hold(state: HoldState) -> HoldSnapshot {
    let name = state.as_str();
    match state {
        HoldState::Held { until, extended, frozen } => HoldSnapshot {
            state: name,
            until: until.map(Timestamp::micros),
            is_extended: extended,
            frozen: frozen.map(|left| i64::try_from(left.as_micros()).expect("it is short")),
        },
        HoldState::Committed | HoldState::Released | HoldState::Expired => {
            HoldSnapshot { state: name, until: None, is_extended: false, frozen: None }
        }
    }
}

fn refund(refund: &Refund) -> RefundSnapshot {
    RefundSnapshot {
        id: refund.id.as_str().to_owned(),
        provider: refund.provider.as_ref().map_or("", Provider::as_str).to_owned(),
        attempt: refund.attempt.as_ref().map_or("", AttemptId::as_str).to_owned(),
        amount: refund.amount,
        sent_back: refund.sent_back(),
        currency: refund.currency.code().to_owned(),
        state: refund.state.as_str(),
    }
}

fn ended_attempts(ended: &EndedAttempts) -> BTreeMap<&'static str, i64> {
    let EndedAttempts { failed, voided, expired } = *ended;
    let counts = [("failed", failed), ("voided", voided), ("expired", expired)];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    counts.map(|(state, count)| (state, count.cast_signed())).collect()
}

fn attempt(attempt: &Attempt) -> AttemptSnapshot {
    let captures = attempt.captures.iter().map(|capture| {
        let identity = match &capture.identity {
            CaptureIdentity::Capture(id) => format!("capture {id}"),
            CaptureIdentity::Event(id) => format!("event {id}"),
        };
        (identity, capture.amount, capture.currency.code().to_owned())
    });
    let captured = attempt.captured_by_currency().into_iter();
    let captured = captured.map(|one| (one.currency.code().to_owned(), one.sum.amount()));
    let kept = attempt.captures.len();
    AttemptSnapshot {
        captured: captured.collect(),
        summed_up: usize::try_from(attempt.capture_count()).expect("few") - kept,
        provider: attempt.provider.as_str().to_owned(),
        id: attempt.id.as_str().to_owned(),
        state: attempt.state.as_str(),
        authorized: attempt.authorized,
        is_final: attempt.closed,
        void_requested: attempt.void_requested,
        captures: captures.collect(),
    }
}

/// A sku.
pub fn stock(stock: &Stock) -> StockSnapshot {
    StockSnapshot {
        on_hand: stock.on_hand.cast_signed(),
        held: stock.held.cast_signed(),
        low_at: stock.low_at.map(u64::cast_signed),
        version: stock.version.cast_signed(),
    }
}

/// A cart.
pub fn cart(cart: &Cart) -> CartSnapshot {
    let lines = cart.lines.iter().map(|line| {
        let (quantity, price) = (line.quantity.get(), line.unit_price.get());
        (line.sku.as_str().to_owned(), i64::from(quantity), price)
    });
    CartSnapshot {
        status: cart.status.as_str(),
        version: cart.version.cast_signed(),
        currency: cart.currency.code().to_owned(),
        lines: lines.collect(),
        order: cart.order.as_ref().map(OrderId::as_str).map(str::to_owned),
    }
}
