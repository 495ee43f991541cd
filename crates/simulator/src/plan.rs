//! The plan of a run, made from its seed: its configuration and the frequency of each fault. The plans differ widely, so that many
//! seeds give every mixture.

use crate::case::{Case, Fault};
use orderly_actors::order::{self, LatePayment};
use orderly_actors::payment::WaitingLimits;
use orderly_actors::sequencer::{Capacities, Settings};
use orderly_actors::supervisor::Budget;
use orderly_demo::Random;
use orderly_domain::notification::{Channel, Policy, Retry};
use orderly_domain::order::ConfirmOn;
use orderly_domain::payment::MOST_KEPT;
use orderly_store as store;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// The configuration of a run. A frequency of n means one in n; 0 means never.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Messages that producers make, not counting copies.
    pub(crate) messages: u32,
    pub(crate) prefetch: usize,
    /// Frequency of a crash among the steps.
    pub(crate) crash: u64,
    /// Frequency of a failing write or sync among the starts.
    pub(crate) disk_fault: u64,
    /// Frequency of a failure outside of the core among the deliveries.
    pub(crate) failure: u64,
    /// Frequency of a panic of an actor among the deliveries and timers.
    pub(crate) panic: u64,
    /// Frequency of a broken channel among the confirms.
    pub(crate) lost_confirm: u64,
    /// How many times more commands the run has than a short one, at most 4. Crashes, copies of the store and comparisons of parts
    /// of it happen so many times more rarely.
    pub(crate) scale: u64,
    /// Whether some states are stored as an earlier build stored them.
    pub(crate) has_earlier_forms: bool,
    /// Whether hours pass, so that identities expire.
    pub(crate) is_long: bool,
    /// Whether most messages are large: groups then take several batches of the disk, and a crash can tear them.
    pub(crate) has_large_bodies: bool,
    pub(crate) settings: Settings,
    pub(crate) options: store::Options,
}

impl Plan {
    pub(crate) fn new(random: &mut Random, case: &Case) -> Self {
        let is_long = random.one_in(4);
        let has_large_bodies = random.one_in(10);
        let has_earlier_forms = random.one_in(3) && case.has(Fault::Upgrades);
        let identity_retention = if is_long { 2 * HOUR } else { MONTH };
        let history_retention =
            if is_long { random.pick(&[2 * HOUR, 5 * HOUR]) } else { 3 * MONTH };
        // The caches of the owners and that of the store: a state that the one has dropped is read through the other. Owners with
        // room for nothing read each state that a command needs, so that a panic can come between any two changes.
        let (capacity, cache) =
            (random.pick(&[1, 1 << 10, 1 << 20]), random.pick(&[2 << 10, 2 << 10, 1 << 20]));
        let late = [LatePayment::Rehold, LatePayment::Rehold, LatePayment::Refund];
        let settings = Settings {
            terms: order::Terms {
                hold_for: random.pick(&[Duration::from_secs(60), Duration::from_secs(900)]),
                hold_cap: random.pick(&[HOUR / 2, 2 * HOUR]),
                late_payment: random.pick(&late),
                confirm_on: random.pick(&[ConfirmOn::Capture, ConfirmOn::Authorization]),
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
            payments_kept: random.pick(&[0, 1, 3, MOST_KEPT]),
            identity_retention,
            notifications: Policy {
                channels: vec![Channel::Amqp],
                retry: Retry { cap: Duration::from_secs(20), ..Retry::default() },
            },
            parked_bytes: 1 << 30,
            parked_count: 1 << 30,
            data_of: |raw| raw.body.clone(),
            capacities: Capacities {
                carts: capacity,
                orders: capacity,
                stock: capacity,
                reservations: capacity,
                payments: capacity,
                notifications: capacity,
            },
            budget: Budget::default(),
        };
        let options = store::Options {
            schema: orderly_actors::tables::SCHEMA,
            namespace: Some("simulation".to_owned()),
            partition: store::Partition::WHOLE,
            cache,
            identity_retention,
            replay_bytes: random.pick(&[2 << 10, 16 << 10, 64 << 20]),
        };
        let few = u32::try_from(random.between(40, 160)).expect("it is small");
        let messages = case.commands.unwrap_or(if has_large_bodies { 50 } else { few });
        let scale = u64::from(messages / 200).clamp(1, 4);
        let mut plan = Self {
            messages,
            scale,
            has_earlier_forms,
            prefetch: if has_large_bodies { 64 } else { random.pick(&[1, 4, 16, 64]) },
            crash: scale * random.pick(&[0, 100, 300, 1000]),
            disk_fault: if has_large_bodies { 1 } else { random.pick(&[0, 1, 3, 3]) },
            failure: random.pick(&[0, 12, 40]),
            panic: random.pick(&[0, 2, 8]),
            lost_confirm: random.pick(&[0, 6, 40]),
            is_long,
            has_large_bodies,
            settings,
            options,
        };
        for (fault, frequency) in [
            (Fault::Crashes, &mut plan.crash),
            (Fault::Disk, &mut plan.disk_fault),
            (Fault::Failures, &mut plan.failure),
            (Fault::Panics, &mut plan.panic),
            (Fault::Connections, &mut plan.lost_confirm),
        ] {
            if !case.has(fault) {
                *frequency = 0;
            }
        }
        plan
    }

    /// The settings of the model.
    pub(crate) fn of_model(&self) -> orderly_model::Settings {
        let micros =
            |span: Duration| i64::try_from(span.as_micros()).expect("it is a few months at most");
        let Settings { terms, waiting, carts, identity_retention, .. } = &self.settings;
        orderly_model::Settings {
            // The size is checked before the core, and this simulation begins at the core.
            max_command_size: usize::MAX,
            hold_for: micros(terms.hold_for),
            hold_cap: micros(terms.hold_cap),
            holds_again: terms.late_payment == LatePayment::Rehold,
            confirm_on: terms.confirm_on.as_str().parse().expect("the model has both"),
            waiting_total: usize::try_from(waiting.total).expect("it is small"),
            waiting_per_order: waiting.per_order,
            waiting_retention: micros(waiting.keep_for),
            cart_expires_after: micros(carts.expire_after),
            cart_expires_within: micros(carts.expire_after / 10),
            history_retention: micros(terms.keep_for),
            identity_retention: micros(*identity_retention),
        }
    }

    /// Turns all faults off.
    pub(crate) fn calm(&mut self) {
        (self.crash, self.disk_fault, self.failure, self.panic, self.lost_confirm) =
            (0, 0, 0, 0, 0);
    }
}
