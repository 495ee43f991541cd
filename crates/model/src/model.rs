//! The whole shop: what was seen before, and which rule takes which command.

use crate::message::{self, Command, Message, hash_of, text};
use crate::state::cart::Cart;
use crate::state::order::Order;
use crate::state::parked::Parked;
use crate::state::stock::Stock;
use crate::state::waiting::Waiting;
use crate::time::MINUTE;
use crate::unit::{Ended, Outcome, Unit};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What the shop is configured to. Times are in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// `intake.max_command_size`, in bytes.
    pub max_command_size: usize,
    /// `store.idempotency_retention`.
    pub identity_retention: i64,
    /// `store.history_retention`.
    pub history_retention: i64,
    /// `orders.hold_for`.
    pub hold_for: i64,
    /// `orders.hold_cap`.
    pub hold_cap: i64,
    /// `orders.late_payment` is `rehold`, not `refund`.
    pub holds_again: bool,
    /// `orders.waiting_max`: callbacks that may wait in all.
    pub waiting_total: usize,
    /// `orders.waiting_max`: callbacks that may wait for one order.
    pub waiting_per_order: usize,
    /// `orders.waiting_callback_retention`.
    pub waiting_retention: i64,
    /// `carts.expire_after`.
    pub cart_expires_after: i64,
    /// How much later than that the processor may expire a cart.
    pub cart_expires_within: i64,
}

impl Default for Settings {
    /// The contract's defaults.
    fn default() -> Self {
        const DAY: i64 = 24 * 60 * MINUTE;
        Self {
            max_command_size: 64 << 10,
            identity_retention: 30 * DAY,
            history_retention: 90 * DAY,
            hold_for: 15 * MINUTE,
            hold_cap: 120 * MINUTE,
            holds_again: true,
            waiting_total: 100_000,
            waiting_per_order: 64,
            waiting_retention: 7 * DAY,
            cart_expires_after: 30 * DAY,
            cart_expires_within: 3 * DAY,
        }
    }
}

/// The shop.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// What it is configured to.
    pub settings: Settings,
    /// Microseconds since 1970. The caller moves it, forwards only.
    pub now: i64,
    pub(crate) stock: BTreeMap<String, Stock>,
    pub(crate) carts: BTreeMap<String, Cart>,
    pub(crate) orders: BTreeMap<String, Order>,
    /// Orders that were deleted after their retention: their ids stay taken.
    pub(crate) retired: BTreeSet<String>,
    /// Callbacks for orders that are not known yet, the first first.
    pub(crate) waiting: BTreeMap<String, Vec<Waiting>>,
    pub(crate) parked: Parked,
    /// What was said under each identity. Hashes of both: a day has millions.
    seen: HashMap<u64, Seen>,
    /// What the step in hand has brought about so far.
    pub(crate) unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    data: u64,
    at: i64,
}

impl Model {
    /// An empty shop.
    pub fn new(settings: Settings, now: i64) -> Self {
        Self {
            settings,
            now,
            stock: BTreeMap::new(),
            carts: BTreeMap::new(),
            orders: BTreeMap::new(),
            retired: BTreeSet::new(),
            waiting: BTreeMap::new(),
            parked: Parked::default(),
            seen: HashMap::new(),
            unit: Unit::default(),
        }
    }

    /// A message comes. What waited for it is a step of its own: see [`Self::apply_waiting`].
    pub fn take(&mut self, message: &Message<'_>) -> Unit {
        let decoded = message::decode(message, self.settings.max_command_size);
        let order = decoded.as_ref().ok().and_then(|command| order_of(&command.data));
        let outcome = match &decoded {
            Ok(command) => self.identify(command, message),
            Err(reason) => Err(Ended::Invalid(reason)),
        };
        let is_parked =
            matches!(outcome, Err(Ended::Conflict | Ended::Invalid(_) | Ended::Failed(_)));
        let mut unit = self.end(order, outcome);
        if is_parked {
            self.park(message, &mut unit);
        }
        unit
    }

    /// A message comes: its unit, and those of the callbacks that had waited for it.
    pub fn take_all(&mut self, message: &Message<'_>) -> Vec<Unit> {
        let mut units = vec![self.take(message)];
        if let Some(order) = units[0].order.clone() {
            while let Some(unit) = self.apply_waiting(&order) {
                units.push(unit);
            }
        }
        units
    }

