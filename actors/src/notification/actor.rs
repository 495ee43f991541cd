//! Decides once per order, kind and reference that a customer is told something, and keeps how
//! far that got on each channel; the only writer of both. Sending is the notifier's work, outside.

use crate::draft::{self, Draft, Hint, HintKind};
use crate::owner::{Answer, EndTurn, Fault, Owner, Parting, Sweep};
use crate::states::{Shelf, States};
use crate::supervisor::{Vital, Vitals};
use actix::prelude::*;
use orderly_domain::event::Event;
use orderly_domain::id::OrderId;
use orderly_domain::identity;
use orderly_domain::notification::rules::{Policy, Sent};
use orderly_domain::notification::{
    Channel, Delivery, Notice, Notices, NotificationKind, Progress,
};
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_store::Ordinal;
use std::sync::Arc;

/// The owner of all notifications.
pub struct NotificationActor {
    notices: States<Notices>,
    policy: Policy,
    vitals: Vitals,
}

impl NotificationActor {
    /// An owner that reads from `shelf` and caches about `capacity` bytes of states.
    pub fn new(shelf: Shelf, capacity: u64, policy: Policy, vitals: Vitals) -> Self {
        Self { notices: States::new(shelf, capacity), policy, vitals }
    }

    fn known(&mut self, order: Ordinal) -> Result<Notices, Fault> {
        Ok(self.notices.get(order)?.map_or_else(Notices::default, |known| (*known).clone()))
    }

    fn stage(&mut self, order: Ordinal, notices: Notices, draft: &mut Draft) {
        let notices = self.notices.stage(order, notices);
        draft.change(draft::Change::Notices(order, notices));
    }

    fn request(&mut self, request: Request) -> Answer<()> {
        let mut draft = Draft::default();
        let mut notices = self.known(request.order)?;
        let Request { order, order_id, kind, reference, now } = request;
        if notices.all.iter().any(|one| one.kind == kind && one.reference == reference) {
            return Ok(((), draft));
        }
        let id = id_of(order, &[order_id.as_str(), kind.as_str(), &reference]);
        draft.events.push(Event::NotificationRequested { notification_id: id.clone(), kind });
        let channels = self.policy.channels.iter();
        let deliveries: Vec<_> = channels.map(|channel| Delivery::new(*channel, now)).collect();
        if !deliveries.is_empty() {
            draft.hints.push(Hint { due: now, kind: HintKind::Notify, ordinal: order });
        }
        let trace = None; // see `Stamp`
        notices.all.push(Notice { id, kind, reference, requested_at: now, trace, deliveries });
        self.stage(order, notices, &mut draft);
        Ok(((), draft))
    }

    /// Puts the trace of the command in hand into what it requested.
    fn stamp(&mut self, stamp: &Stamp) -> Result<Arc<Notices>, Fault> {
        let mut notices = self.known(stamp.order)?;
        for notice in notices.all.iter_mut().filter(|notice| stamp.ids.contains(&notice.id)) {
            notice.trace = Some(stamp.trace);
        }
        Ok(self.notices.stage(stamp.order, notices))
    }

    fn pending(&mut self, pending: &Pending) -> Result<Vec<Outgoing>, Fault> {
        let Some(notices) = self.notices.get(pending.order)? else {
            return Ok(Vec::new());
        };
        let due = notices.all.iter().flat_map(|notice| {
            let due = notice.deliveries.iter().filter(|delivery| delivery.is_due(pending.now));
            due.map(|delivery| Outgoing {
                order: pending.order,
                id: notice.id.clone(),
                kind: notice.kind,
                reference: notice.reference.clone(),
                channel: delivery.channel,
                attempt: delivery.attempts + 1,
                trace: notice.trace,
                give_up_at: delivery.give_up_at(&self.policy.retry),
            })
        });
        Ok(due.collect())
    }

    fn report(&mut self, report: &Report) -> Answer<()> {
        let mut draft = Draft::default();
        let mut notices = self.known(report.order)?;
        let notice = notices.all.iter_mut().find(|notice| notice.id == report.id);
        let found = notice.and_then(|notice| {
            let of_channel = |one: &&mut Delivery| one.channel == report.channel;
            Some((notice.kind, notice.deliveries.iter_mut().find(of_channel)?))
        });
        let Some((kind, delivery)) = found else {
            return Err(Fault::Inconsistent("the outcome of an unknown notification").into());
        };
        let Report { attempt, result, now, .. } = *report;
        let Some(after) = delivery.after(&report.id, attempt, result, &self.policy.retry, now)
        else {
            return Ok(((), draft)); // told twice: the first outcome stands
        };
        let (notification_id, channel) = (report.id.clone(), report.channel);
        let attempts = after.attempts;
        match after.progress {
            Progress::Delivered { .. } => {
                draft.events.push(Event::NotificationDelivered {
                    notification_id,
                    kind,
                    attempts,
                    channel,
                });
            }
            Progress::Exhausted { .. } => draft.events.push(Event::NotificationFailed {
                notification_id,
                kind,
                attempts,
                channel,
                problem: after.problem,
            }),
            Progress::Pending { not_before } => draft.hints.push(Hint {
                due: not_before,
                kind: HintKind::Notify,
                ordinal: report.order,
            }),
        }
        *delivery = after;
        self.stage(report.order, notices, &mut draft);
        Ok(((), draft))
    }

