//! Keeps what providers said of each order's money, and the callbacks that came too early;
//! the only writer of both.

use super::rules::{self, Meaning, Phase, Standing, Which};
use super::state::{MOST_ENTRIES, Payments, Refund, RefundState, Waiting};
use crate::clock::Timestamp;
use crate::command::{PaymentCallback, Restock};
use crate::draft::{self, Draft, Hint, HintKind};
use crate::event::Event;
use crate::id::{OrderId, RefundId};
use crate::identity;
use crate::money::Currency;
use crate::owner::{Answer, EndTurn, Fault, Owner, Parting, Sweep};
use crate::states::{Shelf, States};
use crate::store::{Ordinal, Table};
use crate::supervisor::{Vital, Vitals};
use crate::verdict::{Reason, Refusal};
use actix::prelude::*;
use std::time::Duration;

/// The owner of all attempts, refunds, disputes and waiting callbacks.
pub struct PaymentActor {
    shelf: Shelf,
    payments: States<Payments>,
    limits: WaitingLimits,
    vitals: Vitals,
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

    fn known(&mut self, order: Ordinal) -> Result<Payments, Fault> {
        Ok(self.payments.get(order)?.map_or_else(Payments::default, |known| (*known).clone()))
    }

    fn stage(&mut self, order: Ordinal, payments: Payments, draft: &mut Draft) {
        let payments = self.payments.stage(order, payments);
        draft.change(draft::Change::Payments(order, payments));
    }

    fn wait(&mut self, wait: Wait) -> Answer<Ordinal> {
        let mut draft = Draft::default();
        let total = crate::counters::waiting(&self.shelf.borrow());
        if total >= self.limits.total {
            return Err(full(format!("{total} callbacks wait in all")).into());
        }
        let name = identity::of_name(wait.waiting.callback.order_id.as_str());
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

    /// A refund that the rules of orders ask for, under an id that follows from what it refunds.
    fn ask_back(&mut self, ask: &AskBack) -> Answer<()> {
        let mut draft = Draft::default();
        let mut payments = self.known(ask.order)?;
        let refund = rules::requested(&payments, &ask.refund, ask.amount, ask.currency);
        request(&mut payments, refund, &mut draft);
        self.stage(ask.order, payments, &mut draft);
        Ok(((), draft))
    }

    fn ask_back_elsewhere(&mut self, ask: &AskBackElsewhere) -> Answer<()> {
        let mut draft = Draft::default();
        let mut payments = self.known(ask.order)?;
        for rules::Elsewhere { currency, captured, amount } in
            rules::elsewhere(&payments, ask.currency)
        {
            let parts = [ask.order_id.as_str(), currency.code(), &captured.to_string()];
            let refund = derived_refund(&parts)?;
            let refund = rules::requested(&payments, &refund, amount, currency);
            request(&mut payments, refund, &mut draft);
        }
        if !draft.events.is_empty() {
            self.stage(ask.order, payments, &mut draft);
        }
        Ok(((), draft))
    }

    fn request_refund(&mut self, asked: &RequestRefund) -> Answer<Restocking> {
        let mut draft = Draft::default();
        let mut payments = self.known(asked.order)?;
        if payments.entries() >= MOST_ENTRIES {
            return Err(Refusal::with(Reason::NotAllowed, crowded()).into());
        }
        let was_restocked = rules::was_restocked(&payments, &asked.refund);
        let refund = rules::request(
            &payments,
            &asked.refund,
            asked.amount,
            asked.currency,
            asked.restocking == Restocking::Due,
        )?;
        request(&mut payments, refund, &mut draft);
        self.stage(asked.order, payments, &mut draft);
        let restocking = if was_restocked { Restocking::Done } else { asked.restocking };
        Ok((restocking, draft))
    }

    fn void(&mut self, void: &Void) -> Answer<()> {
        let mut draft = Draft::default();
        let mut payments = self.known(void.order)?;
        for (provider, id) in rules::to_void(&payments, &void.which) {
            draft.events.push(Event::VoidRequested { attempt_id: id.clone() });
            rules::apply(&mut payments, rules::Change::Void { provider, id });
        }
        if !draft.events.is_empty() {
            self.stage(void.order, payments, &mut draft);
        }
        Ok(((), draft))
    }
}

/// Keeps a refund that is requested, and tells the payment adapter.
fn request(payments: &mut Payments, refund: Refund, draft: &mut Draft) {
    draft.events.push(Event::RefundRequested {
        refund_id: refund.id.clone(),
        attempt_id: refund.attempt.clone(),
        amount: refund.amount,
        currency: refund.currency,
    });
    // one that arrived before it was asked for stays what it is
    let has_arrived = payments
        .refunds
        .iter()
        .any(|known| known.id == refund.id && known.state == RefundState::Succeeded);
    if !has_arrived {
        rules::apply(payments, rules::Change::Refund(refund));
    }
}

/// The id of a refund that orderly makes itself, derived from what it refunds: a second
/// derivation gives the same id.
pub(crate) fn derived_refund(parts: &[&str]) -> Result<RefundId, Fault> {
    RefundId::new(identity::derived("r-", parts))
        .map_err(|_| Fault::Inconsistent("a derived refund id is no id"))
}

impl WaitingLimits {
    /// When to look whether it waited too long: the first of an order's callbacks came first.
    fn never_came(&self, order: Ordinal, first: &Waiting) -> Hint {
        let due = first.since.plus(self.keep_for);
        Hint { due, kind: HintKind::NeverCame, ordinal: order }
    }
}

fn crowded() -> String {
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

/// Asks the payment provider to send money of the order's currency back.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct AskBack {
    /// The order.
    pub order: Ordinal,
    /// The refund's id, derived from what it refunds.
    pub refund: RefundId,
    /// Minor units.
    pub amount: i64,
    /// Currency of the amount.
    pub currency: Currency,
}

impl Handler<AskBack> for PaymentActor {
    type Result = Answer<()>;