    /// A message failed after every retry, for a reason that no rule knows.
    pub fn fail(&mut self, message: &Message<'_>) -> Unit {
        let decoded = message::decode(message, self.settings.max_command_size);
        let order = decoded.ok().and_then(|command| order_of(&command.data));
        let mut unit = self.end(order, Err(Ended::Failed("failed")));
        self.park(message, &mut unit);
        unit
    }

    /// The first callback that waited for an order is applied; `None` when there is none, or the order did not come.
    pub fn apply_waiting(&mut self, order: &str) -> Option<Unit> {
        if !self.orders.contains_key(order) {
            return None;
        }
        let callback = self.take_waiting(order)?;
        let outcome = self.callback(&callback.data, &callback.message);
        Some(self.end(Some(order.to_owned()), outcome))
    }

    /// The first callback that waited for an order failed after every retry.
    ///
    /// # Panics
    ///
    /// When no callback waits for it.
    pub fn fail_waiting(&mut self, order: &str) -> Unit {
        let callback = self.take_waiting(order).expect("a callback waits for the order");
        let mut unit = self.end(Some(order.to_owned()), Err(Ended::Failed("failed")));
        self.park_waiting(&callback, &mut unit);
        unit
    }

    /// The processor may have deleted the identity of a message by now: here it is deleted, if it is past its retention.
    pub fn forget_identity(&mut self, message: &Message<'_>) {
        let Ok(command) = message::decode(message, self.settings.max_command_size) else {
            return;
        };
        let identity = hash_of(&command.identity);
        let oldest = self.now - self.settings.identity_retention;
        if self.seen.get(&identity).is_some_and(|seen| seen.at < oldest) {
            self.seen.remove(&identity);
        }
    }

    /// What was seen under the same identity is not done again.
    fn identify(&mut self, command: &Command, message: &Message<'_>) -> Outcome {
        let identity = hash_of(&command.identity);
        let data = hash_of(&(command.kind, command.data.to_string()));
        match self.seen.get(&identity) {
            Some(seen) if seen.data == data => return Err(Ended::Duplicate),
            Some(_) => return Err(Ended::Conflict),
            None => {}
        }
        if command.deadline.is_some_and(|deadline| deadline < self.now) {
            return Err(Ended::Invalid("deadline"));
        }
        let oldest = self.now - self.settings.identity_retention;
        if message.time.is_some_and(|time| time < oldest) {
            return Err(Ended::Invalid("expired_identity"));
        }
        let outcome = self.decide(command, message);
        // these two use up no identity
        if !matches!(outcome, Err(Ended::Invalid(_) | Ended::Failed(_))) {
            self.seen.insert(identity, Seen { data, at: self.now });
        }
        outcome
    }

    fn decide(&mut self, command: &Command, message: &Message<'_>) -> Outcome {
        let data = &command.data;
        match command.kind {
            "stock.set" => self.stock_set(data),
            "stock.adjust" => self.stock_adjust(data),
            "cart.put" => self.cart_put(data),
            "cart.add" => self.cart_add(data),
            "cart.clear" => self.cart_clear(data),
            "cart.merge" => self.cart_merge(data),
            "cart.checkout" => self.cart_checkout(data),
            "order.place" => self.order_place(data),
            "order.cancel" => self.order_cancel(data),
            "order.complete" => self.order_complete(data),
            "order.resolve" => self.order_resolve(data),
            "refund.request" => self.refund_request(data),
            "payment.callback" => {
                let id = message.id.unwrap_or_default();
                self.callback(data, &(message.source.to_owned(), id.to_owned()))
            }
            other => unreachable!("{other} has fields and no rule"),
        }
    }

    /// Closes the step in hand.
    pub(crate) fn end(&mut self, order: Option<String>, outcome: Outcome) -> Unit {
        let mut unit = Unit { order, ..std::mem::take(&mut self.unit) };
        if let Err(ended) = outcome {
            (unit.verdict, unit.reason, unit.detail) = ended.parts();
        }
        unit
    }

    pub(crate) fn take_waiting(&mut self, order: &str) -> Option<Waiting> {
        let waiting = self.waiting.get_mut(order)?;
        let first = (!waiting.is_empty()).then(|| waiting.remove(0));
        if waiting.is_empty() {
            self.waiting.remove(order);
        }
        first
    }
}

fn order_of(data: &Value) -> Option<String> {
    Some(text(data, "order_id").to_owned()).filter(|order| !order.is_empty())
}
