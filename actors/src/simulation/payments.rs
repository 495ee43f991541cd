//! The payments of an order with all that is folded of them, for tests that look at each item.

use crate::states;
use orderly_domain::payment::rules::whole;
use orderly_domain::payment::{FoldedItem, Payments};
use orderly_store::{Ordinal, View};

/// The payments of an order as if no attempt, refund or dispute were folded. `None`: the order has no payments.
pub fn payments(view: &View, order: Ordinal) -> Result<Option<Payments>, states::Error> {
    let Some(payments) = states::read::<Payments>(view, order)? else {
        return Ok(None);
    };
    let mut items = Vec::new();
    let mut next = payments.folded.as_ref().and_then(|folded| folded.newest);
    while let Some(ordinal) = next {
        let item = states::read::<FoldedItem>(view, Ordinal(ordinal))?;
        next = item.as_ref().and_then(|item| item.before);
        items.extend(item);
    }
    Ok(Some(whole(&payments, items)))
}
