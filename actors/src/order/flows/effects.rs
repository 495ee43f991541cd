//! Carries out what the rules decided: the order's own changes, then the effects on other owners.

use super::context::{Flows, OwnerAddrs};
use crate::cart;
use crate::changeset::Changeset;
use crate::inventory;
use crate::notification;
use crate::outcome::{Fault, Outcome, Reply, accepted, ask};
use crate::payment;
use orderly_domain::event::{Event, OrderChange};
use orderly_domain::order::rules::{self, Effect, Step};
use orderly_domain::order::{Order, Status};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;

impl Flows {
    /// Carries out a step on an order that existed before.
    pub(super) async fn apply_step(
        &self,
        ordinal: Ordinal,
        before: &Order,
        step: Step,
        now: Timestamp,
        mut changeset: Changeset,
    ) -> Result<Outcome, Fault> {
        let mut order = before.clone();
        let verdict = step.verdict;
        self.carry_out(ordinal, &mut order, step, now, &mut changeset).await?;
        Ok(self.finish(ordinal, order, Some(before.status), verdict, changeset))
    }

    /// Carries out a step: the order's own changes, then the effects on other owners.
    pub(super) async fn carry_out(
        &self,
        ordinal: Ordinal,
        order: &mut Order,
        step: Step,
        now: Timestamp,
        changeset: &mut Changeset,
    ) -> Result<(), Fault> {
        let moved = Changeset::default();
        self.carry_out_after(ordinal, order, step, moved, now, changeset).await
    }

    /// Carries out a step whose events come before those of `moved`, and whose effects come after: what other owners did
    /// already because the order changes.
    pub(super) async fn carry_out_after(
        &self,
        ordinal: Ordinal,
        order: &mut Order,
        step: Step,
        moved: Changeset,
        now: Timestamp,
        changeset: &mut Changeset,
    ) -> Result<(), Fault> {
        let auto_refunds_requested = order.auto_refunds_requested;
        order.updated_at = now;
        let emits =
            step.changes.iter().any(|change| matches!(change, rules::Change::Become { .. }));
        if !emits {
            order.version += 1; // something that the order shows changes: its sums, its payments or its reservation
        }
        for change in step.changes {
            rules::apply(order, &change);
            if let rules::Change::Become { change, .. } = change {
                emit(order, change, changeset);
            }
        }
        changeset.merge(moved);
        for effect in step.effects {
            let reply =
                self.carry_out_effect(ordinal, order, effect, auto_refunds_requested, now).await?;
            let ((), done) = accepted(reply)?;
            changeset.merge(done);
        }
        Ok(())
    }

    async fn carry_out_effect(
        &self,
        ordinal: Ordinal,
        order: &Order,
        effect: Effect,
        auto_refunds_requested: i64,
        now: Timestamp,
    ) -> Result<Reply<()>, Fault> {
        let OwnerAddrs { cart, inventory, payment, notification } = &self.owners;
        match effect {
            Effect::CommitHold => {
                let commit = inventory::Commit { order: ordinal };
                ask(inventory, commit).await
            }
            Effect::ReleaseHold(reason) => {
                let release = inventory::Release { order: ordinal, reason };
                ask(inventory, release).await
            }
            Effect::ExtendHold => {
                let until = rules::cap(order, self.terms.hold_cap);
                let extend = inventory::Extend { order: ordinal, until, now };
                ask(inventory, extend).await
            }
            Effect::FreezeHold => {
                let cap = rules::cap(order, self.terms.hold_cap);
                let freeze = inventory::Freeze { order: ordinal, cap, now };
                ask(inventory, freeze).await
            }
            Effect::UnfreezeHold => {
                ask(inventory, inventory::Unfreeze { order: ordinal, now }).await
            }
            Effect::LetHoldStand => ask(inventory, inventory::LetStand { order: ordinal }).await,
            Effect::BeginHold => {
                let until = now.plus(order.hold_for);
                ask(inventory, inventory::BeginAgain { order: ordinal, until }).await
            }
            Effect::Refund { amount } => {
                // the amount requested so far makes the id of this refund differ from the last one's
                let parts = [order.id.as_str(), &auto_refunds_requested.to_string()];
                let refund = payment::derived_refund(&parts)?;
                let currency = order.currency;
                let request =
                    payment::RefundAutomatically { order: ordinal, refund, amount, currency };
                ask(payment, request).await
            }
            Effect::RefundOtherCurrencies => {
                let (order_id, currency) = (order.id.clone(), order.currency);
                let request = payment::RefundOtherCurrencies { order: ordinal, order_id, currency };
                ask(payment, request).await
            }
            Effect::ReturnMoney { amount } => {
                let (order_id, currency) = (order.id.clone(), order.currency);
                let request = payment::ReturnMoney { order: ordinal, order_id, amount, currency };
                ask(payment, request).await
            }
            Effect::AcceptMoney => {
                let currency = order.currency;
                ask(payment, payment::AcceptMoney { order: ordinal, currency }).await
            }
            Effect::Capture { amount, before } => {
                let (order_id, currency) = (order.id.clone(), order.currency);
                let request =
                    payment::RequestCapture { order: ordinal, order_id, amount, currency, before };
                ask(payment, request).await
            }
            Effect::Void(which) => {
                ask(payment, payment::VoidAttempts { order: ordinal, which }).await
            }
            Effect::ReopenCart => match order.cart.clone() {
                Some(id) => {
                    let reopen = cart::Reopen { cart: id, order: order.id.clone(), now };
                    ask(cart, reopen).await
                }
                None => Ok(Ok(((), Changeset::default()))),
            },
            Effect::Notify { kind, reference } => {
                let order_id = order.id.clone();
                let request = notification::RequestNotification {
                    order: ordinal,
                    order_id,
                    kind,
                    reference,
                    now,
                };
                ask(notification, request).await
            }
        }
    }

    pub(super) fn finish(
        &self,
        ordinal: Ordinal,
        order: Order,
        before: Option<Status>,
        verdict: Verdict,
        mut changeset: Changeset,
    ) -> Outcome {
        if before != Some(order.status) {
            changeset.status_change = Some((before, order.status));
            if rules::is_at_rest(&order) {
                changeset.timers.push(self.deletion_timer(ordinal, &order));
            }
        }
        let id = order.id.clone();
        changeset.stage(&mut self.orders.borrow_mut(), ordinal, order);
        crate::failpoints::hit("finish", id.as_str());
        Outcome::new(verdict, changeset).about(id, Some(ordinal))
    }
}

/// Gives the order a new version, and emits the event that says why.
pub(super) fn emit(order: &mut Order, change: OrderChange, changeset: &mut Changeset) {
    if matches!(change, OrderChange::Rejected { .. }) {
        order.status = Status::Rejected;
    }
    order.version += 1;
    let snapshot = (&*order).into();
    changeset.events.push(Event::Order { change, snapshot });
}
