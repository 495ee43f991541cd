//! The ids that are kept of a parked message: the cart, the sku and the provider's event that it names,
//! also when the message is not a valid command.

mod support;

use orderly_actors::{parked, tables};
use orderly_domain::id::{CartId, EventId, Provider, Sku};
use orderly_domain::parked::Parked;
use serde_json::json;
use support::{Shop, inbound};

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
    // the order's id is kept of valid commands only
    assert!(parked.iter().all(|parked| parked.order_id.is_none()));
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
