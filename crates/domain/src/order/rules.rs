//! The life cycle of an order, as pure decisions: no clock, no I/O, no actix.
//!
//! A decision looks at an order and at what happened, and answers with a [`Step`]: changes of
//! the order, which [`apply`] carries out, and effects on the other owners, which the actor
//! carries out. A new row of the life-cycle table is a new arm here. `docs/life-cycles.md` is
//! what these rules do, written down by running them.
//!
//! | module | decides |
//! |---|---|
//! | `step` | what a decision consists of, and how its changes are applied |
//! | `callback` | what a provider's callback does |
//! | `money` | captures, authorizations and refunds |
//! | `capturing` | which money of authorizations is asked for |
//! | `resolving` | the decisions of a person; which commands are possible |
//! | `amend` | what changes after an order was placed, and what follows from its new total |
//! | `ending` | orders that are cancelled, completed or expired; whether a refund may be requested |

mod amend;
mod callback;
mod capturing;
mod ending;
mod money;
mod resolving;
mod step;

pub use amend::{Error as AmendError, Goods, amend, amended, judge_total, still_written_off};
pub use callback::on_callback;
pub use capturing::{Capturable, capture};
pub use ending::{
    cancel, complete, expire_hold, is_at_rest, is_settled, may_refund, refused_by_status, returned,
};
pub use money::{captured, pays_late};
pub use resolving::{
    Resolution, Resolvable, accept, accept_money, decided, possible, resolve, return_money,
};
pub use step::{Change, Effect, Rehold, Step, apply, awaits_money, cap, phase};

use super::state::Order;
use crate::event::OrderChange;
use crate::verdict::Verdict;
use step::pay;

/// Places an order whose stock is held. An order with a total of 0 is paid at once.
pub fn place(order: &Order) -> Step {
    let step = Step::new(Verdict::Applied).emit(OrderChange::Placed);
    if order.total == 0 { pay(step, Rehold::NotNeeded) } else { step }
}

#[cfg(test)]
mod tests;
