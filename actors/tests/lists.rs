//! The lists in which entities are, after whatever happens to them; the lists of a store that an earlier build wrote; and the
//! check that finds what is wrong in lists.

mod support;

use orderly_actors::lists::check;
use orderly_actors::{audit, counters, names, tables};
use orderly_domain::id::{CustomerId, Sku};
use orderly_domain::lists::List;
use orderly_domain::order::Status;
use orderly_store::sim::SimDisk;
use orderly_store::{
    self as store, Direction, Disk, Ordinal, Posting, PostingChange, PostingChanges, Query, Seq,
    Unit, UnitBuilder,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use support::{DAY, Shop, captured, place, said, settings};

/// The ids of the orders in a list, by rank.
fn listed(shop: &Shop, list: List) -> Vec<String> {
    let view = shop.sequencer.view().borrow();
    let found = view.reader().postings().select(&Query {
        all_of: vec![vec![store::List(list.number())]],
        none_of: Vec::new(),
        ranks: (i64::MIN, i64::MAX),
        direction: Direction::Ascending,
        from: None,
        limit: usize::MAX,
        effort: usize::MAX,
    });
    let id = |ordinal: Ordinal| {
        let order = orderly_actors::states::read::<orderly_domain::order::Order>(&view, ordinal);
        order.expect("reads").map_or_else(|| "unknown".to_owned(), |order| order.id.to_string())
    };
    found.expect("reads").places.into_iter().map(|place| id(place.ordinal)).collect()
}

/// How many units are in a list.
fn units(shop: &Shop, list: List) -> usize {
    let view = shop.sequencer.view().borrow();
    let all = view.reader().postings().scan(FIRST, usize::MAX).expect("reads");
    all.iter().filter(|posting| posting.list.0 == list.number()).count()
}

const FIRST: Posting = Posting { list: store::List(0), rank: i64::MIN, ordinal: Ordinal(0) };

fn none() -> Vec<String> {
    Vec::new()
}

#[actix::test]
async fn an_order_moves_from_list_to_list_and_leaves_all_when_it_is_deleted() {
    let mut shop = Shop::stocked(&[("tea", 10), ("cup", 10)]).await;
    let customer = CustomerId::new("c-1").expect("an id");
    let (tea, cup) = (Sku::new("tea").expect("an id"), Sku::new("cup").expect("an id"));
    let awaiting = List::Status(Status::AwaitingPayment);
    // placed
    let mut data = place("o-1", &[("tea", 2, 250)]);
    data["customer"] = json!({"id": "c-1", "email": "Ada@Example.com"});
    shop.run("order.place", data).await;
    for list in [
        awaiting,
        List::Customer(&customer),
        List::Email("ada@example.com"),
        List::Sku(&tea),
        List::Hold,
    ] {
        assert_eq!(listed(&shop, list), ["o-1"], "{list:?}");
    }
    shop.check_balance();
    // its lines and its customer change
    let amended = json!({
        "order_id": "o-1", "customer": {"id": "c-2", "email": "grace@example.com"},
    });
    shop.run("order.amend", amended).await;
    assert_eq!(listed(&shop, List::Customer(&customer)), none());
    assert_eq!(listed(&shop, List::Email("GRACE@example.com")), ["o-1"]);
    // paid: the hold is sold
    shop.run("payment.callback", captured("o-1", "e-1", 500)).await;
    assert_eq!((listed(&shop, awaiting), listed(&shop, List::Hold)), (none(), none()));
    assert_eq!(listed(&shop, List::Status(Status::Paid)), ["o-1"]);
    shop.check_balance();
    // a refund is pending until the provider answers
    let refund = json!({"order_id": "o-1", "refund_id": "r-1", "amount": 500});
    shop.run("refund.request", refund).await;
    assert_eq!(listed(&shop, List::RefundPending), ["o-1"]);
    assert_eq!(listed(&shop, List::Reference("r-1")), ["o-1"]);
    shop.run("payment.callback", said("o-1", "refund_succeeded a-e-1 500 r-1")).await;
    assert_eq!(listed(&shop, List::RefundPending), none());
    assert_eq!(listed(&shop, List::Status(Status::Refunded)), ["o-1"]);
    shop.check_balance();
    // deleted: nothing is left
    shop.deliver().await;
    shop.pass(200 * DAY).await;
    assert_eq!(listed(&shop, List::Status(Status::Refunded)), none());
    assert_eq!(listed(&shop, List::Sku(&tea)), none());
    assert_eq!(listed(&shop, List::Sku(&cup)), none());
    assert_eq!(listed(&shop, List::Reference("r-1")), none());
    shop.check_balance();
}

#[actix::test]
async fn messages_and_events_are_listed_once_under_their_ids() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.send("order.place", "msg-1", place("o-1", &[("tea", 1, 500)])).await;
    shop.send("payment.callback", "msg-2", captured("o-1", "evt-2", 500)).await;
    // the same again changes nothing
    shop.send("order.place", "msg-1", place("o-1", &[("tea", 1, 500)])).await;
    shop.send("payment.callback", "msg-3", captured("o-1", "evt-2", 500)).await;
    assert_eq!(units(&shop, List::Message("msg-1")), 1);
    assert_eq!((units(&shop, List::Message("msg-2")), units(&shop, List::Event("evt-2"))), (1, 1));
    assert_eq!(units(&shop, List::Message("msg-3")), 0, "a duplicate uses up nothing");
}

