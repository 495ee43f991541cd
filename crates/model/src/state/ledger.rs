//! The money of one order: attempts, captures, refunds and disputes.

use crate::state::attempt::{Attempt, CaptureIdentity};
use crate::state::refund::{Part, Refund, RefundState};
use std::collections::BTreeMap;

/// The attempts that an order keeps of those that ended without money.
const ENDED_ATTEMPTS_KEPT: usize = 20;

/// The money of one order, as the providers reported it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// The attempts, in the order in which callbacks first named them.
    pub(crate) attempts: Vec<Attempt>,
    /// Attempts that ended without money and are not kept, by state.
    pub(crate) ended_attempts: BTreeMap<&'static str, i64>,
    /// The refunds, in the order in which they were requested or first reported.
    pub(crate) refunds: Vec<Refund>,
    pub(crate) disputes: Vec<Dispute>,
    /// By currency: the captures in another currency that a person accepted.
    pub(crate) accepted: BTreeMap<String, i64>,
    /// By currency: how much more was sent back than taken when a person accepted that.
    pub(crate) accepted_excess: BTreeMap<String, i64>,
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
        }
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

    /// The sum of the parts of refunds in a currency that are in this state.
    pub(crate) fn refunds(&self, currency: &str, state: RefundState) -> i64 {
        let parts = self.parts().filter(|part| part.is(state, currency));
        parts.map(|part| part.amount).sum()
    }

    /// What providers sent back unasked before the order was sold.
    pub(crate) fn early(&self, currency: &str) -> i64 {
        let parts = self.parts().filter(|part| part.is(RefundState::Succeeded, currency));
        parts.filter(|part| part.is_early).map(|part| part.amount).sum()
    }

    pub(crate) fn refund(&mut self, id: &str) -> Option<&mut Refund> {
        self.refunds.iter_mut().find(|refund| refund.id == id)
    }

    /// The money in a currency that was neither refunded nor requested to be refunded.
    pub(crate) fn refundable(&self, currency: &str) -> i64 {
        let net = self.captured(currency) - self.refunds(currency, RefundState::Succeeded);
        net.max(0) - self.refunds(currency, RefundState::Requested)
    }

    /// The money of one attempt that was neither refunded nor requested to be refunded.
    pub(crate) fn held_by(&self, attempt: &Attempt, currency: &str) -> i64 {
        let parts = self.parts().filter(|part| attempt.is(&part.provider, &part.attempt));
        let gone = parts.filter(|part| part.currency == currency);
        let gone = gone.filter(|part| part.state != RefundState::Failed);
        (attempt.captured(currency) - gone.map(|part| part.amount).sum::<i64>()).max(0)
    }

    /// How much more was sent back in a currency than was taken in it.
    pub(crate) fn excess(&self, currency: &str) -> i64 {
        (self.refunds(currency, RefundState::Succeeded) - self.captured(currency)).max(0)
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

    /// Whether a refund in the order's own currency failed and the shop still has that money. (Money in other currencies
    /// is shown anyway.)
    pub(crate) fn has_failed_refund(&self, own: &str) -> bool {
        let has_failed = self.parts().any(|part| part.is(RefundState::Failed, own));
        has_failed && self.refundable(own) > 0
    }

    /// A person accepts the money in other currencies that was not judged yet, and what was sent back beyond what was
    /// taken.
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
            let accepted = self.accepted_excess.entry(currency).or_default();
            *accepted = (*accepted).max(excess);
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
