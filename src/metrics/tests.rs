//! What the exposition shows.

use super::*;
use orderly_domain::command::Kind;

/// The value of a series in the exposition.
fn value(exporter: &Exporter, series: &str) -> Option<f64> {
    exporter.render().lines().find_map(|line| {
        let (name, value) = line.rsplit_once(' ')?;
        (name == series).then(|| value.parse().ok())?
    })
}

#[test]
fn all_series_are_there_from_the_start() {
    let (_metrics, exporter) = Metrics::new();
    let expected = [
        "orderly_commands_total{type=\"order.place\",verdict=\"applied\"}",
        "orderly_commands_total{type=\"other\",verdict=\"invalid\"}",
        "orderly_ignored_fields_total{type=\"cart.checkout\"}",
        "orderly_command_duration_seconds_count{stage=\"wait\"}",
        "orderly_command_duration_seconds_count{stage=\"total\"}",
        "orderly_in_flight",
        "orderly_group_commit_size_count",
        "orderly_store_flush_seconds_count",
        "orderly_store_bytes",
        "orderly_outbox_pending",
        "orderly_outbox_oldest_seconds",
        "orderly_degraded{reason=\"events_rejected\"}",
        "orderly_retries_total{type=\"payment.callback\"}",
        "orderly_parked{reason=\"conflict\"}",
        "orderly_dead_lettered_total{reason=\"conflict\"}",
        "orderly_actor_restarts_total{actor=\"inventory\"}",
        "orderly_orders{status=\"refund_due\"}",
        "orderly_waiting_callbacks",
        "orderly_notifications_total{channel=\"amqp\",outcome=\"delivered\"}",
        "orderly_breaker_state{channel=\"amqp\"}",
        "orderly_ready",
        "orderly_spans_total{outcome=\"dropped\"}",
        "orderly_queue_messages",
        "orderly_disk_free_bytes",
        "orderly_audit_violations",
        "orderly_audit_timestamp_seconds",
        "orderly_attention",
        "orderly_parked_oldest_seconds",
        "orderly_refunds_pending",
        "orderly_refunds_pending_oldest_seconds",
        "orderly_channel_configured{channel=\"webhook\"}",
        "orderly_notifications_pending{channel=\"webhook\"}",
        "orderly_notifications_pending_oldest_seconds{channel=\"amqp\"}",
        "orderly_broker_connected",
        "orderly_broker_reconnects_total",
    ];
    for series in expected {
        assert_eq!(value(&exporter, series), Some(0.0), "{series}");
    }
    let version = env!("CARGO_PKG_VERSION");
    let build = format!("orderly_build_info{{version=\"{version}\"}}");
    assert_eq!(value(&exporter, &build), Some(1.0));
}

#[test]
fn every_metric_has_a_help_text() {
    let (_metrics, exporter) = Metrics::new();
    let exposition = exporter.render();
    for line in exposition.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = line.split(['{', ' ']).next().expect("a name");
        let name = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name);
        assert!(exposition.contains(&format!("# HELP {name} ")), "{name}");
    }
}

#[test]
fn a_verdict_is_counted_under_its_type() {
    let (metrics, exporter) = Metrics::new();
    metrics.commands(CommandType::Known(Kind::CartAdd), Verdict::Duplicate, 3);
    let counted = |kind: &str, verdict: &str| {
        let series = format!("orderly_commands_total{{type=\"{kind}\",verdict=\"{verdict}\"}}");
        value(&exporter, &series)
    };
    assert_eq!(counted("cart.add", "duplicate"), Some(3.0));
    assert_eq!(counted("cart.put", "duplicate"), Some(0.0));
    assert_eq!(counted("cart.add", "applied"), Some(0.0));
}

#[test]
fn durations_fall_into_explicit_buckets() {
    let (metrics, exporter) = Metrics::new();
    metrics.command_duration(Stage::Commit, Duration::from_millis(2), 5);
    let below = |bound: &str| {
        let series =
            format!("orderly_command_duration_seconds_bucket{{stage=\"commit\",le=\"{bound}\"}}");
        value(&exporter, &series)
    };
    assert_eq!(below("0.001"), Some(0.0));
    assert_eq!(below("0.0025"), Some(5.0));
    assert_eq!(below("+Inf"), Some(5.0));
}

