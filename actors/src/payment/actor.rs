//! Keeps what providers said of each order's money, and the callbacks that came too early;
//! the only writer of both.

use crate::draft::{self, Draft, Hint, HintKind};
use crate::names;
use crate::owner::{Answer, EndTurn, Fault, Owner, Parting, Sweep};
use crate::states::{Shelf, States};
use crate::supervisor::{Vital, Vitals};
use actix::prelude::*;
use orderly_domain::command::PaymentCallback;
use orderly_domain::money::Currency;
use orderly_domain::payment::rules::{self, Meaning, Phase, Standing};
use orderly_domain::payment::{MOST_ENTRIES, Payments, Waiting};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::{Ordinal, Table};
use std::time::Duration;

/// The owner of all attempts, refunds, disputes and waiting callbacks.
pub struct PaymentActor {
    shelf: Shelf,
    payments: States<Payments>,
    limits: WaitingLimits,
    pub(super) vitals: Vitals,
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
    /// An owner that reads from `shelf` and caches about `capacity` bytes of states.
    pub fn new(shelf: Shelf, capacity: u64, limits: WaitingLimits, vitals: Vitals) -> Self {
        Self { payments: States::new(shelf.clone(), capacity), shelf, limits, vitals }
    }

    pub(super) fn known(&mut self, order: Ordinal) -> Result<Payments, Fault> {
        Ok(self.payments.get(order)?.map_or_else(Payments::default, |known| (*known).clone()))
    }

    pub(super) fn stage(&mut self, order: Ordinal, payments: Payments, draft: &mut Draft) {
        let payments = self.payments.stage(order, payments);
        draft.change(draft::Change::Payments(order, payments));
    }

    fn wait(&mut self, wait: Wait) -> Answer<Ordinal> {
        let mut draft = Draft::default();
        let total = crate::counters::waiting(&self.shelf.borrow());
        if total >= self.limits.total {
            return Err(full(format!("{total} callbacks wait in all")).into());
        }
        let name = names::name(wait.waiting.callback.order_id.as_str());
        let found = self.shelf.borrow().find(Table::Orders, &name)?;
        let order = found.unwrap_or_else(|| {
            let ordinal = self.shelf.borrow().next_ordinal(Table::Orders);
            draft.names.push((Table::Orders, name, ordinal));
            ordinal
        });
        let mut payments = self.known(order)?;
        if payments.waiting.len() >= self.limits.per_order {
            let waiting = payments.waiting.len();
            return Err(full(format!("{waiting} callbacks wait for this order")).into());
        }
        if payments.waiting.is_empty() {
            draft.hints.push(self.limits.never_came(order, &wait.waiting));
        }
        payments.waiting.push(wait.waiting);
        draft.waiting = 1;
        self.stage(order, payments, &mut draft);
        Ok((order, draft))
    }

    fn next_waiting(&mut self, order: Ordinal) -> Answer<Option<Next>> {
        let mut draft = Draft::default();
        let mut payments = self.known(order)?;
        if payments.waiting.is_empty() {
            return Ok((None, draft));
        }
        let waiting = payments.waiting.remove(0);
        let left = payments.waiting.len();
        draft.waiting = -1;
        self.stage(order, payments, &mut draft);
        Ok((Some(Next { waiting, left }), draft))
    }

    fn never_came(&mut self, order: Ordinal, now: Timestamp) -> Answer<Option<Waiting>> {
        let mut draft = Draft::default();
        let mut payments = self.known(order)?;
        let Some(first) = payments.waiting.first() else {
            return Ok((None, draft));
        };
        let hint = self.limits.never_came(order, first);
        if hint.due > now {
            draft.hints.push(hint);
            return Ok((None, draft));
        }
        let waited = payments.waiting.remove(0);
        draft.waiting = -1;
        draft
            .hints
            .extend(payments.waiting.first().map(|next| self.limits.never_came(order, next)));
        self.stage(order, payments, &mut draft);
        Ok((Some(waited), draft))
    }

    fn record(&mut self, record: &Record) -> Answer<Recorded> {
        let mut draft = Draft::default();
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
                self.stage(record.order, payments, &mut draft);
                standing
            }
            None => rules::standing(&payments, record.currency),
        };
        Ok((Recorded { meaning, standing }, draft))
    }
}

impl WaitingLimits {
    /// When to look whether it waited too long: the first of an order's callbacks came first.
    fn never_came(&self, order: Ordinal, first: &Waiting) -> Hint {
        let due = first.since.plus(self.keep_for);
        Hint { due, kind: HintKind::NeverCame, ordinal: order }
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

impl Vital for PaymentActor {
    const OWNER: Owner = Owner::Payment;

    fn vitals(&self) -> &Vitals {
        &self.vitals
    }
}

impl Handler<EndTurn> for PaymentActor {
    type Result = ();

    fn handle(&mut self, end: EndTurn, _: &mut Self::Context) {
        match end {
            EndTurn::Discard => self.payments.discard(),
            EndTurn::Forget => self.payments.forget(),
        }
    }
}

impl Handler<Sweep> for PaymentActor {
    type Result = Answer<Parting>;

    fn handle(&mut self, Sweep { order }: Sweep, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        let mut draft = Draft::default();
        if let Some(payments) = self.payments.get(order)? {
            if rules::is_under_way(&payments) {
                return Ok((Parting::Needed, draft));
            }
            draft.change(self.payments.stage_gone(order));
        }
        Ok((Parting::Gone, draft))
    }
}

/// Records what a provider said of an order's money, and answers what it means.
#[derive(Debug, Message)]
#[rtype(result = "Answer<Recorded>")]
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
    type Result = Answer<Recorded>;

    fn handle(&mut self, record: Record, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        crate::fault::point("payment", record.callback.event_id.as_str());
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
        self.vitals.handled();
        Ok(rules::standing(&self.known(look.order)?, look.currency))
    }
}

/// Keeps a callback whose order is not known yet; refused when too many wait.
#[derive(Debug, Message)]
#[rtype(result = "Answer<Ordinal>")]
pub struct Wait {
    /// The callback.
    pub waiting: Waiting,
}

impl Handler<Wait> for PaymentActor {
    type Result = Answer<Ordinal>;

    fn handle(&mut self, wait: Wait, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.wait(wait)
    }
}

/// Hands out the first callback that waits for an order; from then on it waits no more.
#[derive(Debug, Message)]
#[rtype(result = "Answer<Option<Next>>")]
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
    type Result = Answer<Option<Next>>;

    fn handle(&mut self, next: NextWaiting, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.next_waiting(next.order)
    }
}

/// Hands out the first callback that waits for an order, if it waited too long; from then on it waits no more.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Answer<Option<Waiting>>")]
pub struct NeverCame {
    /// The order.
    pub order: Ordinal,
    /// The unit's time.
    pub now: Timestamp,
}

impl Handler<NeverCame> for PaymentActor {
    type Result = Answer<Option<Waiting>>;

    fn handle(&mut self, never_came: NeverCame, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.never_came(never_came.order, never_came.now)
    }
}
