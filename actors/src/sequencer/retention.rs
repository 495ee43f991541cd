//! What is old: carts that nobody touches, callbacks whose order never came, orders that are settled. Each is dealt with
//! when its timer fires, singly, as a unit like every other.

use super::seal::Turn;
use super::{Error, Sequencer, Step};
use crate::changeset::{Change, Changeset};
use crate::order;
use crate::payment;
use crate::states;
use crate::tables;
use crate::turn::{CommandError, Fault, Outcome, Reply, Rollback, ask};
use orderly_domain::event::Event;
use orderly_domain::order::Order;
use orderly_domain::record::Origin;
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::Ordinal;

/// What was expired, put aside or forgotten since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RetentionCounts {
    /// Carts that expired.
    pub carts_expired: u64,
    /// Callbacks whose order never came.
    pub callbacks_parked: u64,
    /// Closed carts that were forgotten.
    pub carts_deleted: u64,
    /// Settled orders that were forgotten, but for their ids.
    pub orders_deleted: u64,
}

impl RetentionCounts {
    fn count(&mut self, changeset: &Changeset) {
        let expired =
            changeset.events.iter().any(|event| matches!(event, Event::CartExpired { .. }));
        let cart_gone = changeset
            .changes
            .iter()
            .any(|change| matches!(change, Change::Deleted { table: tables::CARTS, .. }));
        self.carts_expired += u64::from(expired);
        self.carts_deleted += u64::from(cart_gone);
        self.orders_deleted += u64::from(changeset.deleted.is_some());
    }
}

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
        for _ in 0..2 {
            let tend = order::ExpireOrDeleteCart { cart, now };
            let reply = ask(&self.owners.order, tend).await;
            match reply.and_then(|reply| reply) {
                Ok(outcome) => {
                    return self.end_retiring(outcome, Turn::new(Origin::Age, None, now)).await;
                }
                Err(fault) => self.recover(fault).await?,
            }
        }
        Ok(Some(Step::Failed { problem: format!("cart {} cannot be expired or deleted", cart.0) }))
    }

    pub(super) async fn delete_order(&mut self, order: Ordinal) -> Result<Option<Step>, Error> {
        let now = self.now();
        for _ in 0..2 {
            let sweep = order::DeleteOrder { order, now };
            let reply = ask(&self.owners.order, sweep).await;
            match reply.and_then(|reply| reply) {
                Ok(outcome) => {
                    return self.end_retiring(outcome, Turn::new(Origin::Age, None, now)).await;
                }
                Err(fault) => self.recover(fault).await?,
            }
        }
        Ok(Some(Step::Failed { problem: format!("order {} cannot be deleted", order.0) }))
    }

    /// Puts the first callback aside that waited too long for `order`.
    pub(super) async fn park_orphaned_callback(
        &mut self,
        order: Ordinal,
    ) -> Result<Option<Step>, Error> {
        if states::read::<Order>(&self.view.borrow(), order)?.is_some() {
            // it came just in time: the callbacks run, as they were to
            return self.run_waiting(order).await;
        }
        let now = self.now();
        for _ in 0..2 {
            let park_orphaned_callback = payment::TakeOrphanedCallback { order, now };
            let reply = ask(&self.owners.payment, park_orphaned_callback).await;
            match reply.and_then(accepted) {
                Ok((Some(waited), changeset)) => {
                    let detail = "its order never came";
                    let park = (Reason::OrderNeverCame, detail);
                    let sealed = self.park_callback(waited, order, park, changeset, now).await?;
                    self.retention.callbacks_parked += 1;
                    return Ok(Some(sealed.into()));
                }
                Ok((None, changeset)) => {
                    let outcome =
                        (!changeset.is_empty()).then(|| Outcome::new(Verdict::Applied, changeset));
                    let turn = Turn::new(Origin::Age, None, now);
                    return self.end_retiring(outcome, turn).await;
                }
                Err(fault) => self.recover(fault).await?,
            }
        }
        let problem = format!("a callback waiting for order {} cannot be put aside", order.0);
        Ok(Some(Step::Failed { problem }))
    }

    async fn end_retiring(
        &mut self,
        outcome: Option<Outcome>,
        turn: Turn,
    ) -> Result<Option<Step>, Error> {
        match outcome {
            Some(outcome) => {
                self.retention.count(&outcome.changeset);
                Ok(Some(self.seal(turn, outcome).await?.into()))
            }
            None => {
                self.owners.roll_back(Rollback::Staged).await;
                Ok(None)
            }
        }
    }
}

/// A reply that no business rule refuses.
fn accepted<T>(reply: Reply<T>) -> Result<(T, Changeset), Fault> {
    match reply {
        Ok(done) => Ok(done),
        Err(CommandError::Fault(fault)) => Err(fault),
        Err(CommandError::Refused(_)) => {
            Err(Fault::Inconsistent("a callback that waits was refused"))
        }
    }
}
