//! What is folded: the oldest attempts, refunds and disputes of an order that has many, and the oldest captures and
//! authorizations of its attempts. No rule decides otherwise because of that.
//!
//! Attempts that ended without money are not folded: the oldest are counted and dropped, and known by their names alone.

use super::super::folded::{FoldedCaptures, FoldedContent, FoldedItem, FoldedOfAttempt, Sum};
use super::super::state::{
    Attempt, AttemptState, Capture, CaptureIdentity, Dispute, MOST_ENDED, Payments, Refund,
};
use super::change::Change;
use super::outcomes::MOST_SHARES;
use crate::command::{CallbackKind, PaymentCallback};
use crate::id::{AttemptId, CaptureId, EventId, Provider, RefundId};
use crate::time::Timestamp;

/// What of an attempt is known by its name in the index alone, once it is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownByName {
    /// A capture with an id.
    Capture(Provider, AttemptId, CaptureId),
    /// A capture without an id, by the event that reported it.
    Event(Provider, EventId),
    /// An authorization, by its time.
    Authorization(Provider, AttemptId, Timestamp),
    /// An attempt that ended without money. Nothing is news of it but a capture, and an authorization that must be voided.
    EndedAttempt(Provider, AttemptId),
    /// A share of a refund, by its time.
    Share(RefundId, Provider, AttemptId, Timestamp),
    /// A failure of a refund, by its time.
    Failure(RefundId, Provider, AttemptId, Timestamp),
}

/// Counts and drops the oldest attempts that ended without money, once there are too many of them.
pub fn drop_ended(payments: &mut Payments) -> Vec<KnownByName> {
    let ended = payments.attempts.iter().filter(|attempt| attempt.ended_without_money());
    let mut names = Vec::new();
    for _ in MOST_ENDED..ended.count() {
        let oldest = payments.attempts.iter().position(Attempt::ended_without_money);
        let Some(dropped) = oldest.map(|oldest| payments.attempts.remove(oldest)) else { break };
        let count = match dropped.state {
            AttemptState::Voided => &mut payments.ended.voided,
            AttemptState::Expired => &mut payments.ended.expired,
            AttemptState::Failed
            | AttemptState::ActionRequired
            | AttemptState::Authorized
            | AttemptState::Captured => &mut payments.ended.failed,
        };
        *count += 1;
        names.extend(dropped.authorized_at.into_iter().map(|at| {
            KnownByName::Authorization(dropped.provider.clone(), dropped.id.clone(), at)
        }));
        names.push(KnownByName::EndedAttempt(dropped.provider, dropped.id));
    }
    names
}

/// The share of a refund that is summed up with the change that `callback` brings, because there are too many of them: one that
/// was known, or the new one.
pub fn drop_share(
    payments: &Payments,
    callback: &PaymentCallback,
    change: &Change,
) -> Option<KnownByName> {
    let Change::Refund { known: Some(place), refund } = change else { return None };
    if callback.kind != CallbackKind::RefundSucceeded {
        return None;
    }
    let before = &payments.refunds.get(*place)?.successes;
    if before.len() != MOST_SHARES || refund.successes.len() != MOST_SHARES {
        return None;
    }
    let mut times = before.iter().map(|share| share.at).chain([callback.occurred_at]);
    let dropped = times.find(|at| refund.successes.iter().all(|share| share.at != *at))?;
    let (provider, attempt) = (refund.provider.clone()?, refund.attempt.clone()?);
    Some(KnownByName::Share(refund.id.clone(), provider, attempt, dropped))
}

/// What is known of the results of a refund, once the refund is not kept.
pub fn results(refund: &Refund) -> Vec<KnownByName> {
    let (Some(provider), Some(attempt)) = (&refund.provider, &refund.attempt) else {
        return Vec::new();
    };
    let place = || (refund.id.clone(), provider.clone(), attempt.clone());
    let shares = refund.successes.iter().map(|share| {
        let (id, provider, attempt) = place();
        KnownByName::Share(id, provider, attempt, share.at)
    });
    let failure = refund.failed_at.map(|at| {
        let (id, provider, attempt) = place();
        KnownByName::Failure(id, provider, attempt, at)
    });
    shares.chain(failure).collect()
}

/// Takes the oldest attempts out of the payments, if they keep more than `most` (and those that ended without money).
pub fn fold_attempts(payments: &mut Payments, most: usize) -> Vec<Attempt> {
    let foldable = payments.attempts.iter().filter(|attempt| !attempt.ended_without_money());
    let mut excess = foldable.count().saturating_sub(most);
    take_attempts(payments, |_| {
        let is_excess = excess > 0;
        excess = excess.saturating_sub(1);
        is_excess
    })
}

/// Takes the wanted attempts out of the payments, in the order of their numbers. Those that ended without money stay.
pub fn take_attempts(
    payments: &mut Payments,
    mut is_wanted: impl FnMut(&Attempt) -> bool,
) -> Vec<Attempt> {
    let attempts = std::mem::take(&mut payments.attempts).into_iter();
    let (taken, kept) =
        attempts.partition(|attempt| !attempt.ended_without_money() && is_wanted(attempt));
    payments.attempts = kept;
    taken
}

/// Puts folded attempts back among the others, by their numbers.
pub fn unfold_attempts(payments: &mut Payments, attempts: Vec<Attempt>) {
    payments.attempts.extend(attempts);
    payments.attempts.sort_by_key(|attempt| attempt.number);
}

/// Takes the oldest refunds out of the payments, if they keep more than `most`.
pub fn fold_refunds(payments: &mut Payments, most: usize) -> Vec<Refund> {
    let excess = payments.refunds.len().saturating_sub(most);
    payments.refunds.drain(..excess).collect()
}

