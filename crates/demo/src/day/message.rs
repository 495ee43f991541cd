//! The commands of the day as producers write them: plain JSON, one function a type.

use serde_json::{Value, json};

use super::catalogue::Line;

/// The shop's one currency.
pub(super) const CURRENCY: &str = "GBP";

/// A message to the processor, valid or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The type of the command, which is also the routing key.
    pub kind: &'static str,
    /// The message id; a message without one is poison.
    pub id: Option<String>,
    /// The source: the sender of the message.
    pub source: &'static str,
    /// An RFC 3339 time, after which the command is not carried out.
    pub deadline: Option<&'static str>,
    /// The data as bytes, since a broken message may not be JSON.
    pub body: Vec<u8>,
}

impl Message {
    fn new(source: &'static str, id: String, kind: &'static str, data: &Value) -> Self {
        Self { kind, id: Some(id), source, deadline: None, body: data.to_string().into_bytes() }
    }

    /// The same data under another message id: for the processor another command.
    pub(super) fn again_as(&self, id: String) -> Self {
        Self { id: Some(id), ..self.clone() }
    }
}

/// The fields that `order.place` and `cart.checkout` share.
#[derive(Debug, Clone)]
pub(super) struct OrderRequest {
    pub(super) order: String,
    pub(super) customer: u64,
    pub(super) lines: Vec<Line>,
    /// Postage and vouchers, in minor units.
    pub(super) adjustments: Vec<(&'static str, i64)>,
    /// A hold shorter than the shop's own.
    pub(super) hold_for: Option<&'static str>,
}

impl OrderRequest {
    pub(super) fn total(&self) -> u64 {
        let lines: u64 = self.lines.iter().map(Line::amount).sum();
        let adjustments: i64 = self.adjustments.iter().map(|(_, amount)| amount).sum();
        lines.saturating_add_signed(adjustments)
    }

    fn customer(&self) -> Value {
        let id = format!("customer-{:07}", self.customer);
        if self.customer.is_multiple_of(3) {
            json!({ "id": id })
        } else {
            json!({ "id": id, "email": format!("{id}@example.com") })
        }
    }

    fn adjustments(&self) -> Vec<Value> {
        self.adjustments
            .iter()
            .map(|(kind, amount)| json!({ "kind": kind, "amount": amount }))
            .collect()
    }

    /// Leaves out fields without a value, as producers do.
    fn finish(&self, mut data: Value) -> Value {
        if !self.adjustments.is_empty() {
            data["adjustments"] = self.adjustments().into();
        }
        if let Some(hold_for) = self.hold_for {
            data["hold_for"] = hold_for.into();
        }
        data
    }
}

pub(super) fn place(id: String, request: &OrderRequest) -> Message {
    let lines: Vec<Value> = request
        .lines
        .iter()
        .map(|line| {
            json!({ "sku": line.sku, "quantity": line.quantity, "unit_price": line.unit_price })
        })
        .collect();
    let data = json!({
        "order_id": request.order,
        "customer": request.customer(),
        "currency": CURRENCY,
        "lines": lines,
    });
    Message::new("web", id, "order.place", &request.finish(data))
}

pub(super) fn checkout(
    id: String,
    cart: &str,
    request: &OrderRequest,
    expected_total: Option<u64>,
) -> Message {
    let mut data = json!({
        "cart_id": cart,
        "order_id": request.order,
        "customer": request.customer(),
    });
    if let Some(total) = expected_total {
        data["expected_total"] = total.into();
    }
    Message::new("web", id, "cart.checkout", &request.finish(data))
}

pub(super) fn cart_put(
    id: String,
    cart: &str,
    line: &Line,
    expected_version: Option<u64>,
) -> Message {
    let mut data = json!({
        "cart_id": cart,
        "sku": line.sku,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "currency": CURRENCY,
    });
    if let Some(version) = expected_version {
        data["expected_version"] = version.into();
    }
    Message::new("web", id, "cart.put", &data)
}

pub(super) fn cart_add(id: String, cart: &str, line: &Line, difference: i64) -> Message {
    let data = json!({
        "cart_id": cart,
        "sku": line.sku,
        "quantity": difference,
        "unit_price": line.unit_price,
        "currency": CURRENCY,
    });
    Message::new("web", id, "cart.add", &data)
}

pub(super) fn cart_clear(id: String, cart: &str) -> Message {
    Message::new("web", id, "cart.clear", &json!({ "cart_id": cart }))
}

pub(super) fn cancel(id: String, order: &str) -> Message {
    let data = json!({ "order_id": order, "reason": "changed my mind" });
    Message::new("web", id, "order.cancel", &data)
}

pub(super) fn complete(id: String, order: &str) -> Message {
    Message::new("warehouse", id, "order.complete", &json!({ "order_id": order }))
}

pub(super) fn stock_set(id: String, sku: &str, on_hand: u64, low_at: u64) -> Message {
    let data = json!({ "sku": sku, "on_hand": on_hand, "low_at": low_at });
    Message::new("warehouse", id, "stock.set", &data)
}

pub(super) fn stock_adjust(id: String, sku: &str, delta: i64, reason: &str) -> Message {
    let data = json!({ "sku": sku, "delta": delta, "reason": reason });
    Message::new("warehouse", id, "stock.adjust", &data)
}

/// An event of the payment provider.
#[derive(Debug, Clone)]
pub(super) struct Callback {
    pub(super) event: String,
    pub(super) order: String,
    pub(super) attempt: String,
    pub(super) what: Payment,
    /// RFC 3339.
    pub(super) occurred_at: String,
}

#[derive(Debug, Clone)]
pub(super) enum Payment {
    Captured {
        amount: u64,
        /// The id of the capture; not every provider gives one.
        capture: Option<String>,
    },
    Failed,
}

impl Callback {
    /// The event as a message with the id `id`. A provider delivers the same event again under another message id.
    pub(super) fn message(&self, id: String) -> Message {
        let mut data = json!({
            "provider": "acme-pay",
            "event_id": self.event,
            "order_id": self.order,
            "attempt_id": self.attempt,
            "occurred_at": self.occurred_at,
        });
        match &self.what {
            Payment::Captured { amount, capture } => {
                data["kind"] = "captured".into();
                data["amount"] = (*amount).into();
                data["currency"] = CURRENCY.into();
                if let Some(capture) = capture {
                    data["capture_id"] = capture.as_str().into();
                }
            }
            Payment::Failed => data["kind"] = "failed".into(),
        }
        Message::new("payments", id, "payment.callback", &data)
    }
}

/// Messages that no processor can process, one of each sort in turn.
pub(super) fn poison(id: &str, turn: u64) -> Message {
    let good = json!({ "sku": "SKU-00000", "delta": 1 });
    let message = |data: &Value| Message::new("legacy", id.to_owned(), "stock.adjust", data);
    match turn % 9 {
        0 => Message { body: br#"{"sku": "SKU-00000", "delta""#.to_vec(), ..message(&good) },
        1 => message(&json!({ "sku": "SKU-00000", "delta": "one" })),
        2 => message(&json!({ "sku": "SKU-00000" })),
        3 => Message { kind: "stock.teleport", ..message(&good) },
        4 => Message { deadline: Some("2020-01-01T00:00:00Z"), ..message(&good) },
        5 => message(&json!({ "sku": "SKU-00000", "delta": 1, "reason": "x".repeat(70_000) })),
        6 => Message { id: None, ..message(&good) },
        7 => Message { body: vec![0xFF, 0xFE, 0x00, 0x7B], ..message(&good) },
        _ => message(&json!({ "sku": "no spaces allowed", "delta": 1 })),
    }
}