    fn handle(&mut self, ask: AskBack, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.ask_back(&ask)
    }
}

/// Asks the payment provider to send back what was captured in other currencies than the
/// order's: one refund a currency, for what was not asked back before.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct AskBackElsewhere {
    /// The order.
    pub order: Ordinal,
    /// Its id.
    pub order_id: OrderId,
    /// Its own currency.
    pub currency: Currency,
}

impl Handler<AskBackElsewhere> for PaymentActor {
    type Result = Answer<()>;

    fn handle(&mut self, ask: AskBackElsewhere, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.ask_back_elsewhere(&ask)
    }
}

/// A producer wants money sent back; refused when it is not there, or the id is taken.
#[derive(Debug, Message)]
#[rtype(result = "Answer<Restocking>")]
pub struct RequestRefund {
    /// The order.
    pub order: Ordinal,
    /// The refund's id, the producer's.
    pub refund: RefundId,
    /// Minor units.
    pub amount: i64,
    /// The order's currency.
    pub currency: Currency,
    /// Whether goods come back with it.
    pub restocking: Restocking,
}

/// Whether goods are to come back into stock with a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restocking {
    /// None come.
    None,
    /// They are to be put into stock now.
    Due,
    /// They were, when the refund was requested before.
    Done,
}

impl Restocking {
    /// What a request with these goods asks for.
    pub fn of(goods: &[Restock]) -> Self {
        if goods.is_empty() { Self::None } else { Self::Due }
    }
}

impl Handler<RequestRefund> for PaymentActor {
    type Result = Answer<Restocking>;

    fn handle(&mut self, asked: RequestRefund, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.request_refund(&asked)
    }
}

/// Asks the provider to give up attempts of an order; each is asked for once.
#[derive(Debug, Message)]
#[rtype(result = "Answer<()>")]
pub struct Void {
    /// The order.
    pub order: Ordinal,
    /// Which attempts.
    pub which: Which,
}

impl Handler<Void> for PaymentActor {
    type Result = Answer<()>;

    fn handle(&mut self, void: Void, _: &mut Self::Context) -> Self::Result {
        self.vitals.handled();
        self.void(&void)
    }
}
