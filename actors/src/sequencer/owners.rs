//! The five owners as the sequencer starts and drives them.

use super::inbound::Raw;
use crate::cart::CartActor;
use crate::inventory::InventoryActor;
use crate::notification::NotificationActor;
use crate::order::{OrderActor, OwnerAddrs, Terms};
use crate::owner::Owner;
use crate::payment::{PaymentActor, WaitingLimits};
use crate::states::Rollback;
use crate::states::SharedView;
use crate::supervisor::{ActorStats, Budget, Failures, Monitored, OwnerAddr, supervise};
use actix::prelude::*;
use bytes::Bytes;
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
    /// How many attempts, refunds and disputes the payments of an order keep themselves; older ones have records of their
    /// own. No verdict depends on it.
    pub payments_kept: usize,
    /// How long identities are kept. An older command is parked.
    pub identity_retention: Duration,
    /// How customers are notified.
    pub notifications: Policy,
    /// The most bytes of all parked messages together. Beyond this, only the beginning of each further message is
    /// stored.
    pub parked_bytes: u64,
    /// The most parked messages. Further messages are published whole to the dead letters of the broker.
    pub parked_count: u64,
    /// Gives the JSON in which a message has its data, as far as it can be read from bytes that may be damaged or cut: what
    /// an invalid message names is read from it. It takes little time, whatever the bytes are.
    pub data_of: fn(&Raw) -> Bytes,
    /// How much each owner may cache.
    pub capacities: Capacities,
    /// How often an owner may fail to restart.
    pub budget: Budget,
}

/// About how many bytes of states each owner may cache.
#[derive(Debug, Clone, Copy)]
pub struct Capacities {
    /// Carts.
    pub carts: u64,
    /// Orders.
    pub orders: u64,
    /// The stock of skus.
    pub stock: u64,
    /// Reservations.
    pub reservations: u64,
    /// Payments.
    pub payments: u64,
    /// Notifications.
    pub notifications: u64,
}

impl Default for Capacities {
    fn default() -> Self {
        const KIB: u64 = 1 << 10;
        Self {
            carts: 128 * KIB,
            orders: 256 * KIB,
            stock: 4096 * KIB,
            reservations: 64 * KIB,
            payments: 128 * KIB,
            notifications: 128 * KIB,
        }
    }
}

/// Addresses and stats of the five owners.
pub struct Owners {
    pub(super) cart: OwnerAddr<CartActor>,
    pub(super) order: OwnerAddr<OrderActor>,
    pub(super) inventory: OwnerAddr<InventoryActor>,
    pub(super) payment: OwnerAddr<PaymentActor>,
    pub(super) notification: OwnerAddr<NotificationActor>,
    stats: Vec<(Owner, ActorStats)>,
}

impl Owners {
    pub(super) fn start(view: &SharedView, settings: &Settings, failures: &Failures) -> Self {
        let stats: Vec<_> =
            Owner::ALL.iter().map(|owner| (*owner, ActorStats::default())).collect();
        let of = |wanted: Owner| {
            stats
                .iter()
                .find(|(owner, _)| *owner == wanted)
                .map(|(_, v)| v.clone())
                .unwrap_or_default()
        };
        let Settings { capacities, budget, .. } = *settings;
        let cart = CartActor::new(view.clone(), capacities.carts, settings.carts, of(Owner::Cart));
        let inventory = InventoryActor::new(
            view.clone(),
            (capacities.stock, capacities.reservations),
            of(Owner::Inventory),
        );
        let payment = PaymentActor::new(
            view.clone(),
            capacities.payments,
            settings.waiting,
            settings.payments_kept,
            of(Owner::Payment),
        );
        let notification = NotificationActor::new(
            view.clone(),
            capacities.notifications,
            settings.notifications.clone(),
            of(Owner::Notification),
        );
        let owners = OwnerAddrs {
            cart: supervise(cart, budget, failures.clone()),
            inventory: supervise(inventory, budget, failures.clone()),
            payment: supervise(payment, budget, failures.clone()),
            notification: supervise(notification, budget, failures.clone()),
        };
        let order = OrderActor::new(
            view.clone(),
            capacities.orders,
            owners.clone(),
            settings.terms,
            of(Owner::Order),
        );
        let order = supervise(order, budget, failures.clone());
        let OwnerAddrs { cart, inventory, payment, notification } = owners;
        Self { cart, order, inventory, payment, notification, stats }
    }

    /// How each owner is doing.
    pub fn stats(&self) -> &[(Owner, ActorStats)] {
        &self.stats
    }

    /// Asks every owner to drop states that it has in memory.
    pub(super) async fn roll_back(&self, rollback: Rollback) {
        for owner in Owner::ALL {
            self.roll_back_owner(*owner, rollback).await;
        }
    }

    async fn roll_back_owner(&self, owner: Owner, rollback: Rollback) {
        match owner {
            Owner::Cart => send_rollback(&self.cart, rollback).await,
            Owner::Order => send_rollback(&self.order, rollback).await,
            Owner::Inventory => send_rollback(&self.inventory, rollback).await,
            Owner::Payment => send_rollback(&self.payment, rollback).await,
            Owner::Notification => send_rollback(&self.notification, rollback).await,
        }
    }
}

/// Queues the rollback before the requests of the next command. In practice the queue is never full,
/// since one command is under way at a time.
async fn send_rollback<A>(address: &OwnerAddr<A>, rollback: Rollback)
where
    A: Monitored + Actor<Context = Context<A>> + Handler<Rollback> + Unpin,
{
    if address.try_send(rollback).is_err() {
        // the queue is full: wait. Or the actor has ended, and has nothing to drop
        let _ = address.send(rollback).await;
    }
}
