//! The model's orders, their holds and their money.

use super::money::Money;
use super::{APPLIED, Answer, Books, invalid, number, rejected, text};
use serde_json::Value;
use std::collections::BTreeMap;

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
    pub(crate) money: Money,
    pub(crate) hold: Hold,
    pub(super) wanted: BTreeMap<String, i64>,
    /// Of what was sold: what came back.
    pub(super) returned: BTreeMap<String, i64>,
    cart: Option<String>,
    placed_at: i64,
    /// When it last changed.
    pub(super) touched: i64,
    hold_for: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    Never,
    /// While its time stands still `until` is the cap, and the rest is what was left.
    Held {
        until: i64,
        extended: bool,
        frozen: Option<i64>,
    },
    Sold,
    GivenBack,
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
            money: Money::new(wish.currency),
            hold: Hold::Held { until: now + hold_for, extended: false, frozen: None },
            wanted: wish.wanted,
            returned: BTreeMap::new(),
            cart: wish.cart,
            placed_at: now,
            touched: now,
            hold_for,
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

    pub(super) fn pay(&mut self, id: &str, order: &mut Order) {
        order.status = "paid";
        order.hold = Hold::Sold;
        order.money.void_authorized();
        self.move_held(&order.wanted, -1, -1);
        self.tell(id, "order_confirmed", "");
    }

    fn give_back(&mut self, order: &mut Order) {
        if let Hold::Held { .. } = order.hold {
            order.hold = Hold::GivenBack;
            self.move_held(&order.wanted, -1, 0);
        }
    }

    fn cap(&self, order: &Order) -> i64 {
        order.placed_at + self.terms.hold_cap.max(order.hold_for)
    }

    pub(super) fn extend(&self, order: &mut Order, now: i64) {
        let cap = self.cap(order);
        match order.hold {
            Hold::Held { until, extended: false, frozen: None } if cap > until => {
                order.hold = Hold::Held { until: cap, extended: true, frozen: None };
            }
            Hold::Held { until, extended: false, frozen: Some(_) } => {
                let frozen = Some((until - now).max(0));
                order.hold = Hold::Held { until, extended: true, frozen };
            }
            _ => {}
        }
    }

    /// The time of a hold stands still while an attempt is open.
    pub(super) fn freeze_or_thaw(&self, order: &mut Order, now: i64) {
        let cap = self.cap(order);
        let is_open = order.money.has_open_attempt();
        match order.hold {
            Hold::Held { until, extended, frozen: None } if is_open => {
                let frozen = Some((until - now).max(0));
                order.hold = Hold::Held { until: until.max(cap), extended, frozen };
            }
            Hold::Held { until, extended, frozen: Some(left) } if !is_open => {
                order.hold = Hold::Held { until: until.min(now + left), extended, frozen: None };
            }
            _ => {}
        }
    }

    fn is_taken(&self, id: &str) -> bool {
        self.orders.contains_key(id) || self.swept.contains(id)
    }

    /// The answer to a command on an order that is not there.
    pub(super) fn missing(&self, id: &str) -> Answer {
        rejected(if self.swept.contains(id) { "not_allowed" } else { "order_not_found" })
    }

    /// An order was forgotten, as the core says.
    pub(crate) fn sweep_order(&mut self, id: &str, now: i64) {
        let order = self.orders.remove(id).expect("only orders are swept");
        assert!(order.is_settled(), "{id} is swept and {}", order.status);
        assert!(order.touched + self.terms.history_kept <= now, "{id} is swept early");
        assert!(!order.money.is_under_way(), "{id} is swept, and its money is under way");
        assert!(
            self.waiting.get(id).is_none_or(Vec::is_empty),
            "{id} is swept, and callbacks wait"
        );
        self.notices.retain(|(order, ..)| order != id);
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
        order.money.void_authorized();
        self.tell(id, "order_cancelled", "");
        order.owe();
        order.money.ask_elsewhere();
        self.orders.insert(id.to_owned(), order);
        APPLIED
    }

    pub(super) fn resolve(&mut self, id: &str, accepts: bool, now: i64) -> Answer {
        let Some(mut order) = self.orders.get(id).cloned() else {
            return self.missing(id);
        };
        let net = order.money.net();
        if order.status != "under_review" || accepts && net < order.total {
            return rejected("not_allowed");
        }
        if !accepts {
            return self.cancel(id, now);
        }
        if !matches!(order.hold, Hold::Held { .. })
            && let Err(reason) = self.hold(&order.wanted)
        {
            return rejected(reason);
        }
        order.touched = now;
        self.pay(id, &mut order);
        // what went back of the surplus already is settled
        let surplus = order.money.paid() - order.total;
        order.surplus(surplus, surplus - (net - order.total));
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
            order.money.void_authorized();
            self.tell(id, "order_expired", "");
            if let Some(cart) = &order.cart {
                self.reopen_cart(cart, id, now);
            }
            order.owe();
        }
        self.orders.insert(id.to_owned(), order);
        APPLIED
    }
}

impl Order {
    pub(super) fn awaits_money(&self) -> bool {
        matches!(self.status, "awaiting_payment" | "partially_paid" | "under_review")
    }

    /// Whether nothing more happens to it by itself.
    pub(super) fn is_settled(&self) -> bool {
        match self.status {
            "completed" => true,
            "rejected" | "expired" | "cancelled" | "refunded" => self.money.net() == 0,
            _ => false,
        }
    }

    /// What is left of its money is to go back, if anything is.
    pub(super) fn owe(&mut self) {
        let net = self.money.net();
        if net > 0 {
            self.status = "refund_due";
            self.money.ask(net);
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
