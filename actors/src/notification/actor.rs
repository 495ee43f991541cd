//! Requests notifications, once for each order, kind and reference, and records the state of their
//! deliveries on each channel. It is the only writer of both. The notifier of the process sends them.
//!
//! An order keeps a bounded number of its notifications. The index has the names of the others, so that none is requested
//! again.

use crate::changeset::{Changeset, NewTimer, TimerKind};
use crate::outcome::{DeleteOrderData, DeleteReply, Fault, Reply};
use crate::owner::Owner;
use crate::owner_actor::{owner_actor, replies};
use crate::states::{Rollback, SharedView, StateCache};
use crate::supervisor::ActorStats;
use crate::tables;
use actix::prelude::*;
use orderly_domain::event::Event;
use orderly_domain::id::OrderId;
use orderly_domain::identity::{self, NameOf};
use orderly_domain::notification::rules::{Policy, Sent};
use orderly_domain::notification::{
    Channel, Delivery, Failure, Notice, Notices, NotificationKind, Progress,
};
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_store::{NameHash, Ordinal};
use std::sync::Arc;

/// The owner of all notifications.
pub struct NotificationActor {
    view: SharedView,
    notices: StateCache<Notices>,
    policy: Policy,
    stats: ActorStats,
}

owner_actor!(NotificationActor, Owner::Notification);

replies! {
    NotificationActor:
    RequestNotification => request,
    SetTrace => set_trace,
    GetDueDeliveries => get_due_deliveries,
    RecordAttempt => record_attempt,
    Resend => resend,
    DeleteOrderData => delete_order_data,
}

/// Requests a notification to a customer. Nothing happens if the same one was requested before.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct RequestNotification {
    /// The order.
    pub order: Ordinal,
    /// The order's id.
    pub order_id: OrderId,
    /// The kind of the notification.
    pub kind: NotificationKind,
    /// The part of the order that the notification is about; empty where the kind says it all.
    pub reference: String,
    /// The unit's time.
    pub now: Timestamp,
}

/// Asks which notifications of an order are to be sent now, through which channels.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<DueDelivery>, Fault>")]
pub struct GetDueDeliveries {
    /// The order.
    pub order: Ordinal,
    /// The time.
    pub now: Timestamp,
}

/// A notification that is due on one channel: the next attempt to deliver it may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDelivery {
    /// The order.
    pub order: Ordinal,
    /// The notification's id, the same at every delivery.
    pub id: String,
    /// The kind of the notification.
    pub kind: NotificationKind,
    /// The part of the order that the notification is about (a refund's id); empty where the kind
    /// says it all.
    pub reference: String,
    /// The channel.
    pub channel: Channel,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The trace of the command that requested it.
    pub trace: Option<TraceParent>,
    /// When it was requested, or when a person had it sent again.
    pub began: Timestamp,
    /// No attempt begins later.
    pub give_up_at: Timestamp,
}

/// Sets the trace of notifications that the command in hand requested: the flows of orders, which
/// request them, do not know the trace. Replies all notifications of the order.
#[derive(Debug, Message)]
#[rtype(result = "Result<Arc<Notices>, Fault>")]
pub struct SetTrace {
    /// The order.
    pub order: Ordinal,
    /// The notifications.
    pub ids: Vec<String>,
    /// The trace of the command.
    pub trace: TraceParent,
}

/// Records the result of an attempt to deliver a notification.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct RecordAttempt {
    /// The order.
    pub order: Ordinal,
    /// The notification.
    pub id: String,
    /// The channel.
    pub channel: Channel,
    /// The number of the attempt.
    pub attempt: u32,
    /// The result.
    pub result: Sent,
    /// The unit's time.
    pub now: Timestamp,
}

/// Has a notification sent again through every channel that gave up on it.
#[derive(Debug, Message)]
#[rtype(result = "Reply<ResendReply>")]
pub struct Resend {
    /// The order.
    pub order: Ordinal,
    /// The notification.
    pub id: String,
    /// The unit's time.
    pub now: Timestamp,
}

/// The reply to [`Resend`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResendReply {
    /// The notification is sent again.
    Again,
    /// No channel gave up on the notification.
    NotExhausted,
    /// There is no such notification.
    Unknown,
}

impl NotificationActor {
    /// An owner that reads from `view` and caches about `capacity` bytes of states.
    pub fn new(view: SharedView, capacity: u64, policy: Policy, stats: ActorStats) -> Self {
        Self { notices: StateCache::new(view.clone(), capacity), view, policy, stats }
    }

    fn roll_back(&mut self, rollback: Rollback) {
        self.notices.roll_back(rollback);
    }

    /// The notifications of an order; none yet for an order without any.
    fn notices_of(&mut self, order: Ordinal) -> Result<Notices, Fault> {
        Ok(self.notices.get(order)?.map_or_else(Notices::default, |known| (*known).clone()))
    }

    fn request(&mut self, request: RequestNotification) -> Reply<()> {
        crate::failpoints::hit("notification", request.order_id.as_str());
        let mut changeset = Changeset::default();
        let mut notices = self.notices_of(request.order)?;
        let RequestNotification { order, order_id, kind, reference, now } = request;
        if notices.all.iter().any(|one| one.kind == kind && one.reference == reference) {
            return Ok(((), changeset));
        }
        let name = name(order, kind, &reference);
        if notices.dropped > 0 && self.view.borrow().find(tables::ORDERS, &name)?.is_some() {
            return Ok(((), changeset));
        }
        let id = id_of(order, &[order_id.as_str(), kind.as_str(), &reference]);
        changeset.events.push(Event::NotificationRequested { notification_id: id.clone(), kind });
        let channels = self.policy.channels.iter();
        let deliveries: Vec<_> = channels.map(|channel| Delivery::new(*channel, now)).collect();
        if !deliveries.is_empty() {
            changeset.timers.push(NewTimer { due: now, kind: TimerKind::Notify, ordinal: order });
        }
        let trace = None; // see `SetTrace`
        notices.all.push(Notice { id, kind, reference, requested_at: now, trace, deliveries });
        make_room(order, &mut notices, &mut changeset);
        changeset.stage(&mut self.notices, order, notices);
        Ok(((), changeset))
    }

