//! Takes the steps of a stream, one after the other, and keeps the books.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    super::day::{SHORT_HOLD, Step},
    Account, Books, Status, Verdict,
    carts::Carts,
    door::{self, Adjustment, Callback, CartCheckout, Command, Line, OfOrder},
    stock::Shelves,
};

/// Something that these books do not model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Part of the total, or more than it.
    #[error(
        "event {event} captures {amount} of a total of {total}: only exact payments are modelled"
    )]
    Amount {
        /// The provider's event id.
        event: String,
        /// What was captured, in minor units.
        amount: i64,
        /// What the order costs, in minor units.
        total: i64,
    },
    /// A second capture of an order that has its money.
    #[error("event {event} pays order {order} again: second payments are not modelled")]
    SecondPayment {
        /// The provider's event id.
        event: String,
        /// The order that was paid already.
        order: String,
    },
    /// Another kind than `captured` and `failed`.
    #[error("event {event} is of kind {kind}, which is not modelled")]
    Kind {
        /// The provider's event id.
        event: String,
        /// The callback's kind.
        kind: String,
    },
    /// An order in another currency than its payment.
    #[error("event {event} pays in another currency than the order's: not modelled")]
    Currency {
        /// The provider's event id.
        event: String,
    },
}

#[derive(Debug)]
struct Order {
    account: Account,
    currency: String,
    lines: Vec<Line>,
    /// The cart it came from.
    cart: Option<String>,
    holds_briefly: bool,
    attempts: HashMap<String, Attempt>,
    /// The ids of the money captured.
    captures: HashSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    Failed,
    Captured,
}

/// An order as it is asked for.
struct Request<'a> {
    id: &'a str,
    currency: String,
    lines: Vec<Line>,
    adjustments: &'a [Adjustment],
    hold_for: Option<&'a str>,
    cart: Option<&'a str>,
}

/// Keeps the [`Books`] of a stream.
#[derive(Debug, Default)]
pub struct Bookkeeper {
    shelves: Shelves,
    carts: Carts,
    orders: BTreeMap<String, Order>,
    /// Callbacks whose order has not come, by order, in the order of their arrival.
    waiting: BTreeMap<String, Vec<Callback>>,
    /// What was said under each identity, both as hashes: a day has millions.
    identities: HashMap<u64, u64>,
    parked: HashSet<u64>,
    books: Books,
}

impl Bookkeeper {
    /// Enters one step; a message's verdict comes back.
    pub fn enter(&mut self, step: &Step) -> Result<Option<Verdict>, Error> {
        let Step::Send(message) = step else {
            self.holds_run_out();
            return Ok(None);
        };
        let verdict = match door::decode(message) {
            Err(reason) => Verdict::Invalid(reason),
            Ok(command) => self.enter_command(message.source, message.id.as_deref(), &command)?,
        };
        if matches!(verdict, Verdict::Invalid(_) | Verdict::Conflict) {
            self.parked.insert(hash_of(&(message.source, &message.id, &message.body)));
        }
        *self.books.verdicts.entry(verdict).or_default() += 1;
        Ok(Some(verdict))
    }

    /// The books as they stand after the last step.
    pub fn close(self) -> Books {
        let accounts = self.orders.into_iter().map(|(id, order)| (id, order.account));
        Books {
            orders: accounts.collect(),
            stock: self.shelves.0,
            waiting: self.waiting.values().map(|callbacks| callbacks.len() as u64).sum(),
            parked: self.parked.len() as u64,
            ..self.books
        }
    }

