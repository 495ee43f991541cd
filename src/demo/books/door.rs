//! Reads a message as the contract says, or says why it is none.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::super::day::Message;

/// The contract's `intake.max_command_size`.
const LARGEST: usize = 64 * 1024;

/// A message that is a command. Unknown fields are dropped: two that serialise alike are the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) enum Command {
    StockSet(StockSet),
    StockAdjust(StockAdjust),
    CartPut(CartLine),
    CartAdd(CartLine),
    CartClear(CartClear),
    CartCheckout(CartCheckout),
    OrderPlace(OrderPlace),
    OrderCancel(OfOrder),
    OrderComplete(OfOrder),
    PaymentCallback(Callback),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StockSet {
    pub(super) sku: String,
    pub(super) on_hand: i64,
    pub(super) low_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StockAdjust {
    pub(super) sku: String,
    pub(super) delta: i64,
    pub(super) reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CartLine {
    pub(super) cart_id: String,
    pub(super) sku: String,
    pub(super) quantity: i64,
    pub(super) unit_price: i64,
    pub(super) currency: String,
    pub(super) expected_version: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CartClear {
    pub(super) cart_id: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CartCheckout {
    pub(super) cart_id: String,
    pub(super) order_id: String,
    pub(super) customer: Customer,
    #[serde(default)]
    pub(super) adjustments: Vec<Adjustment>,
    pub(super) expected_total: Option<i64>,
    pub(super) hold_for: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OrderPlace {
    pub(super) order_id: String,
    pub(super) customer: Customer,
    pub(super) currency: String,
    pub(super) lines: Vec<Line>,
    #[serde(default)]
    pub(super) adjustments: Vec<Adjustment>,
    pub(super) hold_for: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Customer {
    id: String,
    email: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) sku: String,
    pub(super) quantity: i64,
    pub(super) unit_price: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Adjustment {
    kind: String,
    pub(super) amount: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OfOrder {
    pub(super) order_id: String,
    reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Callback {
    pub(super) provider: String,
    pub(super) event_id: String,
    pub(super) order_id: String,
    pub(super) attempt_id: String,
    pub(super) kind: String,
    pub(super) capture_id: Option<String>,
    pub(super) amount: Option<i64>,
    pub(super) currency: Option<String>,
    occurred_at: String,
}

/// The command in a message, or the reason for which it is invalid.
pub(super) fn decode(message: &Message) -> Result<Command, &'static str> {
    if message.body.len() > LARGEST {
        return Err("too_large");
    }
    if message.id.is_none() {
        return Err("malformed");
    }
    // The only deadlines of a day have long passed.
    if message.deadline.is_some() {
        return Err("deadline");
    }
    let body = &message.body;
    let command = match message.kind {
        "stock.set" => Command::StockSet(parse(body)?),
        "stock.adjust" => Command::StockAdjust(parse(body)?),
        "cart.put" => Command::CartPut(parse(body)?),
        "cart.add" => Command::CartAdd(parse(body)?),
        "cart.clear" => Command::CartClear(parse(body)?),
        "cart.checkout" => Command::CartCheckout(parse(body)?),
        "order.place" => Command::OrderPlace(parse(body)?),
        "order.cancel" => Command::OrderCancel(parse(body)?),
        "order.complete" => Command::OrderComplete(parse(body)?),
        "payment.callback" => Command::PaymentCallback(parse(body)?),
        _ => return Err("unknown_type"),
    };
    if command.ids().into_iter().all(is_id) && command.quantities_fit() {
        Ok(command)
    } else {
        Err("validation")
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, &'static str> {
    let value: serde_json::Value = serde_json::from_slice(body).map_err(|_| "malformed")?;
    serde_json::from_value(value).map_err(|_| "validation")
}

fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Command {
    fn ids(&self) -> Vec<&str> {
        match self {
            Self::StockSet(set) => vec![&set.sku],
            Self::StockAdjust(adjust) => vec![&adjust.sku],
            Self::CartPut(line) | Self::CartAdd(line) => vec![&line.cart_id, &line.sku],
            Self::CartClear(clear) => vec![&clear.cart_id],
            Self::CartCheckout(checkout) => {
                vec![&checkout.cart_id, &checkout.order_id, &checkout.customer.id]
            }
            Self::OrderPlace(place) => {
                let mut ids = vec![place.order_id.as_str(), &place.customer.id];
                ids.extend(place.lines.iter().map(|line| line.sku.as_str()));
                ids
            }
            Self::OrderCancel(of) | Self::OrderComplete(of) => vec![&of.order_id],
            Self::PaymentCallback(callback) => {
                vec![&callback.event_id, &callback.order_id, &callback.attempt_id]
            }
        }
    }

    fn quantities_fit(&self) -> bool {
        match self {
            Self::OrderPlace(place) => {
                (1..=500).contains(&place.lines.len())
                    && place.lines.iter().all(|line| {
                        (1..=1_000_000).contains(&line.quantity) && line.unit_price >= 0
                    })
            }
            Self::CartPut(line) => (0..=1_000_000).contains(&line.quantity),
            Self::StockSet(set) => set.on_hand >= 0,
            _ => true,
        }
    }
}
