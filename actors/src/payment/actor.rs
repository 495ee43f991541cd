//! Keeps what providers said of each order's money, and the callbacks that came too early;
//! the only writer of both.

use crate::changeset::{self, Changeset, NewTimer, TimerKind};
use crate::names;
use crate::owner::Owner;
use crate::states::{SharedView, StateCache};
use crate::supervisor::{ActorStats, Monitored};
use crate::tables;
use crate::turn::{DeleteOrderData, DeleteReply, Fault, Reply, Rollback};
use actix::prelude::*;
use orderly_domain::command::PaymentCallback;
use orderly_domain::money::Currency;
use orderly_domain::payment::rules::{self, Meaning, Phase, Standing};
use orderly_domain::payment::{MOST_ENTRIES, Payments, Waiting};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::Ordinal;
use std::time::Duration;

/// The owner of all attempts, refunds, disputes and waiting callbacks.
pub struct PaymentActor {
    view: SharedView,
    payments: StateCache<Payments>,
    limits: WaitingLimits,
    pub(super) stats: ActorStats,
}

/// How many callbacks may wait for orders not known yet, and how long.
#[derive(Debug, Clone, Copy)]
pub struct WaitingLimits {
    /// In all.
    pub total: u64,
    /// For one order.
    pub per_order: usize,
    /// One that waited this long waits no more.
    pub keep_for: Duration,
}

impl PaymentActor {
    /// An owner that reads from `view` and caches about `capacity` bytes of states.
    pub fn new(view: SharedView, capacity: u64, limits: WaitingLimits, stats: ActorStats) -> Self {
        Self { payments: StateCache::new(view.clone(), capacity), view, limits, stats }
    }

    pub(super) fn known(&mut self, order: Ordinal) -> Result<Payments, Fault> {
        Ok(self.payments.get(order)?.map_or_else(Payments::default, |known| (*known).clone()))
    }

    pub(super) fn stage(&mut self, order: Ordinal, payments: Payments, changeset: &mut Changeset) {
        let payments = self.payments.stage(order, payments);
        changeset.change(changeset::Change::Payments(order, payments));
    }

    fn wait(&mut self, wait: Wait) -> Reply<Ordinal> {
        let mut changeset = Changeset::default();
        let total = crate::counters::waiting(&self.view.borrow());
        if total >= self.limits.total {
            return Err(full(format!("{total} callbacks wait in all")).into());
        }
        let name = names::name(wait.waiting.callback.order_id.as_str());
        let found = self.view.borrow().find(tables::ORDERS, &name)?;
        let order = found.unwrap_or_else(|| {
            let ordinal = self.view.borrow().next_ordinal(tables::ORDERS);
            changeset.names.push((tables::ORDERS, name, ordinal));
            ordinal
        });
        let mut payments = self.known(order)?;
        if payments.waiting.len() >= self.limits.per_order {
            let waiting = payments.waiting.len();
            return Err(full(format!("{waiting} callbacks wait for this order")).into());
        }
        if payments.waiting.is_empty() {
            changeset.timers.push(self.limits.orphan_timer(order, &wait.waiting));
        }
        payments.waiting.push(wait.waiting);
        changeset.waiting = 1;
        self.stage(order, payments, &mut changeset);
        Ok((order, changeset))
    }

    fn next_waiting(&mut self, order: Ordinal) -> Reply<Option<Next>> {
        let mut changeset = Changeset::default();
        let mut payments = self.known(order)?;
        if payments.waiting.is_empty() {
            return Ok((None, changeset));
        }
        let waiting = payments.waiting.remove(0);
        let left = payments.waiting.len();
        changeset.waiting = -1;
        self.stage(order, payments, &mut changeset);
        Ok((Some(Next { waiting, left }), changeset))
    }

    fn take_orphaned_callback(&mut self, order: Ordinal, now: Timestamp) -> Reply<Option<Waiting>> {
        let mut changeset = Changeset::default();
        let mut payments = self.known(order)?;
        let Some(first) = payments.waiting.first() else {
            return Ok((None, changeset));
        };
        let timer = self.limits.orphan_timer(order, first);
        if timer.due > now {
            changeset.timers.push(timer);
            return Ok((None, changeset));
        }
        let waited = payments.waiting.remove(0);
        changeset.waiting = -1;
        changeset
            .timers
            .extend(payments.waiting.first().map(|next| self.limits.orphan_timer(order, next)));
        self.stage(order, payments, &mut changeset);
        Ok((Some(waited), changeset))
    }

    fn record(&mut self, record: &Record) -> Reply<Recorded> {
        let mut changeset = Changeset::default();
        let mut payments = self.known(record.order)?;
        let (meaning, change) =
            rules::decide(&payments, &record.callback, record.currency, record.phase);
        let before = payments.entries();
        let standing = match change {
            Some(change) => {
                rules::apply(&mut payments, change);
                if payments.entries() > before.max(MOST_ENTRIES) {
                    return Err(Refusal::with(Reason::Failed, crowded()).into());
                }
                let standing = rules::standing(&payments, record.currency);
                self.stage(record.order, payments, &mut changeset);
                standing
            }
            None => rules::standing(&payments, record.currency),
        };
        Ok((Recorded { meaning, standing }, changeset))
    }
}

