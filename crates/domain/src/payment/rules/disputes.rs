//! The rules of disputes. A dispute changes neither money nor stock.

use super::super::state::{DisputeState, Payments};
use super::change::{CallbackEffect, Change, is_dispute};
use crate::command::{CallbackKind, DisputeOutcome, PaymentCallback};

pub(super) fn disputed(
    payments: &Payments,
    callback: &PaymentCallback,
) -> (CallbackEffect, Option<Change>) {
    let Some(id) = &callback.dispute_id else {
        return (CallbackEffect::Stale, None); // not reached: decoding requires the id
    };
    let provider = &callback.provider;
    let known = payments.disputes.iter().position(|dispute| is_dispute(dispute, provider, id));
    let state = known.map(|place| payments.disputes[place].state);
    // a dispute that is opened has no outcome, even if the callback names one
    let outcome = callback.outcome.filter(|_| callback.kind == CallbackKind::DisputeClosed);
    let state = match (state, outcome) {
        (None, None) => DisputeState::Open,
        (None | Some(DisputeState::Open | DisputeState::Lost), Some(DisputeOutcome::Won)) => {
            DisputeState::Won
        }
        (None | Some(DisputeState::Open), Some(DisputeOutcome::Lost)) => DisputeState::Lost,
        (Some(DisputeState::Open | DisputeState::Won | DisputeState::Lost), None)
        | (Some(DisputeState::Won), Some(DisputeOutcome::Won | DisputeOutcome::Lost))
        | (Some(DisputeState::Lost), Some(DisputeOutcome::Lost)) => {
            return (CallbackEffect::Stale, None);
        }
    };
    let others = payments.disputes.iter().enumerate().filter(|(place, _)| Some(*place) != known);
    let others = others.map(|(_, dispute)| dispute.state);
    let any = others.chain([state]).any(|state| state != DisputeState::Won)
        || payments
            .folded
            .as_ref()
            .is_some_and(|folded| folded.sums.open_disputes > 0 || folded.sums.lost_disputes > 0);
    let change = Change::Dispute(provider.clone(), id.clone(), state);
    (CallbackEffect::Disputed { any, outcome }, Some(change))
}
