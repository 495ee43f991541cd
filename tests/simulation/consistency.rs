//! The expected states after a unit: by the units themselves, and by the reference model. The two must agree.

use super::mirror::Mirror;
use super::observed;
use super::process::Input;
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::tables;
use orderly_domain::event::Event;
use orderly_domain::order::{Order, Status};
use orderly_domain::payment::rules::attention;
use orderly_domain::verdict::Verdict;
use orderly_model::{Model, Settings, Snapshot, snapshot, unit};
use orderly_store::{Ordinal, Unit};

/// The expected states of the store and of the shop in it.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) mirror: Mirror,
    pub(crate) model: Model,
    pub(crate) aged: Aged,
}

/// How much time has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Aged {
    pub(crate) expired_carts: u32,
    pub(crate) deleted_carts: u32,
    pub(crate) deleted_orders: u32,
    pub(crate) expired_callbacks: u32,
}

impl Expected {
    pub(crate) fn new(settings: Settings) -> Self {
        let model = Model::new(settings, 0);
        Self { mirror: Mirror::default(), model, aged: Aged::default() }
    }

    /// Takes the next unit: the model must give the same result for its cause.
    pub(crate) fn apply(&mut self, unit: &Unit, entry: &JournalEntry, input: &Input) {
        let deleted_carts: Vec<_> = unit
            .puts
            .iter()
            .filter(|put| put.table == tables::CARTS && put.value.is_none())
            .map(|put| self.mirror.carts[&put.ordinal].id.to_string())
            .collect();
        self.mirror.apply(unit);
        self.model.now = unit.at;
        let order = entry.record.order.as_ref().map_or("", |order| order.as_str());
        let expected = match input {
            Input::Message(message) => {
                let message_of_model = message.for_model();
                // Past its retention an identity may be known or not.
                if !matches!(entry.record.verdict, Verdict::Duplicate | Verdict::Conflict) {
                    self.model.forget_identity(&message_of_model);
                }
                let expected = self.model.take(&message_of_model);
                if let Some(defect) = message.defect {
                    let found = (expected.verdict, expected.reason);
                    let made = (orderly_model::Verdict::Invalid, Some(defect.as_str()));
                    assert_eq!(found, made, "the model, and the maker of {message:?}");
                }
                expected
            }
            Input::Failed(message) => self.model.fail(&message.for_model()),
            Input::HoldTimer => self.model.expire_hold(order),
            Input::Waited if entry.record.verdict == Verdict::Failed => {
                self.model.fail_waiting(order)
            }
            Input::Waited => self.model.apply_waiting(order).expect("a callback waits for it"),
            Input::NeverCame => {
                self.aged.expired_callbacks += 1;
                self.model.expire_waiting(order)
            }
            Input::Retention => self.check_retention(entry, order, &deleted_carts),
            // The model knows no deliveries of notifications.
            Input::Notified => observed::unit(&entry.record),
        };
        let found = unit::differences(&observed::unit(&entry.record), &expected);
        assert!(found.is_empty(), "on {input:?}:\n{}", found.join("\n"));
        self.learn();
        self.compare();
    }

    /// Expires or deletes old data in the model.
    fn check_retention(
        &mut self,
        entry: &JournalEntry,
        order: &str,
        deleted_carts: &[String],
    ) -> orderly_model::Unit {
        let mut expected = orderly_model::Unit::default();
        for event in &entry.record.events {
            match event {
                Event::CartExpired { cart_id } => {
                    self.aged.expired_carts += 1;
                    expected = self.model.expire_cart(cart_id.as_str());
                }
                other => panic!("time alone brings about no other event: {other:?}"),
            }
        }
        for cart in deleted_carts {
            self.aged.deleted_carts += 1;
            self.model.delete_cart(cart);
        }
        if !order.is_empty() {
            self.aged.deleted_orders += 1;
            self.model.delete_order(order);
        }
        expected
    }

    /// The ids of the refunds that the processor asks for by itself are its own choice: the model learns them.
    fn learn(&mut self) {
        for (ordinal, order) in &self.mirror.orders {
            let payments = self.mirror.payments.get(ordinal);
            let refunds = payments.into_iter().flat_map(|payments| &payments.refunds);
            self.model.name_refunds(order.id.as_str(), refunds.map(|refund| refund.id.as_str()));
        }
    }

    /// Compares all states by the units with those of the model.
    fn compare(&self) {
        let found = snapshot::differences(&self.observe(), &self.model.snapshot());
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    /// The states of the shop by the units.
    fn observe(&self) -> Snapshot {
        let mirror = &self.mirror;
        let orders = mirror.orders.iter().map(|(ordinal, order)| {
            let seen = observed::order(
                (order, mirror.details.get(ordinal)),
                mirror.payments.get(ordinal),
                mirror.reservations.get(ordinal),
                mirror.notices.get(ordinal),
            );
            (order.id.to_string(), seen)
        });
        let stock = mirror.stocks.values();
        let carts = mirror.carts.values();
        let needs_a_person = |(ordinal, order): &(&Ordinal, &Order)| {
            let payments = mirror.payments.get(ordinal);
            let is_odd = payments.is_some_and(|known| !attention(known, order.currency).is_empty());
            order.status == Status::UnderReview || is_odd
        };
        let attention = mirror.orders.iter().filter(needs_a_person);
        Snapshot {
            attention: attention.map(|(_, order)| order.id.to_string()).collect(),
            orders: orders.collect(),
            stock: stock.map(|stock| (stock.sku.to_string(), observed::stock(stock))).collect(),
            carts: carts.map(|cart| (cart.id.to_string(), observed::cart(cart))).collect(),
            waiting: mirror.payments.values().map(|payments| payments.waiting.len()).sum(),
            parked: mirror.parked(),
        }
    }
}
