//! The tables, as Markdown.

use std::fmt::Write as _;

use crate::{
    histogram::Percentiles,
    machine::Machine,
    results::median,
    scenario::{
        compare::Compared,
        growth::{Growth, Shrinking},
        latency::{Latency, Load},
        skew::Skew,
        soak::Soak,
        standby::{Round, Standby},
        unbound::Unbound,
    },
    site::Drained,
};

const MIB: f64 = 1_048_576.0;

/// What the figures were taken on, and what was measured.
fn opening(machine: &Machine, what: &str) -> String {
    format!("{}. {what}\n\n", machine.line())
}

/// A table of Markdown, from its head and its rows.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

fn millis(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn percentiles(of: &Percentiles) -> Vec<String> {
    if of.count == 0 {
        return vec!["–".to_owned(); 4];
    }
    [of.p50, of.p99, of.p999, of.max].map(millis).into()
}

/// Orders a second, CPU of the contestant, the broker and others, memory.
fn drained(name: &str, runs: &[&Drained]) -> Vec<String> {
    let middle = |value: &dyn Fn(&Drained) -> f64| median(runs.iter().map(|run| value(run)));
    let an_order = |seconds: Option<f64>, run: &Drained| {
        seconds.map_or(f64::NAN, |seconds| seconds * 1e6 / run.orders as f64)
    };
    let known = |value: f64| if value.is_nan() { "–".to_owned() } else { format!("{value:.0}") };
    vec![
        name.to_owned(),
        format!("{:.0}", middle(&Drained::rate)),
        format!("{:.0}", middle(&Drained::cpu)),
        known(middle(&|run| an_order(run.broker, run))),
        known(middle(&|run| an_order(run.others, run))),
        format!("{:.0}", middle(&|run| run.memory)),
    ]
}

const DRAINED: [&str; 6] = [
    "",
    "orders/s",
    "CPU of the process, µs an order",
    "CPU of RabbitMQ, µs an order",
    "CPU of others, µs an order",
    "memory at most, MiB",
];

fn compared(of: &Compared) -> String {
    let relay: Vec<&Drained> = of.rounds.iter().map(|round| &round.relay).collect();
    let orderly: Vec<&Drained> = of.rounds.iter().map(|round| &round.orderly).collect();
    let rows = [drained("raw relay", &relay), drained("orderly", &orderly)];
    let ratios: Vec<String> =
        of.rounds.iter().map(|round| format!("{:.2}", round.ratio())).collect();
    let cpu = of.rounds.iter().map(|round| round.orderly.cpu() / round.relay.cpu());
    format!(
        "{}\n**{:.2} of the raw relay** (rounds: {}), {:.1} times its CPU.\n",
        table(&DRAINED, rows),
        of.ratio(),
        ratios.join(", "),
        median(cpu)
    )
}

fn rounds(count: usize) -> String {
    if count == 1 { "1 round".to_owned() } else { format!("{count} rounds, medians") }
}

pub(super) fn relay(of: &Compared) -> String {
    let what = format!("{} orders, {}.", of.orders, rounds(of.rounds.len()));
    opening(&of.machine, &what) + &compared(of)
}

pub(super) fn defaults(of: &Compared) -> String {
    let what = format!("{} orders, {}.", of.orders, rounds(of.rounds.len()));
    let after = |run: &Drained| run.seconds - run.events_seconds;
    let last = median(of.rounds.iter().map(|round| after(&round.orderly)));
    let relay = median(of.rounds.iter().map(|round| after(&round.relay)));
    let events = median(of.rounds.iter().map(|round| round.orderly.events_seconds));
    opening(&of.machine, &what)
        + &compared(of)
        + &format!(
            "\nThe last event of an order was out after {events:.1} s, the last notification {last:.2} s later (raw relay: {relay:.2} s).\n"
        )
}

pub(super) fn unbound(of: &Unbound) -> String {
    let what = format!("{} orders, {}.", of.orders, rounds(of.rounds.len()));
    let without: Vec<&Drained> = of.rounds.iter().map(|round| &round.without).collect();
    let unbound: Vec<&Drained> = of.rounds.iter().map(|round| &round.unbound).collect();
    let rows = [drained("no channel", &without), drained("`amqp`, no queue bound", &unbound)];
    opening(&of.machine, &what)
        + &table(&DRAINED, rows)
        + &format!(
            "\n**{:.2} of the rate without a channel**. `/readyz` stays 200 and warns: `{}`.\n",
            of.ratio(),
            of.degraded.join("`, `")
        )
}

pub(super) fn latency(of: &Latency) -> String {
    let what = format!(
        "The drain rate (100 %) is {:.0} orders/s here, of {} preloaded orders; the raw relay's {:.0}. {:.0} s at each rate; milliseconds.",
        of.drain_rate, of.orders, of.relay_drain_rate, of.seconds
    );
    let rows = of.loads.iter().flat_map(|load| {
        let row = |who: &str, values: &Percentiles| {
            let mut row =
                vec![format!("{} %", load.percent), format!("{:.0}", load.rate), who.to_owned()];
            row.extend(percentiles(values));
            row
        };
        [
            row("orderly", &load.orderly),
            row("raw relay", &load.relay),
            row("how late the producer was", &load.late),
        ]
    });
    let head = ["load", "orders/s", "", "P50", "P99", "P99.9", "max"];
    let mut text = opening(&of.machine, &what) + &table(&head, rows);
    for load in &of.loads {
        text.push_str(&coincidences(load));
    }
    text
}

fn coincidences(load: &Load) -> String {
    let rows = load.coincidences.iter().map(|of| {
        let mut row = vec![of.what.clone(), format!("{:.0} %", of.share * 100.0)];
        let sides = [&of.with, &of.without];
        row.extend(sides.iter().flat_map(|side| {
            let all = percentiles(side);
            [all[1].clone(), all[3].clone()]
        }));
        row
    });
    let head = ["at this load, while", "of the time", "P99", "max", "else P99", "else max"];
    let worst = load.worst.iter().take(5).map(|worst| {
        let happened = if worst.happened.is_empty() {
            "nothing that is known".to_owned()
        } else {
            worst.happened.join(", ")
        };
        format!("{} ms at {:.1} s ({happened})", millis(worst.max), worst.at)
    });
    format!(
        "\nAt {} %:\n\n{}\nThe worst moments: {}.\n",
        load.percent,
        table(&head, rows),
        worst.collect::<Vec<_>>().join("; ")
    )
}

pub(super) fn growth(of: &Growth) -> String {
    let what = format!(
        "At each size: {} orders drained, then {:.0} s at half of that rate, an audit, a kill under load.",
        of.measured, of.seconds
    );
    let rows = of.points.iter().map(|point| {
        let size = point.orders.max(1) as f64;
        let an_order = |bytes: u64, orders: f64| {
            if point.orders == 0 {
                "–".to_owned()
            } else {
                format!("{:.0}", bytes as f64 / orders)
            }
        };
        let filled = point.filled.max(1) as f64;
        vec![
            crate::plot::number(point.orders as f64),
            format!("{:.0}", point.drain.rate()),
            format!("{:.0}", point.drain.cpu()),
            format!("{} / {}", millis(point.latency.p50), millis(point.latency.p99)),
            format!("{:.0}", point.memory),
            format!("{:.0}", point.memory_peak),
            format!("{:.2}", point.start),
            format!("{:.1}", point.audit),
            format!("{:.2}", point.disk as f64 / MIB / 1_024.0),
            an_order(point.disk, size),
            an_order(point.fill_written, filled),
        ]
    });
    let head = [
        "orders in the store",
        "orders/s",
        "CPU, µs an order",
        "P50 / P99 at half rate, ms",
        "memory, MiB",
        "at most, audit included",
        "start after a kill, s",
        "audit, s",
        "disk, GiB",
        "bytes on disk an order",
        "bytes written an order",
    ];
    opening(&of.machine, &what) + &table(&head, rows)
}

pub(super) fn shrinking(of: &Shrinking, machine: &Machine) -> String {
    let most = of.disk.iter().max().copied().unwrap_or_default() as f64;
    let last = of.disk.last().copied().unwrap_or_default() as f64;
    let what = format!(
        "{} orders, placed, paid and completed, with `store.history_retention` and `store.idempotency_retention` of {} s: {:.0} MiB at most ({:.0} bytes an order), {:.0} MiB ({:.0} bytes an order, the ids of deleted orders) {} s after the last one was completed; {} orders were left.",
        of.orders,
        of.retention,
        most / MIB,
        most / of.orders as f64,
        last / MIB,
        last / of.orders as f64,
        of.disk.len(),
        of.left
    );
    opening(machine, &what).trim_end().to_owned() + "\n"
}

pub(super) fn skew(of: &Skew) -> String {
    let spread: Vec<&Drained> = of.rounds.iter().map(|round| &round.spread).collect();
    let one: Vec<&Drained> = of.rounds.iter().map(|round| &round.one_sku).collect();
    let orders = spread.first().map_or(0, |run| run.orders);
    let what = format!("{orders} orders of one line, {}.", rounds(of.rounds.len()));
    let baskets = format!("{} orders of 500 lines", of.baskets.orders);
    let rows = [
        drained("of 1,000 skus", &spread),
        drained("of one sku", &one),
        drained(&baskets, &[&of.baskets]),
    ];
    let carts = &of.carts;
    let mut text = opening(&of.machine, &what)
        + &table(&DRAINED, rows)
        + &format!(
            "\n**One sku: {:.2} of the spread rate.** Orders of 500 lines: {:.0} lines/s, {:.1} µs of CPU a line. {} carts with one line each: {:.0} carts/s, {:.1} µs of CPU a cart, {:.0} MiB of memory at most, {:.0} bytes on disk a cart.",
            of.ratio(),
            of.baskets.rate() * 500.0,
            of.baskets.cpu() / 500.0,
            carts.count,
            carts.count as f64 / carts.seconds,
            carts.processor * 1e6 / carts.count as f64,
            carts.memory,
            carts.disk as f64 / carts.count as f64
        );
    for one in &of.callbacks {
        let _ = write!(
            text,
            " An order that {} captures pay: {:.0} captures/s, {:.0} µs of CPU each.",
            one.count,
            one.count as f64 / one.seconds,
            one.processor * 1e6 / one.count as f64
        );
    }
    text + "\n"
}

pub(super) fn soak(of: &Soak) -> String {
    let what = format!(
        "{:.0} minutes at {:.0} orders/s, a retention of {} s: {} orders, {} events, {} notifications, each exactly once. Means of the second and of the last quarter of the time:",
        of.minutes, of.rate, of.retention, of.orders, of.events, of.notifications
    );
    let row = |name: &str, (second, last): (f64, f64)| {
        let change = format!("{:+.1} %", (last / second - 1.0) * 100.0);
        vec![name.to_owned(), millis(second), millis(last), change]
    };
    let rows = [
        row("resident memory, MiB", of.quarters(|second| second.memory)),
        row("store on disk, MiB", of.quarters(|second| second.disk)),
        row("orders in the store", of.quarters(|second| second.orders as f64)),
        row("P50 of a second, ms", of.quarters(|second| second.latency.p50)),
        row("P99 of a second, ms", of.quarters(|second| second.latency.p99)),
    ];
    let all = percentiles(&of.latency);
    opening(&of.machine, &what)
        + &table(&["", "second quarter", "last quarter", "change"], rows)
        + &format!(
            "\nOf all events: P50 {} ms, P99 {}, P99.9 {}, max {}.\n",
            all[0], all[1], all[2], all[3]
        )
}

pub(super) fn standby(of: &Standby) -> String {
    let all = |run: fn(&Round) -> &Drained| of.rounds.iter().map(run).collect::<Vec<_>>();
    let rows = [
        drained("a process alone", &all(|round| &round.single)),
        drained("an owner without a standby", &all(|round| &round.owner)),
        drained("an owner with a standby", &all(|round| &round.followed)),
    ];
    let (owner, followed) = of.ratios();
    let what = format!("{} orders, {} rounds, medians.", of.orders, of.rounds.len());
    format!(
        "{}{}\nOf the rate of a process alone: {owner:.2} without a standby, {followed:.2} with one on the same machine.\n",
        opening(&of.machine, &what),
        table(&DRAINED, rows)
    )
}