    fn enter_command(
        &mut self,
        source: &str,
        id: Option<&str>,
        command: &Command,
    ) -> Result<Verdict, Error> {
        let identity = match command {
            Command::PaymentCallback(callback) => {
                hash_of(&("callback", &callback.provider, &callback.event_id))
            }
            _ => hash_of(&("command", source, id)),
        };
        // A derived serialisation of strings and numbers cannot fail.
        let said = hash_of(&serde_json::to_vec(command).unwrap_or_default());
        if let Some(before) = self.identities.insert(identity, said) {
            self.identities.insert(identity, before);
            return Ok(if before == said { Verdict::Duplicate } else { Verdict::Conflict });
        }
        Ok(match command {
            Command::StockSet(set) => verdict(self.shelves.set(&set.sku, set.on_hand)),
            Command::StockAdjust(adjust) => verdict(self.shelves.adjust(&adjust.sku, adjust.delta)),
            Command::CartPut(line) => verdict(self.carts.put(line)),
            Command::CartAdd(line) => verdict(self.carts.add(line)),
            Command::CartClear(clear) => verdict(self.carts.clear(&clear.cart_id)),
            Command::CartCheckout(checkout) => self.check_out(checkout)?,
            Command::OrderPlace(place) => self.place(Request {
                id: &place.order_id,
                currency: place.currency.clone(),
                lines: place.lines.clone(),
                adjustments: &place.adjustments,
                hold_for: place.hold_for.as_deref(),
                cart: None,
            })?,
            Command::OrderCancel(of) => self.cancel(of),
            Command::OrderComplete(of) => self.complete(of),
            Command::PaymentCallback(callback) => self.hear(callback)?,
        })
    }

    fn check_out(&mut self, checkout: &CartCheckout) -> Result<Verdict, Error> {
        let (lines, currency) = match self.carts.check_out(checkout) {
            Ok(contents) => contents,
            Err(reason) => return Ok(Verdict::Rejected(reason)),
        };
        let total = total(&lines, &checkout.adjustments);
        if checkout.expected_total.is_some_and(|expected| expected != total) {
            return Ok(Verdict::Rejected("total_mismatch"));
        }
        self.place(Request {
            id: &checkout.order_id,
            currency,
            lines,
            adjustments: &checkout.adjustments,
            hold_for: checkout.hold_for.as_deref(),
            cart: Some(&checkout.cart_id),
        })
    }

    fn place(&mut self, request: Request<'_>) -> Result<Verdict, Error> {
        if self.orders.contains_key(request.id) {
            return Ok(Verdict::Rejected("order_exists"));
        }
        let held = self.shelves.hold(&request.lines);
        let (status, event) = match held {
            Ok(()) => (Status::AwaitingPayment, "order.placed"),
            Err(_) => (Status::Rejected, "order.rejected"),
        };
        self.count_event(event);
        let total = total(&request.lines, request.adjustments);
        let order = Order {
            account: Account { status, total, paid: 0 },
            currency: request.currency,
            lines: request.lines,
            cart: request.cart.map(str::to_owned),
            holds_briefly: request.hold_for == Some(SHORT_HOLD),
            attempts: HashMap::new(),
            captures: HashSet::new(),
        };
        self.orders.insert(request.id.to_owned(), order);
        if held.is_ok() {
            if let Some(cart) = request.cart {
                self.carts.close(cart);
            }
            if total == 0 {
                self.settle(request.id);
            }
        }
        for callback in self.waiting.remove(request.id).unwrap_or_default() {
            self.hear(&callback)?;
        }
        Ok(verdict(held))
    }

    fn cancel(&mut self, of: &OfOrder) -> Verdict {
        let Some(order) = self.orders.get_mut(&of.order_id) else {
            return Verdict::Rejected("order_not_found");
        };
        if order.account.status != Status::AwaitingPayment {
            return Verdict::Rejected("not_allowed");
        }
        order.account.status = Status::Cancelled;
        self.shelves.release(&order.lines);
        self.count_event("order.cancelled");
        self.count_notification("order_cancelled");
        Verdict::Applied
    }

    fn complete(&mut self, of: &OfOrder) -> Verdict {
        let Some(order) = self.orders.get_mut(&of.order_id) else {
            return Verdict::Rejected("order_not_found");
        };
        if order.account.status != Status::Paid {
            return Verdict::Rejected("not_allowed");
        }
        order.account.status = Status::Completed;
        self.count_event("order.completed");
        Verdict::Applied
    }

    fn hear(&mut self, callback: &Callback) -> Result<Verdict, Error> {
        if !self.orders.contains_key(&callback.order_id) {
            let waiting = self.waiting.entry(callback.order_id.clone()).or_default();
            waiting.push(callback.clone());
            return Ok(Verdict::Waiting);
        }
        match callback.kind.as_str() {
            "captured" => self.hear_captured(callback),
            "failed" => Ok(self.hear_failed(callback)),
            kind => Err(Error::Kind { event: callback.event_id.clone(), kind: kind.to_owned() }),
        }
    }

