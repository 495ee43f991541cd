//! A wall clock that steps back.

mod support;

use orderly_actors::sequencer::Step;
use orderly_domain::order::Status;
use orderly_domain::time::Timestamp;
use std::time::Duration;
use support::{START, Shop, place};

#[actix::test]
async fn a_hold_expires_although_the_clock_steps_back_before_its_timer_fires() {
    // Given an order whose hold ran out, and its timer handed out
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.clock.advance(Duration::from_secs(15 * 60));
    let due = shop.sequencer.due(100).expect("reads");
    assert_eq!(due.len(), 1);

    // When the clock steps back before the timer is fired
    shop.clock.step_to(Timestamp::from_micros(START));
    for timer in due {
        match shop.sequencer.fire(timer).await.expect("the store works") {
            Some(Step::Sealed(sealed)) => {
                shop.keep(*sealed).await;
            }
            other => panic!("the hold did not expire: {other:?}"),
        }
    }

    // Then the hold has expired, since its timer would not be handed out again
    assert_eq!((shop.status("o-1"), shop.stock("tea")), (Status::Expired, (10, 0)));
}
