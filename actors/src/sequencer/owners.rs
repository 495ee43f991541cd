//! The five owners as the sequencer starts and drives them.

use crate::cart::CartActor;
use crate::inventory::Inventory;
use crate::notification::NotificationActor;
use crate::order::{Leaves, OrderActor, Terms};
use crate::owner::{EndTurn, Owner};
use crate::payment::{PaymentActor, WaitingLimits};
use crate::states::Shelf;
use crate::supervisor::{Budget, Failures, Vitals, supervise};
use actix::prelude::*;
use orderly_domain::cart::Terms as CartTerms;
use orderly_domain::notification::Policy;
use std::time::Duration;

/// What the core is configured with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the shop grants its customers.
    pub terms: Terms,
    /// How long carts are kept.
    pub carts: CartTerms,
    /// How many callbacks may wait for orders not known yet, and how long.
    pub waiting: WaitingLimits,
    /// How long identities are kept: an older command is parked.
    pub identity_retention: Duration,
    /// How customers are told.
    pub notifications: Policy,
    /// Most bytes of parked messages in all; beyond, only the beginning of each is kept.
    pub parked_bytes: u64,
    /// How much each owner may cache.
    pub capacities: Capacities,
    /// How often an owner may fail to restart.
    pub budget: Budget,
}

/// How many bytes of states each owner may cache, about.
#[derive(Debug, Clone, Copy)]
pub struct Capacities {
    /// Carts.
    pub carts: u64,
    /// Orders.
    pub orders: u64,
    /// Stock and reservations, half each.
    pub inventory: u64,
    /// Payments.
    pub payments: u64,
    /// Notifications.
    pub notifications: u64,
}

impl Default for Capacities {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Self {
            carts: 8 * MIB,
            orders: 8 * MIB,
            inventory: 16 * MIB,
            payments: 4 * MIB,
            notifications: 4 * MIB,
        }
    }
}

/// Addresses and vitals of the five owners.
pub struct Owners {
    pub(super) cart: Addr<CartActor>,
    pub(super) order: Addr<OrderActor>,
    pub(super) inventory: Addr<Inventory>,
    pub(super) payment: Addr<PaymentActor>,
    pub(super) notification: Addr<NotificationActor>,
    vitals: Vec<(Owner, Vitals)>,
}

impl Owners {
    pub(super) fn start(shelf: &Shelf, settings: &Settings, failures: &Failures) -> Self {
        let vitals: Vec<_> = Owner::ALL.iter().map(|owner| (*owner, Vitals::default())).collect();
        let of = |wanted: Owner| {
            vitals
                .iter()
                .find(|(owner, _)| *owner == wanted)
                .map(|(_, v)| v.clone())
                .unwrap_or_default()
        };
        let Settings { capacities, budget, .. } = *settings;
        let cart = CartActor::new(shelf.clone(), capacities.carts, settings.carts, of(Owner::Cart));
        let inventory = Inventory::new(shelf.clone(), capacities.inventory, of(Owner::Inventory));
        let payment = PaymentActor::new(
            shelf.clone(),
            capacities.payments,
            settings.waiting,
            of(Owner::Payment),
        );
        let notification = NotificationActor::new(
            shelf.clone(),
            capacities.notifications,
            settings.notifications.clone(),
            of(Owner::Notification),
        );
        let leaves = Leaves {
            cart: supervise(cart, budget, failures.clone()),
            inventory: supervise(inventory, budget, failures.clone()),
            payment: supervise(payment, budget, failures.clone()),
            notification: supervise(notification, budget, failures.clone()),
        };
        let order = OrderActor::new(
            shelf.clone(),
            capacities.orders,
            leaves.clone(),
            settings.terms,
            of(Owner::Order),
        );
        let order = supervise(order, budget, failures.clone());
        let Leaves { cart, inventory, payment, notification } = leaves;
        Self { cart, order, inventory, payment, notification, vitals }
    }

    /// How each owner is doing.
    pub fn vitals(&self) -> &[(Owner, Vitals)] {
        &self.vitals
    }

    /// Ends the turn in every owner.
    pub(super) async fn end_turn(&self, end: EndTurn) {
        for owner in Owner::ALL {
            self.end_turn_of(*owner, end).await;
        }
    }

    async fn end_turn_of(&self, owner: Owner, end: EndTurn) {
        match owner {
            Owner::Cart => tell(&self.cart, end).await,
            Owner::Order => tell(&self.order, end).await,
            Owner::Inventory => tell(&self.inventory, end).await,
            Owner::Payment => tell(&self.payment, end).await,
            Owner::Notification => tell(&self.notification, end).await,
        }
    }
}

/// Queues the end of a turn, in front of whatever the next command will ask. The queue is never
/// full in practice: one command is under way at a time.
async fn tell<A>(address: &Addr<A>, end: EndTurn)
where
    A: Actor<Context = Context<A>> + Handler<EndTurn>,
{
    if address.try_send(end).is_err() {
        // full, or gone: one that is gone has no memory to end
        let _ = address.send(end).await;
    }
}
