//! Takes folded items back into the payments of an order, as far as a callback or a command is about them.
//!
//! Invariant: what the rules decide does not depend on what is folded. Afterwards the items are folded again, see
//! [`settling`](super::settling).

use super::actor::PaymentActor;
use super::belonging::name_of_result;
use super::items;
use crate::outcome::Fault;
use crate::tables;
use orderly_domain::command::{CallbackKind, PaymentCallback};
use orderly_domain::id::{AttemptId, DisputeId, Provider, RefundId};
use orderly_domain::money::Currency;
use orderly_domain::payment::rules::{self, Requested};
use orderly_domain::payment::{
    Attempt, CurrencySum, Folded, FoldedContent, FoldedItem, FoldedOfAttempt, Payments, Refund,
    RefundState, add_to,
};
use orderly_store::Ordinal;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The payments of an order, with the folded items that are taken back for the command in hand.
pub(super) struct Unfolded {
    pub(super) order: Ordinal,
    pub(super) payments: Payments,
    pub(super) attempts: Vec<Taken>,
    /// In the order of their places: they are the first refunds of the payments, in the same order.
    pub(super) refunds: Vec<Taken>,
    /// Likewise.
    pub(super) disputes: Vec<Taken>,
    pub(super) unknown: Vec<Unknown>,
}

/// A folded item that is taken back.
pub(super) struct Taken {
    pub(super) ordinal: Ordinal,
    pub(super) item: Arc<FoldedItem>,
}

/// The folded refunds of an attempt that is not known: no other callback has named it, or it ended without money and was
/// dropped.
pub(super) struct Unknown {
    pub(super) provider: Provider,
    pub(super) attempt: AttemptId,
    pub(super) sums: Vec<CurrencySum>,
}

/// What of a callback is known by its name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByName {
    /// Nothing.
    Nothing,
    /// What it reports: it is no news.
    Known,
    /// Its attempt, which ended without money.
    EndedAttempt,
}

impl Unfolded {
    pub(super) fn new(order: Ordinal, payments: Payments) -> Self {
        let (attempts, refunds, disputes) = (Vec::new(), Vec::new(), Vec::new());
        Self { order, payments, attempts, refunds, disputes, unknown: Vec::new() }
    }

    /// Whether any item of the order is folded.
    pub(super) fn has_folded(&self) -> bool {
        self.payments.folded.is_some()
    }

    pub(super) fn folded(&mut self) -> &mut Folded {
        self.payments.folded.get_or_insert_default()
    }

    /// Adds to what was to be asked back and was not, in minor units.
    pub(super) fn add_not_asked(&mut self, currency: Currency, amount: i64) {
        if amount != 0 {
            add_to(&mut self.folded().not_asked, currency, amount.into());
        }
    }

    pub(super) fn attempt(&mut self, provider: &Provider, id: &AttemptId) -> Option<&mut Attempt> {
        let mut attempts = self.payments.attempts.iter_mut();
        attempts.find(|one| one.id == *id && one.provider == *provider)
    }

    pub(super) fn unknown(&mut self, provider: &Provider, id: &AttemptId) -> &mut Unknown {
        let is_it = |one: &Unknown| one.provider == *provider && one.attempt == *id;
        let place = self.unknown.iter().position(is_it).unwrap_or_else(|| {
            let (provider, attempt) = (provider.clone(), id.clone());
            self.unknown.push(Unknown { provider, attempt, sums: Vec::new() });
            self.unknown.len() - 1
        });
        &mut self.unknown[place]
    }
}

impl PaymentActor {
    /// The payments of an order, with nothing taken back.
    pub(super) fn unfolded(&mut self, order: Ordinal) -> Result<Unfolded, Fault> {
        Ok(Unfolded::new(order, self.payments_of(order)?))
    }

    /// Takes back what the callback is about.
    pub(super) fn unfold(
        &mut self,
        known: &mut Unfolded,
        callback: &PaymentCallback,
    ) -> Result<(), Fault> {
        let PaymentCallback { provider, attempt_id, refund_id, dispute_id, .. } = callback;
        self.unfold_attempt(known, provider, attempt_id)?;
        // an id that does not belong to the kind means nothing
        match callback.kind {
            CallbackKind::RefundSucceeded | CallbackKind::RefundFailed => match refund_id {
                Some(id) => self.unfold_refund(known, id, provider, attempt_id),
                None => Ok(()),
            },
            CallbackKind::DisputeOpened | CallbackKind::DisputeClosed => match dispute_id {
                Some(id) => self.unfold_dispute(known, id, provider),
                None => Ok(()),
            },
            CallbackKind::ActionRequired
            | CallbackKind::Authorized
            | CallbackKind::Captured
            | CallbackKind::Failed
            | CallbackKind::Voided
            | CallbackKind::Expired => Ok(()),
        }
    }

