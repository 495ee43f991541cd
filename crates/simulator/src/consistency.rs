//! The expected states after a unit: by the units themselves, and by the reference model. The two must agree.

use crate::mirror::{Mirror, Touched};
use crate::observed;
use crate::process::Input;
use orderly_actors::journal_entry::JournalEntry;
use orderly_actors::tables;
use orderly_domain::event::Event;
use orderly_domain::id::OrderId;
use orderly_domain::order::{Order, Status};
use orderly_domain::payment::rules::attention;
use orderly_domain::verdict::Verdict;
use orderly_model::snapshot::OrderSnapshot;
use orderly_model::{KnownOrders, Model, Settings, Snapshot, snapshot, unit};
use orderly_store::{Ordinal, Unit};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many states a unit may have compared beside its own, on average.
const COMPARED_PER_UNIT: usize = 8;

/// The expected states of the store and of the shop in it.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) mirror: Mirror,
    pub(crate) model: Model,
    pub(crate) aged: Aged,
    /// Units since all states were compared.
    units: usize,
    /// The orders of the model that were compared, as they were then.
    compared: KnownOrders,
}

/// What changed by time alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Aged {
    /// Carts that expired.
    pub expired_carts: u64,
    /// Carts that were deleted after their retention.
    pub deleted_carts: u64,
    /// Orders that were deleted after their retention.
    pub deleted_orders: u64,
    /// Callbacks whose order never came.
    pub expired_callbacks: u64,
}

impl Expected {
    pub(crate) fn new(settings: Settings) -> Self {
        let model = Model::new(settings, 0);
        Self {
            mirror: Mirror::default(),
            model,
            aged: Aged::default(),
            units: 0,
            compared: KnownOrders::default(),
        }
    }

    /// Takes the next unit: the model must give the same result for its cause, and states that agree. The states that the unit
    /// touched are compared at once; all others are when so many units have passed that it costs little.
    pub(crate) fn apply(&mut self, unit: &Unit, entry: &JournalEntry, input: &Input) {
        let (touched, expected) = self.take(unit, entry, input);
        let found = unit::differences(&observed::unit(&entry.record), &expected);
        assert!(found.is_empty(), "on {input:?}:\n{}", found.join("\n"));
        self.compare_touched(&touched, entry);
        self.units += 1;
        if self.units * COMPARED_PER_UNIT > self.mirror.entities() {
            self.compare();
        }
    }

    /// Takes a unit that another [`Expected`] has compared.
    pub(crate) fn follow(&mut self, unit: &Unit, entry: &JournalEntry, input: &Input) {
        self.take(unit, entry, input);
    }

    fn take(
        &mut self,
        unit: &Unit,
        entry: &JournalEntry,
        input: &Input,
    ) -> (Touched, orderly_model::Unit) {
        let deleted_carts: Vec<_> = unit
            .puts
            .iter()
            .filter(|put| put.table == tables::CARTS && put.value.is_none())
            .map(|put| self.mirror.carts[&put.ordinal].id.to_string())
            .collect();
        let touched = self.mirror.apply(unit, &entry.record);
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
        self.learn(&touched);
        (touched, expected)
    }

    /// The oldest identities that must still be known.
    pub(crate) const fn oldest(&self) -> i64 {
        self.mirror.clock - self.model.settings.identity_retention
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
    fn learn(&mut self, touched: &Touched) {
        for ordinal in &touched.orders {
            let payments = self.mirror.payments.get(ordinal);
            let refunds = payments.into_iter().flat_map(|payments| &payments.refunds);
            if let Some(order) = self.mirror.orders.get(ordinal) {
                let ids = refunds.map(|refund| refund.id.as_str());
                self.model.name_refunds(order.id.as_str(), ids);
            }
        }
    }

    /// Compares all states by the units with those of the model, but for the orders that neither has changed since they were
    /// compared: the units change none that is not compared at once.
    pub(crate) fn compare(&mut self) {
        self.units = 0;
        let changed = self.model.changed_orders(&mut self.compared);
        let orders = changed.iter().filter_map(|order| self.mirror.order_of(order)).collect();
        let observed = self.observe(&self.with_all_else(orders));
        let expected = self.model.snapshot_with(changed.iter().map(String::as_str));
        let found = snapshot::differences(&observed, &expected);
        assert!(found.is_empty(), "{}", found.join("\n"));
        assert_eq!(self.mirror.orders.len(), self.model.order_count(), "the number of orders");
    }

    /// Compares all states by the units with those of the model.
    pub(crate) fn compare_all(&self) {
        let orders = self.mirror.orders.keys().copied().collect();
        let observed = self.observe(&self.with_all_else(orders));
        let found = snapshot::differences(&observed, &self.model.snapshot());
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    /// These orders, and all carts and skus.
    fn with_all_else(&self, orders: BTreeSet<Ordinal>) -> Touched {
        let carts = self.mirror.carts.keys().copied().collect();
        let skus = self.mirror.stocks.keys().copied().collect();
        Touched { orders, carts, skus }
    }

    /// Compares the states that a unit touched, and its order if it has one.
    fn compare_touched(&self, touched: &Touched, entry: &JournalEntry) {
        let mut touched = touched.clone();
        let order = entry.record.order.as_ref().map(OrderId::as_str);
        touched.orders.extend(order.and_then(|order| self.mirror.order_of(order)));
        let observed = self.observe(&touched);
        let mut orders: BTreeSet<_> = observed.orders.keys().map(String::as_str).collect();
        orders.extend(order);
        let stock = observed.stock.keys().map(String::as_str);
        let carts = observed.carts.keys().map(String::as_str);
        let expected = self.model.snapshot_of(orders.into_iter(), stock, carts);
        let found = snapshot::differences(&observed, &expected);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    /// Some states of the shop by the units. The counts are those of all.
    fn observe(&self, touched: &Touched) -> Snapshot {
        let mirror = &self.mirror;
        let orders = touched.orders.iter().filter_map(|one| Some((one, mirror.orders.get(one)?)));
        let stock = touched.skus.iter().filter_map(|sku| mirror.stocks.get(sku));
        let carts = touched.carts.iter().filter_map(|cart| mirror.carts.get(cart));
        let attention = orders.clone().filter(|(ordinal, order)| {
            let payments = mirror.payments.get(ordinal);
            let is_odd = payments.is_some_and(|known| !attention(known, order.currency).is_empty());
            order.status == Status::UnderReview || is_odd
        });
        Snapshot {
            attention: attention.map(|(_, order)| order.id.to_string()).collect(),
            orders: orders
                .map(|(ordinal, order)| (order.id.to_string(), self.observe_order(*ordinal, order)))
                .collect(),
            stock: stock.map(|stock| (stock.sku.to_string(), observed::stock(stock))).collect(),
            carts: carts.map(|cart| (cart.id.to_string(), observed::cart(cart))).collect(),
            waiting: mirror.waiting(),
            parked: mirror.parked(),
        }
    }

    fn observe_order(&self, ordinal: Ordinal, order: &Order) -> OrderSnapshot {
        let mirror = &self.mirror;
        observed::order(
            (order, mirror.details.get(&ordinal).map(Arc::as_ref)),
            mirror.payments.get(&ordinal).map(Arc::as_ref),
            mirror.reservations.get(&ordinal).map(Arc::as_ref),
            mirror.notices.get(&ordinal).map(Arc::as_ref),
        )
    }
}
