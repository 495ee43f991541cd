//! Puts the entities of a unit into the lists that operators ask for, and takes them out.

use crate::changeset::Change;
use crate::states::{self, Staged};
use orderly_domain::lists::{self, Changed, InLists, Listed, changes, of_money};
use orderly_domain::order::Order;
use orderly_domain::payment::Payments;
use orderly_domain::record::Origin;
use orderly_planted::{Bug, is_planted};
use orderly_store::{List, Ordinal, Posting, PostingChange, UnitBuilder, View};
use std::sync::Arc;

/// Adds what a change of a state does to lists. `first` is what a place is if the state is new.
pub(super) fn post<S: InLists>(
    builder: &mut UnitBuilder,
    staged: &Staged<S>,
    first: PostingChange,
) {
    let added = if staged.before.is_none() { first } else { PostingChange::Added };
    changes(staged.before.as_deref(), Some(&*staged.after), &mut |listed, changed| {
        let change = match changed {
            Changed::Added => added,
            Changed::Gone if is_planted(Bug::IndexBehindState) => return,
            Changed::Gone => PostingChange::Removed,
        };
        builder.post(posting(staged.ordinal, listed), change);
    });
}

/// The same of a place that an entity has from now on, or has no more.
pub(super) fn post_place(
    builder: &mut UnitBuilder,
    ordinal: Ordinal,
    listed: Listed,
    change: PostingChange,
) {
    builder.post(posting(ordinal, listed), change);
}

/// Lists the unit by the id of its message, and by the event that the message tells.
pub(super) fn post_message(builder: &mut UnitBuilder, origin: &Origin, event: Option<List>) {
    let place = (builder.at(), Ordinal(builder.seq().0));
    let message = match origin {
        Origin::Message { id: Some(id), .. } => {
            Some(List(lists::List::Message(id.as_str()).number()))
        }
        _ => None,
    };
    for list in message.into_iter().chain(event) {
        let posting = Posting { list, rank: place.0, ordinal: place.1 };
        builder.post(posting, PostingChange::New);
    }
}

const fn posting(ordinal: Ordinal, Listed { list, rank }: Listed) -> Posting {
    Posting { list: List(list), rank, ordinal }
}

/// Adds an order to the lists of its money, or takes it out, if its payments changed so.
pub(super) fn post_money(
    builder: &mut UnitBuilder,
    changes: &[Change],
    view: &View,
) -> Result<(), states::Error> {
    for change in changes {
        if let Change::Payments(payments) = change {
            post_money_of(builder, payments, changes, view)?;
        }
    }
    Ok(())
}

/// The payments do not know the currency of the order, nor the rank: when it was placed. Both never change.
fn post_money_of(
    builder: &mut UnitBuilder,
    payments: &Staged<Payments>,
    changes: &[Change],
    view: &View,
) -> Result<(), states::Error> {
    let changed = changes.iter().find_map(|change| match change {
        Change::Order(order) if order.ordinal == payments.ordinal => Some(Arc::clone(&order.after)),
        _ => None,
    });
    let order = match changed {
        Some(order) => order,
        None => match states::read::<Order>(view, payments.ordinal)? {
            Some(order) => Arc::new(order),
            None => return Ok(()),
        },
    };
    let before =
        payments.before.as_deref().map_or_else(Vec::new, |before| of_money(&order, before));
    let after = of_money(&order, &payments.after);
    for place in before.iter().filter(|place| !after.contains(place)) {
        post_place(builder, payments.ordinal, *place, PostingChange::Removed);
    }
    for place in after.iter().filter(|place| !before.contains(place)) {
        post_place(builder, payments.ordinal, *place, PostingChange::Added);
    }
    Ok(())
}
