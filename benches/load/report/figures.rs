//! The plots.

use crate::{
    plot::{Figure, Line, Panel, Scale},
    scenario::{
        growth::{Growth, Point, Shrinking},
        latency::{Latency, Load},
        soak::{Second, Soak},
    },
};

const MIB: f64 = 1_048_576.0;

/// Points of a plot over time: with more of them nothing more is seen.
const POINTS: usize = 240;

pub(super) fn latency(latency: &Latency) -> Figure {
    let line = |name: &str, value: fn(&Load) -> f64| {
        Line::new(name, latency.loads.iter().map(|load| (load.percent as f64, value(load))))
    };
    let lines = vec![
        line("P50", |load| load.orderly.p50),
        line("P99", |load| load.orderly.p99),
        line("P99.9", |load| load.orderly.p999),
        line("P99 of the raw relay", |load| load.relay.p99),
    ];
    Figure {
        title: "Latency against load".into(),
        x: "orders a second, % of the drain rate".into(),
        panels: vec![Panel::new("From due to event, ms", Scale::Log, lines)],
    }
}

pub(super) fn growth(growth: &Growth) -> Figure {
    let line = |name: &str, value: fn(&Point) -> f64| {
        let points = growth.points.iter();
        Line::new(name, points.map(|point| (point.orders as f64 / 1e6, value(point))))
    };
    let panel = |title: &str, lines: Vec<Line>| Panel::new(title, Scale::Linear, lines);
    Figure {
        title: "Rate, latency, memory, start and disk against the size of the store".into(),
        x: "million orders in the store".into(),
        panels: vec![
            panel("Drain rate, orders/s", vec![line("rate", |point| point.drain.rate())]),
            panel(
                "Latency at half of that rate, ms",
                vec![
                    line("P50", |point| point.latency.p50),
                    line("P99", |point| point.latency.p99),
                ],
            ),
            panel(
                "Resident memory, MiB",
                vec![
                    line("at half rate", |point| point.memory),
                    line("at most, an audit included", |point| point.memory_peak),
                ],
            ),
            panel("Start after a kill, s", vec![line("start", |point| point.start)]),
            panel(
                "Store on disk, GiB",
                vec![line("disk", |point| point.disk as f64 / MIB / 1024.0)],
            ),
        ],
    }
}

pub(super) fn shrinking(shrinking: &Shrinking) -> Figure {
    let disk = shrinking.disk.iter().enumerate();
    let line = Line::new("disk", disk.map(|(second, bytes)| (second as f64, *bytes as f64 / MIB)));
    Figure {
        title: "The store while old orders are deleted".into(),
        x: "seconds after the last order was completed".into(),
        panels: vec![Panel::new("Store on disk, MiB", Scale::Linear, vec![line])],
    }
}

pub(super) fn soak(soak: &Soak) -> Figure {
    let every = soak.samples.len().div_ceil(POINTS).max(1);
    let parts: Vec<&[Second]> = soak.samples.chunks(every).collect();
    let line = |name: &str, value: fn(&Second) -> f64| {
        // The largest of each part: a plot must not hide what was worst.
        let most = |part: &[Second]| part.iter().map(value).fold(f64::NAN, f64::max);
        let points = parts.iter().filter_map(|part| Some((part.first()?.at / 60.0, most(part))));
        Line::new(name, points)
    };
    let panel = |title: &str, lines: Vec<Line>| Panel::new(title, Scale::Linear, lines);
    let latency = vec![
        line("P50", |second| second.latency.p50),
        line("P99", |second| second.latency.p99),
        line("max", |second| second.latency.max),
    ];
    Figure {
        title: "Memory, disk and latency over time at a constant rate".into(),
        x: "minutes".into(),
        panels: vec![
            panel("Resident memory, MiB", vec![line("memory", |second| second.memory)]),
            panel("Store on disk, MiB", vec![line("disk", |second| second.disk)]),
            panel("Orders in the store", vec![line("orders", |second| second.orders as f64)]),
            Panel::new("From due to event, ms", Scale::Log, latency),
        ],
    }
}
