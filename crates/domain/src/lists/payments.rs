//! The lists of an order's payments.

use super::changes::{InLists, compare};
use super::{Changed, List, Listed};
use crate::order::Order;
use crate::payment::rules::attention;
use crate::payment::{Attempt, CaptureIdentity, FoldedContent, FoldedItem, Payments, RefundState};

/// The lists that an order is in by its payments, but for those of its money: see [`of_money`].
pub fn of_payments(payments: &Payments) -> Vec<Listed> {
    let mut lists = Vec::new();
    payments.each(&mut |list| lists.push(list));
    lists
}

/// The lists that a folded item is in.
pub fn of_folded_item(item: &FoldedItem) -> Vec<Listed> {
    let mut lists = Vec::new();
    item.each(&mut |list| lists.push(list));
    lists
}

/// Whether a refund waits for its provider.
pub fn has_pending_refund(payments: &Payments) -> bool {
    payments.refunds.iter().any(|refund| refund.state == RefundState::Requested)
        || payments
            .folded
            .iter()
            .flat_map(|folded| &folded.sums.money)
            .any(|money| money.requested.0 != 0)
}

/// The lists that an order is in by its money: those of pending refunds, and of money that a person must look at. The
/// payments know neither the currency of the order nor when it was placed; both never change.
pub fn of_money(order: &Order, payments: &Payments) -> Vec<Listed> {
    let mut lists = Vec::new();
    if is_plain(order, payments) {
        return lists;
    }
    if has_pending_refund(payments) {
        lists.push(Listed::new(List::RefundPending, order.placed_at.micros()));
    }
    if !attention(payments, order.currency).is_empty() {
        lists.push(Listed::new(List::Attention, order.placed_at.micros()));
    }
    lists
}

/// Whether nothing was ever sent back, and all money is in the currency of the order: then nothing is pending, and nobody
/// must look at it. So it is with most payments, and is quickly said.
fn is_plain(order: &Order, payments: &Payments) -> bool {
    payments.refunds.is_empty()
        && payments.folded.is_none()
        && payments.attempts.iter().all(|attempt| {
            attempt.folded.is_none()
                && attempt.captures.iter().all(|capture| capture.currency == order.currency)
        })
}

fn ids_of_attempt<'a>(attempt: &'a Attempt, add: &mut impl FnMut(&'a str)) {
    add(attempt.id.as_str());
    for capture in &attempt.captures {
        match &capture.identity {
            CaptureIdentity::Capture(id) => add(id.as_str()),
            CaptureIdentity::Event(id) => add(id.as_str()),
        }
    }
}

/// The ids of providers in the payments. Some may occur several times.
fn ids<'a>(payments: &'a Payments, add: &mut impl FnMut(&'a str)) {
    for attempt in &payments.attempts {
        ids_of_attempt(attempt, add);
    }
    for refund in &payments.refunds {
        add(refund.id.as_str());
    }
    for dispute in &payments.disputes {
        add(dispute.id.as_str());
    }
}

fn waiting(payments: &Payments) -> Option<Listed> {
    let first = payments.waiting.iter().map(|waiting| waiting.since).min()?;
    Some(Listed::new(List::Waiting, first.micros()))
}

impl InLists for Payments {
    fn each(&self, add: &mut impl FnMut(Listed)) {
        waiting(self).into_iter().for_each(&mut *add);
        let mut seen = Vec::new();
        ids(self, &mut |id| {
            if !seen.contains(&id) {
                seen.push(id);
                add(Listed::new(List::Reference(id), 0));
            }
        });
    }

    fn changes(&self, before: &Self, changed: &mut impl FnMut(Listed, Changed)) {
        // most callbacks add one id or none: what is the same in both is not hashed
        let (mut after_ids, mut before_ids) = (Vec::new(), Vec::new());
        ids(self, &mut |id| after_ids.push(id));
        ids(before, &mut |id| before_ids.push(id));
        if after_ids != before_ids {
            for ids in [&mut after_ids, &mut before_ids] {
                ids.sort_unstable();
                ids.dedup();
            }
            let gone = before_ids.iter().filter(|id| after_ids.binary_search(id).is_err());
            gone.for_each(|id| changed(Listed::new(List::Reference(id), 0), Changed::Gone));
            let added = after_ids.iter().filter(|id| before_ids.binary_search(id).is_err());
            added.for_each(|id| changed(Listed::new(List::Reference(id), 0), Changed::Added));
        }
        let (now, then) = (waiting(self), waiting(before));
        if now != then {
            if let Some(list) = then {
                changed(list, Changed::Gone);
            }
            if let Some(list) = now {
                changed(list, Changed::Added);
            }
        }
    }
}

impl InLists for FoldedItem {
    fn each(&self, add: &mut impl FnMut(Listed)) {
        let mut seen = Vec::new();
        let mut add_id = |id| {
            if !seen.contains(&id) {
                seen.push(id);
                add(Listed::new(List::FoldedReference(id), 0));
            }
        };
        match &self.content {
            FoldedContent::Nothing | FoldedContent::RefundsOfUnknownAttempt(_) => {}
            FoldedContent::Attempt(attempt) => ids_of_attempt(attempt, &mut add_id),
            FoldedContent::Refund(refund) => add_id(refund.id.as_str()),
            FoldedContent::Dispute(dispute) => add_id(dispute.id.as_str()),
        }
    }

    fn changes(&self, before: &Self, changed: &mut impl FnMut(Listed, Changed)) {
        if self.content != before.content {
            compare(self, before, changed);
        }
    }
}
