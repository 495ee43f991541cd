//! The refund that a notification is about.

use super::items;
use crate::states;
use crate::tables;
use orderly_domain::id::{AttemptId, Provider, RefundId};
use orderly_domain::payment::rules::referenced;
use orderly_domain::payment::{FoldedContent, FoldedItem, Payments, Refund};
use orderly_store::{NameHash, Ordinal, View};

/// The refund of an order whose notification has that reference, folded or not.
pub fn refund_of_notification(
    view: &View,
    order: Ordinal,
    reference: &str,
) -> Result<Option<Refund>, states::Error> {
    let Some(payments) = states::read::<Payments>(view, order)? else {
        return Ok(None);
    };
    if payments.folded.is_none() {
        return Ok(referenced(&payments, reference).cloned());
    }
    // the first refund with an id has the id as its reference
    if let Ok(id) = RefundId::new(reference)
        && let Some(refund) = folded(view, &items::refund_id(order, &id))?
        && refund.amount > 0
    {
        return Ok(Some(refund));
    }
    if let Some(refund) = referenced(&payments, reference) {
        return Ok(Some(refund.clone()));
    }
    for (id, provider, attempt) in places(reference) {
        let name = items::refund(order, &id, (Some(&provider), Some(&attempt)));
        if let Some(refund) = folded(view, &name)? {
            return Ok(Some(refund));
        }
    }
    Ok(None)
}

fn folded(view: &View, name: &NameHash) -> Result<Option<Refund>, states::Error> {
    let Some(ordinal) = view.find(tables::FOLDED, name)? else {
        return Ok(None);
    };
    let item = states::read::<FoldedItem>(view, ordinal)?;
    Ok(item.and_then(|item| match item.content {
        FoldedContent::Refund(refund) => Some(refund),
        _ => None,
    }))
}

/// Every way to read a reference as `id@provider/attempt`: ids may have these characters too.
fn places(reference: &str) -> Vec<(RefundId, Provider, AttemptId)> {
    let mut found = Vec::new();
    for (at, _) in reference.match_indices('@') {
        let (id, rest) = (&reference[..at], &reference[at + 1..]);
        for (slash, _) in rest.match_indices('/') {
            let (provider, attempt) = (&rest[..slash], &rest[slash + 1..]);
            if let (Ok(id), Ok(provider), Ok(attempt)) =
                (RefundId::new(id), Provider::new(provider), AttemptId::new(attempt))
            {
                found.push((id, provider, attempt));
            }
        }
    }
    found
}
