//! `order.resolve`: a person decides about the money of an order.

use crate::message::{number, text};
use crate::model::Model;
use crate::state::order::{Order, Status};
use crate::unit::Outcome;
use serde_json::Value;

impl Model {
    pub(crate) fn order_resolve(&mut self, data: &Value) -> Outcome {
        let id = text(data, "order_id");
        let Some(mut order) = self.orders.get(id).cloned() else {
            return self.missing(id);
        };
        match text(data, "decision") {
            "accept" => self.accept(&mut order, number(data, "write_off"))?,
            "cancel" if matches!(order.status, Status::UnderReview | Status::PartiallyPaid) => {
                self.cancel(&mut order);
            }
            "return" => self.give_back(&mut order)?,
            _ => return order.not_allowed(),
        }
        self.changes(&mut order);
        self.orders.insert(id.to_owned(), order);
        Ok(())
    }

    /// Accepts the money that is there, and lets go what is missing; or accepts money that the audit shows.
    fn accept(&mut self, order: &mut Order, write_off: i64) -> Outcome {
        let may_end = match order.status {
            Status::UnderReview | Status::PartiallyPaid => true,
            Status::Authorized => order.net() > 0,
            _ => false,
        };
        if may_end {
            if order.net().saturating_add(write_off) < order.total {
                return order.not_allowed();
            }
            let is_late = order.held().is_none();
            if is_late {
                self.hold(&order.wanted())?;
            }
            order.written_off = write_off.min((order.total - order.net()).max(0));
            self.become_paid(order, is_late);
        } else if !order.ledger.has_unjudged_currency(&order.currency)
            && !order.ledger.has_unjudged_excess()
            && !order.ledger.has_failed_refund()
        {
            return order.not_allowed();
        }
        order.ledger.accept(&order.currency);
        Ok(())
    }

    /// Asks back what is not owed.
    fn give_back(&mut self, order: &mut Order) -> Outcome {
        let others = order.ledger.other_currencies(&order.currency);
        let has_others = others.iter().any(|other| order.ledger.refundable(other) > 0);
        let own = order.ledger.refundable(&order.currency);
        let is_owed_total = order.is_sold() || order.awaits_money();
        let own = if is_owed_total { own - order.total } else { own };
        if own <= 0 && !has_others {
            return order.not_allowed();
        }
        if own > 0 {
            order.ledger.make_good(&order.currency.clone(), own);
            // money that had been asked back, and came back, is in the sum already
            order.surplus_asked += order.surplus().clamp(0, own);
            self.request_refund(order, own, &order.currency.clone());
        }
        self.request_refunds_in_other_currencies(order);
        Ok(())
    }
}
