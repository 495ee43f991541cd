//! The metrics that the files in `deploy/` use exist in the program.

use orderly::metrics::Metrics;
use std::collections::BTreeSet;
use std::path::Path;

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name);
    std::fs::read_to_string(path).expect("it is there")
}

/// The names of metrics of orderly in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words =
        text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.filter(|word| word.starts_with("orderly_")).collect()
}

#[test]
fn alerts_use_metrics_that_exist_from_the_start() {
    let (_metrics, exporter) = Metrics::new();
    let exposed = exporter.render();
    let there: BTreeSet<&str> = exposed
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let alerts = file("alerts.yml");
    let expressions: String = alerts.lines().filter(|line| line.contains("expr:")).collect();
    let watched = names(&expressions);
    assert!(watched.len() >= 7, "{watched:?}");
    for name in watched {
        assert!(there.contains(name), "{name} is not exposed");
    }
    for outcome in ["outcome=\"failed\"", "outcome=\"given_up\""] {
        assert!(expressions.contains(outcome), "{expressions}");
        assert!(exposed.contains(outcome), "{exposed}");
    }
}

#[test]
fn every_alert_has_a_test_of_its_own() {
    let (alerts, tests) = (file("alerts.yml"), file("alerts.test.yml"));
    let named = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    for alert in named {
        let fires = tests.lines().any(|line| line.trim() == format!("alertname: {alert}"));
        let is_silent = tests.contains(&format!("alertname: {alert} }}"));
        assert!(fires && is_silent, "{alert}");
    }
}
