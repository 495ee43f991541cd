//! The model's money: attempts, captures, refunds, disputes, and what providers say of them.

use super::orders::{Hold, Order};
use super::{APPLIED, Answer, Books, number, rejected, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const STALE: Answer = ("stale", None);
const REVIEW: Answer = ("review", None);

/// The money of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Money {
    currency: String,
    /// By currency.
    captured: BTreeMap<String, i64>,
    pub(crate) asked_back: i64,
    /// What was asked back under ids that these books do not know, by currency: nobody reports of
    /// it here, so it stays pending.
    derived: BTreeMap<String, i64>,
    pub(crate) attempts: BTreeMap<String, Attempt>,
    refunds: BTreeMap<String, Refund>,
    /// State by id.
    disputes: BTreeMap<String, &'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Attempt {
    /// Empty until something is heard of it.
    pub(crate) state: String,
    /// By what each was counted: its id, or its event where it has none.
    captures: BTreeSet<Capture>,
    is_final: bool,
    /// It was asked to be given up.
    pub(crate) voided: bool,
}

/// What money is counted by, once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Capture {
    Id(String),
    Event(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Refund {
    state: &'static str,
    amount: i64,
    currency: String,
    restocked: bool,
}

impl Money {
    pub(super) const fn new(currency: String) -> Self {
        Self {
            currency,
            captured: BTreeMap::new(),
            asked_back: 0,
            derived: BTreeMap::new(),
            attempts: BTreeMap::new(),
            refunds: BTreeMap::new(),
            disputes: BTreeMap::new(),
        }
    }

    pub(crate) fn paid(&self) -> i64 {
        self.captured.get(&self.currency).copied().unwrap_or_default()
    }

    fn refunds_of(&self, currency: &str, state: &str) -> i64 {
        let refunds = self.refunds.values();
        let refunds = refunds.filter(|one| one.currency == currency && one.state == state);
        refunds.map(|refund| refund.amount).sum()
    }

    pub(crate) fn refunded(&self) -> i64 {
        self.refunds_of(&self.currency, "succeeded").min(self.paid())
    }

    pub(super) fn net(&self) -> i64 {
        self.paid() - self.refunded()
    }

    pub(crate) fn is_disputed(&self) -> bool {
        self.disputes.values().any(|state| *state != "won")
    }

    /// Whether something of it is to be heard of still.
    pub(super) fn is_under_way(&self) -> bool {
        self.derived.values().any(|asked| *asked > 0)
            || self.refunds.values().any(|refund| refund.state == "requested")
            || self.disputes.values().any(|state| *state == "open")
    }

    /// What is there of a currency and not asked back yet.
    fn left(&self, currency: &str) -> i64 {
        let captured = self.captured.get(currency).copied().unwrap_or_default();
        let there = (captured - self.refunds_of(currency, "succeeded")).max(0);
        let derived = self.derived.get(currency).copied().unwrap_or_default();
        (there - self.refunds_of(currency, "requested") - derived).max(0)
    }

    /// Asks that much back, if it is anything.
    pub(super) fn ask(&mut self, amount: i64) {
        self.asked_back += amount;
        *self.derived.entry(self.currency.clone()).or_default() += amount;
    }

    /// Whether money in another currency is there that did not go back.
    pub(super) fn has_elsewhere(&self) -> bool {
        self.captured.iter().any(|(currency, captured)| {
            *currency != self.currency && *captured > self.refunds_of(currency, "succeeded")
        })
    }

    pub(super) fn ask_elsewhere(&mut self) {
        let others = self.captured.keys().filter(|other| **other != self.currency).cloned();
        for other in others.collect::<Vec<_>>() {
            let left = self.left(&other);
            *self.derived.entry(other).or_default() += left;
        }
    }

    pub(super) fn has_open_attempt(&self) -> bool {
        self.attempts.values().any(Attempt::is_open)
    }

    pub(super) fn void_authorized(&mut self) {
        for attempt in self.attempts.values_mut().filter(|one| one.state == "authorized") {
            attempt.voided = true;
        }
    }
}

impl Attempt {
    fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "action_required" | "authorized")
    }
}

