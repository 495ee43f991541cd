//! What data must be, as far as the generator breaks it.

use super::orders::total;
use super::{number, text};
use serde_json::Value;

/// The data without what no command knows.
pub(super) fn known_fields(data: &Value) -> Value {
    let mut data = data.clone();
    if let Some(fields) = data.as_object_mut() {
        fields.remove("unknown");
    }
    data
}

pub(super) fn is_valid(kind: &str, data: &Value) -> bool {
    let are_ids_fine = ["order_id", "cart_id", "from_cart_id", "into_cart_id", "sku", "refund_id"]
        .iter()
        .filter_map(|field| data.get(*field)?.as_str())
        .all(|id| (1..=128).contains(&id.len()) && id.chars().all(|one| one.is_ascii_graphic()));
    let is_currency_fine = match data.get("currency").map(|currency| currency.as_str()) {
        Some(code) => code.is_some_and(|code| matches!(code, "EUR" | "USD")),
        None => !matches!(kind, "order.place" | "cart.put" | "cart.add"),
    };
    let is_price_fine = number(data, "unit_price") >= 0;
    let is_data_fine = match kind {
        "order.place" => are_lines_fine(&data["lines"], 1) && total(data) >= 0,
        "cart.put" => (0..=1_000_000).contains(&number(data, "quantity")),
        "cart.merge" => text(data, "from_cart_id") != text(data, "into_cart_id"),
        "stock.set" => number(data, "on_hand") >= 0,
        "refund.request" => number(data, "amount") >= 1 && are_lines_fine(&data["restock"], 0),
        "order.resolve" => matches!(text(data, "decision"), "accept" | "cancel"),
        "payment.callback" => is_callback_fine(data),
        _ => true,
    };
    are_ids_fine && is_currency_fine && is_price_fine && is_data_fine
}

/// 1 to 500 lines; quantities 1 to 1,000,000; no negative price.
fn are_lines_fine(lines: &Value, least: usize) -> bool {
    let lines = lines.as_array().map(Vec::as_slice).unwrap_or_default();
    (least..=500).contains(&lines.len())
        && lines.iter().all(|line| {
            (1..=1_000_000).contains(&number(line, "quantity")) && number(line, "unit_price") >= 0
        })
}

fn is_callback_fine(data: &Value) -> bool {
    let has = |field: &str| data.get(field).is_some_and(|value| !value.is_null());
    match text(data, "kind") {
        "authorized" | "captured" => has("amount") && has("currency"),
        "refund_succeeded" => has("amount") && has("currency") && has("refund_id"),
        "refund_failed" => has("refund_id"),
        "dispute_opened" => has("dispute_id"),
        "dispute_closed" => has("dispute_id") && matches!(text(data, "outcome"), "won" | "lost"),
        "action_required" | "failed" | "voided" | "expired" => true,
        _ => false,
    }
}
