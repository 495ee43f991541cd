//! The flows: for each command, which owners are asked what, in which order.
//!
//! The rules decide (see [`rules`](super::rules)); a flow loads what they need, carries out
//! their effects by asking the other owners, and puts the answers together into one draft.

use super::actor::{Callback, Cancel, Checkout, Complete, LapseHold, Place, RunWaiting, Waited};
use super::rules::{self, Effect, Late, Step};
use super::state::{Order, Status};
use crate::cart::{self, CartActor};
use crate::clock::Timestamp;
use crate::command::{Customer, Invalid, PaymentCallback};
use crate::draft::{Change, Draft, Hint, HintKind};
use crate::event::{Event, OrderChange};
use crate::id::{CartId, OrderId, RefundId};
use crate::identity;
use crate::inventory::{self, HoldState, Inventory};
use crate::money::{Adjustment, Currency, Line, total};
use crate::notification::{self, NotificationActor};
use crate::owner::{Answer, EndTurn, Fault, Outcome, Owner, Stop, ask};
use crate::payment::rules::Meaning;
use crate::payment::{self, PaymentActor, Waiting};
use crate::states::{Shelf, States};
use crate::store::{Ordinal, Table};
use crate::verdict::{Reason, Refusal, Verdict};
use actix::prelude::*;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

/// The owners that the order actor asks.
#[derive(Clone)]
pub struct Leaves {
    /// Of carts.
    pub cart: Addr<CartActor>,
    /// Of stock.
    pub inventory: Addr<Inventory>,
    /// Of payments.
    pub payment: Addr<PaymentActor>,
    /// Of notifications.
    pub notification: Addr<NotificationActor>,
}

/// What the shop grants its customers.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long stock is held for an order, unless the order says otherwise.
    pub hold_for: Duration,
    /// How long a hold may last at most, from the placing.
    pub hold_cap: Duration,
    /// What to do with money that comes after the hold ran out.
    pub late_payment: LatePayment,
}

/// What to do with money that comes after the hold ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatePayment {
    /// Hold the stock again if it is there; refund otherwise.
    Rehold,
    /// Refund.
    Refund,
}

/// What the flows share.
pub(super) struct Flows {
    shelf: Shelf,
    orders: RefCell<States<Order>>,
    leaves: Leaves,
    terms: Terms,
}

/// An order as a flow found it.
struct Found {
    ordinal: Ordinal,
    order: Arc<Order>,
}

impl Flows {
    pub(super) fn new(shelf: Shelf, capacity: u64, leaves: Leaves, terms: Terms) -> Self {
        let orders = RefCell::new(States::new(shelf.clone(), capacity));
        Self { shelf, orders, leaves, terms }
    }

    pub(super) fn end(&self, end: EndTurn) {
        let mut orders = self.orders.borrow_mut();
        match end {
            EndTurn::Keep => orders.keep(),
            EndTurn::Discard => orders.discard(),
            EndTurn::Forget => orders.forget(),
        }
    }

    fn place_of(&self, id: &OrderId) -> Result<Option<Ordinal>, Fault> {
        Ok(self.shelf.borrow().find(Table::Orders, &identity::of_name(id.as_str()))?)
    }

    fn load(&self, ordinal: Ordinal) -> Result<Option<Arc<Order>>, Fault> {
        Ok(self.orders.borrow_mut().get(ordinal)?)
    }

    /// The order of that id; a place alone (callbacks wait there) is no order.
    fn find(&self, id: &OrderId) -> Result<Option<Found>, Fault> {
        let Some(ordinal) = self.place_of(id)? else {
            return Ok(None);
        };
        Ok(self.load(ordinal)?.map(|order| Found { ordinal, order }))
    }

    pub(super) async fn place(&self, Place { place, now }: Place) -> Result<Outcome, Fault> {
        crate::fault::point("order", place.order_id.as_str());
        let wish = Wish {
            id: place.order_id,
            customer: place.customer,
            currency: place.currency,
            lines: place.lines.into(),
            adjustments: place.adjustments.into(),
            cart: None,
            hold_for: place.hold_for,
        };
        self.open(wish, now).await
    }

