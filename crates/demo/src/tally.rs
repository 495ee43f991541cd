//! What must come of a stream of commands: stock, orders, money and verdicts.
//!
//! A model of its own: it reads the messages as bytes and follows the published contract, in plain
//! maps and one message after the other, without the processor's types, rules or clock. It covers
//! what a [`day`](super::day) holds; of anything else it says so instead of guessing.

mod carts;
mod door;
mod keeper;
mod stock;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt::{self, Debug, Display},
};

pub use keeper::{Bookkeeper, Error};
pub use stock::Stock;

/// How a command was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It changed something.
    Applied,
    /// Seen before, with the same data.
    Duplicate,
    /// True once, overtaken since.
    Stale,
    /// A callback whose order has not come yet.
    Waiting,
    /// Refused by a rule, for this reason.
    Rejected(&'static str),
    /// Seen before, with other data.
    Conflict,
    /// Not a command at all, for this reason.
    Invalid(&'static str),
}

impl Verdict {
    /// The verdict's name in the contract, without its reason.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::Waiting => "waiting",
            Self::Rejected(_) => "rejected",
            Self::Conflict => "conflict",
            Self::Invalid(_) => "invalid",
        }
    }
}

impl Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(reason) | Self::Invalid(reason) => {
                write!(f, "{} ({reason})", self.name())
            }
            _ => f.write_str(self.name()),
        }
    }
}

/// Where an order ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Refused for want of stock.
    Rejected,
    /// Held, not paid.
    AwaitingPayment,
    /// Paid in full.
    Paid,
    /// Handed over.
    Completed,
    /// Its hold ran out.
    Expired,
    /// Called off before it was paid.
    Cancelled,
    /// Money came that the shop must give back.
    RefundDue,
}

impl Status {
    /// The status as the contract spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::AwaitingPayment => "awaiting_payment",
            Self::Paid => "paid",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::RefundDue => "refund_due",
        }
    }
}

impl Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One order's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Where it stands.
    pub status: Status,
    /// What it costs, in minor units.
    pub total: i64,
    /// What was captured, in minor units.
    pub paid: i64,
}

/// The books of a stream, or of the processor that took it: two of them should be equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Books {
    /// How often each verdict was given to a message.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// Every order there is, the rejected ones too.
    pub orders: BTreeMap<String, Account>,
    /// Every sku there is.
    pub stock: BTreeMap<String, Stock>,
    /// Callbacks whose order never came.
    pub waiting: u64,
    /// Messages put aside for a person.
    pub parked: u64,
    /// Notifications asked for, by kind.
    pub notifications: BTreeMap<&'static str, u64>,
    /// The `order.*` events, by type.
    pub events: BTreeMap<&'static str, u64>,
}

impl Books {
    /// How many orders there are in each status.
    pub fn statuses(&self) -> BTreeMap<Status, u64> {
        let mut statuses = BTreeMap::new();
        for account in self.orders.values() {
            *statuses.entry(account.status).or_default() += 1;
        }
        statuses
    }

    /// All money captured, in minor units.
    pub fn paid(&self) -> i64 {
        self.orders.values().map(|account| account.paid).sum()
    }

    /// All money to be given back, in minor units.
    pub fn refund_due(&self) -> i64 {
        self.orders
            .values()
            .filter(|account| account.status == Status::RefundDue)
            .map(|account| account.paid)
            .sum()
    }

    /// Where `seen` is not what these books expect, a line for each entry, in a fixed order.
    /// Empty: the books balance.
    pub fn differences(&self, seen: &Self) -> Vec<String> {
        let mut found = Vec::new();
        compare("verdict", &self.verdicts, &seen.verdicts, &mut found);
        compare("order", &self.orders, &seen.orders, &mut found);
        compare("stock of", &self.stock, &seen.stock, &mut found);
        let notifications = (&self.notifications, &seen.notifications);
        compare("notification", notifications.0, notifications.1, &mut found);
        compare("event", &self.events, &seen.events, &mut found);
        for (what, expected, seen) in [
            ("waiting callbacks", self.waiting, seen.waiting),
            ("parked messages", self.parked, seen.parked),
        ] {
            if expected != seen {
                found.push(format!("{what}: expected {expected}, found {seen}"));
            }
        }
        found
    }
}

fn compare<K: Ord + Display, V: PartialEq + Debug>(
    what: &str,
    expected: &BTreeMap<K, V>,
    seen: &BTreeMap<K, V>,
    found: &mut Vec<String>,
) {
    for (key, value) in expected {
        match seen.get(key) {
            Some(other) if other == value => {}
            Some(other) => found.push(format!("{what} {key}: expected {value:?}, found {other:?}")),
            None => found.push(format!("{what} {key}: expected {value:?}, found nothing")),
        }
    }
    for (key, other) in seen {
        if !expected.contains_key(key) {
            found.push(format!("{what} {key}: expected nothing, found {other:?}"));
        }
    }
}
