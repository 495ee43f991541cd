//! What a seed makes of a run: how much of everything, and how configured. Each seed leans to other sides, so
//! that over many of them every mixture comes.

use orderly_actors::order::{self, LatePayment};
use orderly_actors::payment::WaitingLimits;
use orderly_actors::sequencer::{Capacities, Settings};
use orderly_actors::supervisor::Budget;
use orderly_demo::Random;
use orderly_domain::notification::{Channel, Policy, Retry};
use orderly_store as store;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// One run's configuration. `one in` so many; 0 is never.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Messages that producers make, their copies apart.
    pub(crate) messages: u32,
    pub(crate) prefetch: usize,
    /// Of the steps: a crash.
    pub(crate) crash: u64,
    /// Of the lives: a disk that fails at some write or sync.
    pub(crate) disk_fault: u64,
    /// Of the deliveries: one fails outside of the core.
    pub(crate) failure: u64,
    /// Of the deliveries and timers: an actor panics on it.
    pub(crate) panic: u64,
    /// Of the confirms: a lane breaks instead.
    pub(crate) lost_confirm: u64,
    /// Whether hours pass, and identities grow old.
    pub(crate) is_long: bool,
    /// Whether most messages are so large that groups take several batches of the disk, and a crash tears them.
    pub(crate) has_large_bodies: bool,
    pub(crate) settings: Settings,
    pub(crate) options: store::Options,
}

impl Plan {
    pub(crate) fn new(random: &mut Random) -> Self {
        let is_long = random.one_in(4);
        let has_small_memory = random.one_in(2);
        let has_large_bodies = random.one_in(10);
        let identity_retention = if is_long { 2 * HOUR } else { MONTH };
        let history_retention =
            if is_long { random.pick(&[2 * HOUR, 5 * HOUR]) } else { 3 * MONTH };
        let capacity = if has_small_memory { 1 << 10 } else { 1 << 20 };
        let late = [LatePayment::Rehold, LatePayment::Rehold, LatePayment::Refund];
        let settings = Settings {
            terms: order::Terms {
                hold_for: random.pick(&[Duration::from_secs(60), Duration::from_secs(900)]),
                hold_cap: random.pick(&[HOUR / 2, 2 * HOUR]),
                late_payment: random.pick(&late),
                keep_for: history_retention,
            },
            carts: orderly_domain::cart::Terms {
                expire_after: if is_long { random.pick(&[HOUR, 4 * HOUR]) } else { MONTH },
                keep_for: history_retention,
            },
            waiting: WaitingLimits {
                total: random.pick(&[6, 1000]),
                per_order: random.pick(&[2, 64]),
                keep_for: if is_long { random.pick(&[HOUR / 4, 3 * HOUR]) } else { MONTH },
            },
            identity_retention,
            notifications: Policy {
                channels: vec![Channel::Amqp],
                retry: Retry { cap: Duration::from_secs(20), ..Retry::default() },
            },
            parked_bytes: 1 << 30,
            parked_count: 1 << 30,
            capacities: Capacities {
                carts: capacity,
                orders: capacity,
                inventory: capacity,
                payments: capacity,
                notifications: capacity,
            },
            budget: Budget::default(),
        };
        let options = store::Options {
            schema: orderly_actors::tables::SCHEMA,
            namespace: Some("simulation".to_owned()),
            cache: if has_small_memory { 2 << 10 } else { 1 << 20 },
            identity_retention,
            replay_bytes: random.pick(&[2 << 10, 16 << 10, 64 << 20]),
        };
        Self {
            messages: if has_large_bodies {
                50
            } else {
                u32::try_from(random.between(40, 160)).expect("it is small")
            },
            prefetch: if has_large_bodies { 64 } else { random.pick(&[1, 4, 16, 64]) },
            crash: random.pick(&[0, 100, 300, 1000]),
            disk_fault: if has_large_bodies { 1 } else { random.pick(&[0, 1, 3, 3]) },
            failure: random.pick(&[0, 12, 40]),
            panic: random.pick(&[0, 4, 16]),
            lost_confirm: random.pick(&[0, 6, 40]),
            is_long,
            has_large_bodies,
            settings,
            options,
        }
    }

    /// What the model is told of it.
    pub(crate) fn of_model(&self) -> orderly_model::Settings {
        let micros =
            |span: Duration| i64::try_from(span.as_micros()).expect("it is a few months at most");
        let Settings { terms, waiting, carts, identity_retention, .. } = &self.settings;
        orderly_model::Settings {
            // the size is checked before the core, which is where this begins
            max_command_size: usize::MAX,
            hold_for: micros(terms.hold_for),
            hold_cap: micros(terms.hold_cap),
            holds_again: terms.late_payment == LatePayment::Rehold,
            waiting_total: usize::try_from(waiting.total).expect("it is small"),
            waiting_per_order: waiting.per_order,
            waiting_retention: micros(waiting.keep_for),
            cart_expires_after: micros(carts.expire_after),
            cart_expires_within: micros(carts.expire_after / 10),
            history_retention: micros(terms.keep_for),
            identity_retention: micros(*identity_retention),
        }
    }

    /// From now on nothing goes wrong.
    pub(crate) fn calm(&mut self) {
        (self.crash, self.disk_fault, self.failure, self.panic, self.lost_confirm) =
            (0, 0, 0, 0, 0);
    }
}