    pub(super) async fn checkout(
        &self,
        Checkout { checkout, now }: Checkout,
    ) -> Result<Outcome, Fault> {
        crate::fault::point("order", checkout.order_id.as_str());
        if let Some(found) = self.find(&checkout.order_id)? {
            return Ok(exists(&found));
        }
        let snapshot = cart::Snapshot {
            cart: checkout.cart_id.clone(),
            expected_version: checkout.expected_version,
        };
        let cart = match ask(&self.leaves.cart, Owner::Cart, snapshot).await? {
            Ok(cart) => cart,
            Err(Stop::Refused(refusal)) => return Ok(Outcome::refused(refusal)),
            Err(Stop::Fault(fault)) => return Err(fault),
        };
        let sum = total(
            cart.lines.iter().map(|line| (line.quantity, line.unit_price)),
            &checkout.adjustments,
        )
        .map_err(|error| Invalid::field("adjustments", error))?;
        if checkout.expected_total.is_some_and(|expected| expected.get() != sum) {
            let detail = format!("the total is {sum}");
            return Ok(Outcome::refused(Refusal::with(Reason::TotalMismatch, detail)));
        }
        let line = |line: &cart::CartLine| Line {
            sku: line.sku.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price,
            name: line.name.clone(),
        };
        let wish = Wish {
            id: checkout.order_id,
            customer: checkout.customer,
            currency: cart.currency,
            lines: cart.lines.iter().map(line).collect(),
            adjustments: checkout.adjustments.into(),
            cart: Some(checkout.cart_id),
            hold_for: checkout.hold_for,
        };
        self.open(wish, now).await
    }

    /// Places the order that is wished for, or rejects it for want of stock.
    async fn open(&self, wish: Wish, now: Timestamp) -> Result<Outcome, Fault> {
        let name = identity::of_name(wish.id.as_str());
        let known = self.shelf.borrow().find(Table::Orders, &name)?;
        let mut draft = Draft::default();
        let ordinal = match known {
            Some(ordinal) => {
                if let Some(order) = self.load(ordinal)? {
                    return Ok(exists(&Found { ordinal, order }));
                }
                // the place is there because callbacks came first: they run right behind
                draft.hints.push(Hint { due: now, order: ordinal, kind: HintKind::Waiting });
                ordinal
            }
            None => {
                let ordinal = self.shelf.borrow().next_ordinal(Table::Orders);
                draft.names.push((Table::Orders, name, ordinal));
                ordinal
            }
        };
        let mut order = wish.into_order(&self.terms, now)?;
        let hold = inventory::Hold {
            order: ordinal,
            lines: Arc::clone(&order.lines),
            until: now.plus(order.hold_for),
        };
        let step = match ask(&self.leaves.inventory, Owner::Inventory, hold).await? {
            Ok(((), held)) => {
                draft.absorb(held);
                rules::place(&order)
            }
            Err(Stop::Refused(refusal)) => {
                return Ok(self.reject(ordinal, order, refusal, draft));
            }
            Err(Stop::Fault(fault)) => return Err(fault),
        };
        if let Some(cart) = order.cart.clone() {
            let check_out = cart::CheckOut { cart, order: order.id.clone(), now };
            let answer = ask(&self.leaves.cart, Owner::Cart, check_out).await?;
            absorb(&mut draft, answer)?;
        }
        draft.moved = Some((None, order.status));
        let verdict = step.verdict;
        self.carry_out(ordinal, &mut order, step, now, &mut draft).await?;
        Ok(self.finish(ordinal, order, None, verdict, draft))
    }

    /// The order is refused; it keeps its id.
    fn reject(
        &self,
        ordinal: Ordinal,
        mut order: Order,
        refusal: Refusal,
        mut draft: Draft,
    ) -> Outcome {
        let Refusal { reason, detail } = refusal;
        let change = OrderChange::Rejected { reason, detail: detail.clone() };
        tell(&mut order, change, &mut draft);
        let id = order.id.clone();
        let outcome = self.finish(ordinal, order, None, Verdict::Rejected, draft);
        Outcome { reason: Some(reason), detail, ..outcome }.about(id, Some(ordinal))
    }

    pub(super) async fn cancel(&self, Cancel { cancel, now }: Cancel) -> Result<Outcome, Fault> {
        crate::fault::point("order", cancel.order_id.as_str());
        let Some(found) = self.find(&cancel.order_id)? else {
            return Ok(not_found(cancel.order_id));
        };
        let step = rules::cancel(&found.order, cancel.reason);
        self.decided(found, step, now).await
    }

