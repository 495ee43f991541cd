//! What the notifier and operators ask about notifications: what is due, how a delivery ended, what
//! is to be looked up later, what is to be sent again.

use super::owners::Owners;
use super::seal::{Decided, UnitContext};
use super::state::Sequencer;
use super::step::{Error, Sealed, Step};
use crate::changeset::{Change, Changeset, NewTimer, TimerKind};
use crate::notification::{self, ResendReply};
use crate::outcome::{Outcome, accepted, ask};
use crate::states;
use orderly_domain::event::Event;
use orderly_domain::id::{Operator, OrderId};
use orderly_domain::notification::Sent;
use orderly_domain::order::Order;
use orderly_domain::record::Origin;
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;

/// How a request to send a notification again ended.
#[derive(Debug)]
pub enum ResendOutcome {
    /// The notification is sent again once this unit is durable.
    Sealed(Box<Sealed>),
    /// No channel gave up on the notification: there is nothing to send again.
    NotExhausted,
    /// There is no such notification.
    Unknown,
    /// The request failed.
    Failed,
}

impl Sequencer {
    /// What of an order is to be sent to the customer now. `None`: asking failed, and is to be
    /// retried.
    pub async fn pending_notifications(
        &mut self,
        order: Ordinal,
    ) -> Result<Option<Vec<notification::DueDelivery>>, Error> {
        let now = self.now();
        let get = async |owners: &Owners| {
            ask(&owners.notification, notification::GetDueDeliveries { order, now }).await?
        };
        match self.attempt_valid(get).await? {
            Ok(delivery) => Ok(Some(delivery)),
            Err(problem) => {
                tracing::error!(order = order.0, problem, "notifications cannot be looked up");
                Ok(None)
            }
        }
    }

    /// Records the result of an attempt to deliver a notification. `None`: it was recorded before.
    pub async fn notified(
        &mut self,
        delivery: &notification::DueDelivery,
        result: Sent,
    ) -> Result<Option<Step>, Error> {
        let now = self.now();
        let record = async |owners: &Owners| {
            let record = notification::RecordAttempt {
                order: delivery.order,
                id: delivery.id.clone(),
                channel: delivery.channel,
                attempt: delivery.attempt,
                result,
                now,
            };
            Outcome::of_reply(ask(&owners.notification, record).await?)
        };
        match self.attempt_valid(record).await? {
            Ok(outcome) if outcome.changeset.is_empty() => Ok(None),
            Ok(outcome) => {
                let outcome = Outcome { order: self.known(delivery.order)?, ..outcome };
                let context =
                    UnitContext::new(Origin::Notified(delivery.kind), delivery.trace, now);
                Ok(Some(self.seal_step(Decided::new(context, outcome)).await?))
            }
            Err(problem) => {
                let problem = format!("the result of a delivery cannot be recorded: {problem}");
                Ok(Some(Step::Failed { problem }))
            }
        }
    }

    /// Sets a timer for each order whose notifications are to be looked up again: one unit for all.
    pub async fn schedule_notifications(
        &mut self,
        orders: &[(Ordinal, Timestamp)],
    ) -> Result<Sealed, Error> {
        let timers = orders.iter();
        let timers =
            timers.map(|&(ordinal, due)| NewTimer { due, kind: TimerKind::Notify, ordinal });
        let changeset = Changeset { timers: timers.collect(), ..Changeset::default() };
        let context = UnitContext::new(Origin::Reminder, None, self.now());
        self.seal(context, Outcome::new(Verdict::Applied, changeset)).await
    }

    /// Sends a notification again through every channel that gave up on it.
    pub async fn resend(
        &mut self,
        id: &str,
        operator: Option<Operator>,
    ) -> Result<ResendOutcome, Error> {
        let Some(order) = notification::order_of(id) else {
            return Ok(ResendOutcome::Unknown);
        };
        let now = self.now();
        let resend = async |owners: &Owners| {
            let resend = notification::Resend { order, id: id.to_owned(), now };
            accepted(ask(&owners.notification, resend).await?)
        };
        match self.attempt_valid(resend).await? {
            Ok((ResendReply::Unknown, _)) => Ok(ResendOutcome::Unknown),
            Ok((ResendReply::NotExhausted, _)) => Ok(ResendOutcome::NotExhausted),
            Ok((ResendReply::Again, changeset)) => {
                let order = self.known(order)?;
                let outcome = Outcome { order, ..Outcome::new(Verdict::Applied, changeset) };
                let context =
                    UnitContext { operator, ..UnitContext::new(Origin::Operator, None, now) };
                match self.seal_step(Decided::new(context, outcome)).await? {
                    Step::Sealed(sealed) => Ok(ResendOutcome::Sealed(sealed)),
                    Step::Failed { problem } => Ok(cannot_resend(id, &problem)),
                    Step::DeadLetter(_) => Ok(ResendOutcome::Failed),
                }
            }
            Err(problem) => Ok(cannot_resend(id, &problem)),
        }
    }

    /// Sets the trace of the command in hand in the notifications that it requested.
    pub(super) async fn trace_notifications(&self, changeset: &mut Changeset, trace: TraceParent) {
        let ids: Vec<_> = changeset.events.iter().filter_map(requested).collect();
        if ids.is_empty() {
            return;
        }
        for change in &mut changeset.changes {
            let Change::Notices(order, notices) = change else { continue };
            let set = notification::SetTrace { order: *order, ids: ids.clone(), trace };
            match ask(&self.owners.notification, set).await.and_then(|reply| reply) {
                Ok(traced) => *notices = traced,
                // the command is applied without its trace: what was decided is in the changeset
                Err(fault) => {
                    tracing::error!(problem = %fault, "the trace of a notification could not be recorded");
                }
            }
        }
    }

    fn known(&self, order: Ordinal) -> Result<Option<(OrderId, Option<Ordinal>)>, Error> {
        let known = states::read::<Order>(&self.view.borrow(), order)?;
        Ok(known.map(|known| (known.id, Some(order))))
    }
}

fn cannot_resend(id: &str, problem: &str) -> ResendOutcome {
    tracing::error!(id, problem, "a notification cannot be sent again");
    ResendOutcome::Failed
}

fn requested(event: &Event) -> Option<String> {
    match event {
        Event::NotificationRequested { notification_id, .. } => Some(notification_id.clone()),
        _ => None,
    }
}
