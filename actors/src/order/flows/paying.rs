//! Callbacks of payment providers that come before their order, in time, or late.

use super::context::{Flows, Found, LatePayment};
use crate::changeset::{Changeset, NewTimer, TimerKind};
use crate::outcome::{CommandError, Fault, Outcome, accepted, ask};
use crate::payment;
use crate::tables;
use actix::prelude::*;
use orderly_domain::command::PaymentCallback;
use orderly_domain::event::Event;
use orderly_domain::id::{CommandId, OrderId, Source};
use orderly_domain::inventory::HoldState;
use orderly_domain::order::Order;
use orderly_domain::order::rules::{self, Rehold, Step};
use orderly_domain::payment::Waiting;
use orderly_domain::payment::rules::{CallbackEffect, Phase};
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::{Reason, Refusal, Verdict};
use orderly_planted::{Bug, is_planted};
use orderly_store::{NameHash, Ordinal};

/// Records a callback and changes its order. Before the order is placed, the callback waits.
#[derive(Debug, Message)]
#[rtype(result = "Result<Outcome, Fault>")]
pub struct Callback {
    /// The command.
    pub callback: PaymentCallback,
    /// The source of the message that brought the command.
    pub source: Source,
    /// The id of that message.
    pub command_id: CommandId,
    /// The trace that the message belongs to.
    pub trace: Option<TraceParent>,
    /// The unit's time.
    pub now: Timestamp,
}

/// Applies the first callback that waited for an order. `None`: there is nothing to do.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<(Outcome, Waited)>, Fault>")]
pub struct RunWaiting {
    /// The order.
    pub order: Ordinal,
    /// The unit's time.
    pub now: Timestamp,
}

/// Which message brought a callback that waited.
#[derive(Debug, Clone)]
pub struct Waited {
    /// The message's source.
    pub source: Source,
    /// The message's id.
    pub command_id: CommandId,
    /// The trace that the message belongs to.
    pub trace: Option<TraceParent>,
}

impl Flows {
    pub(in crate::order) async fn callback(&self, message: Callback) -> Result<Outcome, Fault> {
        let Callback { callback, source, command_id, trace, now } = message;
        if let Some(found) = self.find(&callback.order_id)? {
            return self.record(found, callback, now).await;
        }
        let order_id = callback.order_id.clone();
        if let Some((ordinal, _)) = self.tombstone(&order_id)? {
            return Ok(self.for_deleted_order(ordinal, &callback)?.about(order_id, Some(ordinal)));
        }
        let event = recorded(&callback, Verdict::Waiting);
        let waiting = Waiting { callback, since: now, trace, source, command_id };
        let enqueue = payment::EnqueueCallback { waiting };
        match ask(&self.owners.payment, enqueue).await? {
            Ok((ordinal, mut changeset)) => {
                changeset.events.push(event);
                Ok(Outcome::new(Verdict::Waiting, changeset).about(order_id, Some(ordinal)))
            }
            // too many callbacks wait: the message is parked, not refused
            Err(CommandError::Refused(refusal)) => {
                Ok(cannot_be_kept(refusal).about(order_id, None))
            }
            Err(CommandError::Fault(fault)) => Err(fault),
        }
    }

    /// A callback for a deleted order changes nothing. Money that moved and that no order has counted is parked, so that a
    /// person sees it.
    fn for_deleted_order(
        &self,
        ordinal: Ordinal,
        callback: &PaymentCallback,
    ) -> Result<Outcome, Fault> {
        let reported = payment::Reported::of(callback);
        let owner = self.named(reported.name())?;
        let other = owner.filter(|owner| *owner != ordinal);
        let in_no_book = match reported {
            payment::Reported::Capture(_) => owner.is_none().then_some("this money"),
            payment::Reported::Authorization(_) => other.is_none().then_some("this money"),
            payment::Reported::Refund(_) => {
                let known = self.named(payment::name_of_result(ordinal, callback))?;
                (other.is_none() && known.is_none()).then_some("this refund")
            }
            payment::Reported::Dispute(_) | payment::Reported::Progress => None,
        };
        if let Some(what) = in_no_book {
            let order = &callback.order_id;
            let detail = format!("order {order} was deleted; {what} is in no book");
            return Ok(cannot_be_kept(Refusal::with(Reason::Failed, detail)));
        }
        let detail = match other {
            Some(other) => Some(reported.elsewhere(self.id_of(other)?).detail().into()),
            None => None,
        };
        let mut changeset = Changeset::default();
        changeset.events.push(recorded(callback, Verdict::Stale));
        Ok(Outcome { detail, ..Outcome::new(Verdict::Stale, changeset) })
    }

    /// The order that the index has for a name.
    fn named(&self, name: Option<NameHash>) -> Result<Option<Ordinal>, Fault> {
        match name {
            Some(name) => Ok(self.view.borrow().find(tables::ORDERS, &name)?),
            None => Ok(None),
        }
    }

    /// The id of an order, also of a deleted one. `None`: an earlier build deleted it.
    fn id_of(&self, ordinal: Ordinal) -> Result<Option<OrderId>, Fault> {
        match self.load(ordinal)? {
            Some(order) => Ok(Some(order.id.clone())),
            None => Ok(self.tombstone_at(ordinal)?.and_then(|tombstone| tombstone.id)),
        }
    }

