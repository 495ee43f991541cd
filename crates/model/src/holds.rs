//! How long the stock of an order is held.

use crate::state::hold::{Hold, HoldState};
use crate::state::ledger::Attempt;
use crate::state::order::Order;

impl Order {
    /// The latest end of the hold: `hold_cap` after `placed_at`, or later if the order asked for a longer hold.
    fn hold_cap(&self, hold_cap: i64) -> i64 {
        self.placed_at + hold_cap.max(self.hold_for)
    }

    /// The hold, if it has not ended.
    pub(crate) fn held(&mut self) -> Option<&mut Hold> {
        self.hold.as_mut().filter(|hold| hold.state == HoldState::Held)
    }

    /// When the hold expires, if nothing changes.
    pub(crate) fn hold_expires_at(&self) -> Option<i64> {
        let hold = self.hold.as_ref().filter(|hold| hold.state == HoldState::Held)?;
        Some(hold.until)
    }

    /// Extends the hold to its cap, once.
    pub(crate) fn extend_hold(&mut self, now: i64, hold_cap: i64) {
        let cap = self.hold_cap(hold_cap);
        let Some(hold) = self.held().filter(|hold| !hold.is_extended) else {
            return;
        };
        match hold.frozen {
            // when the hold is unfrozen, all of the time up to the cap is left
            Some(_) => (hold.frozen, hold.is_extended) = (Some((hold.until - now).max(0)), true),
            None if cap > hold.until => (hold.until, hold.is_extended) = (cap, true),
            None => {}
        }
    }

    /// Freezes the hold while any attempt is open. When none is open any more, the remaining time runs again, up to the
    /// cap.
    pub(crate) fn freeze_or_thaw(&mut self, now: i64, hold_cap: i64) {
        let cap = self.hold_cap(hold_cap);
        let is_open = self.ledger.attempts.iter().any(Attempt::is_open);
        let Some(hold) = self.held() else {
            return;
        };
        match hold.frozen {
            None if is_open => {
                hold.frozen = Some((hold.until - now).max(0));
                hold.until = hold.until.max(cap);
            }
            Some(left) if !is_open => {
                hold.until = hold.until.min(now + left);
                hold.frozen = None;
            }
            None | Some(_) => {}
        }
    }
}
