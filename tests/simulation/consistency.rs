//! The shop as it should be after some unit: what the units say, and what the naive books say. They must agree.

use super::books::{Books, Hold, Terms};
use super::mirror::Mirror;
use super::process::Input;
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::tables;
use orderly_domain::cart::CartStatus;
use orderly_domain::event::Event;
use orderly_domain::id::OrderId;
use orderly_domain::inventory::HoldState;
use orderly_domain::verdict::Reason;
use orderly_store::Unit;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) mirror: Mirror,
    pub(crate) books: Books,
}

impl Side {
    pub(crate) fn new(terms: Terms) -> Self {
        Self { mirror: Mirror::default(), books: Books::new(terms) }
    }

    /// Takes the next unit: its verdict must be the books'.
    pub(crate) fn apply(&mut self, unit: &Unit, entry: &JournalEntry, input: &Input) {
        let swept_carts: Vec<_> = unit
            .puts
            .iter()
            .filter(|put| put.table == tables::CARTS && put.value.is_none())
            .map(|put| self.mirror.carts[&put.ordinal].id.to_string())
            .collect();
        self.mirror.apply(unit);
        let record = &entry.record;
        let given = (record.verdict.as_str(), record.reason.map(Reason::as_str));
        let order = record.order.as_ref().map_or("", |order| order.as_str());
        let expected = match input {
            Input::Message(message) => {
                let was_known = matches!(given.0, "duplicate" | "conflict");
                self.books.enter(message, unit.at, was_known)
            }
            Input::Failed(message) => {
                self.books.park(message);
                ("failed", Some("failed"))
            }
            Input::HoldTimer => self.books.lapse(order, unit.at),
            Input::Waited => self.books.enter_waited(order, unit.at, given.0 == "failed"),
            Input::NeverCame => self.books.never_came(order, unit.at),
            Input::Age => {
                for event in &record.events {
                    match event {
                        Event::CartExpired { cart_id } => {
                            self.books.expire_cart(cart_id.as_str(), unit.at);
                        }
                        other => panic!("no other event is one of age: {other:?}"),
                    }
                }
                for cart in swept_carts {
                    self.books.sweep_cart(&cart, unit.at);
                }
                if !order.is_empty() {
                    self.books.sweep_order(order, unit.at);
                }
                ("applied", None)
            }
            Input::Notified => ("applied", None),
        };
        assert_eq!(given, expected, "the verdict on {input:?}, and what the books say");
        self.compare();
    }

    /// Stock, orders and what else there is, once by the units and once by the books.
    pub(crate) fn compare(&self) {
        let Self { mirror, books } = self;
        assert_eq!(mirror.stocks.len(), books.stock.len(), "skus");
        for stock in mirror.stocks.values() {
            let booked = books.stock[stock.sku.as_str()];
            let booked = (booked.on_hand.cast_unsigned(), booked.held.cast_unsigned());
            assert_eq!((stock.on_hand, stock.held), booked, "stock of {}", stock.sku);
        }
        assert_eq!(mirror.orders.len(), books.orders.len(), "orders");
        for (ordinal, order) in &mirror.orders {
            let booked = &books.orders[order.id.as_str()];
            assert_eq!(order.status.as_str(), booked.status, "status of {}", order.id);
            assert_eq!(
                (order.total, order.paid, order.refunded(), order.asked_back, order.disputed),
                (
                    booked.total,
                    booked.money.paid(),
                    booked.money.refunded(),
                    booked.money.asked_back,
                    booked.money.is_disputed()
                ),
                "total, paid, refunded, asked back and disputed of {}",
                order.id
            );
            let attempts = mirror.payments.get(ordinal).into_iter().flat_map(|one| &one.attempts);
            let attempts = attempts.map(|one| {
                let state = (one.state.as_str(), one.void_requested);
                (format!("{} {}", one.provider, one.id), state)
            });
            let heard_of = booked.money.attempts.iter().filter(|(_, one)| !one.state.is_empty());
            let heard_of =
                heard_of.map(|(name, one)| (name.clone(), (one.state.as_str(), one.voided)));
            assert_eq!(
                attempts.collect::<BTreeMap<_, _>>(),
                heard_of.collect(),
                "attempts of {}",
                order.id
            );
            let hold = mirror.reservations.get(ordinal).map(|reservation| reservation.state);
            assert_eq!(held(hold), booked.hold, "the hold of {}", order.id);
        }
        assert_eq!(mirror.carts.len(), books.carts.len(), "carts");
        for cart in mirror.carts.values() {
            let booked = &books.carts[cart.id.as_str()];
            assert_eq!(cart.version, booked.version.cast_unsigned(), "version of {}", cart.id);
            let is_expired = cart.status == CartStatus::Expired;
            assert_eq!(is_expired, booked.is_expired, "whether {} expired", cart.id);
            let order = cart.order.as_ref().map(OrderId::as_str);
            assert_eq!(order, booked.order.as_deref(), "the order of {}", cart.id);
            let lines = cart.lines.iter().map(|line| {
                let (quantity, price) = (line.quantity.get(), line.unit_price.get());
                (line.sku.to_string(), (i64::from(quantity), price))
            });
            assert_eq!(lines.collect::<BTreeMap<_, _>>(), booked.lines, "the lines of {}", cart.id);
        }
        assert_eq!(mirror.parked(), books.parked.len(), "parked messages");
        let told: BTreeSet<_> = mirror
            .notices
            .iter()
            .flat_map(|(ordinal, notices)| {
                let order = mirror.orders[ordinal].id.to_string();
                notices.all.iter().map(move |notice| {
                    (order.clone(), notice.kind.as_str(), notice.reference.clone())
                })
            })
            .collect();
        assert_eq!(told, books.notices, "what customers are told");
    }
}

fn held(hold: Option<HoldState>) -> Hold {
    match hold {
        None => Hold::Never,
        Some(HoldState::Held { until, extended, frozen }) => Hold::Held {
            until: until.micros(),
            extended,
            frozen: frozen.map(|left| i64::try_from(left.as_micros()).expect("it is short")),
        },
        Some(HoldState::Committed) => Hold::Sold,
        Some(HoldState::Released | HoldState::Expired) => Hold::GivenBack,
    }
}
