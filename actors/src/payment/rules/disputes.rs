//! Disputes: an overlay that moves neither money nor stock.

use super::super::state::{DisputeState, Payments};
use super::{Change, Meaning};
use crate::command::{CallbackKind, DisputeOutcome, PaymentCallback};

pub(super) fn disputed(
    payments: &Payments,
    callback: &PaymentCallback,
) -> (Meaning, Option<Change>) {
    let Some(id) = &callback.dispute_id else {
        return (Meaning::Stale, None); // the door asks for it
    };
    let known = payments.disputes.iter().find(|dispute| dispute.id == *id);
    let state = match (known.map(|dispute| dispute.state), callback.outcome) {
        (None, _) if callback.kind == CallbackKind::DisputeOpened => DisputeState::Open,
        (None | Some(DisputeState::Open | DisputeState::Lost), Some(DisputeOutcome::Won)) => {
            DisputeState::Won
        }
        (None | Some(DisputeState::Open), Some(DisputeOutcome::Lost)) => DisputeState::Lost,
        (
            None | Some(DisputeState::Open | DisputeState::Won | DisputeState::Lost),
            None | Some(DisputeOutcome::Won | DisputeOutcome::Lost),
        ) => return (Meaning::Stale, None),
    };
    let others = payments
        .disputes
        .iter()
        .any(|dispute| dispute.id != *id && dispute.state != DisputeState::Won);
    let disputed = others || state != DisputeState::Won;
    (Meaning::Disputed(disputed), Some(Change::Dispute(id.clone(), state)))
}
