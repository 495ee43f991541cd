//! Decides once per order, kind and reference that a customer is told something, and keeps how
//! far that got on each channel; the only writer of both. Sending is the notifier's work, outside.

use crate::changeset::{self, Changeset, NewTimer, TimerKind};
use crate::owner::Owner;
use crate::states::{SharedView, StateCache};
use crate::supervisor::{ActorStats, Monitored};
use crate::turn::{DeleteOrderData, DeleteReply, Fault, Reply, Rollback};
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
    notices: StateCache<Notices>,
    policy: Policy,
    stats: ActorStats,
}

impl NotificationActor {
    /// An owner that reads from `view` and caches about `capacity` bytes of states.
    pub fn new(view: SharedView, capacity: u64, policy: Policy, stats: ActorStats) -> Self {
        Self { notices: StateCache::new(view, capacity), policy, stats }
    }

    fn known(&mut self, order: Ordinal) -> Result<Notices, Fault> {
        Ok(self.notices.get(order)?.map_or_else(Notices::default, |known| (*known).clone()))
    }

    fn stage(&mut self, order: Ordinal, notices: Notices, changeset: &mut Changeset) {
        let notices = self.notices.stage(order, notices);
        changeset.change(changeset::Change::Notices(order, notices));
    }

    fn request(&mut self, request: Request) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut notices = self.known(request.order)?;
        let Request { order, order_id, kind, reference, now } = request;
        if notices.all.iter().any(|one| one.kind == kind && one.reference == reference) {
            return Ok(((), changeset));
        }
        let id = id_of(order, &[order_id.as_str(), kind.as_str(), &reference]);
        changeset.events.push(Event::NotificationRequested { notification_id: id.clone(), kind });
        let channels = self.policy.channels.iter();
        let deliveries: Vec<_> = channels.map(|channel| Delivery::new(*channel, now)).collect();
        if !deliveries.is_empty() {
            changeset.timers.push(NewTimer { due: now, kind: TimerKind::Notify, ordinal: order });
        }
        let trace = None; // see `Stamp`
        notices.all.push(Notice { id, kind, reference, requested_at: now, trace, deliveries });
        self.stage(order, notices, &mut changeset);
        Ok(((), changeset))
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

    fn report(&mut self, report: &Report) -> Reply<()> {
        let mut changeset = Changeset::default();
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
            return Ok(((), changeset)); // told twice: the first outcome stands
        };
        let (notification_id, channel) = (report.id.clone(), report.channel);
        let attempts = after.attempts;
        match after.progress {
            Progress::Delivered { .. } => {
                changeset.events.push(Event::NotificationDelivered {
                    notification_id,
                    kind,
                    attempts,
                    channel,
                });
            }
            Progress::Exhausted { .. } => changeset.events.push(Event::NotificationFailed {
                notification_id,
                kind,
                attempts,
                channel,
                problem: after.problem,
            }),
            Progress::Pending { not_before } => changeset.timers.push(NewTimer {
                due: not_before,
                kind: TimerKind::Notify,
                ordinal: report.order,
            }),
        }
        *delivery = after;
        self.stage(report.order, notices, &mut changeset);
        Ok(((), changeset))
    }

    fn resend(&mut self, resend: &Resend) -> Reply<Resent> {
        let mut changeset = Changeset::default();
        let mut notices = self.known(resend.order)?;
        let Some(notice) = notices.all.iter_mut().find(|notice| notice.id == resend.id) else {
            return Ok((Resent::Unknown, changeset));
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
            changeset.timers.push(NewTimer { due, kind: TimerKind::Notify, ordinal: order });
            self.stage(order, notices, &mut changeset);
        }
        Ok((resent, changeset))
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

impl Monitored for NotificationActor {
    const OWNER: Owner = Owner::Notification;

    fn stats(&self) -> &ActorStats {
        &self.stats
    }
}

impl Handler<Rollback> for NotificationActor {
    type Result = ();

    fn handle(&mut self, rollback: Rollback, _: &mut Self::Context) {
        match rollback {
            Rollback::Staged => self.notices.discard(),
            Rollback::All => self.notices.forget(),
        }
    }
}

impl Handler<DeleteOrderData> for NotificationActor {
    type Result = Reply<DeleteReply>;

    fn handle(
        &mut self,
        DeleteOrderData { order }: DeleteOrderData,
        _: &mut Self::Context,
    ) -> Self::Result {
        self.stats.handled();
        let mut changeset = Changeset::default();
        if let Some(notices) = self.notices.get(order)? {
            if notices.all.iter().any(Notice::is_pending) {
                return Ok((DeleteReply::InUse, changeset));
            }
            changeset.delete(self.notices.stage_deleted(order));
        }
        Ok((DeleteReply::Deleted, changeset))
    }
}

/// Wants a customer told something; heard before, it does nothing.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
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
    type Result = Reply<()>;

    fn handle(&mut self, request: Request, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        crate::failpoints::hit("notification", request.order_id.as_str());
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
        self.stats.handled();
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
        self.stats.handled();
        self.stamp(&stamp)
    }
}

/// Tells what became of an attempt to deliver a notification.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
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
    type Result = Reply<()>;

    fn handle(&mut self, report: Report, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.report(&report)
    }
}

/// A person wants a notification sent again that was given up.
#[derive(Debug, Message)]
#[rtype(result = "Reply<Resent>")]
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
    type Result = Reply<Resent>;

    fn handle(&mut self, resend: Resend, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.resend(&resend)
    }
}
