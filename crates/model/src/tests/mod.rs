//! The model against examples from the contract.
//!
//! | module | is about |
//! |---|---|
//! | `amending` | `order.amend` |
//! | `attempts` | attempts that ended, disputes, and what a provider's own ids are |
//! | `authorizing` | orders that an authorization confirms, `order.capture`, voids |
//! | `goods` | stock, carts, and goods that come back without money |
//! | `messages` | valid messages, and messages with the same data |
//! | `money` | the identity of money, surplus, money that nobody asked for |
//! | `refunding` | refunds in parts, refunds that fail or bounce |
//! | `resolving` | `order.resolve`, and what the audit shows |
//! | `shop` | orders, carts, stock and identities |

mod amending;
mod attempts;
mod authorizing;
mod corners;
mod goods;
mod messages;
mod money;
mod refunding;
mod resolving;
mod shop;

use crate::snapshot::{OrderSnapshot, Snapshot, StockSnapshot};
use crate::{KnownOrders, MINUTE, Message, Model, NotificationKind, Settings, Unit, Verdict};
use serde_json::{Value, json};

const NOW: i64 = 1_764_057_600_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

struct Shop {
    model: Model,
    sent: usize,
    /// The last unit.
    last: Unit,
}

impl Shop {
    fn stocked(on_hand: i64) -> Self {
        Self::with(Settings::default(), on_hand)
    }

    fn with(settings: Settings, on_hand: i64) -> Self {
        let model = Model::new(settings, NOW);
        let mut shop = Self { model, sent: 0, last: Unit::default() };
        shop.run("s", "stock.set", &json!({"sku": "tea", "on_hand": on_hand}));
        shop
    }

    /// A shop with an order `o` of 4 × 250 GBP.
    fn with_order() -> Self {
        let mut shop = Self::stocked(10);
        assert_eq!(shop.place("o", 4), APPLIED);
        shop
    }

    fn all(&mut self, id: &str, kind: &str, data: &Value) -> Vec<Unit> {
        let body = data.to_string();
        self.model.take_all(&Message::new("test", id, kind, body.as_bytes()))
    }

    fn run(&mut self, id: &str, kind: &str, data: &Value) -> (Verdict, Option<&'static str>) {
        self.last = self.all(id, kind, data).remove(0);
        (self.last.verdict, self.last.reason)
    }

    /// A command under a new id, about order `o` unless the data name another.
    fn command(&mut self, kind: &str, mut data: Value) -> (Verdict, Option<&'static str>) {
        self.sent += 1;
        if data["order_id"].is_null() && !kind.starts_with("stock") && !kind.starts_with("cart") {
            data["order_id"] = json!("o");
        }
        self.run(&format!("command-{}", self.sent), kind, &data)
    }

    /// A callback with a new event id. `data` replaces what it says by default.
    fn hears(&mut self, kind: &str, mut data: Value) -> (Verdict, Option<&'static str>) {
        self.sent += 1;
        let mut said = json!({
            "provider": "p", "event_id": format!("event-{}", self.sent), "order_id": "o",
            "attempt_id": "a", "kind": kind, "occurred_at": "2026-01-01T00:00:00Z",
        });
        if matches!(kind, "authorized" | "captured" | "refund_succeeded") {
            said["currency"] = json!("GBP");
        }
        if let (Some(said), Some(data)) = (said.as_object_mut(), data.as_object_mut()) {
            said.append(data);
        }
        let id = format!("message-{}", self.sent);
        self.run(&id, "payment.callback", &said)
    }

    /// A capture of order `o`, with an id of its own.
    fn takes(&mut self, attempt: &str, amount: i64) -> (Verdict, Option<&'static str>) {
        let capture = format!("capture-{}", self.sent);
        self.hears(
            "captured",
            json!({"attempt_id": attempt, "amount": amount, "capture_id": capture}),
        )
    }

    /// A refund of order `o` succeeded.
    fn sends_back(
        &mut self,
        refund: &str,
        attempt: &str,
        amount: i64,
    ) -> (Verdict, Option<&'static str>) {
        let said = json!({"attempt_id": attempt, "refund_id": refund, "amount": amount});
        self.hears("refund_succeeded", said)
    }

    fn place(&mut self, order: &str, quantity: i64) -> (Verdict, Option<&'static str>) {
        self.run(order, "order.place", &order_of(order, quantity))
    }

    fn capture(
        &mut self,
        event: &str,
        order: &str,
        amount: i64,
    ) -> (Verdict, Option<&'static str>) {
        self.run(event, "payment.callback", &captured(event, order, amount))
    }

    fn pass(&mut self, micros: i64) -> Vec<Unit> {
        self.model.now += micros;
        self.model.expire_due()
    }

    fn seen(&self) -> Snapshot {
        self.model.snapshot()
    }

    fn order(&self) -> OrderSnapshot {
        self.model.order("o").expect("order o is there")
    }

    fn status(&self, order: &str) -> &'static str {
        self.seen().orders[order].status
    }

    fn stock(&self) -> (i64, i64) {
        let StockSnapshot { on_hand, held, .. } = self.seen().stock["tea"];
        (on_hand, held)
    }

    /// Whether the audit shows order `o`.
    fn needs_attention(&self) -> bool {
        self.seen().attention.contains("o")
    }

    /// The events of the last step about the order.
    fn events(&self) -> Vec<&'static str> {
        let events = self.last.events.iter().copied();
        events.filter(|kind| kind.starts_with("order.")).collect()
    }

    /// Part, parts, try, attempt and amount of each refund that the last step asked for.
    fn asked(&self) -> Vec<(i64, i64, i64, &str, i64)> {
        let asked = self.last.refunds_requested.iter();
        asked
            .map(|one| (one.part, one.parts, one.tries, one.attempt.as_str(), one.amount))
            .collect()
    }

    /// The attempts that the last step asked to void.
    fn voids(&self) -> Vec<&str> {
        self.last.voids_requested.iter().map(|(_, attempt)| attempt.as_str()).collect()
    }
}

const APPLIED: (Verdict, Option<&str>) = (Verdict::Applied, None);
const STALE: (Verdict, Option<&str>) = (Verdict::Stale, None);
const REVIEW: (Verdict, Option<&str>) = (Verdict::Review, None);
const INVALID: (Verdict, Option<&str>) = (Verdict::Invalid, Some("validation"));
const NOT_ALLOWED: (Verdict, Option<&str>) = rejected("not_allowed");

const fn rejected(reason: &'static str) -> (Verdict, Option<&'static str>) {
    (Verdict::Rejected, Some(reason))
}

fn order_of(order: &str, quantity: i64) -> Value {
    json!({
        "order_id": order, "customer": {"id": "ada"}, "currency": "GBP",
        "lines": [{"sku": "tea", "quantity": quantity, "unit_price": 250}],
    })
}

fn captured(event: &str, order: &str, amount: i64) -> Value {
    json!({
        "provider": "p", "event_id": event, "order_id": order, "attempt_id": format!("{order}-1"),
        "kind": "captured", "amount": amount, "currency": "GBP",
        "occurred_at": "2026-01-01T00:00:00Z",
    })
}