    /// What of the callback is known by its name alone, since it is not kept.
    pub(super) fn known_by_name(
        &mut self,
        known: &Unfolded,
        callback: &PaymentCallback,
    ) -> Result<ByName, Fault> {
        if !known.payments.folded.as_ref().is_some_and(|folded| folded.has_names) {
            return Ok(ByName::Nothing);
        }
        let PaymentCallback { provider, attempt_id, event_id, occurred_at, .. } = callback;
        let order = known.order;
        let ended = items::ended_attempt(order, provider, attempt_id);
        let (fact, attempt) = match callback.kind {
            CallbackKind::Captured if callback.capture_id.is_none() => {
                (Some(items::event(order, provider, event_id)), None)
            }
            CallbackKind::Authorized => {
                let name = items::authorization(order, (provider, attempt_id), *occurred_at);
                (Some(name), Some(ended))
            }
            CallbackKind::ActionRequired
            | CallbackKind::Failed
            | CallbackKind::Voided
            | CallbackKind::Expired => (None, Some(ended)),
            CallbackKind::RefundSucceeded if rules::has_summed_up(&known.payments, callback) => {
                (name_of_result(order, callback), None)
            }
            CallbackKind::RefundSucceeded
            | CallbackKind::Captured
            | CallbackKind::RefundFailed
            | CallbackKind::DisputeOpened
            | CallbackKind::DisputeClosed => (None, None),
        };
        for (name, what) in [(fact, ByName::Known), (attempt, ByName::EndedAttempt)] {
            if let Some(name) = name
                && self.items.find(tables::ORDERS, &name)?.is_some()
            {
                return Ok(what);
            }
        }
        Ok(ByName::Nothing)
    }

    /// Takes back the attempt, if it is folded.
    pub(super) fn unfold_attempt(
        &mut self,
        known: &mut Unfolded,
        provider: &Provider,
        id: &AttemptId,
    ) -> Result<(), Fault> {
        if !known.has_folded() || known.attempt(provider, id).is_some() {
            return Ok(());
        }
        let name = items::attempt(known.order, provider, id);
        let Some(ordinal) = self.items.find(tables::FOLDED, &name)? else { return Ok(()) };
        if known.attempts.iter().any(|taken| taken.ordinal == ordinal) {
            return Ok(()); // it was taken back, and was dropped
        }
        let item = self.items.get(ordinal)?;
        match &item.content {
            FoldedContent::Attempt(attempt) => {
                known.folded().sums.subtract(&item.content);
                rules::unfold_attempts(&mut known.payments, vec![attempt.clone()]);
                known.attempts.push(Taken { ordinal, item });
            }
            FoldedContent::RefundsOfUnknownAttempt(sums) => {
                let is_it = |one: &Unknown| one.provider == *provider && one.attempt == *id;
                if !known.unknown.iter().any(is_it) {
                    known.unknown(provider, id).sums.clone_from(sums);
                }
            }
            FoldedContent::Nothing | FoldedContent::Refund(_) | FoldedContent::Dispute(_) => {}
        }
        Ok(())
    }

    /// Takes back every folded attempt.
    fn unfold_attempts(&mut self, known: &mut Unfolded) -> Result<(), Fault> {
        let before: BTreeSet<_> = known.attempts.iter().map(|taken| taken.ordinal).collect();
        let mut attempts = Vec::new();
        let mut next = known.payments.folded.as_ref().and_then(|folded| folded.newest);
        while let Some(ordinal) = next.map(Ordinal) {
            let item = self.items.get(ordinal)?;
            next = item.before;
            if let FoldedContent::Attempt(attempt) = &item.content
                && !before.contains(&ordinal)
            {
                known.folded().sums.subtract(&item.content);
                attempts.push(attempt.clone());
                known.attempts.push(Taken { ordinal, item });
            }
        }
        rules::unfold_attempts(&mut known.payments, attempts);
        Ok(())
    }

    /// Takes back folded attempts, if the newest attempts do not hold so much.
    pub(super) fn unfold_holders(
        &mut self,
        known: &mut Unfolded,
        amount: i64,
        currency: Currency,
    ) -> Result<(), Fault> {
        let Some(folded) = &known.payments.folded else { return Ok(()) };
        let newest = rules::holds(&known.payments, currency, folded.last_attempt);
        if folded.sums.attempts > 0 && newest < i128::from(amount) {
            self.unfold_attempts(known)?;
        }
        Ok(())
    }

    /// Takes back folded attempts, if any of them has something to void.
    pub(super) fn unfold_voidable(&mut self, known: &mut Unfolded) -> Result<(), Fault> {
        match &known.payments.folded {
            Some(folded) if folded.sums.voidable > 0 => self.unfold_attempts(known),
            Some(_) | None => Ok(()),
        }
    }

    /// Takes back folded attempts, if any of them can be asked for money in this currency.
    pub(super) fn unfold_capturable(
        &mut self,
        known: &mut Unfolded,
        currency: Currency,
        before: Requested,
    ) -> Result<(), Fault> {
        let folded = known.payments.folded_money(currency);
        let open = match before {
            Requested::Counts => folded.capturable,
            Requested::Failed => folded.authorized,
        };
        if open.0 > 0 {
            self.unfold_attempts(known)?;
        }
        Ok(())
    }

