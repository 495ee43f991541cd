//! The money of one order: attempts, captures, refunds and disputes.

use crate::state::attempt::{Attempt, CaptureIdentity};
use crate::state::refund::{Part, Refund, RefundState};
use std::collections::{BTreeMap, BTreeSet};

/// The attempts that an order keeps of those that ended without money.
const ENDED_ATTEMPTS_KEPT: usize = 20;

/// The money of one order, as the providers reported it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// The attempts, in the order in which callbacks first named them.
    pub(crate) attempts: Vec<Attempt>,
    /// Attempts that ended without money and are not kept, by state.
    pub(crate) ended_attempts: BTreeMap<&'static str, i64>,
    /// Provider and id of these: nothing but a capture is news of them, and an authorization that must be voided.
    pub(crate) forgotten_attempts: BTreeSet<(String, String)>,
    /// Provider, id and time of their authorizations.
    pub(crate) forgotten_authorizations: BTreeSet<(String, String, i64)>,
    /// The refunds, in the order in which they were requested or first reported.
    pub(crate) refunds: Vec<Refund>,
    pub(crate) disputes: Vec<Dispute>,
    /// By currency: the captures in another currency that a person accepted.
    pub(crate) accepted: BTreeMap<String, i64>,
    /// By currency: how much more was sent back than taken when a person accepted that.
    pub(crate) accepted_excess: BTreeMap<String, i64>,
    /// By currency: what of the refunds that failed was sent back or asked for in another way, or accepted.
    pub(crate) made_good: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dispute {
    pub(crate) provider: String,
    pub(crate) id: String,
    pub(crate) state: DisputeState,
}

/// The state of a dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum DisputeState {
    /// The dispute is open at the provider.
    Open,
    /// The shop keeps the money.
    Won,
    /// The shop lost the money.
    Lost,
}

impl Ledger {
    /// The attempt. The first callback that names it adds it.
    pub(crate) fn attempt(&mut self, provider: &str, id: &str) -> &mut Attempt {
        let place = self.attempts.iter().position(|one| one.is(provider, id));
        let place = place.unwrap_or_else(|| {
            self.attempts.push(Attempt::new(provider, id));
            self.attempts.len() - 1
        });
        &mut self.attempts[place]
    }

    pub(crate) fn known_attempt(&self, provider: &str, id: &str) -> Option<&Attempt> {
        self.attempts.iter().find(|one| one.is(provider, id))
    }

    /// Forgets the oldest attempts that ended without money, and counts them instead.
    pub(crate) fn forget_ended_attempts(&mut self) {
        while self.attempts.iter().filter(|one| one.is_ended()).count() > ENDED_ATTEMPTS_KEPT {
            let oldest = self.attempts.iter().position(Attempt::is_ended);
            let oldest = self.attempts.remove(oldest.expect("more than none ended"));
            *self.ended_attempts.entry(oldest.state.into()).or_default() += 1;
            for one in &oldest.authorizations {
                let (provider, id) = (oldest.provider.clone(), oldest.id.clone());
                self.forgotten_authorizations.insert((provider, id, one.occurred_at));
            }
            self.forgotten_attempts.insert((oldest.provider, oldest.id));
        }
    }

    pub(crate) fn is_forgotten(&self, provider: &str, id: &str) -> bool {
        self.forgotten_attempts.contains(&(provider.to_owned(), id.to_owned()))
    }

    /// Whether a capture without an id was counted before.
    pub(crate) fn has_counted_event(&self, provider: &str, event: &str) -> bool {
        let of_provider = self.attempts.iter().filter(|one| one.provider == provider);
        let mut captures = of_provider.flat_map(|one| &one.captures);
        captures.any(|one| one.identity == CaptureIdentity::Event(event.to_owned()))
    }

    /// The sum of the captures in a currency.
    pub(crate) fn captured(&self, currency: &str) -> i64 {
        self.attempts.iter().map(|attempt| attempt.captured(currency)).sum()
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.refunds.iter().flat_map(|refund| &refund.parts)
    }

    fn parts_in<'a>(&'a self, currency: &'a str) -> impl Iterator<Item = &'a Part> {
        self.parts().filter(move |part| part.currency == currency)
    }

    /// What was sent back in a currency.
    pub(crate) fn sent_back(&self, currency: &str) -> i64 {
        self.parts_in(currency).map(Part::sent_back).sum()
    }

    /// What was asked back in a currency and has not come yet.
    pub(crate) fn pending(&self, currency: &str) -> i64 {
        self.parts_in(currency).map(Part::pending).sum()
    }

    /// What of the refunds in a currency failed, and was not settled in another way.
    pub(crate) fn unmade_good(&self, currency: &str) -> i64 {
        let failed: i64 = self.parts_in(currency).map(Part::failed).sum();
        failed - self.made_good.get(currency).copied().unwrap_or_default()
    }

    /// So much was sent back or asked for in another way.
    pub(crate) fn make_good(&mut self, currency: &str, amount: i64) {
        let amount = amount.min(self.unmade_good(currency));
        *self.made_good.entry(currency.to_owned()).or_default() += amount;
        self.made_good.retain(|_, amount| *amount != 0);
    }

    /// No more is settled than failed: what succeeds or is asked for again has not failed any more.
    pub(crate) fn limit_made_good(&mut self) {
        let currencies: Vec<_> = self.made_good.keys().cloned().collect();
        for currency in currencies {
            self.make_good(&currency, 0);
        }
        self.made_good.retain(|_, amount| *amount > 0);
    }

