//! Runs the flows of orders; the only writer of orders, and the only owner that asks the other four.

use super::flows::{
    Amend, Callback, Cancel, Capture, Checkout, Complete, DeleteOrder, ExpireHold,
    ExpireOrDeleteCart, Flows, OwnerAddrs, Place, Refund, Resolve, RunWaiting, Terms,
};
use crate::owner::Owner;
use crate::owner_actor::owner_actor;
use crate::states::{Rollback, SharedView};
use crate::supervisor::ActorStats;
use actix::prelude::*;
use std::rc::Rc;

/// The owner of all orders.
pub struct OrderActor {
    flows: Rc<Flows>,
    stats: ActorStats,
}

owner_actor!(OrderActor, Owner::Order);

impl OrderActor {
    /// An owner that reads from `view`, caches about `capacity` bytes of orders, and asks `owners`.
    pub fn new(
        view: SharedView,
        capacity: u64,
        owners: OwnerAddrs,
        terms: Terms,
        stats: ActorStats,
    ) -> Self {
        Self { flows: Rc::new(Flows::new(view, capacity, owners, terms)), stats }
    }

    fn roll_back(&mut self, rollback: Rollback) {
        self.flows.roll_back(rollback);
    }
}

/// Has the actor reply to each message with what its flow returns. A flow waits for other owners,
/// so its future runs inside the actor: a panic in a flow is a panic of the actor.
macro_rules! flows {
    ($($message:ident => $flow:ident,)*) => {$(
        impl Handler<$message> for OrderActor {
            type Result = ResponseActFuture<Self, <$message as Message>::Result>;

            fn handle(&mut self, message: $message, _: &mut Self::Context) -> Self::Result {
                self.stats.handled();
                let flows = Rc::clone(&self.flows);
                Box::pin(async move { flows.$flow(message).await }.into_actor(self))
            }
        }
    )*};
}

flows! {
    Amend => amend,
    Place => place,
    Checkout => checkout,
    Callback => callback,
    RunWaiting => run_waiting,
    Cancel => cancel,
    Resolve => resolve,
    Complete => complete,
    Capture => capture,
    Refund => refund,
    ExpireHold => expire_hold,
    ExpireOrDeleteCart => expire_or_delete_cart,
    DeleteOrder => delete_order,
}
