//! How long the stock of one order stays set aside.

use crate::state::hold::{Hold, HoldState};
use crate::state::ledger::Attempt;
use crate::state::order::Order;

impl Order {
    /// `hold_cap` counts from `placed_at`; an order that asked for a longer hold has that.
    fn hold_cap(&self, hold_cap: i64) -> i64 {
        self.placed_at + hold_cap.max(self.hold_for)
    }

    /// The hold, if it is held still.
    pub(crate) fn held(&mut self) -> Option<&mut Hold> {
        self.hold.as_mut().filter(|hold| hold.state == HoldState::Held)
    }

    /// When the hold runs out as things stand.
    pub(crate) fn hold_expires_at(&self) -> Option<i64> {
        let hold = self.hold.as_ref().filter(|hold| hold.state == HoldState::Held)?;
        Some(hold.until)
    }

    /// The hold goes on to its cap, once.
    pub(crate) fn extend_hold(&mut self, now: i64, hold_cap: i64) {
        let cap = self.hold_cap(hold_cap);
        let Some(hold) = self.held().filter(|hold| !hold.is_extended) else {
            return;
        };
        match hold.frozen {
            // all the time up to the cap is left
            Some(_) => (hold.frozen, hold.is_extended) = (Some((hold.until - now).max(0)), true),
            None if cap > hold.until => (hold.until, hold.is_extended) = (cap, true),
            None => {}
        }
    }

    /// A hold is frozen while any attempt is open; then the time that was left goes on, up to the cap.
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
