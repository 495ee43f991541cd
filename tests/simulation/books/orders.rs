//! The model's orders, their holds and their money.

use super::{APPLIED, Answer, Books, invalid, number, rejected, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the shop is configured with; times in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) hold_for: i64,
    pub(crate) hold_cap: i64,
    pub(crate) holds_again: bool,
    pub(crate) waiting_in_all: usize,
    pub(crate) waiting_per_order: usize,
    pub(crate) identity_retention: i64,
    pub(crate) waiting_kept: i64,
    pub(crate) carts_kept: i64,
    pub(crate) history_kept: i64,
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) status: &'static str,
    pub(crate) total: i64,
    pub(crate) paid: i64,
    pub(crate) asked_back: i64,
    pub(crate) hold: Hold,
    currency: String,
    wanted: BTreeMap<String, i64>,
    cart: Option<String>,
    placed_at: i64,
    /// When it last changed.
    touched: i64,
    hold_for: i64,
    attempts: BTreeMap<String, Attempt>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    Never,
    Held { until: i64, extended: bool },
    Sold,
    GivenBack,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Attempt {
    /// Nothing but `failed` and `authorized` ever stands here, and `captured` once money came.
    state: &'static str,
    captures: BTreeSet<String>,
}

struct Wish {
    total: i64,
    currency: String,
    wanted: BTreeMap<String, i64>,
    cart: Option<String>,
}

impl Books {
    pub(super) fn place(&mut self, data: &Value, now: i64) -> Answer {
        let lines = data["lines"].as_array().expect("the shop gives lines");
        let mut wanted = BTreeMap::<_, i64>::new();
        let mut total = adjustments(data);
        for line in lines {
            let quantity = number(line, "quantity");
            *wanted.entry(text(line, "sku")).or_default() += quantity;
            total += quantity * number(line, "unit_price");
        }
        if total < 0 {
            return invalid("validation");
        }
        let currency = text(data, "currency");
        let wish = Wish { total, currency, wanted, cart: None };
        self.open(data, wish, now)
    }

    pub(super) fn check_out(&mut self, data: &Value, now: i64) -> Answer {
        if self.is_taken(&text(data, "order_id")) {
            return rejected("order_exists");
        }
        let cart = match self.cart_to_check_out(data) {
            Ok(cart) => cart,
            Err(refusal) => return refusal,
        };
        let lines = cart.lines.values().map(|(quantity, price)| quantity * price);
        let total = lines.sum::<i64>() + adjustments(data);
        if total < 0 {
            return invalid("validation");
        }
        let expected = data["expected_total"].as_i64();
        if expected.is_some_and(|expected| expected != total) {
            return rejected("total_mismatch");
        }
        let wanted = cart.lines.iter().map(|(sku, line)| (sku.clone(), line.0)).collect();
        let wish = Wish {
            total,
            currency: cart.currency.clone(),
            wanted,
            cart: Some(text(data, "cart_id")),
        };
        self.open(data, wish, now)
    }

    fn open(&mut self, data: &Value, wish: Wish, now: i64) -> Answer {
        let id = text(data, "order_id");
        if self.is_taken(&id) {
            return rejected("order_exists");
        }
        let wished = data["hold_for"].as_str().map(minutes);
        let hold_for = wished.unwrap_or(self.terms.hold_for).min(self.terms.hold_cap);
        let mut order = Order {
            status: "awaiting_payment",
            total: wish.total,
            paid: 0,
            asked_back: 0,
            hold: Hold::Held { until: now + hold_for, extended: false },
            currency: wish.currency,
            wanted: wish.wanted,
            cart: wish.cart,
            placed_at: now,
            touched: now,
            hold_for,
            attempts: BTreeMap::new(),
        };
        if let Err(reason) = self.hold(&order.wanted) {
            order.status = "rejected";
            order.hold = Hold::Never;
            self.orders.insert(id, order);
            return rejected(reason);
        }
        if let Some(cart) = &order.cart {
            self.close_cart(cart, &id, now);
        }
        if order.total == 0 {
            self.pay(&id, &mut order);
        }
        self.orders.insert(id, order);
        APPLIED
    }

    fn pay(&mut self, id: &str, order: &mut Order) {
        order.status = "paid";
        order.hold = Hold::Sold;
        self.move_held(&order.wanted, -1, -1);
        self.notices.insert((id.to_owned(), "order_confirmed"));
    }

    fn give_back(&mut self, order: &mut Order) {
        if let Hold::Held { .. } = order.hold {
            order.hold = Hold::GivenBack;
            self.move_held(&order.wanted, -1, 0);
        }
    }

    fn extend(&self, order: &mut Order) {
        let cap = order.placed_at + self.terms.hold_cap.max(order.hold_for);
        if let Hold::Held { until, extended: false } = order.hold
            && cap > until
        {
            order.hold = Hold::Held { until: cap, extended: true };
        }
    }

    fn is_taken(&self, id: &str) -> bool {
        self.orders.contains_key(id) || self.swept.contains(id)
    }

    /// The answer to a command on an order that is not there.
    fn missing(&self, id: &str) -> Answer {
        rejected(if self.swept.contains(id) { "not_allowed" } else { "order_not_found" })
    }

    /// An order was forgotten, as the core says.
    pub(crate) fn sweep_order(&mut self, id: &str, now: i64) {
        let order = self.orders.remove(id).expect("only orders are swept");
        assert!(order.is_settled(), "{id} is swept and {}", order.status);
        assert!(order.touched + self.terms.history_kept <= now, "{id} is swept early");
        assert!(
            self.waiting.get(id).is_none_or(Vec::is_empty),
            "{id} is swept, and callbacks wait"
        );
        self.notices.retain(|(order, _)| order != id);
        self.swept.insert(id.to_owned());
        self.aged.swept_orders += 1;
    }

