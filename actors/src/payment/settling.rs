//! Keeps the payments of an order small, however many attempts, refunds and disputes there are: folds what was taken back,
//! and the oldest of what is too much (see `orderly_domain::payment::rules`).
//!
//! Invariants: the payments keep a bounded number of items of each kind. Their sums of folded items are those of the
//! records. An item that was folded once has its record and its name for ever.

use super::actor::PaymentActor;
use super::belonging::name_of_capture;
use super::items;
use super::unfolding::{Taken, Unfolded};
use crate::changeset::Changeset;
use crate::outcome::Fault;
use crate::tables;
use orderly_domain::identity::NameOf;
use orderly_domain::payment::rules::{self, KnownByName};
use orderly_domain::payment::{Dispute, FoldedContent, FoldedItem, Refund, add_to};
use orderly_store::{NameHash, Ordinal};
use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;

impl PaymentActor {
    /// Stages the payments of an order, with as much folded as is too much.
    pub(super) fn settle(
        &mut self,
        mut known: Unfolded,
        changeset: &mut Changeset,
    ) -> Result<(), Fault> {
        if known.has_folded() || rules::is_large(&known.payments, self.kept) {
            self.fold(&mut known, changeset)?;
        }
        changeset.stage(&mut self.payments, known.order, known.payments);
        Ok(())
    }

    fn fold(&mut self, known: &mut Unfolded, changeset: &mut Changeset) -> Result<(), Fault> {
        self.keep_refunds_of_dropped_attempts(known)?;
        let most = self.kept;
        for taken in take(&mut known.refunds) {
            let same = |one: &Refund| is_refund(&taken.item.content, one);
            // one that was made anew is among the newest now, and is no folded one
            let is_in_place = known.payments.refunds.first().is_some_and(same);
            let refund = is_in_place.then(|| known.payments.refunds.remove(0));
            self.fold_refund_again(known, &taken, refund, changeset)?;
        }
        for refund in rules::fold_refunds(&mut known.payments, most) {
            self.fold_refund(known, refund, changeset)?;
        }
        for taken in take(&mut known.disputes) {
            let same = |one: &Dispute| is_dispute(&taken.item.content, one);
            let place = known.payments.disputes.iter().position(same);
            let dispute = place.map(|place| known.payments.disputes.remove(place));
            let content = dispute.map_or(FoldedContent::Nothing, FoldedContent::Dispute);
            self.put_again(known, &taken, content, changeset);
        }
        for dispute in rules::fold_disputes(&mut known.payments, most) {
            let name = items::dispute(known.order, &dispute.id, dispute.provider.as_ref());
            self.put_content(known, name, FoldedContent::Dispute(dispute), changeset)?;
        }
        let mut names = rules::fold_captures(&mut known.payments, most);
        names.extend(rules::fold_authorizations(&mut known.payments, most));
        self.fold_attempts(known, &mut names, changeset)?;
        self.give_names(known, names, changeset)?;
        self.put_refunds_of_unknown_attempts(known, changeset)
    }

    /// An attempt that ended without money may be dropped; what was refunded of it is not.
    fn keep_refunds_of_dropped_attempts(&mut self, known: &mut Unfolded) -> Result<(), Fault> {
        let before = self.payments.get(known.order)?;
        let kept = before.iter().flat_map(|payments| &payments.attempts);
        let taken: Vec<_> = known.attempts.iter().map(|taken| taken.item.clone()).collect();
        let taken = taken.iter().filter_map(|item| match &item.content {
            FoldedContent::Attempt(attempt) => Some(attempt),
            _ => None,
        });
        for attempt in kept.chain(taken) {
            let Some(folded) = &attempt.folded else { continue };
            if known.attempt(&attempt.provider, &attempt.id).is_none() {
                let unknown = known.unknown(&attempt.provider, &attempt.id);
                unknown.sums.clone_from(&folded.refunds);
            }
        }
        Ok(())
    }