#[test]
fn gauges_show_the_last_value() {
    let (metrics, exporter) = Metrics::new();
    metrics.in_flight(7);
    metrics.broker_connected();
    metrics.breaker(Channel::Amqp, breaker::State::Open);
    assert_eq!(value(&exporter, "orderly_in_flight"), Some(7.0));
    assert_eq!(value(&exporter, "orderly_broker_connected"), Some(1.0));
    assert_eq!(value(&exporter, "orderly_breaker_state{channel=\"amqp\"}"), Some(2.0));
    metrics.broker_disconnected();
    assert_eq!(value(&exporter, "orderly_broker_connected"), Some(0.0));
}

#[test]
fn the_role_in_the_cluster_is_one_of_four() {
    let (metrics, exporter) = Metrics::new();
    let shown = |role: &str| value(&exporter, &format!("orderly_cluster_role{{role=\"{role}\"}}"));
    let roles = || ["joining", "standby", "claiming", "owner"].map(shown);
    metrics.cluster_role(ClusterRole::Claiming);
    assert_eq!(roles(), [Some(0.0), Some(0.0), Some(1.0), Some(0.0)]);
    metrics.cluster_role(ClusterRole::Owner);
    assert_eq!(roles(), [Some(0.0), Some(0.0), Some(0.0), Some(1.0)]);
    metrics.cluster(7, 3);
    metrics.journal(Duration::from_millis(1500), 4096);
    assert_eq!(value(&exporter, "orderly_cluster_epoch"), Some(7.0));
    assert_eq!(value(&exporter, "orderly_cluster_members"), Some(3.0));
    assert_eq!(value(&exporter, "orderly_journal_lag_seconds"), Some(1.5));
    assert_eq!(value(&exporter, "orderly_journal_in_flight_bytes"), Some(4096.0));
    metrics.journal_headroom(f64::INFINITY);
    assert_eq!(value(&exporter, "orderly_journal_headroom_seconds"), Some(f64::INFINITY));
}

#[test]
fn a_group_commit_counts_once_however_large() {
    let (metrics, exporter) = Metrics::new();
    metrics.group_commit(250, Duration::from_micros(300));
    assert_eq!(value(&exporter, "orderly_group_commit_size_count"), Some(1.0));
    assert_eq!(value(&exporter, "orderly_group_commit_size_sum"), Some(250.0));
    let below = "orderly_store_flush_seconds_bucket{le=\"0.0005\"}";
    assert_eq!(value(&exporter, below), Some(1.0));
}

#[test]
fn the_work_of_the_store_is_told_apart() {
    let (metrics, exporter) = Metrics::new();
    metrics.store_work(Upkeep::Merge, Duration::from_millis(3));
    metrics.store_work(Upkeep::Merge, Duration::from_millis(1));
    metrics.store_work(Upkeep::Checkpoint, Duration::from_millis(30));
    let of = |part: &str, work: &str| {
        value(&exporter, &format!("orderly_store_work_seconds_{part}{{work=\"{work}\"}}"))
    };
    let counts = ["checkpoint", "merge", "expire"].map(|work| of("count", work));
    assert_eq!(counts, [Some(1.0), Some(2.0), Some(0.0)]);
    assert_eq!(of("sum", "merge"), Some(0.004));
}

#[test]
fn the_process_is_shown_as_other_programs_show_theirs() {
    let (_metrics, exporter) = Metrics::new();
    let shown = |series| value(&exporter, series).expect("it is there");
    assert!(shown("process_cpu_seconds_total") >= 0.0);
    let (resident, virtual_memory) =
        (shown("process_resident_memory_bytes"), shown("process_virtual_memory_bytes"));
    assert!(resident > 1e6 && virtual_memory >= resident, "{resident} {virtual_memory}");
    let (open, most) = (shown("process_open_fds"), shown("process_max_fds"));
    assert!(open >= 3.0 && most >= open, "{open} {most}");
    assert!(shown("process_threads") >= 1.0);
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs_f64();
    let age = now - shown("process_start_time_seconds");
    assert!((-2.0..3600.0).contains(&age), "started {age} s ago");
}
