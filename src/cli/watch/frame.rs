//! One picture of the shop, as lines of text. It fits into 80 columns and 24 lines; a larger terminal shows more of what is
//! degraded.

use super::sample::{Metrics, Sample};
use orderly_domain::order::Status;
use orderly_domain::verdict::Verdict;
use std::fmt::Write as _;

/// The column where the orders begin.
const SECOND: usize = 46;
/// The quantiles of the latency that are shown.
const QUANTILES: [(&str, f64); 2] = [("half", 0.5), ("99 of 100", 0.99)];

/// The size of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) lines: usize,
}

impl Size {
    /// What every terminal has.
    pub(super) const LEAST: Self = Self { columns: 80, lines: 24 };
}

/// The picture of now. Rates are those since `before`.
pub(super) fn frame(of: &str, before: &Sample, now: &Sample, size: Size) -> Vec<String> {
    let mut lines = vec![title(of, now), state(now)];
    let (table, figures) = (table(before, now), figures(before, now));
    let room = size.lines.saturating_sub(lines.len() + table.len() + figures.len());
    lines.extend(details(now, room));
    // empty lines where there is room for them
    let is_room = lines.len() + table.len() + figures.len() < size.lines;
    lines.extend(is_room.then(String::new));
    lines.extend(table.iter().cloned());
    let is_room = lines.len() + figures.len() < size.lines;
    lines.extend(is_room.then(String::new));
    lines.extend(figures);
    fit(lines, size)
}

/// What is wrong, in so many lines.
fn details(now: &Sample, room: usize) -> Vec<String> {
    let all = now.reasons.iter().chain(&now.degraded);
    let mut all: Vec<_> = all.map(|(reason, detail)| format!("! {reason}: {detail}")).collect();
    if all.len() > room {
        let left = all.len() - room.saturating_sub(1);
        all.truncate(room.saturating_sub(1));
        all.extend((room > 0).then(|| format!("! {left} more in /readyz")));
    }
    all
}

/// The picture when the processor does not answer.
pub(super) fn silent(of: &str, at: &str, problem: &str, size: Size) -> Vec<String> {
    fit(vec![format!("orderly at {of}  {at}"), "NO ANSWER".to_owned(), problem.to_owned()], size)
}

/// Cuts what does not fit. A line that is cut ends with "…", and so does a list of lines.
fn fit(mut lines: Vec<String>, size: Size) -> Vec<String> {
    if lines.len() > size.lines {
        lines.truncate(size.lines.saturating_sub(1));
        lines.push("…".to_owned());
    }
    let cut = |line: String| match line.char_indices().nth(size.columns) {
        None => line,
        Some(_) => line.chars().take(size.columns.saturating_sub(1)).chain(['…']).collect(),
    };
    lines.into_iter().map(cut).collect()
}

fn title(of: &str, now: &Sample) -> String {
    let versions = now.metrics.by("orderly_build_info", "version");
    let version = versions.keys().next().copied().unwrap_or("");
    format!("orderly {version} at {of}  {}  q: quit", seconds(&now.at.to_string()))
}

/// A time of RFC 3339 in whole seconds.
pub(super) fn seconds(at: &str) -> String {
    at.get(..19).unwrap_or(at).replacen('T', " ", 1) + " UTC"
}

fn state(now: &Sample) -> String {
    let names = |of: &[(String, String)]| {
        let names: Vec<_> = of.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    };
    if !now.reasons.is_empty() {
        return format!("NOT READY: {}", names(&now.reasons));
    }
    if !now.degraded.is_empty() {
        return format!("ready, DEGRADED: {}", names(&now.degraded));
    }
    "ready".to_owned()
}

/// Commands by verdict beside orders by status.
fn table(before: &Sample, now: &Sample) -> Vec<String> {
    const COMMANDS: &str = "orderly_commands_total";
    let (was, is) = (before.metrics.by(COMMANDS, "verdict"), now.metrics.by(COMMANDS, "verdict"));
    let passed = passed(before, now);
    let of = |counts: &std::collections::BTreeMap<&str, f64>, name| {
        counts.get(name).copied().unwrap_or_default()
    };
    let row = |name: &str, was: f64, is: f64| {
        format!("{name:<12}{:>12}{:>16}", rate((is - was) / passed), count(is))
    };
    let mut left = vec![format!("{:<12}{:>12}{:>16}", "COMMANDS", "per second", "since the start")];
    left.push(row("all", was.values().sum(), is.values().sum()));
    left.extend(Verdict::ALL.iter().map(|verdict| {
        let name = verdict.as_str();
        row(name, of(&was, name), of(&is, name))
    }));
    let orders = now.metrics.by("orderly_orders", "status");
    let mut right = vec![format!("{:<20}{:>12}", "ORDERS", count(orders.values().sum()))];
    right.extend(Status::ALL.iter().map(|status| {
        let name = status.as_str();
        format!("{:<20}{:>12}", name.replace('_', " "), count(of(&orders, name)))
    }));
    let lines = left.len().max(right.len());
    let at = |column: &[String], line: usize| column.get(line).cloned().unwrap_or_default();
    let beside = |line| format!("{:<SECOND$}{}", at(&left, line), at(&right, line));
    (0..lines).map(|line| beside(line).trim_end().to_owned()).collect()
}

