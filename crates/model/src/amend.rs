//! `order.amend`: an order changes after it was placed.

use crate::message::{MOST_UNITS, number, optional_number, text, total};
use crate::model::Model;
use crate::state::order::{Order, Status};
use crate::state::stock::{Units, units_of};
use crate::unit::{Ended, Outcome, reject};
use serde_json::Value;

impl Model {
    pub(crate) fn order_amend(&mut self, data: &Value) -> Outcome {
        let id = text(data, "order_id");
        let Some(mut order) = self.orders.get(id).cloned() else {
            return self.missing(id);
        };
        if order.status == Status::Rejected {
            return order.not_allowed();
        }
        let expected = optional_number(data, "expected_version");
        if expected.is_some_and(|expected| expected != order.version) {
            return reject("version_mismatch");
        }
        let changes_lines = data["lines"].as_array().is_some_and(|lines| !lines.is_empty());
        let changes_goods = changes_lines || !data["adjustments"].is_null();
        if changes_goods {
            self.amend_goods(&mut order, data)?;
        }
        order.replace_details(data);
        self.unit.events.insert(0, "order.amended");
        if changes_goods {
            self.judge_total(&mut order);
        }
        self.changes(&mut order);
        self.orders.insert(id.to_owned(), order);
        Ok(())
    }

    /// Changes lines, adjustments, total and stock.
    fn amend_goods(&mut self, order: &mut Order, data: &Value) -> Outcome {
        let may_grow = match order.status {
            Status::AwaitingPayment | Status::PartiallyPaid => true,
            Status::Authorized | Status::Paid => false,
            Status::PartiallyRefunded if order.completed_at.is_none() => false,
            _ => return order.not_allowed(),
        };
        let (before, total_before) = (order.wanted(), order.total);
        for line in data["lines"].as_array().into_iter().flatten() {
            order.set_quantity(text(line, "sku"), number(line, "quantity"))?;
        }
        if order.lines.is_empty() {
            return order.not_allowed();
        }
        if !data["adjustments"].is_null() {
            order.adjustments = data["adjustments"].clone();
        }
        let total = total(&order.lines, &order.adjustments);
        order.total = total.ok_or(Ended::Invalid("validation"))?;
        let falls_by = (total_before - order.total).max(0);
        order.written_off = (order.written_off - falls_by).max(0);
        let after = units_of(&order.lines);
        let of = |units: &Units, sku: &str| units.get(sku).copied().unwrap_or_default();
        let (mut more, mut less) = (Units::new(), Units::new());
        for sku in before.keys() {
            let difference = of(&after, sku) - of(&before, sku);
            if difference > 0 {
                more.insert(sku.clone(), difference);
            }
            if difference < 0 {
                less.insert(sku.clone(), -difference);
            }
        }
        if !may_grow && (!more.is_empty() || order.total > total_before) {
            return order.not_allowed();
        }
        if order.returned.iter().any(|(sku, returned)| of(&after, sku) < *returned) {
            return reject("restock_exceeds_sold");
        }
        if !more.is_empty() {
            self.hold(&more)?;
        }
        if !less.is_empty() && order.is_sold() {
            self.return_units(&less);
        } else if !less.is_empty() {
            self.release(&less);
        }
        Ok(())
    }

    /// Judges an order whose total changed.
    fn judge_total(&mut self, order: &mut Order) {
        if order.is_sold() {
            self.ask_back_surplus(order);
        } else if order.net() >= order.total {
            self.become_paid(order, false);
        } else {
            self.judge_authorizations(order, false);
        }
    }
}

impl Order {
    /// Gives a sku another quantity. Of several lines of the sku the last one grows, and the last one gives way first.
    fn set_quantity(&mut self, sku: &str, quantity: i64) -> Outcome {
        let before: i64 =
            self.lines.iter().filter(|line| line.sku == sku).map(|line| line.quantity).sum();
        if before == 0 {
            return reject("unknown_sku");
        }
        let mut left = quantity - before;
        for line in self.lines.iter_mut().rev().filter(|line| line.sku == sku) {
            let change = left.max(-line.quantity);
            line.quantity += change;
            left -= change;
            if line.quantity > MOST_UNITS {
                return Err(Ended::Invalid("validation"));
            }
        }
        self.lines.retain(|line| line.quantity > 0);
        Ok(())
    }
}
