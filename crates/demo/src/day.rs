//! The day of a shop, as the stream of messages that its producers send.
//!
//! The same number of customers and the same seed give the same day, byte for byte. Messages are made when they are read. Only
//! the messages that are planned for later are in memory, so a day of a million customers needs little.
//!
//! Orders have the proportions of a real wholesaler (see `catalogue`). The day holds everything that goes wrong between a shop,
//! its payment provider and its warehouse: callbacks that come twice, before their order, after its hold expired, or without an
//! order; skus with too little stock; abandoned carts; cancellations; ids that are used again; and messages that cannot be read.

mod catalogue;
mod message;
mod story;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use message::Message;

use crate::random::Random;
use catalogue::Catalogue;
use story::Story;

/// The `hold_for` of orders whose hold is to expire. All other holds must outlast the day: use an `orders.hold_for` of an hour or
/// more.
pub const SHORT_HOLD: &str = "1s";

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
/// Customers come for twelve hours.
const CLOSING: u64 = 12 * 60 * MINUTE;
/// From this time on messages are sent after every short hold has expired. It is later than the last message that a customer of
/// the day can cause.
const EVENING: u64 = CLOSING + 6 * 60 * MINUTE;

/// A step of the day. The steps are taken in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Publish this message.
    Send(Message),
    /// Wait until all orders placed with [`SHORT_HOLD`] that are not paid have expired.
    HoldsRunOut,
}

/// The steps of a day; see the module.
#[derive(Debug, Clone)]
pub struct Day {
    random: Random,
    catalogue: Catalogue,
    customers: u64,
    /// The number of the next customer.
    next: u64,
    /// The planned messages, by their time and then in the order in which they were planned.
    pending: BTreeMap<(u64, u64), Message>,
    decided: u64,
    is_evening: bool,
}

impl Day {
    /// A day with `customers` customers. (Some order twice, and some do not succeed in ordering.)
    pub fn new(customers: u64, seed: u64) -> Self {
        let mut day = Self {
            random: Random::new(seed),
            catalogue: Catalogue::for_orders(customers),
            customers,
            next: 0,
            pending: BTreeMap::new(),
            decided: 0,
            is_evening: false,
        };
        for (index, (sku, on_hand)) in day.catalogue.clone().stock().enumerate() {
            let id = format!("morning-{index:05}");
            day.plan(0, message::stock_set(id, &sku, on_hand, 10));
        }
        day
    }

    fn plan(&mut self, at: u64, message: Message) {
        self.pending.insert((at, self.decided), message);
        self.decided += 1;
    }

    /// The time at which the next customer comes, if there is one.
    fn next_opens(&self) -> Option<u64> {
        let opens = u128::from(CLOSING) * u128::from(self.next) / u128::from(self.customers.max(1));
        (self.next < self.customers).then(|| u64::try_from(opens).unwrap_or(CLOSING))
    }

    fn open_story(&mut self, opens: u64) {
        let number = self.next;
        self.next += 1;
        for (at, message) in Story::new(&mut self.random, &self.catalogue, number, opens).tell() {
            self.plan(at, message);
        }
        self.run_warehouse(number, opens);
        if number % 50 == 25 {
            let poison = message::poison(&format!("poison-{number:07}"), number / 50);
            self.plan(opens, poison);
        }
    }

    /// Write-offs (three for ten customers, as in the sample) and deliveries.
    fn run_warehouse(&mut self, number: u64, opens: u64) {
        if self.random.per_mille(290) {
            let sku = self.catalogue.plentiful(&mut self.random);
            let lost = -self.random.between(1, 100).cast_signed();
            let id = format!("write-off-{number:07}");
            self.plan(opens, message::stock_adjust(id, &sku, lost, "damaged"));
        }
        if self.random.per_mille(20) {
            let sku = self.catalogue.plentiful(&mut self.random);
            let come = self.random.between(10, 5_000).cast_signed();
            let id = format!("delivery-{number:07}");
            self.plan(opens, message::stock_adjust(id, &sku, come, "delivery"));
        }
    }
}

impl Iterator for Day {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        loop {
            let opens = self.next_opens();
            if let Some((due, _)) = self.pending.first_key_value().map(|(key, _)| *key)
                && opens.is_none_or(|opens| due <= opens)
            {
                if due >= EVENING && !self.is_evening {
                    self.is_evening = true;
                    return Some(Step::HoldsRunOut);
                }
                return self.pending.pop_first().map(|(_, message)| Step::Send(message));
            }
            self.open_story(opens?);
        }
    }
}