    /// What providers sent back unasked before the order was sold.
    pub(crate) fn early(&self, currency: &str) -> i64 {
        self.parts_in(currency).filter(|part| part.is_early).map(Part::sent_back).sum()
    }

    /// The refund. The first callback that names it adds it.
    pub(crate) fn add_refund(&mut self, id: &str) -> &mut Refund {
        if self.refund(id).is_none() {
            let refund = Refund { id: id.to_owned(), parts: Vec::new(), has_goods_alone: false };
            self.refunds.push(refund);
        }
        self.refund(id).expect("it is there by now")
    }

    pub(crate) fn refund(&mut self, id: &str) -> Option<&mut Refund> {
        self.refunds.iter_mut().find(|refund| refund.id == id)
    }

    /// The money in a currency that was neither refunded nor requested to be refunded.
    pub(crate) fn refundable(&self, currency: &str) -> i64 {
        (self.captured(currency) - self.sent_back(currency)).max(0) - self.pending(currency)
    }

    /// The money of one attempt that was neither refunded nor requested to be refunded.
    pub(crate) fn held_by(&self, attempt: &Attempt, currency: &str) -> i64 {
        let parts = self.parts().filter(|part| attempt.is(&part.provider, &part.attempt));
        let gone = parts.filter(|part| part.currency == currency);
        let gone: i64 = gone.map(|part| part.sent_back() + part.pending()).sum();
        (attempt.captured(currency) - gone).max(0)
    }

    /// How much more was sent back in a currency than was taken in it.
    pub(crate) fn excess(&self, currency: &str) -> i64 {
        (self.sent_back(currency) - self.captured(currency)).max(0)
    }

    /// Whether money of the attempt was captured for the order.
    pub(crate) fn has_captured(&self, provider: &str, attempt: &str) -> bool {
        self.known_attempt(provider, attempt).is_some_and(|one| !one.captures.is_empty())
    }

    /// Whether the order has that refund of money.
    pub(crate) fn has_refunded(&self, id: &str, provider: &str, attempt: &str) -> bool {
        let mut parts = self.refunds.iter().filter(|one| one.id == id).flat_map(Refund::money);
        parts.any(|part| part.provider == provider && part.attempt == attempt)
    }

    pub(crate) fn has_dispute(&self, id: &str, provider: &str) -> bool {
        self.disputes.iter().any(|one| one.provider == provider && one.id == id)
    }

    /// Whether a dispute is open or lost.
    pub(crate) fn is_disputed(&self) -> bool {
        self.disputes.iter().any(|dispute| dispute.state != DisputeState::Won)
    }

    /// Whether a refund or a dispute is not finished, so that the provider may still report something.
    pub(crate) fn is_under_way(&self) -> bool {
        self.parts().any(|part| part.state == RefundState::Requested)
            || self.disputes.iter().any(|dispute| dispute.state == DisputeState::Open)
    }

    /// The currencies of captures other than `own`, in the order of the captures.
    pub(crate) fn other_currencies(&self, own: &str) -> Vec<String> {
        let mut found = Vec::new();
        for capture in self.attempts.iter().flat_map(|attempt| &attempt.captures) {
            if capture.currency != own && !found.contains(&capture.currency) {
                found.push(capture.currency.clone());
            }
        }
        found
    }

    /// Whether money in another currency is neither accepted by a person nor asked back.
    pub(crate) fn has_unjudged_currency(&self, own: &str) -> bool {
        self.other_currencies(own).iter().any(|other| self.is_unjudged(other))
    }

    fn is_unjudged(&self, other: &str) -> bool {
        let accepted = self.accepted.get(other).copied().unwrap_or_default();
        self.refundable(other).min(self.captured(other) - accepted) > 0
    }

    /// Whether more was sent back than taken, and no person accepted that.
    pub(crate) fn has_unjudged_excess(&self) -> bool {
        self.parts().any(|part| {
            let accepted = self.accepted_excess.get(&part.currency).copied().unwrap_or_default();
            self.excess(&part.currency) > accepted
        })
    }

    /// Whether a refund failed, nobody settled that in another way, and the shop still has money in its currency.
    pub(crate) fn has_failed_refund(&self) -> bool {
        self.parts()
            .any(|part| self.unmade_good(&part.currency) > 0 && self.refundable(&part.currency) > 0)
    }

    /// A person accepts the money in other currencies that was not judged yet, what was sent back beyond what was taken,
    /// and that refunds failed.
    pub(crate) fn accept(&mut self, own: &str) {
        for other in self.other_currencies(own) {
            if self.is_unjudged(&other) {
                let captured = self.captured(&other);
                self.accepted.insert(other, captured);
            }
        }
        let currencies: Vec<_> = self.parts().map(|part| part.currency.clone()).collect();
        for currency in currencies {
            let excess = self.excess(&currency);
            let accepted = self.accepted_excess.entry(currency.clone()).or_default();
            *accepted = (*accepted).max(excess);
            self.make_good(&currency, i64::MAX);
        }
    }

    /// What is open of the authorizations in a currency.
    pub(crate) fn authorized(&self, currency: &str) -> i64 {
        self.in_currency(currency).map(Attempt::open).sum()
    }

    /// The attempts with authorizations in a currency.
    pub(crate) fn in_currency(&self, currency: &str) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(move |attempt| attempt.currency() == currency)
    }
}
