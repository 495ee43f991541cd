//! What payment providers are asked to do: to refund money, to capture it, and to void attempts.
//!
//! Invariants: each part of a refund is requested once under the refund's id, and again only after it failed. No attempt is
//! asked for more than it holds, or than is authorized.

use super::actor::PaymentActor;
use super::unfolding::Unfolded;
use crate::changeset::Changeset;
use crate::outcome::{Fault, Reply};
use crate::owner_actor::replies;
use actix::prelude::*;
use orderly_domain::command::Restock;
use orderly_domain::event::Event;
use orderly_domain::id::{OrderId, RefundId};
use orderly_domain::identity;
use orderly_domain::money::Currency;
use orderly_domain::payment::rules::{self, Requested, VoidTarget};
use orderly_domain::payment::{MOST_ASKED, Payments, Refund};
use orderly_store::Ordinal;

replies! {
    PaymentActor:
    RefundAutomatically => refund_automatically,
    RefundOtherCurrencies => refund_other_currencies,
    RequestRefund => request_refund,
    ReturnMoney => return_money,
    AcceptMoney => accept_money,
    RequestCapture => request_capture,
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

/// Has the provider refund money in the order's currency, because a person returns it.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct ReturnMoney {
    /// The order.
    pub order: Ordinal,
    /// The order's id.
    pub order_id: OrderId,
    /// Minor units.
    pub amount: i64,
    /// The order's currency.
    pub currency: Currency,
}

/// Records that a person accepted the order's money that does not fit the order.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct AcceptMoney {
    /// The order.
    pub order: Ordinal,
    /// The order's currency.
    pub currency: Currency,
}

/// Has the providers capture authorized money.
#[derive(Debug, Message)]
#[rtype(result = "Reply<()>")]
pub struct RequestCapture {
    /// The order.
    pub order: Ordinal,
    /// The order's id.
    pub order_id: OrderId,
    /// Minor units; at most what is authorized and not asked for yet, or asked for and failed.
    pub amount: i64,
    /// The order's currency.
    pub currency: Currency,
    /// Whether what was asked for before may still come.
    pub before: Requested,
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
        let mut known = self.unfolded(order)?;
        let asked = self.ask_back(&mut known, &refund, (amount, currency), &mut changeset)?;
        known.add_not_asked(currency, amount - asked);
        self.settle(known, &mut changeset)?;
        Ok(((), changeset))
    }

    /// Requests a refund of at most what may be refunded. Returns how much of it is requested: the attempts that one step
    /// asks may hold less, those included that the changeset has asked.
    fn ask_back(
        &mut self,
        known: &mut Unfolded,
        refund: &RefundId,
        (amount, currency): (i64, Currency),
        changeset: &mut Changeset,
    ) -> Result<i64, Fault> {
        let most = MOST_ASKED.saturating_sub(changeset.events.len());
        self.unfold_refunds(known, refund)?;
        self.unfold_holders(known, amount, currency)?;
        let parts = rules::request_by_itself(&mut known.payments, refund, (amount, currency), most);
        let asked = parts.iter().map(|part| part.amount).sum();
        emit_requests(&known.payments, parts, changeset);
        Ok(asked)
    }

    fn refund_other_currencies(
        &mut self,
        RefundOtherCurrencies { order, order_id, currency }: RefundOtherCurrencies,
    ) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut known = self.unfolded(order)?;
        for rules::OtherCurrency { currency, captured, amount } in
            rules::refundable_other_currencies(&known.payments, currency)
        {
            let captured = captured.to_string();
            let refund =
                next_refund(&mut known.payments, &order_id, &[currency.code(), &captured])?;
            self.ask_back(&mut known, &refund, (amount, currency), &mut changeset)?;
        }
        if !changeset.events.is_empty() {
            self.settle(known, &mut changeset)?;
        }
        Ok(((), changeset))
    }

    fn return_money(
        &mut self,
        ReturnMoney { order, order_id, amount, currency }: ReturnMoney,
    ) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut known = self.unfolded(order)?;
        let refund = next_refund(&mut known.payments, &order_id, &["return", currency.code()])?;
        // what a refund failed to send back is among it
        rules::make_good(&mut known.payments, currency, amount);
        let asked = self.ask_back(&mut known, &refund, (amount, currency), &mut changeset)?;
        let before = known.payments.not_asked(currency);
        known.add_not_asked(currency, (amount - asked).min(before) - before);
        self.settle(known, &mut changeset)?;
        Ok(((), changeset))
    }

    fn accept_money(&mut self, AcceptMoney { order, currency }: AcceptMoney) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut payments = self.payments_of(order)?;
        let accepted = rules::acceptance(&payments, currency);
        if !accepted.is_empty() {
            for one in accepted {
                rules::apply(&mut payments, one);
            }
            changeset.stage(&mut self.payments, order, payments);
        }
        Ok(((), changeset))
    }

    fn request_capture(
        &mut self,
        RequestCapture { order, order_id, amount, currency, before: requested }: RequestCapture,
    ) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut known = self.unfolded(order)?;
        self.unfold_capturable(&mut known, currency, requested)?;
        for request in rules::to_capture(&known.payments, amount, currency, requested) {
            let rules::CaptureRequest { provider, attempt: id, amount, before } = request;
            let number = (before + 1).to_string();
            let parts = [order_id.as_str(), provider.as_str(), id.as_str(), &number];
            changeset.events.push(Event::CaptureRequested {
                provider: provider.clone(),
                attempt_id: id.clone(),
                amount,
                currency,
                capture_request_id: identity::derived("c-", &parts),
            });
            let before = requested;
            let change = rules::Change::CaptureRequested { provider, id, amount, before };
            rules::apply(&mut known.payments, change);
        }
        self.settle(known, &mut changeset)?;
        Ok(((), changeset))
    }

    fn request_refund(
        &mut self,
        RequestRefund { order, refund, amount, currency, restocking }: RequestRefund,
    ) -> Reply<Restocking> {
        let mut changeset = Changeset::default();
        let mut known = self.unfolded(order)?;
        self.unfold_refunds(&mut known, &refund)?;
        self.unfold_attempts_of(&mut known, &refund)?;
        self.unfold_holders(&mut known, amount, currency)?;
        // a refund that is requested again has the currency that it had
        if let Some(before) = known.payments.refunds.iter().find(|one| one.id == refund) {
            let currency = before.currency;
            self.unfold_holders(&mut known, amount, currency)?;
        }
        let was_restocked = rules::was_restocked(&known.payments, &refund);
        let restocks = restocking == Restocking::Due;
        let parts = rules::request(&mut known.payments, &refund, amount, currency, restocks)?;
        emit_requests(&known.payments, parts, &mut changeset);
        self.settle(known, &mut changeset)?;
        let restocking = if was_restocked { Restocking::Done } else { restocking };
        Ok((restocking, changeset))
    }

    fn void_attempts(&mut self, VoidAttempts { order, which }: VoidAttempts) -> Reply<()> {
        let mut changeset = Changeset::default();
        let mut known = self.unfolded(order)?;
        match &which {
            VoidTarget::Authorized => self.unfold_voidable(&mut known)?,
            VoidTarget::One(provider, attempt) => {
                self.unfold_attempt(&mut known, provider, attempt)?;
            }
        }
        void(&mut known.payments, &which, &mut changeset);
        if !changeset.events.is_empty() {
            self.settle(known, &mut changeset)?;
        }
        Ok(((), changeset))
    }
}