impl WaitingLimits {
    /// When to look whether it waited too long: the first of an order's callbacks came first.
    fn orphan_timer(&self, order: Ordinal, first: &Waiting) -> NewTimer {
        let due = first.since.plus(self.keep_for);
        NewTimer { due, kind: TimerKind::OrphanedCallback, ordinal: order }
    }
}

pub(super) fn crowded() -> String {
    format!("an order has at most {MOST_ENTRIES} attempts, captures, refunds and disputes")
}

fn full(detail: String) -> Refusal {
    Refusal::with(Reason::WaitingFull, detail)
}

impl Actor for PaymentActor {
    type Context = Context<Self>;
}

impl Supervised for PaymentActor {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.payments.forget();
    }
}

impl Monitored for PaymentActor {
    const OWNER: Owner = Owner::Payment;

    fn stats(&self) -> &ActorStats {
        &self.stats
    }
}

impl Handler<Rollback> for PaymentActor {
    type Result = ();

    fn handle(&mut self, rollback: Rollback, _: &mut Self::Context) {
        match rollback {
            Rollback::Staged => self.payments.discard(),
            Rollback::All => self.payments.forget(),
        }
    }
}

impl Handler<DeleteOrderData> for PaymentActor {
    type Result = Reply<DeleteReply>;

    fn handle(
        &mut self,
        DeleteOrderData { order }: DeleteOrderData,
        _: &mut Self::Context,
    ) -> Self::Result {
        self.stats.handled();
        let mut changeset = Changeset::default();
        if let Some(payments) = self.payments.get(order)? {
            if rules::is_under_way(&payments) {
                return Ok((DeleteReply::InUse, changeset));
            }
            changeset.delete(self.payments.stage_deleted(order));
        }
        Ok((DeleteReply::Deleted, changeset))
    }
}

/// Records what a provider said of an order's money, and answers what it means.
#[derive(Debug, Message)]
#[rtype(result = "Reply<Recorded>")]
pub struct Record {
    /// The order.
    pub order: Ordinal,
    /// What was said.
    pub callback: PaymentCallback,
    /// The order's currency.
    pub currency: Currency,
    /// How far the order is.
    pub phase: Phase,
}

/// What a callback meant.
#[derive(Debug, Clone, Copy)]
pub struct Recorded {
    /// The meaning.
    pub meaning: Meaning,
    /// How the order's payments stand since.
    pub standing: Standing,
}

impl Handler<Record> for PaymentActor {
    type Result = Reply<Recorded>;

    fn handle(&mut self, record: Record, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        crate::failpoints::hit("payment", record.callback.event_id.as_str());
        self.record(&record)
    }
}

/// Asks how an order's payments stand.
#[derive(Debug, Message)]
#[rtype(result = "Result<Standing, Fault>")]
pub struct Look {
    /// The order.
    pub order: Ordinal,
    /// Its own currency.
    pub currency: Currency,
}

impl Handler<Look> for PaymentActor {
    type Result = Result<Standing, Fault>;

    fn handle(&mut self, look: Look, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        Ok(rules::standing(&self.known(look.order)?, look.currency))
    }
}

/// Keeps a callback whose order is not known yet; refused when too many wait.
#[derive(Debug, Message)]
#[rtype(result = "Reply<Ordinal>")]
pub struct Wait {
    /// The callback.
    pub waiting: Waiting,
}

impl Handler<Wait> for PaymentActor {
    type Result = Reply<Ordinal>;

    fn handle(&mut self, wait: Wait, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.wait(wait)
    }
}

/// Hands out the first callback that waits for an order; from then on it waits no more.
#[derive(Debug, Message)]
#[rtype(result = "Reply<Option<Next>>")]
pub struct NextWaiting {
    /// The order.
    pub order: Ordinal,
}

/// A callback that waited.
#[derive(Debug)]
pub struct Next {
    /// The callback.
    pub waiting: Waiting,
    /// How many more wait for the same order.
    pub left: usize,
}

impl Handler<NextWaiting> for PaymentActor {
    type Result = Reply<Option<Next>>;

    fn handle(&mut self, next: NextWaiting, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.next_waiting(next.order)
    }
}

/// Hands out the first callback that waits for an order, if it waited too long; from then on it waits no more.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Reply<Option<Waiting>>")]
pub struct TakeOrphanedCallback {
    /// The order.
    pub order: Ordinal,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<TakeOrphanedCallback> for PaymentActor {
    type Result = Reply<Option<Waiting>>;

    fn handle(&mut self, never_came: TakeOrphanedCallback, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.take_orphaned_callback(never_came.order, never_came.now)
    }
}
