//! What came of one refund. The outcomes may be heard of in any order: they come to the same.
//!
//! - The shares that succeeded add up until they reach what was asked for. Then the refund has succeeded.
//! - A failure after that undoes all of them: the refund bounced. A failure before that is one of what is left: the shares
//!   stand, and the rest may be asked for again.
//! - A share that occurred at the time of the last failure or later may be followed by more: the rest is pending.

use super::super::state::{Refund, RefundState, Success};
use crate::time::Timestamp;

/// The most shares of one refund that are kept. Of more, the oldest are summed up, and are known by their names in the index.
pub(super) const MOST_SHARES: usize = 20;

/// A share succeeded, at a time that is not known yet.
pub(super) fn succeed(refund: &mut Refund, share: Success) {
    // while it is asked for again, a success answers the new request, whatever its time
    let is_judged = refund.state == RefundState::Failed || has_succeeded_since(refund);
    add(refund, share);
    if is_judged {
        undo_what_bounced(refund);
    }
    let may_more_come = match refund.state {
        RefundState::Requested => true,
        RefundState::Succeeded | RefundState::Failed => has_succeeded_since(refund),
    };
    conclude(refund, may_more_come);
}

/// The refund failed, no earlier than it did before.
pub(super) fn fail(refund: &mut Refund, at: Timestamp) {
    refund.failed_at = Some(at);
    undo_what_bounced(refund);
    let may_more_come = has_succeeded_since(refund);
    conclude(refund, may_more_come);
}

fn add(refund: &mut Refund, share: Success) {
    refund.successes.push(share);
    refund.successes.sort_by_key(|one| one.at);
    if refund.successes.len() > MOST_SHARES {
        let oldest = refund.successes.remove(0);
        let next = &mut refund.successes[0];
        next.amount = next.amount.saturating_add(oldest.amount);
    }
}

/// What succeeded before the last failure came back, if it was all that was asked for.
fn undo_what_bounced(refund: &mut Refund) {
    let Some(failed_at) = refund.failed_at else { return };
    let before = refund.successes.iter().filter(|one| one.at < failed_at);
    let before = before.fold(0, |sum: i64, one| sum.saturating_add(one.amount));
    if before > 0 && before >= refund.amount {
        refund.successes.retain(|one| one.at >= failed_at);
        refund.bounced_at = Some(failed_at);
    }
}

fn has_succeeded_since(refund: &Refund) -> bool {
    refund.successes.iter().any(|one| Some(one.at) >= refund.failed_at)
}

fn conclude(refund: &mut Refund, may_more_come: bool) {
    let sent_back = refund.sent_back();
    refund.amount = refund.amount.max(sent_back);
    refund.state = if sent_back > 0 && sent_back == refund.amount {
        RefundState::Succeeded
    } else if may_more_come {
        RefundState::Requested
    } else {
        RefundState::Failed
    };
}