    pub(super) fn cancel(&mut self, id: &str, now: i64) -> Answer {
        let Some(mut order) = self.orders.get(id).cloned() else {
            return self.missing(id);
        };
        if !order.awaits_money() {
            return rejected("not_allowed");
        }
        order.status = "cancelled";
        order.touched = now;
        self.give_back(&mut order);
        self.notices.insert((id.to_owned(), "order_cancelled"));
        order.owe(order.paid);
        self.orders.insert(id.to_owned(), order);
        APPLIED
    }

    pub(super) fn complete(&mut self, id: &str, now: i64) -> Answer {
        match self.orders.get_mut(id) {
            None => self.missing(id),
            Some(order) if order.status == "paid" => {
                order.status = "completed";
                order.touched = now;
                APPLIED
            }
            Some(_) => rejected("not_allowed"),
        }
    }

    /// A hold ran out, as the core says.
    pub(crate) fn lapse(&mut self, id: &str, now: i64) -> Answer {
        let mut order = self.orders.get(id).cloned().expect("only orders have holds");
        match order.hold {
            Hold::Held { until, .. } => assert!(until <= now, "the hold of {id} lapsed early"),
            Hold::Never | Hold::Sold | Hold::GivenBack => panic!("{id} had no hold to lapse"),
        }
        self.give_back(&mut order);
        order.touched = now;
        if order.status != "under_review" {
            order.status = "expired";
            self.notices.insert((id.to_owned(), "order_expired"));
            if let Some(cart) = &order.cart {
                self.reopen_cart(cart, id, now);
            }
            order.owe(order.paid);
        }
        self.orders.insert(id.to_owned(), order);
        APPLIED
    }

    /// A provider's word on an order that is there.
    pub(super) fn record(&mut self, id: &str, data: &Value, now: i64) -> Answer {
        let mut order = self.orders.get(id).cloned().expect("it was looked up");
        let attempt = format!("{} {}", text(data, "provider"), text(data, "attempt_id"));
        let awaits_money = order.awaits_money();
        let attempt = order.attempts.entry(attempt).or_default();
        let kind = text(data, "kind");
        let answer = match (kind.as_str(), attempt.state) {
            ("failed", "" | "authorized") if awaits_money => {
                attempt.state = "failed";
                APPLIED
            }
            ("authorized", "") => {
                attempt.state = "authorized";
                APPLIED
            }
            ("captured", _) => {
                let capture = text(data, "capture_id");
                let known = if capture.is_empty() {
                    // a new event is another share, of which a paid order expects none
                    !awaits_money && !attempt.captures.is_empty()
                } else {
                    attempt.captures.contains(&capture)
                };
                if known {
                    return ("stale", None);
                }
                attempt.captures.insert(capture);
                attempt.state = "captured";
                if text(data, "currency") == order.currency {
                    self.captured(id, &mut order, number(data, "amount"), now)
                } else {
                    self.captured_elsewhere(&mut order)
                }
            }
            _ => return ("stale", None),
        };
        order.touched = now;
        self.orders.insert(id.to_owned(), order);
        answer
    }

    fn captured(&mut self, id: &str, order: &mut Order, amount: i64, _now: i64) -> Answer {
        order.paid += amount;
        match order.status {
            "awaiting_payment" | "partially_paid" if order.paid == order.total => {
                self.pay(id, order);
                APPLIED
            }
            "awaiting_payment" | "partially_paid" if order.paid < order.total => {
                order.status = "partially_paid";
                self.extend(order);
                APPLIED
            }
            "awaiting_payment" | "partially_paid" => {
                order.status = "under_review";
                self.extend(order);
                ("review", None)
            }
            "under_review" => APPLIED,
            "paid" | "completed" => {
                order.asked_back = order.asked_back.max(order.paid - order.total);
                APPLIED
            }
            "refund_due" => {
                order.asked_back += amount;
                APPLIED
            }
            "expired"
                if order.paid == order.total
                    && self.terms.holds_again
                    && self.hold(&order.wanted).is_ok() =>
            {
                self.pay(id, order);
                APPLIED
            }
            "expired" | "cancelled" | "rejected" => {
                let is_too_much = order.paid > order.total;
                order.owe(order.paid);
                if is_too_much { ("review", None) } else { APPLIED }
            }
            other => unreachable!("{other} is no status of the model"),
        }
    }

    fn captured_elsewhere(&mut self, order: &mut Order) -> Answer {
        if matches!(order.status, "awaiting_payment" | "partially_paid") {
            order.status = "under_review";
            self.extend(order);
        }
        ("review", None)
    }
}

impl Order {
    fn awaits_money(&self) -> bool {
        matches!(self.status, "awaiting_payment" | "partially_paid" | "under_review")
    }

    /// Whether nothing more happens to it by itself.
    pub(super) fn is_settled(&self) -> bool {
        match self.status {
            "completed" => true,
            "rejected" | "expired" | "cancelled" => self.paid == 0,
            _ => false,
        }
    }

    /// All of this is to go back, if it is anything.
    fn owe(&mut self, amount: i64) {
        if amount > 0 {
            self.status = "refund_due";
            self.asked_back += amount;
        }
    }
}

fn adjustments(data: &Value) -> i64 {
    let list = data["adjustments"].as_array();
    list.map_or(0, |list| list.iter().map(|one| number(one, "amount")).sum())
}

/// A duration such as `"5m"`, in microseconds.
fn minutes(text: &str) -> i64 {
    let number: i64 = text.trim_end_matches('m').parse().expect("the shop writes minutes");
    number * 60_000_000
}
