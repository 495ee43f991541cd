//! Refunds: which are requested, which succeeded, which failed.

use super::super::folded::MOST_ASKED;
use super::super::state::{Payments, Refund, RefundPart, RefundState, Success};
use super::change::{CallbackEffect, Change, Phase, Progress};
use super::money::{is_too_much, limit_made_good, make_good, refundable, shares, still_holds};
use super::outcomes;
use crate::command::PaymentCallback;
use crate::id::{AttemptId, Provider, RefundId};
use crate::money::Currency;
use crate::time::Timestamp;
use crate::verdict::{Reason, Refusal};

/// The refund that the callback is about: of the same provider and attempt. A request of an earlier build names no
/// provider.
pub(super) fn find(payments: &Payments, callback: &PaymentCallback) -> Option<usize> {
    let id = callback.refund_id.as_ref()?;
    let is_same = |refund: &Refund| {
        refund.id == *id
            && refund.provider.as_ref() == Some(&callback.provider)
            && refund.attempt.as_ref() == Some(&callback.attempt_id)
    };
    let is_unnamed = |refund: &Refund| {
        refund.id == *id && refund.provider.is_none() && refund.state == RefundState::Requested
    };
    let refunds = &payments.refunds;
    refunds.iter().position(is_same).or_else(|| refunds.iter().position(is_unnamed))
}

/// A success counts once, by its time. Those of a refund that was asked for add up until they reach what was asked for.
pub(super) fn succeeded(
    payments: &Payments,
    callback: &PaymentCallback,
    currency: Currency,
    phase: Phase,
) -> (CallbackEffect, Option<Change>) {
    let (Some(id), Some(amount), Some(paid_in)) =
        (&callback.refund_id, callback.amount, callback.currency)
    else {
        return (CallbackEffect::Stale, None); // not reached: decoding requires all three
    };
    let (at, amount) = (callback.occurred_at, amount.get());
    let place = find(payments, callback);
    let known = place.map(|place| &payments.refunds[place]);
    if let Some(known) = known {
        if known.state == RefundState::Succeeded {
            return (CallbackEffect::Stale, reported_again(known, at, place));
        }
        let is_known = known.successes.iter().any(|one| one.at == at);
        let is_in_another_currency = !known.successes.is_empty() && known.currency != paid_in;
        if known.bounced_at > Some(at) || is_known || is_in_another_currency {
            return (CallbackEffect::Stale, None);
        }
    }
    let mut refund = known.map_or_else(|| new(id, 0, paid_in, RefundState::Failed), Refund::clone);
    (refund.provider, refund.attempt) = place_of(callback);
    let is_asked = refund.request.is_some();
    if !is_asked || refund.currency != paid_in {
        // not what was asked for: what came is all that comes
        (refund.amount, refund.currency) = (amount, paid_in);
    }
    refund.early = !is_asked && phase != Phase::Sold && paid_in == currency;
    outcomes::succeed(&mut refund, Success { at, amount });
    let first = payments.refunds.iter().position(|refund| is_money(refund, id)).or(place);
    let part = match refund.state {
        RefundState::Requested | RefundState::Failed => Progress::Share,
        RefundState::Succeeded if first == place => Progress::First,
        RefundState::Succeeded => Progress::Further,
    };
    let came = refund.sent_back() - known.map_or(0, Refund::sent_back);
    let early = refund.early;
    let change = Change::Refund { known: place, refund };
    let effect = if came == 0 {
        return (CallbackEffect::Stale, None); // it failed after that
    } else if came < 0 {
        bounced(-came, early, paid_in == currency)
    } else if paid_in == currency {
        CallbackEffect::Refunded { amount: came, early, part }
    } else {
        let mut after = payments.clone();
        super::apply(&mut after, change.clone());
        let is_too_much = is_too_much(&after, paid_in);
        CallbackEffect::RefundedInOtherCurrency { is_too_much, part }
    };
    (effect, Some(change))
}

/// A success of a refund that has succeeded is the same one, reported once more. Only what fails after that undoes it.
fn reported_again(refund: &Refund, at: Timestamp, place: Option<usize>) -> Option<Change> {
    let mut refund = refund.clone();
    let newest = refund.successes.iter_mut().max_by_key(|one| one.at)?;
    if at <= newest.at {
        return None;
    }
    newest.at = at;
    Some(Change::Refund { known: place, refund })
}

