//! The results of a day in numbers: those of the model, and those of the processor.

use orderly_model::{Status, Verdict};
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display};

/// A verdict, and the reason where one verdict has several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerdictWithReason {
    /// The verdict.
    pub verdict: Verdict,
    /// Why a command was rejected, invalid or failed; empty for the other verdicts.
    pub reason: String,
}

impl VerdictWithReason {
    /// The verdict, and its reason if it needs one.
    pub fn new(verdict: Verdict, reason: Option<&str>) -> Self {
        let needs_reason =
            matches!(verdict, Verdict::Rejected | Verdict::Invalid | Verdict::Failed);
        let reason = reason.filter(|_| needs_reason).unwrap_or_default().to_owned();
        Self { verdict, reason }
    }
}

impl Display for VerdictWithReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verdict.name())?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, " ({})", self.reason) }
    }
}

/// The money of one order. Amounts are in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// The status of the order.
    pub status: Status,
    /// The price of the order.
    pub total: i64,
    /// The money that was captured.
    pub paid: i64,
    /// The money that went back.
    pub refunded: i64,
}

/// The stock of one sku.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stock {
    /// Units in the warehouse.
    pub on_hand: i64,
    /// Units of these that are held for orders that are not paid.
    pub held: i64,
}

/// The results of a day. Those of the model and of the processor must be equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// The number of messages with each verdict.
    pub verdicts: BTreeMap<VerdictWithReason, u64>,
    /// Every order, the rejected ones too.
    pub orders: BTreeMap<String, Account>,
    /// Every sku.
    pub stock: BTreeMap<String, Stock>,
    /// Callbacks that wait for their order.
    pub waiting: u64,
    /// Parked messages.
    pub parked: u64,
    /// Notifications requested, by kind.
    pub notifications: BTreeMap<String, u64>,
    /// The `order.*` events, by type.
    pub events: BTreeMap<String, u64>,
}

impl Tally {
    /// The number of orders with each status.
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

    /// All money of orders with the status `refund_due` that has not gone back, in minor units.
    pub fn refund_due(&self) -> i64 {
        let due = self.orders.values().filter(|account| account.status == Status::RefundDue);
        due.map(|account| account.paid - account.refunded).sum()
    }

    /// All units in the warehouse.
    pub fn on_hand(&self) -> i64 {
        self.stock.values().map(|stock| stock.on_hand).sum()
    }

    /// The differences between `seen` and this expected tally, one line for each entry, in a fixed order.
    pub fn differences(&self, seen: &Self) -> Vec<String> {
        let mut found = Vec::new();
        compare("verdict", &self.verdicts, &seen.verdicts, &mut found);
        compare("order", &self.orders, &seen.orders, &mut found);
        compare("stock of", &self.stock, &seen.stock, &mut found);
        compare("notification", &self.notifications, &seen.notifications, &mut found);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_differences_of_two_tallies_are_listed() {
        let account = Account { status: Status::Paid, total: 2, paid: 2, refunded: 0 };
        let expected = Tally {
            orders: BTreeMap::from([("o".to_owned(), account)]),
            stock: BTreeMap::from([("tea".to_owned(), Stock { on_hand: 5, held: 1 })]),
            ..Tally::default()
        };
        assert!(expected.differences(&expected.clone()).is_empty());

        let stock = BTreeMap::from([("tea".to_owned(), Stock { on_hand: 5, held: 3 })]);
        let seen = Tally { stock, waiting: 2, ..Tally::default() };

        let differences = expected.differences(&seen);
        assert_eq!(differences.len(), 3);
        assert!(differences[0].starts_with("order o: expected"));
        assert!(differences[1].contains("held: 3"));
        assert_eq!(differences[2], "waiting callbacks: expected 0, found 2");
    }
}