    fn fold_attempts(
        &mut self,
        known: &mut Unfolded,
        names: &mut Vec<KnownByName>,
        changeset: &mut Changeset,
    ) -> Result<(), Fault> {
        for unknown in &mut take(&mut known.unknown) {
            // it is known by now
            match known.attempt(&unknown.provider, &unknown.attempt) {
                Some(attempt) if !unknown.sums.is_empty() => {
                    let folded = attempt.folded.get_or_insert_default();
                    for one in unknown.sums.drain(..) {
                        add_to(&mut folded.refunds, one.currency, one.sum.0);
                    }
                    let name = items::attempt(known.order, &unknown.provider, &unknown.attempt);
                    self.put_content(known, name, FoldedContent::Nothing, changeset)?;
                }
                Some(_) => {}
                None => {
                    let sums = take(&mut unknown.sums);
                    known.unknown(&unknown.provider, &unknown.attempt).sums = sums;
                }
            }
        }
        let taken = take(&mut known.attempts);
        let numbers: BTreeSet<_> = taken.iter().filter_map(number_of).collect();
        let again = rules::take_attempts(&mut known.payments, |one| numbers.contains(&one.number));
        let mut again: BTreeMap<_, _> = again.into_iter().map(|one| (one.number, one)).collect();
        for taken in taken {
            let attempt = number_of(&taken).and_then(|number| again.remove(&number));
            let content = attempt.map_or(FoldedContent::Nothing, |mut attempt| {
                names.extend(rules::reduce(&mut attempt));
                FoldedContent::Attempt(attempt)
            });
            self.put_again(known, &taken, content, changeset);
        }
        for mut attempt in rules::fold_attempts(&mut known.payments, self.kept) {
            names.extend(rules::reduce(&mut attempt));
            let name = items::attempt(known.order, &attempt.provider, &attempt.id);
            let folded = known.folded();
            folded.last_attempt = folded.last_attempt.max(attempt.number);
            self.put_content(known, name, FoldedContent::Attempt(attempt), changeset)?;
        }
        Ok(())
    }

    fn put_refunds_of_unknown_attempts(
        &mut self,
        known: &mut Unfolded,
        changeset: &mut Changeset,
    ) -> Result<(), Fault> {
        for unknown in take(&mut known.unknown) {
            let name = items::attempt(known.order, &unknown.provider, &unknown.attempt);
            let content = if unknown.sums.is_empty() {
                FoldedContent::Nothing
            } else {
                FoldedContent::RefundsOfUnknownAttempt(unknown.sums)
            };
            self.put_content(known, name, content, changeset)?;
        }
        Ok(())
    }

    /// Folds a refund that was folded before and was taken back. `None`: it is gone.
    fn fold_refund_again(
        &mut self,
        known: &mut Unfolded,
        taken: &Taken,
        refund: Option<Refund>,
        changeset: &mut Changeset,
    ) -> Result<(), Fault> {
        let content = match refund {
            Some(refund) => {
                self.count_for_attempt(known, &refund, 1)?;
                FoldedContent::Refund(refund)
            }
            None => FoldedContent::Nothing,
        };
        self.put_again(known, taken, content, changeset);
        Ok(())
    }

    /// Folds a refund for the first time.
    fn fold_refund(
        &mut self,
        known: &mut Unfolded,
        refund: Refund,
        changeset: &mut Changeset,
    ) -> Result<(), Fault> {
        self.count_for_attempt(known, &refund, 1)?;
        let id = items::refund_id(known.order, &refund.id);
        let place = (refund.provider.as_ref(), refund.attempt.as_ref());
        let name = items::refund(known.order, &refund.id, place);
        let is_goods_alone = refund.amount == 0 && refund.provider.is_none();
        let is_new = self.items.find(tables::FOLDED, &name)?.is_none();
        let ordinal = self.put_content(known, name, FoldedContent::Refund(refund), changeset)?;
        if is_goods_alone || !is_new {
            return Ok(());
        }
        let Some(first) = self.items.find(tables::FOLDED, &id)? else {
            return self.items.name((tables::FOLDED, id), ordinal, changeset);
        };
        // behind the first record with the same id
        let mut first_item = FoldedItem::clone(&*self.items.get(first)?);
        let mut item = FoldedItem::clone(&*self.items.get(ordinal)?);
        item.same_id = first_item.same_id.replace(ordinal.0);
        self.items.put(first, first_item, changeset);
        self.items.put(ordinal, item, changeset);
        Ok(())
    }