    fn hear_failed(&mut self, callback: &Callback) -> Verdict {
        let Some(order) = self.orders.get_mut(&callback.order_id) else {
            return Verdict::Waiting;
        };
        let is_open = order.account.status == Status::AwaitingPayment
            && !order.attempts.contains_key(&callback.attempt_id);
        if !is_open {
            return Verdict::Stale;
        }
        order.attempts.insert(callback.attempt_id.clone(), Attempt::Failed);
        Verdict::Applied
    }

    fn hear_captured(&mut self, callback: &Callback) -> Result<Verdict, Error> {
        let Some(order) = self.orders.get_mut(&callback.order_id) else {
            return Ok(Verdict::Waiting);
        };
        let event = || callback.event_id.clone();
        let attempt = order.attempts.get(&callback.attempt_id);
        let is_known = match &callback.capture_id {
            Some(capture) => order.captures.contains(&money(callback, capture)),
            None => {
                let is_sold = matches!(order.account.status, Status::Paid | Status::Completed);
                is_sold && attempt == Some(&Attempt::Captured)
            }
        };
        if is_known {
            return Ok(Verdict::Stale);
        }
        let (amount, total) = (callback.amount.unwrap_or_default(), order.account.total);
        if callback.currency.as_ref() != Some(&order.currency) {
            return Err(Error::Currency { event: event() });
        }
        if amount != total {
            return Err(Error::Amount { event: event(), amount, total });
        }
        if order.account.paid > 0 || total == 0 {
            let order = callback.order_id.clone();
            return Err(Error::SecondPayment { event: event(), order });
        }
        order.attempts.insert(callback.attempt_id.clone(), Attempt::Captured);
        order.captures.extend(callback.capture_id.iter().map(|capture| money(callback, capture)));
        order.account.paid = amount;
        let is_held = order.account.status == Status::AwaitingPayment;
        let is_late = order.account.status == Status::Expired;
        if is_held || is_late && self.shelves.hold(&order.lines).is_ok() {
            self.settle(&callback.order_id);
        } else {
            order.account.status = Status::RefundDue;
            self.count_event("order.refund_due");
        }
        Ok(Verdict::Applied)
    }

    /// The order, whose stock is held, has its money.
    fn settle(&mut self, id: &str) {
        if let Some(order) = self.orders.get_mut(id) {
            order.account.status = Status::Paid;
            self.shelves.commit(&order.lines);
            self.count_event("order.paid");
            self.count_notification("order_confirmed");
        }
    }

    fn holds_run_out(&mut self) {
        let mut expired = 0;
        for order in self.orders.values_mut() {
            if order.holds_briefly && order.account.status == Status::AwaitingPayment {
                order.account.status = Status::Expired;
                self.shelves.release(&order.lines);
                if let Some(cart) = &order.cart {
                    self.carts.reopen(cart);
                }
                expired += 1;
            }
        }
        if expired > 0 {
            *self.books.events.entry("order.expired").or_default() += expired;
            *self.books.notifications.entry("order_expired").or_default() += expired;
        }
    }

    fn count_event(&mut self, kind: &'static str) {
        *self.books.events.entry(kind).or_default() += 1;
    }

    fn count_notification(&mut self, kind: &'static str) {
        *self.books.notifications.entry(kind).or_default() += 1;
    }
}

fn verdict(outcome: Result<(), &'static str>) -> Verdict {
    outcome.map_or_else(Verdict::Rejected, |()| Verdict::Applied)
}

fn total(lines: &[Line], adjustments: &[Adjustment]) -> i64 {
    let goods: i64 = lines.iter().map(|line| line.quantity * line.unit_price).sum();
    goods + adjustments.iter().map(|adjustment| adjustment.amount).sum::<i64>()
}

/// What makes money the same money, whatever event speaks of it.
fn money(callback: &Callback, capture: &str) -> String {
    format!("{}/{}/{capture}", callback.provider, callback.attempt_id)
}

fn hash_of(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