/// Takes the oldest disputes out of the payments, if they keep more than `most`.
pub fn fold_disputes(payments: &mut Payments, most: usize) -> Vec<Dispute> {
    let excess = payments.disputes.len().saturating_sub(most);
    payments.disputes.drain(..excess).collect()
}

/// Sums up the oldest captures of the oldest attempts, until the attempts keep `most` at most. An attempt keeps the only
/// capture that it has: a refund names that.
pub fn fold_captures(payments: &mut Payments, most: usize) -> Vec<KnownByName> {
    let is_foldable =
        |attempt: &Attempt| !attempt.captures.is_empty() && attempt.capture_count() > 1;
    let foldable = payments.attempts.iter().filter(|attempt| is_foldable(attempt));
    let mut excess = foldable.map(|one| one.captures.len()).sum::<usize>().saturating_sub(most);
    let mut names = Vec::new();
    for attempt in payments.attempts.iter_mut().filter(|attempt| is_foldable(attempt)) {
        let count = attempt.captures.len().min(excess);
        excess -= count;
        sum_up_first(attempt, count, &mut names);
    }
    names
}

fn sum_up_first(attempt: &mut Attempt, count: usize, names: &mut Vec<KnownByName>) {
    for capture in attempt.captures.drain(..count).collect::<Vec<_>>() {
        sum_up(&mut attempt.folded, &capture);
        names.push(name_of(attempt, capture.identity));
    }
}

fn sum_up(folded: &mut Option<Box<FoldedOfAttempt>>, capture: &Capture) {
    let sums = &mut folded.get_or_insert_default().captures;
    let place = sums.iter().position(|sum| sum.currency == capture.currency);
    let place = place.unwrap_or_else(|| {
        sums.push(FoldedCaptures { currency: capture.currency, count: 0, sum: Sum(0) });
        sums.len() - 1
    });
    sums[place].count += 1;
    sums[place].sum.0 += i128::from(capture.amount);
}

fn name_of(attempt: &Attempt, identity: CaptureIdentity) -> KnownByName {
    match identity {
        CaptureIdentity::Capture(id) => {
            KnownByName::Capture(attempt.provider.clone(), attempt.id.clone(), id)
        }
        CaptureIdentity::Event(id) => KnownByName::Event(attempt.provider.clone(), id),
    }
}

/// Forgets the times of the oldest authorizations of the oldest attempts, until the attempts keep `most` at most.
pub fn fold_authorizations(payments: &mut Payments, most: usize) -> Vec<KnownByName> {
    let times = payments.attempts.iter().map(|attempt| attempt.authorized_at.len());
    let mut excess = times.sum::<usize>().saturating_sub(most);
    let mut names = Vec::new();
    for attempt in &mut payments.attempts {
        let count = attempt.authorized_at.len().min(excess);
        excess -= count;
        forget_first(attempt, count, &mut names);
    }
    names
}

fn forget_first(attempt: &mut Attempt, count: usize, names: &mut Vec<KnownByName>) {
    let (provider, id) = (&attempt.provider, &attempt.id);
    let times = attempt.authorized_at.drain(..count);
    names.extend(times.map(|at| KnownByName::Authorization(provider.clone(), id.clone(), at)));
}

/// Sums up the captures of an attempt that is folded as a whole, unless it has only one, and forgets the times of its
/// authorizations. (A capture with an id has its name already; but an event is about one capture, whichever attempt it
/// names.)
pub fn reduce(attempt: &mut Attempt) -> Vec<KnownByName> {
    let mut names = Vec::new();
    let captures = if attempt.capture_count() > 1 { attempt.captures.len() } else { 0 };
    sum_up_first(attempt, captures, &mut names);
    forget_first(attempt, attempt.authorized_at.len(), &mut names);
    let kept = attempt.captures.iter();
    names.extend(kept.map(|capture| name_of(attempt, capture.identity.clone())));
    names
}

/// Whether the payments keep more of anything than `most`, or nearly so. Nothing is to be folded otherwise.
pub fn is_large(payments: &Payments, most: usize) -> bool {
    let attempts = payments.attempts.iter();
    let all = attempts.map(|one| 1 + one.captures.len() + one.authorized_at.len()).sum::<usize>();
    all + payments.refunds.len() + payments.disputes.len() > most
}

/// The payments as if no item were folded: with all of their `items`. (The captures of attempts that are summed up stay so.)
pub fn whole(payments: &Payments, items: impl IntoIterator<Item = FoldedItem>) -> Payments {
    let mut items: Vec<_> = items.into_iter().collect();
    items.sort_by_key(|item| item.place);
    let mut whole = Payments { folded: None, ..Payments::default() };
    let mut attempts = payments.attempts.clone();
    for item in items {
        match item.content {
            FoldedContent::Attempt(attempt) => attempts.push(attempt),
            FoldedContent::Refund(refund) => whole.refunds.push(refund),
            FoldedContent::Dispute(dispute) => whole.disputes.push(dispute),
            FoldedContent::Nothing | FoldedContent::RefundsOfUnknownAttempt(_) => {}
        }
    }
    unfold_attempts(&mut whole, attempts);
    whole.refunds.extend(payments.refunds.iter().cloned());
    whole.disputes.extend(payments.disputes.iter().cloned());
    let Payments { waiting, ended, accepted, made_good, derived_refunds, .. } = payments.clone();
    Payments { waiting, ended, accepted, made_good, derived_refunds, ..whole }
}