    /// Takes back the refund of that id at one attempt, and the first refund with the id.
    pub(super) fn unfold_refund(
        &mut self,
        known: &mut Unfolded,
        id: &RefundId,
        provider: &Provider,
        attempt: &AttemptId,
    ) -> Result<(), Fault> {
        let Some(folded) = &known.payments.folded else { return Ok(()) };
        let has_unnamed = folded.sums.unnamed > 0;
        let first = self.items.find(tables::FOLDED, &items::refund_id(known.order, id))?;
        let Some(first) = first else { return Ok(()) };
        let is_money = |item: &FoldedItem| match &item.content {
            FoldedContent::Refund(refund) => refund.amount > 0,
            _ => false,
        };
        if has_unnamed || !is_money(&*self.items.get(first)?) {
            return self.unfold_refunds(known, id);
        }
        self.take_refund(known, first)?;
        let name = items::refund(known.order, id, (Some(provider), Some(attempt)));
        match self.items.find(tables::FOLDED, &name)? {
            Some(ordinal) => self.take_refund(known, ordinal),
            None => Ok(()),
        }
    }

    /// Takes back every folded refund with that id.
    pub(super) fn unfold_refunds(
        &mut self,
        known: &mut Unfolded,
        id: &RefundId,
    ) -> Result<(), Fault> {
        if !known.has_folded() {
            return Ok(());
        }
        let first = self.items.find(tables::FOLDED, &items::refund_id(known.order, id))?;
        let mut next = first;
        while let Some(ordinal) = next {
            self.take_refund(known, ordinal)?;
            next = self.items.get(ordinal)?.same_id.map(Ordinal);
        }
        // goods that came back without money
        let name = items::refund(known.order, id, (None, None));
        match self.items.find(tables::FOLDED, &name)? {
            Some(ordinal) => self.take_refund(known, ordinal),
            None => Ok(()),
        }
    }

    /// Takes back the attempts of a refund that failed: whether they still hold its parts decides how it is requested again.
    pub(super) fn unfold_attempts_of(
        &mut self,
        known: &mut Unfolded,
        id: &RefundId,
    ) -> Result<(), Fault> {
        if !known.has_folded() {
            return Ok(());
        }
        let refunds = known.payments.refunds.iter();
        let failed = refunds.filter(|one| one.id == *id && one.state == RefundState::Failed);
        let places = failed.filter_map(|one| one.provider.clone().zip(one.attempt.clone()));
        for (provider, attempt) in places.collect::<Vec<_>>() {
            self.unfold_attempt(known, &provider, &attempt)?;
        }
        Ok(())
    }

    /// Takes back the dispute, if it is folded. A build before this one did not record the provider.
    pub(super) fn unfold_dispute(
        &mut self,
        known: &mut Unfolded,
        id: &DisputeId,
        provider: &Provider,
    ) -> Result<(), Fault> {
        if !known.has_folded() {
            return Ok(());
        }
        for provider in [None, Some(provider)] {
            let name = items::dispute(known.order, id, provider);
            let Some(ordinal) = self.items.find(tables::FOLDED, &name)? else { continue };
            let item = self.items.get(ordinal)?;
            if let FoldedContent::Dispute(dispute) = &item.content {
                known.folded().sums.subtract(&item.content);
                let place = known.disputes.partition_point(|taken| taken.item.place < item.place);
                known.payments.disputes.insert(place, dispute.clone());
                known.disputes.insert(place, Taken { ordinal, item });
            }
        }
        Ok(())
    }

    fn take_refund(&mut self, known: &mut Unfolded, ordinal: Ordinal) -> Result<(), Fault> {
        let item = self.items.get(ordinal)?;
        let FoldedContent::Refund(refund) = &item.content else { return Ok(()) };
        if known.refunds.iter().any(|taken| taken.ordinal == ordinal) {
            return Ok(());
        }
        self.count_for_attempt(known, refund, -1)?;
        known.folded().sums.subtract(&item.content);
        let place = known.refunds.partition_point(|taken| taken.item.place < item.place);
        known.payments.refunds.insert(place, refund.clone());
        known.refunds.insert(place, Taken { ordinal, item });
        Ok(())
    }

    /// Adds a refund to the folded refunds of its attempt, or takes it out. Nothing is done about a refund of nobody in
    /// particular, and one that failed.
    pub(super) fn count_for_attempt(
        &mut self,
        known: &mut Unfolded,
        refund: &Refund,
        sign: i128,
    ) -> Result<(), Fault> {
        let (Some(provider), Some(id)) = (&refund.provider, &refund.attempt) else {
            return Ok(());
        };
        let amount = sign * refund.gone();
        if amount == 0 {
            return Ok(());
        }
        self.unfold_attempt(known, provider, id)?;
        if let Some(attempt) = known.attempt(provider, id) {
            add_to(&mut attempt.folded.get_or_insert_default().refunds, refund.currency, amount);
            attempt.folded.take_if(|folded| **folded == FoldedOfAttempt::default());
            return Ok(());
        }
        let sums = &mut known.unknown(provider, id).sums;
        add_to(sums, refund.currency, amount);
        Ok(())
    }
}