impl Books {
    /// A provider's word on an order that is there.
    pub(super) fn record(&mut self, id: &str, data: &Value, now: i64) -> Answer {
        let mut order = self.orders.get(id).cloned().expect("it was looked up");
        let answer = match text(data, "kind").as_str() {
            "action_required" | "authorized" => begin(&mut order, data),
            "failed" | "voided" | "expired" => end(&mut order, data),
            "captured" => self.capture(id, &mut order, data, now),
            "refund_succeeded" => self.refund_arrived(id, &mut order, data),
            "refund_failed" => match order.money.refunds.get_mut(&text(data, "refund_id")) {
                Some(refund) if refund.state == "requested" => {
                    refund.state = "failed";
                    APPLIED
                }
                _ => STALE,
            },
            "dispute_opened" | "dispute_closed" => dispute(&mut order, data),
            other => unreachable!("{other} is no kind of callback"),
        };
        if answer != STALE {
            order.touched = now;
        }
        if order.awaits_money() {
            self.freeze_or_thaw(&mut order, now);
        }
        self.orders.insert(id.to_owned(), order);
        answer
    }

    fn capture(&mut self, id: &str, order: &mut Order, data: &Value, now: i64) -> Answer {
        let was_paid = order.hold == Hold::Sold;
        let attempt = order.money.attempts.entry(name(data)).or_default();
        let capture = match data["capture_id"].as_str() {
            Some(id) => Capture::Id(id.to_owned()),
            None => Capture::Event(text(data, "event_id")),
        };
        let is_more = match capture {
            Capture::Id(_) => false,
            // a new event is another share, of which an order that was paid or a closed attempt
            // expects none
            Capture::Event(_) => !attempt.captures.is_empty() && (attempt.is_final || was_paid),
        };
        if is_more || !attempt.captures.insert(capture) {
            return STALE;
        }
        "captured".clone_into(&mut attempt.state);
        attempt.is_final |= data["final"] == true;
        let (amount, currency) = (number(data, "amount"), text(data, "currency"));
        let is_own = currency == order.money.currency;
        let net = order.money.net();
        *order.money.captured.entry(currency).or_default() += amount;
        if is_own {
            self.captured(id, order, (amount, net), now)
        } else {
            self.captured_elsewhere(order, now)
        }
    }

    /// `net` is what there was before.
    fn captured(
        &mut self,
        id: &str,
        order: &mut Order,
        (amount, before): (i64, i64),
        now: i64,
    ) -> Answer {
        let net = order.money.net();
        let judged = if net > order.total { REVIEW } else { APPLIED };
        // of the amount, that much had gone back before it was heard of
        let gone = amount - (net - before);
        match order.status {
            "awaiting_payment" | "partially_paid" => {
                if net == order.total {
                    self.pay(id, order);
                    return APPLIED;
                }
                if net < order.total {
                    order.status = "partially_paid";
                } else {
                    order.status = "under_review";
                    order.money.void_authorized();
                }
                self.extend(order, now);
                judged
            }
            "under_review" => judged,
            "paid" | "completed" | "partially_refunded" => {
                let surplus = order.money.paid() - order.total - order.money.asked_back;
                order.surplus(surplus, gone);
                APPLIED
            }
            "refund_due" | "refunded" => {
                order.surplus(amount, gone);
                APPLIED
            }
            "expired"
                if net == order.total
                    && self.terms.holds_again
                    && self.hold(&order.wanted).is_ok() =>
            {
                self.pay(id, order);
                APPLIED
            }
            "expired" | "cancelled" | "rejected" => {
                if net == 0 {
                    order.status = "refunded";
                }
                order.owe();
                judged
            }
            other => unreachable!("{other} is no status of the model"),
        }
    }

    fn captured_elsewhere(&mut self, order: &mut Order, now: i64) -> Answer {
        match order.status {
            "awaiting_payment" | "partially_paid" => {
                order.status = "under_review";
                order.money.void_authorized();
                self.extend(order, now);
            }
            "expired" | "cancelled" | "rejected" => {
                order.status = "refunded";
                order.owe();
            }
            "refund_due" | "refunded" => order.money.ask_elsewhere(),
            _ => {}
        }
        REVIEW
    }