    pub(super) async fn complete(
        &self,
        Complete { complete, now }: Complete,
    ) -> Result<Outcome, Fault> {
        crate::fault::point("order", complete.order_id.as_str());
        let Some(found) = self.find(&complete.order_id)? else {
            return Ok(not_found(complete.order_id));
        };
        let step = rules::complete(&found.order);
        self.decided(found, step, now).await
    }

    /// Carries out what the rules decided on an order that is there.
    async fn decided(
        &self,
        found: Found,
        step: Result<Step, Refusal>,
        now: Timestamp,
    ) -> Result<Outcome, Fault> {
        let Found { ordinal, order: before } = found;
        match step {
            Ok(step) => self.go_on(ordinal, &before, step, now, Draft::default()).await,
            Err(refusal) => Ok(Outcome::refused(refusal).about(before.id.clone(), Some(ordinal))),
        }
    }

    pub(super) async fn callback(&self, message: Callback) -> Result<Outcome, Fault> {
        let Callback { callback, source, command_id, trace, now } = message;
        if let Some(found) = self.find(&callback.order_id)? {
            return self.record(found, callback, now).await;
        }
        let order_id = callback.order_id.clone();
        let event = recorded(&callback, Verdict::Waiting);
        let waiting = Waiting { callback, since: now, trace, source, command_id };
        let wait = payment::Wait { waiting };
        match ask(&self.leaves.payment, Owner::Payment, wait).await? {
            Ok((ordinal, mut draft)) => {
                draft.events.push(event);
                Ok(Outcome::new(Verdict::Waiting, draft).about(order_id, Some(ordinal)))
            }
            // no room: it is parked, not refused
            Err(Stop::Refused(Refusal { reason, detail })) => {
                let outcome = Outcome::new(Verdict::Failed, Draft::default());
                Ok(Outcome { reason: Some(reason), detail, ..outcome }.about(order_id, None))
            }
            Err(Stop::Fault(fault)) => Err(fault),
        }
    }

    pub(super) async fn run_waiting(
        &self,
        RunWaiting { order: ordinal, now }: RunWaiting,
    ) -> Result<Option<(Outcome, Waited)>, Fault> {
        let Some(order) = self.load(ordinal)? else {
            return Ok(None);
        };
        let next = payment::NextWaiting { order: ordinal };
        let answer = ask(&self.leaves.payment, Owner::Payment, next).await?;
        let (next, mut draft) = settled(answer)?;
        let Some(next) = next else { return Ok(None) };
        let Waiting { callback, trace, source, command_id, .. } = next.waiting;
        let mut outcome = self.record(Found { ordinal, order }, callback, now).await?;
        draft.absorb(std::mem::take(&mut outcome.draft));
        if next.left > 0 {
            draft.hints.push(Hint { due: now, order: ordinal, kind: HintKind::Waiting });
        }
        Ok(Some((Outcome { draft, ..outcome }, Waited { source, command_id, trace })))
    }

    /// Records a callback on its order, and lets the order follow.
    async fn record(
        &self,
        Found { ordinal, order: before }: Found,
        callback: PaymentCallback,
        now: Timestamp,
    ) -> Result<Outcome, Fault> {
        let money = callback.amount.map_or(0, crate::money::NonNegativeAmount::get);
        if before.paid.checked_add(money).is_none() {
            let refusal = Refusal::with(Reason::NotAllowed, "the sum of money is too large");
            return Ok(Outcome::refused(refusal).about(before.id.clone(), Some(ordinal)));
        }
        let record = payment::Record {
            order: ordinal,
            callback: callback.clone(),
            currency: before.currency,
            awaits_money: rules::awaits_money(before.status),
        };
        let answer = ask(&self.leaves.payment, Owner::Payment, record).await?;
        let (said, known) = settled(answer)?;
        let mut draft = Draft::default();
        let mut step = match said.meaning {
            Meaning::Stale => {
                draft.events.push(recorded(&callback, Verdict::Stale));
                let outcome = Outcome::new(Verdict::Stale, draft);
                return Ok(outcome.about(before.id.clone(), Some(ordinal)));
            }
            Meaning::Captured { amount } => {
                let late = self.hold_again(ordinal, &before, amount, now, &mut draft).await?;
                rules::captured(&before, amount, late)
            }
            Meaning::CapturedElsewhere => rules::captured_elsewhere(&before),
            Meaning::Refunded { amount } => rules::refunded(&before, amount),
            Meaning::Progressed | Meaning::Ended | Meaning::RefundFailed => rules::noted(),
            Meaning::Disputed(disputed) => rules::disputed(disputed),
        };
        if !said.authorized {
            step.effects.retain(|effect| *effect != Effect::VoidOpen);
        }
        draft.events.insert(0, recorded(&callback, step.verdict));
        draft.absorb(known);
        self.go_on(ordinal, &before, step, now, draft).await
    }

