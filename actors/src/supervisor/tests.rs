//! Panics wherever an actor runs code of its own, on a clock that tokio advances by itself.

use super::{ActorStats, Budget, Health, Monitored, OwnerAddr, RestartBudgetExceeded, supervise};
use crate::owner::Owner;
use actix::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

/// An actor that panics where a test says, and records the messages that it handled.
#[derive(Clone, Default)]
struct Fragile {
    stats: ActorStats,
    handled: Rc<RefCell<Vec<u32>>>,
    /// How many more times `started` panics.
    bad_starts: Rc<Cell<u32>>,
    /// How many more times `restarting` panics.
    bad_reloads: Rc<Cell<u32>>,
}

fn panics_left(count: &Cell<u32>) -> bool {
    let left = count.get();
    count.set(left.saturating_sub(1));
    left > 0
}

impl Actor for Fragile {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        assert!(!panics_left(&self.bad_starts), "it does not start");
    }
}

impl Supervised for Fragile {
    fn restarting(&mut self, _: &mut Self::Context) {
        assert!(!panics_left(&self.bad_reloads), "it does not reload");
    }
}

impl Monitored for Fragile {
    const OWNER: Owner = Owner::Inventory;

    fn stats(&self) -> &ActorStats {
        &self.stats
    }
}

/// A message that the actor records and returns.
#[derive(Message)]
#[rtype(result = "u32")]
struct Note(u32);

impl Handler<Note> for Fragile {
    type Result = u32;

    fn handle(&mut self, Note(number): Note, _: &mut Self::Context) -> u32 {
        self.stats.handled();
        self.handled.borrow_mut().push(number);
        number
    }
}

#[derive(Clone, Copy)]
enum Where {
    Handler,
    Answer,
    Spawned,
}

/// A message on which the actor panics.
#[derive(Message)]
#[rtype(result = "()")]
struct Poison(Where);

impl Handler<Poison> for Fragile {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, Poison(place): Poison, context: &mut Self::Context) -> Self::Result {
        match place {
            Where::Handler => panic!("poison"),
            Where::Answer => Box::pin(async { panic!("poison") }.into_actor(self)),
            Where::Spawned => {
                context.spawn(async { panic!("poison") }.into_actor(self));
                Box::pin(async {}.into_actor(self))
            }
        }
    }
}

/// A message whose reply comes after this time. The actor goes on meanwhile.
#[derive(Message)]
#[rtype(result = "u32")]
struct Slow(u32, Duration);

impl Handler<Slow> for Fragile {
    type Result = ResponseActFuture<Self, u32>;

    fn handle(&mut self, Slow(number, time): Slow, _: &mut Self::Context) -> Self::Result {
        let asleep = tokio::time::sleep(time).into_actor(self);
        Box::pin(asleep.map(move |(), actor, _| {
            actor.handled.borrow_mut().push(number);
            number
        }))
    }
}

struct Ward {
    actor: Fragile,
    address: OwnerAddr<Fragile>,
    spent: UnboundedReceiver<RestartBudgetExceeded>,
    since: Instant,
}

impl Ward {
    fn new(actor: &Fragile, budget: Budget) -> Self {
        tokio::time::pause();
        let (sender, spent) = unbounded_channel();
        let actor = actor.clone();
        let address = supervise(actor.clone(), budget, sender);
        let since = Instant::now();
        Self { actor, address, spent, since }
    }

    fn handled(&self) -> Vec<u32> {
        self.actor.handled.borrow().clone()
    }

    /// Pauses so far, in steps of 50 ms (a sleep ends a tick late); nothing else takes time.
    fn paused(&self) -> Duration {
        let step = self.since.elapsed().as_millis() / 50;
        ms(50 * u64::try_from(step).expect("is short"))
    }
}