/// Requests the void of attempts, each once.
pub(super) fn void(payments: &mut Payments, which: &VoidTarget, changeset: &mut Changeset) {
    for (provider, id) in rules::to_void(payments, which) {
        let event =
            Event::VoidRequested { attempt_id: id.clone(), provider: Some(provider.clone()) };
        changeset.events.push(event);
        rules::apply(payments, rules::Change::Void { provider, id });
    }
}

/// Emits an event for each part of a refund: the payment adapter carries it out.
fn emit_requests(payments: &Payments, parts: Vec<Refund>, changeset: &mut Changeset) {
    changeset.events.extend(parts.into_iter().map(|refund| Event::RefundRequested {
        capture_id: rules::capture_of(payments, &refund),
        amount: refund.pending(),
        refund_id: refund.id,
        attempt_id: refund.attempt,
        currency: refund.currency,
        provider: refund.provider,
        part: refund.request,
    }));
}

/// The id of the next refund of an order that is derived from a number: the number only grows, so that money that came back
/// is asked back under another id.
fn next_refund(
    payments: &mut Payments,
    order: &OrderId,
    parts: &[&str],
) -> Result<RefundId, Fault> {
    payments.derived_refunds += 1;
    // an earlier build derived ids from a number that could fall
    let number = format!("no. {}", payments.derived_refunds);
    derived_refund(&[&[order.as_str()], parts, &[&number]].concat())
}

/// The id of a refund that orderly requests by itself. It is derived from what is refunded, so the
/// same refund has the same id again.
pub(crate) fn derived_refund(parts: &[&str]) -> Result<RefundId, Fault> {
    RefundId::new(identity::derived("r-", parts))
        .map_err(|_| Fault::Inconsistent("a derived refund id is no id"))
}
