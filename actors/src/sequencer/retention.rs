//! Old data: carts that nobody touches, callbacks whose order never came, settled orders. Each is
//! expired, parked or deleted when its timer fires, in a unit of its own.

use super::dead_letter::{ParkCause, Waited};
use super::owners::Owners;
use super::retention_counts::RetentionCounts;
use super::seal::{Decided, UnitContext};
use super::state::Sequencer;
use super::step::{DeadLetter, Error, Step};
use crate::order;
use crate::outcome::{Fault, Outcome, accepted, ask};
use crate::payment;
use crate::states::{self, Rollback};
use orderly_domain::order::Order;
use orderly_domain::record::Origin;
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::Ordinal;
use std::fmt;

impl Sequencer {
    /// What was expired and deleted since the start.
    pub const fn retention(&self) -> RetentionCounts {
        self.retention
    }

    pub(super) async fn expire_or_delete_cart(
        &mut self,
        cart: Ordinal,
    ) -> Result<Option<Step>, Error> {
        let now = self.now();
        let retire = async |owners: &Owners| {
            ask(&owners.order, order::ExpireOrDeleteCart { cart, now }).await?
        };
        let context = UnitContext::new(Origin::Retention, None, now);
        let failure = format_args!("cart {} cannot be expired or deleted", cart.0);
        self.attempt_and_seal(retire, context, failure).await
    }

    pub(super) async fn delete_order(&mut self, order: Ordinal) -> Result<Option<Step>, Error> {
        let now = self.now();
        let delete =
            async |owners: &Owners| ask(&owners.order, order::DeleteOrder { order, now }).await?;
        let context = UnitContext::new(Origin::Retention, None, now);
        let failure = format_args!("order {} cannot be deleted", order.0);
        self.attempt_and_seal(delete, context, failure).await
    }

    /// Parks the first callback that waits for `order`, if it waited too long.
    pub(super) async fn park_orphaned_callback(
        &mut self,
        order: Ordinal,
    ) -> Result<Option<Step>, Error> {
        if states::read::<Order>(&self.view.borrow(), order)?.is_some() {
            // the order came just in time: its callbacks are applied
            return self.run_waiting(order).await;
        }
        self.take_orphaned_callback(order, None).await
    }

    /// Parks the first callback that waits for `order`, if it waited too long. `confirmed` is the dead
    /// letter that the broker confirmed, if there was no room to park the callback.
    pub(super) async fn take_orphaned_callback(
        &mut self,
        order: Ordinal,
        confirmed: Option<&DeadLetter>,
    ) -> Result<Option<Step>, Error> {
        let now = self.now();
        let dequeue = async |owners: &Owners| {
            accepted(ask(&owners.payment, payment::DequeueOrphanedCallback { order, now }).await?)
        };
        match self.attempt_valid(dequeue).await? {
            Ok((Some(waited), changeset)) => {
                let detail = Some("its order never came".into());
                let cause = ParkCause { reason: Reason::OrderNeverCame, detail };
                let waited = Waited { waiting: waited, order, changeset };
                let step = self.park_callback(waited, cause, confirmed, now).await?;
                if matches!(step, Step::Sealed(_)) {
                    self.retention.callbacks_parked += 1;
                }
                Ok(Some(step))
            }
            Ok((None, changeset)) => {
                let is_empty = changeset.is_empty();
                let outcome = (!is_empty).then(|| Outcome::new(Verdict::Applied, changeset));
                self.seal_if_any(outcome, UnitContext::new(Origin::Retention, None, now)).await
            }
            Err(problem) => {
                let problem = format!(
                    "a callback that waits for order {} cannot be parked: {problem}",
                    order.0
                );
                Ok(Some(Step::Failed { problem }))
            }
        }
    }

    /// Asks an owner what a timer brings about, and seals the outcome. Without an outcome nothing is sealed.
    /// `failure` says what was not done when no attempt succeeds.
    pub(super) async fn attempt_and_seal(
        &mut self,
        ask: impl AsyncFn(&Owners) -> Result<Option<Outcome>, Fault>,
        context: UnitContext,
        failure: fmt::Arguments<'_>,
    ) -> Result<Option<Step>, Error> {
        match self.attempt_valid(ask).await? {
            Ok(outcome) => self.seal_if_any(outcome, context).await,
            Err(problem) => Ok(Some(Step::Failed { problem: format!("{failure}: {problem}") })),
        }
    }

    /// Seals the outcome of a timer. Without an outcome nothing is sealed.
    pub(super) async fn seal_if_any(
        &mut self,
        outcome: Option<Outcome>,
        context: UnitContext,
    ) -> Result<Option<Step>, Error> {
        match outcome {
            Some(outcome) => {
                let mut after = self.retention;
                after.count(&outcome.changeset);
                let step = self.seal_step(Decided::new(context, outcome)).await?;
                if matches!(step, Step::Sealed(_)) {
                    self.retention = after;
                }
                Ok(Some(step))
            }
            None => {
                self.owners.roll_back(Rollback::Staged).await;
                Ok(None)
            }
        }
    }
}
