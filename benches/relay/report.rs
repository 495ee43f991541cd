//! The figures as text.

use std::fmt::Write;

use super::{contestant::Contestant, round::Run};

pub(crate) fn header(orders: u64) -> String {
    format!(
        "{orders} orders, {} commands; CPU in microseconds an order\n\
         round  contestant  orders/s  seconds  processor  broker  others  peak MiB",
        super::content::count(orders)
    )
}

pub(crate) fn line(round: u64, contestant: Contestant, orders: u64, run: &Run) -> String {
    let an_order = |seconds: f64| format!("{:.0}", seconds * 1e6 / orders as f64);
    let known = |seconds: Option<f64>| seconds.map_or_else(|| "-".to_owned(), an_order);
    format!(
        "{round:>5}  {contestant:<10}  {:>8.0}  {:>7.3}  {:>9}  {:>6}  {:>6}  {:>8.0}",
        rate(orders, run),
        run.seconds,
        an_order(run.processor),
        known(run.broker),
        known(run.others),
        run.memory,
    )
}

/// Medians, and each contestant's share of the first one's rate, taken within each round.
pub(crate) fn summary(contestants: &[Contestant], orders: u64, rounds: &[Vec<Run>]) -> String {
    let mut text = String::new();
    for (index, contestant) in contestants.iter().enumerate() {
        let rates = rounds.iter().map(|round| rate(orders, &round[index])).collect();
        let ratios: Vec<f64> =
            rounds.iter().map(|round| round[0].seconds / round[index].seconds).collect();
        let all: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{contestant:<10}  median {:>6.0} orders/s, {:.2} of the {} (rounds: {})",
            median(rates),
            median(ratios),
            contestants[0],
            all.join(" "),
        );
    }
    text
}

fn rate(orders: u64, run: &Run) -> f64 {
    orders as f64 / run.seconds
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}