/// Everything else, a line for each subject.
fn figures(before: &Sample, now: &Sample) -> Vec<String> {
    let (metrics, then) = (&now.metrics, &before.metrics);
    let named = |counts: std::collections::BTreeMap<&str, f64>| {
        let some = counts.into_iter().filter(|(_, number)| *number > 0.0);
        let some: Vec<_> = some.map(|(name, number)| format!("{name} {}", count(number))).collect();
        if some.is_empty() { "none".to_owned() } else { some.join(", ") }
    };
    let connected =
        if metrics.sum("orderly_broker_connected") > 0.0 { "connected" } else { "AWAY" };
    let breakers = metrics.by("orderly_breaker_state", "channel");
    let open: Vec<_> = breakers.into_iter().filter(|(_, state)| *state > 0.0).collect();
    let open: Vec<_> = open.into_iter().map(|(channel, _)| channel).collect();
    let down = if open.is_empty() { String::new() } else { format!("  DOWN: {}", open.join(", ")) };
    vec![
        format!("time        {}", latency(then, metrics)),
        format!(
            "broker      {connected}, {} reconnects, {} in flight",
            count(metrics.sum("orderly_broker_reconnects_total")),
            count(metrics.sum("orderly_in_flight"))
        ),
        format!(
            "outbox      {} events, the oldest {} s old",
            count(metrics.sum("orderly_outbox_pending")),
            count(metrics.sum("orderly_outbox_oldest_seconds"))
        ),
        format!("parked      {}", named(metrics.by("orderly_parked", "reason"))),
        format!(
            "waiting     {} callbacks; retries {}; dead-lettered {}",
            count(metrics.sum("orderly_waiting_callbacks")),
            count(metrics.sum("orderly_retries_total")),
            count(metrics.sum("orderly_dead_lettered_total"))
        ),
        format!(
            "notified    {}{down}",
            named(metrics.by("orderly_notifications_total", "outcome"))
        ),
        format!(
            "store       {:.1} MiB; {}",
            metrics.sum("orderly_store_bytes") / 1_048_576.0,
            actors(now)
        ),
    ]
}

fn actors(now: &Sample) -> String {
    let restarts: u64 = now.actors.iter().map(|actor| actor.restarts).sum();
    let not_running = now.actors.iter().filter(|actor| actor.state != "running");
    let not_running: Vec<_> =
        not_running.map(|actor| format!("{} {}", actor.name, actor.state.to_uppercase())).collect();
    let mut text = format!("{} actors, {restarts} restarts", now.actors.len());
    if !not_running.is_empty() {
        let _ = write!(text, ": {}", not_running.join(", "));
    }
    text
}

/// How long commands took from receipt to publication since `before`, or since the start when there were none.
fn latency(before: &Metrics, now: &Metrics) -> String {
    const NAME: &str = "orderly_command_duration_seconds";
    const TOTAL: (&str, &str) = ("stage", "total");
    let is = now.buckets(NAME, TOTAL);
    let was = before.buckets(NAME, TOTAL);
    let differences = is.iter().zip(&was).map(|((bound, is), (_, was))| (*bound, is - was));
    let recent: Vec<_> = differences.collect();
    let all = |buckets: &[(f64, f64)]| buckets.last().map_or(0.0, |(_, count)| *count);
    let (buckets, when) =
        if all(&recent) > 0.0 { (recent, "now") } else { (is, "since the start") };
    if all(&buckets) < 1.0 {
        return "no command yet".to_owned();
    }
    let within = QUANTILES.map(|(name, share)| {
        let wanted = all(&buckets) * share;
        let bound = buckets.iter().find(|(_, count)| *count >= wanted).map(|(bound, _)| *bound);
        match bound {
            Some(bound) if bound.is_finite() => format!("{name} within {}", span(bound)),
            _ => format!("{name} in more than {}", span(longest(&buckets))),
        }
    });
    format!("{} ({when})", within.join(", "))
}

/// The longest time that a bucket tells apart.
fn longest(buckets: &[(f64, f64)]) -> f64 {
    buckets.iter().map(|(bound, _)| *bound).filter(|bound| bound.is_finite()).fold(0.0, f64::max)
}

/// Seconds as a person reads them.
fn span(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{} ms", significant(seconds * 1000.0))
    } else {
        format!("{} s", significant(seconds))
    }
}

fn significant(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The seconds between two samples, never 0.
fn passed(before: &Sample, now: &Sample) -> f64 {
    now.elapsed.saturating_sub(before.elapsed).as_secs_f64().max(0.001)
}

fn rate(per_second: f64) -> String {
    // a processor that started anew counts from 0
    format!("{:.1}", per_second.max(0.0))
}

/// A whole number, with a comma every three digits.
fn count(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0));
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests;
