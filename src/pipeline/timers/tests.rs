//! When timers fire, on a clock that is moved by hand.

use super::*;
use orderly_actors::counters;
use orderly_actors::payment::WaitingLimits;
use orderly_actors::sequencer::{Settings, Step};
use orderly_actors::simulation::{Core, SimulatedClock, commands, options, settings};
use orderly_domain::cart;
use orderly_domain::notification::Policy;
use orderly_domain::order::Status;
use orderly_store::Log;
use orderly_store::disk::Disk;
use orderly_store::sim::SimDisk;
use std::sync::Arc;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn timers_wait_for_the_commands_that_were_queued_first() {
    let clock = SimulatedClock::at(Timestamp::from_seconds(1_000_000));
    let mut timers = Timers::new(&clock);
    assert!(!timers.may_fire(clock.monotonic()), "the broker is not there yet");
    timers.wait_for(10, clock.monotonic());
    timers.consumed(9);
    assert!(!timers.may_fire(clock.monotonic()));
    timers.consumed(1);
    assert!(timers.may_fire(clock.monotonic()));
    timers.broker_lost(clock.monotonic());
    assert!(!timers.may_fire(clock.monotonic()));
    clock.advance(MINUTE);
    assert!(timers.may_fire(clock.monotonic()), "a minute is the most");
}

#[test]
fn a_clock_that_steps_is_not_trusted_until_it_is_back() {
    let clock = SimulatedClock::at(Timestamp::from_seconds(1_000_000));
    let mut timers = Timers::new(&clock);
    let stamped = clock.now();
    clock.advance(10 * MINUTE);
    assert_eq!(timers.wall_clock(stamped, &clock), WallClock::Right);
    let right = clock.now();
    clock.step_to(right.plus(Duration::from_secs(61)));
    assert_eq!(timers.wall_clock(stamped, &clock), WallClock::Off);
    clock.step_to(right.plus(Duration::from_secs(59)));
    assert_eq!(timers.wall_clock(stamped, &clock), WallClock::Right);
}

#[test]
fn timers_wait_until_the_clock_has_caught_up_with_the_units() {
    let clock = SimulatedClock::at(Timestamp::from_seconds(1_000_000));
    let mut timers = Timers::new(&clock);
    let stamped = clock.now().plus(Duration::from_secs(301));
    assert_eq!(timers.wall_clock(stamped, &clock), WallClock::Off);
    clock.advance(Duration::from_secs(2));
    assert_eq!(timers.wall_clock(stamped, &clock), WallClock::Behind);
    clock.advance(Duration::from_secs(299));
    assert_eq!(timers.wall_clock(stamped, &clock), WallClock::Right);
}

/// A shop with a clock that a test moves, which fires its timers as the core does.
struct Shop {
    sequencer: Sequencer,
    log: Log,
    clock: SimulatedClock,
    timers: Timers,
    sent: u32,
}

impl Shop {
    fn open() -> Self {
        let disk = Arc::new(SimDisk::new(7)) as Arc<dyn Disk>;
        let clock = SimulatedClock::at(Timestamp::from_seconds(1_700_000_000));
        let usual = settings();
        let settings = Settings {
            carts: cart::Terms { expire_after: 2 * HOUR, ..usual.carts },
            waiting: WaitingLimits { keep_for: HOUR, ..usual.waiting },
            notifications: Policy::default(),
            ..usual
        };
        let core = Core::start(&disk, &options(), settings, clock.clone()).expect("opens");
        let Core { sequencer, log, .. } = core;
        let timers = Timers::new(&clock);
        Self { sequencer, log, clock, timers, sent: 0 }
    }

    async fn run(&mut self, kind: &str, data: serde_json::Value) {
        self.sent += 1;
        let id = format!("m-{}", self.sent);
        let message = commands::inbound("test", &id, kind, data.to_string().into());
        match self.sequencer.run(&message).await.expect("the store works") {
            Step::Sealed(sealed) => drop(self.log.commit(&[sealed.unit]).expect("commits")),
            other => panic!("{kind}: {other:?}"),
        }
    }

    /// What the core does at a tick.
    async fn tick(&mut self) -> WallClock {
        let wall = self.timers.wall_clock(self.sequencer.stamped(), &self.clock);
        if wall != WallClock::Right {
            return wall;
        }
        for timer in due(&self.sequencer).expect("reads") {
            if let Some(Step::Sealed(sealed)) = self.sequencer.fire(timer).await.expect("works") {
                self.log.commit(&[sealed.unit]).expect("commits");
            }
        }
        wall
    }

    fn orders(&self, status: Status) -> u64 {
        counters::orders(&self.sequencer.view().borrow(), status)
    }

    fn waiting(&self) -> u64 {
        counters::waiting(&self.sequencer.view().borrow())
    }
}

fn place(order: &str) -> serde_json::Value {
    commands::place(order, &[("tea", 1, 500)])
}

/// What is due within the hour by which the clock was ahead: a hold, and a callback that waits.
#[actix_rt::test]
async fn nothing_fires_early_when_a_clock_was_an_hour_ahead_and_units_were_sealed_meanwhile() {
    // Given an order whose hold runs out in 15 minutes, and a callback that waits for an hour
    let mut shop = Shop::open();
    shop.run("stock.set", commands::stock("tea", 10)).await;
    shop.run("order.place", place("o-1")).await;
    let callback = commands::captured("o-9", "e-1", "a-1", 500);
    shop.run("payment.callback", callback).await;
    let began = shop.clock.now();

    // When the clock is an hour ahead, a unit is sealed, and the clock comes back
    shop.clock.step_to(began.plus(HOUR));
    assert_eq!(shop.tick().await, WallClock::Off);
    shop.run("order.place", place("o-2")).await;
    shop.clock.step_to(began);

    // Then nothing fires before its time, nor by the time of the units
    for _ in 0..14 {
        shop.clock.advance(MINUTE);
        assert_eq!(shop.tick().await, WallClock::Off, "units are ahead: readiness says so");
    }
    assert_eq!((shop.orders(Status::AwaitingPayment), shop.waiting()), (2, 1));

    // And all timers fire when the clock has caught up with the units
    shop.clock.advance(47 * MINUTE);
    assert_eq!(shop.tick().await, WallClock::Right);
    assert_eq!((shop.orders(Status::Expired), shop.waiting()), (1, 0));
    assert_eq!(
        shop.orders(Status::AwaitingPayment),
        1,
        "the order placed during the step is held for 15 minutes"
    );
    shop.clock.advance(15 * MINUTE);
    assert_eq!(shop.tick().await, WallClock::Right);
    assert_eq!(shop.orders(Status::Expired), 2);
}

/// Reading the time while the clock is ahead leaves no trace: only units and fired timers do.
#[actix_rt::test]
async fn a_step_in_which_nothing_is_sealed_delays_no_timer() {
    let mut shop = Shop::open();
    shop.run("stock.set", commands::stock("tea", 10)).await;
    shop.run("order.place", place("o-1")).await;
    let began = shop.clock.now();
    shop.clock.step_to(began.plus(HOUR));
    assert_eq!(shop.tick().await, WallClock::Off);
    assert_eq!(shop.sequencer.now(), began.plus(HOUR));
    shop.clock.step_to(began);
    shop.clock.advance(15 * MINUTE);
    assert_eq!(shop.tick().await, WallClock::Right);
    assert_eq!(shop.orders(Status::Expired), 1);
}