    fn resend(&mut self, resend: &Resend) -> Answer<Resent> {
        let mut draft = Draft::default();
        let mut notices = self.known(resend.order)?;
        let Some(notice) = notices.all.iter_mut().find(|notice| notice.id == resend.id) else {
            return Ok((Resent::Unknown, draft));
        };
        let mut resent = Resent::NotExhausted;
        for delivery in &mut notice.deliveries {
            if let Some(again) = delivery.again(resend.now) {
                *delivery = again;
                resent = Resent::Again;
            }
        }
        if resent == Resent::Again {
            let Resend { order, now: due, .. } = *resend;
            draft.hints.push(Hint { due, kind: HintKind::Notify, ordinal: order });
            self.stage(order, notices, &mut draft);
        }
        Ok((resent, draft))
    }
}

/// The id of a notification: derived, so that a second derivation gives the same, and with its
/// order's place in it, so that it is found without an index of its own.
fn id_of(order: Ordinal, parts: &[&str]) -> String {
    identity::derived(&format!("n-{}-", order.0), parts)
}

/// The place of the order that a notification belongs to; `None` when it is no id of one.
pub fn order_of(id: &str) -> Option<Ordinal> {
    id.strip_prefix("n-")?.split_once('-')?.0.parse().ok().map(Ordinal)
}

impl Actor for NotificationActor {
    type Context = Context<Self>;
}

impl Supervised for NotificationActor {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.notices.forget();
    }
}

impl Vital for NotificationActor {
    const OWNER: Owner = Owner::Notification;

    fn vitals(&self) -> &Vitals {
        &self.vitals
    }
}

impl Handler<EndTurn> for NotificationActor {
    type Result = ();

    fn handle(&mut self, end: EndTurn, _: &mut Self::Context) {
        match end {
            EndTurn::Discard => self.notices.discard(),
            EndTurn::Forget => self.notices.forget(),
        }
    }
}

impl Handler<Sweep> for NotificationActor {
    type Result = Answer<Parting>;

    fn handle(&mut self, Sweep { order }: Sweep, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        let mut draft = Draft::default();
        if let Some(notices) = self.notices.get(order)? {
            if notices.all.iter().any(Notice::is_pending) {
                return Ok((Parting::Needed, draft));
            }
            draft.change(self.notices.stage_gone(order));
        }
        Ok((Parting::Gone, draft))
    }
}

/// Wants a customer told something; heard before, it does nothing.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Request {
    /// The order.
    pub order: Ordinal,
    /// Its id.
    pub order_id: OrderId,
    /// What to tell.
    pub kind: NotificationKind,
    /// What it is about within the order; empty where the kind says it all.
    pub reference: String,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Request> for NotificationActor {
    type Result = Answer<()>;

    fn handle(&mut self, request: Request, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        crate::fault::point("notification", request.order_id.as_str());
        self.request(request)
    }
}

/// Asks what of an order is to be sent now.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<Outgoing>, Fault>")]
pub struct Pending {
    /// The order.
    pub order: Ordinal,
    /// The time.
    pub now: Timestamp,
}

/// A notification to be sent through one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The order.
    pub order: Ordinal,
    /// Its id, the same at every delivery.
    pub id: String,
    /// What to tell.
    pub kind: NotificationKind,
    /// What it is about within the order (a refund's id); empty where the kind says it all.
    pub reference: String,
    /// Through which channel.
    pub channel: Channel,
    /// Counts from 1.
    pub attempt: u32,
    /// The trace of the command that requested it.
    pub trace: Option<TraceParent>,
    /// No attempt begins later than this.
    pub give_up_at: Timestamp,
}

impl Handler<Pending> for NotificationActor {
    type Result = Result<Vec<Outgoing>, Fault>;

    fn handle(&mut self, pending: Pending, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.pending(&pending)
    }
}

/// Puts a trace into notifications that the command in hand requested: the flows of orders, which
/// ask for them, know of no trace. Answers with all notifications of the order.
#[derive(Debug, Message)]
#[rtype(result = "Result<Arc<Notices>, Fault>")]
pub struct Stamp {
    /// The order.
    pub order: Ordinal,
    /// The notifications.
    pub ids: Vec<String>,
    /// The trace of the command.
    pub trace: TraceParent,
}

impl Handler<Stamp> for NotificationActor {
    type Result = Result<Arc<Notices>, Fault>;

    fn handle(&mut self, stamp: Stamp, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.stamp(&stamp)
    }
}

/// Tells what became of an attempt to deliver a notification.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Report {
    /// The order.
    pub order: Ordinal,
    /// The notification.
    pub id: String,
    /// The channel.
    pub channel: Channel,
    /// The number of the attempt.
    pub attempt: u32,
    /// What became of it.
    pub result: Sent,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<Report> for NotificationActor {
    type Result = Answer<()>;

    fn handle(&mut self, report: Report, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.report(&report)
    }
}

/// A person wants a notification sent again that was given up.
#[derive(Debug, Message)]
#[rtype(result = "Answer<Resent>")]
pub struct Resend {
    /// The order.
    pub order: Ordinal,
    /// The notification.
    pub id: String,
    /// The unit's time.
    pub now: Timestamp,
}

/// What became of a [`Resend`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resent {
    /// It is on its way again, through every channel that had given up.
    Again,
    /// No channel has given up on it.
    NotExhausted,
    /// There is no such notification.
    Unknown,
}

impl Handler<Resend> for NotificationActor {
    type Result = Answer<Resent>;

    fn handle(&mut self, resend: Resend, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.resend(&resend)
    }
}
