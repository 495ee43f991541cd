//! The rules of disputes. A dispute changes neither money nor stock.

use super::super::state::{DisputeState, Payments};
use super::change::{CallbackEffect, Change};
use crate::command::{CallbackKind, DisputeOutcome, PaymentCallback};

pub(super) fn disputed(
    payments: &Payments,
    callback: &PaymentCallback,
) -> (CallbackEffect, Option<Change>) {
    let Some(id) = &callback.dispute_id else {
        return (CallbackEffect::Stale, None); // not reached: decoding requires the id
    };
    let known = payments.disputes.iter().find(|dispute| dispute.id == *id);
    let known = known.map(|dispute| dispute.state);
    // a dispute that is opened has no outcome, even if the callback names one
    let outcome = callback.outcome.filter(|_| callback.kind == CallbackKind::DisputeClosed);
    let state = match (known, outcome) {
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
    let others = payments
        .disputes
        .iter()
        .any(|dispute| dispute.id != *id && dispute.state != DisputeState::Won);
    let disputed = others || state != DisputeState::Won;
    (CallbackEffect::Disputed(disputed), Some(Change::Dispute(id.clone(), state)))
}
