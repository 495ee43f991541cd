//! Lists under random changes, compared with plain sets.

use super::*;
use crate::parked::{ParkedItem, Unparked, read};
use crate::simulation::options;
use bytes::Bytes;
use orderly_domain::parked::ResolutionKind;
use orderly_domain::time::Timestamp;
use orderly_domain::verdict::Reason;
use orderly_store::sim::SimDisk;
use orderly_store::{Disk, Opened, open};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

fn message(order: &OrderId) -> Parked {
    Parked {
        reason: Reason::Validation,
        command_id: None,
        source: None,
        r#type: None,
        order_id: Some(order.to_string()),
        content_type: None,
        received_at: Timestamp::EPOCH,
        attempts: 1,
        detail: None,
        size: 2,
        truncated: false,
        provider: None,
        event_id: None,
        cart_id: None,
        sku: None,
        content_encoding: None,
        link: None,
        trace: None,
    }
}

fn order(number: u64) -> OrderId {
    OrderId::new(format!("o-{number}")).expect("is an id")
}

struct Store {
    opened: Opened,
    /// For each order, the messages that name it.
    expected: BTreeMap<u64, BTreeSet<u64>>,
}

impl Store {
    fn new() -> Self {
        let disk = Arc::new(SimDisk::new(1)) as Arc<dyn Disk>;
        let opened = open(&disk, &options()).expect("opens");
        Self { opened, expected: BTreeMap::new() }
    }

    fn write(&mut self, write: impl FnOnce(&mut UnitBuilder) -> Result<(), stored::Error>) {
        let mut builder = self.opened.view.begin(0);
        write(&mut builder).expect("encodes");
        self.opened.view.seal(builder.seal(0, &[]));
    }

    fn park(&mut self, ordinal: u64, of: u64) {
        let view = &self.opened.view;
        let mut lists = Lists::new(view);
        let (place, order) = (Ordinal(ordinal), order(of));
        let about = lists.add(place, message(&order), &order).expect("reads");
        let name = names::parked_name(None, None, &ordinal.to_be_bytes());
        let lists = lists.finish().without(place);
        let item = ParkedItem {
            ordinal: place,
            name,
            about,
            body: Bytes::from("{}"),
            was_resolved: false,
            lists,
        };
        self.write(|builder| item.put(builder));
        self.expected.entry(of).or_default().insert(ordinal);
    }

    fn unpark(&mut self, ordinal: u64) {
        let found = Unparked::find(&self.opened.view, Ordinal(ordinal), ResolutionKind::Dismissed)
            .expect("reads");
        let unparked = found.expect("is parked");
        self.write(|builder| unparked.put(builder));
        for all in self.expected.values_mut() {
            all.remove(&ordinal);
        }
    }

    fn is_parked(&self, ordinal: u64) -> bool {
        self.expected.values().any(|all| all.contains(&ordinal))
    }

    /// The list of an order, walked forwards and backwards.
    fn check(&self) {
        let view = &self.opened.view;
        for (of, expected) in &self.expected {
            let name = names::name(order(*of).as_str());
            let number = view.find(tables::ORDERS, &name).expect("reads").expect("has a number");
            let list: Option<ParkedOfOrder> = states::read(view, number).expect("reads");
            assert_eq!(list.map_or(0, |list| list.count), expected.len() as u64);
            let walk = |first: Option<u64>, next: fn(Link) -> Option<u64>| {
                let mut found = Vec::new();
                let mut at = first;
                while let Some(ordinal) = at {
                    let message = read(view, Ordinal(ordinal)).expect("reads").expect("is parked");
                    let link = message.link.expect("is in a list");
                    assert_eq!(link.order, number.0);
                    found.push(ordinal);
                    at = next(link);
                }
                found
            };
            let forwards = walk(list.map(|list| list.first), |link| link.next);
            let mut backwards = walk(list.map(|list| list.last), |link| link.previous);
            backwards.reverse();
            let expected: Vec<_> = expected.iter().copied().collect();
            assert_eq!((&forwards, &backwards), (&expected, &expected));
        }
    }
}

proptest! {
    /// Messages are parked in any order of their numbers: one that was parked before gets its number again.
    #[test]
    fn a_list_has_the_messages_that_name_its_order(
        steps in proptest::collection::vec((0..12_u64, 0..3_u64), 1..60),
    ) {
        let mut store = Store::new();
        for (ordinal, of) in steps {
            if store.is_parked(ordinal) {
                store.unpark(ordinal);
            } else {
                store.park(ordinal, of);
            }
            store.check();
        }
    }
}
