//! The table that the demo prints.

use crate::run::Outcome;
use std::fmt::Write as _;
use std::time::Duration;

/// The messages that were sent, the expected and the actual results, and whether the books balance.
pub fn summary(outcome: &Outcome, customers: u64, seed: u64, took: Duration) -> String {
    let mut text = String::new();
    let Outcome { expected, seen, audit, sent, differences } = outcome;
    let messages: u64 = sent.values().sum();
    let seconds = took.as_secs_f64();
    let _ = writeln!(text, "A shop day: {customers} customers, seed {seed}\n");
    section(&mut text, "Messages sent", sent.iter().map(|(kind, n)| (kind.to_string(), *n, *n)));
    let verdicts = expected.verdicts.iter().map(|(verdict, n)| {
        let found = seen.verdicts.get(verdict).copied().unwrap_or(0);
        (verdict.to_string(), *n, found)
    });
    section(&mut text, "Verdicts", verdicts);
    let statuses = seen.statuses();
    let orders = expected
        .statuses()
        .into_iter()
        .map(|(status, n)| (status.to_string(), n, statuses.get(&status).copied().unwrap_or(0)));
    section(&mut text, "Orders", orders);
    let notifications = expected
        .notifications
        .iter()
        .map(|(kind, n)| (kind.clone(), *n, seen.notifications.get(kind).copied().unwrap_or(0)));
    section(&mut text, "Notifications", notifications);
    let amounts = [
        ("captured", expected.paid(), seen.paid()),
        ("to be refunded", expected.refund_due(), seen.refund_due()),
    ];
    let amounts = amounts.map(|(name, expected, seen)| {
        (format!("{name} (pence)"), expected.cast_unsigned(), seen.cast_unsigned())
    });
    section(&mut text, "Money", amounts.into_iter());
    let units = [
        ("on hand".to_owned(), expected.on_hand().cast_unsigned(), seen.on_hand().cast_unsigned()),
        ("messages parked".to_owned(), expected.parked, seen.parked),
        ("callbacks waiting".to_owned(), expected.waiting, seen.waiting),
    ];
    section(&mut text, "Stock and leftovers", units.into_iter());
    let rate = messages as f64 / seconds.max(0.001);
    let _ =
        writeln!(text, "{messages} messages in {seconds:.1} s: {rate:.0} a second, all durable.");
    for line in differences.iter().take(20).chain(&audit.violations) {
        let _ = writeln!(text, "  wrong: {line}");
    }
    let verdict = if outcome.balances() {
        "The books balance: stock, money, orders and notifications are as an independent \
         model of the same messages expects, and the audit found no violation."
    } else {
        "THE BOOKS DO NOT BALANCE."
    };
    let _ = writeln!(text, "{verdict}");
    text
}

fn section(text: &mut String, title: &str, rows: impl Iterator<Item = (String, u64, u64)>) {
    let _ = writeln!(text, "{title:<34} {:>14} {:>14}", "expected", "seen");
    for (name, expected, seen) in rows {
        let mark = if expected == seen { "" } else { "  <-- differs" };
        let _ = writeln!(text, "  {name:<32} {expected:>14} {seen:>14}{mark}");
    }
    text.push('\n');
}
