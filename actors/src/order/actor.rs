//! Runs the flows of orders; the only writer of orders, and the only owner that speaks to the
//! other four. One message a flow; the flows themselves are in [`flows`](super::flows).

use super::flows::{Flows, OwnerAddrs, Terms};
use crate::owner::Owner;
use crate::states::SharedView;
use crate::supervisor::{ActorStats, Monitored};
use crate::turn::{Fault, Outcome, Rollback};
use actix::prelude::*;
use orderly_domain::command::{
    CartCheckout, OrderCancel, OrderComplete, OrderPlace, OrderResolve, PaymentCallback,
    RefundRequest,
};
use orderly_domain::id::{CommandId, Source};
use orderly_domain::time::Timestamp;
use orderly_domain::trace::TraceParent;
use orderly_store::Ordinal;
use std::rc::Rc;

/// The owner of all orders.
pub struct OrderActor {
    flows: Rc<Flows>,
    stats: ActorStats,
}

impl OrderActor {
    /// An owner that reads from `view`, caches about `capacity` bytes of states, and has the
    /// other owners' addresses.
    pub fn new(
        view: SharedView,
        capacity: u64,
        owners: OwnerAddrs,
        terms: Terms,
        stats: ActorStats,
    ) -> Self {
        Self { flows: Rc::new(Flows::new(view, capacity, owners, terms)), stats }
    }
}

impl Actor for OrderActor {
    type Context = Context<Self>;
}

impl Supervised for OrderActor {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.flows.roll_back(Rollback::All);
    }
}

impl Monitored for OrderActor {
    const OWNER: Owner = Owner::Order;

    fn stats(&self) -> &ActorStats {
        &self.stats
    }
}

impl Handler<Rollback> for OrderActor {
    type Result = ();

    fn handle(&mut self, rollback: Rollback, _: &mut Self::Context) {
        self.flows.roll_back(rollback);
    }
}

/// A flow's reply, on its way inside the actor: a panic in it is a panic of the actor.
type Flow<T> = ResponseActFuture<OrderActor, T>;

macro_rules! flows {
    ($($(#[$doc:meta])* $message:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }
        => $flow:ident -> $result:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Message)]
        #[rtype(result = $result)]
        pub struct $message {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl Handler<$message> for OrderActor {
            type Result = Flow<<$message as Message>::Result>;

            fn handle(&mut self, message: $message, _: &mut Self::Context) -> Self::Result {
                self.stats.handled();
                let flows = Rc::clone(&self.flows);
                Box::pin(async move { flows.$flow(message).await }.into_actor(self))
            }
        }
    )*};
}

flows! {
    /// Places an order without a cart.
    Place {
        /// The command.
        place: OrderPlace,
        /// The unit's time.
        now: Timestamp,
    } => place -> "Result<Outcome, Fault>";

    /// Turns a cart into an order.
    Checkout {
        /// The command.
        checkout: CartCheckout,
        /// The unit's time.
        now: Timestamp,
    } => checkout -> "Result<Outcome, Fault>";

    /// Cancels an order that is not paid.
    Cancel {
        /// The command.
        cancel: OrderCancel,
        /// The unit's time.
        now: Timestamp,
    } => cancel -> "Result<Outcome, Fault>";

    /// The order was handed over.
    Complete {
        /// The command.
        complete: OrderComplete,
        /// The unit's time.
        now: Timestamp,
    } => complete -> "Result<Outcome, Fault>";

    /// A person ends a review.
    Resolve {
        /// The command.
        resolve: OrderResolve,
        /// The unit's time.
        now: Timestamp,
    } => resolve -> "Result<Outcome, Fault>";

    /// Money of an order is to go back.
    Refund {
        /// The command.
        request: RefundRequest,
        /// The unit's time.
        now: Timestamp,
    } => refund -> "Result<Outcome, Fault>";

    /// A provider tells what happened to money.
    Callback {
        /// The command.
        callback: PaymentCallback,
        /// The message that brought it.
        source: Source,
        /// The message's id.
        command_id: CommandId,
        /// The trace it belongs to.
        trace: Option<TraceParent>,
        /// The unit's time.
        now: Timestamp,
    } => callback -> "Result<Outcome, Fault>";

    /// Looks whether an order's hold ran out, and lapses it then. `None`: nothing to do.
    ExpireHold {
        /// The order.
        order: Ordinal,
        /// The unit's time.
        now: Timestamp,
    } => expire_hold -> "Result<Option<Outcome>, Fault>";

    /// Looks whether a cart was left alone for too long: an open one expires, a closed one is forgotten. `None`: nothing
    /// to do.
    ExpireOrDeleteCart {
        /// The cart.
        cart: Ordinal,
        /// The unit's time.
        now: Timestamp,
    } => expire_or_delete_cart -> "Result<Option<Outcome>, Fault>";

    /// Looks whether an order is settled, and was for long: then it is forgotten, but for its id. `None`: nothing to do.
    DeleteOrder {
        /// The order.
        order: Ordinal,
        /// The unit's time.
        now: Timestamp,
    } => delete_order -> "Result<Option<Outcome>, Fault>";

    /// Applies the first callback that waited for an order. `None`: nothing to do.
    RunWaiting {
        /// The order.
        order: Ordinal,
        /// The unit's time.
        now: Timestamp,
    } => run_waiting -> "Result<Option<(Outcome, Waited)>, Fault>";
}

/// Which message had brought a callback that waited.
#[derive(Debug, Clone)]
pub struct Waited {
    /// Its source.
    pub source: Source,
    /// Its id.
    pub command_id: CommandId,
    /// The trace it belongs to.
    pub trace: Option<TraceParent>,
}
