//! What happens when a timer fires.

use super::seal::UnitContext;
use super::state::Sequencer;
use super::step::{Error, Sealed, Step};
use crate::changeset::{Changeset, NewTimer, TimerKind};
use crate::order;
use crate::outcome::{Outcome, ask};
use orderly_domain::record::Origin;
use orderly_domain::verdict::Verdict;
use orderly_store::{Ordinal, Timer};
use std::time::Duration;

/// A timer that failed fires again this much later.
const PAUSE: Duration = Duration::from_secs(30);

impl Sequencer {
    /// Fires a timer that is due. `None`: there was nothing to do any more.
    pub async fn fire(&mut self, timer: Timer) -> Result<Option<Step>, Error> {
        match TimerKind::from_number(timer.kind) {
            Some(TimerKind::Hold) => self.expire_hold(timer.ordinal).await,
            Some(TimerKind::Waiting) => self.run_waiting(timer.ordinal).await,
            Some(TimerKind::Cart) => self.expire_or_delete_cart(timer.ordinal).await,
            Some(TimerKind::OrphanedCallback) => self.park_orphaned_callback(timer.ordinal).await,
            Some(TimerKind::DeleteOrder) => self.delete_order(timer.ordinal).await,
            Some(TimerKind::Resolution) => self.forget_resolution(timer.ordinal).await,
            // the notifier's own: see `pending_notifications`
            Some(TimerKind::Notify) | None => Ok(None),
        }
    }

    /// Sets a timer again that failed, so that it is not lost.
    pub async fn postpone_timer(&mut self, timer: Timer) -> Result<Sealed, Error> {
        let now = self.now();
        let changeset = match TimerKind::from_number(timer.kind) {
            Some(kind) => {
                let due = now.plus(PAUSE);
                Changeset::timer(NewTimer { due, kind, ordinal: timer.ordinal })
            }
            None => Changeset::default(),
        };
        let context = UnitContext::new(Origin::Retention, None, now);
        self.seal(context, Outcome::new(Verdict::Applied, changeset)).await
    }

    async fn expire_hold(&mut self, order: Ordinal) -> Result<Option<Step>, Error> {
        let now = self.now();
        let expire = async |owners: &super::Owners| {
            ask(&owners.order, order::ExpireHold { order, now }).await?
        };
        let context = UnitContext::new(Origin::HoldTimer, None, now);
        let failure = format_args!("the hold of order {} cannot expire", order.0);
        self.attempt_and_seal(expire, context, failure).await
    }
}