fn bounced(amount: i64, early: bool, is_own_currency: bool) -> CallbackEffect {
    if is_own_currency {
        CallbackEffect::Bounced { amount, early }
    } else {
        CallbackEffect::BouncedInOtherCurrency
    }
}

fn place_of(callback: &PaymentCallback) -> (Option<Provider>, Option<AttemptId>) {
    (Some(callback.provider.clone()), Some(callback.attempt_id.clone()))
}

/// Whether it is a refund of that id, with money: goods that came back without money have one too.
fn is_money(refund: &Refund, id: &RefundId) -> bool {
    refund.id == *id && refund.amount > 0
}

/// The reference of the notification of a refund: its id. Several refunds may have the same id, at other attempts; then all
/// but the first name their provider and attempt too.
pub fn refund_reference(
    (id, is_first): (&RefundId, bool),
    provider: &Provider,
    attempt: &AttemptId,
) -> String {
    if is_first { id.as_str().to_owned() } else { format!("{id}@{provider}/{attempt}") }
}

/// The refund whose notification has that reference.
pub fn referenced<'a>(payments: &'a Payments, reference: &str) -> Option<&'a Refund> {
    let mut refunds = payments.refunds.iter().filter(|refund| refund.amount > 0);
    let first = refunds.find(|refund| refund.id.as_str() == reference);
    first.or_else(|| {
        payments.refunds.iter().find(|refund| match (&refund.provider, &refund.attempt) {
            (Some(provider), Some(attempt)) => {
                refund_reference((&refund.id, false), provider, attempt) == reference
            }
            (Some(_) | None, _) => false,
        })
    })
}

/// A refund that is pending fails, or what is left of it; or a refund that had succeeded bounces.
pub(super) fn failed(
    payments: &Payments,
    callback: &PaymentCallback,
    currency: Currency,
) -> (CallbackEffect, Option<Change>) {
    let Some(id) = &callback.refund_id else {
        return (CallbackEffect::Stale, None); // not reached: decoding requires the id
    };
    let at = callback.occurred_at;
    let place = find(payments, callback);
    let known = place.map(|place| &payments.refunds[place]);
    if known.is_some_and(|known| known.failed_at >= Some(at)) {
        return (CallbackEffect::Stale, None); // a failure of the same time is known
    }
    let mut refund = known.map_or_else(|| new(id, 0, currency, RefundState::Failed), Refund::clone);
    (refund.provider, refund.attempt) = place_of(callback);
    outcomes::fail(&mut refund, at);
    let came_back = known.map_or(0, Refund::sent_back) - refund.sent_back();
    let has_failed = known.is_some_and(|known| known.state != refund.state);
    let effect = if came_back > 0 {
        bounced(came_back, refund.early, refund.currency == currency)
    } else if has_failed {
        CallbackEffect::RefundFailed
    } else {
        CallbackEffect::Stale
    };
    let is_news = known != Some(&refund);
    (effect, is_news.then_some(Change::Refund { known: place, refund }))
}

/// Whether the callback is about a refund of which more shares came than are kept: the others are known by their names.
pub fn has_summed_up(payments: &Payments, callback: &PaymentCallback) -> bool {
    let known = find(payments, callback).map(|place| &payments.refunds[place]);
    known.is_some_and(|known| known.successes.len() == outcomes::MOST_SHARES)
}

