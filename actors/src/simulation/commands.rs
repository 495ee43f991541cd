//! The data of typical commands, and messages that carry them. Amounts are in EUR, times at the beginning of 2026.

use crate::sequencer::{InboundMessage, Raw};
use bytes::Bytes;
use orderly_domain::command::{Command, Decoded, Invalid, Kind};
use orderly_domain::id::{CommandId, Source};
use orderly_domain::ignored::Ignored;
use orderly_domain::record::CommandName;
use orderly_domain::verdict::Reason;
use serde_json::{Value, json};

/// A message of type `kind` with this body, decoded as the process does it: without a time, a deadline or a trace.
///
/// # Panics
///
/// When `source` or `id` cannot be one.
pub fn inbound(source: &str, id: &str, kind: &str, body: Bytes) -> InboundMessage {
    let decoded = match Kind::from_name(kind) {
        Some(kind) => Command::decode(kind, &body),
        None => Err(Invalid {
            reason: Reason::UnknownType,
            detail: format!("there is no command of type {kind:?}"),
        }),
    };
    let (command, ignored) = match decoded {
        Ok(Decoded { command, ignored }) => (Ok(command), ignored),
        Err(invalid) => (Err(invalid), Ignored::default()),
    };
    InboundMessage {
        source: Some(Source::new(source).expect("is a source")),
        id: Some(CommandId::new(id).expect("is an id")),
        kind: CommandName::new(Some(kind)),
        time: None,
        deadline: None,
        trace: None,
        operator: None,
        attempts: 0,
        command,
        ignored,
        raw: Raw { body, content_type: Some("application/json".to_owned()), ..Raw::default() },
    }
}

/// `stock.set`: units of a sku on hand.
pub fn stock(sku: &str, on_hand: u64) -> Value {
    json!({"sku": sku, "on_hand": on_hand})
}

/// `cart.put` or `cart.add`: a line of a cart, at 5.00 each.
pub fn line(cart: &str, sku: &str, quantity: i64) -> Value {
    json!({"cart_id": cart, "sku": sku, "quantity": quantity, "unit_price": 500, "currency": "EUR"})
}

/// `cart.checkout`.
pub fn checkout(cart: &str, order: &str) -> Value {
    json!({"cart_id": cart, "order_id": order, "customer": {"id": "c-1"}})
}

/// `order.place`: an order with these lines, each a sku, a quantity and a price.
pub fn place(order: &str, lines: &[(&str, u32, i64)]) -> Value {
    let line = |(sku, quantity, price): &(&str, u32, i64)| json!({"sku": sku, "quantity": quantity, "unit_price": price});
    let lines: Vec<_> = lines.iter().map(line).collect();
    json!({"order_id": order, "customer": {"id": "c-1"}, "currency": "EUR", "lines": lines})
}

/// `payment.callback`: the provider's event `event` says that `attempt` of an order captured `amount`.
pub fn captured(order: &str, event: &str, attempt: &str, amount: i64) -> Value {
    json!({
        "provider": "acme", "event_id": event, "order_id": order, "attempt_id": attempt,
        "kind": "captured", "amount": amount, "currency": "EUR",
        "occurred_at": "2026-01-01T00:00:00Z",
    })
}
