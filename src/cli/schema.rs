//! `orderly schema`: the JSON Schemas of all commands and events.

use super::output;
use orderly_domain::command::Kind;
use orderly_domain::event::Type;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};
use std::io;

/// Prints one JSON document: `commands` and `events` by type, and `$defs` for both.
pub fn run() -> io::Result<()> {
    let text = format!("{:#}\n", document());
    output::print(&text)
}

/// The document that [`run`] prints.
pub fn document() -> Value {
    let mut generator = SchemaGenerator::default();
    let mut commands = Map::new();
    for kind in Kind::ALL {
        commands.insert(kind.as_str().to_owned(), kind.schema(&mut generator).into());
    }
    let mut events = Map::new();
    for kind in Type::ALL {
        events.insert(kind.as_str().to_owned(), event(*kind));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "orderly",
        "description": "The data of every command and of every event.",
        "commands": commands,
        "events": events,
        "$defs": generator.take_definitions(true),
    })
}

/// What the data of an event holds at least.
fn event(kind: Type) -> Value {
    let text = || json!({"type": "string"});
    let count = || json!({"type": "integer", "minimum": 0});
    let amount = || json!({"type": "integer"});
    let line = json!({
        "type": "object",
        "properties": {"sku": text(), "quantity": count(), "unit_price": amount(), "name": text()},
        "required": ["sku", "quantity"],
    });
    let lines = json!({"type": "array", "items": line});
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut add = |name: &str, schema: Value, needed: bool| {
        properties.insert(name.to_owned(), schema);
        if needed {
            required.push(name.to_owned());
        }
    };
    match kind.as_str().split('.').next().unwrap_or_default() {
        "order" => {
            for name in ["order_id", "status", "currency"] {
                add(name, text(), true);
            }
            for name in ["version", "total", "paid", "refunded"] {
                add(name, count(), true);
            }
            add("lines", lines, true);
            add("late", json!({"type": "boolean"}), kind == Type::OrderPaid);
            add("amount", amount(), kind == Type::OrderRefundDue);
            let why = matches!(kind, Type::OrderRejected | Type::OrderUnderReview);
            add("reason", text(), why);
        }
        "payment" => {
            add("order_id", text(), true);
            let of_attempt = kind != Type::PaymentRefundRequested;
            add("attempt_id", text(), of_attempt);
            add("refund_id", text(), !of_attempt);
            add("dispute_id", text(), false);
            add("amount", amount(), !of_attempt);
            add("currency", text(), !of_attempt);
            add("kind", text(), kind == Type::PaymentRecorded);
            add("verdict", text(), kind == Type::PaymentRecorded);
        }
        "stock" if matches!(kind, Type::StockLow | Type::StockChanged) => {
            add("sku", text(), true);
            add("available", count(), true);
            add("on_hand", count(), kind == Type::StockChanged);
            add("held", count(), kind == Type::StockChanged);
        }
        "stock" => {
            add("order_id", text(), true);
            add("lines", lines, true);
            // none of a hold that is sold in the same unit
            add("expires_at", text(), false);
            add("reason", text(), kind == Type::StockReleased);
            add("refund_id", text(), kind == Type::StockReturned);
        }
        "cart" => {
            for name in ["cart_id", "status", "currency", "updated_at"] {
                add(name, text(), true);
            }
            add("version", count(), true);
            add("total", amount(), true);
            add("lines", lines, true);
            add("order_id", text(), kind == Type::CartCheckedOut);
        }
        "notification" => {
            for name in ["notification_id", "kind", "order_id"] {
                add(name, text(), true);
            }
            if kind != Type::NotificationRequested {
                add("channel", text(), true);
                add("attempts", count(), true);
            }
            if kind == Type::NotificationFailed {
                add("reason", text(), true);
            }
        }
        _ => {
            add("parked_id", text(), true);
            add("reason", text(), true);
        }
    }
    json!({"type": "object", "properties": properties, "required": required})
}
