//! Holds and time: when a hold runs out, what freezes it, and what its end does.

use super::money::Attempt;
use super::orders::{Order, Status};
use super::{Ended, Model, Unit};
use serde_json::Value;

/// The stock set aside for one order.
#[derive(Debug, Clone)]
pub struct Hold {
    pub state: HoldState,
    /// When it runs out, unless it is frozen.
    pub until: i64,
    /// The time left when it was frozen.
    pub frozen: Option<i64>,
    /// It was extended to its cap, or is kept to it.
    pub to_cap: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldState {
    Held,
    Committed,
    Released,
    Expired,
}

impl HoldState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Committed => "committed",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}

impl Order {
    /// `hold_cap` counts from `placed_at`; who asks for a longer hold has it.
    pub fn cap(&self, hold_cap: i64) -> i64 {
        self.placed_at + hold_cap.max(self.hold_for)
    }

    pub fn is_held(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.state == HoldState::Held)
    }

    /// When the hold runs out as things stand.
    pub fn hold_ends(&self, hold_cap: i64) -> Option<i64> {
        let hold = self.hold.as_ref().filter(|hold| hold.state == HoldState::Held)?;
        let goes_to_cap = hold.to_cap || hold.frozen.is_some();
        Some(if goes_to_cap { self.cap(hold_cap) } else { hold.until })
    }

    /// A part of the money came, or a person must decide: the hold goes on to its cap.
    pub(super) fn keep_to_cap(&mut self) {
        if let Some(hold) = &mut self.hold {
            hold.to_cap = true;
        }
    }

    /// A hold is frozen while any attempt is open; then the time that was left goes on.
    pub(super) fn freeze_or_thaw(&mut self, now: i64, hold_cap: i64) {
        let cap = self.cap(hold_cap);
        let is_open = self.ledger.attempts.iter().any(Attempt::is_open);
        let Some(hold) = self.hold.as_mut().filter(|hold| hold.state == HoldState::Held) else {
            return;
        };
        match hold.frozen {
            None if is_open => hold.frozen = Some((hold.until - now).max(0)),
            Some(left) if !is_open => {
                hold.until = (now + left).min(cap);
                hold.frozen = None;
            }
            None | Some(_) => {}
        }
    }
}

impl Model {
    /// Everything that is due happens, the earliest first.
    pub fn fire(&mut self) -> Vec<Unit> {
        let mut units = Vec::new();
        let cap = self.terms.hold_cap;
        while let Some((_, id)) = self
            .orders
            .values()
            .filter_map(|order| Some((order.hold_ends(cap)?, order.id.clone())))
            .filter(|(ends, _)| *ends <= self.now)
            .min()
        {
            self.hold_runs_out(&id);
            units.push(self.end(Some(id), Ok(())));
        }
        while self.expire_cart() {
            units.push(self.end(None, Ok(())));
        }
        while let Some(order) = self.give_up_waiting() {
            let reason = "order_never_came";
            let mut unit = self.end(Some(order), Err(Ended::Failed { reason }));
            unit.events.push("command.parked");
            units.push(unit);
        }
        units
    }

    /// The first callback that waited out its time for an order that never came.
    fn give_up_waiting(&mut self) -> Option<String> {
        let (now, kept) = (self.now, self.terms.waiting_kept);
        let is_old = |waiting: &Vec<(i64, Value)>| {
            waiting.first().is_some_and(|(since, _)| since + kept <= now)
        };
        let (order, waiting) = self.waiting.iter_mut().find(|(_, waiting)| is_old(waiting))?;
        waiting.remove(0);
        Some(order.clone())
    }

    fn hold_runs_out(&mut self, id: &str) {
        let mut order = self.orders[id].clone();
        self.release(&order.wanted);
        if let Some(hold) = &mut order.hold {
            hold.state = HoldState::Expired;
        }
        // a review goes on without its stock
        if order.status != Status::UnderReview {
            self.void_authorizations(&mut order);
            order.status = Status::Expired;
            self.tell("order.expired");
            self.notify(&mut order, "order_expired", "");
            if order.net() > 0 {
                self.become_refund_due(&mut order);
            }
            self.reopen_cart(&order);
        }
        self.orders.insert(id.to_owned(), order);
    }
}
