//! What the files in `deploy/` and the runbooks say, for tests. The files of rules are read by their lines: each key is on a line
//! of its own.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use serde_json::Value;
use std::path::Path;

/// A file of the repository.
pub(crate) fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).expect("it is there")
}

/// An alert of `deploy/alerts.yml`.
pub(crate) struct Alert {
    pub(crate) name: String,
    pub(crate) expression: String,
    pub(crate) severity: String,
    pub(crate) runbook: String,
}

/// Every alert, in order.
pub(crate) fn alerts() -> Vec<Alert> {
    let text = file("deploy/alerts.yml");
    let alerts = text.split("- alert: ").skip(1);
    let alerts: Vec<_> = alerts
        .map(|alert| {
            let value = |key: &str| {
                let found = alert.lines().find_map(|line| line.trim().strip_prefix(key));
                let name = alert.lines().next().unwrap_or_default();
                found.unwrap_or_else(|| panic!("{name}: no {key}")).trim().to_owned()
            };
            let severity = value("labels: { severity:");
            Alert {
                name: alert.lines().next().expect("a name").trim().to_owned(),
                expression: value("expr:"),
                severity: severity.trim_end_matches([' ', '}']).to_owned(),
                runbook: value("runbook_url:").trim_matches('\'').to_owned(),
            }
        })
        .collect();
    assert!(alerts.len() > 15, "{}", alerts.len());
    alerts
}

/// The recorded series, each with its expression.
pub(crate) fn recorded() -> Vec<(String, String)> {
    let text = file("deploy/recording.yml");
    let rules = text.split("- record: ").skip(1);
    let rules: Vec<_> = rules
        .map(|rule| {
            let (name, rest) = rule.split_once('\n').expect("a name");
            let lines = rest.lines().map(str::trim);
            let lines = lines.take_while(|line| !line.is_empty() && !line.starts_with('#'));
            let text = lines.collect::<Vec<_>>().join(" ");
            let expression = text.trim_start_matches("expr:").trim().trim_start_matches(">-");
            (name.trim().to_owned(), expression.trim().to_owned())
        })
        .collect();
    assert!(rules.len() > 3, "{}", rules.len());
    rules
}

/// The expressions of the dashboard.
pub(crate) fn expressions_of_dashboard() -> Vec<String> {
    let dashboard: Value =
        serde_json::from_str(&file("deploy/grafana/orderly.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("a list").iter();
    let mut expressions = Vec::new();
    for panel in panels.filter(|panel| panel["type"] != "row") {
        let title = panel["title"].as_str().expect("a title");
        let about = panel["description"].as_str().unwrap_or_default();
        assert!(about.ends_with('.'), "{title} has no description");
        let unit = &panel["fieldConfig"]["defaults"]["unit"];
        assert!(unit.is_string(), "{title} has no unit");
        let targets = panel["targets"].as_array().expect("a list");
        assert!(!targets.is_empty(), "{title} asks for nothing");
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
            expressions.push(target["expr"].as_str().expect("an expression").to_owned());
        }
    }
    assert!(expressions.len() > 40, "{}", expressions.len());
    expressions
}

/// The sections of `docs/runbooks.md`: the name of the alert, and the text.
pub(crate) fn sections() -> Vec<(String, String)> {
    let text = file("docs/runbooks.md");
    let sections = text.split("\n## ").skip(1);
    let sections = sections.map(|section| {
        let (name, text) = section.split_once('\n').expect("a text");
        (name.trim().to_owned(), text.to_owned())
    });
    sections.collect()
}

/// The commands in the runbooks, each once.
pub(crate) fn commands() -> Vec<String> {
    let text = file("docs/runbooks.md");
    let mut commands: Vec<String> = Vec::new();
    let mut is_within = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_within = line == "```sh";
        } else if is_within && !commands.iter().any(|known| known == line) {
            commands.push(line.to_owned());
        }
    }
    assert!(commands.len() > 30, "{}", commands.len());
    commands
}