    /// Holds the stock of an expired order again when `amount` would pay it, and the shop
    /// grants that.
    async fn hold_again(
        &self,
        ordinal: Ordinal,
        order: &Order,
        amount: i64,
        now: Timestamp,
        draft: &mut Draft,
    ) -> Result<Late, Fault> {
        let granted = self.terms.late_payment == LatePayment::Rehold;
        if !granted || !rules::pays_late(order, amount) {
            return Ok(Late::No);
        }
        let lines = Arc::clone(&order.lines);
        let hold = inventory::Hold { order: ordinal, lines, until: now.plus(order.hold_for) };
        match ask(&self.leaves.inventory, Owner::Inventory, hold).await? {
            Ok(((), mut held)) => {
                held.hints.clear(); // committed in the same unit
                draft.absorb(held);
                Ok(Late::Yes)
            }
            Err(Stop::Refused(_)) => Ok(Late::No),
            Err(Stop::Fault(fault)) => Err(fault),
        }
    }

    pub(super) async fn lapse_hold(
        &self,
        LapseHold { order: ordinal, now }: LapseHold,
    ) -> Result<Option<Outcome>, Fault> {
        let Some(before) = self.load(ordinal)? else {
            return Ok(None);
        };
        let look = inventory::Look { order: ordinal };
        let reservation = ask(&self.leaves.inventory, Owner::Inventory, look).await??;
        let ran_out = reservation.is_some_and(|reservation| match reservation.state {
            HoldState::Held { until, .. } => until <= now,
            HoldState::Committed | HoldState::Released | HoldState::Expired => false,
        });
        // a hold that was extended left a hint of its own
        let Some(step) = rules::lapse(&before).filter(|_| ran_out) else {
            return Ok(None);
        };
        self.go_on(ordinal, &before, step, now, Draft::default()).await.map(Some)
    }

    /// Carries out a step on an order that was there before.
    async fn go_on(
        &self,
        ordinal: Ordinal,
        before: &Order,
        step: Step,
        now: Timestamp,
        mut draft: Draft,
    ) -> Result<Outcome, Fault> {
        let mut order = before.clone();
        let verdict = step.verdict;
        self.carry_out(ordinal, &mut order, step, now, &mut draft).await?;
        Ok(self.finish(ordinal, order, Some(before.status), verdict, draft))
    }

    async fn carry_out(
        &self,
        ordinal: Ordinal,
        order: &mut Order,
        step: Step,
        now: Timestamp,
        draft: &mut Draft,
    ) -> Result<(), Fault> {
        let asked_back = order.asked_back;
        order.updated_at = now;
        let told = step.changes.iter().any(|change| matches!(change, rules::Change::Become(_)));
        if !told && !step.changes.is_empty() {
            order.version += 1;
        }
        for change in step.changes {
            rules::apply(order, &change);
            if let rules::Change::Become(change) = change {
                tell(order, change, draft);
            }
        }
        for effect in step.effects {
            let answer = self.carry_out_effect(ordinal, order, effect, asked_back, now).await?;
            absorb(draft, answer)?;
        }
        Ok(())
    }

    async fn carry_out_effect(
        &self,
        ordinal: Ordinal,
        order: &Order,
        effect: Effect,
        asked_back: i64,
        now: Timestamp,
    ) -> Result<Answer<()>, Fault> {
        let Leaves { cart, inventory, payment, notification } = &self.leaves;
        match effect {
            Effect::CommitHold => {
                let commit = inventory::Commit { order: ordinal };
                ask(inventory, Owner::Inventory, commit).await
            }
            Effect::ReleaseHold(reason) => {
                let release = inventory::Release { order: ordinal, reason };
                ask(inventory, Owner::Inventory, release).await
            }
            Effect::ExtendHold => {
                let until = rules::cap(order, self.terms.hold_cap);
                let extend = inventory::Extend { order: ordinal, until };
                ask(inventory, Owner::Inventory, extend).await
            }
            Effect::AskBack { amount } => {
                let refund = refund_id(order, asked_back)?;
                let currency = order.currency;
                let request = payment::RequestRefund { order: ordinal, refund, amount, currency };
                ask(payment, Owner::Payment, request).await
            }
            Effect::VoidOpen => {
                ask(payment, Owner::Payment, payment::VoidOpen { order: ordinal }).await
            }
            Effect::ReopenCart => match order.cart.clone() {
                Some(id) => {
                    let reopen = cart::Reopen { cart: id, order: order.id.clone(), now };
                    ask(cart, Owner::Cart, reopen).await
                }
                None => Ok(Ok(((), Draft::default()))),
            },
            Effect::Notify { kind, reference } => {
                let order_id = order.id.clone();
                let request =
                    notification::Request { order: ordinal, order_id, kind, reference, now };
                ask(notification, Owner::Notification, request).await
            }
        }
    }

