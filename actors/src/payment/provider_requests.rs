//! What payment providers are asked to do: to refund money, and to void attempts.
//!
//! Invariant: a refund is requested once under its id, and again only after it failed.

use super::actor::{PaymentActor, too_many_entries};
use crate::changeset::Changeset;
use crate::outcome::{Fault, Reply};
use crate::owner_actor::replies;
use actix::prelude::*;
use orderly_domain::command::Restock;
use orderly_domain::event::Event;
use orderly_domain::id::{OrderId, RefundId};
use orderly_domain::identity;
use orderly_domain::money::Currency;
use orderly_domain::payment::rules::{self, VoidTarget};
use orderly_domain::payment::{MOST_ENTRIES, Payments, Refund, RefundState};
use orderly_domain::verdict::{Reason, Refusal};
use orderly_store::Ordinal;

replies! {
    PaymentActor:
    RefundAutomatically => refund_automatically,
    RefundOtherCurrencies => refund_other_currencies,
    RequestRefund => request_refund,
    VoidAttempts => void_attempts,
}

/// Has the provider refund money in the order's currency, because the rules of orders say so.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct RefundAutomatically {
    /// The order.
    pub order: Ordinal,
    /// The refund's id, derived from what it refunds.
    pub refund: RefundId,
    /// Minor units.
    pub amount: i64,
    /// Currency of the amount.
    pub currency: Currency,
}

/// Has the provider refund what was captured in other currencies than the order's: one refund a
/// currency, for what was not requested before.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct RefundOtherCurrencies {
    /// The order.
    pub order: Ordinal,
    /// The order's id.
    pub order_id: OrderId,
    /// The order's currency.
    pub currency: Currency,
}

/// Has the provider refund what a producer asks for; refused when so much was not paid, or the
/// id is taken.
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
    /// Whether goods are returned with the refund.
    pub restocking: Restocking,
}

/// Whether goods are returned to stock with a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restocking {
    /// None are returned.
    None,
    /// They are to be returned to stock now.
    Due,
    /// They were returned when the same refund was requested before.
    Done,
}

impl Restocking {
    /// What a request with these goods asks for.
    pub fn of(goods: &[Restock]) -> Self {
        if goods.is_empty() { Self::None } else { Self::Due }
    }
}

/// Has the provider void attempts of an order; each is requested once.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct VoidAttempts {
    /// The order.
    pub order: Ordinal,
    /// Which attempts.
    pub which: VoidTarget,
}

impl PaymentActor {
    fn refund_automatically(
        &mut self,
        RefundAutomatically { order, refund, amount, currency }: RefundAutomatically,
    ) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut payments = self.payments_of(order)?;
        let refund = rules::requested(&payments, &refund, amount, currency);
        request(&mut payments, refund, &mut changeset);
        changeset.stage(&mut self.payments, order, payments);
        Ok(((), changeset))
    }

    fn refund_other_currencies(
        &mut self,
        RefundOtherCurrencies { order, order_id, currency }: RefundOtherCurrencies,
    ) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut payments = self.payments_of(order)?;
        for rules::OtherCurrency { currency, captured, amount } in
            rules::refundable_other_currencies(&payments, currency)
        {
            let parts = [order_id.as_str(), currency.code(), &captured.to_string()];
            let refund = derived_refund(&parts)?;
            let refund = rules::requested(&payments, &refund, amount, currency);
            request(&mut payments, refund, &mut changeset);
        }
        if !changeset.events.is_empty() {
            changeset.stage(&mut self.payments, order, payments);
        }
        Ok(((), changeset))
    }

    fn request_refund(
        &mut self,
        RequestRefund { order, refund, amount, currency, restocking }: RequestRefund,
    ) -> Reply<Restocking> {
        let mut changeset = Changeset::default();
        let mut payments = self.payments_of(order)?;
        if payments.entries() >= MOST_ENTRIES {
            return Err(Refusal::with(Reason::NotAllowed, too_many_entries()).into());
        }
        let was_restocked = rules::was_restocked(&payments, &refund);
        let refund =
            rules::request(&payments, &refund, amount, currency, restocking == Restocking::Due)?;
        request(&mut payments, refund, &mut changeset);
        changeset.stage(&mut self.payments, order, payments);
        let restocking = if was_restocked { Restocking::Done } else { restocking };
        Ok((restocking, changeset))
    }

    fn void_attempts(&mut self, VoidAttempts { order, which }: VoidAttempts) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut payments = self.payments_of(order)?;
        for (provider, id) in rules::to_void(&payments, &which) {
            changeset.events.push(Event::VoidRequested { attempt_id: id.clone() });
            rules::apply(&mut payments, rules::Change::Void { provider, id });
        }
        if !changeset.events.is_empty() {
            changeset.stage(&mut self.payments, order, payments);
        }
        Ok(((), changeset))
    }
}

/// Records a refund as requested; the event is what the payment adapter carries out.
fn request(payments: &mut Payments, refund: Refund, changeset: &mut Changeset) {
    changeset.events.push(Event::RefundRequested {
        refund_id: refund.id.clone(),
        attempt_id: refund.attempt.clone(),
        amount: refund.amount,
        currency: refund.currency,
    });
    // a refund may succeed before it is requested: then it stays succeeded
    let has_arrived = payments
        .refunds
        .iter()
        .any(|known| known.id == refund.id && known.state == RefundState::Succeeded);
    if !has_arrived {
        rules::apply(payments, rules::Change::Refund(refund));
    }
}

/// The id of a refund that orderly requests by itself. It is derived from what is refunded, so the
/// same refund has the same id again.
pub(crate) fn derived_refund(parts: &[&str]) -> Result<RefundId, Fault> {
    RefundId::new(identity::derived("r-", parts))
        .map_err(|_| Fault::Inconsistent("a derived refund id is no id"))
}
