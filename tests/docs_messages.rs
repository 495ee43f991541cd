//! The examples of docs/messages.md are commands, one of each type; docs/reasons.md has every reason; the keys and commands that
//! docs/operations.md names exist.

use clap::Parser as _;
use orderly::cli::Cli;
use orderly::config::Config;
use orderly_domain::command::{Command, Kind};
use orderly_domain::verdict::{Reason, Verdict};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn every_example_is_a_command_and_every_command_has_one() {
    let page = include_str!("../docs/messages.md");
    let block = page.split("```jsonl\n").nth(1).expect("a block").split("```").next();
    let mut seen = BTreeSet::new();
    let mut orders: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for line in block.expect("its end").lines() {
        let example: serde_json::Value = serde_json::from_str(line).expect(line);
        let name = example["type"].as_str().expect(line);
        let kind = Kind::from_name(name).expect(line);
        let parsed = Command::parse(kind, example["data"].to_string().as_bytes());
        assert!(parsed.is_ok(), "{line}: {parsed:?}");
        seen.insert(kind.as_str());
        let order = example["data"]["order_id"].as_str().unwrap_or_default();
        orders.entry(kind.as_str()).or_default().insert(order.to_owned());
    }
    // the page warns of both for the same goods: all of their money would be asked back
    let (amended, refunded) = (&orders["order.amend"], &orders["refund.request"]);
    assert!(amended.is_disjoint(refunded), "{amended:?} {refunded:?}");
    let all: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(seen, all);
}

#[test]
fn every_reason_has_a_row_that_says_what_to_do() {
    let page = include_str!("../docs/reasons.md").split("\n## Where else").next().expect("a part");
    let rows = page.lines().filter_map(|line| {
        let cells = line.strip_prefix("| `")?.trim_end().strip_suffix('|')?;
        let cells: Vec<_> = cells.split('|').map(str::trim).collect();
        Some((cells[0].trim_end_matches('`'), cells))
    });
    let rows: BTreeMap<_, _> = rows.collect();
    let all: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    let named: BTreeSet<_> = rows.keys().copied().collect();
    assert_eq!(named, all);
    for (reason, cells) in rows {
        let is_parked = Verdict::ALL.iter().any(|verdict| cells[1] == format!("`{verdict}`"));
        assert_eq!(cells.len(), 4, "{reason}");
        assert!(!is_parked || !cells[3].is_empty(), "{reason}");
    }
}

/// The keys of the configuration, such as `broker.url`.
fn keys(value: &serde_json::Value, path: &str, found: &mut BTreeSet<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        keys(value, &path, found);
        found.insert(path);
    }
}

#[test]
fn the_guide_names_keys_that_exist() {
    let config = serde_json::to_value(Config::default()).expect("JSON");
    let mut known = BTreeSet::new();
    keys(&config, "", &mut known);
    let page = include_str!("../docs/operations.md");
    // a key is in backquotes, with a value or without one
    let quoted = page.split('`').skip(1).step_by(2);
    let words = quoted.filter_map(|text| text.split([' ', '=']).next());
    let is_key = |word: &&str| {
        let (section, key) = word.split_once('.').unwrap_or_default();
        let plain = |letter: char| letter.is_ascii_lowercase() || letter == '_' || letter == '.';
        known.contains(section) && !key.is_empty() && key.chars().all(plain)
    };
    let named: BTreeSet<_> = words.filter(is_key).collect();
    assert!(named.len() > 30, "{named:?}");
    for key in named {
        assert!(known.contains(key), "there is no key {key}");
    }
}

#[test]
fn the_guide_names_commands_that_exist() {
    let page = include_str!("../docs/operations.md");
    let mut count = 0;
    for line in page.lines().filter(|line| !line.starts_with('|')) {
        let line = line.split(" #").next().unwrap_or_default();
        // behind variables, if there are any
        let mut words = line.split_whitespace().skip_while(|word| word.contains('=')).peekable();
        if words.peek() == Some(&"orderly") && !line.ends_with([',', '.']) {
            let words: Vec<_> = words.collect();
            let is_known = match Cli::try_parse_from(&words) {
                Ok(_) => true,
                Err(error) => error.kind() == clap::error::ErrorKind::DisplayVersion,
            };
            assert!(is_known, "{line}");
            count += 1;
        }
    }
    assert!(count >= 6, "{count} commands");
}
