//! What is kept no longer: carts that nobody touches, and orders that are settled.
//!
//! Each began with one hint, which leaves the next one when it comes too early: what happened meanwhile left none. An
//! order goes as a whole, in one unit; what stays in its place keeps its id taken for ever.

use super::super::actor::{SweepOrder, TendCart};
use super::{Flows, absorb, settled};
use crate::cart;
use crate::draft::{Change, Draft, Hint, HintKind};
use crate::owner::{Fault, Outcome, Owner, Parting, Sweep, ask};
use orderly_domain::cart::Fate;
use orderly_domain::order::rules;
use orderly_domain::order::{Order, Swept};
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;

impl Flows {
    pub(in super::super) async fn tend_cart(
        &self,
        TendCart { cart: ordinal, now }: TendCart,
    ) -> Result<Option<Outcome>, Fault> {
        let owner = &self.leaves.cart;
        let look = cart::Look { cart: ordinal };
        let Some((found, at, fate)) = ask(owner, Owner::Cart, look).await?? else {
            return Ok(None);
        };
        if at > now {
            return Ok(Some(later(Hint { due: at, kind: HintKind::Cart, ordinal })));
        }
        let answer = match fate {
            Fate::Expires => ask(owner, Owner::Cart, cart::Expire { cart: ordinal, now }).await?,
            Fate::IsSwept if self.needs_its_cart(found.order.as_ref())? => {
                let due = now.plus(self.terms.keep_for);
                return Ok(Some(later(Hint { due, kind: HintKind::Cart, ordinal })));
            }
            Fate::IsSwept => ask(owner, Owner::Cart, cart::Sweep { cart: ordinal }).await?,
        };
        let mut draft = Draft::default();
        absorb(&mut draft, answer)?;
        Ok(Some(Outcome::new(Verdict::Applied, draft)))
    }

    /// An order that is not settled keeps the cart that it came from: should it lapse, the cart opens again.
    fn needs_its_cart(&self, order: Option<&orderly_domain::id::OrderId>) -> Result<bool, Fault> {
        let Some(id) = order else {
            return Ok(false);
        };
        Ok(self.find(id)?.is_some_and(|found| !rules::is_settled(&found.order)))
    }

    pub(in super::super) async fn sweep(
        &self,
        SweepOrder { order: ordinal, now }: SweepOrder,
    ) -> Result<Option<Outcome>, Fault> {
        // one that goes on leaves a hint of its own when it comes to rest again
        let found = self.load(ordinal)?.filter(|order| rules::is_at_rest(order.status));
        let Some(order) = found else {
            return Ok(None);
        };
        let hint = self.look_at_again(ordinal, &order);
        if hint.due > now {
            return Ok(Some(later(hint)));
        }
        // what ends it may leave the order's status as it is, and no hint
        let put_off = Hint { due: now.plus(self.terms.keep_for), ..hint };
        if !rules::is_settled(&order) {
            return Ok(Some(later(put_off)));
        }
        let mut draft = Draft::default();
        let sweep = Sweep { order: ordinal };
        for answer in [
            ask(&self.leaves.payment, Owner::Payment, sweep).await?,
            ask(&self.leaves.notification, Owner::Notification, sweep).await?,
            ask(&self.leaves.inventory, Owner::Inventory, sweep).await?,
        ] {
            let (parting, gone) = settled(answer)?;
            if parting == Parting::Needed {
                return Ok(Some(later(put_off)));
            }
            draft.absorb(gone);
        }
        crate::fault::point("sweep", order.id.as_str());
        draft.change(self.orders.borrow_mut().stage_gone(ordinal));
        draft.change(Change::Swept(ordinal, Swept { status: order.status }));
        draft.swept = Some(order.status);
        let outcome = Outcome::new(Verdict::Applied, draft);
        Ok(Some(outcome.about(order.id.clone(), Some(ordinal))))
    }

    /// When a settled order is old enough to be swept.
    pub(super) fn look_at_again(&self, ordinal: Ordinal, order: &Order) -> Hint {
        let due: Timestamp = order.updated_at.plus(self.terms.keep_for);
        Hint { due, kind: HintKind::Sweep, ordinal }
    }
}

/// Nothing but a hint.
fn later(hint: Hint) -> Outcome {
    let draft = Draft { hints: vec![hint], ..Draft::default() };
    Outcome::new(Verdict::Applied, draft)
}
