//! What is old: carts that nobody touches, callbacks whose order never came, orders that are settled. Each is dealt with
//! when its timer fires, singly, as a unit like every other.

use super::seal::Turn;
use super::{Error, Sequencer, Step};
use crate::draft::{Change, Draft};
use crate::order;
use crate::owner::{Answer, EndTurn, Fault, Outcome, Owner, Stop, ask};
use crate::payment;
use crate::states;
use orderly_domain::event::Event;
use orderly_domain::order::Order;
use orderly_domain::record::Origin;
use orderly_domain::verdict::{Reason, Verdict};
use orderly_store::{Ordinal, Table};

/// What was expired, put aside or forgotten since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retired {
    /// Carts that expired.
    pub carts_expired: u64,
    /// Callbacks whose order never came.
    pub callbacks_parked: u64,
    /// Closed carts that were forgotten.
    pub carts_swept: u64,
    /// Settled orders that were forgotten, but for their ids.
    pub orders_swept: u64,
}

impl Retired {
    fn count(&mut self, draft: &Draft) {
        let expired = draft.events.iter().any(|event| matches!(event, Event::CartExpired { .. }));
        let cart_gone = draft
            .changes
            .iter()
            .any(|change| matches!(change, Change::Gone { table: Table::Carts, .. }));
        self.carts_expired += u64::from(expired);
        self.carts_swept += u64::from(cart_gone);
        self.orders_swept += u64::from(draft.swept.is_some());
    }
}

impl Sequencer {
    /// What was retired since the start.
    pub const fn retired(&self) -> Retired {
        self.retired
    }

    pub(super) async fn tend_cart(&mut self, cart: Ordinal) -> Result<Option<Step>, Error> {
        let now = self.now();
        for _ in 0..2 {
            let tend = order::TendCart { cart, now };
            let answer = ask(&self.owners.order, Owner::Order, tend).await;
            match answer.and_then(|answer| answer) {
                Ok(outcome) => {
                    return self.end_retiring(outcome, Turn::new(Origin::Age, None, now)).await;
                }
                Err(fault) => self.recover(fault).await?,
            }
        }
        Ok(Some(Step::Failed { problem: format!("cart {} cannot be retired", cart.0) }))
    }

    pub(super) async fn sweep_order(&mut self, order: Ordinal) -> Result<Option<Step>, Error> {
        let now = self.now();
        for _ in 0..2 {
            let sweep = order::SweepOrder { order, now };
            let answer = ask(&self.owners.order, Owner::Order, sweep).await;
            match answer.and_then(|answer| answer) {
                Ok(outcome) => {
                    return self.end_retiring(outcome, Turn::new(Origin::Age, None, now)).await;
                }
                Err(fault) => self.recover(fault).await?,
            }
        }
        Ok(Some(Step::Failed { problem: format!("order {} cannot be swept", order.0) }))
    }

    /// Puts the first callback aside that waited too long for `order`.
    pub(super) async fn never_came(&mut self, order: Ordinal) -> Result<Option<Step>, Error> {
        if states::read::<Order>(&self.shelf.borrow(), order)?.is_some() {
            // it came just in time: the callbacks run, as they were to
            return self.run_waiting(order).await;
        }
        let now = self.now();
        for _ in 0..2 {
            let never_came = payment::NeverCame { order, now };
            let answer = ask(&self.owners.payment, Owner::Payment, never_came).await;
            match answer.and_then(settled) {
                Ok((Some(waited), draft)) => {
                    let detail = "its order never came";
                    let park = (Reason::OrderNeverCame, detail);
                    let sealed = self.park_callback(waited, order, park, draft, now).await?;
                    self.retired.callbacks_parked += 1;
                    return Ok(Some(sealed.into()));
                }
                Ok((None, draft)) => {
                    let outcome =
                        (!draft.is_empty()).then(|| Outcome::new(Verdict::Applied, draft));
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
                self.retired.count(&outcome.draft);
                Ok(Some(self.seal(turn, outcome).await?.into()))
            }
            None => {
                self.owners.end_turn(EndTurn::Discard).await;
                Ok(None)
            }
        }
    }
}

/// An answer that no business rule refuses.
fn settled<T>(answer: Answer<T>) -> Result<(T, Draft), Fault> {
    match answer {
        Ok(done) => Ok(done),
        Err(Stop::Fault(fault)) => Err(fault),
        Err(Stop::Refused(_)) => Err(Fault::Inconsistent("a callback that waits was refused")),
    }
}
