//! Taking a message: duplicates and conflicts, and which rule handles which command.

use crate::message::{self, Command, Message, hash_of, text};
use crate::model::{Model, Seen};
use crate::unit::{Ended, Outcome, Unit};
use serde_json::Value;

impl Model {
    /// Takes a message. The callbacks that waited for its order are steps of their own: see [`Self::apply_waiting`].
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
        unit.ignored = decoded.map(|command| command.ignored).unwrap_or_default();
        if is_parked {
            self.park(message, &mut unit);
        }
        unit
    }

    /// Takes a message. Returns its unit, and the units of the callbacks that waited for its order.
    pub fn take_all(&mut self, message: &Message<'_>) -> Vec<Unit> {
        let mut units = vec![self.take(message)];
        if let Some(order) = units[0].order.clone() {
            while let Some(unit) = self.apply_waiting(&order) {
                units.push(unit);
            }
        }
        units
    }

    /// Parks a message that failed after every retry, for a reason that no rule knows.
    pub fn fail(&mut self, message: &Message<'_>) -> Unit {
        let decoded = message::decode(message, self.settings.max_command_size);
        let order = decoded.as_ref().ok().and_then(|command| order_of(&command.data));
        let mut unit = self.end(order, Err(Ended::Failed("failed")));
        unit.ignored = decoded.map(|command| command.ignored).unwrap_or_default();
        self.park(message, &mut unit);
        unit
    }

    /// Applies the first callback that waited for an order. `None`: no callback waits, or the order is not placed.
    pub fn apply_waiting(&mut self, order: &str) -> Option<Unit> {
        if !self.orders.contains_key(order) {
            return None;
        }
        let callback = self.take_waiting(order)?;
        let outcome = self.callback(&callback.data, &callback.message);
        let has_failed = matches!(outcome, Err(Ended::Failed(_)));
        let mut unit = self.end(Some(order.to_owned()), outcome);
        if has_failed {
            self.park_waiting(&callback, &mut unit);
        }
        Some(unit)
    }

    /// Parks the first callback that waited for an order, because it failed after every retry.
    ///
    /// # Panics
    ///
    /// When no callback waits for the order.
    pub fn fail_waiting(&mut self, order: &str) -> Unit {
        let callback = self.take_waiting(order).expect("a callback waits for the order");
        let mut unit = self.end(Some(order.to_owned()), Err(Ended::Failed("failed")));
        self.park_waiting(&callback, &mut unit);
        unit
    }

    /// Deletes the identity of a message, if it is past its retention. The processor may have deleted it by then.
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

    /// Ends a message whose identity was seen before, as a duplicate or a conflict.
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
        // invalid and failed messages use up no identity
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
            "order.amend" => self.order_amend(data),
            "order.capture" => self.order_capture(data),
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
}

fn order_of(data: &Value) -> Option<String> {
    Some(text(data, "order_id").to_owned()).filter(|order| !order.is_empty())
}