    pub(in crate::order) async fn run_waiting(
        &self,
        RunWaiting { order: ordinal, now }: RunWaiting,
    ) -> Result<Option<(Outcome, Waited)>, Fault> {
        let Some(order) = self.load(ordinal)? else {
            return Ok(None);
        };
        let dequeue = payment::DequeueCallback { order: ordinal };
        let reply = ask(&self.owners.payment, dequeue).await?;
        let (next, mut changeset) = accepted(reply)?;
        let Some(next) = next else { return Ok(None) };
        let Waiting { callback, trace, source, command_id, .. } = next.waiting;
        let mut outcome = self.record(Found { ordinal, order }, callback, now).await?;
        changeset.merge(std::mem::take(&mut outcome.changeset));
        if next.left > 0 && !is_planted(Bug::LostWaitingCallback) {
            changeset.timers.push(NewTimer { due: now, kind: TimerKind::Waiting, ordinal });
        }
        Ok(Some((Outcome { changeset, ..outcome }, Waited { source, command_id, trace })))
    }

    /// Records a callback, and changes its order as the rules decide.
    async fn record(
        &self,
        Found { ordinal, order: before }: Found,
        callback: PaymentCallback,
        now: Timestamp,
    ) -> Result<Outcome, Fault> {
        let phase = self.phase(ordinal, &before).await?;
        let record = payment::RecordCallback {
            order: ordinal,
            callback: callback.clone(),
            currency: before.currency,
            phase,
            paid: before.paid,
            refunded: before.refunded,
        };
        let (recorded_callback, recorded_changes) = match ask(&self.owners.payment, record).await? {
            Ok(recorded) => recorded,
            // no money is refused: the message is parked
            Err(CommandError::Refused(refusal)) => {
                return Ok(cannot_be_kept(refusal).about(before.id.clone(), Some(ordinal)));
            }
            Err(CommandError::Fault(fault)) => return Err(fault),
        };
        let payment::RecordedCallback { effect, summary, elsewhere } = recorded_callback;
        let mut changeset = Changeset::default();
        let rehold =
            self.rehold_for_late_payment(ordinal, &before, effect, now, &mut changeset).await?;
        let step = rules::on_callback((&before, phase), &callback, (effect, summary), rehold);
        // the end of an attempt that the order does not wait for is stale, and recorded: the order shows it
        let is_recorded = !recorded_changes.changes.is_empty();
        let step = step.or_else(|| is_recorded.then(|| Step::new(Verdict::Stale)));
        let verdict = step.as_ref().map_or(Verdict::Stale, |step| step.verdict);
        changeset.events.insert(0, recorded(&callback, verdict));
        changeset.merge(recorded_changes);
        match step {
            Some(step) => self.apply_step(ordinal, &before, step, now, changeset).await,
            None => {
                let detail = elsewhere.map(|elsewhere| elsewhere.detail().into());
                let outcome = Outcome { detail, ..Outcome::new(verdict, changeset) };
                Ok(outcome.about(before.id.clone(), Some(ordinal)))
            }
        }
    }

    /// The phase of an order. It follows from the status, or else from the reservation.
    pub(super) async fn phase(&self, ordinal: Ordinal, order: &Order) -> Result<Phase, Fault> {
        match rules::phase(order.status) {
            Some(phase) => Ok(phase),
            None => Ok(match self.hold_of(ordinal).await? {
                Some(HoldState::Committed) => Phase::Sold,
                Some(HoldState::Held { .. } | HoldState::Released | HoldState::Expired) | None => {
                    Phase::Unsold
                }
            }),
        }
    }

    /// Holds the stock of an expired order again, when the money would pay the order and the terms
    /// allow a late payment.
    async fn rehold_for_late_payment(
        &self,
        ordinal: Ordinal,
        order: &Order,
        effect: CallbackEffect,
        now: Timestamp,
        changeset: &mut Changeset,
    ) -> Result<Rehold, Fault> {
        let CallbackEffect::Captured { amount } = effect else {
            return Ok(Rehold::NotNeeded);
        };
        if !rules::pays_late(order, amount) {
            return Ok(Rehold::NotNeeded);
        }
        if self.terms.late_payment == LatePayment::Refund {
            return Ok(Rehold::NotHeld);
        }
        match self.hold_again(ordinal, order, now).await {
            Ok(held) => {
                changeset.merge(held);
                Ok(Rehold::Held)
            }
            Err(CommandError::Refused(_)) => Ok(Rehold::NotHeld),
            Err(CommandError::Fault(fault)) => Err(fault),
        }
    }
}

fn recorded(callback: &PaymentCallback, verdict: Verdict) -> Event {
    Event::PaymentRecorded {
        provider: callback.provider.clone(),
        attempt_id: callback.attempt_id.clone(),
        kind: callback.kind,
        verdict,
        amount: callback.amount.map(orderly_domain::money::NonNegativeAmount::get),
        currency: callback.currency,
        refund_id: callback.refund_id.clone(),
        dispute_id: callback.dispute_id.clone(),
        outcome: callback.outcome,
    }
}

/// A callback that cannot be recorded, or cannot wait: its message is parked.
fn cannot_be_kept(Refusal { reason, detail }: Refusal) -> Outcome {
    Outcome { reason: Some(reason), detail, ..Outcome::new(Verdict::Failed, Changeset::default()) }
}