/// Requests a refund of `amount` of an order in `currency` under `id`, and gives the parts that the providers must
/// carry out, one for each attempt that holds the money. `restocks` says whether goods are returned with the refund.
///
/// A refund that failed is requested again, in the currency that it had: only the parts that failed.
///
/// # Errors
///
/// So much may not be refunded, or the id is taken. Then nothing has changed.
pub fn request(
    payments: &mut Payments,
    id: &RefundId,
    amount: i64,
    currency: Currency,
    restocks: bool,
) -> Result<Vec<Refund>, Refusal> {
    let known = places(payments, id, |_| true);
    let failed = places(payments, id, |refund| refund.state == RefundState::Failed);
    let Some(first) = known.first().map(|place| &payments.refunds[*place]) else {
        let is_taken = |refund: &Refund| refund.id == *id && refund.state == RefundState::Succeeded;
        if payments.refunds.iter().any(is_taken) {
            let detail = RefundState::Succeeded.as_str(); // goods came back under that id
            return Err(Refusal::with(Reason::RefundExists, detail));
        }
        return request_anew(payments, id, amount, currency, restocks);
    };
    let currency = first.currency;
    if failed.is_empty() || amount == 0 {
        return Err(Refusal::with(Reason::RefundExists, first.state.as_str()));
    }
    let sum = |places: &[usize], amount: fn(&Refund) -> i64| {
        let amounts = places.iter().map(|place| amount(&payments.refunds[*place]));
        amounts.fold(0, i64::saturating_add)
    };
    let failed_in_all = sum(&failed, Refund::failed);
    let is_same = amount == failed_in_all || amount == sum(&known, |refund| refund.amount);
    let is_whole = failed.len() == known.len() && sum(&known, Refund::sent_back) == 0;
    if is_same && failed.iter().all(|place| still_holds(payments, &payments.refunds[*place])) {
        may_refund(payments, failed_in_all, currency)?;
        if failed.len() > MOST_ASKED {
            return Err(too_many(sum(&failed[..MOST_ASKED], Refund::failed)));
        }
        let parts = known.iter().zip(1..).filter(|(place, _)| failed.contains(place));
        let count = u32::try_from(known.len()).unwrap_or(u32::MAX);
        let parts = parts
            .map(|(place, part)| again(&mut payments.refunds[*place], (part, count), restocks));
        let parts = parts.collect();
        limit_made_good(payments);
        return Ok(parts);
    }
    if is_whole {
        may_ask(payments, amount, currency)?;
        let parts = replace(payments, id, (amount, currency), restocks);
        limit_made_good(payments);
        return Ok(parts);
    }
    if is_same {
        let detail = "the attempts do not hold it any more";
        return Err(Refusal::with(Reason::RefundExceedsPaid, detail));
    }
    let detail = format!("{failed_in_all} of it failed and may be requested again");
    Err(Refusal::with(Reason::RefundExists, detail))
}

/// Requests a refund whose id is new. Without money nobody is asked.
fn request_anew(
    payments: &mut Payments,
    id: &RefundId,
    amount: i64,
    currency: Currency,
    restocks: bool,
) -> Result<Vec<Refund>, Refusal> {
    if amount == 0 {
        let refund = Refund {
            restocked: restocks,
            request: Some(RefundPart::ONLY),
            ..new(id, 0, currency, RefundState::Succeeded)
        };
        payments.refunds.push(refund);
        return Ok(Vec::new());
    }
    may_ask(payments, amount, currency)?;
    // money that another refund failed to send back is sent back by this one
    make_good(payments, currency, amount);
    Ok(replace(payments, id, (amount, currency), restocks))
}

fn may_refund(payments: &Payments, amount: i64, currency: Currency) -> Result<(), Refusal> {
    let most = refundable(payments, currency);
    if amount > most {
        let detail = format!("at most {most} may be refunded");
        return Err(Refusal::with(Reason::RefundExceedsPaid, detail));
    }
    Ok(())
}

/// The same for a refund whose parts are made anew: one step asks so many attempts.
fn may_ask(payments: &Payments, amount: i64, currency: Currency) -> Result<(), Refusal> {
    may_refund(payments, amount, currency)?;
    let reached =
        shares(payments, amount, currency, MOST_ASKED).iter().map(|share| share.amount).sum();
    if amount > reached { Err(too_many(reached)) } else { Ok(()) }
}

fn too_many(reached: i64) -> Refusal {
    let detail = format!(
        "at most {reached} may be refunded at once: more than {MOST_ASKED} attempts hold the rest"
    );
    Refusal::with(Reason::RefundExceedsPaid, detail)
}

