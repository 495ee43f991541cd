//! Pictures: what the admin API said at two moments, and the lines that are made of it.

use super::super::sample::{Actor, Metrics, Sample};
use super::{Size, count, frame, silent};
use orderly_domain::time::Timestamp;
use std::time::Duration;

fn sample(seconds: u64, metrics: &str) -> Sample {
    let actor =
        |name: &str| Actor { name: name.to_owned(), state: "running".to_owned(), restarts: 1 };
    Sample {
        at: Timestamp::from_seconds(1_700_000_000),
        elapsed: Duration::from_secs(seconds),
        reasons: vec![],
        degraded: vec![],
        metrics: Metrics::parse(metrics),
        actors: ["order", "cart"].map(actor).into(),
    }
}

const BEFORE: &str = "\
# HELP orderly_commands_total Commands
orderly_build_info{version=\"0.1.0\"} 1
orderly_commands_total{type=\"order.place\",verdict=\"applied\"} 1000
orderly_commands_total{type=\"order.place\",verdict=\"rejected\"} 5
orderly_command_duration_seconds_bucket{stage=\"total\",le=\"0.005\"} 900
orderly_command_duration_seconds_bucket{stage=\"total\",le=\"0.05\"} 1000
orderly_command_duration_seconds_bucket{stage=\"total\",le=\"+Inf\"} 1005
orderly_command_duration_seconds_bucket{stage=\"wait\",le=\"+Inf\"} 77
";

const NOW: &str = "\
orderly_build_info{version=\"0.1.0\"} 1
orderly_commands_total{type=\"order.place\",verdict=\"applied\"} 1100
orderly_commands_total{type=\"stock.set\",verdict=\"applied\"} 1000000
orderly_commands_total{type=\"order.place\",verdict=\"rejected\"} 5
orderly_command_duration_seconds_bucket{stage=\"total\",le=\"0.005\"} 990
orderly_command_duration_seconds_bucket{stage=\"total\",le=\"0.05\"} 1100
orderly_command_duration_seconds_bucket{stage=\"total\",le=\"+Inf\"} 1105
orderly_orders{status=\"awaiting_payment\"} 12
orderly_orders{status=\"paid\"} 1500
orderly_broker_connected 1
orderly_broker_reconnects_total 2
orderly_in_flight 7
orderly_outbox_pending 3
orderly_outbox_oldest_seconds 4
orderly_parked{reason=\"invalid\"} 0
orderly_parked{reason=\"conflict\"} 2
orderly_waiting_callbacks 6
orderly_retries_total{type=\"order.place\"} 1
orderly_dead_lettered_total{reason=\"conflict\"} 0
orderly_notifications_total{channel=\"amqp\",outcome=\"delivered\"} 1500
orderly_breaker_state{channel=\"amqp\"} 0
orderly_breaker_state{channel=\"webhook\"} 2
orderly_store_bytes 3145728
";

/// The words of the line that begins with a word.
fn line<'a>(lines: &'a [String], first: &str) -> Vec<&'a str> {
    let found = lines.iter().find(|line| line.starts_with(first));
    found.unwrap_or_else(|| panic!("{first} in {lines:#?}")).split_whitespace().collect()
}

#[test]
fn a_picture_has_totals_rates_and_what_is_open() {
    let lines = frame("http://shop:8080", &sample(10, BEFORE), &sample(12, NOW), Size::LEAST);
    assert_eq!(lines[0], "orderly 0.1.0 at http://shop:8080  2023-11-14 22:13:20 UTC  q: quit");
    assert_eq!(lines[1], "ready");
    // 1,000,100 more in 2 s
    assert_eq!(line(&lines, "applied")[..3], ["applied", "500050.0", "1,001,100"]);
    assert_eq!(line(&lines, "rejected")[..3], ["rejected", "0.0", "5"]);
    assert_eq!(line(&lines, "all")[..3], ["all", "500050.0", "1,001,105"]);
    let text = lines.join("\n");
    for part in [
        "ORDERS                     1,512",
        "awaiting payment              12",
        "paid                       1,500",
        // of the 100 since the sample before: 90 within 5 ms, all within 50 ms
        "half within 5 ms, 99 of 100 within 50 ms (now)",
        "connected, 2 reconnects, 7 in flight",
        "3 events, the oldest 4 s old",
        "parked      conflict 2\n",
        "6 callbacks; retries 1; dead-lettered 0",
        "notified    delivered 1,500  DOWN: webhook",
        "store       3.0 MiB; 2 actors, 2 restarts",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
}

#[test]
fn a_picture_fits_into_any_terminal_and_says_what_is_wrong() {
    let mut now = sample(12, NOW);
    let before = sample(10, BEFORE);
    let whole = frame("http://shop:8080", &before, &now, Size::LEAST);
    assert!(whole.len() <= 24 && whole.iter().all(|line| line.chars().count() <= 80), "{whole:#?}");
    assert!(!whole.iter().any(|line| line.contains('…')), "{whole:#?}");

    now.degraded = vec![("events_rejected".to_owned(), "a queue ".repeat(20)); 3];
    now.actors[1].state = "restarting".to_owned();
    for size in [Size::LEAST, Size { columns: 40, lines: 10 }, Size { columns: 1, lines: 1 }] {
        let lines = frame("http://shop:8080", &before, &now, size);
        assert!(lines.len() <= size.lines, "{lines:#?}");
        assert!(lines.iter().all(|line| line.chars().count() <= size.columns), "{lines:#?}");
    }
    let all = frame("x", &before, &now, Size { columns: 200, lines: 50 });
    assert_eq!(all[1], "ready, DEGRADED: events_rejected, events_rejected, events_rejected");
    assert!(all.iter().any(|line| line.starts_with("! events_rejected: a queue")), "{all:#?}");
    assert!(all.iter().any(|line| line.ends_with("2 restarts: cart RESTARTING")), "{all:#?}");

    let least = frame("x", &before, &now, Size::LEAST);
    assert_eq!(least.len(), 24);
    assert!(
        least[2].starts_with("! events_rejected: a queue") && least[2].ends_with('…'),
        "{least:#?}"
    );
    assert_eq!(least[3], "! 2 more in /readyz");
    assert!(line(&least, "store").join(" ").ends_with("cart RESTARTING"), "{least:#?}");

    now.reasons = vec![("broker".to_owned(), "no connection".to_owned())];
    let all = frame("x", &before, &now, Size::LEAST);
    assert_eq!(all[1], "NOT READY: broker");
    assert!(silent("x", "now", "refused", Size::LEAST).contains(&"NO ANSWER".to_owned()));
}

#[test]
fn a_processor_that_started_anew_has_no_negative_rates_and_an_idle_one_shows_its_whole_time() {
    let anew = frame("x", &sample(1, NOW), &sample(2, BEFORE), Size::LEAST);
    assert_eq!(line(&anew, "applied")[1], "0.0");
    let idle = frame("x", &sample(1, NOW), &sample(2, NOW), Size::LEAST);
    assert_eq!(line(&idle, "applied")[..3], ["applied", "0.0", "1,001,100"]);
    assert!(
        line(&idle, "time")
            .join(" ")
            .contains("half within 5 ms, 99 of 100 within 50 ms (since the start)")
    );
    let empty = frame("x", &sample(1, ""), &sample(2, ""), Size::LEAST);
    assert_eq!(line(&empty, "time").join(" "), "time no command yet");
    assert_eq!(line(&empty, "broker")[1], "AWAY,");
}

#[test]
fn numbers_have_a_comma_every_three_digits() {
    for (number, text) in
        [(0.0, "0"), (999.0, "999"), (1000.0, "1,000"), (1_234_567.0, "1,234,567")]
    {
        assert_eq!(count(number), text);
    }
}