    /// Puts what was taken back into its record again.
    fn put_again(
        &mut self,
        known: &mut Unfolded,
        taken: &Taken,
        content: FoldedContent,
        changeset: &mut Changeset,
    ) {
        known.folded().sums.add(&content);
        if content != taken.item.content {
            let item = FoldedItem { content, ..FoldedItem::clone(&taken.item) };
            self.items.put(taken.ordinal, item, changeset);
        }
    }

    /// Puts an item into the record of that name. The first one makes the record.
    fn put_content(
        &mut self,
        known: &mut Unfolded,
        name: NameHash,
        content: FoldedContent,
        changeset: &mut Changeset,
    ) -> Result<Ordinal, Fault> {
        let order = known.order;
        let folded = known.folded();
        folded.sums.add(&content);
        let place = folded.places;
        folded.places += 1;
        if let Some(ordinal) = self.items.find(tables::FOLDED, &name)? {
            let item = self.items.get(ordinal)?;
            let item = FoldedItem { place, content, ..FoldedItem::clone(&item) };
            self.items.put(ordinal, item, changeset);
            return Ok(ordinal);
        }
        let ordinal = self.items.make();
        let before = folded.newest.replace(ordinal.0);
        let item = FoldedItem { order: order.0, before, place, same_id: None, content };
        self.items.put(ordinal, item, changeset);
        self.items.name((tables::FOLDED, name), ordinal, changeset)?;
        Ok(ordinal)
    }

    /// Gives names to what is known by its name alone from now on.
    pub(super) fn give_names(
        &mut self,
        known: &mut Unfolded,
        names: Vec<KnownByName>,
        changeset: &mut Changeset,
    ) -> Result<(), Fault> {
        let order = known.order;
        for name in names {
            let name = match name {
                KnownByName::Capture(provider, attempt, id) => {
                    name_of_capture(&provider, &attempt, &id)
                }
                KnownByName::Event(provider, event) => {
                    known.folded().has_names = true;
                    items::event(order, &provider, &event)
                }
                KnownByName::Authorization(provider, attempt, at) => {
                    known.folded().has_names = true;
                    items::authorization(order, (&provider, &attempt), at)
                }
                KnownByName::EndedAttempt(provider, attempt) => {
                    known.folded().has_names = true;
                    items::ended_attempt(order, &provider, &attempt)
                }
                KnownByName::Share(id, provider, attempt, at) => {
                    known.folded().has_names = true;
                    items::result(order, NameOf::RefundSuccess, &id, (&provider, &attempt), at)
                }
                KnownByName::Failure(id, provider, attempt, at) => {
                    known.folded().has_names = true;
                    items::result(order, NameOf::RefundFailure, &id, (&provider, &attempt), at)
                }
            };
            self.items.name((tables::ORDERS, name), order, changeset)?;
        }
        Ok(())
    }
}

fn is_refund(content: &FoldedContent, refund: &Refund) -> bool {
    match content {
        FoldedContent::Refund(known) => {
            known.id == refund.id
                && known.provider == refund.provider
                && known.attempt == refund.attempt
        }
        _ => false,
    }
}

fn number_of(taken: &Taken) -> Option<u32> {
    match &taken.item.content {
        FoldedContent::Attempt(attempt) => Some(attempt.number),
        _ => None,
    }
}

fn is_dispute(content: &FoldedContent, dispute: &Dispute) -> bool {
    match content {
        FoldedContent::Dispute(known) => {
            known.id == dispute.id && known.provider == dispute.provider
        }
        _ => false,
    }
}