/// Makes the parts of a refund anew, in place of those that failed. What is known of the failures of others stays known, behind
/// the parts: money that one of those sends back after all changes the number of no part.
fn replace(
    payments: &mut Payments,
    id: &RefundId,
    (amount, currency): (i64, Currency),
    restocks: bool,
) -> Vec<Refund> {
    let is_failed = |refund: &Refund| refund.id == *id && refund.state == RefundState::Failed;
    let failed: Vec<_> = payments.refunds.iter().filter(|one| is_failed(one)).cloned().collect();
    let tries = failed.iter().filter_map(|part| part.request).map(|one| one.tries).max();
    let restocked = restocks || failed.iter().any(|part| part.restocked);
    let mut parts = requested(payments, id, (amount, currency), tries.unwrap_or(0) + 1, MOST_ASKED);
    for part in &mut parts {
        let known = failed.iter().find(|known| is_at_same_place(known, part));
        part.failed_at = known.and_then(|known| known.failed_at);
        part.restocked = restocked;
    }
    payments.refunds.retain(|known| !is_failed(known));
    payments.refunds.extend(parts.iter().cloned());
    let failures = failed.into_iter().filter(|known| {
        known.failed_at.is_some() && !parts.iter().any(|part| is_at_same_place(known, part))
    });
    payments.refunds.extend(failures.map(|known| {
        let Refund { provider, attempt, currency, failed_at, bounced_at, .. } = known;
        let failure = new(id, 0, currency, RefundState::Failed);
        Refund { provider, attempt, failed_at, bounced_at, ..failure }
    }));
    parts
}

/// The places of the refunds of money with that id.
fn places(payments: &Payments, id: &RefundId, wanted: impl Fn(&Refund) -> bool) -> Vec<usize> {
    let refunds = payments.refunds.iter().enumerate();
    let of_id = refunds.filter(|(_, refund)| is_money(refund, id) && wanted(refund));
    of_id.map(|(place, _)| place).collect()
}

/// Whether the two are one for their provider: a refund of that id at the same attempt.
fn is_at_same_place(known: &Refund, part: &Refund) -> bool {
    known.id == part.id && known.provider == part.provider && known.attempt == part.attempt
}

/// Requests the refund that failed once more, as that part of so many.
fn again(refund: &mut Refund, (part, parts): (u32, u32), restocks: bool) -> Refund {
    let tries = refund.request.map_or(0, |request| request.tries) + 1;
    refund.state = RefundState::Requested;
    refund.request = Some(RefundPart { part, parts, tries });
    refund.restocked |= restocks;
    refund.early = false;
    refund.bounced_at = None;
    refund.clone()
}

/// Requests a refund that orderly makes by itself, and gives the parts that the providers must carry out. `amount` must be
/// at most what is [`refundable`]. It asks `most` attempts at most, which may hold less. A part that has succeeded before it was
/// requested stays succeeded.
pub fn request_by_itself(
    payments: &mut Payments,
    id: &RefundId,
    (amount, currency): (i64, Currency),
    most: usize,
) -> Vec<Refund> {
    let parts = requested(payments, id, (amount, currency), 1, most);
    for part in &parts {
        let mut known = payments.refunds.iter_mut();
        match known.find(|known| is_at_same_place(known, part)) {
            None => payments.refunds.push(part.clone()),
            Some(known) if known.state == RefundState::Failed => {
                *known = Refund { failed_at: known.failed_at, ..part.clone() };
            }
            Some(_) => {}
        }
    }
    parts
}

/// Whether goods were returned with the refund when it was requested before.
pub fn was_restocked(payments: &Payments, id: &RefundId) -> bool {
    payments.refunds.iter().any(|refund| refund.id == *id && refund.restocked)
}

/// The parts of a refund that is requested for the `tries`-th time.
fn requested(
    payments: &Payments,
    id: &RefundId,
    (amount, currency): (i64, Currency),
    tries: u32,
    most: usize,
) -> Vec<Refund> {
    let shares = shares(payments, amount, currency, most);
    let parts = u32::try_from(shares.len()).unwrap_or(u32::MAX);
    let parts = (1..).zip(shares).map(|(part, share)| Refund {
        provider: Some(share.provider),
        attempt: Some(share.attempt),
        request: Some(RefundPart { part, parts, tries }),
        ..new(id, share.amount, currency, RefundState::Requested)
    });
    parts.collect()
}

fn new(id: &RefundId, amount: i64, currency: Currency, state: RefundState) -> Refund {
    Refund {
        id: id.clone(),
        provider: None,
        attempt: None,
        amount,
        currency,
        state,
        restocked: false,
        request: None,
        successes: Vec::new(),
        early: false,
        failed_at: None,
        bounced_at: None,
    }
}
