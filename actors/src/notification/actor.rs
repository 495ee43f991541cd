//! Decides once per order, kind and reference that a customer is told something, and keeps how
//! far that got; the only writer of both. Sending is the notifier's work, outside.

use super::state::{Delivery, Notice, Notices, NotificationKind};
use crate::clock::Timestamp;
use crate::draft::{self, Draft, Hint, HintKind};
use crate::event::Event;
use crate::id::OrderId;
use crate::identity;
use crate::owner::{Answer, EndTurn, Fault, Owner, Parting, Sweep};
use crate::states::{Shelf, States};
use crate::store::Ordinal;
use crate::supervisor::{Vital, Vitals};
use actix::prelude::*;
use std::time::Duration;

/// The owner of all notifications.
pub struct NotificationActor {
    notices: States<Notices>,
    /// Whether any channel is configured.
    channels: bool,
    vitals: Vitals,
}

impl NotificationActor {
    /// An owner that reads from `shelf` and caches about `capacity` bytes of states.
    pub fn new(shelf: Shelf, capacity: u64, channels: bool, vitals: Vitals) -> Self {
        Self { notices: States::new(shelf, capacity), channels, vitals }
    }

    fn known(&mut self, order: Ordinal) -> Result<Notices, Fault> {
        Ok(self.notices.get(order)?.map_or_else(Notices::default, |known| (*known).clone()))
    }

    fn request(&mut self, request: Request) -> Answer<()> {
        let mut draft = Draft::default();
        let mut notices = self.known(request.order)?;
        let Request { order, order_id, kind, reference, now } = request;
        if notices.all.iter().any(|one| one.kind == kind && one.reference == reference) {
            return Ok(((), draft));
        }
        let id = identity::derived("n-", &[order_id.as_str(), kind.as_str(), &reference]);
        draft.events.push(Event::NotificationRequested { notification_id: id.clone(), kind });
        let delivery = if self.channels {
            draft.hints.push(Hint { due: now, kind: HintKind::Notify, ordinal: order });
            Delivery::Pending { attempts: 0, not_before: now }
        } else {
            Delivery::Nowhere
        };
        notices.all.push(Notice { id, kind, reference, delivery, requested_at: now });
        let notices = self.notices.stage(order, notices);
        draft.change(draft::Change::Notices(order, notices));
        Ok(((), draft))
    }

    fn pending(&mut self, pending: &Pending) -> Result<Vec<Outgoing>, Fault> {
        let Some(notices) = self.notices.get(pending.order)? else {
            return Ok(Vec::new());
        };
        let due = notices.all.iter().filter_map(|notice| match notice.delivery {
            Delivery::Pending { attempts, not_before } if not_before <= pending.now => {
                Some(Outgoing {
                    order: pending.order,
                    id: notice.id.clone(),
                    kind: notice.kind,
                    attempt: attempts + 1,
                })
            }
            Delivery::Pending { .. } | Delivery::Delivered { .. } | Delivery::Nowhere => None,
        });
        Ok(due.collect())
    }

    fn report(&mut self, report: &Report) -> Answer<()> {
        let mut draft = Draft::default();
        let mut notices = self.known(report.order)?;
        let Some(notice) = notices.all.iter_mut().find(|notice| notice.id == report.id) else {
            return Err(Fault::Inconsistent("the outcome of an unknown notification").into());
        };
        let Delivery::Pending { attempts, .. } = notice.delivery else {
            return Ok(((), draft)); // told twice: the first outcome stands
        };
        let attempts = attempts + 1;
        match report.result {
            Sent::Delivered => {
                notice.delivery = Delivery::Delivered { at: report.now };
                draft.events.push(Event::NotificationDelivered {
                    notification_id: notice.id.clone(),
                    kind: notice.kind,
                    attempts,
                });
            }
            Sent::Failed { retry_after } => {
                let not_before = report.now.plus(retry_after);
                notice.delivery = Delivery::Pending { attempts, not_before };
                draft.hints.push(Hint {
                    due: not_before,
                    kind: HintKind::Notify,
                    ordinal: report.order,
                });
            }
        }
        let notices = self.notices.stage(report.order, notices);
        draft.change(draft::Change::Notices(report.order, notices));
        Ok(((), draft))
    }
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
            EndTurn::Keep => self.notices.keep(),
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
            if notices.all.iter().any(|one| matches!(one.delivery, Delivery::Pending { .. })) {
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

/// A notification to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The order.
    pub order: Ordinal,
    /// Its id, the same at every delivery.
    pub id: String,
    /// What to tell.
    pub kind: NotificationKind,
    /// Counts from 1.
    pub attempt: u32,
}

impl Handler<Pending> for NotificationActor {
    type Result = Result<Vec<Outgoing>, Fault>;

    fn handle(&mut self, pending: Pending, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.pending(&pending)
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
    /// What became of it.
    pub result: Sent,
    /// The unit's time.
    pub now: Timestamp,
}

/// What became of an attempt to deliver a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The channel took it.
    Delivered,
    /// It did not.
    Failed {
        /// The next attempt is due this much later.
        retry_after: Duration,
    },
}

impl Handler<Report> for NotificationActor {
    type Result = Answer<()>;

    fn handle(&mut self, report: Report, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.report(&report)
    }
}
