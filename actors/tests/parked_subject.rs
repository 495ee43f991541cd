//! What a parked message names: the order, the cart, the sku and the provider's event, also when the message is no valid
//! command. It is found from its order, whether the order is there or not.

mod support;

use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::sequencer::Settings;
use orderly_actors::states::State as _;
use orderly_actors::{names, parked, tables};
use orderly_domain::id::{CartId, EventId, OrderId, Provider, Sku};
use orderly_domain::order::{Order, Tombstone};
use orderly_domain::parked::{Parked, ParkedOfOrder};
use orderly_domain::stored::Stored as _;
use orderly_domain::verdict::Verdict;
use orderly_store::Ordinal;
use orderly_store::sim::SimDisk;
use serde_json::{Value, json};
use std::sync::Arc;
use support::{DAY, Shop, inbound, place, said, stock};

/// The parked messages, in their order.
fn parked(shop: &Shop) -> Vec<Parked> {
    let places = shop.places(tables::PARKED);
    let view = shop.sequencer.view().borrow();
    let read = |place| parked::read(&view, place).expect("can be read");
    places.into_iter().filter_map(read).collect()
}

fn named(parked: &Parked) -> [Option<&str>; 4] {
    [
        parked.provider.as_ref().map(Provider::as_str),
        parked.event_id.as_ref().map(EventId::as_str),
        parked.cart_id.as_ref().map(CartId::as_str),
        parked.sku.as_ref().map(Sku::as_str),
    ]
}

#[actix::test]
async fn a_message_that_is_no_command_is_parked_with_the_ids_that_it_names() {
    let mut shop = Shop::open();
    let callback =
        json!({"provider": "acme", "event_id": "e-1", "order_id": "o-1", "kind": "stolen"});
    let put = json!({"cart_id": "k-1", "sku": "tea", "quantity": "many"});
    for (id, kind, data) in [
        ("m-1", "payment.callback", callback),
        ("m-2", "cart.put", put.clone()),
        ("m-3", "cart.fill", put),
    ] {
        shop.step(&inbound(kind, id, &data)).await;
    }
    let parked = parked(&shop);
    let named: Vec<_> = parked.iter().map(named).collect();
    let cart = [None, None, Some("k-1"), Some("tea")];
    assert_eq!(named, [[Some("acme"), Some("e-1"), None, None], cart, cart]);
    let orders: Vec<_> = parked.iter().map(|parked| parked.order_id.as_deref()).collect();
    assert_eq!(orders, [Some("o-1"), None, None]);
}

#[actix::test]
async fn a_parked_command_is_parked_with_the_ids_that_it_names() {
    let mut shop = Shop::open();
    for on_hand in [1, 2] {
        let set = json!({"sku": "tea", "on_hand": on_hand});
        shop.step(&inbound("stock.set", "m-1", &set)).await; // the second one is a conflict
    }
    let parked = parked(&shop);
    assert_eq!(parked.iter().map(named).collect::<Vec<_>>(), [[None, None, None, Some("tea")]]);
}

/// What can be said of a callback for `o-1` that is no command.
fn poisoned(event: &str) -> Value {
    json!({"provider": "acme", "event_id": event, "order_id": "o-1", "kind": "captured", "amount": 5.0})
}

/// The parked messages in the list of an order, by walking it; and its count.
fn of_order(shop: &Shop, order: &str) -> (Vec<u64>, u64) {
    let Some(list) = shop.state::<ParkedOfOrder>(tables::ORDERS, order) else {
        return (Vec::new(), 0);
    };
    let view = shop.sequencer.view().borrow();
    let (mut found, mut next) = (Vec::new(), Some(list.first));
    while let Some(ordinal) = next {
        found.push(ordinal);
        let message = parked::read(&view, Ordinal(ordinal)).expect("reads").expect("is parked");
        next = message.link.expect("is in the list").next;
    }
    (found, list.count)
}

/// The verdicts in the history of an order, the oldest first.
fn history(shop: &Shop, order: &str) -> Vec<Verdict> {
    let view = shop.sequencer.view().borrow();
    let ordinal = names::find(&view, tables::ORDERS, order).expect("reads").expect("has a number");
    let mut verdicts = Vec::new();
    let mut next = view.last_in_history(tables::ORDERS, ordinal).expect("reads");
    while let Some(seq) = next {
        let unit = view.unit(seq).expect("reads").expect("is there");
        verdicts.push(JournalEntry::read(&unit).expect("reads").record.verdict);
        next = unit.history.expect("is in the history").previous;
    }
    verdicts.reverse();
    verdicts
}

#[actix::test]
async fn a_poisoned_callback_is_found_from_its_order() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    let parked = shop.run("payment.callback", poisoned("e-1")).await;
    assert_eq!(parked.record.verdict, Verdict::Invalid);
    assert_eq!(parked.record.order.as_ref().map(OrderId::as_str), Some("o-1"));
    shop.run("order.cancel", json!({"order_id": "o-1", "reason": 7})).await;
    shop.run("stock.set", json!({"sku": "tea", "on_hand": -1})).await; // it names no order
    assert_eq!(of_order(&shop, "o-1"), (vec![0, 1], 2));
    assert_eq!(
        history(&shop, "o-1"),
        [Verdict::Applied, Verdict::Invalid, Verdict::Invalid],
        "each is in the timeline"
    );
    shop.check_balance();
}

