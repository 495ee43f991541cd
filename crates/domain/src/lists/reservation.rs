//! The list of an order's reservation.

use super::changes::InLists;
use super::{Changed, List, Listed};
use crate::inventory::{HoldState, Reservation};

/// The lists that an order is in by its reservation: that of holds, while the stock is held for a time.
pub fn of_reservation(reservation: &Reservation) -> Vec<Listed> {
    hold(reservation).into_iter().collect()
}

fn hold(reservation: &Reservation) -> Option<Listed> {
    match reservation.state {
        HoldState::Held { until: Some(until), .. } => Some(Listed::new(List::Hold, until.micros())),
        HoldState::Held { until: None, .. }
        | HoldState::Committed
        | HoldState::Released
        | HoldState::Expired => None,
    }
}

impl InLists for Reservation {
    fn each(&self, add: &mut impl FnMut(Listed)) {
        hold(self).into_iter().for_each(add);
    }

    fn changes(&self, before: &Self, changed: &mut impl FnMut(Listed, Changed)) {
        let (after, before) = (hold(self), hold(before));
        if after != before {
            if let Some(list) = before {
                changed(list, Changed::Gone);
            }
            if let Some(list) = after {
                changed(list, Changed::Added);
            }
        }
    }
}