    fn finish(
        &self,
        ordinal: Ordinal,
        order: Order,
        before: Option<Status>,
        verdict: Verdict,
        mut draft: Draft,
    ) -> Outcome {
        if before != Some(order.status) {
            draft.moved = Some((before, order.status));
        }
        let id = order.id.clone();
        let order = self.orders.borrow_mut().stage(ordinal, order);
        crate::fault::point("finish", id.as_str());
        draft.change(Change::Order(ordinal, order));
        Outcome::new(verdict, draft).about(id, Some(ordinal))
    }
}

/// An order that is wished for.
struct Wish {
    id: OrderId,
    customer: Customer,
    currency: Currency,
    lines: Arc<[Line]>,
    adjustments: Arc<[Adjustment]>,
    cart: Option<CartId>,
    hold_for: Option<Duration>,
}

impl Wish {
    fn into_order(self, terms: &Terms, now: Timestamp) -> Result<Order, Fault> {
        let lines = self.lines.iter().map(|line| (line.quantity, line.unit_price));
        let total =
            total(lines, &*self.adjustments).map_err(|error| Invalid::field("lines", error))?;
        Ok(Order {
            id: self.id,
            customer: self.customer,
            currency: self.currency,
            lines: self.lines,
            adjustments: self.adjustments,
            total,
            cart: self.cart,
            status: Status::AwaitingPayment,
            version: 0,
            paid: 0,
            refunded: 0,
            asked_back: 0,
            disputed: false,
            hold_for: self.hold_for.unwrap_or(terms.hold_for).min(terms.hold_cap),
            placed_at: now,
            updated_at: now,
        })
    }
}

/// The order has a new version, and subscribers are told why.
fn tell(order: &mut Order, change: OrderChange, draft: &mut Draft) {
    if matches!(change, OrderChange::Rejected { .. }) {
        order.status = Status::Rejected;
    }
    order.version += 1;
    let face = (&*order).into();
    draft.events.push(Event::Order { change, face });
}

fn recorded(callback: &PaymentCallback, verdict: Verdict) -> Event {
    Event::PaymentRecorded {
        provider: callback.provider.clone(),
        attempt_id: callback.attempt_id.clone(),
        kind: callback.kind,
        verdict,
        amount: callback.amount.map(crate::money::NonNegativeAmount::get),
        currency: callback.currency,
    }
}

/// A refund's id, derived from what it refunds: all that was asked back of this order before
/// stays what it was, so a second derivation gives the same.
fn refund_id(order: &Order, asked_back: i64) -> Result<RefundId, Fault> {
    let from = asked_back.to_string();
    RefundId::new(identity::derived("r-", &[order.id.as_str(), &from]))
        .map_err(|_| Fault::Inconsistent("a derived refund id is no id"))
}

fn exists(found: &Found) -> Outcome {
    Outcome::refused(Refusal::new(Reason::OrderExists))
        .about(found.order.id.clone(), Some(found.ordinal))
}

fn not_found(id: OrderId) -> Outcome {
    Outcome::refused(Refusal::new(Reason::OrderNotFound)).about(id, None)
}

fn absorb(draft: &mut Draft, answer: Answer<()>) -> Result<(), Fault> {
    let ((), done) = settled(answer)?;
    draft.absorb(done);
    Ok(())
}

/// An answer that no business rule can refuse here.
fn settled<T>(answer: Answer<T>) -> Result<(T, Draft), Fault> {
    match answer {
        Ok(done) => Ok(done),
        Err(Stop::Fault(fault)) => Err(fault),
        Err(Stop::Refused(Refusal { reason, detail })) => {
            tracing::error!(%reason, ?detail, "an effect was refused");
            Err(Fault::Inconsistent("an effect that the rules decided was refused"))
        }
    }
}