    fn set_trace(
        &mut self,
        SetTrace { order, ids, trace }: SetTrace,
    ) -> Result<Arc<Notices>, Fault> {
        let mut notices = self.notices_of(order)?;
        for notice in notices.all.iter_mut().filter(|notice| ids.contains(&notice.id)) {
            notice.trace = Some(trace);
        }
        Ok(self.notices.stage(order, notices).after)
    }

    fn get_due_deliveries(
        &mut self,
        GetDueDeliveries { order, now }: GetDueDeliveries,
    ) -> Result<Vec<DueDelivery>, Fault> {
        let Some(notices) = self.notices.get(order)? else {
            return Ok(Vec::new());
        };
        let due = notices.all.iter().flat_map(|notice| {
            let due = notice.deliveries.iter().filter(|delivery| delivery.is_due(now));
            due.map(|delivery| DueDelivery {
                order,
                id: notice.id.clone(),
                kind: notice.kind,
                reference: notice.reference.clone(),
                channel: delivery.channel,
                attempt: delivery.attempts + 1,
                trace: notice.trace,
                began: delivery.began,
                give_up_at: delivery.give_up_at(&self.policy.retry),
            })
        });
        Ok(due.collect())
    }

    fn record_attempt(
        &mut self,
        RecordAttempt { order, id, channel, attempt, result, now }: RecordAttempt,
    ) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut notices = self.notices_of(order)?;
        let notice = notices.all.iter_mut().find(|notice| notice.id == id);
        let found = notice.and_then(|notice| {
            let of_channel = |one: &&mut Delivery| one.channel == channel;
            Some((notice.kind, notice.deliveries.iter_mut().find(of_channel)?))
        });
        let Some((kind, delivery)) = found else {
            if notices.dropped > 0 {
                return Ok(((), changeset)); // it was given up meanwhile
            }
            return Err(Fault::Inconsistent("an attempt of an unknown notification").into());
        };
        let Some(after) = delivery.after(&id, attempt, result, &self.policy.retry, now) else {
            return Ok(((), changeset)); // recorded before: the first outcome stands
        };
        let notification_id = id.clone();
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
                ordinal: order,
            }),
        }
        *delivery = after;
        make_room(order, &mut notices, &mut changeset);
        changeset.stage(&mut self.notices, order, notices);
        Ok(((), changeset))
    }

    fn resend(&mut self, Resend { order, id, now }: Resend) -> Reply<ResendReply> {
        let mut changeset = Changeset::default();
        let mut notices = self.notices_of(order)?;
        let Some(notice) = notices.all.iter_mut().find(|notice| notice.id == id) else {
            return Ok((ResendReply::Unknown, changeset));
        };
        let mut resent = ResendReply::NotExhausted;
        for delivery in &mut notice.deliveries {
            if let Some(again) = delivery.again(now) {
                *delivery = again;
                resent = ResendReply::Again;
            }
        }
        if resent == ResendReply::Again {
            changeset.timers.push(NewTimer { due: now, kind: TimerKind::Notify, ordinal: order });
            changeset.stage(&mut self.notices, order, notices);
        }
        Ok((resent, changeset))
    }

    fn delete_order_data(&mut self, delete: DeleteOrderData) -> Reply<DeleteReply> {
        let mut changeset = Changeset::default();
        if let Some(notices) = self.notices.get(delete.order)? {
            if notices.all.iter().any(Notice::is_pending) {
                return Ok((DeleteReply::InUse, changeset));
            }
            changeset.delete(&mut self.notices, delete.order);
        }
        Ok((DeleteReply::Deleted, changeset))
    }
}

/// Drops the oldest notifications of an order that has too many. What was not delivered of them is given up.
fn make_room(order: Ordinal, notices: &mut Notices, changeset: &mut Changeset) {
    for notice in notices.make_room() {
        let name = name(order, notice.kind, &notice.reference);
        changeset.names.push((tables::ORDERS, name, order));
        for delivery in notice.deliveries {
            if let Progress::Pending { .. } = delivery.progress {
                changeset.events.push(Event::NotificationFailed {
                    notification_id: notice.id.clone(),
                    kind: notice.kind,
                    attempts: delivery.attempts,
                    channel: delivery.channel,
                    problem: delivery.problem.or(Some(Failure::Unavailable)),
                });
            }
        }
    }
}

/// The name of a notification that is not kept.
fn name(order: Ordinal, kind: NotificationKind, reference: &str) -> NameHash {
    NameHash(identity::of_order(order.0, NameOf::Notification, &[kind.as_str(), reference]))
}

/// The id of a notification. It is derived from what the notification is about, so the same
/// notification has the same id again; and it contains the order's ordinal, so the notification is
/// found without an index.
fn id_of(order: Ordinal, parts: &[&str]) -> String {
    identity::derived(&format!("n-{}-", order.0), parts)
}

/// The order of the notification with that id; `None` when no notification can have the id.
pub fn order_of(id: &str) -> Option<Ordinal> {
    id.strip_prefix("n-")?.split_once('-')?.0.parse().ok().map(Ordinal)
}