#[actix::test]
async fn it_is_found_from_an_order_that_comes_later_and_from_one_that_was_deleted() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    shop.run("payment.callback", poisoned("e-1")).await;
    assert_eq!(of_order(&shop, "o-1"), (vec![0], 1));
    assert!(shop.state::<Order>(tables::ORDERS, "o-1").is_none());
    shop.check_balance();
    // the order comes, as if nothing had been said of it
    let placed = shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    assert_eq!(placed.record.verdict, Verdict::Applied);
    assert_eq!(of_order(&shop, "o-1"), (vec![0], 1));
    assert_eq!(history(&shop, "o-1"), [Verdict::Invalid, Verdict::Applied]);
    shop.check_balance();
    // it is deleted
    shop.run("order.cancel", json!({"order_id": "o-1"})).await;
    shop.deliver().await;
    shop.pass(200 * DAY).await;
    assert!(shop.state::<Tombstone>(tables::ORDERS, "o-1").is_some());
    shop.run("payment.callback", poisoned("e-2")).await;
    assert_eq!(of_order(&shop, "o-1"), (vec![0, 1], 2));
    shop.check_balance();
}

#[actix::test]
async fn valid_commands_that_are_parked_are_found_from_their_order() {
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    // a conflict
    shop.send("order.place", "p-1", place("o-1", &[("tea", 1, 500)])).await;
    shop.send("order.place", "p-1", place("o-1", &[("tea", 2, 500)])).await;
    // a callback whose order never comes
    shop.run("payment.callback", said("o-2", "captured a 500 #1")).await;
    assert_eq!(of_order(&shop, "o-2"), (vec![], 0), "it waits");
    shop.pass(8 * DAY).await;
    assert_eq!((of_order(&shop, "o-1"), of_order(&shop, "o-2")), ((vec![0], 1), (vec![1], 1)));
    shop.check_balance();
}

#[actix::test]
async fn what_is_delivered_again_is_listed_once() {
    let mut shop = Shop::open();
    for _ in 0..3 {
        shop.send("payment.callback", "m-1", poisoned("e-1")).await;
    }
    assert_eq!(of_order(&shop, "o-1"), (vec![0], 1));
    assert_eq!(history(&shop, "o-1").len(), 3, "each delivery is in the timeline");
}

#[actix::test]
async fn a_message_that_is_not_kept_is_in_the_timeline_of_its_order_alone() {
    let settings = Settings { parked_count: 0, ..support::settings() };
    let mut shop = Shop::open_on(Arc::new(SimDisk::new(7)), settings);
    shop.run("stock.set", stock("tea", 10)).await;
    shop.run("order.place", place("o-1", &[("tea", 1, 500)])).await;
    shop.run("payment.callback", poisoned("e-1")).await;
    assert_eq!(of_order(&shop, "o-1"), (vec![], 0));
    assert_eq!(history(&shop, "o-1"), [Verdict::Applied, Verdict::Invalid]);
}

/// Leaves a parked message as an earlier build did: nothing of what it names was read, and it is in no list.
fn forget_what_it_names(shop: &mut Shop, ordinal: u64, order_id: Option<String>) {
    let view = shop.sequencer.view();
    let about = parked::read(&view.borrow(), Ordinal(ordinal)).expect("reads").expect("is parked");
    let about = Parked { order_id, provider: None, event_id: None, link: None, ..about };
    let mut builder = view.borrow().begin(0);
    let put = |out: &mut Vec<u8>| about.write(out);
    builder.put_with(tables::PARKED, Ordinal(ordinal), parked::ABOUT, put).expect("encodes");
    let unit = builder.seal(0, &[]);
    view.borrow_mut().seal(Arc::clone(&unit));
    shop.log.commit(&[unit]).expect("commits");
}

#[actix::test]
async fn a_store_of_an_earlier_build_learns_which_orders_its_parked_messages_name() {
    // Given 600 parked messages of an earlier build, and no list
    let mut shop = Shop::stocked(&[("tea", 10)]).await;
    for number in 0..600 {
        let mut data = poisoned(&format!("e-{number}"));
        data["order_id"] = json!(format!("o-{}", number % 7));
        shop.run("payment.callback", data).await;
    }
    for order in 0..7 {
        let ordinal = Ordinal(order);
        let view = shop.sequencer.view();
        let mut builder = view.borrow().begin(0);
        builder.remove(tables::ORDERS, ordinal, ParkedOfOrder::PART);
        let unit = builder.seal(0, &[]);
        view.borrow_mut().seal(Arc::clone(&unit));
        shop.log.commit(&[unit]).expect("commits");
    }
    for number in 0..600 {
        // of a valid command the build kept the order
        let order_id = (number % 2 == 0).then(|| format!("o-{}", number % 7));
        forget_what_it_names(&mut shop, number, order_id);
    }
    assert_eq!(of_order(&shop, "o-3"), (vec![], 0));
    // When it is brought up to date, with an interruption
    let mut units = 0;
    let mut next = shop.sequencer.parked_to_link();
    let mut was_interrupted = false;
    while let Some(from) = next {
        let (sealed, rest) = shop.sequencer.link_parked(from).await.expect("the store works");
        shop.keep(sealed).await;
        units += 1;
        next = if was_interrupted { rest } else { shop.sequencer.parked_to_link() };
        was_interrupted = true;
    }
    // Then each order has its messages
    assert!(units > 2, "{units}");
    assert_eq!(shop.sequencer.parked_to_link(), None, "it is done for good");
    for order in 0..7 {
        let expected: Vec<_> = (0..600).filter(|number| number % 7 == order).collect();
        let count = expected.len() as u64;
        assert_eq!(of_order(&shop, &format!("o-{order}")), (expected, count));
    }
    let view = shop.sequencer.view().borrow();
    let about = parked::read(&view, Ordinal(1)).expect("reads").expect("is parked");
    assert_eq!(named(&about), [Some("acme"), Some("e-1"), None, None]);
    drop(view);
    shop.check_balance();
}