#[actix::test]
async fn callbacks_that_wait_are_listed_until_their_order_comes_or_they_are_parked() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("payment.callback", captured("o-1", "e-1", 200)).await;
    shop.pass(Duration::from_secs(60)).await;
    shop.run("payment.callback", captured("o-1", "e-2", 300)).await;
    shop.run("payment.callback", captured("o-2", "e-3", 300)).await;
    assert_eq!(listed(&shop, List::Waiting).len(), 2, "orders, not callbacks");
    shop.check_balance();
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    assert_eq!(listed(&shop, List::Waiting).len(), 1);
    shop.check_balance();
    shop.pass(8 * DAY).await;
    assert_eq!(listed(&shop, List::Waiting), none());
    assert_eq!(units(&shop, List::ParkedEvent("e-3")), 1);
    shop.check_balance();
}

/// Some orders in every state that is easy to get, with callbacks that wait and a parked message. One has so many refunds that
/// the older ones have records of their own.
async fn some_orders(shop: &mut Shop, count: usize) {
    for number in 0..count {
        let order = format!("o-{number}");
        shop.run("order.place", place(&order, &[("tea", 1, 500)])).await;
        if number % 3 > 0 {
            let text = format!("captured a-{number} 500 #ch-{number}");
            shop.run("payment.callback", said(&order, &text)).await;
        }
        if number % 3 == 2 {
            let refund = json!({"order_id": order, "refund_id": "r-1", "amount": 100});
            shop.run("refund.request", refund).await;
        }
    }
    for number in 0..55 {
        let refund = json!({"order_id": "o-1", "refund_id": format!("f-{number}"), "amount": 1});
        shop.run("refund.request", refund).await;
    }
    shop.run("payment.callback", captured("unknown", "e-early", 300)).await;
    shop.send("order.place", "broken", json!({"order_id": "o-0"})).await;
    shop.send("order.cancel", "m-1", json!({"order_id": "o-0"})).await;
}

/// The same store as an earlier build would have written it: without postings.
fn of_earlier_build(shop: &Shop) -> Arc<SimDisk> {
    let disk = Arc::new(SimDisk::new(8));
    let shared = Arc::clone(&disk) as Arc<dyn Disk>;
    let options = orderly_actors::simulation::options();
    let mut opened = store::open(&shared, &options).expect("opens");
    for unit in shop.history.units(Seq::FIRST) {
        let unit = Arc::new(Unit { postings: PostingChanges::default(), ..unit.expect("reads") });
        opened.view.seal(Arc::clone(&unit));
        opened.log.commit(&[unit]).expect("commits");
    }
    disk
}

