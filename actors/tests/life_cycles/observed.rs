//! What the processor did and how it stands, in the model's plain data. Only words change here; nothing is decided.

use orderly_domain::cart::Cart;
use orderly_domain::event::{Event, OrderChange, Type};
use orderly_domain::id::OrderId;
use orderly_domain::inventory::{HoldState, Reservation, Stock};
use orderly_domain::notification::Notices;
use orderly_domain::order::Order;
use orderly_domain::payment::{Attempt, CaptureIdentity, Payments};
use orderly_domain::record::UnitRecord;
use orderly_domain::verdict::Reason;
use orderly_model::Unit;
use orderly_model::snapshot::{
    AttemptSnapshot, CartSnapshot, HoldSnapshot, OrderSnapshot, StockSnapshot,
};
use serde_json::json;

/// What a unit of the processor came to.
pub fn unit(record: &UnitRecord) -> Unit {
    let mut unit = Unit {
        order: record.order.as_ref().map(|id| id.as_str().to_owned()),
        verdict: record.verdict.as_str().parse().expect("the model has every verdict"),
        reason: record.reason.map(Reason::as_str),
        detail: json!(record.detail),
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
            Event::StockLow { sku, available, .. } => {
                unit.facts.push(format!("low {sku} {available}"));
            }
            Event::RefundRequested { amount, currency, .. } => {
                unit.refunds_requested.push((*amount, currency.code().to_owned()));
            }
            Event::VoidRequested { attempt_id } => {
                unit.voids_requested.push(attempt_id.as_str().to_owned());
            }
            _ => {}
        }
    }
    unit
}

/// An order, with what its four owners have of it.
pub fn order(
    order: &Order,
    payments: Option<&Payments>,
    reservation: Option<&Reservation>,
    notices: Option<&Notices>,
) -> OrderSnapshot {
    let items = reservation.iter().flat_map(|reservation| reservation.items.iter());
    let returned = items.filter(|item| item.returned > 0);
    let refunds = payments.iter().flat_map(|payments| &payments.refunds).map(|refund| {
        let (id, currency) = (refund.id.as_str().to_owned(), refund.currency.code().to_owned());
        (id, refund.amount, currency, refund.state.as_str())
    });
    let disputes = payments.iter().flat_map(|payments| &payments.disputes);
    let notices = notices.iter().flat_map(|notices| &notices.all);
    OrderSnapshot {
        status: order.status.as_str(),
        is_disputed: order.disputed,
        currency: order.currency.code().to_owned(),
        total: order.total,
        paid: order.paid,
        refunded: order.refunded(),
        auto_refunds_requested: order.auto_refunds_requested,
        hold: reservation.map(|reservation| hold(reservation.state)),
        returned: returned
            .map(|item| (item.sku.as_str().to_owned(), item.returned.cast_signed()))
            .collect(),
        attempts: payments.iter().flat_map(|one| &one.attempts).map(attempt).collect(),
        refunds: refunds.collect(),
        disputes: disputes
            .map(|dispute| (dispute.id.as_str().to_owned(), dispute.state.as_str()))
            .collect(),
        notifications: notices
            .map(|notice| (notice.kind.as_str(), notice.reference.clone()))
            .collect(),
    }
}

fn hold(state: HoldState) -> HoldSnapshot {
    let name = state.as_str();
    match state {
        HoldState::Held { until, extended, frozen } => HoldSnapshot {
            state: name,
            until: Some(until.micros()),
            is_extended: extended,
            frozen: frozen.map(|left| i64::try_from(left.as_micros()).expect("it is short")),
        },
        HoldState::Committed | HoldState::Released | HoldState::Expired => {
            HoldSnapshot { state: name, until: None, is_extended: false, frozen: None }
        }
    }
}

fn attempt(attempt: &Attempt) -> AttemptSnapshot {
    let captures = attempt.captures.iter().map(|capture| {
        let identity = match &capture.identity {
            CaptureIdentity::Capture(id) => format!("capture {id}"),
            CaptureIdentity::Event(id) => format!("event {id}"),
        };
        (identity, capture.amount, capture.currency.code().to_owned())
    });
    AttemptSnapshot {
        provider: attempt.provider.as_str().to_owned(),
        id: attempt.id.as_str().to_owned(),
        state: attempt.state.as_str(),
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
