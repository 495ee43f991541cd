//! The lists of an order.

use super::{Changed, List, Listed};
use crate::order::Order;

/// The lists that an order is in by its own state.
pub fn of_order(order: &Order) -> Vec<Listed> {
    let mut lists = Vec::with_capacity(5 + order.lines.len());
    each(order, &mut |list| lists.push(list));
    lists
}

fn each(order: &Order, add: &mut impl FnMut(Listed)) {
    add(listed(order, List::Status(order.status)));
    add(listed(order, List::Customer(&order.customer.id)));
    if let Some(email) = &order.customer.email {
        add(listed(order, List::Email(email.as_str())));
    }
    for (place, line) in order.lines.iter().enumerate() {
        // several lines may have one sku
        if order.lines[..place].iter().all(|earlier| earlier.sku != line.sku) {
            add(listed(order, List::Sku(&line.sku)));
        }
    }
    if order.disputed {
        add(listed(order, List::Disputed));
    }
}

fn listed(order: &Order, list: List) -> Listed {
    Listed::new(list, order.placed_at.micros())
}

impl super::changes::InLists for Order {
    fn each(&self, add: &mut impl FnMut(Listed)) {
        each(self, add);
    }

    /// Most commands change the status alone: what is the same in both is not hashed.
    fn changes(&self, before: &Self, changed: &mut impl FnMut(Listed, Changed)) {
        let is_same = self.placed_at == before.placed_at
            && self.customer == before.customer
            && (std::sync::Arc::ptr_eq(&self.lines, &before.lines) || self.lines == before.lines);
        if !is_same {
            return super::changes::compare(self, before, changed);
        }
        if self.status != before.status {
            changed(listed(before, List::Status(before.status)), Changed::Gone);
            changed(listed(self, List::Status(self.status)), Changed::Added);
        }
        if self.disputed != before.disputed {
            let change = if self.disputed { Changed::Added } else { Changed::Gone };
            changed(listed(self, List::Disputed), change);
        }
    }
}
