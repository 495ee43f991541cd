//! What is too long for the store fails alone: the shop goes on, and loses nothing.

mod support;

use orderly_actors::sequencer::{Settings, Step};
use orderly_actors::states::State as _;
use orderly_actors::tables;
use orderly_domain::order::Status;
use orderly_domain::payment::{Dispute, DisputeState, Payments};
use orderly_domain::stored::Stored as _;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;
use serde_json::json;
use std::sync::Arc;
use support::{Shop, place, said};

/// The longest value that the store takes, in bytes.
const MOST_BYTES: usize = 2 << 20;

/// The order has so many disputes that its payments take all but some bytes of what the store takes, in a shop that folds
/// nothing.
async fn full_order() -> Shop {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 100)])).await;
    shop.run("payment.callback", said("o-1", "captured a 100 #1")).await;
    let mut payments: Payments = shop.state(tables::ORDERS, "o-1").expect("has payments");
    let text = "d".repeat(120);
    let dispute = |number: usize| Dispute {
        id: format!("{text}-{number}").parse().expect("is an id"),
        state: DisputeState::Won,
        provider: Some(text.parse().expect("is a name")),
    };
    loop {
        let mut encoded = Vec::new();
        payments.write(&mut encoded).expect("encodes");
        let room = MOST_BYTES.checked_sub(encoded.len()).expect("it is not too long");
        if room < 1_000 {
            break;
        }
        let first = payments.disputes.len();
        payments.disputes.extend((first..first + room / 300).map(dispute));
    }
    let view = shop.sequencer.view();
    let mut builder = view.borrow().begin(0);
    let put = |out: &mut Vec<u8>| payments.write(out);
    builder.put_with(tables::ORDERS, Ordinal(0), Payments::PART, put).expect("encodes");
    let unit = builder.seal(0, &[]);
    view.borrow_mut().seal(Arc::clone(&unit));
    shop.log.commit(&[unit]).expect("commits");
    let settings = Settings { payments_kept: usize::MAX, ..support::settings() };
    Shop::open_on(Arc::new(shop.disk.copy()), settings)
}

#[actix::test]
async fn what_is_too_long_for_the_store_fails_alone() {
    let mut shop = full_order().await;
    let before = (shop.dump(), shop.restarts());
    let opened = |number: usize| {
        let mut data = said("o-1", &format!("dispute_opened a d-{number}"));
        data["dispute_id"] = json!(format!("{}-{number}", "n".repeat(120)));
        data
    };
    let problem = 'full: {
        for number in 0..10 {
            let id = format!("d-{number}");
            let inbound = support::inbound("payment.callback", &id, &opened(number));
            match shop.step(&inbound).await {
                Step::Sealed(sealed) => drop(shop.keep(*sealed).await),
                Step::Failed { problem } => break 'full problem,
                Step::DeadLetter(_) => panic!("nothing is dead"),
            }
        }
        panic!("the store took everything");
    };
    assert!(problem.contains("too long for the store"), "{problem}");
    assert_ne!(shop.dump(), before.0, "some fitted");
    assert_eq!(shop.restarts(), before.1);
    // The same shop goes on, and has lost nothing.
    shop.send("order.place", "second", place("o-2", &[("tea", 1, 100)])).await;
    let paid = shop.send("payment.callback", "paid", said("o-2", "captured b 100 #1")).await;
    assert_eq!(paid.record.verdict, Verdict::Applied);
    assert_eq!(shop.status("o-2"), Status::Paid);
    let payments: Payments = shop.state(tables::ORDERS, "o-1").expect("has payments");
    assert!(payments.disputes.len() > 8_000, "nothing is lost");
    shop.check_books();
}
