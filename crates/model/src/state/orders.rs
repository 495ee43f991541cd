//! The orders of the shop. Copies of the model share the orders that did not change since.

use crate::state::order::Order;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All orders by their ids.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Orders(BTreeMap<String, Arc<Order>>);

impl Orders {
    pub(crate) fn get(&self, id: &str) -> Option<&Order> {
        self.0.get(id).map(|order| &**order)
    }

    /// The order, for a change. A copy of the model that has the same order keeps it as it is.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Order> {
        self.0.get_mut(id).map(Arc::make_mut)
    }

    pub(crate) fn contains_key(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    pub(crate) fn insert(&mut self, id: String, order: Order) {
        self.0.insert(id, Arc::new(order));
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Arc<Order>> {
        self.0.remove(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Order)> {
        self.0.iter().map(|(id, order)| (id, &**order))
    }
}

/// The orders of a model at some time, to tell later which have changed since.
#[derive(Debug, Clone, Default)]
pub struct KnownOrders(BTreeMap<String, Arc<Order>>);

impl KnownOrders {
    /// The ids of the orders that were added, changed or deleted since the last call. They are known from now on.
    pub(crate) fn update(&mut self, orders: &Orders) -> Vec<String> {
        let Self(known) = self;
        let mut changed = Vec::new();
        for (id, order) in &orders.0 {
            if known.get(id).is_none_or(|known| !Arc::ptr_eq(known, order)) {
                known.insert(id.clone(), Arc::clone(order));
                changed.push(id.clone());
            }
        }
        if known.len() > orders.0.len() {
            known.retain(|id, _| {
                let is_there = orders.0.contains_key(id);
                if !is_there {
                    changed.push(id.clone());
                }
                is_there
            });
        }
        changed
    }
}
