//! How long the stock of an order is held.

use crate::state::attempt::Attempt;
use crate::state::hold::{Hold, HoldState};
use crate::state::order::Order;

impl Order {
    /// The latest end of the hold: `hold_cap` after the order was placed or lost its authorization, or later if the
    /// order asked for a longer hold.
    fn hold_cap(&self, hold_cap: i64) -> i64 {
        self.hold_since + hold_cap.max(self.hold_for)
    }

    /// The hold, if it has not ended.
    pub(crate) fn held(&mut self) -> Option<&mut Hold> {
        self.hold.as_mut().filter(|hold| hold.state == HoldState::Held)
    }

    /// When the hold expires, if nothing changes.
    pub(crate) fn hold_expires_at(&self) -> Option<i64> {
        let hold = self.hold.as_ref().filter(|hold| hold.state == HoldState::Held)?;
        hold.until
    }

    /// Lets the hold stand: it has no end while the order is `authorized`.
    pub(crate) fn let_hold_stand(&mut self) {
        if let Some(hold) = self.held() {
            *hold = Hold { until: None, is_extended: false, frozen: None, ..*hold };
        }
    }

    /// Starts the hold of an order anew that is `authorized` no more. Its cap counts from now.
    pub(crate) fn restart_hold(&mut self, now: i64) {
        self.hold_since = now;
        let until = now + self.hold_for;
        if let Some(hold) = self.held() {
            *hold = Hold::held(until);
        }
    }

    /// Extends the hold to its cap, once.
    pub(crate) fn extend_hold(&mut self, now: i64, hold_cap: i64) {
        let cap = self.hold_cap(hold_cap);
        let Some(hold) = self.held().filter(|hold| !hold.is_extended) else {
            return;
        };
        let Some(until) = hold.until else {
            return;
        };
        match hold.frozen {
            // when the hold is unfrozen, all of the time up to the cap is left
            Some(_) => (hold.frozen, hold.is_extended) = (Some((until - now).max(0)), true),
            None if cap > until => (hold.until, hold.is_extended) = (Some(cap), true),
            None => {}
        }
    }

    /// Freezes the hold while any attempt is open. When none is open any more, the remaining time runs again, up to the
    /// cap. A hold without an end needs neither.
    pub(crate) fn freeze_or_thaw(&mut self, now: i64, hold_cap: i64) {
        let cap = self.hold_cap(hold_cap);
        let is_open = self.ledger.attempts.iter().any(Attempt::is_open);
        let Some(hold) = self.held() else {
            return;
        };
        let Some(until) = hold.until else {
            return;
        };
        match hold.frozen {
            None if is_open => {
                hold.frozen = Some((until - now).max(0));
                hold.until = Some(until.max(cap));
            }
            Some(left) if !is_open => {
                hold.until = Some(until.min(now + left));
                hold.frozen = None;
            }
            None | Some(_) => {}
        }
    }
}
