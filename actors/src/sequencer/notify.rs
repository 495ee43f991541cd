//! What the notifier and operators ask about notifications: what is due, what became of it, what
//! is to be looked at again, what is to be sent again.

use super::seal::Turn;
use super::{Error, Sealed, Sequencer, Step};
use crate::changeset::{Change, Changeset, NewTimer, TimerKind};
use crate::notification::{self, Resent};
use crate::states;
use crate::turn::{CommandError, Outcome, ask};
use orderly_domain::event::Event;
use orderly_domain::id::OrderId;
use orderly_domain::notification::Sent;
use orderly_domain::order::Order;
use orderly_domain::record::Origin;
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;

/// What became of a wish to send a notification again.
#[derive(Debug)]
pub enum ResendOutcome {
    /// It is sent again once this is durable.
    Sealed(Box<Sealed>),
    /// No channel has given up on it: there is nothing to send again.
    NotExhausted,
    /// There is no such notification.
    Unknown,
    /// It came to no end.
    Failed,
}

impl Sequencer {
    /// What of an order is to be sent to the customer now; `None` when that cannot be found out, and is to be asked again.
    pub async fn pending_notifications(
        &mut self,
        order: Ordinal,
    ) -> Result<Option<Vec<notification::Outgoing>>, Error> {
        let pending = notification::Pending { order, now: self.now() };
        for _ in 0..2 {
            let owner = &self.owners.notification;
            let reply = ask(owner, pending.clone()).await;
            match reply.and_then(|reply| reply) {
                Ok(outgoing) => return Ok(Some(outgoing)),
                Err(fault) => self.recover(fault).await?,
            }
        }
        Ok(None)
    }

    /// Records what became of an attempt to deliver a notification.
    pub async fn notified(
        &mut self,
        outgoing: &notification::Outgoing,
        result: Sent,
    ) -> Result<Option<Step>, Error> {
        let now = self.now();
        for _ in 0..2 {
            let report = notification::Report {
                order: outgoing.order,
                id: outgoing.id.clone(),
                channel: outgoing.channel,
                attempt: outgoing.attempt,
                result,
                now,
            };
            let owner = &self.owners.notification;
            let reply = ask(owner, report).await;
            match reply.and_then(Outcome::from_answer) {
                Ok(outcome) if outcome.changeset.is_empty() => return Ok(None),
                Ok(outcome) => {
                    let outcome = Outcome { order: self.known(outgoing.order)?, ..outcome };
                    let turn = Turn::new(Origin::Notified(outgoing.kind), outgoing.trace, now);
                    return Ok(Some(self.seal(turn, outcome).await?.into()));
                }
                Err(fault) => self.recover(fault).await?,
            }
        }
        Ok(Some(Step::Failed { problem: "a notification's outcome was not kept".to_owned() }))
    }

    /// Has the notifications of orders looked at again, each at its time: one unit for them all.
    pub async fn schedule_notifications(
        &mut self,
        reminders: &[(Ordinal, Timestamp)],
    ) -> Result<Sealed, Error> {
        let timers = reminders.iter();
        let timers =
            timers.map(|&(ordinal, due)| NewTimer { due, kind: TimerKind::Notify, ordinal });
        let changeset = Changeset { timers: timers.collect(), ..Changeset::default() };
        let turn = Turn::new(Origin::Reminder, None, self.now());
        self.seal(turn, Outcome::new(Verdict::Applied, changeset)).await
    }

    /// Sends a notification again through every channel that has given up on it.
    pub async fn resend(&mut self, id: &str) -> Result<ResendOutcome, Error> {
        let Some(order) = notification::order_of(id) else {
            return Ok(ResendOutcome::Unknown);
        };
        let now = self.now();
        for _ in 0..2 {
            let resend = notification::Resend { order, id: id.to_owned(), now };
            let owner = &self.owners.notification;
            let reply = ask(owner, resend).await;
            let fault = match reply {
                Ok(Ok((Resent::Unknown, _))) => return Ok(ResendOutcome::Unknown),
                // no rule of business refuses it
                Ok(Ok((Resent::NotExhausted, _)) | Err(CommandError::Refused(_))) => {
                    return Ok(ResendOutcome::NotExhausted);
                }
                Ok(Ok((Resent::Again, changeset))) => {
                    let order = self.known(order)?;
                    let outcome = Outcome { order, ..Outcome::new(Verdict::Applied, changeset) };
                    let turn = Turn::new(Origin::Operator, None, now);
                    return Ok(ResendOutcome::Sealed(Box::new(self.seal(turn, outcome).await?)));
                }
                Ok(Err(CommandError::Fault(fault))) | Err(fault) => fault,
            };
            self.recover(fault).await?;
        }
        Ok(ResendOutcome::Failed)
    }

    /// Puts the trace of the command in hand into the notifications that it requested.
    pub(super) async fn stamp_notices(&self, changeset: &mut Changeset, trace: TraceParent) {
        let ids: Vec<_> = changeset.events.iter().filter_map(requested).collect();
        if ids.is_empty() {
            return;
        }
        for change in &mut changeset.changes {
            let Change::Notices(order, notices) = change else { continue };
            let stamp = notification::Stamp { order: *order, ids: ids.clone(), trace };
            let owner = &self.owners.notification;
            match ask(owner, stamp).await.and_then(|reply| reply) {
                Ok(stamped) => *notices = stamped,
                // a trace is not worth a command: what was decided is in the changeset
                Err(fault) => tracing::error!(problem = %fault, "a trace was lost"),
            }
        }
    }

    fn known(&self, order: Ordinal) -> Result<Option<(OrderId, Option<Ordinal>)>, Error> {
        let known = states::read::<Order>(&self.view.borrow(), order)?;
        Ok(known.map(|known| (known.id, Some(order))))
    }
}

fn requested(event: &Event) -> Option<String> {
    match event {
        Event::NotificationRequested { notification_id, .. } => Some(notification_id.clone()),
        _ => None,
    }
}