fn budget(restarts: u32) -> Budget {
    Budget { restarts, pause: Duration::from_millis(100), longest: Duration::from_millis(500) }
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[rstest::rstest]
#[case(Where::Handler)]
#[case(Where::Answer)]
#[case(Where::Spawned)]
#[actix::test]
async fn a_panic_in_a_handler_loses_only_its_message(#[case] place: Where) {
    let mut ward = Ward::new(&Fragile::default(), budget(0));

    // nobody waits for a reply before all four are sent
    let before = ward.address.send(Note(1));
    let poison = ward.address.send(Poison(place));
    let behind = [2, 3].map(|number| ward.address.send(Note(number)));

    assert_eq!(before.await.ok(), Some(1));
    assert!(poison.await.is_err());
    for (number, reply) in [2, 3].into_iter().zip(behind) {
        assert_eq!(reply.await.ok(), Some(number));
    }
    assert_eq!(ward.address.send(Note(4)).await.ok(), Some(4));
    assert_eq!(ward.handled(), [1, 2, 3, 4]);
    let stats = &ward.actor.stats;
    assert_eq!(stats.restarts(), 1);
    assert_eq!(stats.last_failure().as_deref(), Some("poison"));
    assert_eq!(stats.health(), Health::Running);
    assert_eq!(ward.paused(), Duration::ZERO);
    assert!(ward.spent.try_recv().is_err());
}

#[actix::test]
async fn an_idle_actor_handles_a_message_before_anybody_waits_for_the_reply() {
    let ward = Ward::new(&Fragile::default(), budget(0));

    let replies = [1, 2].map(|number| ward.address.send(Note(number)));
    assert_eq!(ward.handled(), [1, 2]);
    assert_eq!(ward.address.try_send(Note(3)).ok(), Some(()));
    assert_eq!(ward.handled(), [1, 2, 3]);

    for (number, reply) in [1, 2].into_iter().zip(replies) {
        assert_eq!(reply.await.ok(), Some(number));
    }
}

#[actix::test]
async fn a_reply_that_takes_its_time_comes_though_the_message_was_handled_in_place() {
    let ward = Ward::new(&Fragile::default(), budget(0));

    let slow = ward.address.send(Slow(1, ms(100)));
    assert_eq!(ward.address.send(Note(2)).await.ok(), Some(2));

    assert_eq!(slow.await.ok(), Some(1));
    assert_eq!(ward.handled(), [2, 1]);
    assert_eq!(ward.paused(), ms(100));
}

#[actix::test]
async fn a_reply_that_takes_its_time_comes_though_others_are_handled_in_place_meanwhile() {
    let ward = Ward::new(&Fragile::default(), budget(0));

    // somebody waits for the reply already when further messages are handled
    let address = ward.address.clone();
    let slow = actix::spawn(async move { address.send(Slow(1, ms(100))).await });
    tokio::task::yield_now().await;
    assert_eq!(ward.address.send(Note(2)).await.ok(), Some(2));
    assert_eq!(ward.address.try_send(Note(3)).ok(), Some(()));

    let waited = tokio::time::timeout(ms(1000), slow).await;
    assert_eq!(waited.ok().and_then(Result::ok).and_then(Result::ok), Some(1));
    assert_eq!(ward.handled(), [2, 3, 1]);
}

#[actix::test]
async fn an_actor_that_pauses_starts_again_though_nobody_waits_for_a_reply() {
    let actor = Fragile::default();
    actor.bad_starts.set(1);
    let ward = Ward::new(&actor, budget(1));
    tokio::task::yield_now().await;

    assert_eq!(ward.address.try_send(Note(1)).ok(), Some(()));
    assert_eq!(ward.handled(), [0; 0]);
    tokio::time::sleep(ms(150)).await;

    assert_eq!(ward.handled(), [1]);
    assert_eq!(actor.stats.health(), Health::Running);
}

#[actix::test]
async fn an_actor_ends_when_its_last_address_is_dropped() {
    let actor = Fragile::default();
    let Ward { address, .. } = Ward::new(&actor, budget(0));
    assert_eq!(address.send(Note(1)).await.ok(), Some(1));

    drop(address.clone());
    tokio::task::yield_now().await;
    assert_eq!(actor.stats.health(), Health::Running);
    drop(address);
    tokio::task::yield_now().await;

    assert_eq!(actor.stats.health(), Health::Stopped);
    assert_eq!(Rc::strong_count(&actor.handled), 1, "the actor was dropped");
}

#[actix::test]
async fn a_hundred_poison_messages_spend_no_budget_and_no_time() {
    let mut ward = Ward::new(&Fragile::default(), budget(0));

    for number in 0..100 {
        let poison = ward.address.send(Poison(Where::Handler));
        let good = ward.address.send(Note(number));
        assert!(poison.await.is_err());
        assert_eq!(good.await.ok(), Some(number));
    }

    assert_eq!(ward.paused(), Duration::ZERO);
    assert_eq!(ward.actor.stats.restarts(), 100);
    assert_eq!(ward.actor.stats.handled_so_far(), 100);
    assert!(ward.spent.try_recv().is_err());
}

#[actix::test]
async fn an_actor_that_fails_to_start_is_started_again_after_growing_pauses() {
    let actor = Fragile::default();
    actor.bad_starts.set(3);

    let mut ward = Ward::new(&actor, budget(3));
    assert_eq!(actor.stats.health(), Health::Restarting);
    let queued = [1, 2].map(|number| ward.address.send(Note(number)));

    for (number, reply) in [1, 2].into_iter().zip(queued) {
        assert_eq!(reply.await.ok(), Some(number));
    }
    assert_eq!(ward.paused(), ms(100 + 200 + 400));
    assert_eq!(ward.handled(), [1, 2]);
    assert_eq!(actor.stats.restarts(), 3);
    assert_eq!(actor.stats.last_failure().as_deref(), Some("it does not start"));
    assert_eq!(actor.stats.health(), Health::Running);
    assert!(ward.spent.try_recv().is_err());
}

#[actix::test]
async fn an_actor_that_fails_to_reload_keeps_its_queue() {
    let actor = Fragile::default();
    let mut ward = Ward::new(&actor, budget(2));

    for round in 0..3 {
        actor.bad_reloads.set(2);
        let poison = ward.address.send(Poison(Where::Handler));
        let queued = ward.address.send(Note(round));
        assert!(poison.await.is_err());
        assert_eq!(queued.await.ok(), Some(round));
    }

    // failures are counted in a row: each round begins with the shortest pause
    assert_eq!(ward.paused(), 3 * ms(100 + 200));
    assert_eq!(ward.handled(), [0, 1, 2]);
    assert!(ward.spent.try_recv().is_err());
}

#[rstest::rstest]
#[case::start(u32::MAX, 0, "it does not start")]
#[case::reload(0, u32::MAX, "it does not reload")]
#[actix::test]
async fn an_actor_that_never_restarts_spends_its_budget_and_its_senders_get_errors(
    #[case] bad_starts: u32,
    #[case] bad_reloads: u32,
    #[case] problem: &str,
) {
    let actor = Fragile::default();
    let mut ward = Ward::new(&actor, budget(4));
    actor.bad_starts.set(bad_starts);
    actor.bad_reloads.set(bad_reloads);

    let poison = ward.address.send(Poison(Where::Handler));
    let queued = ward.address.send(Note(1));

    assert!(poison.await.is_err());
    assert!(queued.await.is_err());
    assert_eq!(ward.paused(), ms(100 + 200 + 400 + 500));
    let spent =
        RestartBudgetExceeded { owner: Owner::Inventory, failures: 5, last: problem.to_owned() };
    assert_eq!(ward.spent.try_recv().ok(), Some(spent));
    assert_eq!(actor.stats.health(), Health::Stopped);
    assert_eq!(actor.stats.restarts(), 5); // the first, for the poison, was free
    assert!(ward.address.send(Note(2)).await.is_err());
    assert_eq!(ward.handled(), [0; 0]);
}

#[actix::test]
async fn an_actor_that_never_starts_is_given_up() {
    let actor = Fragile::default();
    actor.bad_starts.set(u32::MAX);

    let mut ward = Ward::new(&actor, budget(0));

    let spent = ward.spent.recv().await.map(|spent| spent.failures);
    assert_eq!(spent, Some(1));
    assert!(ward.address.send(Note(1)).await.is_err());
    assert_eq!(actor.stats.restarts(), 0);
    assert_eq!(u32::MAX - 1, actor.bad_starts.get(), "it was started again");
}

#[test]
fn pauses_double_up_to_the_longest() {
    let budget = budget(9);
    let pauses = [1, 2, 3, 4, 40].map(|failures| budget.pause_after(failures));
    assert_eq!(pauses, [ms(100), ms(200), ms(400), ms(500), ms(500)]);
}