    fn refund_arrived(&mut self, id: &str, order: &mut Order, data: &Value) -> Answer {
        let refund = text(data, "refund_id");
        let known = order.money.refunds.get(&refund);
        if known.is_some_and(|known| known.state == "succeeded") {
            return STALE;
        }
        let restocked = known.is_some_and(|known| known.restocked);
        let before = order.money.net();
        self.tell(id, "refund_succeeded", &refund);
        let (amount, currency) = (number(data, "amount"), text(data, "currency"));
        let arrived = Refund { state: "succeeded", amount, currency, restocked };
        order.money.refunds.insert(refund, arrived);
        let net = order.money.net();
        match order.status {
            "refund_due" if net == 0 && !order.money.has_elsewhere() => order.status = "refunded",
            _ if net == before => {}
            "paid" | "completed" | "partially_refunded" | "refunded" if net == 0 => {
                order.status = "refunded";
            }
            "paid" | "completed" | "partially_refunded" if net < order.total => {
                order.status = "partially_refunded";
            }
            _ => {}
        }
        APPLIED
    }

    /// A producer asks for money back, and brings goods perhaps.
    pub(super) fn request_refund(&mut self, data: &Value, now: i64) -> Answer {
        let id = text(data, "order_id");
        let Some(mut order) = self.orders.get(&id).cloned() else {
            return self.missing(&id);
        };
        if order.awaits_money() {
            return rejected("not_allowed");
        }
        let name = text(data, "refund_id");
        let (currency, restocked) = match order.money.refunds.get(&name) {
            None => (order.money.currency.clone(), false),
            Some(known) if known.state == "failed" => (known.currency.clone(), known.restocked),
            Some(_) => return rejected("refund_exists"),
        };
        let amount = number(data, "amount");
        if amount > order.money.left(&currency) {
            return rejected("refund_exceeds_paid");
        }
        let mut comes = BTreeMap::<_, i64>::new();
        for line in data["restock"].as_array().into_iter().flatten() {
            *comes.entry(text(line, "sku")).or_default() += number(line, "quantity");
        }
        if !restocked {
            for (sku, units) in &comes {
                let sold = if order.hold == Hold::Sold { order.wanted.get(sku) } else { None };
                let back = order.returned.entry(sku.clone()).or_default();
                *back += units;
                if *back > sold.copied().unwrap_or_default() {
                    return rejected("restock_exceeds_sold");
                }
            }
            self.move_held(&comes, 0, 1);
        }
        let restocked = restocked || !comes.is_empty();
        order.touched = now;
        order
            .money
            .refunds
            .insert(name, Refund { state: "requested", amount, currency, restocked });
        self.orders.insert(id, order);
        APPLIED
    }
}

impl Order {
    pub(super) fn surplus(&mut self, surplus: i64, gone: i64) {
        if surplus > 0 {
            self.money.asked_back += surplus;
            let left = (surplus - gone).max(0);
            *self.money.derived.entry(self.money.currency.clone()).or_default() += left;
        }
    }

    /// It came to nothing: it awaits no money, and was never paid.
    fn is_over(&self) -> bool {
        !self.awaits_money() && self.hold != Hold::Sold
    }
}

fn name(data: &Value) -> String {
    format!("{} {}", text(data, "provider"), text(data, "attempt_id"))
}

/// An attempt waits for its customer, or has its money set aside.
fn begin(order: &mut Order, data: &Value) -> Answer {
    let kind = text(data, "kind");
    let (awaits_money, is_over) = (order.awaits_money(), order.is_over());
    let attempt = order.money.attempts.entry(name(data)).or_default();
    match (kind.as_str(), attempt.state.as_str()) {
        ("action_required", "") => attempt.voided |= is_over,
        // newly open: whatever was asked of it before was of less
        ("authorized", "" | "action_required") => attempt.voided = !awaits_money,
        _ => return STALE,
    }
    attempt.state = kind;
    APPLIED
}

fn end(order: &mut Order, data: &Value) -> Answer {
    let awaits_money = order.awaits_money();
    let attempt = order.money.attempts.entry(name(data)).or_default();
    let is_news = awaits_money && attempt.state.is_empty() || attempt.is_open();
    if is_news {
        attempt.state = text(data, "kind");
    }
    if is_news && awaits_money { APPLIED } else { STALE }
}

fn dispute(order: &mut Order, data: &Value) -> Answer {
    let id = text(data, "dispute_id");
    let known = order.money.disputes.get(&id).copied();
    let state = match (known, text(data, "kind").as_str(), text(data, "outcome").as_str()) {
        (None, "dispute_opened", _) => "open",
        (None | Some("open" | "lost"), "dispute_closed", "won") => "won",
        (None | Some("open"), "dispute_closed", "lost") => "lost",
        _ => return STALE,
    };
    order.money.disputes.insert(id, state);
    APPLIED
}
