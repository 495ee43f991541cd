//! The files in `deploy/` beside the program: the metrics that they use exist, every alert has its tests and its runbook, and
//! the commands of the runbooks are commands of the program.

#[path = "support/deploy.rs"]
mod deploy;

use clap::Parser as _;
use deploy::{Alert, alerts, commands, expressions_of_dashboard, file, recorded, sections};
use orderly::cli::Cli;
use orderly::metrics::Metrics;
use std::collections::BTreeSet;
use std::process::Command;

/// The names of series in a text that begin so.
fn names<'a>(text: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let is_of_name =
        |character: char| character.is_ascii_alphanumeric() || "_:".contains(character);
    let words = text.split(|character: char| !is_of_name(character));
    words.filter(|word| word.starts_with(prefix)).collect()
}

fn expressions() -> String {
    let alerts = alerts().into_iter().map(|alert| alert.expression);
    let recorded = recorded().into_iter().map(|(_, expression)| expression);
    alerts.chain(recorded).chain(expressions_of_dashboard()).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_series_that_is_used_exists_from_the_start() {
    let (_metrics, exporter) = Metrics::new();
    let exposed = exporter.render();
    let there: BTreeSet<&str> = exposed
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let expressions = expressions();
    let used: BTreeSet<_> =
        ["orderly_", "process_"].iter().flat_map(|prefix| names(&expressions, prefix)).collect();
    assert!(used.len() > 30, "{used:?}");
    for name in &used {
        assert!(there.contains(name), "{name} is not exposed");
    }
    let recorded: BTreeSet<_> = recorded().into_iter().map(|(name, _)| name).collect();
    let recorded = recorded.iter().map(String::as_str).collect();
    assert_eq!(names(&expressions, "orderly:"), recorded, "what is used, and what is recorded");
    // what exists is shown; the exceptions are the bounds and sums behind what is
    let families = exposed.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let families = families.filter_map(|line| line.split(' ').next());
    let unused = ["orderly_channel_configured", "process_virtual_memory_bytes"];
    for family in families.filter(|family| !unused.contains(family)) {
        assert!(used.iter().any(|name| name.starts_with(family)), "nothing shows {family}");
    }
}

#[test]
fn every_label_that_is_asked_for_has_that_value() {
    let (_metrics, exporter) = Metrics::new();
    let exposed = exporter.render();
    let asked = regex_lite::Regex::new(r#"(type|verdict|stage|outcome)=~?"([^"$]+)""#);
    let expressions = expressions();
    let mut found = 0;
    for capture in asked.expect("a pattern").captures_iter(&expressions) {
        for value in capture[2].split('|') {
            let label = format!("{}=\"{value}\"", &capture[1]);
            assert!(exposed.contains(&label), "{label}");
            found += 1;
        }
    }
    assert!(found > 10, "{found}");
}

#[test]
fn every_alert_says_how_bad_it_is_and_has_tests_and_a_runbook() {
    let tests = file("deploy/alerts.test.yml");
    let alerts = alerts();
    for Alert { name, severity, runbook, .. } in &alerts {
        let fires = tests.lines().any(|line| line.trim() == format!("alertname: {name}"));
        let is_silent = tests.contains(&format!("eval_time: 9h, alertname: {name} }}"));
        assert!(fires && is_silent, "{name}");
        assert!(["critical", "warning", "info"].contains(&severity.as_str()), "{name}");
        assert!(runbook.ends_with(&format!("}}#{}", name.to_lowercase())), "{name}: {runbook}");
    }
    let names: BTreeSet<_> = alerts.iter().map(|alert| alert.name.as_str()).collect();
    let sections = sections();
    let described: BTreeSet<_> = sections.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, described, "the alerts, and the sections of docs/runbooks.md");
    for (name, text) in &sections {
        for part in ["**Means**", "**See**", "**Repair**", "**Escalate**"] {
            assert!(text.contains(part), "{name}: {part}");
        }
    }
}

#[test]
fn the_commands_of_the_runbooks_are_commands_of_the_program() {
    let commands = commands();
    let of_program = commands.iter().filter(|command| command.starts_with("orderly "));
    let mut tried = 0;
    for command in of_program {
        let words = command.split_whitespace();
        if let Err(problem) = Cli::try_parse_from(words) {
            panic!("{command}: {problem}");
        }
        tried += 1;
    }
    assert!(tried > 15, "{tried}");
    let known = [
        "orderly",
        "curl",
        "rabbitmqctl",
        "rabbitmq-diagnostics",
        "systemctl",
        "journalctl",
        "df",
        "ls",
        "iostat",
    ];
    for command in &commands {
        let program = command.split(' ').next().expect("a program");
        assert!(known.contains(&program), "{command}");
    }
}

#[test]
fn the_links_between_runbooks_lead_somewhere() {
    let text = file("docs/runbooks.md");
    let anchors: BTreeSet<_> =
        sections().into_iter().map(|(name, _)| name.to_lowercase()).collect();
    for link in text.split("](#").skip(1) {
        let anchor = link.split(')').next().expect("an end");
        assert!(anchors.contains(anchor), "{anchor}");
    }
}

/// With the tools of Prometheus: the rules are right, each alert fires when it should, and is silent otherwise.
#[test]
fn prometheus_accepts_the_rules_and_their_tests_pass() {
    for arguments in
        [["check", "config", "deploy/prometheus.yml"], ["test", "rules", "deploy/alerts.test.yml"]]
    {
        let done = Command::new("promtool")
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("promtool runs; Debian has it in the package prometheus");
        let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{arguments:?}: {said}");
    }
}
