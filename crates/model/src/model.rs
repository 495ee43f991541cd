//! The data of the whole shop, and of the step in hand.

use crate::callbacks::RefundResult;
use crate::state::cart::Cart;
use crate::state::order::ConfirmOn;
use crate::state::orders::Orders;
use crate::state::parked::Parked;
use crate::state::stock::Stock;
use crate::state::waiting::Waiting;
use crate::time::MINUTE;
use crate::unit::{Outcome, Unit};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The configuration of the shop. Times are in microseconds.
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
    /// `orders.confirm_on`: what confirms an order that does not say it.
    pub confirm_on: ConfirmOn,
    /// `orders.waiting_max`: the most callbacks that wait for all orders together.
    pub waiting_total: usize,
    /// The most callbacks that wait for one order.
    pub waiting_per_order: usize,
    /// `orders.waiting_callback_retention`.
    pub waiting_retention: i64,
    /// `carts.expire_after`.
    pub cart_expires_after: i64,
    /// How much later than `cart_expires_after` the processor may expire a cart.
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
            confirm_on: ConfirmOn::Capture,
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
    /// The configuration.
    pub settings: Settings,
    /// The time, in microseconds since 1970. The caller sets it, and must never set it back.
    pub now: i64,
    pub(crate) stock: BTreeMap<String, Stock>,
    pub(crate) carts: BTreeMap<String, Cart>,
    pub(crate) orders: Orders,
    /// Orders that were deleted after their retention: their ids stay taken.
    pub(crate) retired: BTreeSet<String>,
    /// What was known of the refunds of those orders.
    pub(crate) retired_results: BTreeSet<RefundResult>,
    /// The order that each capture with an id was counted for: by provider, attempt and capture. Kept for ever.
    pub(crate) captures: BTreeMap<(String, String, String), String>,
    /// The order that each attempt belongs to, by provider and attempt: the first that counted an authorization or a capture
    /// of it. Kept for ever.
    pub(crate) attempts: BTreeMap<(String, String), String>,
    /// Callbacks for orders that are not known yet, in the order in which they came.
    pub(crate) waiting: BTreeMap<String, Vec<Waiting>>,
    pub(crate) parked: Parked,
    /// The data that came with each identity. Both are hashed to save memory: a simulated day has millions.
    pub(crate) seen: HashMap<u64, Seen>,
    /// The skus that the step in hand changed, as they were before it. `None`: a new one.
    pub(crate) touched: BTreeMap<String, Option<Stock>>,
    /// Whether the step in hand changes its order.
    pub(crate) order_changes: bool,
    /// The result of the step in hand so far.
    pub(crate) unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) data: u64,
    pub(crate) at: i64,
}

impl Model {
    /// An empty shop.
    pub fn new(settings: Settings, now: i64) -> Self {
        Self {
            settings,
            now,
            stock: BTreeMap::new(),
            carts: BTreeMap::new(),
            orders: Orders::default(),
            retired: BTreeSet::new(),
            retired_results: BTreeSet::new(),
            captures: BTreeMap::new(),
            attempts: BTreeMap::new(),
            waiting: BTreeMap::new(),
            parked: Parked::default(),
            seen: HashMap::new(),
            touched: BTreeMap::new(),
            order_changes: false,
            unit: Unit::default(),
        }
    }

    /// Ends the step in hand, and returns its result.
    pub(crate) fn end(&mut self, order: Option<String>, outcome: Outcome) -> Unit {
        self.count_versions();
        self.count_order_version(order.as_ref());
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