#[actix::test]
async fn a_store_of_an_earlier_build_is_listed_in_steps_which_may_be_interrupted() {
    // Given a store with many orders and no lists
    let mut shop = Shop::stocked(&[("tea", 2_000)]).await;
    some_orders(&mut shop, 700).await;
    let now = shop.sequencer.now();
    let disk = of_earlier_build(&shop);
    let mut shop = Shop::open_on(Arc::clone(&disk), settings());
    shop.clock.step_to(now);
    assert_eq!(listed(&shop, List::Status(Status::Paid)), none());
    assert!(!counters::lists_are_built(&shop.sequencer.view().borrow()));
    assert!(check(&shop.sequencer.view().borrow()).expect("reads").len() > 100);
    // an earlier build's store is no violation
    assert!(audit::verify(&shop.sequencer.view().borrow()).expect("reads").balanced);

    // When the process dies in the middle of building them
    let from = shop.sequencer.lists_to_build().expect("there is something to do");
    let (sealed, built) = shop.sequencer.build_lists(from).await.expect("the store works");
    shop.keep(sealed).await;
    assert!(built.next.is_some() && built.done > 0 && built.done < built.of, "{built:?}");
    let mut shop = Shop::open_on(Arc::new(disk.crash()), settings());
    shop.clock.step_to(now);

    // and begins anew
    let mut next = shop.sequencer.lists_to_build();
    let mut steps = 0;
    while let Some(from) = next {
        let (sealed, built) = shop.sequencer.build_lists(from).await.expect("the store works");
        assert!(sealed.unit.postings.len() < 5_000, "a step is bounded");
        shop.keep(sealed).await;
        steps += 1;
        next = built.next;
    }

    // Then every list is as it should be, also when it changes from there on
    assert!(steps > 2, "{steps} units");
    assert_eq!(shop.sequencer.lists_to_build(), None);
    shop.check_balance();
    assert_eq!(listed(&shop, List::Reference("ch-1")), ["o-1"]);
    assert_eq!(units(&shop, List::FoldedReference("f-0")), 1);
    shop.run("payment.callback", said("o-2", "refund_succeeded a-2 100 r-1")).await;
    shop.run("order.cancel", json!({"order_id": "o-0"})).await;
    shop.check_balance();
    assert!(audit::verify(&shop.sequencer.view().borrow()).expect("reads").balanced);
}

/// Changes a posting behind the back of the core.
fn plant(shop: &mut Shop, posting: Posting, change: PostingChange) {
    seal(shop, |builder| builder.post(posting, change));
}

fn seal(shop: &mut Shop, fill: impl FnOnce(&mut UnitBuilder)) {
    let mut builder = shop.sequencer.view().borrow().begin(0);
    fill(&mut builder);
    let unit = builder.seal(0, &[]);
    shop.sequencer.view().borrow_mut().seal(Arc::clone(&unit));
    shop.log.commit(&[unit]).expect("commits");
}

#[actix::test]
async fn the_check_finds_what_is_in_a_list_and_should_not_be_and_what_is_missing() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    let placed_at = shop.order("o-1").placed_at.micros();
    let name = names::name("o-1");
    let ordinal = shop.sequencer.view().borrow().find(tables::ORDERS, &name);
    let ordinal = ordinal.expect("reads").expect("is there");
    let of =
        |list: List, rank, ordinal| Posting { list: store::List(list.number()), rank, ordinal };
    let found = |shop: &Shop| check(&shop.sequencer.view().borrow()).expect("reads");
    assert_eq!(found(&shop), none());
    // each fault by itself, which is then mended
    let awaiting = List::Status(Status::AwaitingPayment);
    let stray = [
        of(List::Status(Status::Paid), placed_at, ordinal),
        of(awaiting, placed_at + 1, ordinal),
        of(awaiting, placed_at, Ordinal(77)),
        of(List::ParkedCommand("o-1"), placed_at, Ordinal(0)),
        Posting { list: store::List(0), rank: 0, ordinal },
    ];
    for posting in stray {
        plant(&mut shop, posting, PostingChange::Added);
        let [text] = &found(&shop)[..] else { panic!("one: {:?}", found(&shop)) };
        assert!(text.contains("is, and should not be,"), "{text}");
        plant(&mut shop, posting, PostingChange::Removed);
    }
    let gone = of(awaiting, placed_at, ordinal);
    plant(&mut shop, gone, PostingChange::Removed);
    let [text] = &found(&shop)[..] else { panic!("one: {:?}", found(&shop)) };
    assert!(text.contains("is not, and should be,") && text.contains("Status"), "{text}");
    // one too many and one too few do not make up for each other
    plant(&mut shop, stray[0], PostingChange::Added);
    assert_eq!(found(&shop).len(), 2);
    // they are violations as soon as the lists are built
    let verified = |shop: &Shop| audit::verify(&shop.sequencer.view().borrow()).expect("reads");
    assert!(verified(&shop).balanced);
    seal(&mut shop, |builder| builder.count(counters::LISTS_BUILT, 1));
    assert_eq!((verified(&shop).balanced, verified(&shop).violations), (false, found(&shop)));
}
