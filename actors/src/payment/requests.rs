//! What payment providers are asked to do: to send money back, and to give attempts up.
//!
//! Keeps: a refund is requested once under its id, unless it failed.

use super::actor::{PaymentActor, crowded};
use crate::changeset::Changeset;
use crate::turn::{Fault, Reply};
use actix::prelude::*;
use orderly_domain::command::Restock;
use orderly_domain::event::Event;
use orderly_domain::id::{OrderId, RefundId};
use orderly_domain::identity;
use orderly_domain::money::Currency;
use orderly_domain::payment::rules::{self, Which};
use orderly_domain::payment::{MOST_ENTRIES, Payments, Refund, RefundState};
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::Ordinal;

impl PaymentActor {
    /// A refund that the rules of orders ask for, under an id that follows from what it refunds.
    fn ask_back(&mut self, ask: &AskBack) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut payments = self.known(ask.order)?;
        let refund = rules::requested(&payments, &ask.refund, ask.amount, ask.currency);
        request(&mut payments, refund, &mut changeset);
        self.stage(ask.order, payments, &mut changeset);
        Ok(((), changeset))
    }

    fn ask_back_elsewhere(&mut self, ask: &AskBackElsewhere) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut payments = self.known(ask.order)?;
        for rules::Elsewhere { currency, captured, amount } in
            rules::elsewhere(&payments, ask.currency)
        {
            let parts = [ask.order_id.as_str(), currency.code(), &captured.to_string()];
            let refund = derived_refund(&parts)?;
            let refund = rules::requested(&payments, &refund, amount, currency);
            request(&mut payments, refund, &mut changeset);
        }
        if !changeset.events.is_empty() {
            self.stage(ask.order, payments, &mut changeset);
        }
        Ok(((), changeset))
    }

    fn request_refund(&mut self, asked: &RequestRefund) -> Reply<Restocking> {
        let mut changeset = Changeset::default();
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
        request(&mut payments, refund, &mut changeset);
        self.stage(asked.order, payments, &mut changeset);
        let restocking = if was_restocked { Restocking::Done } else { asked.restocking };
        Ok((restocking, changeset))
    }

    fn void(&mut self, void: &Void) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut payments = self.known(void.order)?;
        for (provider, id) in rules::to_void(&payments, &void.which) {
            changeset.events.push(Event::VoidRequested { attempt_id: id.clone() });
            rules::apply(&mut payments, rules::Change::Void { provider, id });
        }
        if !changeset.events.is_empty() {
            self.stage(void.order, payments, &mut changeset);
        }
        Ok(((), changeset))
    }
}

/// Keeps a refund that is requested, and tells the payment adapter.
fn request(payments: &mut Payments, refund: Refund, changeset: &mut Changeset) {
    changeset.events.push(Event::RefundRequested {
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

/// Asks the payment provider to send money of the order's currency back.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
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
    type Result = Reply<()>;

    fn handle(&mut self, ask: AskBack, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.ask_back(&ask)
    }
}

/// Asks the payment provider to send back what was captured in other currencies than the
/// order's: one refund a currency, for what was not asked back before.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct AskBackElsewhere {
    /// The order.
    pub order: Ordinal,
    /// Its id.
    pub order_id: OrderId,
    /// Its own currency.
    pub currency: Currency,
}

impl Handler<AskBackElsewhere> for PaymentActor {
    type Result = Reply<()>;

    fn handle(&mut self, ask: AskBackElsewhere, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.ask_back_elsewhere(&ask)
    }
}

/// A producer wants money sent back; refused when it is not there, or the id is taken.
#[derive(Debug, Message)]
#[rtype(result = "Reply<Restocking>")]
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
    type Result = Reply<Restocking>;

    fn handle(&mut self, asked: RequestRefund, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.request_refund(&asked)
    }
}

/// Asks the provider to give up attempts of an order; each is asked for once.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct Void {
    /// The order.
    pub order: Ordinal,
    /// Which attempts.
    pub which: Which,
}

impl Handler<Void> for PaymentActor {
    type Result = Reply<()>;

    fn handle(&mut self, void: Void, _: &mut Self::Context) -> Self::Result {
        self.stats.handled();
        self.void(&void)
    }
}
